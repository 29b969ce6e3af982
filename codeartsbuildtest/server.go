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
)

const (
	// memoryHost is where the service lives until Start gives it a socket. The name can never resolve, so
	// that a client with another transport cannot carry a credential anywhere.
	memoryHost   = "codeartsbuild.invalid"
	memoryOrigin = "https://" + memoryHost

	maxRequestBody = 1 << 20
)

// A Server is the service. It is an [http.Handler], serves IAM's login too, and is safe for concurrent
// use. Make one with [NewServer].
type Server struct {
	// URL is the origin of the socket, such as http://127.0.0.1:40123, and empty until Start.
	URL string

	mu       sync.Mutex // guards URL and all below
	state    state
	faults   map[string][]Fault
	lasting  []*lastingFaults
	requests []Request
	active   map[int]context.CancelFunc // of the requests being served, by number
	socket   *socket
	closed   bool
}

// state is all that the service remembers. The server locks it for each request.
type state struct {
	clock     time.Duration // how far the service's clock is ahead
	stopDelay time.Duration

	tokens map[string]grant
	issued int // tokens so far

	jobs     table[*job]
	records  map[string]*build // by record id
	bin      table[*job]       // deleted jobs
	keepDays int               // for how many days the bin keeps them

	groups    table[*group]
	templates table[*template]
	official  table[*template]
	keystores table[*keystore]
}

func (s *state) now() time.Time { return time.Now().Add(s.clock) }

// NewServer makes a service without jobs, reachable in memory. Nothing in it is random: another server has the
// same ids and tokens.
func NewServer() *Server {
	return &Server{
		state: state{
			stopDelay: defaultStopDelay,
			keepDays:  defaultKeepDays,
			official:  officialTemplates(),
			tokens:    map[string]grant{},
			records:   map[string]*build{},
		},
		faults: map[string][]Fault{},
		active: map[int]context.CancelFunc{},
	}
}

// ProjectID returns the id of the CodeArts project that all jobs of the server belong to.
func (s *Server) ProjectID() string { return codeProjectID }

// SetStopDelay sets the time from the acceptance of a stop to the end of the build. Without it the time is 3 s. Stops
// that were accepted before are not affected.
func (s *Server) SetStopDelay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.stopDelay = d
}

// SetClock makes the clock of the service differ from the local one: ahead of it by a positive offset, behind it by a
// negative one. The Date of responses, the times of builds and jobs, the lifetime of tokens and the check of signatures
// follow that clock.
func (s *Server) SetClock(offset time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.clock = offset
}

// Close ends the server: the socket, what waits in a Delay and, once they have returned, the handlers of
// the socket. A request that waits is dropped and has no effect. A fault that ignores the request's context holds
// Close up, and one that calls Close waits for itself. Afterwards calls fail as if nothing listened. Closing again
// does nothing.
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

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
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

// ServeHTTP serves one request: it takes note of it, and then hands it to the faults that are due and, behind them, to
// the service.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r.Body)
	service := http.HandlerFunc(s.serve)
	if len(body) > maxRequestBody {
		body, service = body[:maxRequestBody], serveTooLarge
	}
	ctx, cancel := context.WithCancel(context.WithValue(r.Context(), serverKey{}, s))
	defer cancel()
	arrival := s.arrive(newRequest(r, body), cancel)
	defer s.leave(arrival.number)

	w.Header().Set("Date", arrival.time.UTC().Format(http.TimeFormat))
	w.Header().Set(requestIDHeader, fmt.Sprintf("%032x", arrival.number))
	if err != nil {
		panic(http.ErrAbortHandler) // the request broke off
	}
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(body))
	arrival.before(service).ServeHTTP(w, r)
}

// readBody reads one byte more than a body may have, which is how a larger one shows.
func readBody(body io.Reader) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(body, maxRequestBody+1))
}

func newRequest(r *http.Request, body []byte) Request {
	return Request{
		Operation: operationName(r),
		Method:    r.Method,
		Path:      r.URL.RequestURI(),
		Header:    r.Header.Clone(),
		Body:      bytes.Clone(body),
	}
}

// operationName is the name under which requests are noted and faults are queued.
func operationName(r *http.Request) string {
	if isLogin(r) {
		return loginOperation
	}
	if op, _ := findRoute(r.Method, r.URL.EscapedPath()); op != nil {
		return op.name
	}
	return ""
}

// An arrival is a request that has just been noted.
type arrival struct {
	number int
	time   time.Time
	faults []Fault // outermost first
}

func (s *Server) arrive(r Request, cancel context.CancelFunc) arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	number := len(s.requests)
	s.active[number] = cancel
	return arrival{number, s.state.now(), s.dueFaults(r.Operation)}
}

func (s *Server) leave(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.active, number)
}

// before puts the faults in front of the service.
func (a arrival) before(service http.Handler) http.Handler {
	for _, fault := range slices.Backward(a.faults) {
		if fault != nil {
			service = fault(service)
		}
	}
	return service
}

// serve is the service behind the faults.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // memory, unless a fault put something else there
	s.handle(&request{http: r, body: body, id: w.Header().Get(requestIDHeader)}).write(w)
}

func serveTooLarge(w http.ResponseWriter, r *http.Request) {
	to := &request{op: new(operation), http: r, id: w.Header().Get(requestIDHeader)}
	to.refusal(tooLarge()).reply(to).write(w)
}

// handle lets the service act on a request, unless the server was closed while the request waited.
func (s *Server) handle(r *request) *reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		panic(http.ErrAbortHandler)
	}
	r.now = s.state.now()
	if isLogin(r.http) {
		return s.state.createToken(r)
	}
	if isMisspeltLogin(r.http) {
		return redirectToLogin(r)
	}
	r.op, r.path = findRoute(r.http.Method, r.http.URL.EscapedPath())
	if r.op == nil {
		r.op = new(operation)
		return r.refusal(unpublished()).reply(r)
	}
	result, err := s.state.call(r)
	if err != nil {
		return r.refusal(err).reply(r)
	}
	return result
}

// call takes a request through the service: credential, parameters, handler, envelope. An operation without a handler
// has the documented example.
func (s *state) call(r *request) (*reply, error) {
	if err := s.authorize(r); err != nil {
		return nil, err
	}
	if err := r.parse(); err != nil {
		return nil, err
	}
	handle, ok := handlers[r.op.name]
	if !ok {
		return r.op.exampleReply(), nil
	}
	result, err := handle(s, r)
	if err != nil {
		return nil, err
	}
	return r.op.wrap(result), nil
}
