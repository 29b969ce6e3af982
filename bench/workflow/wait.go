package workflow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

const (
	// building is how long each build takes.
	building = 10 * time.Minute
	// pollByHand is the pause of the loop by hand.
	pollByHand = 10 * time.Second
)

// Builds are builds to wait for: of one job, or each of a job of its own.
type Builds struct {
	Count  int
	OneJob bool
}

// Wait waits for all builds at the same time.
func Wait(b Builds) (Cost, error) {
	return b.cost(func(ctx context.Context, client *codeartsbuild.Client, job, no string) error {
		_, err := client.Builds.Wait(ctx, job, no, nil)
		return err
	})
}

// WaitByHand reads each build every 10 s.
func WaitByHand(b Builds) (Cost, error) {
	return b.cost(func(ctx context.Context, client *codeartsbuild.Client, job, no string) error {
		for {
			build, err := client.Builds.Get(ctx, job, no)
			if err != nil || build.Status.Terminal() {
				return err
			}
			time.Sleep(pollByHand)
		}
	})
}

func (b Builds) cost(wait func(ctx context.Context, client *codeartsbuild.Client, job, no string) error) (Cost, error) {
	s := newService()
	defer s.Close()
	jobs, numbers := make([]string, b.Count), make([]string, b.Count)
	for i := range b.Count {
		if i > 0 && b.OneJob {
			jobs[i] = jobs[0]
		} else {
			jobs[i] = s.AddJob(fmt.Sprintf("job %d", i))
		}
		numbers[i] = s.StartBuild(jobs[i])
	}
	return s.cost(func(ctx context.Context) error {
		failures := make([]error, b.Count)
		var all sync.WaitGroup
		all.Go(func() {
			time.Sleep(building)
			for i := range b.Count {
				s.Finish(jobs[i], numbers[i], codeartsbuild.StatusSucceeded)
			}
		})
		for i := range b.Count {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 37 * time.Millisecond) // callers do not begin at once
				failures[i] = wait(ctx, s.client, jobs[i], numbers[i])
			})
		}
		all.Wait()
		return errors.Join(failures...)
	})
}
