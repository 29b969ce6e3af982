package codeartsbuild

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"time"
)

// TemplatesService manages build templates: the official ones of the service, and the custom ones of a tenant. Its
// methods are safe for concurrent use.
type TemplatesService struct{ service }

// Template is a build template. The calls report different fields; the others are zero.
type Template struct {
	ID              string              `json:"id"`   // in the service's database; no call takes it
	UUID            string              `json:"uuid"` // the calls take it
	Name            string              `json:"name"`
	NickName        string              `json:"nick_name"`
	Description     string              `json:"description"`
	IntlDescription json.RawMessage     `json:"intl_description,omitzero"` // the form is not documented
	I18n            json.RawMessage     `json:"i18n,omitzero"`             // the form is not documented
	Scope           TemplateScope       `json:"scope"`
	Type            string              `json:"type"`      // such as "codeci"
	ToolType        string              `json:"tool_type"` // the kind of build, such as "maven", or YAML or ACTION
	Language        string              `json:"language"`
	Public          bool                `json:"public"`    // visible to all
	Favourite       bool                `json:"favourite"` // of the caller
	Weight          float64             `json:"weight"`    // the rank
	Content         TemplateContent     `json:"template"`
	Parameters      []TemplateParameter `json:"parameters"`
	UserID          string              `json:"user_id"` // who created it
	UserName        string              `json:"user_name"`
	DomainID        string              `json:"domain_id"` // the tenant
	DomainName      string              `json:"domain_name"`
	CreateTime      time.Time           `json:"create_time"`
}

// TemplateScope tells whose template it is.
type TemplateScope string

// The documented scopes.
const (
	TemplateCustom   TemplateScope = "custom"
	TemplateOfficial TemplateScope = "official"
)

// TemplateContent is the part of a job that comes from its template.
type TemplateContent struct {
	Steps               []TemplateStep  `json:"steps"`
	Actions             json.RawMessage `json:"actions,omitzero"` // the form is not documented
	AutoUpdateSubModule bool            `json:"auto_update_sub_module"`
	Image               string          `json:"image"`
	ImageSource         string          `json:"image_source"`
}

// TemplateStep is a step of a build. One edition of the documentation spells its names in camel case; the name that
// differs is read both ways, and sent as all examples have it.
type TemplateStep struct {
	ModuleID   string                     `json:"module_id" also:"moduleId"` // the kind of step, such as "devcloud2018.codeci_action_20043.action"
	Name       string                     `json:"name,omitzero"`
	Version    string                     `json:"version,omitzero"`    // of the kind of step, such as "20231001.6"
	Enable     bool                       `json:"enable"`              // the step runs; false is sent as well
	Properties map[string]json.RawMessage `json:"properties,omitzero"` // the settings, by kind of step
}

// TemplateParameter is a parameter of the jobs that are made from a template.
type TemplateParameter struct {
	Name     string                     `json:"name,omitzero"`   // the kind of definition; "" means "hudson.model.StringParameterDefinition"
	Settings []TemplateParameterSetting `json:"params,omitzero"` // the name of the parameter, its type, its default and more
}

// TemplateParameterSetting is a setting of a parameter, such as "name" or "defaultValue".
type TemplateParameterSetting struct {
	Name   string                   `json:"name,omitzero"`
	Value  string                   `json:"value"`           // also "true" and "false"
	Limits []TemplateParameterLimit `json:"limits,omitzero"` // the values of an enumeration
}

// TemplateParameterLimit is a value that an enumeration allows.
type TemplateParameterLimit struct {
	Name        string `json:"name,omitzero"` // the value
	DisplayName string `json:"display_name,omitzero"`
	Disable     string `json:"disable,omitzero"` // "0": the value is allowed, as by default
}

// TemplateRequest describes a new template. Name is required, and each step must have a ModuleID.
type TemplateRequest struct {
	Name        string              `json:"name"`
	Description string              `json:"description,omitzero"`
	ToolType    string              `json:"tool_type,omitzero"` // the kind of build
	Steps       []TemplateStep      `json:"-"`
	Parameters  []TemplateParameter `json:"parameters,omitzero"`
	Resources   TemplateResources   `json:"resource_limit,omitzero"`
}

// TemplateResources limit the machine that builds.
type TemplateResources struct {
	CPU    string `json:"cpu,omitzero"`    // cores
	Memory string `json:"memory,omitzero"` // MiB
}

// TemplateCreateResult names a new template.
type TemplateCreateResult struct {
	UUID string `json:"uuid"`
}

func (r *TemplateCreateResult) complete(about) error {
	if r.UUID == "" {
		return errors.New("the response names no template")
	}
	return nil
}

type templateBody struct {
	TemplateRequest
	Template templateSteps `json:"template"`
}

type templateSteps struct {
	Steps []TemplateStep `json:"steps"`
}

var opCreateTemplate = operation{name: "CreateTemplate", method: http.MethodPost, path: "/v1/template/create"}

