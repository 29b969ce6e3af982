package codeartsbuild_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// modelStartDelay is the time from a run to the start of its build.
const modelStartDelay = time.Second

// run calls Jobs.Run, and FindRun if the outcome is unknown.
func (w *modelWorld) run(by modelClient, job *modelJob, n int) {
	call := &modelCall{name: fmt.Sprintf("Run of %s by %v", job.name, by.name)}
	request := &codeartsbuild.RunRequest{Branch: modelBranches[n%3], CommitID: fmt.Sprintf("%040x", n/3%4)}
	w.start(call, func(ctx context.Context) {
		result, err := by.Jobs.Run(ctx, job.id, request)
		w.checkRun(call, result, err)
		if err == nil || !errors.Is(err, codeartsbuild.ErrOutcomeUnknown) {
			return
		}
		found, err := by.Jobs.FindRun(ctx, job.id, request, call.began)
		w.mu.Lock()
		defer w.mu.Unlock()
		if err != nil || len(call.started) == 0 || time.Now().Before(job.thawed) {
			return
		}
		w.saw["a run that was found"]++
		if !slices.ContainsFunc(found, func(b *codeartsbuild.Build) bool { return b.BuildNo == call.started[0].number() }) {
			w.problem("%v: it started %v, which FindRun does not find among %d builds", call, call.started[0], len(found))
		}
	})
}

// checkRun judges a run: a success started the build that it names and no other, a failure started none, and only a
// fault or the end of the context leaves open whether one was started.
func (w *modelWorld) checkRun(call *modelCall, result *codeartsbuild.RunResult, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	unknown := errors.Is(err, codeartsbuild.ErrOutcomeUnknown)
	switch {
	case err == nil:
		w.saw["a run"]++
		if len(call.started) != 1 || call.started[0].number() != result.BuildNo {
			w.problem("%v: it reports build %s, and started %v", call, result.BuildNo, call.started)
		}
	case len(call.started) > 1:
		w.problem("%v: it started %v", call, call.started)
	case unknown && !call.unclear && !call.cancelled:
		w.problem("%v: the outcome is unknown, but no fault left it open: %v", call, err)
	case !unknown && len(call.started) > 0:
		w.problem("%v: it failed, but started %v: %v", call, call.started, err)
	case !call.hit && !call.cancelled:
		w.problem("%v: it failed without a fault: %v", call, err)
	default:
		w.saw["a failed run"]++
	}
}

// noteRun adds the build to the model that a run has started.
func (w *modelWorld) noteRun(call *modelCall, body []byte, reply *httptest.ResponseRecorder) {
	var asked struct {
		JobID string `json:"job_id"`
		SCM   struct {
			Branch   string `json:"branch"`
			CommitID string `json:"build_commit_id"`
		} `json:"scm"`
	}
	_ = json.Unmarshal(body, &asked)
	job := w.jobIn("/" + asked.JobID)
	if reply.Code != http.StatusOK {
		w.problem("%v: the service did not run %s: %d %s", call, asked.JobID, reply.Code, reply.Body)
		return
	}
	now := time.Now()
	b := &modelBuild{
		job: job, no: len(job.builds) + 1, status: codeartsbuild.StatusQueued, queuedAt: now, startsAt: now.Add(modelStartDelay),
		branch: asked.SCM.Branch, revision: asked.SCM.CommitID, trigger: codeartsbuild.TriggerManual,
	}
	job.builds = append(job.builds, b)
	call.started = append(call.started, b)
}
