package codeartsbuild

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// RepositoriesService finds the code repositories that jobs can build, with their branches and tags. Its methods are
// safe for concurrent use.
type RepositoriesService struct{ service }

// RepositoryNames are the names of the repositories that a job has built.
type RepositoryNames struct {
	Latest string   `json:"latest"` // the repository of the newest build
	All    []string `json:"repositories"`
}

var opListRepository = operation{name: "ListRepository", method: http.MethodGet, path: "/v1/report/{job_id}/repositories"}

// OfJob returns the names of the repositories that a job has built.
//
// API: ListRepository, GET /v1/report/{job_id}/repositories.
func (s *RepositoriesService) OfJob(ctx context.Context, jobID string, opts ...CallOption) (*RepositoryNames, error) {
	return fetch[RepositoryNames](ctx, s.client, &opListRepository, []string{jobID}, nil, opts)
}

type repositoryBranchQuery struct {
	JobID      string `url:"job_id"`
	Repository string `url:"repository_name"`
}

var opListRepoBranch = operation{
	name: "ListRepoBranch", method: http.MethodGet, path: "/v1/report/branches", args: []string{"job_id"},
}

// BranchesOfJob returns the branches of one repository that a job has built. The name of the repository must not have
// Chinese characters.
//
// API: ListRepoBranch, GET /v1/report/branches.
func (s *RepositoriesService) BranchesOfJob(ctx context.Context, jobID, repository string, opts ...CallOption) ([]string, error) {
	return fetchValue[[]string](ctx, s.client, &opListRepoBranch, []string{jobID}, repositoryBranchQuery{jobID, repository}, opts)
}

// RepositoryTag is a tag of a code repository.
type RepositoryTag struct {
	Name string `json:"name"`
}

// RepositorySCM is a kind of code repository.
type RepositorySCM string

// The kinds of code repositories whose tags can be listed. The newest edition of the documentation has only the first.
const (
	RepositoryCodeHub RepositorySCM = "codehub" // of CodeArts
	RepositoryRepo    RepositorySCM = "repo"
	RepositoryGitHub  RepositorySCM = "github"
)

// RepositoryTagListOptions choose the tags of a list. Nil means the zero value.
type RepositoryTagListOptions struct {
	Page     int    `url:"-"`                // from 1; 0 means 1. AllTags ignores it
	PageSize int    `url:"-"`                // 1 to 100; 0 means 100
	Search   string `url:"search,omitempty"` // a part of the name; "" means all
}

type repositoryTagQuery struct {
	SCM          RepositorySCM `url:"scm_type"`
	RepositoryID string        `url:"repo_id,omitempty"`
	RepositoryTagListOptions
}

var opListTagList = operation{
	name: "ListTagList", method: http.MethodGet, path: "/v1/code/tags",
	list: &listing{page: "page_no", first: 1, size: "page_size", rows: "tag_list", total: "total"},
}

// Tags returns one page of the tags of a code repository. RepositoryCodeHub needs the id of the repository; for the
// other kinds it can be empty.
//
// API: ListTagList, GET /v1/code/tags.
func (s *RepositoriesService) Tags(ctx context.Context, scm RepositorySCM, repositoryID string, in *RepositoryTagListOptions, opts ...CallOption) (*Page[RepositoryTag], error) {
	q := repositoryTagQuery{scm, repositoryID, orZero(in)}
	return listPage[RepositoryTag](ctx, s.client, &opListTagList, nil, q.Page, q.PageSize, q, opts)
}

// AllTags returns an iterator over the tags of a code repository. It reads a page when its first tag is wanted, and
// ends after the first error.
//
// API: ListTagList, GET /v1/code/tags.
func (s *RepositoriesService) AllTags(ctx context.Context, scm RepositorySCM, repositoryID string, in *RepositoryTagListOptions, opts ...CallOption) iter.Seq2[*RepositoryTag, error] {
	q := repositoryTagQuery{scm, repositoryID, orZero(in)}
	return listAll(ctx, s.client, &opListTagList, nil, q.PageSize, q, func(t *RepositoryTag) string { return t.Name }, opts)
}

// RepositoryGitCode is a repository of GitCode.
type RepositoryGitCode struct {
	ID      string `json:"id"`
	UUID    string `json:"uuid"` // often ""
	Name    string `json:"name"`
	HTTPURL string `json:"http_url"`
	GitURL  string `json:"git_url"`
}

// RepositoryGitCodeListOptions choose the repositories of a list. Nil means the zero value. The documentation does not
// say how the service separates several IDs: commas are a guess.
type RepositoryGitCodeListOptions struct {
	Page     int      `url:"-"`                   // from 1; 0 means 1. AllGitCode ignores it
	PageSize int      `url:"-"`                   // 1 to 100; 0 means 100
	Search   string   `url:"search,omitempty"`    // "" means all
	IDs      []string `url:"ids,omitempty,comma"` // of repositories
}

