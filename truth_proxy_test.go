package codeartsbuild_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// This file is the other side of the truth test: what strikes, the service, and the proxy before it.

const (
	truthPage     = "<!DOCTYPE html><html><head><title>Bad Gateway</title></head><body><center>nginx</center></body></html>"
	truthCoded    = `{"error_code":"CB.00060101","error_msg":"Cannot"}`
	truthQuoted   = `"{\"error\": {\"code\": \"DEV.CB.999999\", \"reason\": \"Cannot\"}, \"status\": \"error\"}"`
	truthRefused  = `"{\"success\":false,\"result\":\"\"}"`
	truthFinished = `"{\"error\": {\"code\": \"DEV.CB.032302\", \"reason\": \"build job is finished\"}, \"status\": \"error\"}"`
)

// truthAnswers is a fault that consists of an answer, one of those given.
func truthAnswers(status int, bodies ...string) func(*truthExchange) {
	return func(x *truthExchange) { x.reply(status, x.oneOf(bodies...)) }
}

func truthDenial(x *truthExchange) {
	status := []int{400, 401, 403, 404, 409, 422}[x.draw(6)]
	x.reply(status, x.oneOf("", "{}", `{"error_code":"DEVCB.00031006","error_msg":"No such job"}`))
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

// truthCut sends a part of a success. Half of them look whole, but for their length or their last chunk.
func truthCut(x *truthExchange) {
	body := x.oneOf(`{"result":true}`, `{"status":"success","result":true}`, "true")
	if x.draw(2) == 0 {
		x.w.Header().Set("Content-Length", strconv.Itoa(len(body)+1+x.draw(9)))
	}
	if x.draw(2) == 0 {
		body = body[:x.draw(len(body))]
	}
	_, _ = io.WriteString(x.w, body)
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

// truthBreakStreams ends the latest streams of a connection with PROTOCOL_ERROR, this one among them, as a gateway may.
// It is how net/http can be brought to send a request again that the service has acted upon.
func truthBreakStreams(x *truthExchange) {
	conn := x.r.Context().Value(truthConnKey{}).(*truthConn)
	latest := 2*int(conn.requests.Load()) - 1
	var frames []byte
	for id := max(1, latest-64); id <= latest+64; id += 2 {
		frames = append(frames, 0, 0, 4, 3, 0)
		frames = binary.BigEndian.AppendUint32(frames, uint32(id))
		frames = binary.BigEndian.AppendUint32(frames, 1)
	}
	_, _ = conn.Write(frames)
	panic(http.ErrAbortHandler)
}

// A truthConn is a connection as the service has it.
type truthConn struct {
	net.Conn
	requests atomic.Int32
}

type truthConnKey struct{}

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

// truthGiveUp lets the caller give up while the service has the request, or just when it answers.
func truthGiveUp(x *truthExchange) {
	x.service.giveUp(x.build)
	if !x.acted {
		x.waitUntilGone()
	}
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
	acted   bool // by this request
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
	const envelope = `{"result":null,"error":null,"status":"success"}`
	x.reply(http.StatusOK, x.oneOf(`{"result":true}`, `{"result":"true"}`, envelope, "true"))
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
	collector string        // where redirects point to
	timeout   time.Duration // of an attempt

	mu      sync.Mutex
	deck    []int // what the first attempts draw: each number as often as any other
	fired   map[string]int
	builds  []truthDone
	callers []truthCaller
	wrong   []string // what was sent other than a stop with its credential

	collected []string // requests at the place that redirects point to
}

// truthDone is what the service knows of a build.
type truthDone struct {
	ended bool // before it was asked to stop it
	acted bool // it has stopped it
	trail []string
}

// A truthCaller waits for a build to be stopped.
type truthCaller struct {
	giveUp context.CancelFunc
	at     time.Time // when it gave up
}

func newTruthService(seed uint64, protocol *truthProtocol, stops int) *truthService {
	s := &truthService{seed: seed, protocol: protocol, fired: map[string]int{}}
	s.builds, s.callers = make([]truthDone, stops+1), make([]truthCaller, stops+1)
	s.deck = s.draws(0, 0).Perm(stops - truthCalm)
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
	r.Context().Value(truthConnKey{}).(*truthConn).requests.Add(1)
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
	if fault.acts == truthAlways && x.ended {
		x.reply(http.StatusBadRequest, truthFinished)
		return
	}
	fault.strike(x)
}

// read is the number of the build that a request names.
func (s *truthService) read(r *http.Request, body []byte) int {
	var in struct {
		JobID   string `json:"job_id"`
		BuildNo int    `json:"build_no,string"`
	}
	err := json.Unmarshal(body, &in)
	if err == nil && r.Method == http.MethodPost && r.URL.Path == "/v3/jobs/stop" &&
		in.JobID == truthJob && in.BuildNo > 0 && in.BuildNo < len(s.builds) &&
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
	fault := s.drawFault(x)
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

// drawFault draws from 0 to 999: the first attempt from a deck, so that no fault comes too seldom.
func (s *truthService) drawFault(x *truthExchange) truthFault {
	number := x.draw(1000)
	switch card := x.build - truthCalm - 1; {
	case card < 0:
		return truthFair
	case len(s.builds[x.build].trail) == 0:
		number = s.deck[card] * 1000 / len(s.deck)
	}
	for _, fault := range truthFaults {
		share := fault.http1
		if s.protocol.http2 {
			share = fault.http2
		}
		if fault.spared() {
			share = 0
		}
		if number -= share; number < 0 {
			return fault
		}
	}
	return truthFair
}

// spared reports whether a fault is left out: net/http of Go 1.25 has a data race of its own (readTrackingBody) where it
// sends a request again over HTTP/2, and the race detector would report that.
func (f *truthFault) spared() bool { return f.name == truthStreams && truthOldRace() }

var truthOldRace = sync.OnceValue(func() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && strings.HasPrefix(runtime.Version(), "go1.25") &&
		slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
})

// act stops the build, unless that has ended.
func (x *truthExchange) act() {
	x.service.mu.Lock()
	defer x.service.mu.Unlock()
	done := &x.service.builds[x.build]
	if x.ended = done.ended || done.acted; !x.ended {
		x.acted, done.acted = true, true
	}
}

// truthFair is what happens to most requests.
var truthFair = truthFault{name: "none", acts: truthAlways, strike: (*truthExchange).accept}

func (p *truthProtocol) major() int {
	if p.http2 {
		return 2
	}
	return 1
}

func (s *truthService) listen() *httptest.Server {
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, truthConnKey{}, &truthConn{Conn: conn})
	}
	server.EnableHTTP2 = s.protocol.http2
	if s.protocol.tls {
		server.StartTLS()
	} else {
		server.Start()
	}
	return server
}

