package codeartsbuild_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// onceCalls are calls that must not run twice.
var onceCalls = map[string]sdktest.Call{"any POST": anyPost, "run": sdktest.Run}

// B26: a call that must not run twice is retried if the service did not process it.
func TestOnceRetriedIfNotProcessed(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]httpfake.Func{
		"connection refused":       httpfake.Refused,
		"proxy refuses":            httpfake.Fail(&net.OpError{Op: "proxyconnect", Err: errors.New("refused")}),
		"socks proxy refuses":      httpfake.Fail(&net.OpError{Op: "socks connect", Err: errors.New("refused")}),
		"name server out of order": httpfake.Fail(&net.DNSError{Err: "server misbehaving", IsTemporary: true}),
		"429":                      httpfake.Reply(429, ""),
		"503":                      unavailable,
		"503 from a gateway":       httpfake.Reply(503, `{"error_code":"APIGW.0613","error_msg":"IAM unavailable"}`),
		"too frequent as 400":      httpfake.Reply(400, `{"error_code":"CB.00060211"}`),
		"too frequent as 500":      httpfake.Reply(500, `{"error_code":"CB.00060211"}`),
		"too frequent as 200":      httpfake.Reply(200, `{"error_code":"CB.00060211"}`),
		"throttled":                httpfake.Reply(429, `{"error_code":"APIGW.0308"}`),
		"throttled as 502":         httpfake.Reply(502, `{"error_code":"APIGW.0308"}`),
	} {
		for callName, call := range onceCalls {
			t.Run(name+"/"+callName, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					transport := httpfake.Script(step, httpfake.Reply(200, started))
					require.NoError(t, call(t.Context(), sdktest.Client(t, transport)))
					require.Equal(t, 2, transport.Count())
				})
			})
		}
	}
}

// B26: a call that must not run twice is sent once if the service may have processed it, or if a retry would fail too.
func TestOnceNotRetried(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		step   httpfake.Func
		status int // of the response in the error; 0: it has none
		kinds  []string
	}{
		"no such host":               {httpfake.Fail(&net.DNSError{Err: "no such host", IsNotFound: true}), 0, []string{"ErrNotSent"}},
		"certificate":                {httpfake.Fail(&tls.CertificateVerificationError{Err: errors.New("expired")}), 0, []string{"ErrNotSent"}},
		"certificate of a name":      {httpfake.Fail(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "example.com"}), 0, []string{"ErrNotSent"}},
		"certificate of a stranger":  {httpfake.Fail(x509.UnknownAuthorityError{}), 0, []string{"ErrNotSent"}},
		"expired certificate":        {httpfake.Fail(x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired}), 0, []string{"ErrNotSent"}},
		"first TLS record invalid":   {httpfake.Fail(tls.RecordHeaderError{Msg: "no TLS", Conn: &net.TCPConn{}}), 0, []string{"ErrNotSent"}},
		"later TLS record invalid":   {httpfake.Fail(tls.RecordHeaderError{Msg: "no TLS"}), 0, []string{"ErrOutcomeUnknown"}},
		"lost response":              {httpfake.Lost, 0, []string{"ErrOutcomeUnknown"}},
		"connection reset":           {httpfake.Fail(&net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}), 0, []string{"ErrOutcomeUnknown"}},
		"broken pipe":                {httpfake.Fail(&net.OpError{Op: "write", Net: "tcp", Err: errors.New("broken pipe")}), 0, []string{"ErrOutcomeUnknown"}},
		"silence":                    {httpfake.Stuck, 0, []string{"ErrOutcomeUnknown"}},
		"neither response nor error": {func(*http.Request) (*http.Response, error) { return nil, nil }, 0, []string{"ErrOutcomeUnknown"}},
		"502":                        {httpfake.Reply(502, ""), 502, []string{"ErrInternalServerError", "ErrOutcomeUnknown"}},
		"504":                        {httpfake.Reply(504, ""), 504, []string{"ErrInternalServerError", "ErrOutcomeUnknown"}},
		"504 from a gateway":         {httpfake.Reply(504, `{"error_code":"APIGW.0201","error_msg":"backend timeout"}`), 504, []string{"ErrInternalServerError", "ErrOutcomeUnknown"}},
		"500 without a code":         {httpfake.Reply(500, `{"error_msg":"oops"}`), 500, []string{"ErrInternalServerError", "ErrOutcomeUnknown"}},
		"500 with a code":            {httpfake.Reply(500, `{"error_code":"CB.00060101"}`), 500, []string{"ErrInternalServerError"}},
		"busy":                       {httpfake.Reply(500, `{"error_code":"CB.00060100","error_msg":"Network busy"}`), 500, []string{"ErrInternalServerError"}},
		"unreadable success":         {httpfake.Reply(200, "<html>"), 200, []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"stalled success":            {httpfake.Stalled(200, `{"actual`), 200, []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"400":                        {httpfake.Reply(400, ""), 400, []string{"ErrBadRequest"}},
		"redirect":                   {httpfake.Reply(307, "", "Location", "/elsewhere"), 307, []string{"ErrUnexpectedResponse"}},
	}
	for name, tt := range tests {
		for callName, call := range onceCalls {
			t.Run(name+"/"+callName, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					transport := httpfake.Script(tt.step, httpfake.Reply(200, started))
					err := call(t.Context(), sdktest.Client(t, transport))
					require.Equal(t, 1, transport.Count())
					require.Equal(t, tt.kinds, sdktest.Kinds(err), "%v", err)
					var apiErr *codeartsbuild.APIError
					require.Equal(t, tt.status != 0, errors.As(err, &apiErr), "%v (%T)", err, err)
					if tt.status != 0 {
						require.Equal(t, tt.status, apiErr.StatusCode)
					}
				})
			})
		}
	}
}

