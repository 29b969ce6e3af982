package codeartsbuild_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
)

var (
	modelSeed  = flag.Uint64("model.seed", 1, "first seed of TestModel")
	modelSeeds = flag.Int("model.seeds", 0, "number of seeds of TestModel; 0: 1000, or 100 with -short and the race detector")
)

// B150: stops, plans, waits and logs agree with a model of the service, under faults that seeds draw. The pauses of the
// client are random too, and no seed sets them: a seed that fails rarely has to run more often.
func TestModel(t *testing.T) {
	t.Parallel()
	seeds := *modelSeeds
	switch {
	case seeds > 0:
	case testing.Short() || isRace():
		seeds = 100
	default:
		seeds = 1000
	}
	saw := map[string]int{}
	for seed := *modelSeed; seed < *modelSeed+uint64(seeds); seed++ {
		run := runModel(t, seed, nil)
		if len(run.problems) > 0 {
			t.Fatalf("go test -run '^TestModel$' -model.seed=%d -model.seeds=1\n%s\nsteps:\n%s", seed,
				strings.Join(run.problems, "\n"), strings.Join(run.steps, "\n"))
		}
		for what, n := range run.saw {
			saw[what] += n
		}
	}
	t.Logf("%d seeds compared %v", seeds, saw)
	if seeds >= 1000 {
		require.Len(t, saw, 16, "the model could not compare everything")
	}
}

// A modelRun is what came of a seed.
type modelRun struct {
	steps, problems []string
	saw             map[string]int
}

func runModel(t *testing.T, seed uint64, lie modelLie) (run modelRun) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(seed, 150))
		w := newModelWorld(t, seed, lie)
		w.populate(rng)
		for range 10 + rng.IntN(11) {
			step := modelStep{rng.IntN(100), rng.IntN(1 << 16), rng.IntN(1 << 16), rng.IntN(1 << 16), rng.IntN(1 << 16)}
			pause := time.Duration(rng.IntN(4)*rng.IntN(15_000)) * time.Millisecond
			did := w.do(step)
			run.steps = append(run.steps, fmt.Sprintf("%8.1f s: %s", time.Since(w.began).Seconds(), did))
			time.Sleep(pause)
			synctest.Wait()
			w.check()
		}
		w.settle()
		run.problems, run.saw = w.problems, w.saw
	})
	return run
}

// A modelStep is drawn before it is known which builds there are.
type modelStep struct{ kind, job, build, a, b int }

var (
	modelBranches = []string{"main", "dev", "feat/x"}
	modelTriggers = []string{"Push", "Push", "Push", codeartsbuild.TriggerManual, codeartsbuild.TriggerScheduled}
	modelEnds     = []codeartsbuild.BuildStatus{
		codeartsbuild.StatusSucceeded, codeartsbuild.StatusFailed, codeartsbuild.StatusTimedOut, codeartsbuild.StatusAborted,
	}
)

// populate makes 1 to 4 jobs with 1 to 6 builds each.
func (w *modelWorld) populate(rng *rand.Rand) {
	for i := range 1 + rng.IntN(4) {
		job := &modelJob{name: fmt.Sprintf("job%d", i+1), records: map[string]string{}}
		job.id = w.AddJob(job.name)
		w.jobs = append(w.jobs, job)
		for range 1 + rng.IntN(6) {
			w.addBuild(job, rng.IntN(1<<16), time.Duration(rng.IntN(7200))*time.Second)
		}
	}
}

// addBuild adds a build to the service and to the model that was queued some time ago.
func (w *modelWorld) addBuild(job *modelJob, n int, ago time.Duration) *modelBuild {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now().Truncate(time.Millisecond)
	b := &modelBuild{
		job: job, no: len(job.builds) + 1, status: codeartsbuild.StatusRunning, queuedAt: now.Add(-ago),
		branch: modelBranches[n%3], revision: fmt.Sprintf("%040x", n/3%4), trigger: modelTriggers[n/12%5],
	}
	switch n / 60 % 6 {
	case 0, 1:
		b.status = codeartsbuild.StatusQueued
	case 2:
		b.status = modelEnds[n/360%4]
		b.finishedAt = now
	}
	if b.status != codeartsbuild.StatusQueued {
		b.startedAt = b.queuedAt
	}
	w.AddBuild(job.id, codeartsbuild.Build{
		Status: b.status, Branch: b.branch, Revision: b.revision, Trigger: b.trigger,
		QueuedAt: b.queuedAt, StartedAt: b.startedAt, FinishedAt: b.finishedAt,
	})
	job.builds = append(job.builds, b)
	return b
}