// A truthProxy passes TCP connections on to the service, and breaks them: some by its own draw, the others
// when the service asks for it. It reads nothing of what passes, so that it breaks plain text and TLS alike.
type truthProxy struct {
	listener net.Listener
	service  string
	share    int                // of the connections that it resets before a request gets through, in percent
	fire     func(fault string) // counts the faults that are the proxy's own
	calm     atomic.Bool        // it breaks nothing yet

	running sync.WaitGroup
	mu      sync.Mutex
	closed  bool
	links   map[string]*truthLink // by the address that the service sees
}

func newTruthProxy(service string, share int, rng *rand.Rand, fire func(string)) (*truthProxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &truthProxy{listener: listener, service: service, share: share, fire: fire, links: map[string]*truthLink{}}
	p.calm.Store(true)
	p.running.Go(func() { p.accept(rng) })
	return p, nil
}

func (p *truthProxy) accept(rng *rand.Rand) {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		resetAt := truthNoReset
		if rng.IntN(100) < p.share && !p.calm.Load() {
			resetAt = rng.IntN(3)
		}
		p.running.Go(func() { p.connect(client.(*net.TCPConn), resetAt) })
	}
}

// connect runs one connection to its end.
func (p *truthProxy) connect(client *net.TCPConn, resetAt int) {
	l := &truthLink{client: client, resetAt: resetAt}
	l.left.Store(truthAll)
	defer l.close()
	if resetAt == 0 {
		p.fire(truthResetBefore)
		l.reset()
		return
	}
	service, err := net.Dial("tcp", p.service)
	if err != nil {
		return
	}
	l.service = service.(*net.TCPConn)
	p.add(l)
	defer p.remove(l)
	var down sync.WaitGroup
	down.Go(l.passDown)
	l.passUp(p.fire)
	down.Wait()
}