// B26: a server that speaks HTTP where the client expects TLS gets no byte of the request.
func TestOnceServerWithoutTLS(t *testing.T) {
	t.Parallel()
	server := httpfake.Listen(t, http.NotFound)
	endpoint := "https" + strings.TrimPrefix(server.URL, "http")
	err := anyPost(t.Context(), sdktest.Client(t, nil, codeartsbuild.WithEndpoint(endpoint)))
	require.Error(t, err)
	require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
}

// B26: a server whose certificate the client does not trust gets no byte of the request.
func TestOnceUntrustedCertificate(t *testing.T) {
	t.Parallel()
	server := httpfake.Listen(t, http.NotFound, httpfake.TLS)
	err := anyPost(t.Context(), sdktest.Client(t, nil, codeartsbuild.WithEndpoint(server.URL)))
	require.ErrorContains(t, err, "certificate")
	require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
	require.Empty(t, server.Requests())
}

// B26: a refused connection is retried up to MaxAttempts.
func TestOnceConnectionRefused(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	thrice := codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 3, MinDelay: 1, MaxDelay: 1})
	client := sdktest.Client(t, nil, codeartsbuild.WithEndpoint("http://"+listener.Addr().String()), thrice)
	var response codeartsbuild.Response
	err = anyPost(t.Context(), client, codeartsbuild.WithResponseInto(&response))
	require.ErrorContains(t, err, "refused")
	require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
	require.Equal(t, 3, response.Attempts)
}

// B26: a gateway that throttles has not passed the request on, whichever status it gives.
func TestOnceThrottledByTheGateway(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 400, 500, 502, 504} {
		client := sdktest.Client(t, httpfake.Reply(status, `{"error_code":"APIGW.0308","error_msg":"throttled"}`), sdktest.Once)
		require.Equal(t, []string{"ErrTooManyRequests"}, sdktest.Kinds(sdktest.Run(t.Context(), client)), "%d", status)
	}
}
