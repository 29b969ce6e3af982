package codeartsbuild_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B29: each attempt carries the whole body, and its own date and signature.
func TestAttemptsSignedAnew(t *testing.T) {
	t.Parallel()
	lost := codeartsbuildtest.DropAnswer()
	busy := codeartsbuildtest.Reply(503, `{}`)
	later := sdktest.RetryAfter("20")
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewBuild(t)
		f.Next(sdktest.OpStop, later, busy, later, lost)
		client := signingClient(t, f, codeartsbuild.StaticAccessKey(f.AccessKey()))
		var response codeartsbuild.Response
		_, err := client.Jobs.Stop(t.Context(), f.JobID, f.BuildNo, codeartsbuild.WithResponseInto(&response))
		require.NoError(t, err) // the in-memory service checks the signature of the last one
		require.Equal(t, 5, response.Attempts)
		var dates, signatures []string
		for _, r := range f.Requests() {
			require.JSONEq(t, `{"job_id":"`+f.JobID+`","build_no":"`+f.BuildNo+`"}`, string(r.Body), "every attempt carries the whole body")
			require.Len(t, r.Header["X-Sdk-Date"], 1)
			require.Len(t, r.Header["Authorization"], 1)
			dates = append(dates, r.Header.Get("X-Sdk-Date"))
			signatures = append(signatures, r.Header.Get("Authorization"))
		}
		require.Len(t, dates, 5)
		require.True(t, slices.IsSorted(dates), "%v", dates)
		require.NotEqual(t, dates[0], dates[1], "20 s later")
		require.NotEqual(t, dates[2], dates[3], "20 s later")
		require.NotEqual(t, signatures[0], signatures[1])
		require.NotEqual(t, signatures[2], signatures[3])
	})
}

// B29: after a pause as long as this the signature of the first attempt would be rejected.
func TestSignatureFreshAfterLongPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gateway := &clockGateway{next: httpfake.Script(httpfake.Reply(503, "{}", "Retry-After", "1200"), accepted)}
		attempts, err := stopCounting(t.Context(), gateway.client(t), codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxDelay: time.Hour}))
		require.NoError(t, err)
		require.Equal(t, 2, attempts)
		for _, r := range gateway.sent() {
			require.WithinDuration(t, r.arrivedAt, r.signedAt, time.Second)
		}
	})
}

// B29: the source is asked for a key for each attempt.
func TestAttemptsAskForTheirKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gateway := &clockGateway{next: httpfake.Script(unavailable, unavailable, accepted)}
		n := 0
		rotating := sdktest.AccessKeySource(func(context.Context) (*codeartsbuild.AccessKey, error) {
			n++
			return codeartsbuild.NewAccessKey(fmt.Sprint("key-", n), sdktest.SecretKey), nil
		})
		err := sdktest.Stop(t.Context(), sdktest.ClientWith(t, codeartsbuild.WithAccessKeySource(rotating), gateway))
		require.NoError(t, err)
		var ids []string
		for _, r := range gateway.sent() {
			ids = append(ids, r.keyID)
		}
		require.Equal(t, []string{"key-1", "key-2", "key-3"}, ids)
	})
}

// signingClient is a client that signs its requests to the in-memory service.
func signingClient(t *testing.T, f *sdktest.Fixture, keys codeartsbuild.AccessKeySource, opts ...codeartsbuild.ClientOption) *codeartsbuild.Client {
	t.Helper()
	cfg := f.IAMConfig() // has endpoint and transport
	return sdktest.ClientWith(t, codeartsbuild.WithAccessKeySource(keys), cfg.Transport, append([]codeartsbuild.ClientOption{codeartsbuild.WithEndpoint(cfg.Endpoint)}, opts...)...)
}

func signedNames(header http.Header) []string {
	_, rest, _ := strings.Cut(header.Get("Authorization"), "SignedHeaders=")
	names, _, _ := strings.Cut(rest, ",")
	return strings.Split(names, ";")
}

