package codeartsbuild_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// modelCallKey is the context key under which the world finds the call that a request belongs to.
type modelCallKey struct{}

// A modelCall is one use of the client, which runs beside the steps.
type modelCall struct {
	name           string
	mayStop        []*modelBuild       // it may send a stop for these
	sent, accepted map[*modelBuild]int // stops that got to the service, and those that it accepted
	until          *modelBuild         // it has to end after this build has finished; nil: by itself
	pace           time.Duration       // its longest pause, with the reads after the end of the build
	began          time.Time
	cancel         context.CancelFunc
	cancelled      bool
	hit            bool // a request met a fault
	unclear        bool // a request that stops met a fault that leaves open if it was processed
	ended          bool

	started []*modelBuild // by this run
	limit   time.Duration // of the waiting; 0: none
	logged  bool          // the waiting goes on until the log has ended
	auto    bool          // it may stop builds by another API
	retired bool          // it asked for an API that is no longer published
}

func (c *modelCall) String() string {
	if c == nil {
		return "an unknown call"
	}
	return c.name
}

// start runs a call of the client beside the steps.
func (w *modelWorld) start(call *modelCall, run func(context.Context)) {
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), modelCallKey{}, call))
	call.sent, call.accepted = map[*modelBuild]int{}, map[*modelBuild]int{}
	call.began, call.cancel = time.Now(), cancel
	call.name = fmt.Sprintf("%s (call %d)", call.name, len(w.calls)+1)
	w.calls = append(w.calls, call)
	go func() {
		defer cancel()
		run(ctx)
		w.mu.Lock()
		defer w.mu.Unlock()
		call.ended = true
	}()
}

// checkDeadlines ends the calls that should have ended, and notes them. The caller holds w.mu.
func (w *modelWorld) checkDeadlines() {
	for _, call := range w.calls {
		if by := call.began.Add(call.limit + modelLastRead); call.limit > 0 && !call.ended && !call.cancelled && time.Now().After(by) &&
			!(call.logged && call.until.finished()) {
			w.problem("%v has not ended within its limit", call)
			call.cancelled = true
			call.cancel()
		}
		if call.ended || call.cancelled || call.until == nil || !call.until.finished() {
			continue
		}
		seen := call.until.finishedAt
		if call.began.After(seen) {
			seen = call.began
		}
		if deadline := w.deadline(seen, call.pace); time.Now().After(deadline) {
			w.problem("%v has not ended: %v finished at %.1f s, and the call should have ended by %.1f s", call, call.until,
				call.until.finishedAt.Sub(w.began).Seconds(), deadline.Sub(w.began).Seconds())
			call.cancelled = true
			call.cancel()
		}
	}
}

// stop calls Jobs.Stop.
func (w *modelWorld) stop(by modelClient, b *modelBuild) {
	call := &modelCall{name: fmt.Sprintf("Stop of %v by %v", b, by.name), mayStop: []*modelBuild{b}, auto: by.auto}
	w.start(call, func(ctx context.Context) {
		result, err := by.Jobs.Stop(ctx, b.job.id, b.number())
		w.mu.Lock()
		defer w.mu.Unlock()
		switch {
		case err == nil && result.AlreadyFinished && !call.unclear:
			w.problem("%v: a late stop is a success, though no response was lost", call)
		case err == nil && result.AlreadyFinished, errors.Is(err, codeartsbuild.ErrBuildFinished):
			w.mustBeFinished(call, b)
		case err == nil:
			w.mustBeAccepted(call, b)
		default:
			w.mustBeJust(call, b, err)
		}
	})
}

// stopAndWait calls Jobs.StopAndWait.
func (w *modelWorld) stopAndWait(by modelClient, b *modelBuild) {
	call := &modelCall{name: fmt.Sprintf("StopAndWait of %v by %v", b, by.name), mayStop: []*modelBuild{b}, until: b, pace: modelWaitPace, auto: by.auto}
	w.start(call, func(ctx context.Context) {
		build, err := by.Jobs.StopAndWait(ctx, b.job.id, b.number())
		w.mu.Lock()
		defer w.mu.Unlock()
		switch {
		case err == nil:
			w.mustBeStatus(call, b, build)
		case errors.Is(err, codeartsbuild.ErrStillRunning):
			if !call.cancelled && time.Since(call.began) < 10*time.Minute {
				w.problem("%v: gave up too early: %v", call, err)
			}
			if !errors.Is(err, codeartsbuild.ErrOutcomeUnknown) && call.accepted[b] == 0 { // it came too late
				w.mustBeFinished(call, b)
			}
		default:
			w.mustBeJust(call, b, err)
		}
	})
}

// The longest pauses of Wait and Follow, and a second for the responses. After the end of a build Follow makes two more
// reads, and more if they bring late lines.
const (
	modelWaitPace   = 15*time.Second + time.Second
	modelFollowPace = 15*time.Second + 15*time.Second + time.Second
	modelLastRead   = 5*time.Second + time.Second // after the limit of a Wait
)

