package codeartsbuild_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/spelled"
)

// requireRemoved requires that an error shows no piece of a secret, in any spelling and in any way of printing.
func requireRemoved(t *testing.T, err error, secret string, spelling ...string) {
	t.Helper()
	require.Error(t, err)
	text := printedError(err)
	if piece := spelled.PieceOf(text, secret); piece != "" {
		t.Fatalf("%q of the secret, spelled %s, is in %s", piece, spelling, text)
	}
}

// requireEchoRemoved makes calls whose service and IAM repeat a secret in their response: as the token, as the security
// token and as the password. It requires errors of that response without the secret.
func requireEchoRemoved(t *testing.T, echo http.RoundTripper, secret string, spelling ...string) {
	t.Helper()
	credentials := []codeartsbuild.ClientOption{
		codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(secret)), codeartsbuild.WithAccessKeySource(sdktest.TemporaryKey(secret)),
	}
	if !isASCII(secret) { // only a password need not be
		credentials = nil
	}
	for _, credential := range credentials {
		client := sdktest.NewClient(t, codeartsbuild.WithEndpoint(sdktest.Endpoint), codeartsbuild.WithTransport(echo), sdktest.Once, credential)
		_, read := client.Builds.Get(t.Context(), sdktest.JobID, sdktest.BuildNo)
		for _, err := range []error{sdktest.Stop(t.Context(), client), read} {
			sdktest.APIError(t, err)
			requireRemoved(t, err, secret, spelling...)
		}
	}
	cfg := sdktest.IAMConfig("https://iam.example.com")
	cfg.Password, cfg.Transport = codeartsbuild.StaticSecret(secret), echo
	_, err := sdktest.TokenSource(t, cfg).Token(t.Context())
	sdktest.APIError(t, err)
	requireRemoved(t, err, secret, spelling...)
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

// shortToken has the characters of base64 that some spellings escape.
const shortToken = "MIIToken+8Qz/4Kw9Rv2Xy7Tj3Lm6Np1Bc5Df0Gh=="

// bodiesWithSecret repeat a secret. The place of %s gets it, spelled for JSON. Those of a success come with the status 200.
var bodiesWithSecret = map[string]string{
	"message":                     `{"error_code":"DEV.CB.1","error_msg":"bad header X-Auth-Token: %s, says the gateway"}`,
	"code":                        `{"error_code":"%s","error_msg":"bad header"}`,
	"other member":                `{"error_code":"DEV.CB.1","error_msg":"bad header","request":{"headers":{"X-Auth-Token":["%s"]}}}`,
	"nested error":                `{"status":"error","error":{"code":"CB.00060200","reason":"%s"}}`,
	"array":                       `{"errors":[{"code":"CB.00060200","message":"%s"}]}`,
	"success that is an error":    `{"error_code":"CB.00060200","error_msg":"%s"}`,
	"success that is not JSON":    `{"error_code":"CB.00060200","error_msg":"%s"`,
	"success of the wrong form":   `{"result":"%s"}`,
	"text":                        `bad header X-Auth-Token: %s`,
	"page":                        `<html><title>bad header %s</title></html>`,
	"page without a title":        `<html><h1>bad</h1><p>header %s</p></html>`,
	"page with a secret at a cut": `<html><p>` + strings.Repeat("no. ", 35) + `%s</p></html>`,
	"text with a secret at a cut": strings.Repeat("no. ", 36) + `%s`,
	"message at a cut":            `{"error_code":"DEV.CB.1","error_msg":"` + strings.Repeat("no. ", 125) + `%s"}`,
	"body at a cut":               `{"error_code":"DEV.CB.1","error_msg":"bad header","padding":"` + strings.Repeat("no. ", 1000) + strings.Repeat(".", 20) + `%s"}`,
}

// B6: a secret that a response repeats is removed, in each place and in each spelling.
func TestRedactionOfEchoedSecret(t *testing.T) {
	t.Parallel()
	secrets := []string{
		shortToken,
		`Every"Quote\Back/Slash<Less>More&And'Single=Equals`,
		strings.Repeat("MIILongToken/Part+Of=It", 40),
		"密码Wörterbuch🚀Schlüssel鍵",
	}
	for place, body := range bodiesWithSecret {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			status := http.StatusForbidden
			if strings.HasPrefix(place, "success") {
				status = http.StatusOK
			}
			synctest.Test(t, func(t *testing.T) { // a login whose response is unreadable is retried
				for spelling, spell := range spelled.JSON {
					for _, secret := range secrets {
						echo := httpfake.Reply(status, strings.Replace(body, "%s", spell(secret), 1))
						requireEchoRemoved(t, echo, secret, spelling)
					}
				}
			})
		})
	}
}

