package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const mostCallers = 64

// A service replies to stops in turn, for each build that callers ask for, and so for each caller: over a socket as a
// handler, and in memory as a transport.
type service struct {
	replies []reply
	delay   time.Duration
	next    [mostCallers]atomic.Int64
}

// reply reads a request and returns the next reply to its caller.
func (s *service) reply(body io.Reader) reply {
	var buf [256]byte
	n, caller := 0, 0
	if body != nil {
		n, _ = io.ReadFull(body, buf[:])
	}
	if _, rest, found := bytes.Cut(buf[:n], []byte(`"build_no":"`)); found {
		digits, _, _ := bytes.Cut(rest, []byte(`"`))
		caller, _ = strconv.Atoi(string(digits))
	}
	time.Sleep(s.delay)
	i := s.next[caller%mostCallers].Add(1) - 1
	return s.replies[int(i)%len(s.replies)]
}

func (s *service) RoundTrip(req *http.Request) (*http.Response, error) {
	r := s.reply(req.Body)
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return &http.Response{
		StatusCode: r.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader([]byte(r.body))),
		ContentLength: int64(len(r.body)), Request: req,
	}, nil
}

func (s *service) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r := s.reply(req.Body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.status)
	_, _ = io.WriteString(w, r.body)
}

// together runs f for each of some callers at the same time; a single caller needs no goroutine.
func together(callers int, f func(caller int) error) error {
	if callers == 1 {
		return f(0)
	}
	errs := make([]error, callers)
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() { errs[caller] = f(caller) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func stopOnce(ctx context.Context, stop stop) error {
	_, err := stop(ctx, buildNo)
	return err
}
