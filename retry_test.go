package codeartsbuild

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/signing"
)

const (
	retryJob      = "48c66c6002964721be537cdc6ce0297b"
	retryToken    = "gAAAAABn-a-token-that-no-error-may-repeat-0123456789"
	retryStopped  = `{"result":true}`
	retryFinished = `"{\"error\":{\"code\":\"DEV.CB.032302\",\"reason\":\"the state has changed\"},\"status\":\"error\"}"`
)

// A retryStep answers one request.
type retryStep func(*http.Request) (*http.Response, error)

// A retryScript is a service in memory: one step a request, and the last step for all requests after it.
type retryScript struct {
	steps []retryStep

	mu   sync.Mutex
	seen []retryRequest
}

type retryRequest struct {
	at     time.Time
	path   string
	header http.Header
	body   string
	length int64
}

func (s *retryScript) RoundTrip(req *http.Request) (*http.Response, error) {
	seen := retryRequest{at: time.Now(), path: req.URL.RequestURI(), header: req.Header.Clone(), length: req.ContentLength}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		_ = req.Body.Close()
		seen.body = string(body)
	}
	s.mu.Lock()
	step := s.steps[min(len(s.seen), len(s.steps)-1)]
	s.seen = append(s.seen, seen)
	s.mu.Unlock()
	return step(req)
}

func (s *retryScript) requests() []retryRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]retryRequest(nil), s.seen...)
}

// retryReply answers; headers are names and values in turn.
func retryReply(status int, body string, headers ...string) retryStep {
	return func(req *http.Request) (*http.Response, error) {
		resp := retryResponse(req, status, io.NopCloser(strings.NewReader(body)), headers...)
		resp.ContentLength = int64(len(body))
		return resp, nil
	}
}

func retryResponse(req *http.Request, status int, body io.ReadCloser, headers ...string) *http.Response {
	header := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, Body: body, ContentLength: -1, Request: req,
	}
}

// retryFail is a request without an answer.
func retryFail(err error) retryStep {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// retryLost is what net/http says when the connection ends before the answer.
func retryLost() retryStep { return retryFail(io.EOF) }

// retryRefused is what net/http says when nobody listens.
func retryRefused() retryStep {
	return retryFail(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")})
}

// retrySilent waits for the end of the request's context.
func retrySilent(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// retryStuck answers, but its body goes no further than start before the context ends.
func retryStuck(status int, start string) retryStep {
	return func(req *http.Request) (*http.Response, error) {
		body := io.MultiReader(strings.NewReader(start), retryReader(func([]byte) (int, error) {
			<-req.Context().Done()
			return 0, req.Context().Err()
		}))
		return retryResponse(req, status, io.NopCloser(body)), nil
	}
}

type retryReader func([]byte) (int, error)

func (f retryReader) Read(p []byte) (int, error) { return f(p) }

func retryClient(t testing.TB, transport http.RoundTripper, opts ...ClientOption) *Client {
	t.Helper()
	client, err := NewClient(append([]ClientOption{
		WithEndpoint("https://build.example.com"), WithTokenSource(StaticToken(retryToken)), WithTransport(transport),
	}, opts...)...)
	require.NoError(t, err)
	return client
}

// What the calls of these tests are: one that may be repeated, one that may not, and one that reads.
func retryStop(ctx context.Context, c *Client, opts ...CallOption) error {
	_, err := c.Jobs.Stop(ctx, retryJob, "20", opts...)
	return err
}

func retryPost(ctx context.Context, c *Client, opts ...CallOption) error {
	return c.Do(ctx, http.MethodPost, "/v1/job/anything", map[string]string{"job_id": retryJob}, nil, opts...)
}

func retryRun(ctx context.Context, c *Client, opts ...CallOption) error {
	_, err := c.Jobs.Run(ctx, retryJob, nil, opts...)
	return err
}

func retryRead(ctx context.Context, c *Client, opts ...CallOption) error {
	return c.Do(ctx, http.MethodGet, "/v1/job/anything", nil, nil, opts...)
}

func retryWait(ctx context.Context, c *Client, opts ...CallOption) error {
	_, err := c.Jobs.StopAndWait(ctx, retryJob, "20", opts...)
	return err
}

type retryCall func(context.Context, *Client, ...CallOption) error

const retryRecord = `{"result":{"codeci_job_id":"` + retryJob + `","build_no":20,"status":"RUNNING"},"status":"success"}`

// retryTokens is a source whose first tokens are there at once, and whose next one never comes.
func retryTokens(atOnce int) TokenSource {
	asked := new(atomic.Int64)
	return TokenSourceFunc(func(ctx context.Context) (*Token, error) {
		if int(asked.Add(1)) <= atOnce {
			return NewToken(retryToken, time.Time{}), nil
		}
		<-ctx.Done()
		return nil, ctx.Err()
	})
}

// B21: whatever a call is doing, it ends at the moment when its context does, and says why.
func TestCallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	type row struct {
		call     retryCall // default: Stop
		steps    []retryStep
		tokens   func() TokenSource
		retry    RetryPolicy
		end      time.Duration // default: 1 s
		pausing  bool          // in a pause, which no deadline can end: the call returns before it
		requests int
		status   int    // 0: no *APIError
		text     string // the last cause
		doubt    bool
		kind     error // one more
	}
	long := RetryPolicy{MinDelay: 30 * time.Second, MaxDelay: 30 * time.Second}
	quick := RetryPolicy{MinDelay: 1, MaxDelay: 1}
	maintenance := retryReply(503, `{"error_msg":"maintenance"}`, "Retry-After", "20")
	tests := map[string]row{
		"B21 pause after 503":                    {steps: []retryStep{maintenance}, pausing: true, requests: 1, status: 503, text: "maintenance"},
		"B21 pause after 502":                    {steps: []retryStep{retryReply(502, "bad upstream", "Retry-After", "20")}, pausing: true, requests: 1, status: 502, text: "bad upstream", doubt: true},
		"B21 pause after a lost answer":          {steps: []retryStep{retryLost()}, retry: long, end: time.Microsecond, pausing: true, requests: 1, text: "EOF", doubt: true},
		"B21 pause after a lost answer, reading": {call: retryRead, steps: []retryStep{retryLost()}, retry: long, end: time.Microsecond, pausing: true, requests: 1, text: "EOF"},
		"B21 pause after a refused connection":   {steps: []retryStep{retryRefused()}, retry: long, end: time.Microsecond, pausing: true, requests: 1, text: "connection refused"},
		"B21 token":                              {steps: []retryStep{retryReply(200, retryStopped)}, tokens: func() TokenSource { return retryTokens(0) }, text: "context"},
		"B21 token from a cache":                 {steps: []retryStep{retryReply(200, retryStopped)}, tokens: func() TokenSource { return NewCachedTokenSource(retryTokens(0)) }, text: "context"},
		"B21 token after a lost answer":          {steps: []retryStep{retryLost()}, tokens: func() TokenSource { return retryTokens(1) }, retry: quick, requests: 1, text: "context", doubt: true},
		"B21 token after 503":                    {steps: []retryStep{retryReply(503, "")}, tokens: func() TokenSource { return retryTokens(1) }, retry: quick, requests: 1, text: "context"},
		"B21 waiting for the answer":             {steps: []retryStep{retrySilent}, requests: 1, text: "context", doubt: true},
		"B21 waiting for the answer, any POST":   {call: retryPost, steps: []retryStep{retrySilent}, requests: 1, text: "context", doubt: true},
		"B21 waiting for the answer, reading":    {call: retryRead, steps: []retryStep{retrySilent}, requests: 1, text: "context"},
		"B21 connecting": {steps: []retryStep{func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("operation was canceled")}
		}}, requests: 1, text: "operation was canceled"},
		"B21 body of a success":          {steps: []retryStep{retryStuck(200, `{"res`)}, requests: 1, status: 200, text: "cut off", doubt: true},
		"B21 body of a success, reading": {call: retryRead, steps: []retryStep{retryStuck(200, `{"res`)}, requests: 1, status: 200, text: "cut off"},
		"B21 body of a 400":              {steps: []retryStep{retryStuck(400, `no such job`)}, requests: 1, status: 400, text: "no such job", kind: ErrBadRequest},
		"B21 body of a 504":              {steps: []retryStep{retryStuck(504, `upstream silent`)}, requests: 1, status: 504, text: "upstream silent", doubt: true},
		"B21 waiting for the build":      {call: retryWait, steps: []retryStep{retryReply(200, retryStopped), retryReply(200, retryRecord)}, pausing: true, requests: 2, text: "running", kind: ErrStillRunning},
		"B21 reading the build":          {call: retryWait, steps: []retryStep{retryReply(200, retryStopped), retrySilent}, requests: 2, text: "context", kind: ErrStillRunning},
	}
	cause := errors.New("the operator pressed stop")
	ends := map[string]struct {
		want  error
		start func(context.Context, time.Duration) (context.Context, context.CancelFunc)
	}{
		"cancelled": {context.Canceled, func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(d, cancel)
			return ctx, cancel
		}},
		"cancelled with a cause": {context.Canceled, func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(d, func() { cancel(cause) })
			return ctx, func() { cancel(nil) }
		}},
		"out of time": {context.DeadlineExceeded, context.WithTimeout},
	}
	for name, tt := range tests {
		for how, end := range ends {
			if how == "out of time" && tt.pausing && tt.kind == nil {
				continue // B22
			}
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					script := &retryScript{steps: tt.steps}
					opts := []ClientOption{WithRetry(tt.retry)}
					if tt.tokens != nil {
						opts = append(opts, WithTokenSource(tt.tokens()))
					}
					client := retryClient(t, script, opts...)
					call, after := tt.call, tt.end
					if call == nil {
						call = retryStop
					}
					if after == 0 {
						after = time.Second
					}
					started := time.Now()
					ctx, cancel := end.start(t.Context(), after)
					defer cancel()
					err := call(ctx, client)

					require.Equal(t, after, time.Since(started), "the call ends when its context does")
					require.Len(t, script.requests(), tt.requests)
					require.ErrorIs(t, err, end.want)
					require.Equal(t, tt.doubt, errors.Is(err, ErrOutcomeUnknown), "ErrOutcomeUnknown of %v", err)
					require.ErrorContains(t, err, end.want.Error())
					require.ErrorContains(t, err, tt.text)
					if tt.kind != nil {
						require.ErrorIs(t, err, tt.kind)
					}
					if how == "cancelled with a cause" {
						require.ErrorIs(t, err, cause)
					}
					var apiErr *APIError
					require.Equal(t, tt.status != 0, errors.As(err, &apiErr), "an answer came and the error is %v (%T)", err, err)
					if tt.status != 0 {
						require.Equal(t, tt.status, apiErr.StatusCode)
					}
				})
			})
		}
	}
}