// B87: the same for the spellings of addresses and of HTML, inside JSON too.
func TestRedactionOfMarkupSpellings(t *testing.T) {
	t.Parallel()
	const secret = `Edge"Quote&And+Plus/Slash=Equals<Less%Sign`
	places := map[string]func(string) string{
		"message": func(s string) string {
			return `{"error_code":"IAM.0001","error_msg":"bad ` + spelled.InsideJSON(s, nil) + `, says the gateway"}`
		},
		"title": func(s string) string { return `<html><title>bad ` + s + `</title></html>` },
		"nested": func(s string) string {
			return `"` + spelled.InsideJSON(`{"error":{"code":"IAM.0001","reason":"`+spelled.InsideJSON(s, nil)+`"}}`, nil) + `"`
		},
		"escaped by JSON": func(s string) string { // & is \u0026 there
			body, err := json.Marshal(map[string]string{"error_code": "IAM.0001", "error_msg": "bad " + s})
			require.NoError(t, err)
			return string(body)
		},
		"escaped twice": func(s string) string {
			body, err := json.Marshal(map[string]string{"reason": "bad " + s})
			require.NoError(t, err)
			body, err = json.Marshal(map[string]string{"error_code": "IAM.0001", "error": string(body)})
			require.NoError(t, err)
			return string(body)
		},
		"at the end": func(s string) string {
			return `{"error_code":"IAM.0001","error_msg":"` + strings.Repeat("no. ", 120) + spelled.InsideJSON(s, nil) + `"}`
		},
	}
	for place, body := range places {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			for spelling, spell := range spelled.Markup {
				requireEchoRemoved(t, httpfake.Reply(http.StatusUnauthorized, body(spell(secret))), secret, spelling)
			}
		})
	}
}

// B6: a secret in a header that becomes the request id is removed.
func TestRedactionOfResponseHeader(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"X-Request-Id", "X-Iam-Trace-Id", "X-Openstack-Request-Id"} {
		for _, status := range []int{307, 403} {
			t.Run(fmt.Sprintf("%s of a %d", name, status), func(t *testing.T) {
				t.Parallel()
				for _, secret := range []string{shortToken, sdktest.Token, sdktest.Password} {
					requireEchoRemoved(t, httpfake.Reply(status, "", name, secret+"-"+secret), secret)
				}
			})
		}
	}
}

// B6: a login that is rejected for its form may quote the password in any spelling, so that only the title is
// kept.
func TestRedactionOfLoginKeepsTitleOnly(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		body   string
		want   string // ErrorMsg
	}{
		"Keystone quotes the password": {status: 400, body: `{"error":{"code":400,"message":"Invalid input for field 'identity'\n\nOn instance['identity']:\n    {'password': {'user': {'password': 'quoted in Python \\x57ire'}}}","title":"Bad Request"}}`, want: "Bad Request"},
		"413 in the other envelope":    {status: 413, body: `{"message":"Request is too large: quoted in Python","code":"413 Request Entity Too Large","title":"Request Entity Too Large"}`, want: "Request Entity Too Large"},
		"a message without a title":    {status: 400, body: `{"error":{"code":400,"message":"quoted in Python"}}`},
		"405 with a message alone":     {status: 405, body: `{"message":"quoted in Python"}`},
		"text":                         {status: 400, body: `quoted in Python`},
		"a page with a title":          {status: 400, body: `<html><title>Bad Request</title><p>quoted in Python</p></html>`, want: "Bad Request"},
		"a page without a title":       {status: 413, body: `<html><p>quoted in Python</p></html>`},
		"JSON in a string":             {status: 400, body: `"{\"error\":{\"message\":\"quoted in Python\",\"title\":\"Bad Request\"}}"`, want: "Bad Request"},
		"broken JSON":                  {status: 400, body: `{"error":{"message":"quoted in Python","title":"Bad Request"`},
		"401, which quotes nothing":    {status: 401, body: `{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}`, want: "The request you have made requires authentication."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := sdktest.IAMConfig("https://iam.example.com")
			cfg.Transport = httpfake.Reply(tt.status, tt.body)
			_, err := sdktest.TokenSource(t, cfg).Token(t.Context())
			apiErr := sdktest.APIError(t, err)
			require.Equal(t, tt.status, apiErr.StatusCode)
			require.Equal(t, tt.want, apiErr.ErrorMsg)
			require.NotContains(t, err.Error(), "quoted in Python")
			require.NotContains(t, string(apiErr.Body), "quoted in Python")
		})
	}
}

