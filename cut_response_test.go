package codeartsbuild_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// cutOff are the ways in which a response can be shorter than it announces.
var cutOff = map[string]func(status int, start string, header ...string) httpfake.Func{"cut off": httpfake.Cut, "stalls": httpfake.Stalled}

// B89: the status of an error response that is cut off counts, and no login is repeated after it.
func TestLoginErrorResponseCutOff(t *testing.T) {
	t.Parallel()
	for how, cut := range cutOff {
		for status, kind := range map[int]error{
			401: codeartsbuild.ErrUnauthorized, 403: codeartsbuild.ErrForbidden, 400: codeartsbuild.ErrBadRequest,
			302: codeartsbuild.ErrUnexpectedResponse, 308: codeartsbuild.ErrUnexpectedResponse,
		} {
			t.Run(fmt.Sprintf("%d %s", status, how), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					transport := httpfake.Script(cut(status, `{"error":{"code":`))
					token, err := sdktest.TokenSource(t, loginConfig(transport)).Token(t.Context())
					apiErr := requireLoginAPIError(t, token, err, loginPassword)
					require.Equal(t, status, apiErr.StatusCode)
					require.ErrorIs(t, err, kind)
					require.Equal(t, 1, transport.Count())
				})
			})
		}
	}
}

// B89: the same for a stop, where a 401 renews the token, and a 500 leaves the outcome unknown.
func TestStopErrorResponseCutOff(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status   int
		kinds    []string
		requests int
		tokens   int
	}{
		"401": {status: 401, kinds: []string{"ErrUnauthorized"}, requests: 2, tokens: 2},
		"400": {status: 400, kinds: []string{"ErrBadRequest"}, requests: 1, tokens: 1},
		"404": {status: 404, kinds: []string{"ErrNotFound"}, requests: 1, tokens: 1},
		"500": {status: 500, kinds: []string{"ErrInternalServerError", "ErrOutcomeUnknown"}, requests: 3, tokens: 1},
	}
	thrice := codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 3, MinDelay: 1, MaxDelay: 1})
	for how, cut := range cutOff {
		for name, tt := range tests {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					issuer := &numberedIssuer{}
					client := sdktest.ClientWith(t, tokenCache(issuer.issue).option, cut(tt.status, `{"error_`), thrice)
					requests, err := stopCounting(t.Context(), client)
					require.Equal(t, tt.kinds, sdktest.Kinds(err))
					require.Equal(t, tt.requests, requests)
					require.EqualValues(t, tt.tokens, issuer.asked.Load())
				})
			})
		}
	}
}
