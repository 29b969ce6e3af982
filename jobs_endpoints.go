package codeartsbuild

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
)

// JobEndpoint is a service endpoint of a project: a private repository of dependencies, and the access to it.
type JobEndpoint struct {
	ID            string           `json:"uuid"`
	Name          string           `json:"name"`
	URL           string           `json:"url"`
	ProjectID     string           `json:"project_uuid"` // of CodeArts
	Region        string           `json:"region_name"`
	ModuleID      string           `json:"module_id"` // the kind of endpoint
	CreatedBy     JobEndpointUser  `json:"created_by"`
	Authorization JobEndpointLogin `json:"authorization"`
	Data          json.RawMessage  `json:"data"` // not documented further
}

// JobEndpointUser is the user who made an endpoint.
type JobEndpointUser struct {
	ID   string `json:"user_id"`
	Name string `json:"username"`
}

// JobEndpointLogin is how builds log in to an endpoint. The service does not document the form.
type JobEndpointLogin struct {
	Scheme     json.RawMessage `json:"scheme"`
	Parameters json.RawMessage `json:"parameters"`
}

func (e *JobEndpoint) key() string { return e.ID }

// The documentation calls offset a number of a page, from 0 on.
var opListEndPoints = operation{
	name: "ListEndPoints", method: http.MethodGet, path: "/v1/job/{project_id}/nexus",
	list: &listing{page: "offset", size: "limit", rows: "endpoints", total: "total"},
}

// ListEndpoints returns one page of the private repositories of dependencies that a CodeArts project can use.
//
// API: ListEndPoints, GET /v1/job/{project_id}/nexus.
func (s *JobsService) ListEndpoints(ctx context.Context, projectID string, in *JobPageOptions, opts ...CallOption) (*Page[JobEndpoint], error) {
	o := orZero(in)
	return listPage[JobEndpoint](ctx, s.client, &opListEndPoints, []string{projectID}, o.Page, o.PageSize, nil, opts)
}

// AllEndpoints returns an iterator over the private repositories of dependencies that a CodeArts project can use. It
// reads a page when its first endpoint is wanted, and ends after the first error.
//
// API: ListEndPoints, GET /v1/job/{project_id}/nexus.
func (s *JobsService) AllEndpoints(ctx context.Context, projectID string, in *JobPageOptions, opts ...CallOption) iter.Seq2[*JobEndpoint, error] {
	return listAll(ctx, s.client, &opListEndPoints, []string{projectID}, orZero(in).PageSize, nil, (*JobEndpoint).key, opts)
}