// B20: the signed headers of each kind of key. The in-memory service checks the signatures.
func TestSignedRequests(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		key    func(id, secret string) *codeartsbuild.AccessKey
		opts   []codeartsbuild.ClientOption
		header map[string]string // that has to be sent and signed
		absent []string
	}{
		"permanent key": {
			key: codeartsbuild.NewAccessKey, header: map[string]string{}, absent: []string{"X-Security-Token", "X-Project-Id", "X-Auth-Token"},
		},
		"temporary key": {
			key: func(id, secret string) *codeartsbuild.AccessKey {
				return codeartsbuild.NewTemporaryAccessKey(id, secret, "security-token", time.Now().Add(time.Hour))
			}, header: map[string]string{"X-Security-Token": "security-token"}, absent: []string{"X-Project-Id", "X-Auth-Token"},
		},
		"with a project": {
			key: codeartsbuild.NewAccessKey, opts: []codeartsbuild.ClientOption{codeartsbuild.WithProjectID(loginProject)},
			header: map[string]string{"X-Project-Id": loginProject}, absent: []string{"X-Security-Token", "X-Auth-Token"},
		},
		"temporary key, with a project": {
			key: func(id, secret string) *codeartsbuild.AccessKey {
				return codeartsbuild.NewTemporaryAccessKey(id, secret, "security-token", time.Time{})
			}, opts: []codeartsbuild.ClientOption{codeartsbuild.WithProjectID(loginProject)},
			header: map[string]string{"X-Security-Token": "security-token", "X-Project-Id": loginProject}, absent: []string{"X-Auth-Token"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := sdktest.NewJob(t)
			source := sdktest.AccessKeySource(func(context.Context) (*codeartsbuild.AccessKey, error) { return tt.key(f.AccessKey()), nil })
			_, err := signingClient(t, f, source, tt.opts...).Jobs.Stop(t.Context(), f.JobID, f.StartBuild(f.JobID))
			require.NoError(t, err)
			sent := f.Requests()
			require.Len(t, sent, 1)
			names := signedNames(sent[0].Header)
			require.True(t, slices.IsSorted(names), "%v", names)
			require.Contains(t, names, "x-sdk-date")
			for name, value := range tt.header {
				require.Equal(t, []string{value}, sent[0].Header[name])
				require.Contains(t, names, strings.ToLower(name))
			}
			for _, name := range tt.absent {
				require.NotContains(t, sent[0].Header, name)
			}
		})
	}
}

// B20: a request that was changed on the way is rejected.
func TestSignatureCoversRequest(t *testing.T) {
	t.Parallel()
	changes := map[string]func(req *http.Request){
		"project":        func(req *http.Request) { req.Header.Set("X-Project-Id", "another") },
		"security token": func(req *http.Request) { req.Header.Set("X-Security-Token", "another") },
		"date": func(req *http.Request) {
			req.Header.Set("X-Sdk-Date", time.Now().UTC().Add(time.Minute).Format(signedTime))
		},
		"query": func(req *http.Request) { req.URL.RawQuery = "force=true" },
		"body": func(req *http.Request) {
			body := `{"job_id":"` + sdktest.JobID + `","build_no":"7"}`
			req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := sdktest.NewBuild(t)
			through := f.IAMConfig().Transport
			source := sdktest.AccessKeySource(func(context.Context) (*codeartsbuild.AccessKey, error) {
				id, secret := f.AccessKey()
				return codeartsbuild.NewTemporaryAccessKey(id, secret, "security-token", time.Time{}), nil
			})
			client := signingClient(t, f, source, codeartsbuild.WithProjectID(loginProject), codeartsbuild.WithTransport(httpfake.Func(func(req *http.Request) (*http.Response, error) {
				req = req.Clone(req.Context())
				change(req)
				return through.RoundTrip(req)
			})))
			_, err := client.Jobs.Stop(t.Context(), f.JobID, f.BuildNo)
			require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)
			require.Len(t, f.Requests(), 1)
		})
	}
}

// B15: a temporary key is renewed before it ends, and its security token with it.
func TestTemporaryKeyRenewedEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		n := 0
		source := sdktest.AccessKeySource(func(context.Context) (*codeartsbuild.AccessKey, error) {
			n++
			id, secret := f.AccessKey()
			return codeartsbuild.NewTemporaryAccessKey(id, secret, fmt.Sprint("security-token-", n), time.Now().Add(time.Hour)), nil
		})
		client := signingClient(t, f, codeartsbuild.NewCachedAccessKeySource(source))
		for _, at := range []time.Duration{0, 53 * time.Minute, 58 * time.Minute, 59 * time.Minute} {
			time.Sleep(at - time.Since(bubbleStart))
			_, err := client.Jobs.Stop(t.Context(), f.JobID, f.StartBuild(f.JobID))
			require.NoError(t, err)
		}
		var tokens []string
		for _, r := range f.Requests() {
			tokens = append(tokens, r.Header.Get("X-Security-Token"))
		}
		require.Equal(t, []string{"security-token-1", "security-token-1", "security-token-2", "security-token-2"}, tokens)
	})
}