// A modelWait says how to wait.
type modelWait struct {
	withLog             bool
	stopOnCancel, limit time.Duration
}

// wait calls Builds.Wait: with the log, with a limit, or with a stop when it is cancelled.
func (w *modelWorld) wait(by modelClient, b *modelBuild, how modelWait) {
	call := &modelCall{
		name: fmt.Sprintf("Wait for %v by %v, %+v", b, by.name, how), until: b, pace: modelWaitPace, limit: how.limit, logged: how.withLog, auto: by.auto,
	}
	options := &codeartsbuild.WaitOptions{StopOnCancel: how.stopOnCancel, Timeout: how.limit}
	if how.stopOnCancel > 0 {
		call.mayStop = []*modelBuild{b}
	}
	var log bytes.Buffer
	var logErr error
	if how.withLog {
		call.pace = modelFollowPace
		options.Log, options.OnLog = &log, func(_ int64, err error) { logErr = err }
	}
	var last codeartsbuild.BuildStatus
	options.OnChange = func(build *codeartsbuild.Build) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if last != "" && build.Status == codeartsbuild.StatusQueued {
			w.problem("%v: %v went back from %s to the queue", call, b, last)
		}
		last = build.Status
	}
	w.start(call, func(ctx context.Context) {
		build, err := by.Builds.Wait(ctx, b.job.id, b.number(), options)
		w.mu.Lock()
		defer w.mu.Unlock()
		if !call.cancelled && call.sent[b] > 0 {
			w.problem("%v: it stopped the build without being cancelled", call)
		}
		if err != nil {
			w.checkUnfinished(call, b, err)
			return
		}
		w.mustBeStatus(call, b, build)
		if last != build.Status {
			w.problem("%v: the last change was to %s, and the build is %s", call, last, build.Status)
		}
		switch {
		case !how.withLog:
		case logErr == nil:
			w.mustBeLog(call, b, log.String())
		case !call.hit && !call.cancelled:
			w.problem("%v: the log failed without a fault: %v", call, logErr)
		}
	})
}

// checkUnfinished judges a Wait that has failed: it may only because of its limit, or because it was cancelled.
func (w *modelWorld) checkUnfinished(call *modelCall, b *modelBuild, err error) {
	if call.limit > 0 && errors.Is(err, codeartsbuild.ErrStillRunning) && !errors.Is(err, context.Canceled) {
		w.saw["a wait that took too long"]++
		switch took := time.Since(call.began); {
		case took < call.limit:
			w.problem("%v: it took too long after %v: %v", call, took, err)
		case !call.hit && b.finished() && b.finishedAt.Before(call.began.Add(call.limit)) && time.Now().After(b.job.lagging):
			w.problem("%v: it took too long, but %v had finished: %v", call, b, err)
		}
		return
	}
	if !call.cancelled || !errors.Is(err, context.Canceled) || !errors.Is(err, codeartsbuild.ErrStillRunning) {
		w.problem("%v failed: %v", call, err)
		return
	}
	w.saw["a cancelled wait"]++
	switch {
	case errors.Is(err, codeartsbuild.ErrOutcomeUnknown):
	case strings.Contains(err.Error(), "was accepted") && call.accepted[b] == 0, strings.Contains(err.Error(), "had already finished"):
		w.mustBeFinished(call, b)
	}
}