// B21: a call whose context is over or missing sends nothing.
func TestContextOverBeforeTheCall(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancelLate := context.WithDeadline(context.Background(), time.Now().Add(-time.Hour))
	t.Cleanup(cancelLate)
	contexts := map[string]struct {
		ctx  context.Context
		want error
	}{
		"B21 cancelled":       {cancelled, context.Canceled},
		"B21 deadline passed": {late, context.DeadlineExceeded},
		"B21 nil":             {nil, ErrInvalidArgument},
	}
	calls := map[string]retryCall{"stop": retryStop, "post": retryPost, "run": retryRun, "read": retryRead, "wait": retryWait}
	for name, tt := range contexts {
		for of, call := range calls {
			t.Run(name+"/"+of, func(t *testing.T) {
				t.Parallel()
				script := &retryScript{steps: []retryStep{retryReply(200, retryStopped)}}
				asked := 0
				client := retryClient(t, script, WithTokenSource(TokenSourceFunc(func(context.Context) (*Token, error) {
					asked++
					return NewToken(retryToken, time.Time{}), nil
				})))
				err := call(tt.ctx, client)
				require.ErrorIs(t, err, tt.want)
				require.NotErrorIs(t, err, ErrOutcomeUnknown)
				require.Empty(t, script.requests())
				require.Zero(t, asked, "requests for a token")
			})
		}
	}
}

// B21 on the wire: what is stuck is a socket.
func TestCallEndsWithItsContextOnTheWire(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"B21 before the header": 0, "B21 in the body": 200, "B21 in the body of an error": 500} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			arrived := make(chan struct{})
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if status != 0 {
					w.WriteHeader(status)
					_, _ = io.WriteString(w, `{"res`)
					_ = http.NewResponseController(w).Flush()
				}
				close(arrived)
				<-r.Context().Done()
			}))
			t.Cleanup(srv.Close)
			client := retryClient(t, nil, WithEndpoint(srv.URL))
			t.Cleanup(client.CloseIdleConnections)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan time.Time, 1)
			go func() {
				<-arrived
				ended <- time.Now()
				cancel()
			}()
			err := retryStop(ctx, client)
			late := time.Since(<-ended)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, ErrOutcomeUnknown)
			require.Less(t, late, 500*time.Millisecond, "from the end of the context to that of the call")
		})
	}
}

