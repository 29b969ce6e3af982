package codeartsbuild

import (
	"context"
	"iter"
	"net/http"
	"strings"
	"time"
)

// AccountService reads the limits, packages and settings of the tenant. Its methods are safe for concurrent use.
type AccountService struct{ service }

// AccountChargeType tells how the tenant is charged.
type AccountChargeType struct {
	Type       string            `json:"type"` // of the package
	ChargeType string            `json:"charge_type"`
	Resources  []AccountResource `json:"main_resource_list"`
}

// AccountResource is a resource that the tenant has bought.
type AccountResource struct {
	Status       string `json:"status"`
	ServiceType  string `json:"service_type"`
	ResourceType string `json:"resource_type"`
	SpecCode     string `json:"resource_spec_code"`
}

var opShowUserChargeType = operation{name: "ShowUserChargeType", method: http.MethodGet, path: "/v1/domain/charge-type"}

// ChargeType tells how the tenant is charged.
//
// API: ShowUserChargeType, GET /v1/domain/charge-type.
func (s *AccountService) ChargeType(ctx context.Context, opts ...CallOption) (*AccountChargeType, error) {
	return fetch[AccountChargeType](ctx, s.client, &opShowUserChargeType, nil, nil, opts)
}

// AccountSummary has the totals of a tenant.
type AccountSummary struct {
	SuccessPercent int    `json:"avg_success_ratio"` // of all builds
	Builds         int64  `json:"build_no"`          // named as their number, documented as their whole duration
	Jobs           int    `json:"job_total"`
	Versions       string `json:"version_total"`
}

type accountSummary struct {
	Summary AccountSummary `json:"summary"`
}

var opShowSummaryBuildJobInfo = operation{name: "ShowSummaryBuildJobInfo", method: http.MethodGet, path: "/v1/domain/job-summary"}

// Summary returns the totals of the tenant.
//
// API: ShowSummaryBuildJobInfo, GET /v1/domain/job-summary.
func (s *AccountService) Summary(ctx context.Context, opts ...CallOption) (*AccountSummary, error) {
	out, err := fetch[accountSummary](ctx, s.client, &opShowSummaryBuildJobInfo, nil, nil, opts)
	if err != nil {
		return nil, err
	}
	return &out.Summary, nil
}

type projectQuery struct {
	ProjectID string `url:"project_id"`
}

// AccountQuota is the build time that the tenant of a project has in a month.
type AccountQuota struct {
	Exceeded bool   `json:"is_over_quota"`
	Quota    string `json:"build_quota"` // "unlimit" for no limit
	Used     string `json:"used_quota"`  // "" without a limit
}

var opShowUserOverPackageQuota = operation{
	name: "ShowUserOverPackageQuota", method: http.MethodGet, path: "/v1/domain/package/quota", args: []string{"project_id"},
}

// Quota tells whether the tenant of a CodeArts project has used up its build time of the month.
//
// API: ShowUserOverPackageQuota, GET /v1/domain/package/quota.
func (s *AccountService) Quota(ctx context.Context, projectID string, opts ...CallOption) (*AccountQuota, error) {
	return fetch[AccountQuota](ctx, s.client, &opShowUserOverPackageQuota, []string{projectID}, projectQuery{projectID}, opts)
}

// AccountProject is a CodeArts project that the caller belongs to.
type AccountProject struct {
	ID             string `json:"identifier"`
	Name           string `json:"name"`
	AuthorID       string `json:"author_id"` // of the user who made the project
	AuthorDomainID string `json:"author_domain_id"`
	IsCreator      bool   `json:"is_creator"` // the caller made the project; reported by AllProjects only
	Status         int    `json:"status"`     // reported by Projects only
}

type accountProjectList struct {
	Projects []AccountProject `json:"project_info_list"`
}

var opShowRelatedProject = operation{name: "ShowRelatedProject", method: http.MethodGet, path: "/v1/domain/project/related"}

// RelatedProjects returns all CodeArts projects that the caller belongs to, in one response.
//
// API: ShowRelatedProject, GET /v1/domain/project/related.
func (s *AccountService) RelatedProjects(ctx context.Context, opts ...CallOption) ([]AccountProject, error) {
	list, err := fetchValue[accountProjectList](ctx, s.client, &opShowRelatedProject, nil, nil, opts)
	return list.Projects, err
}

// AccountProjectListOptions choose the projects of a list. Nil means the zero value.
type AccountProjectListOptions struct {
	Page     int    `url:"-"`                // from 1; 0 means 1. AllProjects ignores it
	PageSize int    `url:"-"`                // 1 to 100; 0 means 100
	Search   string `url:"search,omitempty"` // a part of the name; "" means all
}

var opListRelatedProjectInfo = operation{
	name: "ListRelatedProjectInfo", method: http.MethodGet, path: "/v1/domain/project/related-page",
	list: &listing{page: "page_no", first: 1, size: "page_size", rows: "project_info_list", total: "total"},
}