// modelLateLines is how long after the end of a build its log may grow: for two pauses of Follow, of at least 2 s each.
const modelLateLines = 3500 * time.Millisecond

// appendLog adds to the log of a build that runs, or finished a moment ago.
func (w *modelWorld) appendLog(b *modelBuild, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if b.startedAt.IsZero() || (b.finished() && time.Since(b.finishedAt) > modelLateLines) {
		return
	}
	b.log += text
	w.AppendLog(b.job.id, b.number(), text)
}

// grow lets the log of a build grow from now on.
func (w *modelWorld) grow(b *modelBuild, lines int, every time.Duration) {
	for i := range lines {
		text := fmt.Sprintf("[INFO] zeile %d ü 中文 %s\n", i, strings.Repeat("x", i*7%90))
		if i%4 == 1 {
			text = strings.TrimSuffix(text, "\n") // a line that is still being written
		}
		time.AfterFunc(time.Duration(i)*every, func() { w.appendLog(b, text) })
	}
}

// growLate lets the log of a build that has just finished grow for the last time: by a line or none, at any moment until
// no line can come.
func (w *modelWorld) growLate(b *modelBuild, n int) {
	if n%3 > 0 {
		at := time.Duration(n*7919%int(modelLateLines/time.Millisecond)) * time.Millisecond
		time.AfterFunc(at, func() { w.appendLog(b, "[INFO] last line\n") })
	}
}

func (w *modelWorld) finish(b *modelBuild, status codeartsbuild.BuildStatus) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if b.finished() {
		return
	}
	w.Finish(b.job.id, b.number(), status)
	now := time.Now()
	b.startsAt = time.Time{}
	if b.status = status; status.Terminal() {
		b.finishedAt = now
	}
	if status == codeartsbuild.StatusRunning && b.startedAt.IsZero() {
		b.startedAt = now
	}
}

// do makes one step, and says which.
func (w *modelWorld) do(s modelStep) string {
	job := w.jobs[s.job%len(w.jobs)]
	b := w.pick(job, s.build)
	switch {
	case s.kind < 10:
		late := time.Duration(s.b%3*20) * time.Second
		b = w.addBuild(job, s.a, 0)
		w.hide(b, late)
		return fmt.Sprintf("%v starts: %s, %s, %s, %s; its record comes after %v", b, b.status, b.branch, b.revision[36:], b.trigger, late)
	case s.kind < 18:
		w.finish(b, modelEnds[s.a%4])
		w.growLate(b, s.b)
		return fmt.Sprintf("%v finishes: %s", b, b.status)
	case s.kind < 24:
		b = w.oneQueued(job, b)
		w.finish(b, codeartsbuild.StatusRunning)
		return fmt.Sprintf("%v is %s", b, b.status)
	case s.kind < 34:
		w.grow(b, 1+s.a%12, time.Duration(s.b%9000)*time.Millisecond)
		return fmt.Sprintf("the log of %v grows by up to %d lines", b, 1+s.a%12)
	case s.kind < 52:
		return w.disturb(job, s)
	case s.kind < 82:
		return w.call(b, s)
	case s.kind < 86:
		return w.cancelOne(s.a)
	}
	return w.plan(job, s)
}

func (w *modelWorld) pick(j *modelJob, n int) *modelBuild {
	w.mu.Lock()
	defer w.mu.Unlock()
	return j.builds[n%len(j.builds)]
}

// oneQueued returns a queued build of the job, or else the given one.
func (w *modelWorld) oneQueued(j *modelJob, b *modelBuild) *modelBuild {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, other := range j.builds {
		if other.active() && other.status == codeartsbuild.StatusQueued {
			return other
		}
	}
	return b
}

// hide lets the record of a new build come late.
func (w *modelWorld) hide(b *modelBuild, late time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := time.Now(); late > 0 {
		w.Hide(b.job.id, b.number(), late)
		w.windows = append(w.windows, modelWindow{from: now, to: now.Add(late), fault: "hide", job: b.job, operation: b.number()})
	}
}

