package chaos_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/chaos"
)

// The judge is tested by liars: reports of a client that tells the truth, as a liar would have told them.
func TestEveryLiarIsCaught(t *testing.T) {
	t.Parallel()
	honest := honestReport(t)
	require.Empty(t, honest.Problems())
	liars := map[string]struct {
		tell func(*chaos.Record)
		lie  chaos.Lie
	}{
		"takes unknown outcomes for success": {func(r *chaos.Record) {
			if r.Outcome == chaos.Unknown {
				r.Verdict = chaos.Verdict{Outcome: chaos.Stopped, Attempts: r.Attempts}
			}
		}, chaos.FalseSuccess},
		"takes errors for success": {func(r *chaos.Record) {
			r.Verdict = chaos.Verdict{Outcome: chaos.Stopped, Attempts: r.Attempts}
		}, chaos.FalseSuccess},
		"is too sure of its errors": {func(r *chaos.Record) {
			if r.Outcome == chaos.Unknown {
				r.Outcome = chaos.Failed
			}
		}, chaos.FalseFailure},
		"takes its own stop for a failure": {func(r *chaos.Record) {
			if r.Outcome == chaos.Finished {
				r.Outcome, r.Err = chaos.Failed, codeartsbuild.ErrBuildFinished
			}
		}, chaos.FalseFailure},
		"takes an earlier end for its work": {func(r *chaos.Record) {
			if errors.Is(r.Err, codeartsbuild.ErrBuildFinished) {
				r.Outcome, r.Err = chaos.Finished, nil
			}
		}, chaos.TooSure},
		"reports nothing": {func(r *chaos.Record) {
			r.Verdict = chaos.Verdict{Attempts: r.Attempts}
		}, chaos.Malformed},
		"returns too late": {func(r *chaos.Record) {
			r.Took += time.Minute
		}, chaos.Hang},
		"blames the caller": {func(r *chaos.Record) {
			if r.Err != nil {
				r.Err = context.Canceled
			}
		}, chaos.FalseEnd},
		"does not count": {func(r *chaos.Record) {
			r.Attempts--
		}, chaos.Uncounted},
	}
	for name, liar := range liars {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told := *honest
			told.Records = append([]chaos.Record(nil), honest.Records...)
			for i := range told.Records {
				liar.tell(&told.Records[i])
			}
			caught := len(chaos.Lies(told.Records)[liar.lie])
			require.NotZero(t, caught)
			require.Contains(t, strings.Join(told.Problems(), "\n"), liar.lie)
			t.Logf("caught %d times: %s", caught, liar.lie)
		})
	}
}

// honestReport is the report of a run of this module's client, which is made once.
var honestReport = func() func(t *testing.T) *chaos.Report {
	var once sync.Once
	var report *chaos.Report
	return func(t *testing.T) *chaos.Report {
		once.Do(func() {
			var err error
			report, err = chaos.Run(chaos.Config{
				Seed: 1, Protocol: chaos.Protocols[0], Stops: 800, Faults: chaos.Faults, Client: client(t),
			})
			require.NoError(t, err)
		})
		return report
	}
}()

// client is the client of this module.
func client(t *testing.T) chaos.Client {
	return func(target chaos.Target) (chaos.Stop, func()) {
		c, err := codeartsbuild.NewClient(
			codeartsbuild.WithEndpoint(target.URL), codeartsbuild.WithTransport(target.Transport()),
			codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(target.Token)),
			codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond}),
		)
		if err != nil {
			t.Error(err)
		}
		return func(ctx context.Context, buildNo string, timeout time.Duration) chaos.Verdict {
			var response codeartsbuild.Response
			result, err := c.Jobs.Stop(ctx, target.JobID, buildNo,
				codeartsbuild.WithTimeout(timeout), codeartsbuild.WithResponseInto(&response))
			v := chaos.Verdict{Outcome: chaos.Failed, Err: err, Attempts: response.Attempts}
			switch {
			case err == nil && result.AlreadyFinished:
				v.Outcome = chaos.Finished
			case err == nil:
				v.Outcome = chaos.Stopped
			case errors.Is(err, codeartsbuild.ErrOutcomeUnknown):
				v.Outcome = chaos.Unknown
			}
			return v
		}, c.CloseIdleConnections
	}
}

