package codeartsbuild

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// edgeBreakingServer breaks off every stream when it has read the whole request, over TLS or without. It
// returns the bodies of all requests.
func edgeBreakingServer(t *testing.T, secure bool) (client *Client, bodies func() []string) {
	t.Helper()
	var (
		mu   sync.Mutex
		seen []string
	)
	bodies = func() []string {
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
	serve := func(netConn net.Conn) {
		defer netConn.Close()
		conn := &retryHTTP2{netConn, func(body string) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, body)
		}}
		if _, err := io.ReadFull(conn, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
			return
		}
		conn.write(http2Settings, 0, 0, nil)
		for {
			stream, err := conn.request()
			if err != nil {
				return
			}
			if len(bodies()) > 50 { // so that a transport without a limit fails the test, and no more
				conn.answer(stream, retryStopped)
				continue
			}
			conn.write(http2Reset, 0, stream, binary.BigEndian.AppendUint32(nil, http2ProtocolError))
		}
	}
	transport := newTransport()
	var endpoint string
	if secure {
		srv := httptest.NewUnstartedServer(nil)
		srv.TLS = &tls.Config{NextProtos: []string{"h2"}}
		srv.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
			"h2": func(_ *http.Server, conn *tls.Conn, _ http.Handler) { serve(conn) },
		}
		srv.StartTLS()
		t.Cleanup(srv.Close)
		transport, endpoint = answerTLSTransport(srv), srv.URL
	} else {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go serve(conn)
			}
		}()
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetUnencryptedHTTP2(true)
		endpoint = "http://" + listener.Addr().String()
	}
	client = retryClient(t, transport, WithEndpoint(endpoint), WithRetry(RetryPolicy{MaxAttempts: 1}))
	t.Cleanup(client.CloseIdleConnections)
	return client, bodies
}

// B85: net/http takes a stream that the peer broke off with PROTOCOL_ERROR for one to send again at once, which
// is right for what may run twice, a few times.
func TestEveryStreamIsBrokenOff(t *testing.T) {
	t.Parallel()
	const stop = `{"job_id":"` + retryJob + `","build_no":"20"}`
	tests := map[string]struct {
		call   retryCall
		secure bool
		most   int
		body   string // "": any
	}{
		"B85 stop over TLS":        {retryStop, true, 9, stop},
		"B85 stop without TLS":     {retryStop, false, 9, stop},
		"B85 run over TLS":         {retryRun, true, 1, ""},
		"B85 run without TLS":      {retryRun, false, 1, ""},
		"B85 any POST without TLS": {retryPost, false, 1, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, bodies := edgeBreakingServer(t, tt.secure)
			var response Response
			require.ErrorIs(t, tt.call(t.Context(), client, WithResponseInto(&response)), ErrOutcomeUnknown)
			seen := bodies()
			require.NotEmpty(t, seen)
			require.LessOrEqual(t, len(seen), tt.most)
			require.Equal(t, len(seen), response.Attempts, "each one counts")
			for _, body := range seen {
				if tt.body != "" {
					require.JSONEq(t, tt.body, body)
				}
			}
		})
	}
}