// disturb makes the service unwell for a while.
func (w *modelWorld) disturb(job *modelJob, s modelStep) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	window := modelWindow{from: now, to: now.Add(time.Duration(1+s.a%120) * time.Second), job: job}
	switch s.b % 9 {
	case 0, 1:
		window.fault = "freeze"
		job.frozen, job.thawed = job.present(), window.to
		w.FreezeList(job.id, window.to.Sub(now))
	case 2, 3:
		window.fault = "lag"
		job.lagging = window.to
	case 4:
		return w.change(now, s.a)
	default:
		if w.unwell(now) {
			return "nothing, since the last outage was shortly before"
		}
		kinds := []string{"throttled", "busy", "down", "lossy", "gateway", "gateway", "stalled", "flaky"}
		window.fault = kinds[s.b/9%len(kinds)]
		if s.b/72%3 > 0 {
			window.operation = modelOperations[s.b/216%len(modelOperations)]
		}
	}
	w.windows = append(w.windows, window)
	return fmt.Sprintf("%s of %s for %v: %s", window.fault, job.name, window.to.Sub(now), window.operation)
}

// unwell reports whether an outage goes on or ended a moment ago. Waits go on for 5 minutes without a good read, so that
// they survive outages of 2 minutes with a time between them.
func (w *modelWorld) unwell(now time.Time) bool {
	return slices.ContainsFunc(w.windows, func(o modelWindow) bool {
		return modelOutages[o.fault] != nil && o.to.Add(2*modelTail).After(now)
	})
}

// call starts a call of the client.
func (w *modelWorld) call(b *modelBuild, s modelStep) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	by := w.clientOf(s.a / 12)
	switch s.a % 12 {
	case 0, 1:
		w.stop(by, b)
	case 2:
		w.stopAndWait(by, b)
	case 3, 4:
		w.follow(by, b, s.b%4)
	case 5, 6:
		w.run(by, b.job, s.b)
	default:
		for i := range 1 + s.b%3 { // several share a list call
			other := b.job.builds[(b.no-1+i)%len(b.job.builds)]
			wait := modelWait{withLog: (s.b/3+i)%3 == 0, stopOnCancel: time.Duration((s.b/9+i)%2) * 10 * time.Second}
			if (s.b/18+i)%3 == 0 {
				wait.limit = time.Duration(5+s.b/54%115) * time.Second
			}
			w.wait(by, other, wait)
		}
	}
	return w.calls[len(w.calls)-1].name
}

func (w *modelWorld) cancelOne(n int) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.calls) == 0 {
		return "nothing, since there is no call to cancel"
	}
	call := w.calls[n%len(w.calls)]
	if !call.ended {
		call.cancelled = true
		call.cancel()
	}
	return "cancel " + call.name
}

// check looks for calls that should have ended, and compares each build with the service.
func (w *modelWorld) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.checkDeadlines()
	for _, j := range w.jobs {
		for _, b := range j.builds {
			b.settle()
			if got := w.Status(j.id, b.number()); got != b.status {
				w.problem("%v is %s in the service and %s in the model", b, got, b.status)
			}
		}
	}
}

// settle lets all builds finish, and all calls end.
func (w *modelWorld) settle() {
	for range 200 {
		w.finishAll()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		w.check()
		if w.allEnded() {
			time.Sleep(modelLateLines + time.Second) // until all logs have been compared
			synctest.Wait()
			return
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, call := range w.calls {
		if !call.ended {
			w.problem("%v has not ended", call)
			call.cancel()
		}
	}
}

// finishAll lets all builds finish, also those that a retry has just started.
func (w *modelWorld) finishAll() {
	for _, j := range w.jobs {
		for i, b := range j.present() {
			if b = w.pick(j, i); b.active() {
				w.finish(b, modelEnds[i%4])
				w.growLate(b, i+int(w.seed%1000))
			}
		}
	}
}

func (w *modelWorld) allEnded() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !slices.ContainsFunc(w.calls, func(c *modelCall) bool { return !c.ended })
}

// plan makes a plan, compares it with the model's own, and carries it out.
func (w *modelWorld) plan(job *modelJob, s modelStep) string {
	call, by := &modelCall{name: "plan"}, w.clientOf(s.b)
	ctx := context.WithValue(context.Background(), modelCallKey{}, call)
	rule := newModelRule(s)
	before := w.listedBy(rule, job)
	asked := time.Now()
	plan, err := rule.plan(ctx, w, by, job)
	took := time.Since(asked)

	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		if !call.hit {
			w.problem("a plan failed without a fault: %v", err)
		}
		return fmt.Sprintf("%v: no plan: %v", rule, err)
	}
	if took == 0 { // otherwise builds may have changed meanwhile
		w.comparePlan(rule, before, plan)
	}
	w.carryOut(by, plan, time.Duration(max(s.a%100-40, 0))*time.Second, time.Duration(s.b/7%2)*time.Minute, s.b%4)
	return fmt.Sprintf("%v of %s; %v", rule, job.name, w.calls[len(w.calls)-1])
}