// B6: the in-memory IAM quotes the password as a real one does.
func TestRedactionOfPasswordEchoedByIAM(t *testing.T) {
	t.Parallel()
	f := sdktest.NewJob(t)
	cfg := f.IAMConfig()
	cfg.Password = codeartsbuild.StaticSecret(sdktest.Password)
	f.Next(sdktest.OpLogin, sdktest.Before(func(r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		broken := bytes.Replace(body, []byte(`"methods"`), []byte(`"method"`), 1)
		r.Body = io.NopCloser(bytes.NewReader(broken))
	}))
	_, err := sdktest.TokenSource(t, cfg).Token(t.Context())
	require.ErrorIs(t, err, codeartsbuild.ErrBadRequest)
	requireRemoved(t, err, sdktest.Password)
}

// B87: net/http quotes a response that it cannot read.
func TestRedactionOfUnreadableResponse(t *testing.T) {
	t.Parallel()
	responses := map[string]string{ // the place of %s gets the token
		"header line":     "HTTP/1.1 200 OK\r\nX-Auth-Token %s\r\nContent-Length: 2\r\n\r\n{}",
		"status line":     "HTTP/1.1 %s\r\n\r\n",
		"protocol":        "%s 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"chunked trailer": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\n{}\r\n0\r\nX-Auth-Token %s\r\n\r\n",
	}
	tokens := map[string]string{"short": shortToken, "long": strings.Repeat("MIILongToken+Part/7=Q", 100)}
	for name, response := range responses {
		for length, token := range tokens {
			t.Run(name+"/"+length, func(t *testing.T) {
				t.Parallel()
				server := httpfake.Listen(t, httpfake.Hijack(t, func(conn net.Conn) { _, _ = fmt.Fprintf(conn, response, token) }))
				kept := &logRecorder{}
				client := sdktest.Client(t, nil, codeartsbuild.WithEndpoint(server.URL), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(token)), sdktest.Once,
					codeartsbuild.WithLogger(slog.New(kept)))
				err := sdktest.Stop(t.Context(), client)
				requireRemoved(t, err, token)
				require.Contains(t, err.Error(), "[removed]")
				logged := 0
				for _, record := range kept.all() {
					record.Attrs(func(a slog.Attr) bool {
						if a.Key == "error" {
							logged++
						}
						require.Empty(t, spelled.PieceOf(a.Value.String(), token), a.Key)
						return true
					})
				}
				require.NotZero(t, logged)
			})
		}
	}
}

// B161: a secret is removed before its text is split or cut, and the error that remains is told.
func TestRedactionBeforeTextsAreSplit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		transport httpfake.Func
		want      string
	}{
		"host of a redirect":          {httpfake.Reply(302, "", "Location", "https://"+shortToken+"/login"), "unexpected response: redirect to [removed] not followed (302)"},
		"path of a redirect":          {httpfake.Reply(302, "", "Location", "https://login.example.com/"+shortToken), "unexpected response: redirect to login.example.com not followed (302)"},
		"redirect on the same host":   {httpfake.Reply(302, "", "Location", "/"+shortToken), "unexpected response: redirect to the same host not followed (302)"},
		"Content-Encoding":            {httpfake.Reply(403, "", "Content-Encoding", shortToken), "Forbidden (403)"},
		"Content-Encoding of success": {httpfake.Reply(200, "", "Content-Encoding", shortToken), "unexpected response: the response was cut off: the response has the Content-Encoding [removed], which was not asked for (200); outcome unknown: the request may have taken effect"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := sdktest.Client(t, tt.transport, codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(shortToken)), sdktest.Once)
			err := sdktest.Stop(t.Context(), client)
			require.EqualError(t, err, "codeartsbuild: StopJob: "+tt.want)
			requireRemoved(t, err, shortToken)
		})
	}
}

