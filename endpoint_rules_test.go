package codeartsbuild

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// B123: NewClient rejects a host or port that cannot exist. The first call would be too late.
func TestEndpointHostAndPort(t *testing.T) {
	t.Parallel()
	const brackets, port = "must stand in brackets", "port must be 1 to 65535"
	for endpoint, want := range map[string]string{
		"https://2001:db8::1":                        brackets,
		"https://2001:db8::1:443":                    brackets,
		"https://::1":                                brackets,
		"https://fe80::1/v3":                         brackets,
		"https://a.example.com:1:2":                  brackets,
		"https://a.example.com/v1/../v3":             "dot segments",
		"https://a.example.com/%2E":                  "dot segments",
		"https://a.example.com/v1/%252e%252e":        "dot segments",
		"https://a.example.com/v1/...":               "",
		"https://[2001:db8::1]":                      "",
		"https://[2001:db8::1]:8443":                 "",
		"https://a.example.com:65536":                port,
		"https://a.example.com:0":                    port,
		"https://[::1]:99999":                        port,
		"https://a.example.com:99999999999999999999": port,
		"https://a.example.com:65535":                "",
		"https://a.example.com:1":                    "",
		"https://a.example.com":                      "",
	} {
		_, err := NewClient(WithEndpoint(endpoint), WithTokenSource(StaticToken("token")))
		if want == "" {
			require.NoError(t, err, endpoint)
			continue
		}
		require.ErrorIs(t, err, ErrInvalidArgument, endpoint)
		require.ErrorContains(t, err, want, endpoint)
	}
}

// B123: A secret that was read from a file with its line break makes every signature wrong.
func TestAccessKeyThatNoServiceIssues(t *testing.T) {
	t.Parallel()
	for _, key := range [][2]string{
		{"AK", "hidden\n"}, {"AK", "hidden\r\n"}, {"AK", "\ufeffhidden"}, {"AK", "hid den"}, {"AK", "hidden\x00"}, {"AK", "hiddén"},
		{"AK\n", "hidden"}, {" AK", "hidden"}, {"A,K", "hidden"},
	} {
		_, err := NewClient(WithEndpoint("https://build.example.com"), WithAccessKeySource(StaticAccessKey(key[0], key[1])))
		require.ErrorIs(t, err, ErrInvalidArgument, "%q", key)
		require.NotContains(t, err.Error(), "hid")
	}
	_, err := NewClient(WithEndpoint("https://build.example.com"), WithAccessKeySource(StaticAccessKey("AK", "s/e+c=r-e_t")))
	require.NoError(t, err)
}
