package codeartsbuild_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"slices"
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
	truthStops   = 2000 // per protocol; half with -short
	truthCallers = 32
	truthFired   = 50 // at least, per fault; half with -short
	truthJob     = "48c66c6002964721be537cdc6ce0297b"
	truthToken   = "truth-token"

	truthTimeout = 250 * time.Millisecond // of one attempt: what a swallowed request costs
	truthLimit   = 10 * time.Second       // of a call, far more than all its attempts take
	truthSlack   = 2 * time.Second        // by which a call may be late, on a machine that is busy with other tests
)

// A truthProtocol is a way to the service. A broken connection hits one request with HTTP/1.1, and with HTTP/2 all that
// its client has under way, so that there are more clients and fewer breaks with HTTP/2.
type truthProtocol struct {
	name       string
	tls, http2 bool
	clients    int // that the callers share
	resets     int // of the connections, in percent
}

var truthProtocols = []truthProtocol{
	{"HTTP/1.1", false, false, 1, 20},
	{"TLS with HTTP/2", true, true, 4, 15},
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
	truthGivesUp     = "the caller gives up"
	truthGivingUp    = 40 // of 1,000 callers
)

const (
	truthPage     = "<!DOCTYPE html><html><head><title>Bad Gateway</title></head><body><center>nginx</center></body></html>"
	truthFinished = `"{\"error\": {\"code\": \"DEV.CB.032302\", \"reason\": \"build job is finished\"}, \"status\": \"error\"}"`
)

// truthFaults are all that happens. What has no strike is done by the proxy or the caller.
var truthFaults = []truthFault{
	// Answers of the service, or of what stands before it.
	{"429", truthNever, 18, 18, truthAnswers(429, "", `{"error_code":"APIGW.0308","error_msg":"The throttling threshold has been reached"}`)},
	{"503", truthNever, 18, 18, truthAnswers(503, "", truthPage, `{"error_code":"APIGW.0601","error_msg":"overloaded"}`)},
	{"500 with a code", truthNever, 18, 18, truthAnswers(500, `{"error_code":"CB.00060101","error_msg":"cannot"}`, `"{\"error\":{\"code\":\"DEV.CB.999999\",\"reason\":\"cannot\"}}"`)},
	{"500, busy", truthNever, 18, 18, truthAnswers(500, `{"error_code":"CB.00060100","error_msg":"Network busy"}`)},
	{"500 without a code", truthEither, 18, 18, truthAnswers(500, "", "{}", `{"message":"oops"}`, truthPage, "java.lang.NullPointerException")},
	{"502", truthEither, 18, 18, truthAnswers(502, "", truthPage, `{"error_code":"APIGW.0202","error_msg":"Backend unavailable"}`)},
	{"504", truthEither, 18, 18, truthAnswers(504, "", truthPage, `{"error_code":"APIGW.0201","error_msg":"Backend timeout"}`)},
	{"400", truthNever, 12, 12, truthAnswers(400, "", `{"error_code":"CB.00060200","error_msg":"Invalid param"}`)},
	{"401, 403, 404, 422", truthNever, 18, 18, truthDenial},
	{"redirect", truthNever, 18, 18, truthRedirect},
	{"HTML in a 200", truthEither, 18, 18, truthAnswers(200, truthPage, "<html>")},
	{"error body in a 200", truthNever, 18, 18, truthAnswers(200, `{"error_code":"CB.00060200","error_msg":"Invalid param"}`, `{"status":"error","error":{"code":"CB.00060101","reason":"cannot"}}`, `{"result":false}`, `"{\"success\":false}"`)},
	{"empty answer", truthAlways, 18, 18, truthEmpty},
	{"delay", truthAlways, 18, 18, truthDelay},

	// Answers that do not come, or not whole.
	{"swallowed", truthEither, 15, 15, (*truthExchange).waitUntilGone},
	{"swallowed, acts late", truthLate, 15, 15, (*truthExchange).waitUntilGone},
	{"cut answer", truthEither, 18, 18, truthCut},
	{"end not marked", truthEither, 36, 0, truthUnmarked},
	{truthResetBefore, truthNever, 0, 0, nil},
	{"reset after the request", truthEither, 26, 5, truthReset},
	{"reset within the answer", truthEither, 26, 5, truthBreak},
	{"half close", truthEither, 26, 5, truthHalfClose},
	{"bytes of somebody else", truthEither, 26, 5, truthForeign},
	{truthStale, truthAlways, 30, 5, truthGoStale},
	{"last answer of a connection", truthAlways, 18, 5, truthGoodbye},
	{truthGivesUp, truthEither, 0, 0, nil},
}

