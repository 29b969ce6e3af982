package h2fake

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// client returns a function that sends one request over HTTP/2 and returns the body of its response.
func client(t *testing.T, s *Server) func(body string) (string, error) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.Roots}, ForceAttemptHTTP2: true}
	if s.Roots == nil {
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetUnencryptedHTTP2(true)
	}
	c := &http.Client{Transport: transport, Timeout: 20 * time.Second}
	t.Cleanup(c.CloseIdleConnections)
	return func(body string) (string, error) {
		// net/http must not send the body again by itself, hence the bare reader.
		resp, err := c.Post(s.URL, "text/plain", struct{ io.Reader }{strings.NewReader(body)})
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		require.Equal(t, 2, resp.ProtoMajor)
		got, err := io.ReadAll(resp.Body)
		return string(got), err
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	const broken = "EOF|reset|closed" // depending on what was under way
	tests := map[string]struct {
		steps       []Step
		fails       [3]string // what the error of each of three requests matches; "" is a success
		connections int
	}{
		"none":                       {connections: 1},
		"one response":               {steps: []Step{Read, Respond}, connections: 1},
		"closed":                     {steps: []Step{Read, Close}, fails: [3]string{broken}, connections: 2},
		"stream reset":               {steps: []Step{Read, Reset(InternalError)}, fails: [3]string{"INTERNAL_ERROR"}, connections: 1},
		"protocol error":             {steps: []Step{Read, Reset(ProtocolError)}, fails: [3]string{"PROTOCOL_ERROR"}, connections: 2},
		"second stream reset":        {steps: []Step{Read, Respond, Read, Reset(InternalError)}, fails: [3]string{1: "INTERNAL_ERROR"}, connections: 1},
		"refused":                    {steps: []Step{Read, Reset(RefusedStream)}, fails: [3]string{"cannot retry"}, connections: 1},
		"processed, and gone":        {steps: []Step{Read, GoAway(1), Close}, fails: [3]string{"GOAWAY"}, connections: 2},
		"not processed, and leaving": {steps: []Step{Read, GoAway(0)}, fails: [3]string{"GOAWAY"}, connections: 2},
		"leaving after a response":   {steps: []Step{Read, Respond, GoAway(1)}, connections: 2},
		"on every connection":        {steps: []Step{Always(Read, Close)}, fails: [3]string{broken, broken, broken}, connections: 3},
	}
	for name, tt := range tests {
		for secure, newServer := range map[string]func(testing.TB, ...Step) *Server{"TLS": NewServer, "plain": NewPlainServer} {
			t.Run(name+"/"+secure, func(t *testing.T) {
				t.Parallel()
				server := newServer(t, tt.steps...)
				send := client(t, server)
				for i, want := range tt.fails {
					got, err := send(string(rune('a' + i)))
					if want != "" {
						require.Error(t, err, "request %d", i+1)
						require.Regexp(t, want, err.Error(), "request %d", i+1)
						continue
					}
					require.NoError(t, err, "request %d", i+1)
					require.JSONEq(t, `{"result":true}`, got)
				}
				require.Equal(t, []string{"a", "b", "c"}, server.Bodies())
				require.Equal(t, tt.connections, server.Connections())
			})
		}
	}
}

func TestAlwaysComesToAnEnd(t *testing.T) {
	t.Parallel()
	send := client(t, NewServer(t, Always(Read, Reset(InternalError))))
	for range 50 {
		_, err := send("")
		require.ErrorContains(t, err, "INTERNAL_ERROR")
	}
	got, err := send("")
	require.NoError(t, err)
	require.JSONEq(t, `{"result":true}`, got)
}