// Projects returns one page of the CodeArts projects that the caller belongs to.
//
// API: ListRelatedProjectInfo, GET /v1/domain/project/related-page.
func (s *AccountService) Projects(ctx context.Context, in *AccountProjectListOptions, opts ...CallOption) (*Page[AccountProject], error) {
	o := orZero(in)
	return listPage[AccountProject](ctx, s.client, &opListRelatedProjectInfo, nil, o.Page, o.PageSize, o, opts)
}

// AllProjects returns an iterator over the CodeArts projects that the caller belongs to. It reads a page when its first
// project is wanted, and ends after the first error.
//
// API: ListRelatedProjectInfo, GET /v1/domain/project/related-page.
func (s *AccountService) AllProjects(ctx context.Context, in *AccountProjectListOptions, opts ...CallOption) iter.Seq2[*AccountProject, error] {
	o := orZero(in)
	return listAll(ctx, s.client, &opListRelatedProjectInfo, nil, o.PageSize, o, func(p *AccountProject) string { return p.ID }, opts)
}

// AccountStatus is the state of the service for the tenant.
type AccountStatus struct {
	State              AccountState `json:"status"`
	FreeQuota          bool         `json:"free_quota"`       // it includes a free quota
	CustomEnvironments bool         `json:"allow_custom_env"` // builds may run in environments of one's own
}

// AccountState is the state of a tenant.
type AccountState int

// The states of a tenant. 4 and 5 both mean that the account was cancelled.
const (
	AccountNotOpened AccountState = 0
	AccountNormal    AccountState = 1
	AccountFrozen    AccountState = 2
	AccountClosed    AccountState = 3
	AccountCancelled AccountState = 4
)

var opShowDomainStatus = operation{name: "ShowDomainStatus", method: http.MethodGet, path: "/v1/domain/status"}

// Status returns the state of the service for the tenant.
//
// API: ShowDomainStatus, GET /v1/domain/status.
func (s *AccountService) Status(ctx context.Context, opts ...CallOption) (*AccountStatus, error) {
	return fetch[AccountStatus](ctx, s.client, &opShowDomainStatus, nil, nil, opts)
}

// AccountDomain is the state of another tenant.
type AccountDomain struct {
	ServiceName         string       `json:"service_name"` // CodeCI
	ID                  string       `json:"domain_id"`
	Name                string       `json:"domain_name"`
	State               AccountState `json:"status"` // most likely: the documentation has no table
	FreeQuota           bool         `json:"free_quota"`
	FreePackageQuota    bool         `json:"free_package_quota"`
	Federation          int          `json:"is_federation"` // seen: 0 and 1
	Whitelist           int          `json:"is_whitelist"`  // seen: 0
	Region              string       `json:"region"`
	PackageType         string       `json:"package_type"`         // such as CODEARTS_FREE
	Type                int          `json:"domain_type"`          // seen: 1
	BusinessType        string       `json:"domain_business_type"` // such as NORMAL
	MaliciousDockerArgs string       `json:"domain_malicious_docker_args"`
	CustomEnvironments  int          `json:"allow_custom_env"` // how many environments of its own are allowed
	SpecThreshold       string       `json:"spec_threshold"`   // a text in JSON, with a number for each size of executor
}

type domainsRequest struct {
	DomainIDs string `json:"domain_ids,omitzero"`
}

var opShowDomainsStatuses = operation{
	name: "ShowDomainsStatuses", method: http.MethodPost, path: "/v1/domain/domains-statuses", effect: readOnly,
}

// Domains returns the states of other tenants that work with this one. The ids are sent as one text, as documented; the
// commas between them are a guess.
//
// API: ShowDomainsStatuses, POST /v1/domain/domains-statuses.
func (s *AccountService) Domains(ctx context.Context, domainIDs []string, opts ...CallOption) ([]AccountDomain, error) {
	return fetchValue[[]AccountDomain](ctx, s.client, &opShowDomainsStatuses, nil, domainsRequest{strings.Join(domainIDs, ",")}, opts)
}

// AccountPermissions are what the caller may do in a project.
type AccountPermissions struct {
	ProjectID string   `json:"project_id"`
	Create    bool     `json:"create_permission"`
	Modify    bool     `json:"modify_permission"`
	Group     bool     `json:"group_permission"`
	Delete    bool     `json:"delete_permission"`
	View      bool     `json:"view_permission"`
	Execute   bool     `json:"execute_permission"`
	Copy      bool     `json:"copy_permission"`
	Disable   bool     `json:"forbidden_permission"`
	Manage    bool     `json:"manager_permission"`
	RoleID    string   `json:"role_id"`
	RoleName  string   `json:"role_name"`
	RoleIDs   []string `json:"role_ids"`
	RoleNames []string `json:"role_names"`
}