// truthAnswers is a fault that consists of an answer, one of those given.
func truthAnswers(status int, bodies ...string) func(*truthExchange) {
	return func(x *truthExchange) { x.reply(status, x.oneOf(bodies...)) }
}

func truthDenial(x *truthExchange) {
	switch status := []int{401, 403, 404, 422}[x.draw(4)]; status {
	case 422:
		x.reply(status, `{"error_code":"DEVCB.00031006","error_msg":"no such job"}`)
	default:
		x.reply(status, x.oneOf("", "{}", `{"error_code":"CB.00060200","error_msg":"no"}`))
	}
}

func truthRedirect(x *truthExchange) {
	x.w.Header().Set("Location", x.service.collector+"/v3/jobs/stop?x=1")
	x.reply([]int{301, 302, 303, 307, 308}[x.draw(5)], x.oneOf("", "{}", `{"result":true}`))
}

// truthEmpty answers nothing, in the three ways that mark the end of nothing.
func truthEmpty(x *truthExchange) {
	switch x.draw(3) {
	case 0:
		x.w.WriteHeader(http.StatusNoContent)
	case 1:
		x.w.WriteHeader(http.StatusOK)
	default:
		x.flush()
	}
}

func truthDelay(x *truthExchange) {
	time.Sleep(time.Duration(1+x.draw(30)) * time.Millisecond)
	x.accept()
}

// truthCut sends a part of a success, which may look whole but for its length or its last chunk.
func truthCut(x *truthExchange) {
	body := x.oneOf(`{"result":true}`, `{"status":"success","result":true}`, "true")
	if x.draw(2) == 0 {
		x.w.Header().Set("Content-Length", strconv.Itoa(len(body)+1+x.draw(9)))
	}
	_, _ = io.WriteString(x.w, body[:x.draw(len(body)+1)])
	x.flush()
	panic(http.ErrAbortHandler)
}

// truthUnmarked sends an answer of HTTP/1.x that ends with the connection, and ends that too early.
func truthUnmarked(x *truthExchange) {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, x.oneOf("HTTP/1.0", "HTTP/1.1")+" 200 OK\r\n\r\n"+x.oneOf("", "", "{", `{"result":tr`))
}

func truthReset(x *truthExchange) {
	x.link.reset()
	panic(http.ErrAbortHandler)
}

func truthBreak(x *truthExchange) {
	x.link.cutAfter(x.draw(120), x.draw(2) == 0)
	truthCut(x)
}

func truthHalfClose(x *truthExchange) {
	x.link.halfClose()
	x.waitUntilGone()
}

// truthForeign is a mail server's greeting, which is neither HTTP nor TLS.
func truthForeign(x *truthExchange) {
	x.link.inject("220 mail.example.com ESMTP\r\n")
	x.waitUntilGone()
}

func truthGoStale(x *truthExchange) {
	x.link.stale.Store(true)
	x.accept()
}

// truthGoodbye closes the connection after the answer; HTTP/2 says so by GOAWAY.
func truthGoodbye(x *truthExchange) {
	x.w.Header().Set("Connection", "close")
	x.accept()
}

// A truthExchange is a request that the service has, and what it needs for its answer.
type truthExchange struct {
	service *truthService
	build   int
	rng     *rand.Rand
	link    *truthLink
	w       http.ResponseWriter
	r       *http.Request
	ended   bool // the build, before this request
}

func (x *truthExchange) draw(n int) int               { return x.rng.IntN(n) }
func (x *truthExchange) oneOf(texts ...string) string { return texts[x.draw(len(texts))] }
func (x *truthExchange) flush()                       { _ = http.NewResponseController(x.w).Flush() }
func (x *truthExchange) reply(status int, body string) {
	x.w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	if strings.HasPrefix(body, "<") {
		x.w.Header().Set("Content-Type", "text/html")
	}
	x.w.WriteHeader(status)
	_, _ = io.WriteString(x.w, body)
}

// accept is what the service answers when it has acted.
func (x *truthExchange) accept() {
	x.reply(http.StatusOK, x.oneOf(`{"result":true}`, `{"result":"true"}`, `{"result":null,"error":null,"status":"success"}`, "true"))
}

// waitUntilGone answers nothing until the client has given up.
func (x *truthExchange) waitUntilGone() {
	select {
	case <-x.r.Context().Done():
	case <-time.After(truthLimit):
	}
	panic(http.ErrAbortHandler)
}

