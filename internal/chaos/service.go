package chaos

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// certificateName is a name in the certificate of httptest.
const certificateName = "example.com"

// A service stops builds and knows what it did.
type service struct {
	Config
	proxy     *proxy
	collector string        // where redirects point to
	timeout   time.Duration // of an attempt
	conns     sync.Map      // *http2Conn by the address of the client

	mu       sync.Mutex
	deck     []int // what the first attempts draw: each number as often as any other
	fired    map[string]int
	builds   []Done
	callers  []caller
	wrong    []string
	followed []string
	leaked   int
}

// A caller waits for a build to be stopped.
type caller struct {
	giveUp context.CancelFunc
	at     time.Time // when it gave up
}

func newService(cfg Config) *service {
	s := &service{Config: cfg, fired: map[string]int{}}
	s.builds, s.callers = make([]Done, cfg.Stops+1), make([]caller, cfg.Stops+1)
	s.deck = s.draws(0, 0).Perm(cfg.Stops - calm)
	for build := range s.builds {
		s.builds[build].Ended = s.draws(build, 0).IntN(16) == 0
	}
	return s
}

// draws is the source of the draws for an attempt, so that a seed means the same faults in any order of the
// requests.
func (s *service) draws(build, attempt int) *rand.Rand {
	return rand.New(rand.NewPCG(s.Seed, uint64(build)<<16|uint64(attempt)))
}

func (s *service) fire(fault string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fired[fault]++
}

// giveUp ends the context of the caller who waits for a build.
func (s *service) giveUp(build int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callers[build].at = time.Now()
	s.callers[build].giveUp()
}

// listen starts the server. HTTP/2 comes over connections that look unencrypted to net/http, since its own TLS
// hides the frames.
func (s *service) listen() (*httptest.Server, *x509.CertPool, error) {
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if !s.Protocol.TLS {
		server.Start()
		return server, nil, nil
	}
	model := httptest.NewTLSServer(nil) // for its certificate
	defer model.Close()
	roots := x509.NewCertPool()
	roots.AddCert(model.Certificate())
	if !s.Protocol.HTTP2 {
		server.StartTLS()
		return server, roots, nil
	}
	encrypted := tls.NewListener(server.Listener, &tls.Config{Certificates: model.TLS.Certificates, NextProtos: []string{"h2"}})
	server.Listener = &http2Listener{Listener: encrypted, conns: &s.conns}
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	return server, roots, nil
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	link := s.proxy.link(r)
	if err != nil || link == nil {
		panic(http.ErrAbortHandler) // the connection broke meanwhile
	}
	x := &exchange{service: s, build: s.read(r, body), link: link, w: w, r: r}
	if s.Protocol.HTTP2 {
		conn, ok := s.conns.Load(r.RemoteAddr)
		if !ok {
			panic(http.ErrAbortHandler)
		}
		x.conn = conn.(*http2Conn)
		x.stream = x.conn.streamOf(string(body))
	}
	fault, acts := s.choose(x)
	switch acts {
	case Always:
		x.act()
	case Late:
		defer x.act()
	}
	x.gzip = fault.gzip
	if fault.Acts == Always && x.ended {
		x.reply(http.StatusBadRequest, ended)
		return
	}
	fault.strike(x)
}

// read returns the number of the build that a request names.
func (s *service) read(r *http.Request, body []byte) int {
	var in struct {
		JobID   string `json:"job_id"`
		BuildNo int    `json:"build_no,string"`
	}
	major := 1
	if s.Protocol.HTTP2 {
		major = 2
	}
	err := json.Unmarshal(body, &in)
	if err == nil && r.Method == http.MethodPost && r.URL.Path == "/v3/jobs/stop" &&
		in.JobID == jobID && in.BuildNo > 0 && in.BuildNo < len(s.builds) &&
		r.Header.Get("X-Auth-Token") == token && r.ProtoMajor == major {
		return in.BuildNo
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, fmt.Sprintf("%s %s %s: %s", r.Proto, r.Method, r.URL, body))
	return 0
}

