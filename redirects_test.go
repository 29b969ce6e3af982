package codeartsbuild_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// redirectTargets are the Locations that a redirect may have, given the server that redirects and one that
// collects what arrives.
var redirectTargets = map[string]struct {
	setUp    []func(*httptest.Server) // of the server that redirects
	location func(origin, collector *httpfake.Server) string
}{
	"to a path": {nil, func(_, _ *httpfake.Server) string { return "/stolen?secret=in-query" }},
	"to the same host": {nil, func(origin, _ *httpfake.Server) string {
		return origin.URL + "/stolen?secret=in-query"
	}},
	"to another port": {nil, func(_, collector *httpfake.Server) string { return collector.URL + "/stolen?secret=in-query" }},
	"to another host": {nil, func(_, collector *httpfake.Server) string {
		return strings.Replace(collector.URL, "127.0.0.1", "user:secret@localhost", 1) + "/stolen?secret=in-query#part"
	}},
	"from https to http": {[]func(*httptest.Server){httpfake.TLS}, func(_, collector *httpfake.Server) string {
		return collector.URL + "/stolen?secret=in-query"
	}},
}

// B1: no call follows a redirect, neither with a token nor with a signature.
func TestRedirectNotFollowed(t *testing.T) {
	t.Parallel()
	for place, at := range redirectTargets {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprintf("%d %s", status, place), func(t *testing.T) {
				t.Parallel()
				collector := httpfake.Listen(t, sdktest.Accepted)
				var origin *httpfake.Server
				origin = httpfake.Listen(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", at.location(origin, collector))
					w.WriteHeader(status)
				}, at.setUp...)
				location, err := url.Parse(at.location(origin, collector))
				require.NoError(t, err)

				calls := namedCalls()
				for _, call := range calls {
					client := sdktest.Client(t, origin.Client().Transport, append(call.opts, codeartsbuild.WithEndpoint(origin.URL))...)
					requireRedirect(t, call.do(t.Context(), client), status, location.Host)
				}
				signed := sdktest.NewClient(t, codeartsbuild.WithEndpoint(origin.URL), codeartsbuild.WithAccessKeySource(sdktest.TemporaryKey(sdktest.SecurityToken)),
					codeartsbuild.WithTransport(origin.Client().Transport))
				requireRedirect(t, sdktest.Stop(t.Context(), signed), status, location.Host)

				require.Empty(t, collector.Requests())
				require.Len(t, origin.Requests(), len(calls)+1, "each call is one request")
				for _, r := range origin.Requests() {
					require.NotContains(t, r.URL.RequestURI(), "stolen")
				}
			})
		}
	}
}

// B1: the same with the transport that a client has by default.
func TestRedirectNotFollowedByDefaultTransport(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			collector := httpfake.Listen(t, sdktest.Accepted)
			origin := httpfake.Listen(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, collector.URL+"/stolen", status)
			})
			err := sdktest.Stop(t.Context(), sdktest.Client(t, nil, codeartsbuild.WithEndpoint(origin.URL)))
			requireRedirect(t, err, status, collector.Listener.Addr().String())
			require.Empty(t, collector.Requests())
			require.Len(t, origin.Requests(), 1)
		})
	}
}

// requireRedirect requires the error of a redirect that was not followed. It names the host of the Location
// and nothing else of it. The outcome is known: nothing has changed.
func requireRedirect(t *testing.T, err error, status int, host string) {
	t.Helper()
	require.ErrorIs(t, err, codeartsbuild.ErrUnexpectedResponse)
	require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
	apiErr := sdktest.APIError(t, err)
	require.Equal(t, status, apiErr.StatusCode)
	require.Contains(t, apiErr.ErrorMsg, host)
	for _, text := range []string{err.Error(), apiErr.ErrorMsg, string(apiErr.Body)} {
		require.NotContains(t, text, "?")
		require.NotContains(t, text, "in-query")
		require.NotContains(t, text, "user:secret")
	}
}

// B2: a redirect whose body is that of a success is an error.
func TestRedirectWithSuccessBody(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{}", "null", `{"result":true}`, `{"result":{"build_no":"7","actual_build_number":"8"},"status":"success"}`} {
		for _, status := range []int{300, 301, 302, 303, 304, 305, 306, 307, 308, 399} {
			t.Run(fmt.Sprintf("%d %q", status, body), func(t *testing.T) {
				t.Parallel()
				for _, call := range namedCalls() {
					transport := httpfake.Script(httpfake.Reply(status, body))
					client := sdktest.Client(t, transport, call.opts...)
					requireRedirect(t, call.do(t.Context(), client), status, "")
					require.Equal(t, 1, transport.Count(), call.name)
				}
			})
		}
	}
}

// B3: a login that is redirected sends the password nowhere else.
func TestRedirectOfLogin(t *testing.T) {
	t.Parallel()
	for place, at := range redirectTargets {
		for _, status := range []int{300, 301, 302, 303, 307, 308} {
			t.Run(fmt.Sprintf("%d %s", status, place), func(t *testing.T) {
				t.Parallel()
				collector := httpfake.Listen(t, sdktest.Accepted)
				var iam *httpfake.Server
				iam = httpfake.Listen(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", at.location(iam, collector))
					w.WriteHeader(status)
				}, at.setUp...)
				location, err := url.Parse(at.location(iam, collector))
				require.NoError(t, err)
				cfg := sdktest.IAMConfig(iam.URL)
				cfg.Transport = iam.Client().Transport
				service := httpfake.Listen(t, sdktest.Accepted)
				client := sdktest.NewClient(t, codeartsbuild.WithEndpoint(service.URL), codeartsbuild.WithTokenSource(sdktest.TokenSource(t, cfg)))

				err = sdktest.Stop(t.Context(), client)

				requireRedirect(t, err, status, location.Host)
				require.Equal(t, "CreateToken", sdktest.APIError(t, err).Operation)
				require.Empty(t, collector.Requests())
				require.Empty(t, service.Requests())
				require.Len(t, iam.Requests(), 1)
			})
		}
	}
}
