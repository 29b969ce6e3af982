package codeartsbuild

import (
	"context"
	"net/http"
)

// JobParameterKind is a kind of parameter that a job can have, and what its settings can be.
type JobParameterKind struct {
	Name     string                    `json:"name"`  // as in JobParameter.Kind
	Title    string                    `json:"title"` // shown to people
	Settings []JobParameterSettingKind `json:"params"`
}

// JobParameterSettingKind describes a setting of a kind of parameter.
type JobParameterSettingKind struct {
	Name        string                   `json:"name"` // as in JobParameterSetting.Name
	Title       string                   `json:"title"`
	Type        string                   `json:"type"` // such as "text"
	Required    bool                     `json:"required"`
	Deletion    bool                     `json:"deletion"` // it is deleted
	Defaults    bool                     `json:"defaults"` // it is one of the service's own
	Constraints []JobParameterConstraint `json:"constraints"`
}

// JobParameterConstraint limits the value of a setting.
type JobParameterConstraint struct {
	Type     string `json:"type"`     // such as minLen, maxLen or regex
	Value    string `json:"value"`    // a number or an expression, by Type
	ErrorMsg string `json:"errormsg"` // shown to people
	Language string `json:"language"`
	Region   string `json:"region"`
}

type parameterKinds struct {
	Kinds []JobParameterKind `json:"build_parameters"`
}

var opShowBuildParamsList = operation{name: "ShowBuildParamsList", method: http.MethodGet, path: "/v1/job/build-params"}

// ParameterKinds returns the kinds of parameters that a job can have.
//
// API: ShowBuildParamsList, GET /v1/job/build-params.
func (s *JobsService) ParameterKinds(ctx context.Context, opts ...CallOption) ([]JobParameterKind, error) {
	out, err := fetchValue[parameterKinds](ctx, s.client, &opShowBuildParamsList, nil, nil, opts)
	return out.Kinds, err
}

var opShowDefaultBuildParameters = operation{name: "ShowDefaultBuildParameters", method: http.MethodGet, path: "/v1/job/default-parameters"}

// DefaultParameters returns the parameters that a new job has, such as codeBranch.
//
// API: ShowDefaultBuildParameters, GET /v1/job/default-parameters.
func (s *JobsService) DefaultParameters(ctx context.Context, opts ...CallOption) ([]JobParameter, error) {
	return fetchValue[[]JobParameter](ctx, s.client, &opShowDefaultBuildParameters, nil, nil, opts)
}

// JobSystemParameter is a parameter that the service sets for each build.
type JobSystemParameter struct {
	ID          string `json:"id"`
	Name        string `json:"parameter_name"` // such as BUILDNUMBER or COMMIT_ID_SHORTER
	Description string `json:"description"`
}

var opShowJobSystemParameters = operation{name: "ShowJobSystemParameters", method: http.MethodGet, path: "/v1/job/system-parameters"}

// SystemParameters returns the parameters that the service sets for each build.
//
// API: ShowJobSystemParameters, GET /v1/job/system-parameters.
func (s *JobsService) SystemParameters(ctx context.Context, opts ...CallOption) ([]JobSystemParameter, error) {
	return fetchValue[[]JobSystemParameter](ctx, s.client, &opShowJobSystemParameters, nil, nil, opts)
}
