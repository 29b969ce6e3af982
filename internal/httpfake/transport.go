package httpfake

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
)

// A Func is a transport made of a function. Reply, Lost and the others are such functions: they read the
// whole request, as a service does, unless they say otherwise.
type Func func(*http.Request) (*http.Response, error)

// RoundTrip calls f.
func (f Func) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Reply responds with a body of the announced length. The header has names and values in turn; the
// Content-Type is JSON unless it is given.
func Reply(status int, body string, header ...string) Func {
	return func(req *http.Request) (*http.Response, error) {
		resp := response(req, status, strings.NewReader(body), header)
		resp.ContentLength = int64(len(body))
		return resp, nil
	}
}

// Stream responds once, with a body of unknown length.
func Stream(status int, body io.Reader, header ...string) Func {
	return func(req *http.Request) (*http.Response, error) { return response(req, status, body, header), nil }
}

// Cut responds with less than it announces: the connection breaks after start.
func Cut(status int, start string, header ...string) Func {
	return short(status, start, func(*http.Request) io.Reader { return brokenReader{} }, header)
}

// Stalled responds with less than it announces: nothing comes after start until the context of the request
// ends.
func Stalled(status int, start string, header ...string) Func {
	return short(status, start, func(req *http.Request) io.Reader { return stalledReader{req} }, header)
}

func short(status int, start string, rest func(*http.Request) io.Reader, header []string) Func {
	return func(req *http.Request) (*http.Response, error) {
		resp := response(req, status, io.MultiReader(strings.NewReader(start), rest(req)), header)
		resp.ContentLength = int64(len(start)) + 100
		return resp, nil
	}
}

// Fail fails with err.
func Fail(err error) Func {
	return func(req *http.Request) (*http.Response, error) {
		drain(req)
		return nil, err
	}
}

// Lost fails as net/http does when the connection ends before the response.
func Lost(req *http.Request) (*http.Response, error) { return Fail(io.EOF)(req) }

// Refused fails as net/http does when nothing listens. It reads nothing of the request.
func Refused(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
}

// Stuck does not respond until the context of the request ends.
func Stuck(req *http.Request) (*http.Response, error) {
	drain(req)
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func response(req *http.Request, status int, body io.Reader, header []string) *http.Response {
	drain(req)
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	closer, ok := body.(io.ReadCloser)
	if !ok {
		closer = io.NopCloser(body)
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: closer, ContentLength: -1, Request: req,
	}
}

func drain(req *http.Request) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type stalledReader struct{ req *http.Request }

func (r stalledReader) Read([]byte) (int, error) {
	<-r.req.Context().Done()
	return 0, r.req.Context().Err()
}
