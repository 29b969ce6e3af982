package httpfake

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// A Server listens on loopback and keeps what arrives.
type Server struct {
	*httptest.Server

	mu       sync.Mutex
	seen     []Request
	accepted int
	open     map[net.Conn]bool
}

// Listen starts a server that ends with the test. It reads each request before the handler gets it. TLS and
// HTTP2 are for setUp, as is any other function that changes the server before it starts.
func Listen(t testing.TB, handler http.HandlerFunc, setUp ...func(*httptest.Server)) *Server {
	t.Helper()
	s := &Server{open: map[net.Conn]bool{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a body that breaks off is part of some tests
		s.mu.Lock()
		s.seen = append(s.seen, Request{Request: r.Clone(r.Context()), At: time.Now(), Body: string(body)})
		s.mu.Unlock()
		handler(w, r)
	}))
	Quiet(s.Server)
	s.Config.ConnState = s.count
	for _, f := range setUp {
		f(s.Server)
	}
	if s.TLS != nil || s.EnableHTTP2 {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// Quiet keeps a server from writing about connections that break off.
func Quiet(s *httptest.Server) { s.Config.ErrorLog = log.New(io.Discard, "", 0) }

// TLS makes a server talk TLS.
func TLS(s *httptest.Server) { s.TLS = &tls.Config{} }

// HTTP2 makes a server talk HTTP/2, over TLS.
func HTTP2(s *httptest.Server) { s.EnableHTTP2 = true }

func (s *Server) count(conn net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.accepted++
		s.open[conn] = true
	case http.StateClosed, http.StateHijacked:
		delete(s.open, conn)
	}
}

// Requests returns all requests so far, in the order of their arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// Connections returns how many connections were accepted, and how many of them are still open.
func (s *Server) Connections() (accepted, open int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted, len(s.open)
}

// Handler responds to every request in the same way, as Reply does for a transport.
func Handler(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Hijack hands the bare connection to f, which writes what no handler can, and closes it afterwards.
func Hijack(t testing.TB, f func(net.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		f(conn)
	}
}
