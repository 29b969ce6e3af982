package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"time"
)

const (
	accepted = `{"result":true}`
	invalid  = `{"error_code":"CB.00060200","error_msg":"Invalid param"}`
	busy     = `{"error_code":"CB.00060100","error_msg":"Network busy"}`
)

// A situation is a call that all clients make.
type situation struct {
	name     string
	loopback bool // else in memory
	callers  int
	outcome  string
}

// The outcomes of a call, with the responses that lead to them.
var outcomes = map[string][]reply{
	"success":        {{http.StatusOK, accepted}},
	"error response": {{http.StatusBadRequest, invalid}},
	"one retry":      {{http.StatusInternalServerError, busy}, {http.StatusOK, accepted}},
}

type reply struct {
	status int
	body   string
}

// outcomeNames are those of the outcomes, in the order of the tables.
var outcomeNames = []string{"success", "error response", "one retry"}

// situations are all in which the time of a call is measured.
func situations() []situation {
	var all []situation
	for _, outcome := range outcomeNames {
		for _, loopback := range []bool{false, true} {
			for _, callers := range []int{1, 32} {
				where := "in memory"
				if loopback {
					where = "loopback"
				}
				name := fmt.Sprintf("%s, %s, %d caller", where, outcome, callers)
				if callers > 1 {
					name += "s"
				}
				all = append(all, situation{name, loopback, callers, outcome})
			}
		}
	}
	return all
}

// calls of one round: enough for the collector of garbage to run several times.
func (s *situation) calls() int {
	if s.loopback {
		return 320
	}
	return 2000
}

// An entrant makes the call of a situation with one client.
type entrant struct {
	stop  stop
	fails bool
	close func()
}

func enter(c client, s situation) (*entrant, error) {
	service := &service{replies: outcomes[s.outcome]}
	settings := setup{endpoint: "https://build.example.com", transport: service, retryOnce: s.outcome == "one retry"}
	if !c.signs {
		settings.token = madeUpToken
	}
	e := &entrant{fails: s.outcome == "error response", close: func() {}}
	if s.loopback {
		server := httptest.NewServer(service)
		e.close = server.Close
		settings.endpoint, settings.transport = server.URL, nil
	}
	var err error
	if e.stop, err = c.open(settings); err != nil {
		e.close()
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return e, nil
}

// call makes the call as one of the callers.
func (e *entrant) call(ctx context.Context, caller int) error {
	_, err := e.stop(ctx, strconv.Itoa(caller+1)) // build numbers begin at 1
	if e.fails && err == nil {
		return errors.New("the call succeeds, although the response is an error")
	}
	if !e.fails {
		return err
	}
	return nil
}

// round makes calls and returns how long they took.
func (e *entrant) round(ctx context.Context, s situation) (time.Duration, error) {
	each := s.calls() / s.callers
	runtime.GC() // a round pays for its own garbage
	start := time.Now()
	err := together(s.callers, func(caller int) error {
		for range each {
			if err := e.call(ctx, caller); err != nil {
				return err
			}
		}
		return nil
	})
	return time.Since(start), err
}

// A timing is how long the call of a situation takes: by hand, and with each client divided by that.
type timing struct {
	hand   time.Duration
	ratios []float64
}

// measureTimes compares the clients, each with the call by hand of the same round, and returns the medians over the
// rounds. In each round another client is the first.
func measureTimes(ctx context.Context, s situation, rounds int) (*timing, error) {
	entrants, err := enterAll(ctx, s)
	if err != nil {
		return nil, err
	}
	var hand []time.Duration
	ratios := make([][]float64, len(clients))
	times := make([]time.Duration, len(clients))
	for round := range rounds {
		for i := range entrants {
			next := (round + i) % len(entrants)
			if times[next], err = entrants[next].round(ctx, s); err != nil {
				return nil, fmt.Errorf("%s, %s: %w", s.name, clients[next].name, err)
			}
		}
		base := times[handIndex()]
		hand = append(hand, base/time.Duration(s.calls()))
		for i, took := range times {
			ratios[i] = append(ratios[i], float64(took)/float64(base))
		}
	}
	t := &timing{hand: median(hand)}
	for i := range ratios {
		t.ratios = append(t.ratios, median(ratios[i]))
		entrants[i].close()
	}
	return t, nil
}

// enterAll makes all clients and their connections.
func enterAll(ctx context.Context, s situation) ([]*entrant, error) {
	entrants := make([]*entrant, len(clients))
	for i, c := range clients {
		var err error
		if entrants[i], err = enter(c, s); err != nil {
			return nil, err
		}
		if _, err := entrants[i].round(ctx, s); err != nil {
			return nil, fmt.Errorf("%s, %s: %w", s.name, c.name, err)
		}
	}
	return entrants, nil
}

func handIndex() int {
	return slices.IndexFunc(clients, func(c client) bool { return c.name == byHand })
}

func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// An allocation is how much a call allocates on top of the exchange with the service in memory.
type allocation struct{ objects, bytes float64 }

func measureAllocations(ctx context.Context, c client, outcome string) (allocation, error) {
	s := situation{outcome: outcome, callers: 1}
	e, err := enter(c, s)
	if err != nil {
		return allocation{}, err
	}
	defer e.close()
	call, err := allocated(func() error { return e.call(ctx, 0) })
	if err != nil {
		return allocation{}, fmt.Errorf("%s, %s: %w", outcome, c.name, err)
	}
	bare, err := bareExchanges(outcome)
	return allocation{call.objects - bare.objects, call.bytes - bare.bytes}, err
}

// bareExchanges is what the exchanges of a call allocate with a request that exists already.
func bareExchanges(outcome string) (allocation, error) {
	service := &service{replies: outcomes[outcome]}
	req, err := http.NewRequest(http.MethodPost, "https://build.example.com/v3/jobs/stop", nil)
	if err != nil {
		return allocation{}, err
	}
	return allocated(func() error {
		for range service.replies {
			resp, err := service.RoundTrip(req)
			if err != nil {
				return err
			}
			_ = resp.Body.Close()
		}
		return nil
	})
}

// allocated is the least that one of several hundred runs of f allocates, on average: others only add to it.
func allocated(f func() error) (allocation, error) {
	const repeats, runs = 5, 400
	least := allocation{math.Inf(1), math.Inf(1)}
	for range repeats {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			if err := f(); err != nil {
				return least, err
			}
		}
		runtime.ReadMemStats(&after)
		least.objects = min(least.objects, float64(after.Mallocs-before.Mallocs)/runs)
		least.bytes = min(least.bytes, float64(after.TotalAlloc-before.TotalAlloc)/runs)
	}
	return least, nil
}