var opShowProjectPermission = operation{
	name: "ShowProjectPermission", method: http.MethodGet, path: "/v1/domain/user-permission", args: []string{"project_id"},
}

// Permissions returns what the caller may do in a CodeArts project.
//
// API: ShowProjectPermission, GET /v1/domain/user-permission.
func (s *AccountService) Permissions(ctx context.Context, projectID string, opts ...CallOption) (*AccountPermissions, error) {
	return fetch[AccountPermissions](ctx, s.client, &opShowProjectPermission, []string{projectID}, projectQuery{projectID}, opts)
}

// AccountExpiryRequest names a package whose end is to be found. The documentation requires all fields, and describes
// none of them further.
type AccountExpiryRequest struct {
	ServiceType string `json:"service_type"`
	ResourceID  string `json:"resource_id"`
	ReminderDay string `json:"reminder_day"`
}

// AccountExpiry tells when a package ends.
type AccountExpiry struct {
	ServiceType  string            `json:"service_type"`
	ResourceID   string            `json:"resource_id"`
	ResourceName string            `json:"resource_name"`
	ResourceType string            `json:"resource_type"`
	SpecCode     string            `json:"resource_spec_code"`
	Tips         AccountExpiryTips `json:"tips"`
}

// AccountExpiryTips say what becomes of a package.
type AccountExpiryTips struct {
	Summary AccountExpiryTip `json:"summary"`
}

// AccountExpiryTip says what becomes of a package next.
type AccountExpiryTip struct {
	Status         int    `json:"status"`
	NextAction     int    `json:"next_action"`
	NextActionDays int    `json:"next_action_remain_day"` // until the next action
	NextActionURL  string `json:"next_action_url"`
}

var opShowPackageSpecCountDown = operation{
	name: "ShowPackageSpecCountDown", method: http.MethodPost, path: "/v2/resource/countdown", effect: readOnly,
}

// Expiry tells when packages end.
//
// API: ShowPackageSpecCountDown, POST /v2/resource/countdown.
func (s *AccountService) Expiry(ctx context.Context, in *AccountExpiryRequest, opts ...CallOption) ([]AccountExpiry, error) {
	return fetchValue[[]AccountExpiry](ctx, s.client, &opShowPackageSpecCountDown, nil, orZero(in), opts)
}

// AccountPackage is a package that the tenant has bought.
type AccountPackage struct {
	ResourceID       string    `json:"resource_id"`
	RegionID         string    `json:"region_id"`
	TenantID         string    `json:"tenant_id"`
	TenantName       string    `json:"tenant_name"`
	ServiceType      string    `json:"service_type"`
	ResourceType     string    `json:"resource_type"`
	SpecCode         string    `json:"spec_code"` // the size of the package
	Status           string    `json:"resource_status"`
	CreatedAt        time.Time `json:"create_time,omitzero"` // in UTC, like the other times
	UpdatedAt        time.Time `json:"update_time,omitzero"`
	ConsoleUpdatedAt time.Time `json:"console_update_time,omitzero"`
}

// AccountPackageStatus is a state of a package.
type AccountPackageStatus string

// The states of packages that can be asked for.
const (
	AccountPackageNormal AccountPackageStatus = "normal"
	AccountPackageClosed AccountPackageStatus = "close"
	AccountPackageFrozen AccountPackageStatus = "freeze"
)

type packageQuery struct {
	ProjectID string               `url:"project_id"`
	Status    AccountPackageStatus `url:"status"`
}

var opShowPackageSpecStatus = operation{
	name: "ShowPackageSpecStatus", method: http.MethodGet, path: "/v2/resource/package-spec/status", args: []string{"project_id"},
}

// Packages returns the packages of the tenant of a CodeArts project that are in one state.
//
// API: ShowPackageSpecStatus, GET /v2/resource/package-spec/status.
func (s *AccountService) Packages(ctx context.Context, projectID string, status AccountPackageStatus, opts ...CallOption) ([]AccountPackage, error) {
	query := packageQuery{projectID, status}
	return fetchValue[[]AccountPackage](ctx, s.client, &opShowPackageSpecStatus, []string{projectID}, query, opts)
}

type specQuery struct {
	ProjectID string  `url:"project_id"`
	Arch      JobArch `url:"arch"`
}

// The response is documented as a list without the member "result".
var opShowAvailableInnerSpec = operation{
	name: "ShowAvailableInnerSpec", method: http.MethodGet, path: "/v2/resource/spec", args: []string{"project_id"},
}

// Specs returns the sizes of hosted executors that a CodeArts project can use, such as "2U8G".
//
// API: ShowAvailableInnerSpec, GET /v2/resource/spec.
func (s *AccountService) Specs(ctx context.Context, projectID string, arch JobArch, opts ...CallOption) ([]string, error) {
	query := specQuery{projectID, arch}
	return fetchValue[[]string](ctx, s.client, &opShowAvailableInnerSpec, []string{projectID}, query, opts)
}
