package codeartsbuild_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// tooLarge are successes of more than 10 MiB.
var tooLarge = map[string]func() httpfake.Func{
	"a field": func() httpfake.Func {
		return httpfake.Reply(200, `{"result":{"build_no":`+sdktest.BuildNo+`,"status":"RUNNING","log":"`+strings.Repeat("x", 10<<20)+`"}}`)
	},
	"blanks": func() httpfake.Func { return httpfake.Reply(200, strings.Repeat(" ", 10<<20+1)) },
	"without end": func() httpfake.Func {
		return httpfake.Stream(200, repeated("x"))
	},
}

// tooLargeAt is a running build whose responses of one path are too large from a time on. It counts them.
func tooLargeAt(suffix string, respond httpfake.Func, from time.Time, count *atomic.Int64) httpfake.Func {
	l := newLogServer("a line\n")
	return func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, suffix) && !time.Now().Before(from) {
			count.Add(1)
			return respond(r)
		}
		if r.Method == http.MethodPost {
			return httpfake.Reply(200, `{"result":true}`)(r)
		}
		return l.RoundTrip(r)
	}
}

// B105a: a response that is too large is not an outage: the next one would be too large as well. The call that reads it
// ends at once, with the limit in the text.
func TestReadsThatAreTooLargeEndAtOnce(t *testing.T) {
	t.Parallel()
	const record, log = "/record-info", "/real-time-log"
	tests := map[string]struct {
		path string
		read func(ctx context.Context, c *codeartsbuild.Client) error
	}{
		"Follow, the log":          {log, followAll},
		"Follow, the build":        {record, followAll},
		"Tail, the log":            {log, tail},
		"Tail, the build":          {record, tail},
		"Wait":                     {record, wait(nil)},
		"Wait, the log is read":    {record, wait(&codeartsbuild.WaitOptions{Log: io.Discard})},
		"Wait, with a limit":       {record, wait(&codeartsbuild.WaitOptions{Timeout: time.Hour})},
		"Wait of two builds, both": {record, waitForTwo},
		"StopAndWait": {record, func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Jobs.StopAndWait(ctx, sdktest.JobID, sdktest.BuildNo)
			return err
		}},
	}
	for name, tt := range tests {
		for kind, respond := range tooLarge {
			for _, from := range []time.Duration{0, 90 * time.Second} {
				if strings.HasPrefix(name, "Tail") && from > 0 {
					continue
				}
				t.Run(name+"/"+kind+"/after "+from.String(), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						start, count := time.Now(), new(atomic.Int64)
						client := sdktest.Client(t, tooLargeAt(tt.path, respond(), start.Add(from), count))
						err := tt.read(t.Context(), client)
						require.ErrorIs(t, err, codeartsbuild.ErrUnexpectedResponse)
						require.ErrorContains(t, err, "larger than 10 MiB")
						require.Equal(t, http.StatusOK, sdktest.APIError(t, err).StatusCode)
						require.LessOrEqual(t, count.Load(), int64(2), "one for each that waits")
						require.LessOrEqual(t, time.Since(start), from+80*time.Second, "one pause, and no outage of 5 minutes")
					})
				})
			}
		}
	}
}

func followAll(ctx context.Context, c *codeartsbuild.Client) error {
	_, _, err := follow(c.Logs.Follow(ctx, sdktest.JobID, sdktest.BuildNo, 0))
	return err
}

func tail(ctx context.Context, c *codeartsbuild.Client) error {
	_, err := c.Logs.Tail(ctx, sdktest.JobID, sdktest.BuildNo, 10)
	return err
}

func wait(in *codeartsbuild.WaitOptions) func(ctx context.Context, c *codeartsbuild.Client) error {
	return func(ctx context.Context, c *codeartsbuild.Client) error {
		_, err := c.Builds.Wait(ctx, sdktest.JobID, sdktest.BuildNo, in)
		return err
	}
}

// waitForTwo waits for a build twice, so that both read a list.
func waitForTwo(ctx context.Context, c *codeartsbuild.Client) error {
	errs := make(chan error, 2)
	for range 2 {
		go func() { errs <- wait(nil)(ctx, c) }()
	}
	<-errs
	return <-errs
}

// B105a: the log of a Wait that is too large ends by itself, and the build is waited for.
func TestWaitWhoseLogIsTooLarge(t *testing.T) {
	t.Parallel()
	for kind, respond := range tooLarge {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				f.Statuses(f.BuildNo, 10*time.Minute, codeartsbuild.StatusSucceeded)
				transport, count, start := f.Transport(), 0, time.Now()
				client := f.Client(codeartsbuild.WithTransport(httpfake.Func(func(r *http.Request) (*http.Response, error) {
					if strings.HasSuffix(r.URL.Path, "/real-time-log") {
						count++
						return respond()(r)
					}
					return transport.RoundTrip(r)
				})))
				var failed error
				var after time.Duration
				build, err := client.Builds.Wait(t.Context(), f.JobID, f.BuildNo, &codeartsbuild.WaitOptions{
					Log: io.Discard, OnLog: func(_ int64, err error) { failed, after = err, time.Since(start) },
				})
				require.NoError(t, err)
				require.Equal(t, codeartsbuild.StatusSucceeded, build.Status)
				require.ErrorContains(t, failed, "larger than 10 MiB")
				require.Less(t, after, 5*time.Second)
				require.Equal(t, 1, count)
			})
		})
	}
}

// B105a: a list that is too large ends no waiting, since the records tell as much.
func TestWaitersWhoseListIsTooLarge(t *testing.T) {
	t.Parallel()
	for kind, respond := range tooLarge {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				f.Statuses(f.BuildNo, time.Minute, codeartsbuild.StatusSucceeded)
				transport, start := f.Transport(), time.Now()
				client := f.Client(codeartsbuild.WithTransport(httpfake.Func(func(r *http.Request) (*http.Response, error) {
					if strings.HasSuffix(r.URL.Path, "/list") {
						return respond()(r)
					}
					return transport.RoundTrip(r)
				})))
				errs := make(chan error, 2)
				for range 2 {
					go func() {
						_, err := client.Builds.Wait(t.Context(), f.JobID, f.BuildNo, nil)
						errs <- err
					}()
				}
				require.NoError(t, <-errs)
				require.NoError(t, <-errs)
				require.LessOrEqual(t, time.Since(start), time.Minute+20*time.Second)
			})
		})
	}
}
