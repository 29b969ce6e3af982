package codeartsbuild

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// JobDeletion is a deleted job. After Delete and DeleteMany it has the ids only.
type JobDeletion struct {
	JobID       string    `json:"job_id"`
	Name        string    `json:"job_name"`
	ProjectID   string    `json:"project_id"` // of CodeArts
	ProjectName string    `json:"project_name"`
	Region      string    `json:"region"`
	CreatorID   string    `json:"creator_id"`
	CreatorName string    `json:"creator_name"`
	CreatedAt   time.Time `json:"create_time_stamp" also:"create_time"`
	DeletedAt   time.Time `json:"delete_time_stamp" also:"delete_time"`
}

func (d *JobDeletion) key() string { return d.JobID }

// JobDeletionListOptions choose among the deleted jobs. Nil means the zero value.
type JobDeletionListOptions struct {
	Page     int    `url:"-"`                // from 1; 0 means 1. AllDeleted ignores it
	PageSize int    `url:"-"`                // 1 to 100; 0 means 100
	Search   string `url:"search,omitempty"` // a part of the name; "" means all
}

// The newest pages of the documentation have page_index from 0 in place of page_no from 1.
var opListRecyclingJob = operation{
	name: "ListRecyclingJob", method: http.MethodGet, path: "/v1/job/recycling-jobs",
	list: &listing{page: "page_no", first: 1, size: "page_size", rows: "job_list", total: "total"},
}

// ListDeleted returns one page of the jobs in the recycle bin.
//
// API: ListRecyclingJob, GET /v1/job/recycling-jobs.
func (s *JobsService) ListDeleted(ctx context.Context, in *JobDeletionListOptions, opts ...CallOption) (*Page[JobDeletion], error) {
	o := orZero(in)
	return listPage[JobDeletion](ctx, s.client, &opListRecyclingJob, nil, o.Page, o.PageSize, o, opts)
}

// AllDeleted returns an iterator over the jobs in the recycle bin. It reads a page when its first job is wanted, and
// ends after the first error.
//
// API: ListRecyclingJob, GET /v1/job/recycling-jobs.
func (s *JobsService) AllDeleted(ctx context.Context, in *JobDeletionListOptions, opts ...CallOption) iter.Seq2[*JobDeletion, error] {
	o := orZero(in)
	return listAll(ctx, s.client, &opListRecyclingJob, nil, o.PageSize, o, (*JobDeletion).key, opts)
}

// keepTime is how long deleted jobs are kept.
type keepTime struct {
	Days int `json:"keep_time"`
}

// KeepTime returns for how many days the recycle bin keeps a deleted job, 1 to 30.
//
// API: ListRecyclingJob, GET /v1/job/recycling-jobs.
func (s *JobsService) KeepTime(ctx context.Context, opts ...CallOption) (days int, err error) {
	kept, err := fetchValue[keepTime](ctx, s.client, &opListRecyclingJob, nil, nil, opts)
	return kept.Days, err
}

var opSetKeepTime = operation{name: "SetKeepTime", method: http.MethodPost, path: "/v1/job/keep-time", effect: repeatable}

// SetKeepTime sets for how many days the recycle bin keeps a deleted job, 1 to 30, and returns the days that the service
// has set.
//
// API: SetKeepTime, POST /v1/job/keep-time.
func (s *JobsService) SetKeepTime(ctx context.Context, days int, opts ...CallOption) (int, error) {
	kept, err := fetchValue[keepTime](ctx, s.client, &opSetKeepTime, nil, keepTime{days}, opts)
	return kept.Days, err
}

// jobIDs is the body of a call that acts on several jobs.
type jobIDList struct {
	IDs []string `json:"job_ids"`
}

// checkJobIDs rejects an empty list, which a service can take for all jobs.
func checkJobIDs(ids []string) error {
	if len(ids) == 0 {
		return invalid("at least one job must be given")
	}
	for _, id := range ids {
		if err := checkArgument("job_id", id); err != nil {
			return err
		}
	}
	return nil
}

var opRestoreRecyclingJobs = operation{
	name: "RestoreRecyclingJobs", method: http.MethodPost, path: "/v1/job/recycling-restoration", effect: repeatable, flat: true,
}

// Restore brings jobs back from the recycle bin. No job is [ErrInvalidArgument].
//
// API: RestoreRecyclingJobs, POST /v1/job/recycling-restoration.
func (s *JobsService) Restore(ctx context.Context, jobIDs []string, opts ...CallOption) error {
	if err := checkJobIDs(jobIDs); err != nil {
		return opRestoreRecyclingJobs.named(err)
	}
	return s.client.perform(ctx, &opRestoreRecyclingJobs, nil, jobIDList{jobIDs}, opts)
}

var opDeleteRecyclingJobs = operation{
	name: "DeleteRecyclingJobs", method: http.MethodDelete, path: "/v1/job/recycling-deletion", effect: repeatable, flat: true,
}

// Purge destroys jobs in the recycle bin: they cannot be restored. No job is [ErrInvalidArgument].
//
// API: DeleteRecyclingJobs, DELETE /v1/job/recycling-deletion.
func (s *JobsService) Purge(ctx context.Context, jobIDs []string, opts ...CallOption) error {
	if err := checkJobIDs(jobIDs); err != nil {
		return opDeleteRecyclingJobs.named(err)
	}
	return s.client.perform(ctx, &opDeleteRecyclingJobs, nil, jobIDList{jobIDs}, opts)
}

// Emptying is done once: a second request would also destroy the jobs that were deleted since the first.
var opClearRecyclingJobs = operation{name: "ClearRecyclingJobs", method: http.MethodDelete, path: "/v1/job/recycling-empty", flat: true}

// EmptyRecycleBin destroys all jobs in the recycle bin: they cannot be restored. It is sent again only if the service
// did not process the first request.
//
// API: ClearRecyclingJobs, DELETE /v1/job/recycling-empty.
func (s *JobsService) EmptyRecycleBin(ctx context.Context, opts ...CallOption) error {
	return s.client.perform(ctx, &opClearRecyclingJobs, nil, nil, opts)
}
