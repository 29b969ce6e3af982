package codeartsbuild_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/stretchr/testify/require"
)

var truthSeed = flag.Uint64("truth.seed", 0, "the seed of the truth test; 0 draws one and prints it")

const (
	truthCallers = 32
	truthFired   = 50 // times at least for each fault; half with -short
	truthJob     = "48c66c6002964721be537cdc6ce0297b"
	truthToken   = "truth-token"

	truthCalm  = 64                     // stops before anything goes wrong
	truthLeast = 200 * time.Millisecond // of one attempt: what a swallowed request costs
	truthMost  = 3 * time.Second
	truthLimit = 30 * time.Second // of a call, far more than all its attempts take
	truthSlack = 2 * time.Second  // by which a call may be late, on a machine that is busy with other tests
)

// A truthProtocol is a way to the service. A broken connection hits one request with HTTP/1.1, and with HTTP/2 all that
// its client has under way, so that there are more clients and fewer breaks with HTTP/2.
type truthProtocol struct {
	name       string
	tls, http2 bool
	stops      int // half with -short
	clients    int // that the callers share
	resets     int // of the connections, in percent
}

var truthProtocols = []truthProtocol{
	{"HTTP/1.1", false, false, 1600, 1, 20},
	{"TLS with HTTP/1.1", true, false, 600, 1, 20},
	{"TLS with HTTP/2", true, true, 1800, 8, 15},
}

// truthActs says when the service acts on a request that a fault has struck.
type truthActs int

const (
	truthNever  truthActs = iota // the fault stands in its place
	truthAlways                  // and only then it answers
	truthEither                  // or does not: the draw decides
	truthLate                    // when the client has given up
)

func (a truthActs) String() string { return [...]string{"never", "always", "either", "late"}[a] }

// A truthFault is something that goes wrong with a request.
type truthFault struct {
	name         string
	acts         truthActs
	http1, http2 int // how many of 1,000 requests it strikes
	strike       func(*truthExchange)
}

const (
	truthResetBefore = "reset before the request"
	truthStale       = "stale keep-alive"
	truthStreams     = "streams broken off"
)

// truthFaults are all that happens. What has no strike is the proxy's own.
var truthFaults = []truthFault{
	// Answers of the service, or of what stands before it.
	{"429", truthNever, 16, 16, truthAnswers(429, "", `{"error_code":"APIGW.0308","error_msg":"Throttled"}`)},
	{"503", truthNever, 16, 16, truthAnswers(503, "", truthPage, `{"error_code":"APIGW.0602","error_msg":"Overloaded"}`)},
	{"500 with a code", truthNever, 16, 16, truthAnswers(500, truthCoded, truthQuoted)},
	{"500, busy", truthNever, 16, 16, truthAnswers(500, `{"error_code":"CB.00060100","error_msg":"Network busy"}`)},
	{"500 without a code", truthEither, 16, 16, truthAnswers(500, "", "{}", `{"message":"oops"}`, truthPage, "Oops")},
	{"502", truthEither, 16, 16, truthAnswers(502, "", truthPage, `{"error_code":"APIGW.0202","error_msg":"No backend"}`)},
	{"504", truthEither, 16, 16, truthAnswers(504, "", truthPage, `{"error_code":"APIGW.0201","error_msg":"Timeout"}`)},
	{"4xx", truthNever, 20, 20, truthDenial},
	{"redirect", truthNever, 16, 16, truthRedirect},
	{"HTML in a 200", truthEither, 16, 16, truthAnswers(200, truthPage, "<html>")},
	{"error in a 200", truthNever, 16, 16, truthAnswers(200, truthCoded, truthQuoted, truthRefused)},
	{"empty answer", truthAlways, 16, 16, truthEmpty},
	{"delay", truthAlways, 16, 16, truthDelay},

	// Answers that do not come, or not whole.
	{"swallowed", truthEither, 14, 14, (*truthExchange).waitUntilGone},
	{"swallowed, acts late", truthLate, 14, 14, (*truthExchange).waitUntilGone},
	{"cut answer", truthEither, 16, 16, truthCut},
	{"end not marked", truthEither, 30, 0, truthUnmarked},
	{truthStreams, truthEither, 0, 40, truthBreakStreams},
	{truthResetBefore, truthNever, 0, 0, nil},
	{"reset after the request", truthEither, 22, 5, truthReset},
	{"reset within the answer", truthEither, 22, 5, truthBreak},
	{"half close", truthEither, 22, 5, truthHalfClose},
	{"bytes of somebody else", truthEither, 22, 5, truthForeign},
	{truthStale, truthAlways, 34, 5, truthGoStale},
	{"last answer of a connection", truthAlways, 22, 5, truthGoodbye},
	{"the caller gives up", truthEither, 16, 16, truthGiveUp},
}

