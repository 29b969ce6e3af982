package httpfake

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
)

// A Pipe serves a handler over connections without a socket, so that it works in a bubble of synctest.
type Pipe struct {
	*http.Transport // to the server, by https

	conns  chan net.Conn
	closed chan struct{}
	limit  func() int

	mu    sync.Mutex
	dials int
	cuts  int
}

// NewPipe starts a server that ends with the test. With a limit, each connection breaks after as many bytes
// to the client as limit returns; nil means that none breaks.
func NewPipe(t testing.TB, handler http.Handler, limit func() int) *Pipe {
	t.Helper()
	p := &Pipe{conns: make(chan net.Conn), closed: make(chan struct{}), limit: limit}
	p.Transport = &http.Transport{DialTLSContext: p.dial, DisableCompression: true}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(pipeListener{p}) }()
	t.Cleanup(func() {
		p.CloseIdleConnections()
		_ = server.Close()
		p.CloseIdleConnections()
	})
	return p
}

// Connections returns how many connections were made, and how many of them were broken.
func (p *Pipe) Connections() (made, broken int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dials, p.cuts
}

func (p *Pipe) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dials++
	if p.limit == nil {
		return client, nil
	}
	return &limitedConn{Conn: client, pipe: p, left: p.limit()}, nil
}

type pipeListener struct{ *Pipe }

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l pipeListener) Close() error {
	close(l.closed)
	return nil
}

func (pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// A limitedConn breaks after some bytes.
type limitedConn struct {
	net.Conn
	pipe *Pipe
	left int
}

func (c *limitedConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		c.pipe.mu.Lock()
		c.pipe.cuts++
		c.pipe.mu.Unlock()
		_ = c.Conn.Close()
		return 0, errors.New("connection reset by peer")
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}
