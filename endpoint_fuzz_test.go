package codeartsbuild

import (
	"errors"
	"strings"
	"testing"
)

// Each accepted endpoint is an origin that a credential may go to. An error does not repeat a password.
func FuzzParseEndpoint(f *testing.F) {
	for _, endpoint := range []string{
		"", "https://build.example.com", "https://build.example.com/", "https://build.example.com/a/b/", "https://build.example.com//", "https://build.example.com/a%2fb", "https://build.example.com/%2e%2e", "HTTPS://EXAMPLE.COM:443",
		"http://build.example.com", "http://127.0.0.1:1", "http://localhost", "http://[::1]:8080", "http://127.0.0.1.example.com", "http://0x7f.1", "http://[::ffff:127.0.0.1]", "http://localhost@evil.example.com", "http://2130706433",
		"https://user:secret-word@example.com", "https://user@example.com", "https://example.com?q=1", "https://example.com#f", "https://example.com?", "https:example.com", "https:///path", "ftp://example.com", "//example.com", "https://exa mple.com", "https://example.com\r\nX: y", "https://例え.example.com", "https://example.com:99999",
	} {
		f.Add(endpoint, false)
		f.Add(endpoint, true)
	}
	f.Fuzz(func(t *testing.T, endpoint string, insecure bool) {
		u, err := parseEndpoint(endpoint, insecure, "the option that allows it")
		if err != nil {
			if u != nil || !errors.Is(err, ErrInvalidArgument) {
				t.Fatalf("%v, %v", u, err)
			}
			requireProperties(t, errorProperties, err)
			if strings.Contains(endpoint, "secret-word") && strings.Contains(err.Error(), "secret-word") && !strings.Contains(err.Error(), "to secret-word") {
				t.Fatalf("the error repeats the password: %v", err)
			}
			return
		}
		switch {
		case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" || u.Hostname() == "":
			t.Fatalf("%q is %#v", endpoint, u)
		case u.Scheme != "https" && (u.Scheme != "http" || (!insecure && !isLoopback(u.Hostname()))):
			t.Fatalf("%q sends a credential over %s to %s", endpoint, u.Scheme, u.Host)
		case strings.HasSuffix(u.Path, "/") || strings.Contains(u.Path, "//"):
			t.Fatalf("%q has the path %q", endpoint, u.Path)
		}
		if again, err := parseEndpoint(u.String(), insecure, ""); err != nil || again.String() != u.String() {
			t.Fatalf("%q is %s, read again %v, %v", endpoint, u, again, err)
		}
	})
}
