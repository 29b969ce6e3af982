package codeartsbuild

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A hesitantReader brings no bytes in so many reads before each byte.
type hesitantReader struct {
	text  string
	empty int
	reads int
}

func (r *hesitantReader) Read(p []byte) (int, error) {
	if r.reads++; r.reads%(r.empty+1) != 0 {
		return 0, nil
	}
	if r.text == "" {
		return 0, io.EOF
	}
	n := copy(p[:1], r.text)
	r.text = r.text[n:]
	return n, nil
}

// A reader may bring no bytes now and then, as io.Reader allows, but not for ever.
func TestReadAllFromAHesitantReader(t *testing.T) {
	t.Parallel()
	for empty, want := range map[int]error{0: nil, 1: nil, maxEmptyReads - 1: nil, maxEmptyReads: io.ErrNoProgress} {
		body, more, err := readAll(&hesitantReader{text: "abc", empty: empty}, make([]byte, 0, 2), 100)
		require.False(t, more)
		require.ErrorIs(t, err, want, "%d empty reads", empty)
		require.Equal(t, want == nil, string(body) == "abc", "%q after %d empty reads", body, empty)
	}
}

type closeCounter struct {
	io.Reader
	closed int
}

func (c *closeCounter) Close() error { c.closed++; return nil }

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// B78: the redirect to a store has a body, or none, and its connection is given back before the store is asked.
func TestRedirectToAStoreIsClosed(t *testing.T) {
	t.Parallel()
	body := &closeCounter{Reader: strings.NewReader("moved")}
	for name, redirect := range map[string]io.ReadCloser{"a body": body, "none": nil} {
		client, err := NewClient(WithEndpoint("https://example.com"), WithTokenSource(StaticToken("token")),
			WithTransport(transportFunc(func(r *http.Request) (*http.Response, error) {
				if r.URL.Host == "example.com" {
					return &http.Response{StatusCode: 302, Header: http.Header{"Location": {"https://store.example.com/x"}}, Body: redirect}, nil
				}
				require.Equal(t, redirect != nil, body.closed == 1, name)
				return &http.Response{StatusCode: 200, ContentLength: 1, Body: io.NopCloser(strings.NewReader("a"))}, nil
			})))
		require.NoError(t, err)
		file, err := client.Logs.Download(t.Context(), "48c66c60-0296-4721-be53-7cdc6ce0297b")
		require.NoError(t, err, name)
		text, err := io.ReadAll(file)
		require.NoError(t, err)
		require.Equal(t, "a", string(text))
		body.closed = 0
	}
}
