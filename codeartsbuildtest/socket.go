package codeartsbuildtest

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// Start makes the server listen on a free port of 127.0.0.1 and sets URL. Clients made before stay in
// memory. Starting again, or after Close, does nothing. Where the system does not let it listen, URL stays
// empty and the server stays reachable in memory.
func (s *Server) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket != nil || s.closed {
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return
	}
	s.socket = serve(listener, s)
	s.URL = "http://" + listener.Addr().String()
}

// A socket serves a handler and knows when all that it started has ended.
type socket struct {
	server *http.Server
	served chan struct{} // closed when no more connections are accepted
	conns  sync.WaitGroup
}

func serve(listener net.Listener, handler http.Handler) *socket {
	k := &socket{served: make(chan struct{})}
	k.server = &http.Server{Handler: handler, ConnState: k.count, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(k.served)
		_ = k.server.Serve(listener) // always ends with http.ErrServerClosed
	}()
	return k
}

func (k *socket) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		k.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		k.conns.Done()
	}
}

func (k *socket) close() {
	_ = k.server.Close() // the listener on loopback is all that could fail
	<-k.served
	k.conns.Wait()
}
