// Package workflow counts the requests and the time that whole tasks take: a sweep over the jobs of a project, a wait for
// many builds, a log. It does each with this module and with the loop that one writes by hand, against the in-memory
// service, in the virtual time of testing/synctest.
package workflow

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

// Latency is the time until the response to each request.
const Latency = 100 * time.Millisecond

// A Cost is what a task took.
type Cost struct {
	Requests int
	Bytes    int64 // of the bodies of responses
	Took     time.Duration
}

// A service is the in-memory service and a client of it, whose requests and bytes are counted.
type service struct {
	*codeartsbuildtest.Server
	client   *codeartsbuild.Client
	requests atomic.Int64
	bytes    atomic.Int64
}

func newService() *service {
	s := &service{Server: codeartsbuildtest.NewServer()}
	s.client = s.Client(codeartsbuild.WithTransport(s))
	return s
}

func (s *service) RoundTrip(req *http.Request) (*http.Response, error) {
	s.requests.Add(1)
	time.Sleep(Latency)
	resp, err := s.Transport().RoundTrip(req)
	if err == nil {
		resp.Body = &counted{resp.Body, &s.bytes}
	}
	return resp, err
}

type counted struct {
	io.ReadCloser
	bytes *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

// cost measures a task.
func (s *service) cost(task func(context.Context) error) (Cost, error) {
	start, requests, bytes := time.Now(), s.requests.Load(), s.bytes.Load()
	err := task(context.Background())
	return Cost{int(s.requests.Load() - requests), s.bytes.Load() - bytes, time.Since(start)}, err
}

// A Project is what a sweep goes over: so many jobs, of which some have three running builds of one branch, so that two
// of them are superseded. Each job has finished builds, the last a day old.
type Project struct{ Jobs, Active, Finished int }

func (p Project) fill(s *service) {
	now := time.Now()
	for i := range p.Jobs {
		job := s.AddJob(fmt.Sprintf("job %d", i))
		for n := range p.Finished {
			began := now.Add(-25*time.Hour - time.Duration(p.Finished-n)*time.Minute)
			s.AddBuild(job, codeartsbuild.Build{
				Branch: "main", Revision: fmt.Sprint(n), Status: codeartsbuild.StatusSucceeded, StartedAt: began, FinishedAt: began.Add(time.Minute),
			})
		}
		for n := range 3 {
			if i < p.Active {
				s.AddBuild(job, codeartsbuild.Build{Branch: "main", Revision: "r" + fmt.Sprint(n), Trigger: "Push", StartedAt: now.Add(time.Duration(n-10) * time.Minute)})
			}
		}
	}
}

// Sweep stops the superseded builds of a project.
func Sweep(p Project) (Cost, error) {
	s := newService()
	defer s.Close()
	p.fill(s)
	return s.cost(func(ctx context.Context) error {
		plan, err := s.client.Builds.PlanProject(ctx, s.ProjectID(), &codeartsbuild.ProjectOptions{
			Superseded: &codeartsbuild.SupersededOptions{Within: 24 * time.Hour},
		})
		if err != nil {
			return err
		}
		outcomes, err := s.client.Builds.StopPlanned(ctx, plan, &codeartsbuild.StopPlannedOptions{Max: 2 * p.Active})
		return checkStops(len(outcomes), p, err)
	})
}

// SweepByHand lists each job of the project, reads each running build that is not the newest, and stops it.
func SweepByHand(p Project) (Cost, error) {
	s := newService()
	defer s.Close()
	p.fill(s)
	return s.cost(func(ctx context.Context) error {
		stops := 0
		for page := 1; ; page++ {
			jobs, err := s.client.Jobs.List(ctx, s.ProjectID(), &codeartsbuild.JobListOptions{Page: page, PageSize: 100})
			if err != nil {
				return err
			}
			for _, job := range jobs.Items {
				n, err := s.stopOlder(ctx, job.ID)
				if err != nil {
					return err
				}
				stops += n
			}
			if len(jobs.Items) < 100 {
				return checkStops(stops, p, nil)
			}
		}
	})
}

// stopOlder stops the running builds of a job that are not the newest.
func (s *service) stopOlder(ctx context.Context, job string) (stops int, err error) {
	builds, err := s.client.Builds.List(ctx, job, &codeartsbuild.BuildListOptions{PageSize: 100})
	if err != nil {
		return 0, err
	}
	for i, listed := range builds.Items {
		if i == 0 || listed.Status != codeartsbuild.StatusRunning {
			continue
		}
		build, err := s.client.Builds.Get(ctx, job, listed.BuildNo)
		if err != nil {
			return stops, err
		}
		if build.Status == codeartsbuild.StatusRunning {
			if _, err := s.client.Jobs.Stop(ctx, job, build.BuildNo); err != nil {
				return stops, err
			}
			stops++
		}
	}
	return stops, nil
}

func checkStops(stops int, p Project, err error) error {
	if err == nil && stops != 2*p.Active {
		return fmt.Errorf("%d stops, want %d", stops, 2*p.Active)
	}
	return err
}