// B22: a pause that the deadline would cut short is not begun.
func TestDeadlineNearerThanThePause(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		step   retryStep
		retry  RetryPolicy
		within time.Duration
		status int
		text   string
		kind   error
		doubt  bool
	}{
		"B22 throttled":               {retryReply(429, `{"error_msg":"slow down"}`), RetryPolicy{}, time.Second, 429, "slow down", ErrTooManyRequests, false},
		"B22 Retry-After":             {retryReply(503, `{"error_msg":"maintenance"}`, "Retry-After", "20"), RetryPolicy{}, 19 * time.Second, 503, "maintenance", ErrInternalServerError, false},
		"B22 Retry-After to a moment": {retryReply(503, `{"error_msg":"maintenance"}`, "Retry-After", "20"), RetryPolicy{}, 20 * time.Second, 503, "maintenance", ErrInternalServerError, false},
		"B22 502":                     {retryReply(502, "bad upstream", "Retry-After", "20"), RetryPolicy{}, 10 * time.Second, 502, "bad upstream", ErrInternalServerError, true},
		"B22 lost answer":             {retryLost(), RetryPolicy{MinDelay: 30 * time.Second}, time.Microsecond, 0, "EOF", ErrOutcomeUnknown, true},
		"B22 refused connection":      {retryRefused(), RetryPolicy{MinDelay: 30 * time.Second}, time.Microsecond, 0, "connection refused", context.DeadlineExceeded, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				script := &retryScript{steps: []retryStep{tt.step, retryReply(200, retryStopped)}}
				ctx, cancel := context.WithTimeout(t.Context(), tt.within)
				defer cancel()
				started := time.Now()
				err := retryStop(ctx, retryClient(t, script, WithRetry(tt.retry)))
				require.Zero(t, time.Since(started), "time that the call took")
				require.NoError(t, ctx.Err())
				require.Len(t, script.requests(), 1)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorIs(t, err, tt.kind)
				require.NotErrorIs(t, err, context.Canceled)
				require.ErrorContains(t, err, tt.text)
				require.ErrorContains(t, err, "deadline")
				require.Equal(t, tt.doubt, errors.Is(err, ErrOutcomeUnknown))
				var apiErr *APIError
				require.Equal(t, tt.status != 0, errors.As(err, &apiErr))
			})
		})
	}
	t.Run("B22 time enough", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			script := &retryScript{steps: []retryStep{retryReply(503, "", "Retry-After", "20"), retryReply(200, retryStopped)}}
			ctx, cancel := context.WithTimeout(t.Context(), 21*time.Second)
			defer cancel()
			require.NoError(t, retryStop(ctx, retryClient(t, script)))
		})
	})
}

// B23: what Retry-After says is obeyed where it says something, and never makes a pause negative.
func TestRetryAfterSpellings(t *testing.T) {
	t.Parallel()
	const date = "Tue, 24 Nov 2026 08:00:00 GMT"
	tests := map[string]struct {
		value, date string
		want        time.Duration // -1: very long
	}{
		"B23 seconds":                       {"3", "", 3 * time.Second},
		"B23 seconds with spaces":           {" 3 ", "", 3 * time.Second},
		"B23 two minutes":                   {"120", "", 2 * time.Minute},
		"B23 zero":                          {"0", "", 0},
		"B23 date":                          {"Tue, 24 Nov 2026 08:00:20 GMT", date, 20 * time.Second},
		"B23 date far off":                  {"Tue, 24 Nov 2026 09:00:00 GMT", date, time.Hour},
		"B23 date in RFC 850":               {"Tuesday, 24-Nov-26 08:00:20 GMT", date, 20 * time.Second},
		"B23 date in the past":              {"Tue, 24 Nov 2026 07:00:00 GMT", date, 0},
		"B23 date without the answer's own": {"Tue, 24 Nov 2026 08:00:20 GMT", "", 0},
		"B23 negative":                      {"-5", "", 0},
		"B23 empty":                         {"", "", 0},
		"B23 word":                          {"abc", "", 0},
		"B23 fraction":                      {"1.5", "", 0},
		"B23 9223372037":                    {"9223372037", "", -1}, // seconds, whose nanoseconds overflow
		"B23 2^63-1":                        {"9223372036854775807", "", -1},
		"B23 2^64-1":                        {"18446744073709551615", "", -1},
		"B23 more than 64 bits":             {"99999999999999999999999", "", -1},
		"B23 year 9999":                     {"Fri, 31 Dec 9999 23:59:59 GMT", date, -1},
		"B23 date before 1970":              {"Mon, 01 Jan 0001 00:00:00 GMT", date, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				headers := []string{"Retry-After", tt.value}
				if tt.date != "" {
					headers = append(headers, "Date", tt.date)
				}
				script := &retryScript{steps: []retryStep{retryReply(503, "", headers...), retryReply(200, retryStopped)}}
				client := retryClient(t, script)
				var apiErr *APIError
				require.ErrorAs(t, retryStop(t.Context(), client, WithRetry(RetryPolicy{MaxAttempts: 1})), &apiErr)
				if tt.want < 0 {
					require.Greater(t, apiErr.RetryAfter, 10*365*24*time.Hour)
				} else {
					require.Equal(t, tt.want, apiErr.RetryAfter)
				}

				script = &retryScript{steps: script.steps}
				started := time.Now()
				err := retryStop(t.Context(), retryClient(t, script))
				switch pause := time.Since(started); {
				case tt.want < 0 || tt.want > defaultMaxDelay:
					require.ErrorAs(t, err, &apiErr)
					require.Zero(t, pause)
					require.Len(t, script.requests(), 1)
				case tt.want > 0:
					require.NoError(t, err)
					require.Equal(t, tt.want, pause)
				default:
					require.NoError(t, err)
					require.Positive(t, pause)
					require.LessOrEqual(t, pause, defaultMinDelay)
				}
			})
		})
	}
}