// Create makes a custom template.
//
// API: CreateTemplate, POST /v1/template/create.
func (s *TemplatesService) Create(ctx context.Context, in *TemplateRequest, opts ...CallOption) (*TemplateCreateResult, error) {
	body := templateBody{TemplateRequest: orZero(in)}
	body.Template.Steps = body.Steps
	return fetch[TemplateCreateResult](ctx, s.client, &opCreateTemplate, nil, body, opts)
}

// TemplateListOptions choose the templates of a list. Nil means the zero value.
type TemplateListOptions struct {
	Page     int    `url:"-"`                // from 1; 0 means 1. All ignores it
	PageSize int    `url:"-"`                // 1 to 100; 0 means 100
	Name     string `url:"name,omitempty"`   // a part of the name; "" means all
	Filter   string `url:"filter,omitempty"` // its values are not documented
	Tags     string `url:"tags,omitempty"`   // its values are not documented
}

var opListCustomTemplate = operation{
	name: "ListCustomTemplate", method: http.MethodGet, path: "/v1/template/custom",
	list: &listing{page: "page", first: 1, size: "page_size", rows: "items", total: "total_size"},
}

// List returns one page of the custom templates.
//
// API: ListCustomTemplate, GET /v1/template/custom.
func (s *TemplatesService) List(ctx context.Context, in *TemplateListOptions, opts ...CallOption) (*Page[Template], error) {
	o := orZero(in)
	return listPage[Template](ctx, s.client, &opListCustomTemplate, nil, o.Page, o.PageSize, o, opts)
}

// All returns an iterator over the custom templates. It reads a page when its first template is wanted, and ends after
// the first error.
//
// API: ListCustomTemplate, GET /v1/template/custom.
func (s *TemplatesService) All(ctx context.Context, in *TemplateListOptions, opts ...CallOption) iter.Seq2[*Template, error] {
	o := orZero(in)
	return listAll(ctx, s.client, &opListCustomTemplate, nil, o.PageSize, o, templateUUID, opts)
}

func templateUUID(t *Template) string { return t.UUID }

// TemplateOfficialListOptions choose the official templates of a list. Nil means the zero value.
type TemplateOfficialListOptions struct {
	Page     int    `url:"-"`              // from 1; 0 means 1. AllOfficial ignores it
	PageSize int    `url:"-"`              // 1 to 100; 0 means 100
	Name     string `url:"name,omitempty"` // a part of the name; "" means all
}

// The default page is documented as 0. The clients that are known to work count from 1, as the other lists do.
var opListOfficialTemplate = operation{
	name: "ListOfficialTemplate", method: http.MethodGet, path: "/v1/template/officialtemplates",
	list: &listing{page: "page", first: 1, size: "page_size", rows: "items", total: "total_size"},
}

// ListOfficial returns one page of the official templates.
//
// API: ListOfficialTemplate, GET /v1/template/officialtemplates.
func (s *TemplatesService) ListOfficial(ctx context.Context, in *TemplateOfficialListOptions, opts ...CallOption) (*Page[Template], error) {
	o := orZero(in)
	return listPage[Template](ctx, s.client, &opListOfficialTemplate, nil, o.Page, o.PageSize, o, opts)
}

// AllOfficial returns an iterator over the official templates, as All does over the custom ones.
//
// API: ListOfficialTemplate, GET /v1/template/officialtemplates.
func (s *TemplatesService) AllOfficial(ctx context.Context, in *TemplateOfficialListOptions, opts ...CallOption) iter.Seq2[*Template, error] {
	o := orZero(in)
	return listAll(ctx, s.client, &opListOfficialTemplate, nil, o.PageSize, o, templateUUID, opts)
}

// TemplateRecommendRequest names the code to build. GitURL and Branch are required.
type TemplateRecommendRequest struct {
	GitURL string `json:"git_url"`
	Branch string `json:"branch"`
	Tags   string `json:"tags,omitzero"` // a tag of the repository
}

// TemplateRecommendation is a choice of official templates.
type TemplateRecommendation struct {
	Total int        `json:"total_size"`
	Items []Template `json:"items"`
}

var opListRecommendOfficialTemplate = operation{
	name: "ListRecommendOfficialTemplate", method: http.MethodPost, path: "/v1/template/recommend", effect: readOnly,
}

// Recommend returns the official templates that fit a repository.
//
// API: ListRecommendOfficialTemplate, POST /v1/template/recommend.
func (s *TemplatesService) Recommend(ctx context.Context, in *TemplateRecommendRequest, opts ...CallOption) (*TemplateRecommendation, error) {
	return fetch[TemplateRecommendation](ctx, s.client, &opListRecommendOfficialTemplate, nil, orZero(in), opts)
}

var opShowTemplate = operation{name: "ShowTemplate", method: http.MethodGet, path: "/v1/template/{uuid}/custom"}

