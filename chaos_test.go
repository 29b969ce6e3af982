package codeartsbuild_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/chaos"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

var chaosSeed = flag.Uint64("chaos.seed", 0, "seed of TestStopTellsTheTruth; 0 draws one and prints it")

// B1, B2, B21, B27, B27a, B27b, B28, B29, B31, B32, B33, B34, B35, B48: Stop reports truthfully what it did, with
// all faults on the way.
func TestStopTellsTheTruth(t *testing.T) {
	t.Parallel()
	seed, atLeast, part := *chaosSeed, 20, 1 // atLeast: times that each fault has to strike; some 50 are usual, and chance decides
	if seed == 0 {
		seed = rand.Uint64()
	}
	if testing.Short() {
		atLeast, part = 5, 2
	}
	t.Logf("-chaos.seed=%d", seed)
	fired := map[string][]int{}
	for i, protocol := range chaos.Protocols {
		report := truthOf(t, chaos.Config{
			Seed: seed + uint64(i), Protocol: protocol, Stops: protocol.Stops / part, Faults: chaos.Faults, Client: chaosClient(t),
		})
		for _, fault := range chaos.Faults {
			fired[fault.Name] = append(fired[fault.Name], report.Fired[fault.Name])
		}
	}
	for _, fault := range chaos.Faults {
		all, each := 0, ""
		for _, n := range fired[fault.Name] {
			all += n
			each += fmt.Sprintf("%6d", n)
		}
		t.Logf("%-30s acts %-7s fired%s, in all %4d", fault.Name, fault.Acts, each, all)
		if all < atLeast && !fault.Spared() {
			t.Errorf("%s fired %d times, want %d", fault.Name, all, atLeast)
		}
	}
}

// truthOf runs the simulator. On a machine that stalls, many attempts time out, so that few outcomes are known: only a
// client for which that is so three times in a row is at fault.
func truthOf(t *testing.T, config chaos.Config) *chaos.Report {
	t.Helper()
	for try := 1; ; try++ {
		report, err := chaos.Run(config)
		require.NoError(t, err)
		t.Logf("%s: %s; %.1f s, with %v per attempt", config.Protocol.Name, report.Summary(), report.Took.Seconds(), report.Timeout.Round(time.Millisecond))
		for _, problem := range report.Problems() {
			t.Error(problem)
		}
		least := definiteShare()
		if definite := report.Summary().Definite; definite >= least || t.Failed() {
			return report
		} else if try == 3 {
			t.Errorf("%s: %.1f %% of the stops end definite, want %.0f %%", config.Protocol.Name, 100*definite, 100*least)
			return report
		}
	}
}

// definiteShare is the least share of stops whose outcome is known. Where each step takes long, more attempts time out.
func definiteShare() float64 {
	if isRace() {
		return 0.9
	}
	return 0.93
}

// chaosClient stops builds as the SDK does. Without TLS it takes the SDK's own transport.
func chaosClient(t *testing.T) chaos.Client {
	return func(target chaos.Target) (chaos.Stop, func()) {
		opts := []codeartsbuild.ClientOption{
			codeartsbuild.WithEndpoint(target.URL),
			codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(target.Token)),
			codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond}),
		}
		if target.Roots != nil {
			opts = append(opts, codeartsbuild.WithTransport(target.Transport()))
		}
		client := sdktest.NewClient(t, opts...)
		return func(ctx context.Context, buildNo string, timeout time.Duration) chaos.Verdict {
			var response codeartsbuild.Response
			result, err := client.Jobs.Stop(ctx, target.JobID, buildNo,
				codeartsbuild.WithTimeout(timeout), codeartsbuild.WithResponseInto(&response))
			return chaos.Verdict{Outcome: chaosOutcome(result, err), Err: err, Attempts: response.Attempts}
		}, client.CloseIdleConnections
	}
}

func chaosOutcome(result *codeartsbuild.StopResult, err error) chaos.Outcome {
	switch {
	case (err == nil) != (result != nil), result != nil && result.Result == result.AlreadyFinished:
		return chaos.Contradiction
	case errors.Is(err, codeartsbuild.ErrOutcomeUnknown):
		return chaos.Unknown
	case err != nil:
		return chaos.Failed
	case result.AlreadyFinished:
		return chaos.Finished
	}
	return chaos.Stopped
}
