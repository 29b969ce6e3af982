package codeartsbuild

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

// JobsService acts on jobs, which the service also calls build tasks. Its methods are safe for concurrent use.
type JobsService struct{ service }

// StopAPI is one of the service's calls that stop a build.
type StopAPI int

const (
	// StopAPIV3 is POST /v3/jobs/stop (StopJob), the default. Its documentation announces that it will go
	// offline.
	StopAPIV3 StopAPI = iota
	// StopAPIV1 is POST /v1/job/{job_id}/stop (StopTheJob), which is documented to stay.
	StopAPIV1
	// StopAPIAuto is StopAPIV3 until the gateway reports that it is not published, and StopAPIV1 from then on,
	// for all calls of the client; the change is logged once, at Warn. It is not the default, because sources
	// disagree on where StopAPIV1 wants the build number: this package sends it both in the body and in the
	// query, and a server that reads neither might stop another build of the job.
	StopAPIAuto
)

// StopResult is the service's response to a stop.
type StopResult struct {
	// Result is the service's word: true in every form in which it accepts a stop.
	Result bool `json:"result"`
	// AlreadyFinished means that the build no longer runs, and that it is not known whether this call stopped it:
	// the response to one attempt was lost, and the response to the next was that the build had finished. Result
	// is false then.
	AlreadyFinished bool `json:"already_finished"`
}

type stopTheJobRequest struct {
	BuildNo int `json:"build_no" url:"build_no"`
}

var opStopJob = operation{
	name: "StopJob", method: http.MethodPost, path: "/v3/jobs/stop", args: []string{"job_id", "build_no"},
	effect: repeatable, flat: true, denial: ErrNotStopped,
}

var opStopTheJob = operation{
	name: "StopTheJob", method: http.MethodPost, path: "/v1/job/{job_id}/stop", args: []string{"build_no"},
	effect: repeatable, flat: true, query: true, body: true, denial: ErrNotStopped,
}

// Stop asks the service to stop build number buildNo of the job.
//
// After a nil error the service has accepted the stop, or the build has finished by itself (AlreadyFinished). An
// accepted build finishes some seconds later; [JobsService.StopAndWait] also waits for that. If the build had
// finished before the call, the error is [ErrBuildFinished]; if the service declines, [ErrNotStopped]; if it knows
// no such job or build, [ErrNotFound]. If the request may have taken effect although the call failed, the error is
// also [ErrOutcomeUnknown]. Calling Stop again is always safe: a build number is never reused. A job id must have
// 32 letters and digits, and a build number must be a whole number; anything else is [ErrInvalidArgument].
//
// API: StopJob, POST /v3/jobs/stop, unless [WithStopAPI] chooses StopTheJob, POST /v1/job/{job_id}/stop.
func (s *JobsService) Stop(ctx context.Context, jobID, buildNo string, opts ...CallOption) (*StopResult, error) {
	if s.client.stopAPI == StopAPIV1 || s.client.v3Retired.Load() {
		return stopped(s.stopV1(ctx, jobID, buildNo, nil, opts))
	}
	result, err := fetch[StopResult](ctx, s.client, &opStopJob, []string{jobID, buildNo}, nil, opts)
	if s.client.stopAPI == StopAPIAuto && retired(err) {
		s.client.retireV3(ctx)
		return stopped(s.stopV1(ctx, jobID, buildNo, err, opts))
	}
	return stopped(result, err)
}

// stopV1 stops by StopTheJob. After a failed StopJob it continues that call, with its attempts and its outcome.
func (s *JobsService) stopV1(ctx context.Context, jobID, buildNo string, failed error, opts []CallOption) (*StopResult, error) {
	n, _ := strconv.Atoi(buildNo) // the path rejects anything else
	out := &StopResult{}
	call := s.client.newCall(&opStopTheJob, out)
	var apiErr *APIError
	if errors.As(failed, &apiErr) {
		call.earlier = apiErr.Attempts
	}
	call.unknown = errors.Is(failed, ErrOutcomeUnknown)
	if err := s.client.do(ctx, &call, []string{jobID, buildNo}, stopTheJobRequest{n}, opts); err != nil {
		return nil, err
	}
	return out, nil
}

