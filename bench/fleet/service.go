// Package fleet simulates many clients of one service that fails for a while: the requests that the clients send, and
// the calls that succeed, with this module's retries, with retries after a fixed delay, and without retries.
//
// The clients are those of the module, and the clock is that of testing/synctest, so that minutes take seconds.
package fleet

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// A Fault is how the service fails.
type Fault string

// The faults of a service.
const (
	Unavailable Fault = "503"                // it responds with 503
	Refused     Fault = "connection refused" // nothing listens
	Hanging     Fault = "hanging"            // it accepts requests and never responds
	Throttled   Fault = "429"                // it responds with 429 to what is above half of the steady rate
)

const (
	latency = 50 * time.Millisecond

	// headroom is the capacity of the service over the steady rate of calls. It responds with 503 to what is above.
	headroom = 1.5
)

// A service counts requests and fails for a while. Its capacity is finite.
type service struct {
	fault       Fault
	steady      float64 // calls a second
	from, until time.Time

	mu        sync.Mutex
	start     time.Time
	allowance float64 // requests that it can still take now
	last      time.Time
	requests  []int // that arrived in each second
	rejected  []int // of them, those above the capacity
}

func (s *service) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	now := time.Now()
	failing := !now.Before(s.from) && now.Before(s.until)
	within := s.arrive(now, failing)
	switch {
	case failing && s.fault == Refused:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case failing && s.fault == Hanging:
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	time.Sleep(latency)
	switch {
	case failing && s.fault == Unavailable:
		return response(req, http.StatusServiceUnavailable, ""), nil
	case failing && s.fault == Throttled && !within:
		return response(req, http.StatusTooManyRequests, ""), nil
	case !within:
		return response(req, http.StatusServiceUnavailable, ""), nil
	}
	return response(req, http.StatusOK, `{"result":true}`), nil
}

// arrive counts a request and reports whether it is within the capacity, which may be used a tenth of a second early.
func (s *service) arrive(now time.Time, failing bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	capacity := headroom * s.steady
	if failing && s.fault == Throttled {
		capacity = s.steady / 2
	}
	s.allowance = min(s.allowance+now.Sub(s.last).Seconds()*capacity, max(capacity/10, 5))
	s.last = now
	second := int(now.Sub(s.start) / time.Second)
	for len(s.requests) <= second {
		s.requests, s.rejected = append(s.requests, 0), append(s.rejected, 0)
	}
	s.requests[second]++
	if s.allowance < 1 {
		s.rejected[second]++
		return false
	}
	s.allowance--
	return true
}

func response(req *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader([]byte(body))),
		ContentLength: int64(len(body)), Request: req,
	}
}
