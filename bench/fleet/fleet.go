package fleet

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// A Policy is what a client does about a call that failed.
type Policy string

// The policies that are compared.
const (
	Module Policy = "this module"           // up to 5 attempts, random pauses that double, a budget of 150 retries a client
	Fixed  Policy = "5 attempts, 1 s apart" // up to 5 attempts, one second apart
	Never  Policy = "without retries"       // one attempt
)

// A Scenario is a fleet and the failure of its service.
type Scenario struct {
	Policy  Policy
	Clients int
	Rate    float64 // calls a minute of each client, at random times
	Fault   Fault
	Failing time.Duration // how long the service fails, after Before
	After   time.Duration // how long the clients go on when it works again
}

// Before is how long the service works at first.
const Before = 10 * time.Second

// A Phase counts what happened in a part of a scenario. A call belongs to the phase in which it began.
type Phase struct{ Calls, Succeeded, Requests int }

// RequestsPerCall is the number of requests for each call.
func (p Phase) RequestsPerCall() float64 { return float64(p.Requests) / float64(max(p.Calls, 1)) }

// Success is the share of the calls that succeeded.
func (p Phase) Success() float64 { return float64(p.Succeeded) / float64(max(p.Calls, 1)) }

// A Result is what a scenario came to.
type Result struct {
	Scenario
	Outage, Recovery Phase
	Load             []float64 // requests in each second, as a multiple of the steady rate of calls
}

// Peak is the highest load of one second between two times since the beginning.
func (r *Result) Peak(from, until time.Duration) float64 {
	peak := 0.0
	for second := int(from / time.Second); second < min(int(until/time.Second), len(r.Load)); second++ {
		peak = max(peak, r.Load[second])
	}
	return peak
}

// Simulate runs a scenario. It takes no time in a bubble of synctest.
func Simulate(s Scenario) (*Result, error) {
	start := time.Now()
	f := &run{
		Scenario: s,
		service: &service{
			fault: s.Fault, steady: s.Rate / 60 * float64(s.Clients), start: start, last: start,
			from: start.Add(Before), until: start.Add(Before + s.Failing),
		},
	}
	for i := range s.Clients {
		call, err := newCaller(s.Policy, f.service)
		if err != nil {
			return nil, err
		}
		f.all.Go(func() { f.client(rand.New(rand.NewPCG(1, uint64(i))), call) })
	}
	f.all.Wait()
	return f.result(), nil
}

// A run is a scenario under way.
type run struct {
	Scenario
	service *service
	all     sync.WaitGroup
	calls   [3]struct{ begun, succeeded atomic.Int64 } // before, while and after the service fails
}

// client makes calls until the end of the scenario.
func (r *run) client(random *rand.Rand, call func() error) {
	end := r.service.until.Add(r.After)
	for {
		time.Sleep(time.Duration(random.ExpFloat64() * float64(time.Minute) / r.Rate))
		now := time.Now()
		if !now.Before(end) {
			return
		}
		phase := &r.calls[r.phaseOf(now)]
		phase.begun.Add(1)
		r.all.Go(func() {
			if call() == nil {
				phase.succeeded.Add(1)
			}
		})
	}
}

func (r *run) phaseOf(t time.Time) int {
	switch {
	case t.Before(r.service.from):
		return 0
	case t.Before(r.service.until):
		return 1
	}
	return 2
}

func (r *run) result() *Result {
	result := &Result{Scenario: r.Scenario, Outage: r.phase(1), Recovery: r.phase(2)}
	ends := []time.Duration{Before, Before + r.Failing, Before + r.Failing + r.After}
	for second, requests := range r.service.requests {
		at := time.Duration(second) * time.Second
		switch {
		case at >= ends[0] && at < ends[1]:
			result.Outage.Requests += requests
		case at >= ends[1] && at < ends[2]:
			result.Recovery.Requests += requests
		}
		if at < ends[2] {
			result.Load = append(result.Load, float64(requests)/r.service.steady)
		}
	}
	return result
}

func (r *run) phase(i int) Phase {
	return Phase{Calls: int(r.calls[i].begun.Load()), Succeeded: int(r.calls[i].succeeded.Load())}
}

// newCaller makes a client that stops builds by a policy.
func newCaller(policy Policy, transport http.RoundTripper) (func() error, error) {
	opts := []codeartsbuild.ClientOption{
		codeartsbuild.WithEndpoint("https://build.example.com"), codeartsbuild.WithTransport(transport),
		codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("made-up-token")),
	}
	if policy != Module {
		opts = append(opts, codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 1}))
	}
	client, err := codeartsbuild.NewClient(opts...)
	stop := func() error {
		_, err := client.Jobs.Stop(context.Background(), "48c66c6002964721be537cdc6ce0297b", "20")
		return err
	}
	if policy == Fixed {
		return func() error { return withFixedDelay(stop) }, err
	}
	return stop, err
}

func withFixedDelay(call func() error) (err error) {
	for attempt := range 5 {
		if attempt > 0 {
			time.Sleep(time.Second)
		}
		if err = call(); err == nil {
			return nil
		}
	}
	return err
}
