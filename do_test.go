package codeartsbuild_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B88: a JSON string arrives as it is.
func TestDoString(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{`"hello"`: "hello", `"5"`: "5", `"{\"a\":1}"`: `{"a":1}`, "\n\"\" ": ""} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			client := sdktest.Client(t, httpfake.Reply(200, body), sdktest.Once)
			text := "before"
			require.NoError(t, client.Do(t.Context(), http.MethodGet, "/x", nil, &text))
			require.Equal(t, want, text)
			var anything any
			require.NoError(t, client.Do(t.Context(), http.MethodPost, "/x", nil, &anything))
			require.Equal(t, want, anything)
		})
	}
}

// B88: a response to HEAD needs no body.
func TestDoHead(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(func(req *http.Request) (*http.Response, error) {
		resp, err := httpfake.Stream(200, http.NoBody)(req)
		resp.ContentLength = 10
		return resp, err
	})
	out := "before"
	require.NoError(t, sdktest.Client(t, transport, sdktest.Quick).Do(t.Context(), http.MethodHead, "/x", nil, &out))
	require.Equal(t, "before", out)
	require.Equal(t, 1, transport.Count())
}

// B88: a json.RawMessage must be valid JSON.
func TestDoRawMessage(t *testing.T) {
	t.Parallel()
	for _, in := range []json.RawMessage{json.RawMessage("{bad"), {}, json.RawMessage("{}{}")} {
		t.Run(string(in), func(t *testing.T) {
			t.Parallel()
			err := sdktest.Client(t, unsent(t)).Do(t.Context(), http.MethodPost, "/x", in, nil)
			require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
		})
	}
}

// B88: a path must be escaped, and is sent as it is given.
func TestDoPaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{ // "": rejected
		`/a?b=c;d`: "", `/a?b=%zz`: "", `/a?b=c%3Bd`: `/a?b=c%3Bd`,
		`/a\b`: "", `/a<b`: "", `/a"b`: "", `/a^b?c=d`: "", `/é`: "",
		`/a?`: `/a?`, `/a%2fb`: "", `/a%2Fb?c=%2f`: "", `/ab?c=%2f`: `/ab?c=%2f`,
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(400, ""))
			err := sdktest.Client(t, transport).Do(t.Context(), http.MethodGet, path, nil, nil)
			if want == "" {
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				require.Zero(t, transport.Count())
				return
			}
			require.Equal(t, sdktest.Endpoint+want, transport.Requests()[0].URL.String())
		})
	}
}