// B161: the same for the title of a page in the response to a login.
func TestRedactionOfLongTitleOfLogin(t *testing.T) {
	t.Parallel()
	title := strings.Repeat("no. ", 37)
	cfg := sdktest.IAMConfig("https://iam.example.com")
	cfg.Transport = httpfake.Reply(400, "<html><title>"+title+sdktest.Password+"</title></html>")
	_, err := sdktest.TokenSource(t, cfg).Token(t.Context())
	require.Equal(t, title+"[removed]", sdktest.APIError(t, err).ErrorMsg)
}

// B161: the errors of a file that is being read stay the same, unless they quote a secret.
func TestRedactionWhileAFileIsRead(t *testing.T) {
	t.Parallel()
	for failure, want := range map[error]string{
		errors.New("malformed MIME header line: X-Auth-Token " + shortToken): "malformed MIME header line: X-Auth-Token [removed]",
		&url.Error{Op: "Get", URL: "/?" + shortToken, Err: io.EOF}:           "EOF",
		io.ErrUnexpectedEOF: "unexpected EOF",
	} {
		transport := httpfake.Func(func(req *http.Request) (*http.Response, error) {
			body := io.MultiReader(strings.NewReader("a line\n"), failingReader{failure})
			return httpfake.Stream(200, body, "Content-Type", "application/octet-stream")(req)
		})
		client := sdktest.Client(t, transport, codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(shortToken)))
		file, err := client.Logs.Download(t.Context(), "48c66c60-0296-4721-be53-7cdc6ce0297b")
		require.NoError(t, err)
		text, err := io.ReadAll(file)
		require.Equal(t, "a line\n", string(text))
		require.EqualError(t, err, want)
		require.Equal(t, failure == io.ErrUnexpectedEOF, errors.Is(err, io.ErrUnexpectedEOF))
		require.NoError(t, file.Close())
	}
}

// B160: the status line of a proxy comes into the error.
func TestRedactionOfProxyResponse(t *testing.T) {
	t.Parallel()
	for spelling, spell := range spelled.All() {
		proxy := httpfake.Listen(t, httpfake.Hijack(t, func(conn net.Conn) { _, _ = fmt.Fprintf(conn, "HTTP/1.1 403 %s\r\n\r\n", spell(shortToken)) }))
		address, err := url.Parse(proxy.URL)
		require.NoError(t, err)
		transport := codeartsbuild.NewTransport()
		transport.Proxy = http.ProxyURL(address)
		client := sdktest.Client(t, transport, codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(shortToken)), sdktest.Once)
		err = sdktest.Stop(t.Context(), client)
		require.ErrorContains(t, err, "the proxy rejected the connection: 403 ")
		require.ErrorContains(t, err, "[removed]")
		requireRemoved(t, err, shortToken, spelling)
	}
}

// B87: the signature of a request is removed, the id of the key is not.
func TestRedactionOfSignature(t *testing.T) {
	t.Parallel()
	var signature string
	transport := httpfake.Func(func(req *http.Request) (*http.Response, error) {
		sent := req.Header.Get("Authorization")
		_, signature, _ = strings.Cut(sent, "Signature=")
		return httpfake.Reply(400, `{"error_code":"APIGW.0301","error_msg":"bad `+sent+`"}`)(req)
	})
	err := sdktest.Stop(t.Context(), sdktest.NewClient(t, codeartsbuild.WithEndpoint(sdktest.Endpoint), codeartsbuild.WithTransport(transport),
		codeartsbuild.WithAccessKeySource(sdktest.TemporaryKey(sdktest.SecurityToken))))
	require.Len(t, signature, 64)
	requireRemoved(t, err, signature)
	require.Contains(t, err.Error(), "Access="+sdktest.AccessKeyID)
}