// Get returns a custom template.
//
// API: ShowTemplate, GET /v1/template/{uuid}/custom.
func (s *TemplatesService) Get(ctx context.Context, uuid string, opts ...CallOption) (*Template, error) {
	return fetch[Template](ctx, s.client, &opShowTemplate, []string{uuid}, nil, opts)
}

var opShowYamlTemplate = operation{
	name: "ShowYamlTemplate", method: http.MethodGet, path: "/v1/template/{job_id}/default-template",
}

type yamlTemplateQuery struct {
	DefaultHost string `url:"default_host,omitempty"`
}

// DefaultYAML returns the YAML from which a job that builds as code starts. DefaultHost is the kind of its default host;
// "" leaves that to the service.
//
// API: ShowYamlTemplate, GET /v1/template/{job_id}/default-template.
func (s *TemplatesService) DefaultYAML(ctx context.Context, jobID, defaultHost string, opts ...CallOption) (string, error) {
	return fetchValue[string](ctx, s.client, &opShowYamlTemplate, []string{jobID}, yamlTemplateQuery{defaultHost}, opts)
}

var opDeleteTemplate = operation{
	name: "DeleteTemplate", method: http.MethodDelete, path: "/v1/template/{uuid}/delete", effect: repeatable,
}

// Delete deletes a custom template. If the response is lost, the call is retried, and may then fail because the template
// is gone; such an error is also [ErrOutcomeUnknown].
//
// API: DeleteTemplate, DELETE /v1/template/{uuid}/delete.
func (s *TemplatesService) Delete(ctx context.Context, uuid string, opts ...CallOption) error {
	return s.client.perform(ctx, &opDeleteTemplate, []string{uuid}, nil, opts)
}

type templateUse struct {
	JobID      string `json:"job_id"`
	TemplateID string `json:"template_id"`
}

var opSaveTemplateUsedInfo = operation{
	name: "SaveTemplateUsedInfo", method: http.MethodPost, path: "/v1/template/used-info", args: []string{"job_id"},
}

// MarkUsed records that a job was made from a template.
//
// API: SaveTemplateUsedInfo, POST /v1/template/used-info.
func (s *TemplatesService) MarkUsed(ctx context.Context, jobID, templateID string, opts ...CallOption) error {
	return s.client.perform(ctx, &opSaveTemplateUsedInfo, []string{jobID}, templateUse{jobID, templateID}, opts)
}

var opAddFavouriteCustomTemplate = operation{
	name: "AddFavouriteCustomTemplate", method: http.MethodPost, path: "/v1/template/custom/{uuid}/follow", effect: repeatable,
}

// AddFavourite makes a custom template a favourite of the caller.
//
// API: AddFavouriteCustomTemplate, POST /v1/template/custom/{uuid}/follow.
func (s *TemplatesService) AddFavourite(ctx context.Context, uuid string, opts ...CallOption) error {
	return s.client.perform(ctx, &opAddFavouriteCustomTemplate, []string{uuid}, nil, opts)
}

var opRemoverFavouriteCustomTemplate = operation{
	name: "RemoverFavouriteCustomTemplate", method: http.MethodPost, path: "/v1/template/custom/{uuid}/unfollow", effect: repeatable,
}

// RemoveFavourite removes a custom template from the caller's favourites.
//
// API: RemoverFavouriteCustomTemplate, POST /v1/template/custom/{uuid}/unfollow.
func (s *TemplatesService) RemoveFavourite(ctx context.Context, uuid string, opts ...CallOption) error {
	return s.client.perform(ctx, &opRemoverFavouriteCustomTemplate, []string{uuid}, nil, opts)
}

var opAddFavouriteOfficialTemplate = operation{
	name: "AddFavouriteOfficialTemplate", method: http.MethodPost, path: "/v1/template/official/{uuid}/follow", effect: repeatable,
}

// AddOfficialFavourite makes an official template a favourite of the caller.
//
// API: AddFavouriteOfficialTemplate, POST /v1/template/official/{uuid}/follow.
func (s *TemplatesService) AddOfficialFavourite(ctx context.Context, uuid string, opts ...CallOption) error {
	return s.client.perform(ctx, &opAddFavouriteOfficialTemplate, []string{uuid}, nil, opts)
}

var opRemoverFavouriteOfficialTemplate = operation{
	name: "RemoverFavouriteOfficialTemplate", method: http.MethodPost, path: "/v1/template/official/{uuid}/unfollow", effect: repeatable,
}

// RemoveOfficialFavourite removes an official template from the caller's favourites.
//
// API: RemoverFavouriteOfficialTemplate, POST /v1/template/official/{uuid}/unfollow.
func (s *TemplatesService) RemoveOfficialFavourite(ctx context.Context, uuid string, opts ...CallOption) error {
	return s.client.perform(ctx, &opRemoverFavouriteOfficialTemplate, []string{uuid}, nil, opts)
}