// stopped takes a finished build for a success, if an earlier attempt may have stopped it.
func stopped(result *StopResult, err error) (*StopResult, error) {
	if errors.Is(err, ErrBuildFinished) && errors.Is(err, ErrOutcomeUnknown) {
		return &StopResult{AlreadyFinished: true}, nil
	}
	return result, err
}

// retired reports whether StopJob itself is not published: the login is behind a gateway as well.
func retired(err error) bool {
	var apiErr *APIError
	return errors.As(err, &apiErr) && apiErr.Operation == opStopJob.name && errors.Is(err, ErrAPIRetired)
}

func (c *Client) retireV3(ctx context.Context) {
	if c.v3Retired.CompareAndSwap(false, true) && c.logger != nil {
		c.logger.LogAttrs(ctx, slog.LevelWarn, "the gateway no longer publishes this API; stops now use StopTheJob",
			slog.String("operation", opStopJob.name))
	}
}

// decodePayload accepts every form in which the service was seen to accept a stop, and no other.
func (r *StopResult) decodePayload(payload []byte, _ about) error {
	switch string(payload) {
	case "", "null", "true":
		*r = StopResult{Result: true}
		return nil
	case "false":
		return ErrNotStopped
	}
	if payload[0] != '{' {
		return errors.New("the response to a stop is not an object")
	}
	for m := loosejson.Members(payload); m.Next(); {
		if err := checkStopMember(string(m.Name), m.Value); err != nil {
			return err
		}
	}
	*r = StopResult{Result: true}
	return nil
}

// checkStopMember accepts a member that tells of a success, and any member that it does not know.
func checkStopMember(name string, value []byte) error {
	switch {
	case name != "result" && name != "success" && name != "status":
		return nil
	case loosejson.Is(value, "true"), loosejson.Is(value, "success"):
		return nil
	case loosejson.Is(value, "false"):
		return ErrNotStopped
	case loosejson.IsBlank(value):
		return nil
	}
	return errors.New("the response to a stop has an unknown " + name)
}

// StopAndWait stops a build and waits until it has finished. It returns the build in its last status: aborted,
// failed and succeeded are three outcomes. The error is nil only after that very build was read back as finished.
//
// If the stop came too late, or its outcome is unknown, the build is read as after an accepted stop; any other
// error of the stop is returned. The build is read as [BuildsService.Wait] reads it, for at most 10 minutes unless
// the context has a deadline. After an accepted stop every error is also [ErrStillRunning], with the last status and
// the time waited in its text; if the outcome of the stop is unknown, it is [ErrOutcomeUnknown] as well.
//
// API: StopJob as for [JobsService.Stop], then the operations of [BuildsService.Wait].
func (s *JobsService) StopAndWait(ctx context.Context, jobID, buildNo string, opts ...CallOption) (*Build, error) {
	kinds := []error{ErrStillRunning}
	switch result, err := s.Stop(ctx, jobID, buildNo, opts...); {
	case errors.Is(err, ErrOutcomeUnknown):
		kinds = append(kinds, ErrOutcomeUnknown)
	case errors.Is(err, ErrBuildFinished), err == nil && result.AlreadyFinished:
		kinds = nil // reading it may fail, but it does not run
	case err != nil:
		return nil, err
	}
	build, err := s.client.Builds.await(ctx, jobID, buildNo, stopLimit(ctx), nil, opts)
	if err != nil {
		return nil, amend(err, "", kinds...)
	}
	return build, nil
}

// stopLimit is how long to wait after an accepted stop: until the caller's deadline, or 10 minutes.
func stopLimit(ctx context.Context) time.Duration {
	if _, ok := ctx.Deadline(); ok {
		return 0
	}
	return 10 * time.Minute
}
