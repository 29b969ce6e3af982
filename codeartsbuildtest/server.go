package codeartsbuildtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

const (
	// memoryHost is where the service lives until Start gives it a socket. The name can never resolve, so
	// that a client with another transport cannot carry a credential anywhere.
	memoryHost   = "codeartsbuild.invalid"
	memoryOrigin = "https://" + memoryHost

	maxRequestBody = 1 << 20
)

// A Server is the service. It is an [http.Handler], answers IAM's login too, and is safe for concurrent
// use. Make one with [NewServer].
type Server struct {
	// URL is the origin of the socket, such as http://127.0.0.1:40123, and empty until Start.
	URL string

	mux *http.ServeMux

	mu       sync.Mutex // guards URL and all below
	jobs     []*job
	records  map[string]*build // by record id
	tokens   map[string]grant
	issued   int // tokens so far
	faults   map[string][]Fault
	requests []Request
	active   map[int]context.CancelFunc // of the requests being answered, by number
	socket   *socket
	closed   bool
}

// NewServer makes a service without jobs, reachable in memory. Nothing in it is random: another server has the
// same ids and tokens.
func NewServer() *Server {
	s := &Server{
		records: map[string]*build{},
		tokens:  map[string]grant{},
		faults:  map[string][]Fault{},
		active:  map[int]context.CancelFunc{},
	}
	s.mux = newMux(s)
	return s
}

// Client returns a client that is ready to call this server, with a token issued to it: in memory or, once
// started, over the socket. The token lives as long as any other, 24 hours; for longer tests give it
// a source over [Server.IAMConfig]. An option given here replaces the client's own.
//
// Client panics with the error of [codeartsbuild.NewClient] when the options do not fit together, for
// example when they hold an access key source, which is a second credential.
func (s *Server) Client(opts ...codeartsbuild.ClientOption) *codeartsbuild.Client {
	s.mu.Lock()
	origin, started := s.origin()
	token := s.issueToken(scopeProject, time.Now())
	s.mu.Unlock()
	own := []codeartsbuild.ClientOption{
		codeartsbuild.WithEndpoint(origin),
		codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(token)),
	}
	if !started {
		own = append(own, codeartsbuild.WithTransport(&transport{s}))
	}
	client, err := codeartsbuild.NewClient(append(own, opts...)...)
	if err != nil {
		panic(fmt.Sprintf("codeartsbuildtest: Server.Client: %v", err))
	}
	return client
}

// origin is where clients find the server, and whether that is a socket. The caller holds s.mu.
func (s *Server) origin() (string, bool) {
	if s.URL != "" {
		return s.URL, true
	}
	return memoryOrigin, false
}

// Close ends the server: the socket, what waits in a Delay and, once they have returned, the handlers of
// the socket. A fault that ignores the request's context holds it up, and one that calls Close waits for
// itself. Afterwards calls fail as if nobody listened. Closing again does nothing.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for _, cancel := range s.active {
		cancel()
	}
	socket := s.socket
	s.mu.Unlock()
	if socket != nil {
		socket.close()
	}
}

// A Request is one request as it arrived.
type Request struct {
	Operation string      // such as "StopJob", "CreateToken" for a login, "" for a path that is not served
	Method    string      // such as "POST"
	Path      string      // with the query, as requested
	Header    http.Header // without Host, which net/http takes out
	Body      []byte      // at most 1 MiB
}

// Requests returns all requests so far in the order in which they arrived, logins and those that
// [DropRequest] kept from the service included. The result is the caller's.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.requests)
	for i := range all {
		all[i].Header = all[i].Header.Clone()
		all[i].Body = bytes.Clone(all[i].Body)
	}
	return all
}

// serverKey is the context key under which faults find the server that they stand in.
type serverKey struct{}

// ServeHTTP answers one request: it takes note of it, then lets the fault that is due, if any, answer, and
// behind that the service.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r.Body)
	operation, handler := s.route(r)
	if len(body) > maxRequestBody {
		body, handler = body[:maxRequestBody], http.HandlerFunc(refuseTooLarge)
	}
	ctx, cancel := context.WithCancel(context.WithValue(r.Context(), serverKey{}, s))
	defer cancel()
	number, fault := s.arrive(newRequest(operation, r, body), cancel)
	defer s.leave(number)

	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	w.Header().Set(requestIDHeader, fmt.Sprintf("%032x", number))
	if err != nil {
		panic(http.ErrAbortHandler) // the request broke off, so there is nobody to answer
	}
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if fault != nil {
		handler = fault(handler)
	}
	handler.ServeHTTP(w, r)
}

// readBody reads one byte more than a body may have, which is how a larger one shows.
func readBody(body io.Reader) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(body, maxRequestBody+1))
}

func newRequest(operation string, r *http.Request, body []byte) Request {
	return Request{
		Operation: operation,
		Method:    r.Method,
		Path:      r.URL.RequestURI(),
		Header:    r.Header.Clone(),
		Body:      bytes.Clone(body),
	}
}

// arrive notes a request and takes the fault that is due for it from the queue.
func (s *Server) arrive(r Request, cancel context.CancelFunc) (number int, due Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	number = len(s.requests)
	s.active[number] = cancel
	if queue := s.faults[r.Operation]; len(queue) > 0 {
		due, s.faults[r.Operation] = queue[0], queue[1:]
	}
	return number, due
}

func (s *Server) leave(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.active, number)
}
