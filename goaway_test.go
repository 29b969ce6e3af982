package codeartsbuild_test

import (
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/h2fake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// The ways in which the first connection of an HTTP/2 server ends a request.
var (
	notTaken = map[string][]h2fake.Step{
		"GOAWAY before the request": {h2fake.Read, h2fake.GoAway(0)},
		"stream refused":            {h2fake.Read, h2fake.Reset(h2fake.RefusedStream)},
	}
	perhapsProcessed = map[string][]h2fake.Step{
		"GOAWAY after the request": {h2fake.Read, h2fake.GoAway(1), h2fake.Close},
		"stream broken off":        {h2fake.Read, h2fake.Reset(h2fake.ProtocolError)},
	}
)

func h2Client(t *testing.T, server *h2fake.Server) *codeartsbuild.Client {
	t.Helper()
	return sdktest.Client(t, trustingTransport(server.Roots), codeartsbuild.WithEndpoint(server.URL), sdktest.Quick)
}

// B28: a stop is sent again whether the server took the first request or not. The second request is counted only if
// the server may have processed the first one.
func TestServerGoesAwayStop(t *testing.T) {
	t.Parallel()
	test := func(name string, steps []h2fake.Step, least int) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := h2fake.NewServer(t, steps...)
			attempts, err := stopCounting(t.Context(), h2Client(t, server))
			require.NoError(t, err)
			require.GreaterOrEqual(t, attempts, least)
			require.LessOrEqual(t, attempts, 2)
			bodies := server.Bodies()
			require.Len(t, bodies, 2)
			for _, body := range bodies {
				require.JSONEq(t, stopBody, body)
			}
		})
	}
	for name, steps := range notTaken {
		test(name, steps, 1)
	}
	for name, steps := range perhapsProcessed {
		test(name, steps, 2)
	}
}

// B28: a call that must not run twice is not sent again if the server may have processed it. If the server did not take
// it, it may be sent again, and need not be.
func TestServerGoesAwayAnyPost(t *testing.T) {
	t.Parallel()
	for name, steps := range perhapsProcessed {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := h2fake.NewServer(t, steps...)
			require.ErrorIs(t, anyPost(t.Context(), h2Client(t, server)), codeartsbuild.ErrOutcomeUnknown)
			require.Len(t, server.Bodies(), 1)
		})
	}
	for name, steps := range notTaken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := h2fake.NewServer(t, steps...)
			if err := anyPost(t.Context(), h2Client(t, server)); err != nil {
				require.ErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
			}
		})
	}
}

// B28: a server of the standard library that goes away after each response loses no stop.
func TestServerGoesAwayAfterEachResponse(t *testing.T) {
	t.Parallel()
	server := httpfake.Listen(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close") // over HTTP/2 this is GOAWAY
		sdktest.Accepted(w, r)
	}, httpfake.HTTP2)
	client := sdktest.Client(t, trustingTransport(rootsOf(server)), codeartsbuild.WithEndpoint(server.URL), sdktest.Quick)
	for range 20 {
		require.NoError(t, sdktest.Stop(t.Context(), client))
	}
}

// B85: net/http would send a stream that the server broke off with PROTOCOL_ERROR again at once. The client limits that
// for a stop, counts each request, and sends a call that must not run twice once.
func TestEveryStreamBrokenOff(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		call      sdktest.Call
		newServer func(testing.TB, ...h2fake.Step) *h2fake.Server
		most      int
		body      string // "": any
	}{
		"stop over TLS":        {sdktest.Stop, h2fake.NewServer, 9, stopBody},
		"stop without TLS":     {sdktest.Stop, h2fake.NewPlainServer, 9, stopBody},
		"run over TLS":         {sdktest.Run, h2fake.NewServer, 1, ""},
		"run without TLS":      {sdktest.Run, h2fake.NewPlainServer, 1, ""},
		"any POST without TLS": {anyPost, h2fake.NewPlainServer, 1, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := tt.newServer(t, h2fake.Always(h2fake.Read, h2fake.Reset(h2fake.ProtocolError)))
			transport := trustingTransport(server.Roots)
			if server.Roots == nil {
				transport.Protocols = new(http.Protocols)
				transport.Protocols.SetUnencryptedHTTP2(true)
			}
			client := sdktest.Client(t, transport, codeartsbuild.WithEndpoint(server.URL), sdktest.Once)
			var response codeartsbuild.Response
			require.ErrorIs(t, tt.call(t.Context(), client, codeartsbuild.WithResponseInto(&response)), codeartsbuild.ErrOutcomeUnknown)
			bodies := server.Bodies()
			require.NotEmpty(t, bodies)
			require.LessOrEqual(t, len(bodies), tt.most)
			require.Equal(t, len(bodies), response.Attempts)
			for _, body := range bodies {
				if tt.body != "" {
					require.JSONEq(t, tt.body, body)
				}
			}
		})
	}
}

// B170: a proxy may refuse a stream whose request it has passed on.
func TestRefusedStreamLeavesTheOutcomeUnknown(t *testing.T) {
	t.Parallel()
	const finished = `{"error_code":"DEV.CB.032302","error_msg":"the build has finished"}`
	refused := httpfake.Fail(errors.New("http2: Transport: cannot retry err [stream error: stream ID 5; REFUSED_STREAM; received from peer] " +
		"after Request.Body was written; define Request.GetBody to avoid this error"))
	tests := map[string]struct {
		second httpfake.Func
		result *codeartsbuild.StopResult
		kinds  []string
	}{
		"then accepted":      {httpfake.Reply(200, `{"result":true}`), &codeartsbuild.StopResult{Result: true}, []string{}},
		"then finished":      {httpfake.Reply(400, finished), &codeartsbuild.StopResult{AlreadyFinished: true}, []string{}},
		"then not found":     {httpfake.Reply(404, `{"error_code":"DEVCB.00031006"}`), nil, []string{"ErrNotFound", "ErrOutcomeUnknown"}},
		"then not connected": {httpfake.Fail(&net.OpError{Op: "dial", Err: errors.New("refused")}), nil, []string{"ErrOutcomeUnknown"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(refused, tt.second)
			client := sdktest.Client(t, transport, sdktest.Quick)
			result, err := client.Jobs.Stop(t.Context(), sdktest.JobID, "20")
			require.Equal(t, tt.result, result)
			require.Equal(t, tt.kinds, sdktest.Kinds(err))
		})
	}
}