// gitCodePaging has the two pairs of parameters that the GitCode operations document.
var gitCodePaging = listing{page: "page", first: 1, size: "page_size", also: &listing{page: "offset", size: "limit"}}

var opShowGitCodeRepository = operation{
	name: "ShowGitCodeRepository", method: http.MethodGet, path: "/v1/code/git-code/{endpoint_id}/repositories", list: &gitCodePaging,
}

// GitCode returns one page of the GitCode repositories that a service endpoint can reach. The total is -1.
//
// API: ShowGitCodeRepository, GET /v1/code/git-code/{endpoint_id}/repositories.
func (s *RepositoriesService) GitCode(ctx context.Context, endpointID string, in *RepositoryGitCodeListOptions, opts ...CallOption) (*Page[RepositoryGitCode], error) {
	o := orZero(in)
	return listPage[RepositoryGitCode](ctx, s.client, &opShowGitCodeRepository, []string{endpointID}, o.Page, o.PageSize, o, opts)
}

// AllGitCode returns an iterator over the GitCode repositories that a service endpoint can reach. It reads a page when
// its first repository is wanted, and ends after the first error.
//
// API: ShowGitCodeRepository, GET /v1/code/git-code/{endpoint_id}/repositories.
func (s *RepositoriesService) AllGitCode(ctx context.Context, endpointID string, in *RepositoryGitCodeListOptions, opts ...CallOption) iter.Seq2[*RepositoryGitCode, error] {
	o := orZero(in)
	return listAll(ctx, s.client, &opShowGitCodeRepository, []string{endpointID}, o.PageSize, o, func(r *RepositoryGitCode) string { return r.ID }, opts)
}

// RepositoryBranch is a branch of a GitCode repository.
type RepositoryBranch struct {
	Name   string           `json:"name"`
	Commit RepositoryCommit `json:"commit"` // its newest
}

// RepositoryCommit is a commit of a GitCode repository.
type RepositoryCommit struct {
	ID            string    `json:"id"`
	Title         string    `json:"title"`
	Message       string    `json:"message"`
	CreatedAt     time.Time `json:"created_at,omitzero"` // in UTC
	AuthorName    string    `json:"author_name"`
	CommitterName string    `json:"committer_name"`
}

// RepositoryBranchListOptions choose the branches of a list. Nil means the zero value.
type RepositoryBranchListOptions struct {
	Page     int    `url:"-"`                // from 1; 0 means 1. AllGitCodeBranches ignores it
	PageSize int    `url:"-"`                // 1 to 100; 0 means 100
	Search   string `url:"search,omitempty"` // "" means all
}

type gitCodeBranchQuery struct {
	RepositoryID string `url:"repo_id,omitempty"`
	RepositoryBranchListOptions
}

var opShowGitCodeRepositoryBranches = operation{
	name: "ShowGitCodeRepositoryBranches", method: http.MethodGet, path: "/v1/code/git-code/{endpoint_id}/branches", list: &gitCodePaging,
}

// GitCodeBranches returns one page of the branches of a GitCode repository, by the ID of a [RepositoryGitCode]. The
// total is -1.
//
// API: ShowGitCodeRepositoryBranches, GET /v1/code/git-code/{endpoint_id}/branches.
func (s *RepositoriesService) GitCodeBranches(ctx context.Context, endpointID, repositoryID string, in *RepositoryBranchListOptions, opts ...CallOption) (*Page[RepositoryBranch], error) {
	q := gitCodeBranchQuery{repositoryID, orZero(in)}
	return listPage[RepositoryBranch](ctx, s.client, &opShowGitCodeRepositoryBranches, []string{endpointID}, q.Page, q.PageSize, q, opts)
}

// AllGitCodeBranches returns an iterator over the branches of a GitCode repository. It reads a page when its first
// branch is wanted, and ends after the first error.
//
// API: ShowGitCodeRepositoryBranches, GET /v1/code/git-code/{endpoint_id}/branches.
func (s *RepositoriesService) AllGitCodeBranches(ctx context.Context, endpointID, repositoryID string, in *RepositoryBranchListOptions, opts ...CallOption) iter.Seq2[*RepositoryBranch, error] {
	q := gitCodeBranchQuery{repositoryID, orZero(in)}
	return listAll(ctx, s.client, &opShowGitCodeRepositoryBranches, []string{endpointID}, q.PageSize, q, func(b *RepositoryBranch) string { return b.Name }, opts)
}