// A truthService stops builds, each of which is asked for by one call only, and knows what it did.
type truthService struct {
	seed      uint64
	protocol  *truthProtocol
	proxy     *truthProxy
	collector string

	mu     sync.Mutex
	fired  map[string]int
	builds []truthDone
	wrong  []string // what was sent other than a stop with its credential
}

// truthDone is what the service knows of a build.
type truthDone struct {
	ended bool // before it was asked to stop it
	acted bool // it has stopped it
	trail []string
}

func newTruthService(seed uint64, protocol *truthProtocol, stops int) *truthService {
	s := &truthService{seed: seed, protocol: protocol, fired: map[string]int{}, builds: make([]truthDone, stops+1)}
	for build := range s.builds {
		s.builds[build].ended = s.draws(build, 0).IntN(16) == 0
	}
	return s
}

// draws is where the draws for an attempt come from, so that a seed means the same faults whatever comes first.
func (s *truthService) draws(build, attempt int) *rand.Rand {
	return rand.New(rand.NewPCG(s.seed, uint64(build)<<16|uint64(attempt)))
}

func (s *truthService) fire(fault string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fired[fault]++
}

func (s *truthService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	link := s.proxy.link(r)
	if err != nil || link == nil {
		panic(http.ErrAbortHandler) // the connection broke meanwhile
	}
	build := s.read(r, body)
	x := &truthExchange{service: s, build: build, link: link, w: w, r: r}
	fault, acts := s.choose(x)
	switch acts {
	case truthAlways:
		x.act()
	case truthLate:
		defer x.act()
	}
	switch {
	case fault.acts == truthAlways && x.ended:
		x.reply(http.StatusBadRequest, truthFinished)
	case fault.strike == nil:
		x.accept()
	default:
		fault.strike(x)
	}
}

// read is the number of the build that a request names.
func (s *truthService) read(r *http.Request, body []byte) int {
	var in struct {
		JobID   string `json:"job_id"`
		BuildNo int    `json:"build_no,string"`
	}
	err := json.Unmarshal(body, &in)
	if err == nil && r.Method == http.MethodPost && r.URL.Path == "/v3/jobs/stop" && in.JobID == truthJob && in.BuildNo > 0 && in.BuildNo < len(s.builds) &&
		r.Header.Get("X-Auth-Token") == truthToken && r.ProtoMajor == s.protocol.major() {
		return in.BuildNo
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, fmt.Sprintf("%s %s %s: %s", r.Proto, r.Method, r.URL, body))
	return 0
}

// choose draws what happens to a request, and whether the service acts.
func (s *truthService) choose(x *truthExchange) (truthFault, truthActs) {
	s.mu.Lock()
	defer s.mu.Unlock()
	done := &s.builds[x.build]
	x.rng = s.draws(x.build, len(done.trail)+1)
	fault := truthFault{name: "none", acts: truthAlways}
	number := x.draw(1000)
	for _, f := range truthFaults {
		share := f.http1
		if s.protocol.http2 {
			share = f.http2
		}
		if number -= share; number < 0 {
			fault = f
			break
		}
	}
	acts := fault.acts
	if acts == truthEither {
		acts = truthActs(x.draw(2)) // never or always
	}
	if fault.name != truthStale { // which strikes the next request
		s.fired[fault.name]++
	}
	done.trail = append(done.trail, fault.name+", acts "+acts.String())
	x.ended = done.ended || done.acted
	return fault, acts
}

// act stops the build, unless that has ended.
func (x *truthExchange) act() {
	x.service.mu.Lock()
	defer x.service.mu.Unlock()
	done := &x.service.builds[x.build]
	x.ended = done.ended || done.acted
	done.acted = done.acted || !done.ended
}

func (p *truthProtocol) major() int {
	if p.http2 {
		return 2
	}
	return 1
}

// A truthStopper is a client of the service: it stops a build and says how many requests that took.
type truthStopper func(ctx context.Context, build string) (*codeartsbuild.StopResult, int, error)

// A truthSaid is what a client said about a stop.
type truthSaid struct {
	result      *codeartsbuild.StopResult
	err         error
	attempts    int
	took, limit time.Duration
}

// A truthStop is a stop as both sides tell it.
type truthStop struct {
	build int
	said  truthSaid
	done  truthDone
}

// call makes one call, of a caller who may lose patience.
func (s *truthService) call(stop truthStopper, build int) truthSaid {
	rng := s.draws(build, 0)
	limit := truthLimit
	if rng.IntN(1000) < truthGivingUp {
		limit = time.Duration(rng.Int64N(int64(12 * time.Millisecond)))
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	start := time.Now()
	result, attempts, err := stop(ctx, strconv.Itoa(build))
	said := truthSaid{result, err, attempts, time.Since(start), limit}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		s.fire(truthGivesUp)
	}
	return said
}

