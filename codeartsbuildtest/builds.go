package codeartsbuildtest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

const (
	startDelay       = 1 * time.Second // from queued to running, for a run that was asked for over the wire
	defaultStopDelay = 3 * time.Second // from the acceptance of a stop to the build's end
)

// A build is one run of a job. Its status is what it was when advance last looked.
type build struct {
	job         *job
	number      int
	recordID    string
	executionID string
	daily       string // date and a counter of that day

	status   codeartsbuild.BuildStatus
	startsAt time.Time // when it leaves the queue by itself; zero: not by itself
	startsAs codeartsbuild.BuildStatus
	abortsAt time.Time // when an accepted stop takes effect; zero: none was accepted

	branch, tag, revision, trigger, executor string
	parameters                               []parameter
	steps                                    []string // names, as the job had them
	queuedAt, startedAt, finishedAt          time.Time

	log []byte
}

// advance lets happen what is due by now.
func (b *build) advance(now time.Time) {
	if due(b.startsAt, now) {
		b.set(b.startsAs, b.startsAt)
	}
	if due(b.abortsAt, now) {
		b.set(codeartsbuild.StatusAborted, b.abortsAt)
	}
}

func due(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// waiting reports whether the build will change by itself.
func (b *build) waiting() bool { return !b.startsAt.IsZero() || !b.abortsAt.IsZero() }

// stop accepts a stop. A build that waits in the queue will not start any more.
func (b *build) stop(at time.Time) {
	b.startsAt = time.Time{}
	if b.abortsAt.IsZero() {
		b.abortsAt = at
		b.job.waiting = append(b.job.waiting, b)
	}
}

// set gives a build that has not finished another status.
func (b *build) set(status codeartsbuild.BuildStatus, now time.Time) {
	if b.status.Terminal() {
		return
	}
	b.status, b.startsAt = status, time.Time{}
	if status.Terminal() {
		b.finishedAt, b.abortsAt = now, time.Time{}
		b.job.active--
	}
	if status == codeartsbuild.StatusRunning && b.startedAt.IsZero() {
		b.startedAt = now
		b.job.changed()
	}
}

// listedAt is the time by which lists choose the build: that of its start or, before that, of its request.
func (b *build) listedAt() time.Time {
	if b.startedAt.IsZero() {
		return b.queuedAt
	}
	return b.startedAt
}

// ran is how long the build has run, in milliseconds.
func (b *build) ran(now time.Time) int64 {
	return millisBetween(b.startedAt, b.finishedAt, now)
}

// millisBetween counts up to now while the end is not known, and is 0 without a start.
func millisBetween(start, end, now time.Time) int64 {
	if end.IsZero() {
		end = now
	}
	if start.IsZero() || end.Before(start) {
		return 0
	}
	return end.Sub(start).Milliseconds()
}

// StartBuild adds a build that runs, and returns its number; "" when the job does not exist.
func (s *Server) StartBuild(jobID string) (buildNo string) {
	return s.AddBuild(jobID, codeartsbuild.Build{})
}

// AddBuild adds a build as given and returns its number, which is the next one of the job, also when b.BuildNo has
// another; "" when the job does not exist. b.JobID is ignored, and so is b.RecordID: the server gives the record its id,
// which the record calls return.
//
// A zero status is running. One of the service's own words, such as "SUCCESS", is the status that it means, and any
// other word is served as it is. The build stays as it is until it is stopped or [Server.Finish] is called. A zero
// trigger is served as "Push"; how the live service calls a push is not known. Zero times are filled in: QueuedAt with
// StartedAt, else with FinishedAt, else with now; StartedAt with QueuedAt, unless the build is queued or was never
// scheduled; FinishedAt with now, if the build has finished. Other zero fields stay empty.
func (s *Server) AddBuild(jobID string, b codeartsbuild.Build) (buildNo string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, err := s.state.jobs.find(jobID)
	if err != nil {
		return ""
	}
	now := s.state.now()
	added := &build{
		status:     statusOf(b.Status),
		branch:     b.Branch,
		revision:   b.Revision,
		trigger:    b.Trigger,
		executor:   b.Executor,
		queuedAt:   firstTime(b.QueuedAt, b.StartedAt, b.FinishedAt, now),
		startedAt:  b.StartedAt,
		finishedAt: b.FinishedAt,
	}
	if added.status == "" {
		added.status = codeartsbuild.StatusRunning
	}
	if added.trigger == "" {
		added.trigger = pushTrigger
	}
	waits := added.status == codeartsbuild.StatusQueued || added.status == codeartsbuild.StatusScheduleFailed
	if added.startedAt.IsZero() && !waits {
		added.startedAt = added.queuedAt
	}
	if added.finishedAt.IsZero() && added.status.Terminal() {
		added.finishedAt = now
	}
	s.state.addBuild(j, added)
	return added.no()
}

// firstTime is the first time that is not zero.
func firstTime(times ...time.Time) time.Time {
	i := slices.IndexFunc(times, func(t time.Time) bool { return !t.IsZero() })
	if i < 0 {
		return time.Time{}
	}
	return times[i]
}

// addBuild gives a build its place in the job, and what follows from that.
func (s *state) addBuild(j *job, b *build) {
	b.job = j
	b.number = len(j.builds) + 1
	b.recordID = uuid("record", j.id, b.number)
	b.steps = j.settings.steps
	b.executionID = "j_" + hexID("execution", j.id, b.number)[:8]
	day := b.queuedAt.In(serviceZone).Format("20060102")
	j.days[day]++
	b.daily = fmt.Sprintf("%s.%d", day, j.days[day])
	j.builds = append(j.builds, b)
	if !b.status.Terminal() {
		j.active++
	}
	if b.waiting() {
		j.waiting = append(j.waiting, b)
	}
	j.changed()
	s.records[b.recordID] = b
}

func (b *build) no() string { return strconv.Itoa(b.number) }

// build finds a build of a job and brings it up to date.
func (s *state) build(jobID, buildNo string, now time.Time) (*build, error) {
	j, err := s.jobs.find(jobID)
	n, wrong := strconv.Atoi(buildNo)
	if err != nil || wrong != nil || n < 1 || n > len(j.builds) {
		return nil, errNotFound
	}
	b := j.builds[n-1]
	b.advance(now)
	return b, nil
}

// buildInPath finds the build that job_id and build_no name.
func (s *state) buildInPath(r *request) (*build, error) {
	return s.build(r.text("job_id"), r.text("build_no"), r.now)
}

// recordInPath finds the build of a call that reads its record.
func (s *state) recordInPath(r *request) (*build, error) {
	b, err := s.buildInPath(r)
	if err == nil && b.hidden(r.now) {
		return nil, errNotFound
	}
	return b, err
}

// record finds a build by the id of its record and brings it up to date.
func (s *state) record(r *request) (*build, error) {
	b, ok := s.records[r.text("record_id")]
	if !ok || !s.has(b.job) || b.hidden(r.now) {
		return nil, errNotFound
	}
	b.advance(r.now)
	return b, nil
}

func (b *build) hidden(now time.Time) bool { return now.Before(b.job.hidden[b.no()]) }

// Hide makes the record of a build not found for so long from now on, though lists show the build and it can be
// stopped. The build may begin later: hide number 1 of a job, run it, and its record is late. Nothing happens when the
// job does not exist.
func (s *Server) Hide(jobID, buildNo string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j, err := s.state.jobs.find(jobID); err == nil {
		j.hidden[buildNo] = s.state.now().Add(d)
	}
}

// Finish gives a build the status in which it ends, now. The service's own words, such as "SUCCESS", are taken as
// well, and so is a status that is not terminal: StatusRunning lets a build leave the queue. Nothing happens when the
// build does not exist or has finished already, or when the status is empty.
func (s *Server) Finish(jobID, buildNo string, status codeartsbuild.BuildStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.state.now()
	if b, err := s.state.build(jobID, buildNo, now); err == nil && status != "" {
		b.set(statusOf(status), now)
	}
}

// Status returns the status that a build has now; "" when it does not exist. A build whose stop was accepted keeps
// its status for the time of [Server.SetStopDelay] and is aborted after that.
func (s *Server) Status(jobID, buildNo string) codeartsbuild.BuildStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.state.build(jobID, buildNo, s.state.now())
	if err != nil {
		return ""
	}
	return b.status
}
