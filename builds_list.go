package codeartsbuild

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"time"
)

// BuildListOptions choose the builds of a list. Nil means the zero value.
type BuildListOptions struct {
	Page     int // from 1; 0 means 1. All ignores it
	PageSize int // 1 to 100; 0 means 100

	// From and To limit the start of the builds, both included, in whole seconds of the service's clock. A zero To
	// means now, a zero From 31 days before To.
	From, To time.Time
}

// maxWindow is the longest time that the service lists at once.
const maxWindow = 31 * 24 * time.Hour

var opListBuildInfoRecordByJobID = operation{
	name: "ListBuildInfoRecordByJobId", method: http.MethodGet, path: "/v1/record/{job_id}/list",
	list: &listing{page: "page_index", size: "page_size", rows: "job_build_states", total: "total_record"},
}

// List returns one page of the builds of a job, newest first. It reads at most 31 days, and rejects more with
// [ErrInvalidArgument]; [BuildsService.All] splits a longer time. A build in a list has no RecordID, and it has
// QueuedAt only while it is queued.
//
// API: ListBuildInfoRecordByJobId, GET /v1/record/{job_id}/list.
func (s *BuildsService) List(ctx context.Context, jobID string, in *BuildListOptions, opts ...CallOption) (*Page[Build], error) {
	if o, err := in.filled(s.client.clock.now()); err == nil && o.To.Sub(o.From) > maxWindow {
		return nil, opListBuildInfoRecordByJobID.named(invalid("a list must span at most 31 days; All splits a longer time"))
	}
	_, rows, err := s.first(ctx, jobID, in, opts)
	if err != nil {
		return nil, err
	}
	return mapPage(rows, (*buildRow).build), nil
}

// All returns an iterator over the builds of a job, newest first, over all pages and any length of time. It
// reads a page when its first build is wanted, and ends after the first error. A build that moves to the next
// page while newer ones start comes once.
//
// API: ListBuildInfoRecordByJobId, GET /v1/record/{job_id}/list.
func (s *BuildsService) All(ctx context.Context, jobID string, in *BuildListOptions, opts ...CallOption) iter.Seq2[*Build, error] {
	rows := s.all(ctx, jobID, in, opts)
	return func(yield func(*Build, error) bool) {
		for row, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			if build := row.build(); !yield(&build, nil) {
				return
			}
		}
	}
}

// all is All for the rows of the list. It reads the options at once, since the caller may change them before the loop.
func (s *BuildsService) all(ctx context.Context, jobID string, in *BuildListOptions, opts []CallOption) iter.Seq2[*buildRow, error] {
	given := orZero(in)
	given.Page = 1
	opts = slices.Clone(opts)
	return func(yield func(*buildRow, error) bool) {
		o, page, err := s.first(ctx, jobID, &given, opts)
		if err != nil {
			yield(nil, err)
			return
		}
		seen := make(map[string]bool)
		for window := o; ; window.To = window.From {
			window.From = laterOf(o.From, window.To.Add(-maxWindow))
			for row, err := range s.window(ctx, jobID, window, page, opts) {
				if err == nil && seen[row.Number] { // on the border of two windows
					continue
				}
				if !yield(row, err) || err != nil {
					return
				}
				seen[row.Number] = true
			}
			if page = nil; !window.From.After(o.From) {
				return
			}
		}
	}
}

// first reads a page of the newest window, and returns the completed options. The first response of a client may
// tell that the local clock is wrong: then the page is read again up to the right time.
func (s *BuildsService) first(ctx context.Context, jobID string, in *BuildListOptions, opts []CallOption) (BuildListOptions, *Page[buildRow], error) {
	for {
		ahead := s.client.clock.ahead.Load()
		o, err := in.filled(s.client.clock.now())
		if err != nil {
			return o, nil, opListBuildInfoRecordByJobID.named(err)
		}
		newest := o
		newest.From = laterOf(o.From, o.To.Add(-maxWindow))
		page, err := s.list(ctx, jobID, newest, opts)
		if orZero(in).To.After(time.Time{}) || !s.client.clock.moved(ahead) {
			return o, page, err
		}
	}
}

// window walks all pages of a time that one list can span. It does not read its first page if it is given.
func (s *BuildsService) window(ctx context.Context, jobID string, o BuildListOptions, first *Page[buildRow], opts []CallOption) iter.Seq2[*buildRow, error] {
	return walkPages(o.PageSize, func(r *buildRow) string { return r.Number }, func(page int) (*Page[buildRow], error) {
		if page == 1 && first != nil {
			return first, nil
		}
		at := o
		at.Page = page
		return s.list(ctx, jobID, at, opts)
	})
}

// A buildWindow is a time as the service's queries spell it: its wall clock.
type buildWindow struct {
	From string `url:"start_time"`
	To   string `url:"end_time"`
}

// wallClock is how queries of the service spell a time, in serviceZone.
const wallClock = "2006-01-02 15:04:05"

// serviceZone is the zone of the service's wall clock.
var serviceZone = time.FixedZone("UTC+8", 8*60*60)

func (s *BuildsService) list(ctx context.Context, jobID string, o BuildListOptions, opts []CallOption) (*Page[buildRow], error) {
	window := buildWindow{o.From.In(serviceZone).Format(wallClock), o.To.In(serviceZone).Format(wallClock)}
	return listPage[buildRow](ctx, s.client, &opListBuildInfoRecordByJobID, []string{jobID}, o.Page, o.PageSize, window, opts)
}

// filled fills in the defaults. It rounds To up to a second, so that a build that starts now is in the list.
func (in *BuildListOptions) filled(now time.Time) (BuildListOptions, error) {
	o := orZero(in)
	if o.To.IsZero() {
		o.To = now
	}
	if o.From.IsZero() {
		o.From = o.To.Add(-maxWindow)
	}
	if o.From.After(o.To) {
		return o, invalid("From must not be after To")
	}
	fits := o.To.Sub(o.From) <= maxWindow
	o.To = o.To.Add(time.Second - 1).Truncate(time.Second)
	o.From = o.From.Truncate(time.Second)
	if fits { // before the rounding, so that it must afterwards
		o.From = laterOf(o.From, o.To.Add(-maxWindow))
	}
	return o, nil
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