// Each lie, and the truth beside it.
func TestJudge(t *testing.T) {
	t.Parallel()
	acted, endedBefore, untouched := chaos.Done{Acted: true, Requests: 1}, chaos.Done{Ended: true, Requests: 1}, chaos.Done{Requests: 1}
	tests := map[string]struct {
		verdict chaos.Verdict
		done    chaos.Done
		took    time.Duration
		gaveUp  bool
		want    []chaos.Lie
	}{
		"stopped":                              {verdict: chaos.Verdict{Outcome: chaos.Stopped, Attempts: 1}, done: acted},
		"stopped, but nothing was":             {verdict: chaos.Verdict{Outcome: chaos.Stopped, Attempts: 1}, done: untouched, want: []chaos.Lie{chaos.FalseSuccess}},
		"stopped, but it had ended":            {verdict: chaos.Verdict{Outcome: chaos.Stopped, Attempts: 1}, done: endedBefore, want: []chaos.Lie{chaos.FalseSuccess}},
		"finished, by this call":               {verdict: chaos.Verdict{Outcome: chaos.Finished, Attempts: 2}, done: acted},
		"finished, before":                     {verdict: chaos.Verdict{Outcome: chaos.Finished, Attempts: 2}, done: endedBefore},
		"finished, but it runs":                {verdict: chaos.Verdict{Outcome: chaos.Finished, Attempts: 2}, done: untouched, want: []chaos.Lie{chaos.FalseSuccess}},
		"finished, at once":                    {verdict: chaos.Verdict{Outcome: chaos.Finished, Attempts: 1}, done: endedBefore, want: []chaos.Lie{chaos.TooSure}},
		"finished, without a count":            {verdict: chaos.Verdict{Outcome: chaos.Finished, Attempts: chaos.NotCounted}, done: endedBefore},
		"failed":                               {verdict: chaos.Verdict{Outcome: chaos.Failed, Err: errors.New("no"), Attempts: 1}, done: untouched},
		"failed, but stopped":                  {verdict: chaos.Verdict{Outcome: chaos.Failed, Err: errors.New("no"), Attempts: 1}, done: acted, want: []chaos.Lie{chaos.FalseFailure}},
		"unknown, stopped":                     {verdict: chaos.Verdict{Outcome: chaos.Unknown, Err: errors.New("lost"), Attempts: 1}, done: acted},
		"unknown, not stopped":                 {verdict: chaos.Verdict{Outcome: chaos.Unknown, Err: errors.New("lost"), Attempts: 1}, done: untouched},
		"contradiction":                        {verdict: chaos.Verdict{Attempts: 1}, done: untouched, want: []chaos.Lie{chaos.Malformed}},
		"uncounted request":                    {verdict: chaos.Verdict{Outcome: chaos.Stopped, Attempts: 1}, done: chaos.Done{Acted: true, Requests: 2}, want: []chaos.Lie{chaos.Uncounted}},
		"late":                                 {verdict: chaos.Verdict{Outcome: chaos.Stopped, Attempts: 1}, done: acted, took: time.Minute, want: []chaos.Lie{chaos.Hang}},
		"canceled by the caller":               {verdict: chaos.Verdict{Outcome: chaos.Unknown, Err: context.Canceled, Attempts: 1}, done: acted, gaveUp: true},
		"canceled, says the client":            {verdict: chaos.Verdict{Outcome: chaos.Unknown, Err: context.Canceled, Attempts: 1}, done: acted, want: []chaos.Lie{chaos.FalseEnd}},
		"at the deadline, says the client":     {verdict: chaos.Verdict{Outcome: chaos.Unknown, Err: context.DeadlineExceeded, Attempts: 1}, done: acted, want: []chaos.Lie{chaos.FalseEnd}},
		"failed, canceled, late, uncounted":    {verdict: chaos.Verdict{Outcome: chaos.Failed, Err: context.Canceled}, done: acted, took: time.Minute, want: []chaos.Lie{chaos.FalseFailure, chaos.Hang, chaos.FalseEnd, chaos.Uncounted}},
		"client by hand, which does not count": {verdict: chaos.Verdict{Outcome: chaos.Stopped, Attempts: chaos.NotCounted}, done: acted},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := chaos.Record{Verdict: tt.verdict, Took: tt.took, Limit: 30 * time.Second, GaveUp: tt.gaveUp, Done: tt.done}
			require.Equal(t, tt.want, r.Lies())
		})
	}
}

// The client that most people write first is wrong in both directions, and carries the credential wherever it
// is sent.
func TestClientByHandIsCaught(t *testing.T) {
	t.Parallel()
	report, err := chaos.Run(chaos.Config{Seed: 1, Protocol: chaos.Protocols[0], Stops: 500, Faults: chaos.Faults, Client: byHand})
	require.NoError(t, err)
	summary := report.Summary()
	t.Log(summary)
	require.NotZero(t, summary.FalseSuccesses)
	require.NotZero(t, summary.FalseFailures)
	require.NotZero(t, summary.Leaked)
	require.Contains(t, strings.Join(report.Problems(), "\n"), "redirects were followed")
}

func byHand(target chaos.Target) (chaos.Stop, func()) {
	c := &http.Client{Transport: target.Transport()}
	return func(ctx context.Context, buildNo string, timeout time.Duration) chaos.Verdict {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		body := strings.NewReader(`{"job_id":"` + target.JobID + `","build_no":"` + buildNo + `"}`)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.URL+"/v3/jobs/stop", body)
		if err != nil {
			return chaos.Verdict{Outcome: chaos.Failed, Err: err}
		}
		req.Header.Set("X-Auth-Token", target.Token)
		resp, err := c.Do(req)
		if err != nil {
			return chaos.Verdict{Outcome: chaos.Failed, Err: err, Attempts: 1}
		}
		defer resp.Body.Close()
		if resp.StatusCode >= 400 {
			return chaos.Verdict{Outcome: chaos.Failed, Err: errors.New(resp.Status), Attempts: 1}
		}
		return chaos.Verdict{Outcome: chaos.Stopped, Attempts: 1}
	}, c.CloseIdleConnections
}

// The same seed strikes the same builds for every client.
func TestSeedDecidesTheFaults(t *testing.T) {
	t.Parallel()
	trails := func(seed uint64, client chaos.Client) (first []string) {
		report, err := chaos.Run(chaos.Config{Seed: seed, Protocol: chaos.Protocols[0], Stops: 300, Faults: chaos.Faults[:13], Client: client})
		require.NoError(t, err)
		for _, r := range report.Records {
			if len(r.Done.Trail) > 0 { // else the proxy's own fault came first
				first = append(first, r.Done.Trail[0])
			} else {
				first = append(first, "")
			}
		}
		return first
	}
	differ := func(a, b []string) (n int) {
		for i := range a {
			if a[i] != b[i] && a[i] != "" && b[i] != "" {
				n++
			}
		}
		return n
	}
	own := trails(7, client(t))
	require.Zero(t, differ(own, trails(7, byHand)))
	require.NotZero(t, differ(own, trails(8, byHand)))
}