// callAll makes all calls, by many callers at a time. It returns nil when some never come back.
func (s *truthService) callAll(clients []truthStopper) []truthStop {
	stops := make([]truthStop, len(s.builds)-1)
	next := make(chan int)
	var callers sync.WaitGroup
	for caller := range truthCallers {
		callers.Go(func() {
			for i := range next {
				stops[i] = truthStop{build: i + 1, said: s.call(clients[caller%len(clients)], i+1)}
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		for i := range stops {
			next <- i
		}
		close(next)
		callers.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return stops
	case <-time.After(time.Minute):
		return nil
	}
}

// A truthReport is what a run brought to light.
type truthReport struct {
	protocol  *truthProtocol
	stops     []truthStop
	fired     map[string]int
	wrong     []string // requests that were no stops
	collected []string // requests at the place that redirects point to
	open      int      // connections that the client has left open
	running   string   // goroutines that are left
	took      time.Duration
}

// A truthClient makes a client for an endpoint, and says how to close it.
type truthClient func(t *testing.T, p *truthProtocol, endpoint string, roots *x509.CertPool) (stop truthStopper, closeIdle func())

// runTruth lets a client make its stops, and closes everything.
func runTruth(t *testing.T, seed uint64, p *truthProtocol, stops int, client truthClient) *truthReport {
	t.Helper()
	report := &truthReport{protocol: p}
	label := fmt.Sprintf("%s of %s", p.name, t.Name())
	pprof.Do(context.Background(), pprof.Labels("truth", label), func(context.Context) {
		start := time.Now()
		report.run(t, newTruthService(seed, p, stops), client)
		report.took = time.Since(start)
	})
	report.running = truthPoll(func() string { return truthGoroutines(label) })
	return report
}

func (report *truthReport) run(t *testing.T, s *truthService, client truthClient) {
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		report.collected = append(report.collected, fmt.Sprintf("%s %s, token %q", r.Method, r.URL.Path, r.Header.Get("X-Auth-Token")))
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
	require.NotNil(t, report.stops, "some stops did not come back within a minute")

	for _, closeIdle := range closeIdle {
		closeIdle()
	}
	truthPoll(func() string { report.open = proxy.open(); return strings.Repeat("open", report.open) })
	proxy.close()
	server.Close() // returns when the last handler has, so that from here on nothing acts any more
	for i := range report.stops {
		report.stops[i].done = s.builds[report.stops[i].build]
	}
	report.fired, report.wrong = s.fired, s.wrong
}

func (s *truthService) listen() *httptest.Server {
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = s.protocol.http2
	if s.protocol.tls {
		server.StartTLS()
	} else {
		server.Start()
	}
	return server
}

// truthPoll waits, within bounds, until nothing is left, and returns what is.
func truthPoll(left func() string) string {
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if rest := left(); rest == "" || time.Now().After(end) {
			return rest
		}
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
		codeartsbuild.WithTimeout(truthTimeout),
		codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond}),
	}
	if p.tls {
		opts = append(opts, codeartsbuild.WithTransport(truthTransport(p, roots)))
	}
	client, err := codeartsbuild.NewClient(opts...)
	require.NoError(t, err)
	return func(ctx context.Context, build string) (*codeartsbuild.StopResult, int, error) {
		var response codeartsbuild.Response
		result, err := client.Jobs.Stop(ctx, truthJob, build, codeartsbuild.WithResponseInto(&response))
		return result, response.Attempts, err
	}, client.CloseIdleConnections
}

// truthTransport is the default transport, but for whom it trusts.
func truthTransport(p *truthProtocol, roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots, ClientSessionCache: tls.NewLRUClientSessionCache(0)},
		ForceAttemptHTTP2:   p.http2,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     55 * time.Second,
		HTTP2:               &http.HTTP2Config{MaxReceiveBufferPerStream: 256 << 10, SendPingTimeout: 30 * time.Second, PingTimeout: 10 * time.Second},
	}
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
	truthUncounted    = "requests that the client did not count"
)