// B24: a throttled call waits about as long as the window in which the service counts.
func TestThrottledCallsWaitLonger(t *testing.T) {
	t.Parallel()
	throttled := map[string]retryStep{
		"B24 429":                         retryReply(429, ""),
		"B24 too frequent as 400":         retryReply(400, `{"error_code":"CB.00060211","error_msg":"too frequent"}`),
		"B24 too frequent as 500":         retryReply(500, `{"error_code":"CB.00060211","error_msg":"too frequent"}`),
		"B24 throttled by the gateway":    retryReply(429, `{"error_code":"APIGW.0308","error_msg":"throttled"}`),
		"B24 gateway with another status": retryReply(403, `{"error_code":"APIGW.0308","error_msg":"throttled"}`),
		"B24 useless Retry-After":         retryReply(429, "", "Retry-After", "soon"),
	}
	for name, step := range throttled {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for range 20 {
					script := &retryScript{steps: []retryStep{step}}
					started := time.Now()
					err := retryPost(t.Context(), retryClient(t, script)) // it cannot have been processed, so that any call may go on
					require.ErrorIs(t, err, ErrTooManyRequests)
					require.NotErrorIs(t, err, ErrOutcomeUnknown)
					require.GreaterOrEqual(t, time.Since(started), 29*time.Second)
					require.LessOrEqual(t, time.Since(started), 58*time.Second+time.Millisecond)
					seen := script.requests()
					require.Len(t, seen, 5)
					for i, most := range []time.Duration{4, 8, 16, 30} {
						pause := seen[i+1].at.Sub(seen[i].at)
						require.Greater(t, pause, most*time.Second/2, "pause %d", i+1)
						require.LessOrEqual(t, pause, most*time.Second, "pause %d", i+1)
					}
				}
			})
		})
	}
	t.Run("B24 Retry-After of MaxDelay is kept", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			script := &retryScript{steps: []retryStep{retryReply(429, "", "Retry-After", "30"), retryReply(200, retryStopped)}}
			started := time.Now()
			require.NoError(t, retryStop(t.Context(), retryClient(t, script)))
			require.Equal(t, 30*time.Second, time.Since(started))
		})
	})
	t.Run("B24 Retry-After longer than MaxDelay", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			for _, policy := range []RetryPolicy{{}, {MaxDelay: 10 * time.Second}} {
				script := &retryScript{steps: []retryStep{retryReply(429, "", "Retry-After", "31")}}
				started := time.Now()
				err := retryStop(t.Context(), retryClient(t, script, WithRetry(policy)))
				var apiErr *APIError
				require.ErrorAs(t, err, &apiErr)
				require.ErrorIs(t, err, ErrTooManyRequests)
				require.Equal(t, 31*time.Second, apiErr.RetryAfter)
				require.Zero(t, time.Since(started))
				require.Len(t, script.requests(), 1)
			}
		})
	})
	t.Run("B24 the context does not allow it", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			script := &retryScript{steps: []retryStep{retryReply(429, "")}}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			started := time.Now()
			err := retryStop(ctx, retryClient(t, script))
			require.ErrorIs(t, err, ErrTooManyRequests)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Less(t, time.Since(started), 20*time.Second)
			require.Greater(t, len(script.requests()), 1, "some attempts fit")
		})
	})
}

// B25: no policy and no number of attempts makes a pause that is none or longer than MaxDelay.
func TestPausesStayWithinTheirPolicy(t *testing.T) {
	t.Parallel()
	policies := map[string]RetryPolicy{
		"B25 defaults":       {},
		"B25 only MinDelay":  {MinDelay: time.Minute},
		"B25 only MaxDelay":  {MaxDelay: 10 * time.Millisecond},
		"B25 smallest":       {MinDelay: 1, MaxDelay: 1},
		"B25 two":            {MinDelay: 1, MaxDelay: 2},
		"B25 huge":           {MinDelay: math.MaxInt64, MaxDelay: math.MaxInt64},
		"B25 huge MinDelay":  {MinDelay: math.MaxInt64},
		"B25 huge MaxDelay":  {MaxDelay: math.MaxInt64},
		"B25 huge range":     {MinDelay: 1, MaxDelay: math.MaxInt64},
		"B25 odd":            {MinDelay: 3, MaxDelay: 1<<62 + 1},
		"B25 half of it all": {MinDelay: math.MaxInt64/2 + 1, MaxDelay: math.MaxInt64},
	}
	for name, given := range policies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, given.validate())
			policy := given.withDefaults()
			attempts := []int{math.MinInt, -1, 0, math.MaxInt}
			for attempt := 1; attempt <= 1000; attempt++ {
				attempts = append(attempts, attempt)
			}
			for _, throttled := range []bool{false, true} {
				var late float64 // the sum of the pauses that no longer grow
				for _, attempt := range attempts {
					d := policy.delay(attempt, throttled)
					require.Positive(t, d, "attempt %d, throttled %t", attempt, throttled)
					require.LessOrEqual(t, d, policy.MaxDelay, "attempt %d, throttled %t", attempt, throttled)
					if attempt > 100 && attempt <= 1000 {
						late += float64(d)
					}
				}
				require.Greater(t, late/900, 0.2*float64(policy.MaxDelay), "no busy loop: the pauses grow")
			}
		})
	}
	for name, policy := range map[string]RetryPolicy{
		"B25 negative attempts":         {MaxAttempts: -1},
		"B25 negative MinDelay":         {MinDelay: -1},
		"B25 negative MaxDelay":         {MaxDelay: -1},
		"B25 MinDelay above MaxDelay":   {MinDelay: 2, MaxDelay: 1},
		"B25 smallest possible numbers": {MinDelay: math.MinInt64, MaxDelay: math.MinInt64},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script := &retryScript{steps: []retryStep{retryReply(200, retryStopped)}}
			require.ErrorIs(t, retryStop(t.Context(), retryClient(t, script), WithRetry(policy)), ErrInvalidArgument)
			require.Empty(t, script.requests())
		})
	}
	t.Run("B25 a thousand attempts wanted", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			script := &retryScript{steps: []retryStep{retryReply(503, `{"error_msg":"maintenance"}`)}}
			err := retryStop(t.Context(), retryClient(t, script, WithRetry(RetryPolicy{MaxAttempts: 1000, MaxDelay: time.Second})))
			seen := script.requests()
			require.Len(t, seen, 1+budgetSize)
			for i := range seen[1:] {
				pause := seen[i+1].at.Sub(seen[i].at)
				require.Positive(t, pause)
				require.LessOrEqual(t, pause, time.Second)
			}
			require.ErrorContains(t, err, "maintenance")
			require.ErrorContains(t, err, "budget")
		})
	})
}

// B25: attempts are counted with the first one.
func TestAttemptsIncludeTheFirst(t *testing.T) {
	t.Parallel()
	for attempts, want := range map[int]int{0: 5, 1: 1, 2: 2, 7: 7} {
		t.Run("B25 MaxAttempts "+strconv.Itoa(attempts), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				script := &retryScript{steps: []retryStep{retryReply(503, "")}}
				var response Response
				err := retryStop(t.Context(), retryClient(t, script), WithRetry(RetryPolicy{MaxAttempts: attempts}), WithResponseInto(&response))
				var apiErr *APIError
				require.ErrorAs(t, err, &apiErr)
				require.Len(t, script.requests(), want)
				require.Equal(t, want, apiErr.Attempts)
				require.Equal(t, want, response.Attempts)
			})
		})
	}
}