// choose draws a fault for a request, and whether the service acts.
func (s *service) choose(x *exchange) (Fault, Acts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	done := &s.builds[x.build]
	x.rng = s.draws(x.build, len(done.Trail)+1)
	fault := s.drawFault(x)
	if x.conn != nil && !x.conn.begin(x.stream, fault.unprocessed) {
		fault = excluded
	}
	acts := fault.Acts
	if acts == Either {
		acts = Acts(x.draw(2)) // Never or Always
	}
	if fault.Name != stale { // which strikes the next request
		s.fired[fault.Name]++
	}
	done.Trail = append(done.Trail, fault.Name+", acts "+acts.String())
	if !fault.unprocessed {
		done.Requests++
	}
	x.ended = done.Ended || done.Acted
	return fault, acts
}

// drawFault draws from 0 to 999: the first attempt from a deck, so that no fault comes too seldom.
func (s *service) drawFault(x *exchange) Fault {
	number := x.draw(1000)
	switch card := x.build - calm - 1; {
	case card < 0:
		return fair
	case len(s.builds[x.build].Trail) == 0:
		number = s.deck[card] * 1000 / len(s.deck)
	}
	for _, fault := range s.Faults {
		share := fault.http1
		if s.Protocol.HTTP2 {
			share = fault.http2
		}
		if fault.Spared() {
			share = 0
		}
		if number -= share; number < 0 {
			return fault
		}
	}
	return fair
}

var (
	// fair is the treatment of most requests.
	fair = Fault{Name: "none", Acts: Always, strike: (*exchange).accept}

	// excluded is the treatment of a request that a GOAWAY has declared not processed.
	excluded = Fault{Name: "excluded by GOAWAY", Acts: Never, unprocessed: true, strike: func(*exchange) { panic(http.ErrAbortHandler) }}
)

// An exchange is a request that the service has, and the means for its response.
type exchange struct {
	service *service
	build   int
	rng     *rand.Rand
	link    *link
	conn    *http2Conn // nil for HTTP/1.1
	stream  uint32
	w       http.ResponseWriter
	r       *http.Request
	gzip    bool
	ended   bool // the build, before this request
	acted   bool // by this request
}

// act stops the build, unless that has ended.
func (x *exchange) act() {
	x.service.mu.Lock()
	defer x.service.mu.Unlock()
	done := &x.service.builds[x.build]
	if x.ended = done.Ended || done.Acted; !x.ended {
		x.acted, done.Acted = true, true
	}
}

func (x *exchange) draw(n int) int               { return x.rng.IntN(n) }
func (x *exchange) oneOf(texts ...string) string { return texts[x.draw(len(texts))] }
func (x *exchange) flush()                       { _ = http.NewResponseController(x.w).Flush() }

func (x *exchange) reply(status int, body string) {
	x.w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	if strings.HasPrefix(body, "<") {
		x.w.Header().Set("Content-Type", "text/html")
	}
	if x.gzip {
		var packed bytes.Buffer
		zip := gzip.NewWriter(&packed)
		_, _ = io.WriteString(zip, body)
		_ = zip.Close()
		x.w.Header().Set("Content-Encoding", "gzip")
		body = packed.String()
	}
	x.w.WriteHeader(status)
	_, _ = io.WriteString(x.w, body)
}

// accept is the response of the service that has acted.
func (x *exchange) accept() {
	const envelope = `{"result":null,"error":null,"status":"success"}`
	x.reply(http.StatusOK, x.oneOf(`{"result":true}`, `{"result":"true"}`, envelope, "true"))
}

// waitUntilGone does not respond until the client has given up.
func (x *exchange) waitUntilGone() {
	select {
	case <-x.r.Context().Done():
	case <-time.After(limit):
	}
	panic(http.ErrAbortHandler)
}

// An http2Listener keeps its connections, by the address of the client.
type http2Listener struct {
	net.Listener
	conns *sync.Map
}

func (l *http2Listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := newHTTP2Conn(conn)
	l.conns.Store(conn.RemoteAddr().String(), c)
	return c, nil
}
