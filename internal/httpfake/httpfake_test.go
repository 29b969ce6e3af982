package httpfake

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func post(t *testing.T, ctx context.Context, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://build.example.com/a?b=c", strings.NewReader(body))
	require.NoError(t, err)
	return req
}

func TestResponses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		step   Func
		want   string
		length int64
		broken error // at the end of the body
	}{
		"whole":          {step: Reply(418, "short"), want: "short", length: 5},
		"empty":          {step: Reply(418, ""), want: "", length: 0},
		"unknown length": {step: Stream(418, strings.NewReader("long")), want: "long", length: -1},
		"cut":            {step: Cut(418, "lon"), want: "lon", length: 103, broken: io.ErrUnexpectedEOF},
		"stalled":        {step: Stalled(418, "lo"), want: "lo", length: 102, broken: context.DeadlineExceeded},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				resp, err := tt.step.RoundTrip(post(t, ctx, "in"))
				require.NoError(t, err)
				body, err := io.ReadAll(resp.Body)
				require.ErrorIs(t, err, tt.broken)
				require.Equal(t, tt.want, string(body))
				require.Equal(t, 418, resp.StatusCode)
				require.Equal(t, tt.length, resp.ContentLength)
				require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
			})
		})
	}
}

func TestReplyCanBeUsedAgain(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]Func{"whole": Reply(200, "x"), "cut": Cut(200, "x")} {
		for range 2 {
			resp, err := step(post(t, t.Context(), ""))
			require.NoError(t, err, name)
			body, _ := io.ReadAll(resp.Body)
			require.Equal(t, "x", string(body), name)
		}
	}
}

func TestHeadersAreGivenInPairs(t *testing.T) {
	t.Parallel()
	resp, err := Reply(200, "", "Content-Type", "text/html", "X-Request-Id", "7f3c")(post(t, t.Context(), ""))
	require.NoError(t, err)
	require.Equal(t, http.Header{"Content-Type": {"text/html"}, "X-Request-Id": {"7f3c"}}, resp.Header)
}

func TestNoResponse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		step Func
		want error  // nil: that of a dial
		read string // of the request
	}{
		"lost":    {Lost, io.EOF, "in"},
		"failed":  {Fail(net.ErrClosed), net.ErrClosed, "in"},
		"stuck":   {Stuck, context.DeadlineExceeded, "in"},
		"refused": {Refused, nil, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				transport := Script(tt.step)
				resp, err := transport.RoundTrip(post(t, ctx, "in"))
				require.Nil(t, resp)
				if tt.want != nil {
					require.ErrorIs(t, err, tt.want)
				} else {
					var dial *net.OpError
					require.ErrorAs(t, err, &dial)
					require.Equal(t, "dial", dial.Op)
				}
				require.Equal(t, tt.read, transport.Requests()[0].Body)
			})
		})
	}
}

func TestScriptRepeatsItsLastStep(t *testing.T) {
	t.Parallel()
	transport := Script(Lost, Reply(200, ""), Reply(503, ""))
	var got []int
	for range 4 {
		resp, err := transport.RoundTrip(post(t, t.Context(), "in"))
		if errors.Is(err, io.EOF) {
			got = append(got, 0)
			continue
		}
		require.NoError(t, err)
		got = append(got, resp.StatusCode)
	}
	require.Equal(t, []int{0, 200, 503, 503}, got)
	require.Equal(t, 4, transport.Count())
	last := transport.Requests()[3]
	require.Equal(t, "in", last.Body)
	require.Equal(t, http.MethodPost, last.Method)
	require.Equal(t, "/a?b=c", last.URL.RequestURI())
	require.EqualValues(t, 2, last.ContentLength)
}

func TestServerKeepsWhatArrives(t *testing.T) {
	t.Parallel()
	server := Listen(t, Handler(201, "made", "X-Request-Id", "7f3c"), TLS)
	for range 2 {
		resp, err := server.Client().Post(server.URL+"/a?b=c", "text/plain", strings.NewReader("in"))
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, "made", string(body))
		require.Equal(t, 201, resp.StatusCode)
		require.Equal(t, "7f3c", resp.Header.Get("X-Request-Id"))
	}
	requests := server.Requests()
	require.Len(t, requests, 2)
	require.Equal(t, "in", requests[1].Body)
	require.Equal(t, "/a?b=c", requests[1].URL.RequestURI())
	accepted, open := server.Connections()
	require.Equal(t, [2]int{1, 1}, [2]int{accepted, open})
}

func TestServerSpeaksHTTP2(t *testing.T) {
	t.Parallel()
	server := Listen(t, Handler(200, ""), HTTP2)
	resp, err := server.Client().Get(server.URL)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 2, resp.ProtoMajor)
}

func TestHijackedConnectionIsClosed(t *testing.T) {
	t.Parallel()
	server := Listen(t, Hijack(t, func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\npart") }))
	resp, err := server.Client().Get(server.URL)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "part", string(body))
}

func TestPipeBreaksAfterItsLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limits := []int{10, 10_000}
		pipe := NewPipe(t, Handler(200, strings.Repeat("x", 1000)), func() int {
			limit := limits[0]
			limits = limits[1:]
			return limit
		})
		_, err := pipe.RoundTrip(post(t, t.Context(), "in"))
		require.ErrorContains(t, err, "connection broken")
		resp, err := pipe.RoundTrip(post(t, t.Context(), "in"))
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Len(t, body, 1000)
		made, broken := pipe.Connections()
		require.Equal(t, [2]int{2, 1}, [2]int{made, broken})
	})
}

func TestPeak(t *testing.T) {
	t.Parallel()
	var peak Peak
	require.Zero(t, peak.Most())
	peak.Enter()
	peak.Enter()
	peak.Leave()
	peak.Enter()
	require.Equal(t, 2, peak.Most())
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			peak.Enter()
			defer peak.Leave()
		})
	}
	all.Wait()
	require.LessOrEqual(t, peak.Most(), 52)
	require.GreaterOrEqual(t, peak.Most(), 3)
}
