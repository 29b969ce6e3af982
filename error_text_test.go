package codeartsbuild_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B6: an error text is one short line without headers, query and body.
func TestErrorTextHasNoHeaderQueryOrBody(t *testing.T) {
	t.Parallel()
	endless := strings.Repeat("words and\r\n\tmore \x00\u2028words ", 400)
	quoted, err := json.Marshal(endless)
	require.NoError(t, err)
	urlError := &url.Error{Op: "Post", URL: "https://build.example.com/v3/jobs/stop?token=in-query", Err: errors.New("EOF at\nthe start")}
	failing := func(err error) codeartsbuild.ClientOption { return codeartsbuild.WithTransport(httpfake.Fail(err)) }
	responding := func(status int, body string) codeartsbuild.ClientOption {
		return codeartsbuild.WithTransport(httpfake.Reply(status, body, "X-Request-Id", strings.Repeat("r", 4000), "X-Marker", "in-header"))
	}
	source := func(err error) codeartsbuild.ClientOption {
		return codeartsbuild.WithTokenSource(codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) { return nil, err }))
	}
	ended := func(cause error) context.Context {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(cause)
		return ctx
	}
	tests := map[string]struct {
		ctx    context.Context // nil: the test's
		option codeartsbuild.ClientOption
	}{
		"lost response":                  {option: failing(io.EOF)},
		"transport names its URL":        {option: failing(urlError)},
		"transport wraps such an error":  {option: failing(fmt.Errorf("sending: %w", urlError))},
		"transport joins such an error":  {option: failing(errors.Join(io.EOF, urlError))},
		"transport nests such errors":    {option: failing(&url.Error{Op: "Get", URL: "https://proxy/?token=in-query", Err: urlError})},
		"transport talks endlessly":      {option: failing(errors.New(endless))},
		"source names its URL":           {option: source(urlError)},
		"source wraps such an error":     {option: source(fmt.Errorf("logging in: %w", urlError))},
		"source talks endlessly":         {option: source(errors.New(endless))},
		"endless message":                {option: responding(400, `{"error_code":`+string(quoted)+`,"error_msg":`+string(quoted)+`}`)},
		"endless message, unclear":       {option: responding(502, `{"error_msg":`+string(quoted)+`}`)},
		"endless text":                   {option: responding(500, endless)},
		"endless page":                   {option: responding(200, "<html>"+endless)},
		"endless title":                  {option: responding(404, "<title>"+endless+"</title>")},
		"endless host":                   {option: codeartsbuild.WithTransport(httpfake.Reply(307, "", "Location", "https://"+strings.Repeat("h", 9000)+"/?token=in-query"))},
		"body beside the message":        {option: responding(400, `{"error_msg":"no","data":"in-body"}`)},
		"text that is not the service's": {option: responding(200, `{"result":true,"data":"`+strings.Repeat("x", 200)+`in-body`)},
		"several codes":                  {option: responding(200, `{"status":"error","error":{"code":`+string(quoted)+`}}`)},
		"endless cause of an end":        {ctx: ended(errors.New(endless))},
		"cause that names a URL":         {ctx: ended(urlError)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // a stop that may have taken effect is waited for
				ctx := tt.ctx
				if ctx == nil {
					ctx = t.Context()
				}
				client := sdktest.Client(t, nil, sdktest.Once, tt.option)
				requireLine(t, sdktest.Stop(ctx, client))
				_, err := client.Jobs.StopAndWait(ctx, sdktest.JobID, sdktest.BuildNo)
				requireLine(t, err)
				long := "/v9/" + strings.Repeat("long/", 400) + "?token=in-query"
				requireLine(t, client.Do(ctx, http.MethodPost, long, map[string]string{"a": "in-body"}, new(struct{ A int })))
				requireLine(t, client.Do(ctx, http.MethodGet, long, struct {
					A string `url:"a"`
				}{"in-query"}, new(struct{ A int })))
			})
		})
	}
}

// B6: a context that ends during a pause between attempts has a cause with any text.
func TestErrorTextOfCancelDuringPause(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]error{
		"endless":         errors.New(strings.Repeat("words and\r\n\tmore words ", 400)),
		"that names URLs": fmt.Errorf("stopped: %w", &url.Error{Op: "Get", URL: "https://a.example.com/?token=in-query", Err: io.EOF}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // the pause takes no real time
				ctx, cancel := context.WithCancelCause(t.Context())
				transport := httpfake.Func(func(req *http.Request) (*http.Response, error) {
					time.AfterFunc(time.Minute, func() { cancel(cause) })
					return httpfake.Reply(http.StatusServiceUnavailable, "")(req)
				})
				slow := codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: time.Hour, MaxDelay: 24 * time.Hour})
				err := sdktest.Stop(ctx, sdktest.Client(t, transport, slow))
				require.ErrorIs(t, err, context.Canceled)
				requireLine(t, err)
			})
		})
	}
}

// requireLine requires that the text of an error is a line, shorter than 1 KiB, and has nothing of the
// markers that the tests put into headers, queries and bodies.
func requireLine(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	text := err.Error()
	require.Less(t, len(text), 1<<10, text)
	require.Equal(t, -1, strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }), "%q", text)
	for _, marker := range []string{"in-header", "in-query", "in-body", "?", "X-Auth-Token", "X-Request-Id", sdktest.Token[:12]} {
		require.NotContains(t, text, marker)
	}
}