// B6, B35: a token that is quoted where a text is cut leaves no part in the error.
func TestRedactionWhereTextsAreCut(t *testing.T) {
	t.Parallel()
	piece := sdktest.Token[:24]
	quote := "X-Auth-Token: " + sdktest.Token
	bodies := map[string]struct {
		status int
		body   string
	}{
		"documented form":                    {400, `{"error_code":"CB.00060200","error_msg":"bad header ` + quote + `"}`},
		"documented form, far back":          {400, `{"error_code":"CB.00060200","error_msg":"` + strings.Repeat("x", 500) + quote + `"}`},
		"as a code":                          {400, `{"error_code":"` + sdktest.Token + `"}`},
		"text":                               {400, quote},
		"text, far back":                     {400, strings.Repeat("x ", 70) + quote},
		"HTML":                               {502, "<html><body><pre>" + quote + "</pre></body></html>"},
		"title":                              {502, "<title>" + quote + "</title>"},
		"text with a 200":                    {200, quote},
		"across the end of the kept body":    {400, `{"error_msg":"` + strings.Repeat("x", 4<<10-200) + quote + `"}`},
		"across the end of the read part":    {400, strings.Repeat("x", 64<<10-200) + quote},
		"across the end of the snippet":      {400, "<p>" + strings.Repeat("<b></b>", 280) + quote},
		"nothing but tokens":                 {400, strings.Repeat(sdktest.Token+" ", 200)},
		"nothing but tokens, in JSON":        {400, `{"error_msg":"` + strings.Repeat(sdktest.Token+" ", 200) + `"}`},
		"across the end of the kept success": {200, strings.Repeat("x", 4<<10-200) + quote},
	}
	for name, tt := range bodies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			apiErr := stopError(t, tt.status, tt.body)
			for what, text := range map[string]string{
				"Error": apiErr.Error(), "ErrorMsg": apiErr.ErrorMsg, "ErrorCode": apiErr.ErrorCode, "Body": string(apiErr.Body), "%+v": fmt.Sprintf("%+v", apiErr), "%#v": fmt.Sprintf("%#v", apiErr),
			} {
				require.False(t, strings.Contains(text, piece), "%s shows the token: %.300s", what, text)
				require.False(t, strings.Contains(text, sdktest.Token[200:224]), "%s shows a part of the token: %.300s", what, text)
			}
		})
	}
}

// B6: a server may quote the request in any spelling. With the statuses that may do so, only the title of the
// response is kept, and no body.
func TestRejectedLoginQuotesPassword(t *testing.T) {
	t.Parallel()
	password := "p\"ä/ss<&>\\w'\u2028rd"
	quoted, err := json.Marshal(map[string]string{"password": password})
	require.NoError(t, err)
	spellings := map[string]string{
		"JSON":       string(quoted),
		"u escapes":  `{"password":"\u0070\u0022\u00e4\u002f\u0073\u0073\u003c\u0026\u003e\u005cw'\u2028rd"}`,
		"Python":     `{'password': 'p"\xe4/ss<&>\\w\'\u2028rd'}`,
		"HTML":       `password=p&quot;&auml;/ss&lt;&amp;&gt;\w&#39;&#8232;rd`,
		"form":       `password=p%22%C3%A4%2Fss%3C%26%3E%5Cw%27%E2%80%A8rd`,
		"base64":     `Basic cCLDpC9zczwmPlx3J+KAqHJk`,
		"upper case": `P"Ä/SS<&>\W'RD`,
	}
	asText := func(text string) string {
		encoded, _ := json.Marshal(text)
		return string(encoded)
	}
	const mark = "what-was-quoted"
	for name, spelling := range spellings {
		spelling = mark + " " + spelling
		for _, tt := range []struct {
			kind   string
			status int
			body   string
		}{
			{"Keystone", 400, `{"error":{"code":400,"message":` + asText(spelling) + `,"title":"Bad Request"}}`},
			{"Keystone", 413, `{"code":"413 Request Entity Too Large","message":` + asText(spelling) + `,"title":"Request Entity Too Large"}`},
			{"IAM", 400, `{"error_code":"IAM.0007","error_msg":` + asText(spelling) + `}`},
			{"text", 400, "cannot read: " + spelling},
			{"text", 413, spelling},
			{"page", 400, `<html><title>400 Bad Request</title><body>` + spelling + `</body></html>`},
			{"JSON text", 400, asText("cannot read: " + spelling)},
			{"text", 422, spelling},
			{"page", 308, `<html><body>` + spelling + `</body></html>`},
		} {
			t.Run(fmt.Sprintf("%s in a %d of the form %s", name, tt.status, tt.kind), func(t *testing.T) {
				t.Parallel()
				cfg := loginConfig(httpfake.Script(httpfake.Reply(tt.status, tt.body)))
				cfg.Password = codeartsbuild.StaticSecret(password)
				token, err := sdktest.TokenSource(t, cfg).Token(t.Context())
				requireLoginAPIError(t, token, err, password, mark)
			})
		}
	}
}

