package codeartsbuild_test

import (
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B31: a response whose end is marked, or whose JSON is complete, is a success, also if it is empty.
func TestCompleteResponse(t *testing.T) {
	t.Parallel()
	for name, response := range map[string]string{
		"204":                        "HTTP/1.1 204 No Content\r\n\r\n",
		"length 0":                   "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"length 0 over HTTP/1.0":     "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"last chunk":                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"white space with a length":  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\r\n",
		"closed after a JSON object": "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + `{"result":true}`,
		"closed after null":          "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nnull",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attempts, err := stopCounting(t.Context(), rawClient(t, response))
			require.NoError(t, err)
			require.Equal(t, 1, attempts)
		})
	}
}

// B31: an empty response whose end is not marked may have been cut off. A stop is retried after it.
func TestEmptyResponseCutOff(t *testing.T) {
	t.Parallel()
	for name, response := range map[string]string{
		"closed after the header":        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n",
		"closed as announced":            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
		"closed over HTTP/1.0":           "HTTP/1.0 200 OK\r\n\r\n",
		"closed after white space":       "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\r\n ",
		"closed after a byte order mark": "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\xef\xbb\xbf",
		"no last chunk":                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"closed within null":             "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nnul",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attempts, err := stopCounting(t.Context(), rawClient(t, response))
			sdktest.APIError(t, err)
			require.Equal(t, []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}, sdktest.Kinds(err))
			require.Equal(t, 5, attempts)
		})
	}
}

// B31: the end of an HTTP/2 stream marks the end of a response without a length.
func TestEmptyResponseHTTP2(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"empty": "", "white space": "\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httpfake.Listen(t, func(w http.ResponseWriter, _ *http.Request) {
				_ = http.NewResponseController(w).Flush() // so that no length is announced
				_, _ = io.WriteString(w, body)
			}, httpfake.HTTP2)
			client := sdktest.Client(t, trustingTransport(rootsOf(server)), codeartsbuild.WithEndpoint(server.URL), sdktest.Quick)
			require.NoError(t, sdktest.Stop(t.Context(), client))
		})
	}
}

// B31: a response to HEAD has no body. The client does not wait for one.
func TestHeadResponseOnConnection(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{
		"length of the body of GET": "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n",
		"longer than the limit":     "HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n",
		"chunked":                   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"without a length":          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httpfake.Listen(t, httpfake.Hijack(t, func(conn net.Conn) {
				_, _ = io.WriteString(conn, head)
				_, _ = io.Copy(io.Discard, conn) // until the client hangs up
			}))
			client := sdktest.Client(t, nil, codeartsbuild.WithEndpoint(server.URL), sdktest.Quick)
			require.NoError(t, client.Do(t.Context(), http.MethodHead, "/v1/anything", nil, nil))
		})
	}
}
