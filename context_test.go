package codeartsbuild_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

var errStopPressed = errors.New("the operator pressed stop")

// A contextEnd is a way in which a context ends after a while.
type contextEnd struct {
	kind  error
	cause error
	start func(context.Context, time.Duration) (context.Context, context.CancelFunc)
}

var (
	cancellations = map[string]contextEnd{
		"cancelled": {kind: context.Canceled, start: func(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(after, cancel)
			return ctx, cancel
		}},
		"cancelled with a cause": {kind: context.Canceled, cause: errStopPressed, start: func(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(after, func() { cancel(errStopPressed) })
			return ctx, func() { cancel(nil) }
		}},
	}
	contextEnds = map[string]contextEnd{
		"cancelled": cancellations["cancelled"], "cancelled with a cause": cancellations["cancelled with a cause"],
		"deadline": {kind: context.DeadlineExceeded, start: context.WithTimeout},
	}
)

type steps = []httpfake.Func

// A contextTest is a call during which its context ends.
type contextTest struct {
	call   sdktest.Call
	steps  steps    // one for each request
	status int      // of the response in the error; 0: it has none
	kinds  []string // of the error, without that of the context
	text   string   // of the last cause
}

// run requires that the call ends at the moment at which its context does, and that the error says why.
func (tt contextTest) run(t *testing.T, end contextEnd, after time.Duration, opts ...codeartsbuild.ClientOption) {
	t.Helper()
	transport := httpfake.Script(tt.steps...)
	client := sdktest.Client(t, transport, opts...)
	start := time.Now()
	ctx, cancel := end.start(t.Context(), after)
	defer cancel()
	err := tt.call(ctx, client)

	require.Equal(t, after, time.Since(start), "the call ends when its context does")
	require.Equal(t, len(tt.steps), transport.Count())
	require.ErrorIs(t, err, end.kind)
	require.ErrorContains(t, err, end.kind.Error())
	require.ErrorContains(t, err, tt.text)
	if end.cause != nil {
		require.ErrorIs(t, err, end.cause)
	}
	contextKind := sdktest.Kinds(end.kind)
	require.ElementsMatch(t, append(contextKind, tt.kinds...), sdktest.Kinds(err), "%v", err)
	var apiErr *codeartsbuild.APIError
	require.Equal(t, tt.status != 0, errors.As(err, &apiErr), "%v (%T)", err, err)
	if tt.status != 0 {
		require.Equal(t, tt.status, apiErr.StatusCode)
	}
}

func testContextEnds(t *testing.T, tests map[string]contextTest, ends map[string]contextEnd, after time.Duration, opts ...codeartsbuild.ClientOption) {
	t.Helper()
	for name, tt := range tests {
		for how, end := range ends {
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { tt.run(t, end, after, opts...) })
			})
		}
	}
}

// B21: a call ends in the pause before the next attempt. With a deadline it would not begin the pause.
func TestContextEndsInPause(t *testing.T) {
	t.Parallel()
	maintenance := httpfake.Reply(503, `{"error_msg":"maintenance"}`, "Retry-After", "20")
	badGateway := httpfake.Reply(502, "bad upstream", "Retry-After", "20")
	longPauses := codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: 30 * time.Second, MaxDelay: 30 * time.Second})
	testContextEnds(t, map[string]contextTest{
		"after 503":                   {call: sdktest.Stop, steps: steps{maintenance}, status: 503, kinds: []string{"ErrInternalServerError"}, text: "maintenance"},
		"after 502":                   {call: sdktest.Stop, steps: steps{badGateway}, status: 502, kinds: []string{"ErrInternalServerError", "ErrOutcomeUnknown"}, text: "bad upstream"},
		"after a lost response":       {call: sdktest.Stop, steps: steps{httpfake.Lost}, kinds: []string{"ErrOutcomeUnknown"}, text: "EOF"},
		"after a lost response, read": {call: sdktest.Read, steps: steps{httpfake.Lost}, text: "EOF"},
		"after a refused connection":  {call: sdktest.Stop, steps: steps{httpfake.Refused}, kinds: []string{"ErrNotSent"}, text: "connection refused"},
	}, cancellations, time.Microsecond, longPauses)
}