// B6: a secret across the place where a text is cut is removed as well.
func TestLoginSecretWhereTextIsCut(t *testing.T) {
	t.Parallel()
	const start = "Build3r-Pa55" // enough to guess the rest
	code := codeartsbuild.StaticSecret("c0de-of-this-minute")
	for _, status := range []int{201, 401, 500} {
		for form, body := range map[string]func(padding, secrets string) string{
			"text":    func(padding, secrets string) string { return padding + secrets },
			"page":    func(padding, secrets string) string { return "<p>" + padding + secrets + "</p>" },
			"title":   func(padding, secrets string) string { return "<title>" + padding + secrets + "</title>" },
			"message": func(padding, secrets string) string { return `{"error":{"message":"` + padding + secrets + `"}}` },
			"code":    func(padding, secrets string) string { return `{"error_code":"` + padding + secrets + `"}` },
		} {
			t.Run(fmt.Sprintf("%s in a %d", form, status), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var lengths []int
					for _, edge := range []int{64, 160, 400, 512, 2 << 10, 4 << 10} {
						for before := 0; before < 48; before += 2 {
							lengths = append(lengths, edge-before)
						}
					}
					for _, n := range lengths {
						response := httpfake.Reply(status, body(strings.Repeat("x", n), loginPassword+" c0de-of-this-minute"), "X-Subject-Token", loginToken)
						cfg := loginConfig(httpfake.Script(response))
						cfg.Passcode = code
						token, err := sdktest.TokenSource(t, cfg).Token(t.Context())
						requireLoginError(t, token, err, start, "c0de-of-this")
						if t.Failed() {
							return
						}
					}
				})
			})
		}
	}
}

// A secret that is not the content of a text cannot be removed from JSON.
func TestResponseThatQuotesASecretOutsideATextIsNotRead(t *testing.T) {
	t.Parallel()
	const secret = `true,"b":1`
	source := codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(secret))
	client := sdktest.ClientWith(t, source, httpfake.Reply(200, `{"result":`+secret+`}`), sdktest.Once)
	err := sdktest.Stop(t.Context(), client)
	require.Equal(t, []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}, sdktest.Kinds(err))
	require.ErrorContains(t, err, "the response quotes a secret of the request")
	require.NotContains(t, err.Error(), secret)
}

// B160: a success that repeats the token fills no field with it, however large it is. A piece of text that is too short to
// be a secret stays.
func TestRedactionOfSuccess(t *testing.T) {
	t.Parallel()
	const large = 1<<20 + 1 // from here on only the secret as it is is searched for
	tests := map[string]struct {
		secret, echo string
		size         int // of another field
		want         string
	}{
		"as it is":                          {secret: shortToken, echo: "a" + shortToken + "z", want: "a[removed]z"},
		"escaped":                           {secret: shortToken, echo: fmt.Sprintf(`\u%04x`, shortToken[0]) + shortToken[1:], want: "[removed]"},
		"of eight characters":               {secret: "t0k3n-8c", echo: "t0k3n-8c", want: "[removed]"},
		"of seven characters":               {secret: "t0k3n-7", echo: "t0k3n-7", want: "t0k3n-7"},
		"large: as it is":                   {secret: shortToken, echo: "a" + shortToken + "z", size: large, want: "a[removed]z"},
		"large: of eight characters":        {secret: "t0k3n-8c", echo: "t0k3n-8c", size: large, want: "[removed]"},
		"large: of seven characters":        {secret: "t0k3n-7", echo: "t0k3n-7", size: large, want: "t0k3n-7"},
		"shorter than the secret, and none": {secret: strings.Repeat(shortToken, 200), echo: "main", want: "main"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `{"result":{"build_no":"` + sdktest.BuildNo + `","branch":"` + tt.echo + `","commit_message":"` + strings.Repeat("x", tt.size) + `"}}`
			client := sdktest.Client(t, httpfake.Reply(200, body), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(tt.secret)))
			build, err := client.Builds.Get(t.Context(), sdktest.JobID, sdktest.BuildNo)
			require.NoError(t, err)
			require.Equal(t, tt.want, build.Branch)
			require.Len(t, build.CommitMessage, tt.size)
		})
	}
}
