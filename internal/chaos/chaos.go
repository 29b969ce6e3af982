// Package chaos measures whether what a client reports about its stops is true.
//
// A service stops builds, each of which is asked for by one call only, and notes what it did. On the way to
// it things go wrong: the service fails in all documented ways, and a proxy between the two breaks the
// connections. [Run] lets a client make its stops and compares what it reports with what the service did.
// A client can be wrong in the ways that the type [Lie] lists.
//
// The faults are drawn from a seed: the same number means the same faults for every client, so that clients
// can be compared. Only the times differ, and with them which connection is broken at which request.
package chaos

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Protocol is a way to the service. A broken connection hits one request with HTTP/1.1, and with HTTP/2 all
// that its client has under way, so that there are more clients and fewer breaks with HTTP/2.
type Protocol struct {
	Name       string
	TLS, HTTP2 bool
	Proxy      bool // by CONNECT, needs TLS
	Stops      int  // as many as a run needs for each fault to strike often
	Clients    int  // that the callers share
	Resets     int  // of 100 connections
}

// Protocols are the ways to the service.
var Protocols = []Protocol{
	{Name: "HTTP/1.1", Stops: 1600, Clients: 1, Resets: 20},
	{Name: "TLS with HTTP/1.1", TLS: true, Stops: 600, Clients: 1, Resets: 20},
	{Name: "TLS with HTTP/2", TLS: true, HTTP2: true, Stops: 1800, Clients: 8, Resets: 15},
	{Name: "TLS through a proxy", TLS: true, Proxy: true, Stops: 1200, Clients: 1, Resets: 10},
}

const (
	callers = 32
	calm    = 64                     // stops before anything goes wrong
	least   = 200 * time.Millisecond // of one attempt: the cost of a swallowed request
	most    = 3 * time.Second
	limit   = 30 * time.Second // of a call, far more than all its attempts take
	slack   = 2 * time.Second  // by which a call may be late on a busy machine

	// patience is how long connections and goroutines may take to end after the last call. net/http goes on with the
	// TLS handshake of a call that has ended for up to 10 s.
	patience = 15 * time.Second

	jobID = "48c66c6002964721be537cdc6ce0297b"
	token = "chaos-token-8Qz4Kw9Rv2Xy7Tj3"
)

// A Target is the service as a client needs it.
type Target struct {
	URL   string // of the API
	Token string // for the header X-Auth-Token
	JobID string

	Roots *x509.CertPool // nil without TLS
	HTTP2 bool
	Proxy *url.URL // nil: none
}

// Transport returns a transport with the settings of the SDK's own that trusts the target.
func (t Target) Transport() *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyURL(t.Proxy),
		TLSClientConfig: &tls.Config{
			RootCAs:            t.Roots,
			ClientSessionCache: tls.NewLRUClientSessionCache(0),
			CurvePreferences:   []tls.CurveID{tls.X25519}, // the cheapest
		},
		TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2:   t.HTTP2,
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

// A Client makes a stop function for a target, and one that closes its idle connections.
type Client func(Target) (stop Stop, closeIdle func())

// A Stop stops a build of the target's job, with a limit for each attempt, and reports what came of it.
type Stop func(ctx context.Context, buildNo string, timeout time.Duration) Verdict

// A Config says what to run.
type Config struct {
	Seed     uint64
	Protocol Protocol
	Stops    int // 0: as many as the protocol says
	Faults   []Fault
	Client   Client
}

// A Report is what a run brought to light.
type Report struct {
	Protocol Protocol
	Records  []Record
	Fired    map[string]int // how often each fault struck, by its name
	Followed []string       // requests at the place that redirects point to
	Leaked   int            // of these, with the credential
	Wrong    []string       // requests other than a stop with its credential
	Open     int            // connections that the client left open
	Running  string         // goroutines that are left
	Took     time.Duration
	Timeout  time.Duration // of each attempt
}

// Run lets a client make its stops and closes everything. It fails if some stops never return.
func Run(cfg Config) (*Report, error) {
	if cfg.Stops == 0 {
		cfg.Stops = cfg.Protocol.Stops
	}
	report := &Report{Protocol: cfg.Protocol}
	label := fmt.Sprintf("%s %p", cfg.Protocol.Name, report)
	service := newService(cfg)
	var err error
	pprof.Do(context.Background(), pprof.Labels("chaos", label), func(context.Context) {
		start := time.Now()
		err = service.run(report)
		report.Took = time.Since(start)
	})
	if err != nil {
		return nil, fmt.Errorf("%w:\n%s", err, goroutines(label))
	}
	poll(func() bool {
		report.Running = goroutines(label)
		return report.Running == ""
	})
	service.tell(report) // when nothing runs any more, so that nothing acts any more
	return report, nil
}