// B6: an error of net/url is rebuilt without its URL; its cause can still be found.
func TestCauseInsideURLError(t *testing.T) {
	t.Parallel()
	sentinel := errors.New("vault is sealed")
	urlError := &url.Error{Op: "Get", URL: "https://vault.example.com/?token=in-query", Err: fmt.Errorf("asked: %w", sentinel)}
	source := codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) {
		return nil, fmt.Errorf("logging in: %w", urlError)
	})
	cfg := sdktest.IAMConfig("https://iam.example.com")
	cfg.Password = func(context.Context) (string, error) { return "", urlError }
	for name, tokens := range map[string]codeartsbuild.TokenSource{
		"of a token source": source, "of a cached one": codeartsbuild.NewCachedTokenSource(source), "of a password": sdktest.TokenSource(t, cfg),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(http.StatusOK, `{"result":true}`))
			err := sdktest.Stop(t.Context(), sdktest.Client(t, transport, codeartsbuild.WithTokenSource(tokens)))
			require.ErrorIs(t, err, sentinel)
			var found *url.Error
			require.ErrorAs(t, err, &found)
			require.Contains(t, err.Error(), "vault is sealed")
			requireLine(t, err)
			require.Zero(t, transport.Count())
		})
	}
}

func TestErrorTextOfWaitWithLongCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		long := errors.New(strings.Repeat("a long\ncause ", 200))
		client := sdktest.Client(t, httpfake.Func(func(req *http.Request) (*http.Response, error) {
			if req.Method == http.MethodGet {
				<-req.Context().Done()
			}
			return nil, long
		}))
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(long) })
		_, err := client.Builds.Wait(ctx, sdktest.JobID, sdktest.BuildNo, &codeartsbuild.WaitOptions{StopOnCancel: time.Second})
		require.Equal(t, []string{"Canceled", "ErrOutcomeUnknown", "ErrStillRunning"}, sdktest.Kinds(err))
		requireLine(t, err)
	})
}

func TestErrorMadeByHand(t *testing.T) {
	t.Parallel()
	require.EqualError(t, &codeartsbuild.APIError{StatusCode: 404}, "codeartsbuild: Not Found (404)")
	require.Empty(t, sdktest.Kinds(&codeartsbuild.APIError{}), "it has no kind")
	require.EqualError(t, &codeartsbuild.APIError{Operation: "StopJob", StatusCode: 400, ErrorCode: "DEV.CB.032302", ErrorMsg: "over"},
		"codeartsbuild: StopJob: over (400 DEV.CB.032302)")
}

// B21: an error is one line below 1 KiB, whichever texts the service and the caller put into it.
func TestErrorTextIsOneShortLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long\n", 1000)
	nasty := errors.New("first line\nsecond line " + long)
	script := func(status int, body string) codeartsbuild.ClientOption {
		return codeartsbuild.WithTransport(httpfake.Reply(status, body, "X-Request-Id", long, "Retry-After", "20"))
	}
	everything := `{"error_code":` + quoteJSON(long) + `,"error_msg":` + quoteJSON(long) + `}`
	tests := map[string]struct {
		option codeartsbuild.ClientOption
		call   func(context.Context, *codeartsbuild.Client) error
	}{
		"everything is long": {script(400, everything), func(ctx context.Context, c *codeartsbuild.Client) error {
			return c.Do(ctx, "POST", "/"+strings.Repeat("path/", 1000), nil, nil)
		}},
		"everything is long, outcome unknown": {script(502, everything), func(ctx context.Context, c *codeartsbuild.Client) error {
			return c.Do(ctx, "POST", "/"+strings.Repeat("path/", 1000), nil, nil)
		}},
		"cancelled with a long cause in a pause": {script(503, everything), func(ctx context.Context, c *codeartsbuild.Client) error {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Second, func() { cancel(nasty) })
			return sdktest.Stop(ctx, c)
		}},
		"cancelled with a long cause while polling": {script(503, everything), func(ctx context.Context, c *codeartsbuild.Client) error {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Second, func() { cancel(nasty) })
			_, err := c.Jobs.StopAndWait(ctx, sdktest.JobID, sdktest.BuildNo)
			return err
		}},
		"a long failure of the token source": {codeartsbuild.WithTokenSource(codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) {
			return nil, nasty
		})), func(ctx context.Context, c *codeartsbuild.Client) error {
			return sdktest.Stop(ctx, c)
		}},
		"a long failure of the transport": {codeartsbuild.WithTransport(httpfake.Fail(nasty)), func(ctx context.Context, c *codeartsbuild.Client) error {
			return sdktest.Run(ctx, c)
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := sdktest.Client(t, httpfake.Func(httpfake.Lost), tt.option)
				err := tt.call(t.Context(), client)
				require.Error(t, err)
				require.Less(t, len(err.Error()), 1<<10)
				require.NotContains(t, err.Error(), "\n")
			})
		})
	}
}

func quoteJSON(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}
