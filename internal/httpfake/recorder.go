package httpfake

import (
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A Request is a request that arrived. Body is as much of the body as was read.
type Request struct {
	*http.Request
	At   time.Time
	Body string
}

// A Recorder is a transport that keeps what arrives.
type Recorder struct {
	next http.RoundTripper

	mu   sync.Mutex
	seen []*Request
}

// Record keeps the requests that arrive at next.
func Record(next http.RoundTripper) *Recorder { return &Recorder{next: next} }

// Script treats the first request as the first step says, and so on. The last step is for all requests from
// then on.
func Script(steps ...Func) *Recorder {
	r := new(Recorder)
	var mu sync.Mutex
	next := 0
	r.next = Func(func(req *http.Request) (*http.Response, error) {
		mu.Lock()
		step := steps[min(next, len(steps)-1)]
		next++
		mu.Unlock()
		return step(req)
	})
	return r
}

// RoundTrip records the request and passes it on.
func (r *Recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	seen := &Request{Request: req.Clone(req.Context()), At: time.Now()}
	r.mu.Lock()
	r.seen = append(r.seen, seen)
	r.mu.Unlock()
	if req.Body != nil && req.Body != http.NoBody {
		copied := *req
		copied.Body = &recordedBody{req.Body, r, seen}
		req = &copied
	}
	return r.next.RoundTrip(req)
}

// Requests returns all requests so far, in the order of their arrival.
func (r *Recorder) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	requests := make([]Request, len(r.seen))
	for i, seen := range r.seen {
		requests[i] = *seen
	}
	return slices.Clip(requests)
}

// Count returns how many requests have arrived.
func (r *Recorder) Count() int { return len(r.Requests()) }

// CloseIdleConnections passes the call on.
func (r *Recorder) CloseIdleConnections() {
	if next, ok := r.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

// A recordedBody is the body of a request, which is recorded as it is read.
type recordedBody struct {
	io.ReadCloser
	recorder *Recorder
	seen     *Request
}

func (b *recordedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.recorder.mu.Lock()
	defer b.recorder.mu.Unlock()
	b.seen.Body += string(p[:n])
	return n, err
}
