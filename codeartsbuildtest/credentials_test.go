package codeartsbuildtest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type vector struct {
	Name, Algorithm, Method, URL, Host, Body string
	SK, Authorization                        string
	CanonicalRequest                         string      `json:"canonical_request"`
	Headers                                  [][2]string `json:"headers"`
}

// request is the vector as it arrives at a server.
func (v vector) request() *http.Request {
	r := httptest.NewRequest(v.Method, v.URL, strings.NewReader(v.Body))
	r.Host = v.Host
	for _, header := range v.Headers {
		r.Header.Add(header[0], header[1])
	}
	if strings.Contains(v.CanonicalRequest, "\n"+unsignedPayload) {
		r.Header.Set(contentHashHeader, unsignedPayload) // what the signer adds
	}
	r.Header.Set("Authorization", v.Authorization)
	return r
}

func TestSignatureVectors(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "signing_vectors.json"))
	require.NoError(t, err)
	var file struct{ Vectors []vector }
	require.NoError(t, json.Unmarshal(data, &file))
	checked := 0
	for _, v := range file.Vectors {
		if v.Algorithm != signatureAlgorithm {
			continue
		}
		checked++
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			r := v.request()
			_, names, signature, ok := parseAuthorization(v.Authorization)
			require.True(t, ok)
			canonical, ok := canonicalRequest(r, names, []byte(v.Body))
			require.True(t, ok)
			assert.Equal(t, v.CanonicalRequest, canonical)
			assert.Equal(t, signature, sign(v.SK, r.Header.Get(dateHeader), canonical))
		})
	}
	assert.Equal(t, 52, checked)
}

// signed is a request for the jobs as the documentation has it signed, spelled out step by step.
func signed(change func(headers map[string]string)) *http.Request {
	headers := map[string]string{"x-sdk-date": time.Now().UTC().Format(signatureDate)}
	if change != nil {
		change(headers)
	}
	r := httptest.NewRequest("GET", "/v1/job/list?search=1%20+&creator_id=2", http.NoBody)
	names := slices.Sorted(maps.Keys(headers))
	canonical := "GET\n/v1/job/list/\ncreator_id=2&search=1%20%20\n"
	for _, name := range names {
		r.Header.Set(name, headers[name])
		canonical += name + ":" + headers[name] + "\n"
	}
	canonical += "\n" + strings.Join(names, ";") + "\n" + hexSHA256(nil)
	r.Header.Set("Authorization", "SDK-HMAC-SHA256 Access="+accessKeyID+", SignedHeaders="+strings.Join(names, ";")+
		", Signature="+sign(accessKeySecret, headers["x-sdk-date"], canonical))
	return r
}

func TestSignedRequests(t *testing.T) {
	t.Parallel()
	clock := func(ahead time.Duration) func(map[string]string) {
		return func(h map[string]string) { h["x-sdk-date"] = time.Now().UTC().Add(ahead).Format(signatureDate) }
	}
	edit := func(old, replacement string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, replacement, 1))
		}
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	tests := map[string]struct {
		sign   func(headers map[string]string)
		tamper func(*http.Request)
		want   string // what the gateway says; empty: accepted
	}{
		"plain":                      {nil, nil, ""},
		"with more headers":          {func(h map[string]string) { h["x-project-id"] = "p"; h["user-agent"] = "a b" }, nil, ""},
		"temporary":                  {func(h map[string]string) { h["x-security-token"] = "t" }, nil, ""},
		"with its content hash":      {nil, set(contentHashHeader, hexSHA256(nil)), ""},
		"a clock 15 minutes ahead":   {clock(15 * time.Minute), nil, ""},
		"a clock 15 minutes behind":  {clock(-15 * time.Minute), nil, ""},
		"a clock too far ahead":      {clock(15*time.Minute + time.Second), nil, "x-sdk-date is more than 15 minutes off"},
		"a clock too far behind":     {clock(-15*time.Minute - time.Second), nil, "x-sdk-date is more than 15 minutes off"},
		"another body":               {nil, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("x")) }, "verify aksk signature fail"},
		"another path":               {nil, func(r *http.Request) { r.URL.Path = "/v1/domain/status" }, "verify aksk signature fail"},
		"another query":              {nil, func(r *http.Request) { r.URL.RawQuery += "&c=3" }, "verify aksk signature fail"},
		"a query nobody can read":    {nil, func(r *http.Request) { r.URL.RawQuery += "&c=3;d" }, "verify aksk signature fail"},
		"another content hash":       {nil, set(contentHashHeader, hexSHA256([]byte("x"))), "verify aksk signature fail"},
		"an unsigned payload, late":  {nil, set(contentHashHeader, unsignedPayload), "verify aksk signature fail"},
		"another signed header":      {func(h map[string]string) { h["x-project-id"] = "p" }, set("X-Project-Id", "q"), "verify aksk signature fail"},
		"a signed header is missing": {func(h map[string]string) { h["x-project-id"] = "p" }, func(r *http.Request) { r.Header.Del("X-Project-Id") }, "verify aksk signature fail"},
		"a security token, unsigned": {nil, set("X-Security-Token", "t"), "x-security-token is not signed"},
		"no date":                    {nil, func(r *http.Request) { r.Header.Del(dateHeader) }, "x-sdk-date is more than 15 minutes off"},
		"a date that is not signed":  {nil, edit("SignedHeaders=x-sdk-date", "SignedHeaders=x-other"), "x-sdk-date is not signed"},
		"an unknown key":             {nil, edit(accessKeyID, "OTHER"), "ak OTHER not exist"},
		"another algorithm":          {nil, edit("SDK-HMAC-SHA256", "SDK-HMAC-SM3"), "the Authorization header is not SDK-HMAC-SHA256"},
		"half a header":              {nil, edit(", Signature", ""), "the Authorization header is not SDK-HMAC-SHA256"},
		"a bearer token":             {nil, set("Authorization", "Bearer x"), "the Authorization header is not SDK-HMAC-SHA256"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := NewServer()
				r := signed(tt.sign)
				if tt.tamper != nil {
					tt.tamper(r)
				}
				w := httptest.NewRecorder()
				srv.ServeHTTP(w, r)
				got := response{status: w.Code, body: w.Body.String()}
				if tt.want == "" {
					assert.Equal(t, 200, got.status, got.body)
					return
				}
				assert.Equal(t, 401, got.status)
				assert.Equal(t, "APIGW.0301", got.value(t, "error_code"))
				assert.Equal(t, "Incorrect IAM authentication information: "+tt.want, got.value(t, "error_msg"))
			})
		})
	}
}