// B26: a call that must not run twice is sent again only when it cannot have run.
func TestCallThatMustNotRunTwice(t *testing.T) {
	t.Parallel()
	const busy = `{"error_code":"CB.00060100","error_msg":"Network busy"}`
	tests := map[string]struct {
		step  retryStep
		again bool
		kind  error // of a call that is not sent again; nil: no *APIError
		doubt bool
	}{
		"B26 connection refused":       {retryRefused(), true, nil, false},
		"B26 proxy refuses":            {retryFail(&net.OpError{Op: "proxyconnect", Err: errors.New("refused")}), true, nil, false},
		"B26 socks proxy refuses":      {retryFail(&net.OpError{Op: "socks connect", Err: errors.New("refused")}), true, nil, false},
		"B26 name server out of order": {retryFail(&net.DNSError{Err: "server misbehaving", IsTemporary: true}), true, nil, false},
		"B26 429":                      {retryReply(429, ""), true, nil, false},
		"B26 503":                      {retryReply(503, ""), true, nil, false},
		"B26 503 from a gateway":       {retryReply(503, `{"error_code":"APIGW.0613","error_msg":"IAM unavailable"}`), true, nil, false},
		"B26 too frequent as 400":      {retryReply(400, `{"error_code":"CB.00060211"}`), true, nil, false},
		"B26 too frequent as 500":      {retryReply(500, `{"error_code":"CB.00060211"}`), true, nil, false},
		"B26 too frequent as 200":      {retryReply(200, `{"error_code":"CB.00060211"}`), true, nil, false},
		"B26 throttled":                {retryReply(429, `{"error_code":"APIGW.0308"}`), true, nil, false},
		"B26 no such host":             {retryFail(&net.DNSError{Err: "no such host", IsNotFound: true}), false, nil, false},
		"B26 certificate":              {retryFail(&tls.CertificateVerificationError{Err: errors.New("expired")}), false, nil, false},
		"B26 lost answer":              {retryLost(), false, nil, true},
		"B26 connection reset":         {retryFail(&net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}), false, nil, true},
		"B26 broken pipe":              {retryFail(&net.OpError{Op: "write", Net: "tcp", Err: errors.New("broken pipe")}), false, nil, true},
		"B26 silence":                  {retrySilent, false, nil, true},
		"B26 neither answer nor error": {func(*http.Request) (*http.Response, error) { return nil, nil }, false, nil, true},
		"B26 502":                      {retryReply(502, ""), false, ErrInternalServerError, true},
		"B26 504":                      {retryReply(504, ""), false, ErrInternalServerError, true},
		"B26 504 from a gateway":       {retryReply(504, `{"error_code":"APIGW.0201","error_msg":"backend timeout"}`), false, ErrInternalServerError, true},
		"B26 500 without a code":       {retryReply(500, `{"error_msg":"oops"}`), false, ErrInternalServerError, true},
		"B26 500 with a code":          {retryReply(500, `{"error_code":"CB.00060101"}`), false, ErrInternalServerError, false},
		"B26 busy":                     {retryReply(500, busy), false, ErrInternalServerError, false},
		"B26 unreadable success":       {retryReply(200, "<html>"), false, ErrUnexpectedResponse, true},
		"B26 cut success":              {retryStuck(200, `{"actual`), false, ErrUnexpectedResponse, true},
		"B26 400":                      {retryReply(400, ""), false, ErrBadRequest, false},
		"B26 redirect":                 {retryReply(307, "", "Location", "/elsewhere"), false, ErrUnexpectedResponse, false},
	}
	calls := map[string]retryCall{"any POST": retryPost, "run": retryRun}
	for name, tt := range tests {
		for of, call := range calls {
			t.Run(name+"/"+of, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					script := &retryScript{steps: []retryStep{tt.step, retryReply(200, `{"actual_build_number":"7"}`)}}
					err := call(t.Context(), retryClient(t, script))
					if tt.again {
						require.NoError(t, err)
						require.Len(t, script.requests(), 2)
						return
					}
					require.Len(t, script.requests(), 1)
					require.Equal(t, tt.doubt, errors.Is(err, ErrOutcomeUnknown), "ErrOutcomeUnknown of %v", err)
					require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's context lives")
					var apiErr *APIError
					require.Equal(t, tt.kind != nil, errors.As(err, &apiErr), "%v (%T)", err, err)
					if tt.kind != nil {
						require.ErrorIs(t, err, tt.kind)
					}
				})
			})
		}
	}
	t.Run("B26 plain http where https was wanted", func(t *testing.T) {
		t.Parallel()
		srv := httptest.NewServer(http.NotFoundHandler())
		t.Cleanup(srv.Close)
		err := retryPost(t.Context(), retryClient(t, nil, WithEndpoint("https"+strings.TrimPrefix(srv.URL, "http"))))
		require.Error(t, err)
		require.NotErrorIs(t, err, ErrOutcomeUnknown, "no byte of the request was sent: %v", err)
	})
	t.Run("B26 certificate of nobody", func(t *testing.T) {
		t.Parallel()
		srv := httptest.NewUnstartedServer(http.NotFoundHandler())
		srv.Config.ErrorLog = answerSilent()
		srv.StartTLS()
		t.Cleanup(srv.Close)
		client := retryClient(t, nil, WithEndpoint(srv.URL))
		err := retryPost(t.Context(), client)
		require.ErrorContains(t, err, "certificate")
		require.NotErrorIs(t, err, ErrOutcomeUnknown)
	})
	t.Run("B26 nobody listens", func(t *testing.T) {
		t.Parallel()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, listener.Close())
		client := retryClient(t, nil, WithEndpoint("http://"+listener.Addr().String()), WithRetry(RetryPolicy{MaxAttempts: 3, MinDelay: 1, MaxDelay: 1}))
		var response Response
		err = retryPost(t.Context(), client, WithResponseInto(&response))
		require.ErrorContains(t, err, "refused")
		require.NotErrorIs(t, err, ErrOutcomeUnknown)
		require.Equal(t, 3, response.Attempts)
	})
}