// Whatever goes wrong on the way, what Stop says is what the service did: B1, B2, B21, B27, B27a, B27b, B28, B29, B31
// to B35, B48.
func TestStopTellsTheTruth(t *testing.T) {
	t.Parallel()
	seed, demand, part := *truthSeed, truthFired, 1
	if seed == 0 {
		seed = rand.Uint64()
	}
	if testing.Short() {
		demand, part = demand/2, 2
	}
	t.Logf("-truth.seed=%d", seed)
	reports := make([]*truthReport, len(truthProtocols))
	for i := range truthProtocols {
		reports[i] = runTruth(t, seed+uint64(i), &truthProtocols[i], truthProtocols[i].stops/part, truthOwnClient)
		reports[i].check(t)
	}
	for _, fault := range truthFaults {
		all, each := 0, ""
		for _, report := range reports {
			fired := report.fired[fault.name]
			all += fired
			each += fmt.Sprintf("%6d", fired)
		}
		t.Logf("%-28s acts %-7s fired%s, in all %4d", fault.name, fault.acts, each, all)
		if all < demand && !fault.spared() {
			t.Errorf("%s fired %d times, want %d", fault.name, all, demand)
		}
	}
	t.Run("a liar is caught", func(t *testing.T) { testTruthLiars(t, reports) })
}

// A truthStopper is a client of the service: it stops a build and says how many requests that took.
type truthStopper func(ctx context.Context, build string, timeout time.Duration) (*codeartsbuild.StopResult, int, error)

// A truthSaid is what a client said about a stop.
type truthSaid struct {
	result      *codeartsbuild.StopResult
	err         error
	attempts    int
	took, limit time.Duration // limit: until its context ended, or would have
	gaveUp      bool
}

// A truthStop is a stop as both sides tell it.
type truthStop struct {
	build int
	said  truthSaid
	done  truthDone
}

// A truthOutcome is what a caller understands.
type truthOutcome int

const (
	truthSuccess truthOutcome = iota // stopped, or ended before we could tell
	truthFailure                     // not stopped, not by this call
	truthUnknown
)

func (said truthSaid) outcome() truthOutcome {
	switch {
	case said.err == nil:
		return truthSuccess
	case errors.Is(said.err, codeartsbuild.ErrOutcomeUnknown):
		return truthUnknown
	}
	return truthFailure
}

// The ways in which a client can be wrong about a stop.
const (
	truthFalseSuccess = "false success"
	truthFalseFailure = "false failure"
	truthMalformed    = "neither result nor error, or both"
	truthHang         = "hang"
	truthFalseEnd     = "end of a context that had not ended"
	truthUncounted    = "request that the client did not count"
	truthTooSure      = "build that it may have finished, at the first attempt"
)

// judgeTruth compares what a client said about a stop with what the service did.
func judgeTruth(said truthSaid, done truthDone) (lies []string) {
	lie := func(kind string, is bool) {
		if is {
			lies = append(lies, kind)
		}
	}
	outcome, result, err := said.outcome(), said.result, said.err
	finished := result != nil && result.AlreadyFinished
	lie(truthMalformed, (err == nil) != (result != nil) || (result != nil && result.Result == finished))
	lie(truthFalseSuccess, outcome == truthSuccess && !done.acted && !(finished && done.ended))
	lie(truthTooSure, finished && said.attempts < 2)
	lie(truthFalseFailure, outcome == truthFailure && done.acted)
	lie(truthHang, said.took > said.limit+truthSlack)
	lie(truthFalseEnd, !said.gaveUp && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)))
	lie(truthUncounted, len(done.trail) > said.attempts)
	return lies
}

// truthLies are the stops that a client lied about, by the kind of the lie.
func truthLies(stops []truthStop) map[string][]truthStop {
	lies := map[string][]truthStop{}
	for _, stop := range stops {
		for _, kind := range judgeTruth(stop.said, stop.done) {
			lies[kind] = append(lies[kind], stop)
		}
	}
	return lies
}

