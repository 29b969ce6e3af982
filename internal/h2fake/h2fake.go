// Package h2fake has an HTTP/2 server that breaks off where a test wants it to, which the server of the
// standard library never does.
//
//	server := h2fake.NewServer(t, h2fake.Read, h2fake.GoAway(0))
//
// The first connection reads one request and says that it has processed none. After its steps, a connection
// replies to all requests; so does every later connection.
package h2fake

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
)

// Error codes of HTTP/2, for Reset.
const (
	ProtocolError uint32 = 1
	InternalError uint32 = 2
	RefusedStream uint32 = 7
)

// A Step is what a connection does next.
type Step struct {
	do     func(*conn) error
	always bool // on every connection, over and over
}

var (
	// Read reads to the end of the next request.
	Read = Step{do: (*conn).read}

	// Respond responds to the request that was read last.
	Respond = Step{do: (*conn).respond}

	// Close closes the connection.
	Close = Step{do: func(*conn) error { return errClosed }}
)

// GoAway says that the server has processed no stream above last and takes no new one. The first request of
// a connection is stream 1, the second one stream 3.
func GoAway(last uint32) Step {
	return Step{do: func(c *conn) error { return c.write(goAway, 0, 0, uint32s(last, 0)) }}
}

// Reset breaks off the stream of the request that was read last.
func Reset(code uint32) Step {
	return Step{do: func(c *conn) error { return c.write(reset, 0, c.stream, uint32s(code)) }}
}

// Always takes the place of all other steps: every connection does these over and over. After 50 requests
// the server replies nevertheless, so that a client without a limit comes to an end.
func Always(steps ...Step) Step {
	return Step{always: true, do: func(c *conn) error {
		for len(c.server.Bodies()) < 50 {
			for _, step := range steps {
				if err := step.do(c); err != nil {
					return err
				}
			}
		}
		return nil
	}}
}

// A Server is the server. It keeps the bodies of the requests that it has read.
type Server struct {
	URL   string
	Roots *x509.CertPool // that a client must trust; nil without TLS

	steps []Step

	mu          sync.Mutex
	bodies      []string
	connections int
}

// NewServer starts a server on loopback, with TLS, that ends with the test. It responds with 200 and the
// body {"result":true}.
func NewServer(t testing.TB, steps ...Step) *Server {
	t.Helper()
	s := &Server{steps: steps}
	srv := httptest.NewUnstartedServer(nil)
	srv.TLS = &tls.Config{NextProtos: []string{"h2"}}
	srv.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
		"h2": func(_ *http.Server, netConn *tls.Conn, _ http.Handler) { s.serve(netConn) },
	}
	httpfake.Quiet(srv)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	s.URL, s.Roots = srv.URL, x509.NewCertPool()
	s.Roots.AddCert(srv.Certificate())
	return s
}

// NewPlainServer is NewServer without TLS: the client has to begin with HTTP/2.
func NewPlainServer(t testing.TB, steps ...Step) *Server {
	t.Helper()
	s := &Server{steps: steps}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.URL = "http://" + listener.Addr().String()
	var (
		running sync.WaitGroup
		open    sync.Map // connections
	)
	running.Go(func() {
		for {
			netConn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Store(netConn, nil)
			running.Go(func() { s.serve(netConn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		open.Range(func(netConn, _ any) bool {
			_ = netConn.(net.Conn).Close()
			return true
		})
		running.Wait()
	})
	return s
}

// Bodies returns the bodies of all requests that were read, in order.
func (s *Server) Bodies() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.bodies)
}

// Connections returns how many connections there were.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

// serve runs one connection to its end.
func (s *Server) serve(netConn net.Conn) {
	defer netConn.Close()
	c := &conn{Conn: netConn, server: s}
	if _, err := io.ReadFull(c, make([]byte, len(preface))); err != nil {
		return
	}
	s.mu.Lock()
	s.connections++
	first := s.connections == 1
	s.mu.Unlock()
	_ = c.write(settings, 0, 0, nil)
	for _, step := range s.steps {
		if !first && !step.always {
			continue
		}
		if step.do(c) != nil {
			return
		}
	}
	for c.read() == nil && c.respond() == nil {
	}
}

var errClosed = errors.New("closed")

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// Types and flags of frames.
const (
	data, headers, reset, settings, ping, goAway byte = 0, 1, 3, 4, 6, 7

	ack, endStream, endHeaders byte = 1, 1, 4
)

// A conn is one connection of HTTP/2.
type conn struct {
	net.Conn
	server *Server
	stream uint32 // of the request that was read last
}

func (c *conn) write(kind, flags byte, stream uint32, payload []byte) error {
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	frame = binary.BigEndian.AppendUint32(append(frame, flags), stream)
	_, err := c.Write(append(frame, payload...))
	return err
}

// read reads to the end of the next request. Requests must not be interleaved.
func (c *conn) read() error {
	var body []byte
	header := make([]byte, 9)
	for {
		if _, err := io.ReadFull(c, header); err != nil {
			return err
		}
		payload := make([]byte, binary.BigEndian.Uint32(header)>>8)
		if _, err := io.ReadFull(c, payload); err != nil {
			return err
		}
		kind, flags := header[3], header[4]
		switch {
		case (kind == settings || kind == ping) && flags&ack == 0:
			if kind == settings {
				payload = nil
			}
			if err := c.write(kind, ack, 0, payload); err != nil {
				return err
			}
		case kind == data:
			body = append(body, payload...)
		}
		if (kind == data || kind == headers) && flags&endStream != 0 {
			c.stream = binary.BigEndian.Uint32(header[5:])
			c.server.mu.Lock()
			defer c.server.mu.Unlock()
			c.server.bodies = append(c.server.bodies, string(body))
			return nil
		}
	}
}

func (c *conn) respond() error {
	status200 := []byte{0x88} // ":status: 200" of HPACK's static table
	if err := c.write(headers, endHeaders, c.stream, status200); err != nil {
		return err
	}
	return c.write(data, endStream, c.stream, []byte(`{"result":true}`))
}

func uint32s(values ...uint32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}