// B21: a call ends while its credential is read. A lost response before that leaves the outcome unknown.
func TestContextEndsWhileTokenIsRead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		contextTest
		tokens int // that the source has at once; the next one never comes
		cached bool
	}{
		"first token":           {contextTest: contextTest{call: sdktest.Stop, text: "context"}},
		"first token, cached":   {contextTest: contextTest{call: sdktest.Stop, text: "context"}, cached: true},
		"after a lost response": {contextTest: contextTest{call: sdktest.Stop, steps: steps{httpfake.Lost}, kinds: []string{"ErrOutcomeUnknown"}, text: "context"}, tokens: 1},
		"after 503":             {contextTest: contextTest{call: sdktest.Stop, steps: steps{httpfake.Reply(503, "")}, text: "context"}, tokens: 1},
	}
	for name, tt := range tests {
		for how, end := range contextEnds {
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					source := endingTokens(tt.tokens)
					if tt.cached {
						source = codeartsbuild.NewCachedTokenSource(source)
					}
					tt.run(t, end, time.Second, sdktest.Quick, codeartsbuild.WithTokenSource(source))
				})
			})
		}
	}
}

// endingTokens is a source that has some tokens at once, and no other one before the context ends.
func endingTokens(atOnce int) codeartsbuild.TokenSource {
	asked := new(atomic.Int64)
	return codeartsbuild.TokenSourceFunc(func(ctx context.Context) (*codeartsbuild.Token, error) {
		if int(asked.Add(1)) <= atOnce {
			return codeartsbuild.NewToken(sdktest.Token, time.Time{}), nil
		}
		<-ctx.Done()
		return nil, ctx.Err()
	})
}

// B21: a call ends before the response begins. Only a call that changes something has an unknown outcome.
func TestContextEndsBeforeResponse(t *testing.T) {
	t.Parallel()
	stuckDial := httpfake.Func(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("operation was canceled")}
	})
	testContextEnds(t, map[string]contextTest{
		"stop":       {call: sdktest.Stop, steps: steps{httpfake.Stuck}, kinds: []string{"ErrOutcomeUnknown"}, text: "context"},
		"any POST":   {call: anyPost, steps: steps{httpfake.Stuck}, kinds: []string{"ErrOutcomeUnknown"}, text: "context"},
		"read":       {call: sdktest.Read, steps: steps{httpfake.Stuck}, text: "context"},
		"connecting": {call: sdktest.Stop, steps: steps{stuckDial}, kinds: []string{"ErrNotSent"}, text: "operation was canceled"},
	}, contextEnds, time.Second)
}

// B21: a call ends within the body of a response. The status of an error response counts all the same.
func TestContextEndsInBody(t *testing.T) {
	t.Parallel()
	success, badRequest, timeout := httpfake.Stalled(200, `{"res`), httpfake.Stalled(400, "no such job"), httpfake.Stalled(504, "upstream silent")
	testContextEnds(t, map[string]contextTest{
		"success":       {call: sdktest.Stop, steps: steps{success}, status: 200, kinds: []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}, text: "cut off"},
		"success, read": {call: sdktest.Read, steps: steps{success}, status: 200, kinds: []string{"ErrUnexpectedResponse"}, text: "cut off"},
		"400":           {call: sdktest.Stop, steps: steps{badRequest}, status: 400, kinds: []string{"ErrBadRequest"}, text: "no such job"},
		"504":           {call: sdktest.Stop, steps: steps{timeout}, status: 504, kinds: []string{"ErrInternalServerError", "ErrOutcomeUnknown"}, text: "upstream silent"},
	}, contextEnds, time.Second)
}

// B21: StopAndWait ends while the build that it stopped is running.
func TestContextEndsInStopAndWait(t *testing.T) {
	t.Parallel()
	running := httpfake.Reply(200, `{"result":{"codeci_job_id":"`+sdktest.JobID+`","build_no":20,"status":"RUNNING"},"status":"success"}`)
	testContextEnds(t, map[string]contextTest{
		"between two reads": {call: stopAndWait, steps: steps{accepted, running}, kinds: []string{"ErrStillRunning"}, text: "running"},
		"in a read":         {call: stopAndWait, steps: steps{accepted, httpfake.Stuck}, kinds: []string{"ErrStillRunning"}, text: "context"},
	}, contextEnds, time.Second)
}