// judgeTruth compares what a client said about a stop with what the service did.
func judgeTruth(said truthSaid, done truthDone) (lies []string) {
	lie := func(kind string, is bool) {
		if is {
			lies = append(lies, kind)
		}
	}
	outcome, result := said.outcome(), said.result
	finished := result != nil && result.AlreadyFinished
	lie(truthMalformed, (said.err == nil) != (result != nil) || (result != nil && result.Result == finished))
	lie(truthFalseSuccess, outcome == truthSuccess && !done.acted && !(finished && done.ended))
	lie(truthFalseFailure, outcome == truthFailure && done.acted)
	lie(truthHang, said.took > said.limit+truthSlack)
	lie(truthFalseEnd, said.took+truthSlack < said.limit && (errors.Is(said.err, context.DeadlineExceeded) || errors.Is(said.err, context.Canceled)))
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

// Whatever goes wrong on the way, what Stop says is what the service did: B1, B2, B21, B27, B27a, B27b, B28, B31, B48.
func TestStopTellsTheTruth(t *testing.T) {
	t.Parallel()
	seed, stops, demand := *truthSeed, truthStops, truthFired
	if seed == 0 {
		seed = rand.Uint64()
	}
	if testing.Short() {
		stops, demand = stops/2, demand/2
	}
	t.Logf("-truth.seed=%d", seed)
	reports := make([]*truthReport, len(truthProtocols))
	t.Run("over", func(t *testing.T) {
		for i := range truthProtocols {
			t.Run(truthProtocols[i].name, func(t *testing.T) {
				t.Parallel()
				reports[i] = runTruth(t, seed+uint64(i), &truthProtocols[i], stops, truthOwnClient)
				reports[i].check(t)
			})
		}
	})
	if t.Failed() {
		return
	}
	for _, fault := range truthFaults {
		fired, text := 0, ""
		for _, report := range reports {
			fired += report.fired[fault.name]
			text += fmt.Sprintf("%7d", report.fired[fault.name])
		}
		t.Logf("%-28s acts %-7s%s%7d", fault.name, fault.acts, text, fired)
		if fired < demand {
			t.Errorf("%s fired %d times, want %d", fault.name, fired, demand)
		}
	}
	t.Run("a liar is caught", func(t *testing.T) { testTruthLiars(t, reports) })
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
	t.Logf("%s: %d stops: %d definite successes, %d definite failures, %d unknown; %.2f requests per stop; %d false successes, %d false failures; %.1f s",
		report.protocol.name, n, outcomes[truthSuccess], outcomes[truthFailure], outcomes[truthUnknown], float64(attempts)/float64(n),
		len(lies[truthFalseSuccess]), len(lies[truthFalseFailure]), report.took.Seconds())
	for kind, stops := range lies {
		t.Errorf("%s: %d times", kind, len(stops))
		for _, stop := range stops[:min(len(stops), 3)] {
			t.Logf("build %d, ended before %t, acted upon %t: said %+v, %v after %v and %d requests; the service: %s",
				stop.build, stop.done.ended, stop.done.acted, stop.said.result, stop.said.err, stop.said.took, stop.said.attempts, strings.Join(stop.done.trail, "; "))
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
				said.err = context.DeadlineExceeded
			}
			return said
		}, truthFalseEnd},
		"does not count": {func(said truthSaid) truthSaid {
			said.attempts--
			return said
		}, truthUncounted},
	}
	for name, liar := range liars {
		for _, report := range reports {
			stops := slices.Clone(report.stops)
			for i := range stops {
				stops[i].said = liar.tell(stops[i].said)
			}
			caught := len(truthLies(stops)[liar.lie])
			t.Logf("%s: who %s is caught at %d times a %s", report.protocol.name, name, caught, liar.lie)
			if caught == 0 {
				t.Errorf("%s: who %s is not caught at a %s", report.protocol.name, name, liar.lie)
			}
		}
	}
}

// The test of the test, live: the client that everybody writes first lies in both directions, and carries the credential wherever it is sent.
func TestTruthCatchesTheClientByHand(t *testing.T) {
	t.Parallel()
	report := runTruth(t, 1, &truthProtocols[0], 500, truthClientByHand)
	lies := truthLies(report.stops)
	t.Logf("%d false successes, %d false failures, %d requests at the collector", len(lies[truthFalseSuccess]), len(lies[truthFalseFailure]), len(report.collected))
	require.NotEmpty(t, lies[truthFalseSuccess])
	require.NotEmpty(t, lies[truthFalseFailure])
	require.Contains(t, strings.Join(report.collected, "\n"), truthToken)
}

func truthClientByHand(_ *testing.T, p *truthProtocol, endpoint string, roots *x509.CertPool) (truthStopper, func()) {
	client := &http.Client{Transport: truthTransport(p, roots), Timeout: truthTimeout}
	return func(ctx context.Context, build string) (*codeartsbuild.StopResult, int, error) {
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
