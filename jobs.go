package codeartsbuild

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// JobsService acts on jobs: what the service calls build tasks. Its methods are safe for concurrent use.
type JobsService struct{ service }

// StopAPI is one of the service's calls that stop a build.
type StopAPI int

const (
	// StopAPIV3 is POST /v3/jobs/stop (StopJob), the default. Its documentation announces that it will be
	// switched off.
	StopAPIV3 StopAPI = iota
	// StopAPIV1 is POST /v1/job/{job_id}/stop (StopTheJob), which is documented to stay.
	StopAPIV1
	// StopAPIAuto is StopAPIV3 until the gateway answers that this is not published, and StopAPIV1 from
	// then on, for all calls of the client; the change is logged once, at Warn. It is not the default,
	// because sources disagree on where StopAPIV1 wants the build number: this package sends it both in
	// the body and in the query, and a server that looked at neither might stop another build of the job.
	StopAPIAuto
)

// StopResult is what the service said to a stop.
type StopResult struct {
	// Result is the service's answer: true in every form in which it accepts a stop.
	Result bool
	// AlreadyFinished means that the build no longer runs, and that it is not known whether this call ended
	// it: an attempt whose answer was lost was followed by the answer that the build had finished. Result is
	// false then.
	AlreadyFinished bool
}

// stopJobRequest is the body of StopJob, written here since encoding/json is a tenth of what a stop costs. What
// needs quoting is refused before it is sent.
func stopJobRequest(jobID, buildNo string) encodedBody {
	body := append(make(encodedBody, 0, len(jobID)+len(buildNo)+27), `{"job_id":"`...)
	body = append(append(body, jobID...), `","build_no":"`...)
	return append(append(body, buildNo...), `"}`...)
}

type stopTheJobRequest struct {
	BuildNo int `json:"build_no" url:"build_no"`
}

var opStopJob = operation{name: "StopJob", method: http.MethodPost, path: "/v3/jobs/stop", args: []string{"job_id", "build_no"}, idempotent: true, denial: ErrNotStopped}

var opStopTheJob = operation{name: "StopTheJob", method: http.MethodPost, path: "/v1/job/{job_id}/stop", args: []string{"build_no"}, query: true, idempotent: true, denial: ErrNotStopped}

// Stop asks the service to stop build number buildNo of the job.
//
// A nil error means that the service accepted the stop; the build ends some seconds later, and
// [JobsService.StopAndWait] also waits for that. An error that is [ErrOutcomeUnknown] leaves open whether
// the stop took effect; without it, it did not through this call. Calling Stop again is always safe, since
// a build number is never used again. A build that had already ended is [ErrBuildFinished], a stop that the
// service declines [ErrNotStopped], a job or build that it does not know [ErrNotFound]. A job id that has
// not 32 letters and digits, and a build number that is none, are [ErrInvalidArgument].
//
// API: StopJob, POST /v3/jobs/stop, unless [WithStopAPI] chooses StopTheJob, POST /v1/job/{job_id}/stop.
func (s *JobsService) Stop(ctx context.Context, jobID, buildNo string, opts ...CallOption) (*StopResult, error) {
	if s.client.stopAPI == StopAPIV1 || s.client.v3Retired.Load() {
		return stopped(s.stopV1(ctx, jobID, buildNo, opts))
	}
	result, err := fetch[StopResult](ctx, s.client, &opStopJob, []string{jobID, buildNo}, stopJobRequest(jobID, buildNo), opts)
	if s.client.stopAPI == StopAPIAuto && retired(err) {
		s.client.retireV3(ctx)
		return stopped(s.stopV1(ctx, jobID, buildNo, append(opts[:len(opts):len(opts)], continuing(err))))
	}
	return stopped(result, err)
}

// StopAndWait stops a build and waits until it has ended, which it reports as the build in its last
// status: aborted, failed and succeeded are three outcomes. It returns nil as its error only after that
// very build was read back in a terminal status.
//
// Where the stop came too late, or its outcome is unknown, the build is read as after an accepted stop;
// any other error of the stop is returned. The build is read every 2 s and, while nothing changes, up to every
// 15 s; five reads in a row that fail end it, and so do 10 minutes, unless the context has a deadline.
// After an accepted stop every error is also [ErrStillRunning], with the last status and the time waited
// in its text; after one that was left open it is [ErrOutcomeUnknown] as well.
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

// stopLimit is how long to wait for a stop that was accepted: as long as the caller says, or 10 minutes.
func stopLimit(ctx context.Context) time.Duration {
	if _, ok := ctx.Deadline(); ok {
		return 0
	}
	return 10 * time.Minute
}

func (s *JobsService) stopV1(ctx context.Context, jobID, buildNo string, opts []CallOption) (*StopResult, error) {
	n, _ := strconv.Atoi(buildNo) // what is no number is refused by the path
	return fetch[StopResult](ctx, s.client, &opStopTheJob, []string{jobID, buildNo}, stopTheJobRequest{n}, opts)
}

// stopped takes an answer that the build has finished for a success, if an earlier attempt may have been
// what finished it.
func stopped(result *StopResult, err error) (*StopResult, error) {
	if errors.Is(err, ErrBuildFinished) && errors.Is(err, ErrOutcomeUnknown) {
		return &StopResult{AlreadyFinished: true}, nil
	}
	return result, err
}

// continuing lets a call go on where another failed: with its attempts and its doubt.
func continuing(err error) CallOption {
	return callOption(func(c *callSettings) {
		var apiErr *APIError
		if errors.As(err, &apiErr) {
			c.earlier = apiErr.Attempts
		}
		c.doubt = errors.Is(err, ErrOutcomeUnknown)
	})
}

// retired reports whether it was StopJob that is not published: the login is behind a gateway as well.
func retired(err error) bool {
	var apiErr *APIError
	return errors.As(err, &apiErr) && apiErr.Operation == opStopJob.name && errors.Is(err, ErrAPIRetired)
}

func (c *Client) retireV3(ctx context.Context) {
	if c.v3Retired.CompareAndSwap(false, true) && c.logger != nil {
		c.logger.LogAttrs(ctx, slog.LevelWarn, "the gateway does not publish this API any more; stops use StopTheJob from now on",
			slog.String("operation", opStopJob.name))
	}
}

// decodeAnswer accepts every form in which the service has been seen to accept a stop, and nothing that it
// has not.
func (r *StopResult) decodeAnswer(payload []byte, _ answerInfo) error {
	switch string(payload) {
	case "", "null", "true":
		*r = StopResult{Result: true}
		return nil
	case "false":
		return ErrNotStopped
	}
	if payload[0] != '{' {
		return errors.New("the answer to a stop is no object")
	}
	for m := membersOf(payload); m.next(); {
		if err := checkStopMember(string(m.name), m.value); err != nil {
			return err
		}
	}
	*r = StopResult{Result: true}
	return nil
}

func checkStopMember(name string, value []byte) error {
	if name != "result" && name != "success" && name != "status" {
		return nil
	}
	switch {
	case isWord(value, "true"), isWord(value, "success"):
		return nil
	case isWord(value, "false"):
		return ErrNotStopped
	case isBlank(value):
		return nil
	}
	return errors.New("the answer to a stop has an unknown " + name)
}
