package codeartsbuild

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"strings"
	"time"
)

// BuildListOptions choose the builds of a list. Nil means the zero value.
type BuildListOptions struct {
	Page     int // from 1; 0 means 1. All ignores it
	PageSize int // 1 to 100; 0 means 100

	// From and To bound the start of the builds. A zero To means now, a zero From 31 days before To.
	From, To time.Time
}

// maxWindow is the longest time that the service lists at once.
const maxWindow = 31 * 24 * time.Hour

var opListBuilds = operation{name: "ListBuildInfoRecordByJobId", method: http.MethodGet, path: "/v1/record/{job_id}/list", envelope: "result"}

// List returns one page of the builds of a job, newest first. It reads at most 31 days, and refuses more
// with [ErrInvalidArgument]; [BuildsService.All] splits a longer time. A build in a list has no RecordID, and
// QueuedAt only while it is queued.
//
// API: ListBuildInfoRecordByJobId, GET /v1/record/{job_id}/list.
func (s *BuildsService) List(ctx context.Context, jobID string, in *BuildListOptions, opts ...CallOption) (*Page[Build], error) {
	options, err := in.complete()
	if err != nil {
		return nil, opListBuilds.refuse(err)
	}
	if options.To.Sub(options.From) > maxWindow {
		return nil, opListBuilds.refuse(invalid("a list spans at most 31 days; All splits a longer time"))
	}
	return s.list(ctx, jobID, options, opts)
}

// All returns an iterator over the builds of a job, newest first, over all pages and any length of time.
// It reads a page when its first build is wanted, and ends after the first error. A build that moves to
// the next page while newer ones start comes once.
//
// API: ListBuildInfoRecordByJobId, GET /v1/record/{job_id}/list.
func (s *BuildsService) All(ctx context.Context, jobID string, in *BuildListOptions, opts ...CallOption) iter.Seq2[*Build, error] {
	var given BuildListOptions
	if in != nil {
		given = *in
	}
	return func(yield func(*Build, error) bool) {
		options, err := given.complete()
		if err != nil {
			yield(nil, opListBuilds.refuse(err))
			return
		}
		seen := make(map[string]bool)
		for window := options; ; window.To = window.From {
			window.From = maxTime(options.From, window.To.Add(-maxWindow))
			for build, err := range s.window(ctx, jobID, window, opts) {
				if err == nil && seen[build.BuildNo] { // on the border of two windows
					continue
				}
				if !yield(build, err) || err != nil {
					return
				}
				seen[build.BuildNo] = true
			}
			if !window.From.After(options.From) {
				return
			}
		}
	}
}

// window walks all pages of a time that one list can span.
func (s *BuildsService) window(ctx context.Context, jobID string, options BuildListOptions, opts []CallOption) iter.Seq2[*Build, error] {
	return pages(options.PageSize, func(b *Build) string { return b.BuildNo }, func(page int) (*Page[Build], error) {
		options.Page = page
		return s.list(ctx, jobID, options, opts)
	})
}

type buildListQuery struct {
	StartTime string `url:"start_time"`
	EndTime   string `url:"end_time"`
	PageIndex int    `url:"page_index"` // from 0
	PageSize  int    `url:"page_size"`
}

func (s *BuildsService) list(ctx context.Context, jobID string, options BuildListOptions, opts []CallOption) (*Page[Build], error) {
	rows, err := fetch[buildRows](ctx, s.client, &opListBuilds, []string{jobID}, buildListQuery{
		StartTime: options.From.In(serviceZone).Format(wallClock),
		EndTime:   options.To.In(serviceZone).Format(wallClock),
		PageIndex: options.Page - 1,
		PageSize:  options.PageSize,
	}, opts)
	if err != nil {
		return nil, err
	}
	return rows.page(jobID), nil
}

// complete fills in the defaults. The times are whole seconds, as the service takes them, To being the
// next one so that what starts now is part of the list.
func (in *BuildListOptions) complete() (options BuildListOptions, err error) {
	if in != nil {
		options = *in
	}
	options.Page, options.PageSize, err = checkPage(options.Page, options.PageSize)
	if err != nil {
		return options, err
	}
	if options.To.IsZero() {
		options.To = time.Now()
	}
	if options.From.IsZero() {
		options.From = options.To.Add(-maxWindow)
	}
	if options.From.After(options.To) {
		return options, invalid("From is after To")
	}
	fits := options.To.Sub(options.From) <= maxWindow
	options.To = options.To.Add(time.Second - 1).Truncate(time.Second)
	options.From = options.From.Truncate(time.Second)
	if fits { // before the rounding, so that it must afterwards
		options.From = maxTime(options.From, options.To.Add(-maxWindow))
	}
	return options, nil
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// buildRows is a page of builds as the list calls describe them.
type buildRows struct {
	Rows  []buildRow     `json:"job_build_states"`
	Total flexibleString `json:"total_record"`
}

func (r *buildRows) page(jobID string) *Page[Build] {
	page := &Page[Build]{Items: make([]Build, len(r.Rows)), Total: parseTotal(r.Total)}
	for i := range r.Rows {
		page.Items[i] = r.Rows[i].build(jobID)
	}
	return page
}

// A buildRow is a build in a list: two words make its status.
type buildRow struct {
	Number     flexibleString `json:"number"`
	State      flexibleString `json:"state"`
	Running    flexibleString `json:"job_running_status"`
	Branch     flexibleString `json:"code_branch"`
	CommitID   flexibleString `json:"commit_id"`
	Trigger    flexibleString `json:"trigger_type"`
	Executor   flexibleString `json:"executor"`
	UserID     flexibleString `json:"user_id"`
	StartTime  flexibleTime   `json:"start_time"`
	CostMillis flexibleInt    `json:"cost_time"`
}

func (r *buildRow) build(jobID string) Build {
	b := Build{
		JobID: jobID, BuildNo: string(r.Number), Status: r.status(), Branch: string(r.Branch), Revision: string(r.CommitID),
		Trigger: parseTrigger(string(r.Trigger)), Executor: string(cmp.Or(r.Executor, r.UserID)),
	}
	switch {
	case b.Status == StatusQueued: // the time is that of the row's creation
		b.QueuedAt = r.StartTime.Time
	case b.Status.Terminal() && !r.StartTime.IsZero():
		b.StartedAt = r.StartTime.Time
		b.FinishedAt = b.StartedAt.Add(time.Duration(r.CostMillis) * time.Millisecond)
	default:
		b.StartedAt = r.StartTime.Time
	}
	return b
}

// status combines how far the build is and how it ended. The second only counts once it is finished.
func (r *buildRow) status() BuildStatus {
	if running := parseStatus(string(r.Running)); running != "" && !strings.EqualFold(string(running), "finished") {
		return running
	}
	return parseStatus(string(r.State))
}