// B29: every attempt is a whole request with a credential of its own.
func TestEveryAttemptIsAWholeRequest(t *testing.T) {
	t.Parallel()
	t.Run("B29 body and token", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			script := &retryScript{steps: []retryStep{retryLost(), retryReply(502, ""), retryReply(503, ""), retryReply(200, retryStopped)}}
			read := 0
			transport := retryTransport(func(req *http.Request) (*http.Response, error) {
				if read++; read == 1 { // a transport that fails halfway, and keeps the body
					_, _ = io.ReadFull(req.Body, make([]byte, 10))
					first := req.Body
					req = req.Clone(req.Context())
					req.Body = io.NopCloser(strings.NewReader(`{"job_id":"` + retryJob + `","build_no":"20"}`))
					t.Cleanup(func() {
						rest, _ := io.ReadAll(first)
						require.Equal(t, `"48c66c6002964721be537cdc6ce0297b","build_no":"20"}`, string(rest), "the first attempt's body is its own")
					})
				}
				return script.RoundTrip(req)
			})
			asked := 0
			client := retryClient(t, transport, WithTokenSource(TokenSourceFunc(func(context.Context) (*Token, error) {
				asked++
				return NewToken(fmt.Sprint("token-", asked), time.Time{}), nil
			})))
			require.NoError(t, retryStop(t.Context(), client))
			seen := script.requests()
			require.Len(t, seen, 4)
			for i, r := range seen {
				require.JSONEq(t, `{"job_id":"`+retryJob+`","build_no":"20"}`, r.body)
				require.Equal(t, int64(len(r.body)), r.length)
				require.Equal(t, []string{fmt.Sprint("token-", i+1)}, r.header["X-Auth-Token"])
				require.Equal(t, "application/json", r.header.Get("Content-Type"))
			}
		})
	})
	t.Run("B29 body in a query too", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			script := &retryScript{steps: []retryStep{retryLost(), retryReply(200, `{"status":"success"}`)}}
			require.NoError(t, retryStop(t.Context(), retryClient(t, script, WithStopAPI(StopAPIV1))))
			for _, r := range script.requests() {
				require.Equal(t, "/v1/job/"+retryJob+"/stop?build_no=20", r.path)
				require.JSONEq(t, `{"build_no":20}`, r.body)
			}
		})
	})
	t.Run("B29 signature", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			script := &retryScript{steps: []retryStep{retryReply(503, "", "Retry-After", "2"), retryReply(200, retryStopped)}}
			client, err := NewClient(WithEndpoint("https://build.example.com"), WithAccessKeySource(StaticAccessKey("AK", "secret")), WithTransport(script))
			require.NoError(t, err)
			require.NoError(t, retryStop(t.Context(), client))
			seen := script.requests()
			require.Len(t, seen, 2)
			var dates [2]time.Time
			for i, r := range seen {
				dates[i], err = time.Parse("20060102T150405Z", r.header.Get("X-Sdk-Date"))
				require.NoError(t, err)
				req := httptest.NewRequest(http.MethodPost, "https://build.example.com"+r.path, nil)
				req.Header = r.header.Clone()
				given := req.Header.Get("Authorization")
				req.Header.Del("Authorization")
				signing.Sign(req, []byte(r.body), signing.Key{ID: "AK", Secret: "secret"}, dates[i])
				require.Equal(t, req.Header.Get("Authorization"), given, "request %d is signed as it was sent", i+1)
			}
			require.Equal(t, 2*time.Second, dates[1].Sub(dates[0]))
			require.NotEqual(t, seen[0].header.Get("Authorization"), seen[1].header.Get("Authorization"))
		})
	})
}

type retryTransport func(*http.Request) (*http.Response, error)

func (f retryTransport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// retryMany makes calls from 50 callers and gives each error to check.
func retryMany(t *testing.T, calls int, client *Client, check func(error)) {
	t.Helper()
	const callers = 50
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range calls / callers {
				check(retryStop(t.Context(), client))
			}
		})
	}
	group.Wait()
}

// B30: while the service is down its clients do not multiply the load, and afterwards nobody has to
// restart them.
func TestTotalOutage(t *testing.T) {
	t.Parallel()
	const calls = 5000
	outages := map[string]struct {
		step   retryStep
		status int
		text   string
	}{
		"B30 503":                {retryReply(503, `{"error_code":"APIGW.0613","error_msg":"down for repair"}`), 503, "down for repair"},
		"B30 502":                {retryReply(502, "<title>bad upstream</title>"), 502, ""},
		"B30 throttled":          {retryReply(429, `{"error_code":"APIGW.0308","error_msg":"slow down"}`), 429, "slow down"},
		"B30 lost answers":       {retryLost(), 0, "EOF"},
		"B30 connection refused": {retryRefused(), 0, "connection refused"},
	}
	for name, tt := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var requests, toFail, spent atomic.Int64
				toFail.Store(math.MaxInt64)
				transport := retryTransport(func(req *http.Request) (*http.Response, error) {
					_ = req.Body.Close()
					requests.Add(1)
					if toFail.Add(-1) < 0 {
						return retryReply(200, retryStopped)(req)
					}
					return tt.step(req)
				})
				client := retryClient(t, transport)
				retryMany(t, calls, client, func(err error) {
					var apiErr *APIError
					switch {
					case err == nil:
						t.Error("a call succeeded in an outage")
					case errors.As(err, &apiErr) != (tt.status != 0) || (apiErr != nil && apiErr.StatusCode != tt.status) || !strings.Contains(err.Error(), tt.text):
						t.Errorf("%v (%T), want the service's last answer: %d %s", err, err, tt.status, tt.text)
					}
					if strings.Contains(err.Error(), "retry budget is spent") {
						spent.Add(1)
					}
				})
				perCall := float64(requests.Load()) / calls
				t.Logf("%s: %d calls of 50 callers, %.3f requests a call, %d said that the budget was spent", name, calls, perCall, spent.Load())
				require.LessOrEqual(t, perCall, 1.2)
				require.Greater(t, perCall, 1.05, "the budget was used")
				require.Greater(t, spent.Load(), int64(calls*8/10))

				toFail.Store(0)
				require.NoError(t, retryStop(t.Context(), client), "the service is back")
				toFail.Store(1)
				requests.Store(0)
				require.NoError(t, retryStop(t.Context(), client), "replayed again, since a call has succeeded")
				require.EqualValues(t, 2, requests.Load())
			})
		})
	}
}

// B30: what fails in ordinary bad weather is replayed as if there were no budget.
func TestThirtyPercentOfAttemptsFail(t *testing.T) {
	t.Parallel()
	steps := map[string]retryStep{"B30 503": retryReply(503, ""), "B30 lost answers": retryLost(), "B30 502": retryReply(502, "")}
	for name, fail := range steps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const calls = 5000
				var (
					mu                       sync.Mutex
					random                   = rand.New(rand.NewPCG(30, 5000))
					requests, failed, lowest = 0, 0, budgetSize
					client                   *Client
				)
				client = retryClient(t, retryTransport(func(req *http.Request) (*http.Response, error) {
					_ = req.Body.Close()
					mu.Lock()
					requests++
					lowest = min(lowest, budgetSize-int(client.budget.spent.Load()))
					bad := random.Float64() < 0.3
					if bad {
						failed++
					}
					mu.Unlock()
					if bad {
						return fail(req)
					}
					return retryReply(200, retryStopped)(req)
				}))
				gaveUp := new(atomic.Int64)
				retryMany(t, calls, client, func(err error) {
					if err != nil {
						gaveUp.Add(1)
						if strings.Contains(err.Error(), "budget") {
							t.Errorf("not replayed: %v", err)
						}
					}
				})
				t.Logf("%s: %d of %d attempts of %d calls failed; the budget fell to %d of %d; %d calls failed five times",
					name, failed, requests, calls, lowest, budgetSize, gaveUp.Load())
				require.Positive(t, lowest)
			})
		})
	}
}