// check requires that nothing was wrong with a run.
func (report *truthReport) check(t *testing.T) {
	lies := truthLies(report.stops)
	outcomes, attempts := [3]int{}, 0
	for _, stop := range report.stops {
		outcomes[stop.said.outcome()]++
		attempts += stop.said.attempts
	}
	n := len(report.stops)
	t.Logf("%s: %d stops: %d definite successes, %d definite failures, %d unknown", report.protocol.name, n,
		outcomes[truthSuccess], outcomes[truthFailure], outcomes[truthUnknown])
	t.Logf("%s: %.2f requests per stop; %d false successes, %d false failures; %.1f s, with %v per attempt",
		report.protocol.name, float64(attempts)/float64(n), len(lies[truthFalseSuccess]), len(lies[truthFalseFailure]),
		report.took.Seconds(), report.timeout.Round(time.Millisecond))
	for kind, stops := range lies {
		t.Errorf("%s: %d times", kind, len(stops))
		for _, stop := range stops[:min(len(stops), 3)] {
			said, done := stop.said, stop.done
			t.Logf("build %d, ended before %t, acted upon %t: said %+v, %v after %v and %d requests; the service: %s", stop.build,
				done.ended, done.acted, said.result, said.err, said.took, said.attempts, strings.Join(done.trail, "; "))
		}
	}
	if definite := n - outcomes[truthUnknown]; definite*100 < n*90 {
		t.Errorf("%d of %d stops end definite, want 90 %%", definite, n)
	}
	if len(report.collected) > 0 {
		t.Errorf("%d redirects were followed, the first with %s", len(report.collected), report.collected[0])
	}
	if len(report.wrong) > 0 {
		t.Errorf("%d requests were no stops with their credential, the first is %s", len(report.wrong), report.wrong[0])
	}
	if report.open > 0 || report.running != "" {
		t.Errorf("%d connections are left, and these goroutines:\n%s", report.open, report.running)
	}
}

// testTruthLiars is the test of the test: what the client said, as a liar tells it.
func testTruthLiars(t *testing.T, reports []*truthReport) {
	success := &codeartsbuild.StopResult{Result: true}
	liars := map[string]struct {
		tell func(truthSaid) truthSaid
		lie  string
	}{
		"takes the unknown for success": {func(said truthSaid) truthSaid {
			if said.outcome() == truthUnknown {
				said.result, said.err = success, nil
			}
			return said
		}, truthFalseSuccess},
		"takes errors for success": {func(said truthSaid) truthSaid {
			said.result, said.err = success, nil
			return said
		}, truthFalseSuccess},
		"is too sure of its errors": {func(said truthSaid) truthSaid {
			if said.outcome() == truthUnknown {
				said.err = errors.New("failed")
			}
			return said
		}, truthFalseFailure},
		"takes what has finished for a failure": {func(said truthSaid) truthSaid {
			if said.err == nil && said.result.AlreadyFinished {
				said.result, said.err = nil, codeartsbuild.ErrBuildFinished
			}
			return said
		}, truthFalseFailure},
		"takes what had finished for its work": {func(said truthSaid) truthSaid {
			if errors.Is(said.err, codeartsbuild.ErrBuildFinished) {
				said.result, said.err = &codeartsbuild.StopResult{AlreadyFinished: true}, nil
			}
			return said
		}, truthTooSure},
		"says nothing": {func(said truthSaid) truthSaid {
			said.result, said.err = nil, nil
			return said
		}, truthMalformed},
		"comes back too late": {func(said truthSaid) truthSaid {
			said.took += truthLimit + 2*truthSlack
			return said
		}, truthHang},
		"blames the caller": {func(said truthSaid) truthSaid {
			if said.err != nil {
				said.err = context.Canceled
			}
			return said
		}, truthFalseEnd},
		"does not count": {func(said truthSaid) truthSaid {
			said.attempts--
			return said
		}, truthUncounted},
	}
	for name, liar := range liars {
		var stops []truthStop
		for _, report := range reports {
			for _, stop := range report.stops {
				stop.said = liar.tell(stop.said)
				stops = append(stops, stop)
			}
		}
		caught := len(truthLies(stops)[liar.lie])
		t.Logf("who %-38s is caught %4d times: %s", name, caught, liar.lie)
		if caught == 0 {
			t.Errorf("who %s is not caught", name)
		}
	}
}

