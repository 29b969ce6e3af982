package codeartsbuild_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// An edgeEndless is a body that says nothing until it is closed.
type edgeEndless struct {
	once   sync.Once
	closed chan struct{}
}

func (b *edgeEndless) Read([]byte) (int, error) {
	select {
	case <-b.closed:
		return 0, http.ErrBodyReadAfterClose
	case <-time.After(24 * time.Hour): // so that a reader fails the test, and no more
		return 0, io.EOF
	}
}

func (b *edgeEndless) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

func TestB84WhatFollowsAStatusUnder200IsNotRead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		call  edgeCall
		kinds []string
	}{
		"stop": {edgeStop, []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"run":  {edgeRun, []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"read": {edgeRead, []string{"ErrUnexpectedResponse"}},
	}
	for name, tt := range tests {
		for _, status := range []int{1, 99, 100, 101, 103, 199} {
			t.Run(fmt.Sprintf("B84 %d and then silence/%s", status, name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					body := &edgeEndless{closed: make(chan struct{})}
					client := edgeClient(t, nil, func(req *http.Request) (*http.Response, error) {
						answer := wireAnswer(req, status, "")
						answer.Body, answer.ContentLength = body, -1
						return answer, nil
					}, answerOnce)
					started := time.Now()
					err := tt.call(t.Context(), client)
					require.Zero(t, time.Since(started))
					require.Equal(t, tt.kinds, answerAre(err))
					var apiErr *codeartsbuild.APIError
					require.ErrorAs(t, err, &apiErr)
					require.Equal(t, status, apiErr.StatusCode)
					select {
					case <-body.closed:
					default:
						t.Error("the body is still open")
					}
				})
			})
		}
	}
}

func TestB84SilenceAfterAStatusUnder200OnAConnection(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"B84 101":            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
		"B84 101, too short": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\nContent-Length: 100\r\n\r\n{",
		"B84 99":             "HTTP/1.1 099 Odd\r\n\r\n",
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := wireListen(t, edgeHijack(t, func(conn net.Conn) {
				_, _ = io.WriteString(conn, answer)
				_, _ = io.Copy(io.Discard, conn) // until the client hangs up
			}))
			client := wireClient(t, server.URL, wireOnce, codeartsbuild.WithTimeout(time.Hour))
			ended := make(chan []error, 1)
			go func() { ended <- []error{edgeStop(t.Context(), client), edgeRead(t.Context(), client)} }()
			select {
			case errs := <-ended:
				require.Equal(t, []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}, answerAre(errs[0]))
				require.Equal(t, []string{"ErrUnexpectedResponse"}, answerAre(errs[1]))
			case <-time.After(30 * time.Second): // much longer than a call takes that does not wait
				t.Error("the call waits for what follows the status")
			}
		})
	}
}

// edgeHijack answers by hand.
func edgeHijack(t *testing.T, answer func(net.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		answer(conn)
	}
}

func TestAnswerWithoutAStatusIsClosed(t *testing.T) {
	t.Parallel()
	body := &edgeEndless{closed: make(chan struct{})}
	client := edgeClient(t, nil, func(*http.Request) (*http.Response, error) {
		return &http.Response{Body: body}, nil
	}, answerOnce)
	require.Equal(t, []string{"ErrOutcomeUnknown"}, answerAre(edgeStop(t.Context(), client)))
	select {
	case <-body.closed:
	default:
		t.Error("the body is still open")
	}
}

// edgeRequireRemoved requires that an error shows no piece of a secret, spelled as in addresses and in HTML
// included.
func edgeRequireRemoved(t *testing.T, err error, secret string) {
	t.Helper()
	require.Error(t, err)
	text := iamPrinted(err)
	plain := regexp.MustCompile(`%[0-9A-Fa-f]{2}`).ReplaceAllStringFunc(html.UnescapeString(text), func(s string) string {
		r, _ := url.PathUnescape(s)
		return r
	})
	for _, shown := range []string{text, plain} {
		if piece := wirePiece(shown, secret); piece != "" {
			t.Fatalf("%q of the secret is in %s", piece, text)
		}
	}
}

func TestB87AnswerThatCannotBeReadQuotesTheToken(t *testing.T) {
	t.Parallel()
	answers := map[string]string{ // the place of %s gets the token
		"B87 header line":     "HTTP/1.1 200 OK\r\nX-Auth-Token %s\r\nContent-Length: 2\r\n\r\n{}",
		"B87 status line":     "HTTP/1.1 %s\r\n\r\n",
		"B87 protocol":        "%s 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"B87 chunked trailer": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\n{}\r\n0\r\nX-Auth-Token %s\r\n\r\n",
	}
	tokens := map[string]string{"usual": wireToken, "long": strings.Repeat("MIIEdgeToken+Part/7=Q", 100)}
	for name, answer := range answers {
		for length, token := range tokens {
			t.Run(name+"/"+length, func(t *testing.T) {
				t.Parallel()
				server := wireListen(t, edgeHijack(t, func(conn net.Conn) { _, _ = fmt.Fprintf(conn, answer, token) }))
				kept := &wireLog{}
				client := wireClient(t, server.URL, codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(token)), wireOnce,
					codeartsbuild.WithLogger(slog.New(kept)))
				err := edgeStop(t.Context(), client)
				edgeRequireRemoved(t, err, token)
				require.Contains(t, err.Error(), "[removed]")
				logged := 0
				for _, record := range kept.all() {
					record.Attrs(func(a slog.Attr) bool {
						if a.Key == "error" {
							logged++
						}
						require.Empty(t, wirePiece(a.Value.String(), token), a.Key)
						return true
					})
				}
				require.NotZero(t, logged)
			})
		}
	}
}

