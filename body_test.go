package codeartsbuild

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// B28: a transport gets the body again a few times over HTTP/1, where it asks for it only if nothing was written, and
// never over HTTP/2.
func TestBodyForTheTransport(t *testing.T) {
	t.Parallel()
	const text = `{"job_id":"a","build_no":"1"}`
	var body requestBody
	_, err := io.ReadAll(body.open([]byte(text)))
	require.NoError(t, err)
	trace := body.trace()
	trace.GetConn("")
	for range maxResends {
		trace.WroteHeaderField(http.CanonicalHeaderKey("host"), nil)
		again, err := body.again()
		require.NoError(t, err)
		data, err := io.ReadAll(again)
		require.NoError(t, err)
		require.Equal(t, text, string(data))
	}
	_, err = body.again()
	require.ErrorIs(t, err, errNotResent, "it is the %dth time", maxResends+1)

	body.reset()
	_, err = body.again()
	require.NoError(t, err, "another attempt counts anew")

	trace.WroteHeaderField(":authority", nil)
	_, err = body.again()
	require.ErrorIs(t, err, errNotResent, "the connection is one of HTTP/2")
}