func (p *truthProxy) add(l *truthLink) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.links[l.service.LocalAddr().String()] = l
	if p.closed {
		l.close()
	}
}

func (p *truthProxy) remove(l *truthLink) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l.service.LocalAddr().String())
}

// link is the connection over which a request came; nil when it has broken meanwhile.
func (p *truthProxy) link(r *http.Request) *truthLink {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.links[r.RemoteAddr]
}

func (p *truthProxy) open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// close ends all connections and returns when nothing runs any more.
func (p *truthProxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	for _, l := range p.links {
		l.close()
	}
	p.mu.Unlock()
	p.running.Wait()
}

const (
	truthNoReset = -1
	truthAll     = int64(1) << 62
)

// A truthLink is one connection, from the client through the proxy to the service. Its methods may be called at any
// time, also after it has ended.
type truthLink struct {
	client, service *net.TCPConn

	resetAt int          // the piece of what the client sends that is answered by a reset: 0 the connection itself
	stale   atomic.Bool  // what the client sends next comes too late
	left    atomic.Int64 // bytes of the service that still get through
	abrupt  atomic.Bool  // after which the client sees a reset, instead of an end
}

func (l *truthLink) close() {
	_ = l.client.Close()
	if l.service != nil {
		_ = l.service.Close()
	}
}

// reset drops what is under way and ends the connection with RST.
func (l *truthLink) reset() {
	_ = l.client.SetLinger(0)
	l.close()
}

// halfClose tells the client that nothing will come any more, and still reads what it sends.
func (l *truthLink) halfClose() { _ = l.client.CloseWrite() }

// inject sends the client what neither the service nor TLS has sent.
func (l *truthLink) inject(text string) { _, _ = l.client.Write([]byte(text)) }

// cutAfter lets so many bytes of the service through and then breaks the connection.
func (l *truthLink) cutAfter(bytes int, abrupt bool) {
	l.abrupt.Store(abrupt)
	l.left.Store(int64(bytes))
}

// passUp passes on what the client sends, up to where the connection breaks. The first two pieces are, in plain text,
// two requests and, with TLS, its greeting and the start of what is encrypted.
func (l *truthLink) passUp(fire func(string)) {
	defer l.close()
	buf := make([]byte, 8<<10)
	for piece := 1; ; piece++ {
		n, err := l.client.Read(buf)
		switch {
		case err != nil:
			return
		case piece == l.resetAt:
			fire(truthResetBefore)
			l.reset()
			return
		case l.stale.Load():
			fire(truthStale)
			return
		}
		if _, err := l.service.Write(buf[:n]); err != nil {
			return
		}
	}
}

// passDown passes on what the service sends, as far as it gets through.
func (l *truthLink) passDown() {
	defer l.close()
	buf := make([]byte, 8<<10)
	for {
		n, err := l.service.Read(buf)
		if left := max(l.left.Load(), 0); int64(n) > left {
			_, _ = l.client.Write(buf[:left])
			if l.abrupt.Load() {
				l.reset()
			}
			return
		}
		if l.left.Load() != truthAll {
			l.left.Add(int64(-n))
		}
		if n > 0 {
			if _, werr := l.client.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
