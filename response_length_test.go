package codeartsbuild_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// rawClient is a client of a server that writes the same bytes after each request and closes the connection.
func rawClient(t *testing.T, response string) *codeartsbuild.Client {
	t.Helper()
	server := httpfake.Listen(t, httpfake.Hijack(t, func(conn net.Conn) { _, _ = io.WriteString(conn, response) }))
	return sdktest.Client(t, nil, codeartsbuild.WithEndpoint(server.URL), sdktest.Quick)
}

// B37: a success that is shorter or longer than it announces is cut off or invalid. An error response is judged by its
// status.
func TestResponseOfWrongLength(t *testing.T) {
	t.Parallel()
	const success = `{"result":true}`
	head := func(status int, length string) string {
		return fmt.Sprintf("HTTP/1.1 %d Status\r\nConnection: close\r\nContent-Type: application/json\r\n%s\r\n", status, length)
	}
	unclear := []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}
	tests := map[string]struct {
		response string
		attempts int // of a stop
		kinds    []string
	}{
		"body too short":             {head(200, "Content-Length: 100\r\n") + success, 5, unclear},
		"no body":                    {head(200, "Content-Length: 15\r\n"), 5, unclear},
		"body of an error too short": {head(400, "Content-Length: 100\r\n") + `{"error_code":"CB.00060200"}`, 1, []string{"ErrBadRequest"}},
		"chunk cut off":              {head(200, "Transfer-Encoding: chunked\r\n") + "f\r\n{\"result\":tr", 5, unclear},
		"no last chunk":              {head(200, "Transfer-Encoding: chunked\r\n") + "f\r\n" + success + "\r\n", 5, unclear},
		"chunks without lengths":     {head(200, "Transfer-Encoding: chunked\r\n") + success, 5, unclear},
		"half of the JSON":           {head(200, "Content-Length: 10\r\n") + success[:10], 5, unclear},
		"garbage after the JSON":     {head(200, "Content-Length: 18\r\n") + success + "xyz", 5, unclear},
		"two JSON values":            {head(200, "Content-Length: 31\r\n") + success + `{"result":false}`, 5, unclear},
		"NUL after the JSON":         {head(200, "Content-Length: 16\r\n") + success + "\x00", 5, unclear},
		"comma after the JSON":       {head(200, "Content-Length: 16\r\n") + success + ",", 5, unclear},
		"closed without a length":    {head(200, "") + success, 1, []string{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := rawClient(t, tt.response)
			attempts, err := stopCounting(t.Context(), client)
			require.Equal(t, tt.kinds, sdktest.Kinds(err))
			require.Equal(t, tt.attempts, attempts)
			if err != nil {
				sdktest.APIError(t, err)
			}
			var response codeartsbuild.Response
			err = anyPost(t.Context(), client, codeartsbuild.WithResponseInto(&response))
			require.Equal(t, tt.kinds, sdktest.Kinds(err))
			require.Equal(t, 1, response.Attempts)
		})
	}
}

// B37: a success whose HTTP/2 stream is reset is cut off.
func TestResponseStreamReset(t *testing.T) {
	t.Parallel()
	server := httpfake.Listen(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"result":`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}, httpfake.HTTP2)
	err := anyPost(t.Context(), sdktest.Client(t, trustingTransport(rootsOf(server)), codeartsbuild.WithEndpoint(server.URL), sdktest.Quick))
	require.Equal(t, []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}, sdktest.Kinds(err))
	sdktest.APIError(t, err)
}