// The test of the test, live: the client that everybody writes first lies in both directions, and carries the
// credential wherever it is sent.
func TestTruthCatchesTheClientByHand(t *testing.T) {
	t.Parallel()
	report := runTruth(t, 1, &truthProtocols[0], 500, truthClientByHand)
	lies := truthLies(report.stops)
	t.Logf("%d false successes, %d false failures, %d requests at the collector",
		len(lies[truthFalseSuccess]), len(lies[truthFalseFailure]), len(report.collected))
	require.NotEmpty(t, lies[truthFalseSuccess])
	require.NotEmpty(t, lies[truthFalseFailure])
	require.Contains(t, strings.Join(report.collected, "\n"), truthToken)
}

func truthClientByHand(_ *testing.T, p *truthProtocol, endpoint string, roots *x509.CertPool) (truthStopper, func()) {
	client := &http.Client{Transport: truthTransport(p, roots)}
	return func(ctx context.Context, build string, timeout time.Duration) (*codeartsbuild.StopResult, int, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		body := strings.NewReader(fmt.Sprintf(`{"job_id":%q,"build_no":%q}`, truthJob, build))
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/v3/jobs/stop", body)
		if err != nil {
			return nil, 0, err
		}
		req.Header.Set("X-Auth-Token", truthToken)
		resp, err := client.Do(req)
		if err != nil {
			return nil, 1, err
		}
		defer resp.Body.Close()
		if resp.StatusCode >= 400 {
			return nil, 1, errors.New(resp.Status)
		}
		return &codeartsbuild.StopResult{Result: true}, 1, nil
	}, client.CloseIdleConnections
}

// call makes one call.
func (s *truthService) call(stop truthStopper, build int) truthSaid {
	ctx, cancel := context.WithTimeout(context.Background(), truthLimit)
	defer cancel()
	s.mu.Lock()
	s.callers[build].giveUp = cancel
	s.mu.Unlock()
	start := time.Now()
	said := truthSaid{limit: truthLimit}
	said.result, said.attempts, said.err = stop(ctx, strconv.Itoa(build), s.timeout)
	said.took, said.gaveUp = time.Since(start), ctx.Err() != nil
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.callers[build].at; !at.IsZero() {
		said.limit = at.Sub(start)
	}
	return said
}

// giveUp ends the context of the caller who waits for a build.
func (s *truthService) giveUp(build int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callers[build].at = time.Now()
	s.callers[build].giveUp()
}

// callAll makes all calls: the first while nothing goes wrong, to learn what an attempt may take. A fixed limit would,
// on a machine that is busy with other tests, end requests that nothing has struck, and make it busier. The
// result is nil when some calls never come back.
func (s *truthService) callAll(clients []truthStopper) []truthStop {
	s.timeout = truthMost
	stops := s.callEach(clients, 1, truthCalm)
	slowest := time.Duration(0)
	for _, stop := range stops {
		slowest = max(slowest, stop.said.took)
	}
	s.timeout = min(max(3*slowest, truthLeast), truthMost)
	s.proxy.calm.Store(false)
	rest := s.callEach(clients, truthCalm+1, len(s.builds)-1)
	if stops == nil || rest == nil {
		return nil
	}
	return append(stops, rest...)
}

// callEach makes the calls for some builds, many at a time.
func (s *truthService) callEach(clients []truthStopper, first, last int) []truthStop {
	stops := make([]truthStop, last-first+1)
	next := make(chan int, len(stops))
	for i := range stops {
		next <- i
	}
	close(next)
	var callers sync.WaitGroup
	for caller := range truthCallers {
		callers.Go(func() {
			for i := range next {
				stops[i] = truthStop{build: first + i, said: s.call(clients[caller%len(clients)], first+i)}
			}
		})
	}
	ended := make(chan struct{})
	go func() { callers.Wait(); close(ended) }()
	select {
	case <-ended:
		return stops
	case <-time.After(2 * time.Minute):
		return nil
	}
}

// A truthReport is what a run brought to light.
type truthReport struct {
	protocol  *truthProtocol
	label     string // of all its goroutines
	stops     []truthStop
	fired     map[string]int
	wrong     []string
	collected []string
	open      int    // connections that the client has left open
	running   string // goroutines that are left
	took      time.Duration
	timeout   time.Duration
}

// A truthClient makes a client for an endpoint, and says how to close it.
type truthClient func(_ *testing.T, _ *truthProtocol, endpoint string, _ *x509.CertPool) (_ truthStopper, closeIdle func())