// B30: a call that must not be replayed does not use the budget up, and the replay with a new token does
// not either; nor is it one of the attempts.
func TestBudgetIsOnlyForReplays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		script := &retryScript{steps: []retryStep{retryReply(400, "")}}
		client := retryClient(t, script)
		for range 2 * budgetSize {
			require.ErrorIs(t, retryStop(t.Context(), client), ErrBadRequest)
		}
		require.Zero(t, client.budget.spent.Load())

		script.steps = []retryStep{retryReply(401, "")}
		client = retryClient(t, script, WithTokenSource(NewCachedTokenSource(StaticToken(retryToken))))
		for range 10 {
			require.ErrorIs(t, retryStop(t.Context(), client), ErrUnauthorized)
		}
		require.Zero(t, client.budget.spent.Load())
		require.Len(t, script.requests(), 2*budgetSize+20)

		script = &retryScript{steps: []retryStep{retryReply(401, ""), retryReply(503, ""), retryReply(200, retryStopped)}}
		client = retryClient(t, script, WithTokenSource(NewCachedTokenSource(StaticToken(retryToken))))
		client.budget.spent.Store(100)
		require.NoError(t, retryStop(t.Context(), client, WithRetry(RetryPolicy{MaxAttempts: 2})))
		require.EqualValues(t, 100, client.budget.spent.Load(), "one taken by the 503, one given back by the success")
	})
}

// A retryListener is a server that speaks HTTP/1.1 by hand, a connection at a time.
type retryListener struct {
	net.Listener
	mu   sync.Mutex
	seen [][]retryRequest // by connection
}

// A retryAnswer is what comes back for a request: bytes, and whether the connection stays open.
type retryAnswer struct {
	text string
	open bool
}

// retryListen gives every request to answer, with the numbers of its connection and of the request on it,
// both from 0.
func retryListen(t *testing.T, answer func(connection, request int) retryAnswer) *retryListener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &retryListener{Listener: listener}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for n := 0; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			l.mu.Lock()
			l.seen = append(l.seen, nil)
			l.mu.Unlock()
			go l.serve(conn, n, answer)
		}
	}()
	return l
}

func (l *retryListener) serve(conn net.Conn, n int, answer func(connection, request int) retryAnswer) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for i := 0; ; i++ {
		req, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		l.mu.Lock()
		l.seen[n] = append(l.seen[n], retryRequest{path: req.RequestURI, header: req.Header, body: string(body), length: req.ContentLength})
		l.mu.Unlock()
		a := answer(n, i)
		if _, err := io.WriteString(conn, a.text); err != nil || !a.open {
			return
		}
	}
}

// perConnection is how many requests came on each connection.
func (l *retryListener) perConnection() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	var counts []int
	for _, requests := range l.seen {
		counts = append(counts, len(requests))
	}
	return counts
}

func (l *retryListener) client(t *testing.T, transport http.RoundTripper) *Client {
	t.Helper()
	client := retryClient(t, transport, WithEndpoint("http://"+l.Addr().String()), WithRetry(RetryPolicy{MinDelay: 1, MaxDelay: 1}))
	t.Cleanup(client.CloseIdleConnections)
	return client
}

var retryKeptAlive = retryAnswer{"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n" + retryStopped, true}

// B28: a server that closes an idle connection just when a request arrives. Whether it has seen the
// request nobody can tell, so that only a call that may run twice is sent again, and that shows.
func TestStaleConnection(t *testing.T) {
	t.Parallel()
	closing := func(connection, request int) retryAnswer {
		if connection == 0 && request == 1 {
			return retryAnswer{}
		}
		return retryKeptAlive
	}
	t.Run("B28 stop is replayed and counted", func(t *testing.T) {
		t.Parallel()
		server := retryListen(t, closing)
		client := server.client(t, nil)
		require.NoError(t, retryStop(t.Context(), client))
		var response Response
		require.NoError(t, retryStop(t.Context(), client, WithResponseInto(&response)))
		require.Equal(t, 2, response.Attempts)
		require.Equal(t, []int{2, 1}, server.perConnection())
		for _, requests := range server.seen {
			for _, r := range requests {
				require.JSONEq(t, `{"job_id":"`+retryJob+`","build_no":"20"}`, r.body)
				require.NotContains(t, r.header, "Idempotency-Key")
				require.NotContains(t, r.header, "X-Idempotency-Key")
			}
		}
	})
	t.Run("B28 any POST is not", func(t *testing.T) {
		t.Parallel()
		server := retryListen(t, closing)
		client := server.client(t, nil)
		require.NoError(t, retryPost(t.Context(), client))
		require.ErrorIs(t, retryPost(t.Context(), client), ErrOutcomeUnknown)
		require.Equal(t, []int{2}, server.perConnection())
	})
	t.Run("B28 a read is resent, by whomever", func(t *testing.T) {
		t.Parallel()
		server := retryListen(t, closing)
		client := server.client(t, nil)
		require.NoError(t, retryRead(t.Context(), client))
		require.NoError(t, retryRead(t.Context(), client))
		require.Equal(t, []int{2, 1}, server.perConnection())
	})
	t.Run("B28 what was never written is resent unseen, with its body", func(t *testing.T) {
		t.Parallel()
		server := retryListen(t, func(int, int) retryAnswer { return retryKeptAlive })
		transport := newTransport()
		var dialed atomic.Int64
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err == nil && dialed.Add(1) == 1 {
				conn = &retryWritesOnce{Conn: conn}
			}
			return conn, err
		}
		client := server.client(t, transport)
		require.NoError(t, retryPost(t.Context(), client))
		var response Response
		require.NoError(t, retryPost(t.Context(), client, WithResponseInto(&response)))
		require.Equal(t, 1, response.Attempts)
		require.Equal(t, []int{1, 1}, server.perConnection())
		require.Equal(t, server.seen[0][0].body, server.seen[1][0].body)
	})
}

// retryWritesOnce is a connection that turns out to be closed at the second write.
type retryWritesOnce struct {
	net.Conn
	writes atomic.Int64
}

func (c *retryWritesOnce) Write(p []byte) (int, error) {
	if c.writes.Add(1) > 1 {
		return 0, &net.OpError{Op: "write", Net: "tcp", Err: errors.New("broken pipe")}
	}
	return c.Conn.Write(p)
}