// B21: a call whose context has ended, or is nil, asks for no token and sends nothing.
func TestContextEndedBeforeCall(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancelLate := context.WithDeadline(context.Background(), time.Now().Add(-time.Hour))
	t.Cleanup(cancelLate)
	contexts := map[string]struct {
		ctx  context.Context
		kind error
	}{
		"cancelled":       {cancelled, context.Canceled},
		"deadline passed": {late, context.DeadlineExceeded},
		"nil":             {nil, codeartsbuild.ErrInvalidArgument},
	}
	calls := map[string]sdktest.Call{"stop": sdktest.Stop, "any POST": anyPost, "run": sdktest.Run, "read": sdktest.Read, "stop and wait": stopAndWait}
	for name, tt := range contexts {
		for callName, call := range calls {
			t.Run(name+"/"+callName, func(t *testing.T) {
				t.Parallel()
				tokens := codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) {
					t.Error("a token was asked for")
					return codeartsbuild.NewToken(sdktest.Token, time.Time{}), nil
				})
				err := call(tt.ctx, sdktest.ClientWith(t, codeartsbuild.WithTokenSource(tokens), unsent(t)))
				require.ErrorIs(t, err, tt.kind)
				require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
			})
		}
	}
}

// B21: a call also ends at once if it waits for a connection.
func TestContextEndsOnConnection(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"before the header": 0, "in the body": 200, "in the body of an error": 500} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			arrived := make(chan struct{})
			server := httpfake.Listen(t, func(w http.ResponseWriter, r *http.Request) {
				if status != 0 {
					w.WriteHeader(status)
					_, _ = io.WriteString(w, `{"res`)
					_ = http.NewResponseController(w).Flush()
				}
				close(arrived)
				<-r.Context().Done()
			})
			client := sdktest.Client(t, nil, codeartsbuild.WithEndpoint(server.URL))
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan time.Time, 1)
			go func() {
				<-arrived
				ended <- time.Now()
				cancel()
			}()
			err := sdktest.Stop(ctx, client)
			late := time.Since(<-ended)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
			require.Less(t, late, 10*time.Second, "from the end of the context to that of the call, not of the attempt")
		})
	}
}

// B22: a call does not begin a pause that ends after its deadline.
func TestDeadlineBeforeNextAttempt(t *testing.T) {
	t.Parallel()
	maintenance := httpfake.Reply(503, `{"error_msg":"maintenance"}`, "Retry-After", "20")
	tests := map[string]struct {
		step   httpfake.Func
		within time.Duration
		status int // of the response in the error; 0: it has none
		text   string
		kinds  []string // without DeadlineExceeded
	}{
		"throttled":                {step: httpfake.Reply(429, `{"error_msg":"slow down"}`), within: time.Second, status: 429, text: "slow down", kinds: []string{"ErrTooManyRequests"}},
		"Retry-After":              {step: maintenance, within: 19 * time.Second, status: 503, text: "maintenance", kinds: []string{"ErrInternalServerError"}},
		"Retry-After, same moment": {step: maintenance, within: 20 * time.Second, status: 503, text: "maintenance", kinds: []string{"ErrInternalServerError"}},
		"502":                      {step: httpfake.Reply(502, "bad upstream", "Retry-After", "20"), within: 10 * time.Second, status: 502, text: "bad upstream", kinds: []string{"ErrInternalServerError", "ErrOutcomeUnknown"}},
		"lost response":            {step: httpfake.Lost, within: time.Nanosecond, text: "EOF", kinds: []string{"ErrOutcomeUnknown"}},
		"refused connection":       {step: httpfake.Refused, within: time.Nanosecond, text: "connection refused", kinds: []string{"ErrNotSent"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := httpfake.Script(tt.step, accepted)
				ctx, cancel := context.WithTimeout(t.Context(), tt.within)
				defer cancel()
				start := time.Now()
				err := sdktest.Stop(ctx, sdktest.Client(t, transport))
				require.Zero(t, time.Since(start), "time that the call took")
				require.NoError(t, ctx.Err())
				require.Equal(t, 1, transport.Count())
				require.ElementsMatch(t, append([]string{"DeadlineExceeded"}, tt.kinds...), sdktest.Kinds(err))
				require.ErrorContains(t, err, tt.text)
				require.ErrorContains(t, err, "deadline")
				var apiErr *codeartsbuild.APIError
				require.Equal(t, tt.status != 0, errors.As(err, &apiErr))
				if tt.status != 0 {
					require.Equal(t, tt.status, apiErr.StatusCode)
				}
			})
		})
	}
	t.Run("the pause ends before", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			transport := httpfake.Script(httpfake.Reply(503, "", "Retry-After", "20"), accepted)
			ctx, cancel := context.WithTimeout(t.Context(), 21*time.Second)
			defer cancel()
			require.NoError(t, sdktest.Stop(ctx, sdktest.Client(t, transport)))
		})
	})
}
