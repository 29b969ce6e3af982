package fleet

import (
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var drawTo = flag.String("draw", "", "the folder to draw charts to, with fleets of 1,000 clients; \"\": small fleets, no charts")

// budget is the number of retries that the clients of the module have in an outage.
const budget = 150

const minute = time.Minute

// clients is the size of a fleet. Without charts, fleets are as small as their figures allow.
func clients(rate float64, fault Fault) int {
	switch {
	case *drawTo != "" && fault != Unavailable && rate == 1000:
		return 100 // half a million calls of 1,000 clients would hang at the same time
	case *drawTo != "":
		return 1000
	}
	return int(min(1000, 3000/rate+10))
}

func simulate(t *testing.T, policy Policy, rate float64, fault Fault, failing, after time.Duration) (result *Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var err error
		if result, err = Simulate(Scenario{policy, clients(rate, fault), rate, fault, failing, after}); err != nil {
			t.Fatal(err)
		}
	})
	return result
}

// ended is the time since the beginning at which the outage of a scenario ends.
func (r *Result) ended() time.Duration { return Before + r.Failing }

// An outage of a minute: the requests for each call are limited by the attempts of a call and by the budget of its
// client. Ten seconds later the load is that of clients without retries.
func TestFleetOutage(t *testing.T) {
	for _, fault := range []Fault{Unavailable, Refused} {
		for _, rate := range []float64{1, 10, 100, 1000} {
			t.Run(fmt.Sprintf("%s, %v calls a minute", fault, rate), func(t *testing.T) {
				never := simulate(t, Never, rate, fault, minute, minute/2)
				r := simulate(t, Module, rate, fault, minute, minute/2)
				if most := min(5, 1.05+budget/rate); r.Outage.RequestsPerCall() > most {
					t.Errorf("%.2f requests a call, want at most %.2f", r.Outage.RequestsPerCall(), most)
				}
				if r.Recovery.Success() < 0.97 {
					t.Errorf("%.3f of the calls succeeded after the outage", r.Recovery.Success())
				}
				quiet := r.ended() + 10*time.Second
				if rate == 1000 {
					quiet = r.ended() // the budget was spent long before
				}
				atMost(t, "load after the outage", r.Peak(quiet, time.Hour), 1.1*never.Peak(0, time.Hour)+0.1)
			})
		}
	}
}

// A hanging service costs the timeout of each attempt, so that retries come when it works again.
func TestFleetHangs(t *testing.T) {
	never := simulate(t, Never, 1000, Hanging, minute, minute)
	r := simulate(t, Module, 1000, Hanging, minute, minute)
	atMost(t, "requests a call", r.Outage.RequestsPerCall(), 1.05+budget/1000.0)
	atMost(t, "load when the service works again", r.Peak(r.ended(), time.Hour), 3.5)
	atMost(t, "load 45 seconds later", r.Peak(r.ended()+45*time.Second, time.Hour), 1.1*never.Peak(0, time.Hour)+0.1)
	atLeast(t, "calls that succeeded", r.Outage.Success(), never.Outage.Success()+0.2)
}

// A throttled minute: retries wait for its end, and most calls succeed.
func TestFleetThrottled(t *testing.T) {
	for _, rate := range []float64{10, 1000} {
		never := simulate(t, Never, rate, Throttled, minute, minute)
		fixed := simulate(t, Fixed, rate, Throttled, minute, minute)
		r := simulate(t, Module, rate, Throttled, minute, minute)
		atLeast(t, "calls that succeeded", r.Outage.Success(), never.Outage.Success())
		atMost(t, "requests a call", r.Outage.RequestsPerCall(), 0.9*fixed.Outage.RequestsPerCall())
		atMost(t, "load 50 seconds later", r.Peak(r.ended()+50*time.Second, time.Hour), 1.1*never.Peak(0, time.Hour)+0.1)
	}
}

// A short outage is what retries are for.
func TestFleetBlip(t *testing.T) {
	for failing, least := range map[time.Duration]float64{time.Second: 0.95, 2 * time.Second: 0.8} {
		r := simulate(t, Module, 10, Unavailable, failing, minute/4)
		never := simulate(t, Never, 10, Unavailable, failing, minute/4)
		atLeast(t, "calls that succeeded", r.Outage.Success(), least)
		atMost(t, "calls that succeeded without retries", never.Outage.Success(), 0.1)
	}
}

func atMost(t *testing.T, figure string, got, most float64) {
	t.Helper()
	if got > most {
		t.Errorf("%s: %.2f, want at most %.2f", figure, got, most)
	}
}

func atLeast(t *testing.T, figure string, got, least float64) {
	t.Helper()
	if got < least {
		t.Errorf("%s: %.3f, want at least %.3f", figure, got, least)
	}
}

// Callers of one client that are at work at the same time survive a second of 503, if their retries fit into the budget:
// each needs two or three.
func TestCallersOfOneClient(t *testing.T) {
	for _, callers := range []int{4, 16, 32, budget / 4, budget} {
		began, lost := blip(t, callers)
		t.Logf("%d callers: %d of %d calls lost", callers, lost, began)
		if callers <= budget/4 {
			atMost(t, "share of the calls that were lost", float64(lost)/float64(began), 0.1)
		}
	}
}

// blip counts the calls that met a second of 503, and those of them that failed.
func blip(t *testing.T, callers int) (began, lost int64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := &service{
			fault: Unavailable, steady: 1e9, start: start, last: start, from: start.Add(time.Second), until: start.Add(2 * time.Second),
		}
		call, err := newCaller(Module, s)
		if err != nil {
			t.Fatal(err)
		}
		var met, failed atomic.Int64
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				for time.Since(start) < 10*time.Second {
					at := time.Now()
					err := call()
					if at.Before(s.until) && time.Now().After(s.from.Add(latency)) {
						met.Add(1)
					}
					if err != nil {
						failed.Add(1)
					}
				}
			})
		}
		all.Wait()
		began, lost = met.Load(), failed.Load()
	})
	return began, lost
}