var edgePercent = regexp.MustCompile(`%[0-9A-F]{2}`)

// edgeSpellings are those of addresses and of HTML, and those of JSON for comparison.
var edgeSpellings = map[string]func(string) string{
	"percent":           url.QueryEscape,
	"percent of a path": url.PathEscape,
	"percent, lower case": func(s string) string {
		return edgePercent.ReplaceAllStringFunc(url.QueryEscape(s), strings.ToLower)
	},
	"percent, every character": func(s string) string { return "%" + strings.TrimSuffix(edgeEach(s, "%02x%%"), "%") },
	"HTML":                     html.EscapeString,
	"HTML with +":              func(s string) string { return strings.ReplaceAll(html.EscapeString(s), "+", "&#43;") },
	"HTML by name":             strings.NewReplacer("&", "&amp;", `"`, "&quot;", "<", "&lt;").Replace,
	"HTML, hexadecimal":        strings.NewReplacer("&", "&#x26;", `"`, "&#x22;", "+", "&#x2B;", "/", "&#x2f;").Replace,
	"HTML, every character":    func(s string) string { return edgeEach(s, "&#%d;") },
	"JSON":                     func(s string) string { return s },
}

func edgeEach(text, format string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

func TestB87SecretThatComesBackInOtherSpellings(t *testing.T) {
	t.Parallel()
	const secret = `Edge"Quote&And+Plus/Slash=Equals<Less%Sign`
	places := map[string]func(string) string{
		"message": func(s string) string {
			return `{"error_code":"IAM.0001","error_msg":"bad ` + wireInside(s, nil) + `, says the gateway"}`
		},
		"title": func(s string) string { return `<html><title>bad ` + s + `</title></html>` },
		"nested": func(s string) string {
			return `"` + wireInside(`{"error":{"code":"IAM.0001","reason":"`+wireInside(s, nil)+`"}}`, nil) + `"`
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
			return `{"error_code":"IAM.0001","error_msg":"` + strings.Repeat("no. ", 120) + wireInside(s, nil) + `"}`
		},
	}
	for spelling, spell := range edgeSpellings {
		for place, body := range places {
			t.Run("B87 "+spelling+"/"+place, func(t *testing.T) {
				t.Parallel()
				mock := wireMock(http.StatusUnauthorized, body(spell(secret)), nil)
				client := edgeClient(t, codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(secret)), mock.RoundTrip)
				edgeRequireRemoved(t, edgeStop(t.Context(), client), secret)

				client = edgeClient(t, codeartsbuild.WithAccessKeySource(wireKeySource{
					codeartsbuild.NewTemporaryAccessKey("AKWIRE", wireSecretKey, secret, time.Time{}),
				}), mock.RoundTrip)
				edgeRequireRemoved(t, edgeStop(t.Context(), client), secret)

				cfg := wireIAM("https://iam.example.com")
				cfg.Password, cfg.Transport = codeartsbuild.StaticSecret(secret), mock
				_, err := wireIAMSource(t, cfg).Token(t.Context())
				edgeRequireRemoved(t, err, secret)
			})
		}
	}
}

func TestB87SignatureThatComesBackIsRemoved(t *testing.T) {
	t.Parallel()
	var signature string
	client := edgeClient(t, codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey("AKWIRE", wireSecretKey)),
		func(req *http.Request) (*http.Response, error) {
			sent := req.Header.Get("Authorization")
			_, signature, _ = strings.Cut(sent, "Signature=")
			return wireAnswer(req, 400, `{"error_code":"APIGW.0301","error_msg":"bad `+sent+`"}`), nil
		})
	err := edgeStop(t.Context(), client)
	require.Len(t, signature, 64)
	edgeRequireRemoved(t, err, signature)
	require.Contains(t, err.Error(), "Access=AKWIRE")
}

func TestContextThatATransportPrintsShowsNoBody(t *testing.T) {
	t.Parallel()
	printed := map[string]string{}
	cfg := wireIAM("https://iam.example.com")
	cfg.Transport = answerTransport(func(req *http.Request) (*http.Response, error) {
		for _, format := range wireFormats() {
			printed[format] = fmt.Sprintf(format, req.Context())
		}
		printed["String"] = fmt.Sprint(req.Context())
		if s, ok := req.Context().(fmt.Stringer); ok {
			printed["String of its own"] = s.String()
		}
		return wireAnswer(req, 401, ""), nil
	})
	_, err := wireIAMSource(t, cfg).Token(t.Context())
	require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)
	require.NotEmpty(t, printed)
	for format, text := range printed {
		wireRequireHidden(t, format, text)
	}
}
