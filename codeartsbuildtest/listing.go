package codeartsbuildtest

import (
	"slices"
	"time"
)

// A listing is what lists show of the builds of a job.
type listing struct {
	job    *job
	builds []*build // by number
	active int      // those that have not finished
	until  time.Time
}

// present is what the job has now.
func (j *job) present() *listing { return &listing{job: j, builds: j.builds, active: j.active} }

// listing is what lists show: what the job has now or, while it is frozen, what it had then.
func (j *job) listing(now time.Time) *listing {
	j.advance(now)
	if j.frozen != nil && now.Before(j.frozen.until) {
		return j.frozen
	}
	return j.present()
}

// FreezeList makes lists lag behind: for so long from now on, all lists show the builds of a job as they are now. They
// lack builds that begin later, and show an old status of builds that go on; records and stops know better. Nothing
// happens when the job does not exist.
func (s *Server) FreezeList(jobID string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, err := s.state.jobs.find(jobID)
	if err != nil {
		return
	}
	now := s.state.now()
	j.advance(now)
	frozen := j.present()
	frozen.builds = make([]*build, len(j.builds))
	for i, b := range j.builds {
		copied := *b
		frozen.builds[i] = &copied
	}
	frozen.until = now.Add(d)
	j.frozen = frozen
}

// last is the newest build, and for a job that was never built one without a number and a time.
func (l *listing) last() *build {
	if len(l.builds) == 0 {
		return &build{job: l.job}
	}
	return l.builds[len(l.builds)-1]
}

// lastStatus is the last_build_status of the job lists.
func (l *listing) lastStatus() string {
	if len(l.builds) == 0 {
		return "none"
	}
	return spell(l.last().status).last
}

// newestFirst lists the builds that fit.
func (l *listing) newestFirst(fits func(*build) bool) []*build {
	builds := []*build{}
	for _, b := range slices.Backward(l.builds) {
		if fits(b) {
			builds = append(builds, b)
		}
	}
	return builds
}

// A choice is the builds of a job within a time. The last one is kept, since the pages of a long list follow each other.
type choice struct {
	from, to time.Time
	builds   []*build // nil: builds or their times have changed since
}

// changed forgets what the last list chose.
func (j *job) changed() { j.chosen = choice{} }

// during lists the builds within a time, newest first. Requests of one second that say no end have the same one.
func (l *listing) during(from, to time.Time) []*build {
	to = to.Truncate(time.Second)
	kept := &l.job.chosen
	if l == l.job.frozen {
		kept = new(choice)
	}
	if kept.builds == nil || !kept.from.Equal(from) || !kept.to.Equal(to) {
		*kept = choice{from, to, l.newestFirst(func(b *build) bool { return within(b.listedAt(), from, to) })}
	}
	return kept.builds
}

// within compares by whole seconds, since queries have no finer times; both ends count.
func within(t, from, to time.Time) bool {
	t = t.Truncate(time.Second)
	return !t.Before(from) && !t.After(to)
}