// A retryHTTP2 is a connection of HTTP/2 that is served by hand: what is tested here, no server of the
// standard library does on request.
type retryHTTP2 struct {
	net.Conn
	see func(body string)
}

const (
	http2Data, http2Headers, http2Reset, http2Settings, http2Goaway = 0, 1, 3, 4, 7

	http2Ack, http2EndStream, http2EndHeaders = 1, 1, 4
	http2ProtocolError, http2RefusedStream    = 1, 7
)

func (c *retryHTTP2) write(kind, flags byte, stream uint32, payload []byte) {
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	frame = binary.BigEndian.AppendUint32(append(frame, flags), stream)
	_, _ = c.Write(append(frame, payload...))
}

// request reads up to the end of the next request, and returns its stream.
func (c *retryHTTP2) request() (stream uint32, err error) {
	var body []byte
	header := make([]byte, 9)
	for {
		if _, err = io.ReadFull(c, header); err != nil {
			return 0, err
		}
		payload := make([]byte, binary.BigEndian.Uint32(header)>>8)
		if _, err = io.ReadFull(c, payload); err != nil {
			return 0, err
		}
		kind, flags := header[3], header[4]
		stream = binary.BigEndian.Uint32(header[5:])
		switch {
		case kind == http2Settings && flags&http2Ack == 0:
			c.write(http2Settings, http2Ack, 0, nil)
		case kind == http2Data:
			body = append(body, payload...)
		}
		if (kind == http2Data || kind == http2Headers) && flags&http2EndStream != 0 {
			c.see(string(body))
			return stream, nil
		}
	}
}

func (c *retryHTTP2) answer(stream uint32, body string) {
	c.write(http2Headers, http2EndHeaders, stream, []byte{0x88}) // ":status: 200" of HPACK's static table
	c.write(http2Data, http2EndStream, stream, []byte(body))
}

// retryHTTP2Server lets first serve the first connection, and answers everything on the others. It returns
// the bodies of all requests.
func retryHTTP2Server(t *testing.T, first func(*retryHTTP2)) (client *Client, bodies func() []string) {
	t.Helper()
	var (
		mu          sync.Mutex
		seen        []string
		connections atomic.Int64
	)
	see := func(body string) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, body)
	}
	serve := func(_ *http.Server, tlsConn *tls.Conn, _ http.Handler) {
		conn := &retryHTTP2{tlsConn, see}
		if _, err := io.ReadFull(conn, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
			return
		}
		conn.write(http2Settings, 0, 0, nil)
		if connections.Add(1) == 1 {
			first(conn)
			return
		}
		for {
			stream, err := conn.request()
			if err != nil {
				return
			}
			conn.answer(stream, retryStopped)
		}
	}
	srv := httptest.NewUnstartedServer(nil)
	srv.TLS = &tls.Config{NextProtos: []string{"h2"}}
	srv.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){"h2": serve}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	client = retryClient(t, answerTLSTransport(srv), WithEndpoint(srv.URL), WithRetry(RetryPolicy{MinDelay: 1, MaxDelay: 1}))
	t.Cleanup(client.CloseIdleConnections)
	return client, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
}

// B28: a server that takes its leave with GOAWAY names the last stream that it may have processed. What
// came later net/http sends again by itself; what came before is a lost answer like any other.
func TestServerGoesAway(t *testing.T) {
	t.Parallel()
	goaway := func(last uint32) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), 0)
	}
	firsts := map[string]struct {
		serve     func(*retryHTTP2)
		processed bool // as far as the client can tell
	}{
		"B28 GOAWAY before the request": {func(c *retryHTTP2) {
			if _, err := c.request(); err == nil {
				c.write(http2Goaway, 0, 0, goaway(0))
				_, _ = c.request() // until the client closes
			}
		}, false},
		"B28 stream refused": {func(c *retryHTTP2) {
			if stream, err := c.request(); err == nil {
				c.write(http2Reset, 0, stream, binary.BigEndian.AppendUint32(nil, http2RefusedStream))
			}
			if stream, err := c.request(); err == nil {
				c.answer(stream, retryStopped)
				_, _ = c.request()
			}
		}, false},
		"B28 GOAWAY after the request": {func(c *retryHTTP2) {
			if stream, err := c.request(); err == nil {
				c.write(http2Goaway, 0, 0, goaway(stream)) // and closes, without the answer
			}
		}, true},
		"B28 stream broken off": {func(c *retryHTTP2) {
			if stream, err := c.request(); err == nil {
				c.write(http2Reset, 0, stream, binary.BigEndian.AppendUint32(nil, http2ProtocolError))
			}
			if stream, err := c.request(); err == nil {
				c.answer(stream, retryStopped)
				_, _ = c.request()
			}
		}, true},
	}
	for name, tt := range firsts {
		t.Run(name+"/stop", func(t *testing.T) {
			t.Parallel()
			client, bodies := retryHTTP2Server(t, tt.serve)
			var response Response
			require.NoError(t, retryStop(t.Context(), client, WithResponseInto(&response)))
			seen := bodies()
			require.Len(t, seen, 2)
			for _, body := range seen {
				require.JSONEq(t, `{"job_id":"`+retryJob+`","build_no":"20"}`, body)
			}
			require.LessOrEqual(t, response.Attempts, 2, "attempts that never were")
			if tt.processed {
				require.Equal(t, 2, response.Attempts, "a replay of ours is counted")
			}
		})
		t.Run(name+"/any POST", func(t *testing.T) {
			t.Parallel()
			client, bodies := retryHTTP2Server(t, tt.serve)
			err := retryPost(t.Context(), client)
			if tt.processed {
				require.ErrorIs(t, err, ErrOutcomeUnknown)
				require.Len(t, bodies(), 1, "it was not sent again")
				return
			}
			if err != nil { // it may be sent again, and need not be
				require.ErrorIs(t, err, ErrOutcomeUnknown)
			}
		})
	}
	t.Run("B28 a server of the standard library shuts down", func(t *testing.T) {
		t.Parallel()
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Connection", "close") // over HTTP/2 this is a GOAWAY
			_, _ = io.WriteString(w, retryStopped)
		}))
		srv.EnableHTTP2 = true
		srv.StartTLS()
		t.Cleanup(srv.Close)
		client := retryClient(t, answerTLSTransport(srv), WithEndpoint(srv.URL), WithRetry(RetryPolicy{MinDelay: 1, MaxDelay: 1}))
		t.Cleanup(client.CloseIdleConnections)
		for range 20 {
			require.NoError(t, retryStop(t.Context(), client))
		}
	})
}
