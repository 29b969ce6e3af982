package codeartsbuild_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// mixedResponses responds in turn in all the ways in which a service does, most of them errors. Every second response
// has no announced length.
func mixedResponses() http.HandlerFunc {
	responses := []struct {
		status int
		body   string
	}{
		{200, `{"result":true}`}, {204, ""}, {400, `{"error_code":"CB.00060200","error_msg":"Invalid param"}`},
		{400, `"{\"error\":{\"code\":\"DEV.CB.032302\",\"reason\":\"the state has changed\"},\"status\":\"error\"}"`},
		{401, `{"error_code":"APIGW.0301"}`}, {403, ""}, {404, "<html>" + strings.Repeat("<p>not here", 1000)},
		{422, `{"error_code":"DEVCB.00031006"}`}, {500, `{"error_code":"CB.00060101","error_msg":"` + strings.Repeat("x", 50<<10) + `"}`},
		{502, "<html>bad upstream"}, {503, ""}, {200, "<html>login"}, {302, ""},
	}
	var requests atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) {
		n := requests.Add(1)
		response := responses[int(n)%len(responses)]
		w.WriteHeader(response.status)
		if n%2 == 0 {
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = io.WriteString(w, response.body)
	}
}

// B42: calls one after another use one connection, error responses included.
func TestConnectionsOfCallsInARow(t *testing.T) {
	t.Parallel()
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			server := httpfake.Listen(t, mixedResponses(), func(s *httptest.Server) { s.EnableHTTP2 = protocol == "HTTP/2" })
			transport := codeartsbuild.NewTransport()
			if server.EnableHTTP2 {
				transport.TLSClientConfig = trust(rootsOf(server))
			}
			client := sdktest.Client(t, transport, codeartsbuild.WithEndpoint(server.URL), sdktest.Quick)
			failed := 0
			for range 100 {
				if sdktest.Stop(t.Context(), client) != nil {
					failed++
				}
			}
			connections, _ := server.Connections()
			t.Logf("100 calls, %d of them failed, %d requests: %d connections", failed, len(server.Requests()), connections)
			require.Positive(t, failed)
			require.LessOrEqual(t, connections, 3, "net/http gives up a connection whose writer has to wait 50 ms for a processor")
		})
	}
}

// B42: a burst of calls keeps its connections for the next one.
func TestConnectionsOfBursts(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{"successes": sdktest.Accepted, "errors among them": mixedResponses()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httpfake.Listen(t, handler)
			client := sdktest.Client(t, nil, codeartsbuild.WithEndpoint(server.URL), sdktest.Quick)
			for range 20 {
				var burst sync.WaitGroup
				for range 32 {
					burst.Go(func() { _ = sdktest.Stop(t.Context(), client) })
				}
				burst.Wait()
			}
			connections, _ := server.Connections()
			t.Logf("20 bursts of 32 calls: %d connections", connections)
			require.LessOrEqual(t, connections, 64)
		})
	}
}
