package codeartsbuild_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// A silentBody is a body without data until it is closed.
type silentBody struct {
	once   sync.Once
	closed chan struct{}
}

func (b *silentBody) Read([]byte) (int, error) {
	select {
	case <-b.closed:
		return 0, http.ErrBodyReadAfterClose
	case <-time.After(24 * time.Hour): // so that a reader fails the test, and no more
		return 0, io.EOF
	}
}

func (b *silentBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

func (b *silentBody) requireClosed(t *testing.T) {
	t.Helper()
	select {
	case <-b.closed:
	default:
		t.Error("the body is still open")
	}
}

// B84: a status under 200 is unexpected, and its body is not read.
func TestInformationalStatusBodyNotRead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		call  sdktest.Call
		kinds []string
	}{
		"stop": {sdktest.Stop, []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"run":  {sdktest.Run, []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"read": {sdktest.Read, []string{"ErrUnexpectedResponse"}},
	}
	for name, tt := range tests {
		for _, status := range []int{1, 99, 100, 101, 103, 199} {
			t.Run(fmt.Sprintf("%d and then silence/%s", status, name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					body := &silentBody{closed: make(chan struct{})}
					client := sdktest.Client(t, httpfake.Stream(status, body), sdktest.Once)
					started := time.Now()
					err := tt.call(t.Context(), client)
					require.Zero(t, time.Since(started))
					require.Equal(t, tt.kinds, sdktest.Kinds(err))
					require.Equal(t, status, sdktest.APIError(t, err).StatusCode)
					body.requireClosed(t)
				})
			})
		}
	}
}

// B84: the same on a connection that stays open.
func TestInformationalStatusOnConnection(t *testing.T) {
	t.Parallel()
	responses := map[string]string{
		"101":            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
		"101, too short": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\nContent-Length: 100\r\n\r\n{",
		"99":             "HTTP/1.1 099 Odd\r\n\r\n",
	}
	for name, response := range responses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httpfake.Listen(t, httpfake.Hijack(t, func(conn net.Conn) {
				_, _ = io.WriteString(conn, response)
				_, _ = io.Copy(io.Discard, conn) // until the client hangs up
			}))
			client := sdktest.Client(t, nil, codeartsbuild.WithEndpoint(server.URL), sdktest.Once, codeartsbuild.WithTimeout(time.Hour))
			ended := make(chan []error, 1)
			go func() { ended <- []error{sdktest.Stop(t.Context(), client), sdktest.Read(t.Context(), client)} }()
			select {
			case errs := <-ended:
				require.Equal(t, []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}, sdktest.Kinds(errs[0]))
				require.Equal(t, []string{"ErrUnexpectedResponse"}, sdktest.Kinds(errs[1]))
			case <-time.After(30 * time.Second): // much longer than a call takes that does not wait
				t.Error("the call waits for data after the status")
			}
		})
	}
}

func TestResponseWithoutStatusClosed(t *testing.T) {
	t.Parallel()
	body := &silentBody{closed: make(chan struct{})}
	client := sdktest.Client(t, httpfake.Func(func(*http.Request) (*http.Response, error) { return &http.Response{Body: body}, nil }), sdktest.Once)
	require.Equal(t, []string{"ErrOutcomeUnknown"}, sdktest.Kinds(sdktest.Stop(t.Context(), client)))
	body.requireClosed(t)
}
