package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild/internal/chaos"
)

// driven are the clients that the simulator drives. The vendor's client has a result that may be missing, which
// callers take for a success or do not.
func driven() []client {
	var some []client
	for _, c := range independent() {
		if c.name != vendorName {
			some = append(some, c)
			continue
		}
		strict, lenient := c, c
		strict.name, lenient.name = "vendor's client, result read", "vendor's client, error read"
		lenient.open = openVendorByError
		some = append(some, strict, lenient)
	}
	return some
}

// measureTruth lets a client make its stops with all faults on the way, over all protocols and once a seed.
func measureTruth(c client, seeds int) (chaos.Summary, error) {
	var sum chaos.Summary
	for seed := range seeds {
		for i, protocol := range chaos.Protocols {
			report, err := chaos.Run(chaos.Config{
				Seed: uint64(1000*seed + i), Protocol: protocol, Faults: chaos.Faults, Client: driver(c),
			})
			if err != nil {
				return sum, fmt.Errorf("%s: %w", c.name, err)
			}
			s := report.Summary()
			sum.Stops += s.Stops
			sum.TrueSuccesses += s.TrueSuccesses
			sum.TrueFailures += s.TrueFailures
			sum.Unknown += s.Unknown
			sum.FalseSuccesses += s.FalseSuccesses
			sum.FalseFailures += s.FalseFailures
			sum.Leaked += s.Leaked
		}
	}
	return sum, nil
}

// driver makes the simulator's client. It trusts the simulator's certificate; else its transport has net/http's
// own settings for what a response may be.
func driver(c client) chaos.Client {
	return func(target chaos.Target) (chaos.Stop, func()) {
		transport := target.Transport()
		if c.name != ours {
			transport.DisableCompression = false // as http.DefaultTransport
		}
		open := byTimeout(c, setup{
			endpoint: target.URL, token: target.Token, transport: transport, pause: 5 * time.Millisecond, spellings: true,
		})
		return func(ctx context.Context, buildNo string, timeout time.Duration) chaos.Verdict {
			finished, err := open(timeout)(ctx, buildNo)
			return verdict(c, finished, err)
		}, transport.CloseIdleConnections
	}
}

func verdict(c client, finished bool, err error) chaos.Verdict {
	v := chaos.Verdict{Outcome: chaos.Stopped, Err: err, Attempts: chaos.NotCounted}
	switch {
	case err != nil:
		v.Outcome = c.outcome(err)
	case finished:
		v.Outcome = chaos.Finished
	}
	return v
}

// byTimeout makes the client once for each timeout of an attempt, since most clients have one timeout for all calls.
func byTimeout(c client, s setup) func(time.Duration) stop {
	var mu sync.Mutex
	opened := map[time.Duration]stop{}
	return func(timeout time.Duration) stop {
		mu.Lock()
		defer mu.Unlock()
		if opened[timeout] == nil {
			s.timeout = timeout
			stop, err := c.open(s)
			if err != nil {
				stop = func(context.Context, string) (bool, error) { return false, err }
			}
			opened[timeout] = stop
		}
		return opened[timeout]
	}
}