// follow calls Logs.Follow, and again from where it was if the loop is left after some chunks.
func (w *modelWorld) follow(by modelClient, b *modelBuild, leaveAfter int) {
	call := &modelCall{name: fmt.Sprintf("Follow of %v by %v, left after %d", b, by.name, leaveAfter), until: b, pace: modelFollowPace}
	w.start(call, func(ctx context.Context) {
		var log strings.Builder
		next := int64(0)
		left := true
		var failed error
		for left && failed == nil {
			chunks := 0
			left = false
			for chunk, err := range by.Logs.Follow(ctx, b.job.id, b.number(), next) {
				if err != nil {
					failed = err
					break
				}
				log.Write(chunk.Text)
				next = chunk.Next
				if chunks++; chunks == leaveAfter {
					left = true
					break
				}
			}
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		switch {
		case failed == nil:
			w.mustBeFinished(call, b)
			w.mustBeLog(call, b, log.String())
		case !call.cancelled || !errors.Is(failed, context.Canceled):
			w.problem("%v failed: %v", call, failed)
		case !strings.HasPrefix(b.log, log.String()):
			w.problem("%v: the log so far is %q, want the beginning of %q", call, log.String(), b.log)
		}
	})
}

// carryOut calls StopPlanned some time after the plan was made.
func (w *modelWorld) carryOut(by modelClient, plan *codeartsbuild.StopPlan, after, wait time.Duration, parallel int) {
	call := &modelCall{name: fmt.Sprintf("StopPlanned by %v after %v, wait %v", by.name, after, wait), auto: by.auto}
	for _, d := range plan.Decisions {
		if b := w.find(d.Build.JobID, d.Build.BuildNo); d.Stop && b != nil {
			call.mayStop = append(call.mayStop, b)
			call.name += fmt.Sprintf(", %v", b)
		}
	}
	told := 0
	options := &codeartsbuild.StopPlannedOptions{Max: 100, Wait: wait, Parallel: parallel, OnOutcome: func(codeartsbuild.StopOutcome) { told++ }}
	w.start(call, func(ctx context.Context) {
		time.Sleep(after)
		outcomes, err := by.Builds.StopPlanned(ctx, plan, options)
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(outcomes) != len(call.mayStop) || told != len(outcomes) {
			w.problem("%v: %d outcomes, %d of them told: %v", call, len(outcomes), told, err)
			return
		}
		for i := range outcomes {
			w.checkOutcome(call, call.mayStop[i], &outcomes[i], wait > 0)
		}
	})
}

func (w *modelWorld) checkOutcome(call *modelCall, b *modelBuild, o *codeartsbuild.StopOutcome, waited bool) {
	set := 0
	for _, is := range []bool{o.Stopped, o.AlreadyFinished, o.Skipped, o.Err != nil} {
		if is {
			set++
		}
	}
	stillRunning := o.Stopped && errors.Is(o.Err, codeartsbuild.ErrStillRunning) && waited
	if w.find(o.Build.JobID, o.Build.BuildNo) != b || (set != 1 && !(set == 2 && stillRunning)) {
		w.problem("%v: outcome of %v: %+v", call, b, o)
	}
	if o.Build.Finished() {
		w.mustBeStatus(call, b, o.Build)
	}
	switch {
	case o.Stopped:
		w.mustBeAccepted(call, b)
		if waited && o.Err == nil {
			w.mustBeFinished(call, b)
		}
	case o.AlreadyFinished:
		w.mustBeFinished(call, b)
	case o.Skipped:
		w.saw["a skipped build"]++
		if call.sent[b] > 0 {
			w.problem("%v: a stop was sent for %v, which was skipped", call, b)
		}
	default:
		w.mustBeJust(call, b, o.Err)
	}
}

func (w *modelWorld) mustBeFinished(call *modelCall, b *modelBuild) {
	w.saw["a build reported as finished"]++
	if !b.finished() {
		w.problem("%v: %v is %s, and was reported as finished", call, b, b.status)
	}
}

func (w *modelWorld) mustBeStatus(call *modelCall, b *modelBuild, build *codeartsbuild.Build) {
	w.saw["a status"]++
	w.mustBeFinished(call, b)
	if build.Status != b.status || build.BuildNo != b.number() || !strings.EqualFold(build.JobID, b.job.id) {
		w.problem("%v: %v is %s, and was reported as %s of build %s", call, b, b.status, build.Status, build.BuildNo)
	}
}

func (w *modelWorld) mustBeAccepted(call *modelCall, b *modelBuild) {
	w.saw["an accepted stop"]++
	if call.accepted[b] == 0 {
		w.problem("%v: the service accepted no stop of %v", call, b)
	}
}

// mustBeLog compares a log with all that the build has written. It waits while the log can grow, since a log that was
// read too early would be equal until then.
func (w *modelWorld) mustBeLog(call *modelCall, b *modelBuild, got string) {
	if grows := modelLateLines - time.Since(b.finishedAt); grows >= 0 {
		time.AfterFunc(grows+time.Millisecond, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.mustBeLog(call, b, got)
		})
		return
	}
	if got != "" {
		w.saw["a log"]++
	}
	if got != b.log {
		w.problem("%v: the log is %q, want %q", call, got, b.log)
	}
}

// mustBeJust judges a failed stop: a definite error means that the service accepted none, an unknown outcome needs a
// fault that leaves it open, and without any fault a stop does not fail.
func (w *modelWorld) mustBeJust(call *modelCall, b *modelBuild, err error) {
	unknown := errors.Is(err, codeartsbuild.ErrOutcomeUnknown)
	if unknown {
		w.saw["an unknown outcome"]++
	} else {
		w.saw["a definite error"]++
	}
	switch {
	case unknown && !call.unclear && !call.cancelled:
		w.problem("%v: the outcome of %v is unknown, but no fault left it open: %v", call, b, err)
	case !unknown && call.accepted[b] > 0:
		w.problem("%v: %v failed, but the service accepted its stop: %v", call, b, err)
	case !call.hit && !call.cancelled && !(call.retired && !call.auto && errors.Is(err, codeartsbuild.ErrAPIRetired)):
		w.problem("%v: %v failed without a fault: %v", call, b, err)
	}
}