// runTruth lets a client make its stops, and closes everything.
func runTruth(t *testing.T, seed uint64, p *truthProtocol, stops int, client truthClient) *truthReport {
	t.Helper()
	report := &truthReport{protocol: p, label: p.name + " of " + t.Name()}
	service := newTruthService(seed, p, stops)
	pprof.Do(context.Background(), pprof.Labels("truth", report.label), func(context.Context) {
		start := time.Now()
		report.run(t, service, client)
		report.took = time.Since(start)
	})
	truthPoll(func() bool {
		report.running = truthGoroutines(report.label)
		return report.running == ""
	})
	report.collect(service) // when nothing runs any more, so that nothing acts any more
	return report
}

func (report *truthReport) run(t *testing.T, s *truthService, client truthClient) {
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.collected = append(s.collected, fmt.Sprintf("%s %s, token %q", r.Method, r.URL.Path, r.Header.Get("X-Auth-Token")))
		_, _ = io.WriteString(w, `{"result":true}`)
	}))
	defer collector.Close()
	s.collector = collector.URL
	server := s.listen()
	defer server.Close()
	proxy, err := newTruthProxy(server.Listener.Addr().String(), s.protocol.resets, s.draws(0, 1), s.fire)
	require.NoError(t, err)
	defer proxy.close()
	s.proxy = proxy

	scheme, roots := "http://", (*x509.CertPool)(nil)
	if s.protocol.tls {
		scheme, roots = "https://", x509.NewCertPool()
		roots.AddCert(server.Certificate())
	}
	clients, closeIdle := make([]truthStopper, s.protocol.clients), make([]func(), s.protocol.clients)
	for i := range clients {
		clients[i], closeIdle[i] = client(t, s.protocol, scheme+proxy.listener.Addr().String(), roots)
	}
	report.stops = s.callAll(clients)
	if report.stops == nil {
		t.Fatalf("some stops never come back:\n%s", truthGoroutines(report.label))
	}

	// More than once, since net/http keeps an HTTP/2 connection that was still dialed for a call that has ended.
	truthPoll(func() bool {
		for _, closeIdle := range closeIdle {
			closeIdle()
		}
		report.open = proxy.open()
		return report.open == 0
	})
}

// collect takes over what the service did.
func (report *truthReport) collect(s *truthService) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range report.stops {
		report.stops[i].done = s.builds[report.stops[i].build]
	}
	report.fired, report.wrong, report.collected, report.timeout = s.fired, s.wrong, s.collected, s.timeout
}

// truthPoll waits until something is so, but not for ever.
func truthPoll(so func() bool) {
	for end := time.Now().Add(5 * time.Second); !so() && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
}

// truthGoroutines are the goroutines that a run started, whoever started them for it: they inherit its label.
func truthGoroutines(label string) string {
	var all bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&all, 1)
	var own []string
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(stack, strconv.Quote(label)) {
			own = append(own, stack)
		}
	}
	return strings.Join(own, "\n\n")
}

// truthOwnClient is the client that is to be trusted.
func truthOwnClient(t *testing.T, p *truthProtocol, endpoint string, roots *x509.CertPool) (truthStopper, func()) {
	opts := []codeartsbuild.ClientOption{
		codeartsbuild.WithEndpoint(endpoint),
		codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(truthToken)),
		codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond}),
	}
	if p.tls {
		opts = append(opts, codeartsbuild.WithTransport(truthTransport(p, roots)))
	}
	client, err := codeartsbuild.NewClient(opts...)
	require.NoError(t, err)
	return func(ctx context.Context, build string, timeout time.Duration) (*codeartsbuild.StopResult, int, error) {
		var response codeartsbuild.Response
		result, err := client.Jobs.Stop(ctx, truthJob, build,
			codeartsbuild.WithTimeout(timeout), codeartsbuild.WithResponseInto(&response))
		return result, response.Attempts, err
	}, client.CloseIdleConnections
}

// truthTransport is the default transport, but for whom it trusts, and for the price of a connection.
func truthTransport(p *truthProtocol, roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		TLSClientConfig: &tls.Config{
			RootCAs:            roots,
			ClientSessionCache: tls.NewLRUClientSessionCache(0),
			CurvePreferences:   []tls.CurveID{tls.X25519},
		},
		ForceAttemptHTTP2:   p.http2,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     55 * time.Second,
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerStream: 256 << 10,
			SendPingTimeout:           30 * time.Second,
			PingTimeout:               10 * time.Second,
		},
	}
}