func (s *service) run(report *Report) error {
	collector := httptest.NewServer(http.HandlerFunc(s.collect))
	defer collector.Close()
	s.collector = collector.URL
	server, roots, err := s.listen()
	if err != nil {
		return err
	}
	defer server.Close()
	s.proxy, err = newProxy(s, server.Listener.Addr().String())
	if err != nil {
		return err
	}
	defer s.proxy.close()

	clients := make([]Stop, s.Protocol.Clients)
	closeIdle := make([]func(), len(clients))
	for i := range clients {
		clients[i], closeIdle[i] = s.Client(s.target(roots))
	}
	report.Records, err = s.callAll(clients)
	if err != nil {
		return err
	}

	// More than once, since net/http keeps an HTTP/2 connection that was still dialed for a call that has ended.
	poll(func() bool {
		for _, closeIdle := range closeIdle {
			closeIdle()
		}
		report.Open = s.proxy.open()
		return report.Open == 0
	})
	return nil
}

func (s *service) target(roots *x509.CertPool) Target {
	address := s.proxy.listener.Addr().String()
	t := Target{URL: "http://" + address, Token: token, JobID: jobID, HTTP2: s.Protocol.HTTP2}
	if s.Protocol.TLS {
		t.URL, t.Roots = "https://"+address, roots
	}
	if s.Protocol.Proxy {
		t.Proxy = &url.URL{Scheme: "http", Host: address}
		t.URL = "https://" + certificateName
	}
	return t
}

// collect is the place that redirects point to.
func (s *service) collect(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.followed = append(s.followed, r.Method+" "+r.URL.Path)
	if r.Header.Get("X-Auth-Token") == token {
		s.leaked++
	}
	_, _ = io.WriteString(w, `{"result":true}`)
}

// callAll makes all calls: the first while nothing goes wrong, to learn how long an attempt may take. A fixed
// limit would, on a busy machine, end requests that nothing has struck, and make it busier.
func (s *service) callAll(clients []Stop) ([]Record, error) {
	s.timeout = most
	records, err := s.callEach(clients, 1, calm)
	if err != nil {
		return nil, err
	}
	slowest := time.Duration(0)
	for _, r := range records {
		slowest = max(slowest, r.Took)
	}
	s.timeout = min(max(3*slowest, least), most)
	s.proxy.calm.Store(false)
	rest, err := s.callEach(clients, calm+1, s.Stops)
	return append(records, rest...), err
}

// callEach makes the calls for some builds, many at a time.
func (s *service) callEach(clients []Stop, first, last int) ([]Record, error) {
	records := make([]Record, last-first+1)
	next := make(chan int, len(records))
	for i := range records {
		next <- i
	}
	close(next)
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			for i := range next {
				records[i] = s.call(clients[caller%len(clients)], first+i)
			}
		})
	}
	ended := make(chan struct{})
	go func() { group.Wait(); close(ended) }()
	select {
	case <-ended:
		return records, nil
	case <-time.After(2 * time.Minute):
		return nil, fmt.Errorf("%s: some stops never return", s.Protocol.Name)
	}
}

// call makes one call.
func (s *service) call(stop Stop, build int) Record {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	caller := &s.callers[build]
	s.mu.Lock()
	caller.giveUp = cancel
	s.mu.Unlock()
	start := time.Now()
	r := Record{Build: build, Limit: limit, Verdict: stop(ctx, strconv.Itoa(build), s.timeout)}
	r.Took, r.GaveUp = time.Since(start), ctx.Err() != nil
	s.mu.Lock()
	defer s.mu.Unlock()
	if !caller.at.IsZero() {
		r.Limit = caller.at.Sub(start)
	}
	return r
}

// tell adds what the service did.
func (s *service) tell(report *Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range report.Records {
		report.Records[i].Done = s.builds[report.Records[i].Build]
	}
	report.Fired, report.Wrong, report.Timeout = s.fired, s.wrong, s.timeout
	report.Followed, report.Leaked = s.followed, s.leaked
}

// poll waits until something is so, but not for ever.
func poll(so func() bool) {
	for end := time.Now().Add(patience); !so() && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
}

// goroutines are those that a run started, also indirectly: they inherit its label.
func goroutines(label string) string {
	var all strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&all, 1)
	var own []string
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(stack, strconv.Quote(label)) {
			own = append(own, stack)
		}
	}
	return strings.Join(own, "\n\n")
}
