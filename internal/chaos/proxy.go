package chaos

import (
	"bufio"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// A proxy passes TCP connections on to the service, and breaks them: some by its own draw, the others when
// the service asks for it. It reads nothing of what passes, so that it breaks plain text and TLS alike.
type proxy struct {
	listener net.Listener
	service  *service
	address  string      // of the service
	calm     atomic.Bool // it breaks nothing yet

	running sync.WaitGroup
	mu      sync.Mutex
	closed  bool
	links   map[*link]bool
	byAddr  map[string]*link // as the service sees it
}

func newProxy(s *service, address string) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, service: s, address: address, links: map[*link]bool{}, byAddr: map[string]*link{}}
	p.calm.Store(true)
	p.running.Go(func() { p.accept(s.draws(0, 1)) })
	return p, nil
}

func (p *proxy) accept(rng *rand.Rand) {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		l := &link{client: client.(*net.TCPConn), resetAt: noReset}
		l.left.Store(unlimited)
		if number := rng.IntN(100); !p.calm.Load() {
			p.draw(l, number, rng)
		}
		p.running.Go(func() { p.connect(l) })
	}
}

// draw chooses what happens to a connection.
func (p *proxy) draw(l *link, number int, rng *rand.Rand) {
	if number -= p.service.Protocol.Resets; number < 0 {
		l.resetAt = rng.IntN(3)
		return
	}
	for _, fault := range p.service.Faults {
		if !fault.strikesConnections(&p.service.Protocol) {
			continue
		}
		if number -= fault.conns; number < 0 {
			l.fault = fault
			return
		}
	}
}

// connect runs one connection to its end.
func (p *proxy) connect(l *link) {
	p.add(l)
	defer p.remove(l)
	defer l.close()
	if l.resetAt == 0 {
		p.service.fire(resetBefore)
		l.reset()
		return
	}
	if p.service.Protocol.Proxy && !p.tunnel(l) {
		return
	}
	if l.fault.hello != nil {
		if _, err := l.client.Read(make([]byte, 8<<10)); err == nil {
			p.service.fire(l.fault.Name)
			l.fault.hello(l)
		}
		return
	}
	service, err := net.Dial("tcp", p.address)
	if err != nil {
		return
	}
	p.connected(l, service.(*net.TCPConn))
	var down sync.WaitGroup
	down.Go(l.passDown)
	l.passUp(p.service.fire)
	down.Wait()
}

// tunnel reads a CONNECT and responds to it. It reports whether the connection goes on.
func (p *proxy) tunnel(l *link) bool {
	r, err := http.ReadRequest(bufio.NewReaderSize(io.LimitReader(l.client, 16<<10), 16))
	if err != nil {
		return false
	}
	if r.Method != http.MethodConnect || r.Header.Get("X-Auth-Token") != "" {
		p.service.mu.Lock()
		p.service.wrong = append(p.service.wrong, r.Method+" at the proxy")
		p.service.mu.Unlock()
		return false
	}
	status := "200 OK"
	if l.fault.proxy != "" {
		status = l.fault.proxy
		p.service.fire(l.fault.Name)
	}
	_, err = io.WriteString(l.client, "HTTP/1.1 "+status+"\r\n\r\n")
	return err == nil && l.fault.proxy == ""
}

func (p *proxy) add(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.links[l] = true
	if p.closed {
		l.close()
	}
}

func (p *proxy) connected(l *link, service *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.service = service
	p.byAddr[service.LocalAddr().String()] = l
	if p.closed {
		l.close()
	}
}

func (p *proxy) remove(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
	if l.service != nil {
		delete(p.byAddr, l.service.LocalAddr().String())
	}
}

// link is the connection over which a request came; nil when it has broken meanwhile.
func (p *proxy) link(r *http.Request) *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byAddr[r.RemoteAddr]
}

func (p *proxy) open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// close ends all connections and returns when nothing runs any more.
func (p *proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	for l := range p.links {
		l.close()
	}
	p.mu.Unlock()
	p.running.Wait()
}

const (
	noReset   = -1
	unlimited = int64(1) << 62
)

// A link is one connection, from the client through the proxy to the service. Its methods may be called at any
// time, also after it has ended.
type link struct {
	client, service *net.TCPConn

	fault   Fault        // of the connection; zero: none
	resetAt int          // the piece of the client's that is followed by a reset: 0 is the connection itself
	stale   atomic.Bool  // the next bytes of the client come too late
	left    atomic.Int64 // bytes of the service that still get through
	abrupt  atomic.Bool  // after which the client sees a reset, instead of an end
}

func (l *link) close() {
	_ = l.client.Close()
	if l.service != nil {
		_ = l.service.Close()
	}
}

// reset drops all that is under way and ends the connection with RST.
func (l *link) reset() {
	_ = l.client.SetLinger(0)
	l.close()
}

// hush says nothing until the client is gone, or has had enough time to give up.
func (l *link) hush() {
	_ = l.client.SetReadDeadline(time.Now().Add(most + slack))
	_, _ = io.Copy(io.Discard, l.client)
}

// alert rejects the TLS handshake: a fatal alert, handshake_failure.
func (l *link) alert() {
	l.inject("\x15\x03\x03\x00\x02\x02\x28")
}

// halfClose tells the client that nothing will come any more, and still reads what it sends.
func (l *link) halfClose() { _ = l.client.CloseWrite() }

// inject sends the client text that neither the service nor TLS has sent.
func (l *link) inject(text string) { _, _ = l.client.Write([]byte(text)) }

// cutAfter lets so many bytes of the service through and then breaks the connection.
func (l *link) cutAfter(bytes int, abrupt bool) {
	l.abrupt.Store(abrupt)
	l.left.Store(int64(bytes))
}

// passUp passes on what the client sends, up to where the connection breaks. The first two pieces are, in plain
// text, two requests and, with TLS, its greeting and the start of the encrypted part.
func (l *link) passUp(fire func(string)) {
	defer l.close()
	buf := make([]byte, 8<<10)
	for piece := 1; ; piece++ {
		n, err := l.client.Read(buf)
		switch {
		case err != nil:
			return
		case piece == l.resetAt:
			fire(resetBefore)
			l.reset()
			return
		case l.stale.Load():
			fire(stale)
			return
		}
		if _, err := l.service.Write(buf[:n]); err != nil {
			return
		}
	}
}

// passDown passes on what the service sends, as far as it gets through.
func (l *link) passDown() {
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
		if l.left.Load() != unlimited {
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
