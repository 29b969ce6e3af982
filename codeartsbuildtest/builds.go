package codeartsbuildtest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

const (
	startDelay = 1 * time.Second // from queued to running, for a run that was asked for over the wire
	stopDelay  = 3 * time.Second // from the acceptance of a stop to the build's end
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
	abortsAt time.Time // when an accepted stop takes effect; zero: none was accepted

	branch, tag, revision, trigger, executor string
	parameters                               []parameter
	queuedAt, startedAt, finishedAt          time.Time

	log []byte
}

// advance lets happen what is due by now.
func (b *build) advance(now time.Time) {
	if b.status.Terminal() {
		return
	}
	if due(b.startsAt, now) {
		b.status, b.startedAt, b.startsAt = codeartsbuild.StatusRunning, b.startsAt, time.Time{}
	}
	if due(b.abortsAt, now) {
		b.status, b.finishedAt = codeartsbuild.StatusAborted, b.abortsAt
	}
}

func due(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// stop accepts a stop. A build that waits will not start any more.
func (b *build) stop(now time.Time) {
	b.startsAt = time.Time{}
	if b.abortsAt.IsZero() {
		b.abortsAt = now.Add(stopDelay)
	}
}

// set gives the build another status.
func (b *build) set(status codeartsbuild.BuildStatus, now time.Time) {
	b.status, b.startsAt = status, time.Time{}
	if status.Terminal() {
		b.finishedAt = now
	}
	if status == codeartsbuild.StatusRunning && b.startedAt.IsZero() {
		b.startedAt = now
	}
}

// listedAt is the time under which lists show the build: of its start or, before that, of its request.
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

// millisBetween counts up to now while there is no end, and nothing while there is no start.
func millisBetween(start, end, now time.Time) int64 {
	if end.IsZero() {
		end = now
	}
	if start.IsZero() || end.Before(start) {
		return 0
	}
	return end.Sub(start).Milliseconds()
}

// StartBuild adds a build that runs, and returns its number; "" when there is no such job.
func (s *Server) StartBuild(jobID string) (buildNo string) {
	return s.AddBuild(jobID, codeartsbuild.Build{})
}

// AddBuild adds a build as given and returns its number, which is the next one of the job whatever
// b.BuildNo says; "" when there is no such job. b.JobID is ignored, and so is b.RecordID: the record id
// is the server's, and is found in what the record calls answer.
//
// A zero status is running, and a status that is none of the constants is served as it is. The build stays
// as it is until it is stopped or [Server.Finish] is called. Zero times are filled in:
// QueuedAt with StartedAt, else with FinishedAt, else with now; StartedAt with QueuedAt, unless the build is
// queued or was never scheduled; FinishedAt with now, if the build has ended. Other zero fields stay empty.
func (s *Server) AddBuild(jobID string, b codeartsbuild.Build) (buildNo string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.job(jobID)
	if j == nil {
		return ""
	}
	now := time.Now()
	added := &build{
		status:     b.Status,
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
	waits := added.status == codeartsbuild.StatusQueued || added.status == codeartsbuild.StatusScheduleFailed
	if !waits {
		added.startedAt = firstTime(b.StartedAt, added.queuedAt)
	}
	if added.status.Terminal() {
		added.finishedAt = firstTime(b.FinishedAt, now)
	}
	s.add(j, added)
	return added.no()
}

// firstTime is the first time that is not zero.
func firstTime(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range slices.Backward(times) {
		if !t.IsZero() {
			first = t
		}
	}
	return first
}

// add gives a build its place in the job, and what follows from that.
func (s *Server) add(j *job, b *build) {
	b.job = j
	b.number = len(j.builds) + 1
	b.recordID = uuid("record", j.id, b.number)
	b.executionID = "j_" + hexID("execution", j.id, b.number)[:8]
	day := b.queuedAt.In(serviceZone).Format("20060102")
	if j.days == nil {
		j.days = map[string]int{}
	}
	j.days[day]++
	b.daily = fmt.Sprintf("%s.%d", day, j.days[day])
	j.builds = append(j.builds, b)
	s.records[b.recordID] = b
}

func (b *build) no() string { return strconv.Itoa(b.number) }

// build finds a build of a job and brings it up to date; nil when there is none.
func (s *Server) build(jobID, buildNo string, now time.Time) *build {
	j := s.job(jobID)
	n, err := strconv.Atoi(buildNo)
	if j == nil || err != nil || n < 1 || n > len(j.builds) {
		return nil
	}
	b := j.builds[n-1]
	b.advance(now)
	return b
}

// Finish gives a build the status in which it ends, now. A status that is not terminal is taken as well:
// StatusRunning lets a build leave the queue. Nothing happens when there is no such build, when it has
// already ended, or when the status is empty.
func (s *Server) Finish(jobID, buildNo string, status codeartsbuild.BuildStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if b := s.build(jobID, buildNo, now); b != nil && !b.status.Terminal() && status != "" {
		b.set(status, now)
	}
}

// Status returns the status that a build has now; "" when there is no such build. A build that was told
// to stop keeps its status for 3 s and is aborted after that.
func (s *Server) Status(jobID, buildNo string) codeartsbuild.BuildStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.build(jobID, buildNo, time.Now()); b != nil {
		return b.status
	}
	return ""
}
