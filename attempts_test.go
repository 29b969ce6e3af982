package codeartsbuild_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/signing"
)

const stopBody = `{"job_id":"` + sdktest.JobID + `","build_no":"` + sdktest.BuildNo + `"}`

// B29: each attempt sends the whole body and a token of its own. The first transport fails halfway and reads on later.
func TestAttemptsSendBodyAndToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var firstBody io.Reader
		failsHalfway := httpfake.Func(func(req *http.Request) (*http.Response, error) {
			firstBody = req.Body
			_, _ = io.ReadFull(req.Body, make([]byte, 10))
			return nil, io.EOF
		})
		transport := httpfake.Script(failsHalfway, httpfake.Reply(502, ""), unavailable, accepted)
		asked := 0
		tokens := codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) {
			asked++
			return codeartsbuild.NewToken(fmt.Sprint("token-", asked), time.Time{}), nil
		})
		require.NoError(t, sdktest.Stop(t.Context(), sdktest.ClientWith(t, codeartsbuild.WithTokenSource(tokens), transport)))
		rest, err := io.ReadAll(firstBody)
		require.NoError(t, err)
		require.Equal(t, stopBody[10:], string(rest), "later attempts do not touch the body of the first")
		requests := transport.Requests()
		require.Len(t, requests, 4)
		for i, r := range requests {
			require.JSONEq(t, stopBody, r.Body)
			require.Equal(t, int64(len(r.Body)), r.ContentLength)
			require.Equal(t, []string{fmt.Sprint("token-", i+1)}, r.Header["X-Auth-Token"])
			require.Equal(t, "application/json", r.Header.Get("Content-Type"))
		}
	})
}

// B29: each attempt of the older stop sends its query and its body.
func TestAttemptsSendQueryAndBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := httpfake.Script(httpfake.Lost, httpfake.Reply(200, `{"status":"success"}`))
		client := sdktest.Client(t, transport, codeartsbuild.WithStopAPI(codeartsbuild.StopAPIV1))
		require.NoError(t, sdktest.Stop(t.Context(), client))
		requests := transport.Requests()
		require.Len(t, requests, 2)
		for _, r := range requests {
			require.Equal(t, "/v1/job/"+sdktest.JobID+"/stop?build_no=20", r.URL.RequestURI())
			require.JSONEq(t, `{"build_no":20}`, r.Body)
		}
	})
}

// B29: each attempt is signed as it is sent, at the time when it is sent.
func TestAttemptsAreSigned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key := signing.Key{ID: sdktest.AccessKeyID, Secret: sdktest.SecretKey}
		keys := codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(key.ID, key.Secret))
		transport := httpfake.Script(httpfake.Reply(503, "", "Retry-After", "2"), accepted)
		require.NoError(t, sdktest.Stop(t.Context(), sdktest.ClientWith(t, keys, transport)))
		requests := transport.Requests()
		require.Len(t, requests, 2)
		var dates [2]time.Time
		for i, r := range requests {
			var err error
			dates[i], err = time.Parse("20060102T150405Z", r.Header.Get("X-Sdk-Date"))
			require.NoError(t, err)
			req := httptest.NewRequest(http.MethodPost, r.URL.String(), nil)
			req.Header = r.Header.Clone()
			req.Header.Del("Authorization")
			signing.Sign(req, []byte(r.Body), key, dates[i])
			require.Equal(t, req.Header.Get("Authorization"), r.Header.Get("Authorization"), "request %d", i+1)
		}
		require.Equal(t, 2*time.Second, dates[1].Sub(dates[0]))
		require.NotEqual(t, requests[0].Header.Get("Authorization"), requests[1].Header.Get("Authorization"))
	})
}
