package workflow

import (
	"testing"
	"testing/synctest"
	"time"
)

// measure does a task in a bubble.
func measure[Task any](t *testing.T, do func(Task) (Cost, error), task Task) (cost Cost) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var err error
		if cost, err = do(task); err != nil {
			t.Fatalf("%v: %v", task, err)
		}
	})
	return cost
}

func atMost(t *testing.T, figure string, got, most int) {
	t.Helper()
	if got > most {
		t.Errorf("%s: %d, want at most %d", figure, got, most)
	}
}

// The requests of a sweep grow with the jobs that have active builds: 7 for each, to list its builds, and to read and
// stop two of them. Other jobs cost a request for each 100, and finished builds cost nothing.
func TestSweepCostsWhatIsActive(t *testing.T) {
	t.Parallel()
	small := measure(t, Sweep, Project{Jobs: 10, Active: 5, Finished: 10}).Requests
	more := measure(t, Sweep, Project{Jobs: 150, Active: 5, Finished: 10}).Requests
	long := measure(t, Sweep, Project{Jobs: 10, Active: 5, Finished: 300}).Requests
	active := measure(t, Sweep, Project{Jobs: 150, Active: 105, Finished: 10}).Requests
	atMost(t, "140 more jobs without active builds", more-small, 1)
	atMost(t, "290 more finished builds of each job", long-small, 0)
	atMost(t, "100 more jobs with active builds", active-more, 700)
	hand := measure(t, SweepByHand, Project{Jobs: 150, Active: 5, Finished: 10}).Requests
	atMost(t, "sweep of 150 jobs, of which 5 have active builds", 3*more, hand)
}

// Stops run four at a time, so that a sweep takes less time than the loop, although it reads a build once more.
func TestSweepTakesLessTime(t *testing.T) {
	t.Parallel()
	for _, p := range []Project{{100, 5, 10}, {100, 100, 10}} {
		module, hand := measure(t, Sweep, p), measure(t, SweepByHand, p)
		atMost(t, "milliseconds", int(2*module.Took.Milliseconds()), int(hand.Took.Milliseconds()))
	}
}

func TestWaitSharesReads(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		builds Builds
		share  float64 // of the requests by hand, at most
	}{
		"one build":              {Builds{1, true}, 0.85},
		"100 builds of one job":  {Builds{100, true}, 0.35},
		"20 builds of 20 jobs":   {Builds{20, false}, 0.85},
		"10 builds of one job":   {Builds{10, true}, 0.5},
		"10 builds, each of one": {Builds{10, false}, 0.85},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			module, hand := measure(t, Wait, tt.builds), measure(t, WaitByHand, tt.builds)
			atMost(t, "requests", module.Requests, int(tt.share*float64(hand.Requests)))
			atMost(t, "seconds until the end of all builds was seen", int(module.Took.Seconds()), int((building + 20*time.Second).Seconds()))
		})
	}
}

// A log comes once, whoever reads it while it is written.
func TestLogComesOnce(t *testing.T) {
	t.Parallel()
	const size = 24
	follow, download, hand := measure(t, Follow, size), measure(t, Download, size), measure(t, FollowByHand, size)
	atMost(t, "KiB that Follow reads", int(follow.Bytes>>10), size<<10*11/10)
	atMost(t, "KiB that Download reads", int(download.Bytes>>10), size<<10+8)
	atMost(t, "requests of Follow", follow.Requests, 10*size+20)
	atMost(t, "requests of Download", download.Requests, 10)
	atMost(t, "KiB", int(follow.Bytes>>10)*14/10, int(hand.Bytes>>10))
}
