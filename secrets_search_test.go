package codeartsbuild_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/spelled"
)

// serverFields are all fields that a server or a transport controls. Each returns a transport that puts a text
// there.
func serverFields() map[string]func(text string) httpfake.Func {
	fields := map[string]func(text string) httpfake.Func{}
	for place, body := range bodiesWithSecret {
		status := http.StatusForbidden
		if strings.HasPrefix(place, "success") {
			status = http.StatusOK
		}
		fields["body: "+place] = func(text string) httpfake.Func { return httpfake.Reply(status, strings.Replace(body, "%s", text, 1)) }
	}
	for place, body := range map[string]string{
		"name of a member":       `{"error_code":"DEV.CB.1","%s":"bad header"}`,
		"name in errors":         `{"errors":[{"%s":{"message":"bad"}}]}`,
		"names of the envelope":  `{"status":"%s","error":{"code":"%s","message":"%s","title":"%s"}}`,
		"errors, a text":         `{"errors":"%s"}`,
		"details":                `{"error_code":"DEV.CB.1","details":[{"error_msg":"%s"}]}`,
		"JSON in a string":       `"%s"`,
		"number with a text":     `{"error_code":17,"error_msg":["%s"]}`,
		"title at a cut":         `<html><title>` + strings.Repeat("no. ", 36) + `%s</title></html>`,
		"title after the cut":    `<html><title>` + strings.Repeat("no. ", 38) + `%s</title></html>`,
		"attribute of a page":    `<html><h1 class="%s">bad</h1><p>bad</p></html>`,
		"title in JSON at a cut": `{"error":{"code":400,"title":"` + strings.Repeat("no. ", 125) + `%s"}}`,
	} {
		for _, status := range []int{400, 404} {
			fields[fmt.Sprintf("body of a %d: %s", status, place)] = func(text string) httpfake.Func {
				return httpfake.Reply(status, strings.ReplaceAll(body, "%s", text), "Content-Type", "text/html")
			}
		}
	}
	for name, value := range map[string]string{
		"X-Request-Id": "%s", "X-Iam-Trace-Id": "a %s b", "X-Openstack-Request-Id": "%s-%s", "Retry-After": "%s", "Content-Type": "text/html; charset=%s",
		"Www-Authenticate": `Keystone uri="%s"`, "Date": "%s", "Server": "%s", "Content-Encoding": "%s", "Content-Length": "%s", "X-Subject-Token": "\x01%s", "Set-Cookie": "a=%s",
	} {
		for _, status := range []int{200, 403} {
			fields[fmt.Sprintf("%s of a %d", name, status)] = func(text string) httpfake.Func {
				return httpfake.Reply(status, "{", name, strings.ReplaceAll(value, "%s", text))
			}
		}
	}
	for name, value := range map[string]string{
		"place": "%s", "path": "https://login.example.com/%s", "query": "https://login.example.com/?a=%s", "host": "https://%s/login",
		"user": "https://%s@login.example.com/", "scheme": "%s://login.example.com/", "fragment": "https://login.example.com/#%s",
	} {
		fields["Location, the "+name] = func(text string) httpfake.Func {
			return httpfake.Reply(http.StatusTemporaryRedirect, "", "Location", strings.ReplaceAll(value, "%s", text))
		}
	}
	maps.Copy(fields, transportFields())
	maps.Copy(fields, payloadFields())
	return fields
}

// transportFields are the errors of transports and of bodies, and the parts of a response beside header and body.
func transportFields() map[string]func(text string) httpfake.Func {
	fields := map[string]func(text string) httpfake.Func{
		"status line": func(text string) httpfake.Func {
			return changed(httpfake.Reply(403, ""), func(resp *http.Response) { resp.Status, resp.Proto = "403 "+text, text })
		},
		"trailer": func(text string) httpfake.Func {
			return changed(httpfake.Reply(403, ""), func(resp *http.Response) { resp.Trailer = http.Header{"X-Auth-Token": {text}, text: {text}} })
		},
		"name of a header": func(text string) httpfake.Func { return httpfake.Reply(403, "", text, "x") },
	}
	for name, failure := range map[string]func(text string) error{
		"an error":       func(text string) error { return errors.New("malformed MIME header line: X-Auth-Token: " + text) },
		"a quoted error": func(text string) error { return fmt.Errorf("malformed HTTP response %q", text) },
		"a long error":   func(text string) error { return errors.New(strings.Repeat("no. ", 96) + text) },
		"the error of a URL": func(text string) error {
			return &url.Error{Op: "Post", URL: "https://x/?" + text, Err: errors.New(text)}
		},
		"a wrapped error of a URL": func(text string) error {
			return fmt.Errorf("%s: %w", text, &url.Error{Op: text, URL: text, Err: io.ErrUnexpectedEOF})
		},
		"a connection":      func(text string) error { return &net.OpError{Op: "dial", Net: "tcp", Err: errors.New(text)} },
		"a name":            func(text string) error { return &net.DNSError{Err: text, Name: text, IsNotFound: true} },
		"a request kept":    func(text string) error { return fmt.Errorf("limit of %s: %w", text, codeartsbuild.ErrNotSent) },
		"an ended context":  func(text string) error { return fmt.Errorf("%s: %w", text, context.Canceled) },
		"a join of errors":  func(text string) error { return errors.Join(errors.New(text), io.EOF, errors.New(text)) },
		"an HTTP/2 failure": func(text string) error { return fmt.Errorf("http2: Transport: cannot retry err [%s]", text) },
	} {
		fields["transport: "+name] = func(text string) httpfake.Func { return httpfake.Fail(failure(text)) }
		for _, status := range []int{200, 403} {
			fields[fmt.Sprintf("reading the body of a %d: %s", status, name)] = func(text string) httpfake.Func {
				return func(req *http.Request) (*http.Response, error) {
					body := io.MultiReader(strings.NewReader("line\n"), failingReader{failure(text)})
					return httpfake.Stream(status, body, "Content-Type", "application/octet-stream")(req)
				}
			}
		}
	}
	return fields
}

// payloadFields are those of records that come into errors, logs and outcomes.
func payloadFields() map[string]func(text string) httpfake.Func {
	fields := map[string]func(text string) httpfake.Func{}
	for name, record := range map[string]string{
		"branch of a build":      `{"build_no":"20","status":"building","branch":"%s"}`,
		"status of a build":      `{"build_no":"20","status":"%s"}`,
		"number of a build":      `{"build_no":"%s","status":"building"}`,
		"trigger of a build":     `{"build_no":"20","status":"building","trigger_type":"%s","trigger_name":"%s"}`,
		"job of a build":         `{"build_no":"20","codeci_job_id":"%s"}`,
		"error of a log":         `{"job_name":"%s","error_nodes":[{"step":"%s","error_info":{"error_code":"%s","error_message":"%s"}}]}`,
		"error of a wrong form":  `{"error_nodes":"%s","build_no":["%s"]}`,
		"name of a wrong form":   `{"error_nodes":{"%s":1},"build_no":{"%s":1}}`,
		"member of another form": `{"build_no":"20","start_time":"%s","%s":[]}`,
	} {
		fields["payload: "+name] = func(text string) httpfake.Func {
			return func(req *http.Request) (*http.Response, error) {
				if req.Method == http.MethodPost {
					return httpfake.Reply(200, `{"result":true}`)(req)
				}
				return httpfake.Reply(200, `{"status":"success","result":`+strings.ReplaceAll(record, "%s", text)+`}`)(req)
			}
		}
	}
	return fields
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

func changed(next httpfake.Func, change func(*http.Response)) httpfake.Func {
	return func(req *http.Request) (*http.Response, error) {
		resp, err := next(req)
		change(resp)
		return resp, err
	}
}

// written collects all that a client writes, by the way in which it is written.
type written struct {
	texts []string
	ways  []string
	log   logRecorder
}

func (w *written) logger() codeartsbuild.ClientOption {
	return codeartsbuild.WithLogger(slog.New(&w.log))
}

func (w *written) add(way, text string) { w.ways, w.texts = append(w.ways, way), append(w.texts, text) }

// value prints a value in every way.
func (w *written) value(name string, v any) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		w.add(name+" "+verb, fmt.Sprintf(verb, v))
	}
	encoded, _ := json.Marshal(v)
	w.add(name+" JSON", string(encoded))
}

// err prints an error, and each error in it.
func (w *written) err(name string, err error) {
	if err == nil {
		return
	}
	w.value(name, err)
	w.add(name+" printed", printedError(err))
	switch inner := err.(type) {
	case interface{ Unwrap() error }:
		w.err(name+" unwrapped", inner.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range inner.Unwrap() {
			w.err(name+" unwrapped", one)
		}
	}
}

// use makes calls of every kind, and collects their errors and outcomes.
func (w *written) use(ctx context.Context, client *codeartsbuild.Client) {
	w.err("Stop", sdktest.Stop(ctx, client))
	w.err("Run", sdktest.Run(ctx, client))
	number, names := 0, map[string]int{}
	w.err("Do", client.Do(ctx, http.MethodGet, "/v1/anything", nil, &number))
	w.err("Do, names", client.Do(ctx, http.MethodGet, "/v1/anything", nil, &names))
	plan := buildsPlan(sdktest.JobID, sdktest.BuildNo)
	build, err := client.Builds.Get(ctx, sdktest.JobID, sdktest.BuildNo)
	w.err("Get", err)
	if err == nil { // its branch comes into the log
		plan.Decisions[0].Build = build
	}
	_, err = client.Logs.Analysis(ctx, sdktest.JobID, sdktest.BuildNo)
	w.err("Analysis", err)
	_, err = client.Logs.Tail(ctx, sdktest.JobID, sdktest.BuildNo, 10)
	w.err("Tail", err)
	file, err := client.Logs.Download(ctx, "48c66c60-0296-4721-be53-7cdc6ce0297b")
	if err == nil {
		_, err = io.Copy(io.Discard, file)
		_ = file.Close()
	}
	w.err("Download", err)
	outcomes, err := client.Builds.StopPlanned(ctx, plan, nil)
	w.err("StopPlanned", err)
	for _, outcome := range outcomes {
		outcome.Build = nil // the payload
		w.value("outcome", outcome)
		w.err("outcome", outcome.Err)
	}
	w.add("decision", plan.Decisions[0].String())
	w.value("client", client)
}

// all returns everything, also the log as text and as JSON.
func (w *written) all() string {
	var text, encoded bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&encoded, nil)} {
		for _, record := range w.log.all() {
			_ = handler.Handle(context.Background(), record)
		}
	}
	w.add("text log", text.String())
	w.add("JSON log", encoded.String())
	texts := slices.Sorted(slices.Values(w.texts)) // many are equal
	return strings.Join(slices.Compact(texts), "\n")
}

// A hiddenSecret is a secret of requests, and a client or a login that sends it.
type hiddenSecret struct {
	of  func(*http.Request) string
	use func(t *testing.T, transport http.RoundTripper, w *written)
}

func hiddenSecrets() map[string]hiddenSecret {
	always := func(secret string) func(*http.Request) string { return func(*http.Request) string { return secret } }
	with := func(credential codeartsbuild.ClientOption) func(*testing.T, http.RoundTripper, *written) {
		return func(t *testing.T, transport http.RoundTripper, w *written) {
			w.use(t.Context(), sdktest.ClientWith(t, credential, transport, sdktest.Once, w.logger()))
		}
	}
	key := with(codeartsbuild.WithAccessKeySource(sdktest.TemporaryKey(sdktest.SecurityToken)))
	login := func(t *testing.T, transport http.RoundTripper, w *written) {
		cfg := sdktest.IAMConfig("https://iam.example.com")
		cfg.Transport = transport
		source := sdktest.TokenSource(t, cfg)
		w.err("Stop", sdktest.Stop(t.Context(), sdktest.Client(t, httpfake.Func(httpfake.Refused), codeartsbuild.WithTokenSource(source), sdktest.Once, w.logger())))
		_, err := source.Token(t.Context())
		w.err("Token", err)
		w.value("source", source)
	}
	return map[string]hiddenSecret{
		"token":          {always(shortToken), with(codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(shortToken)))},
		"long token":     {always(sdktest.Token), with(codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(sdktest.Token)))},
		"secret key":     {always(sdktest.SecretKey), key},
		"security token": {always(sdktest.SecurityToken), key},
		"signature": {func(req *http.Request) string {
			_, signature, _ := strings.Cut(req.Header.Get("Authorization"), "Signature=")
			return signature
		}, key},
		"password":      {always(sdktest.Password), login},
		"one-time code": {always(sdktest.Passcode), login},
	}
}

// commonSpellings are those that are tried with every secret. The token has all.
var commonSpellings = []string{"markup, JSON", "percent, twice", "JSON, all escaped"}

var allSecrets = flag.Bool("secrets.all", false, "search all combinations of secret, field and spelling, not a quarter of them")

// B160: each secret in each field that a server controls, in each spelling: nothing that the client writes has it.
func TestNoSecretInAnythingWritten(t *testing.T) {
	t.Parallel()
	fields, secrets := serverFields(), hiddenSecrets()
	var combinations, searched atomic.Int64
	t.Run("search", func(t *testing.T) {
		for kind, secret := range secrets {
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				for spelling, spell := range spelled.All() {
					if kind != "token" && !slices.Contains(commonSpellings, spelling) {
						continue
					}
					for field, respond := range fields {
						if !*allSecrets && rand.N(4) > 0 {
							continue
						}
						combinations.Add(1)
						searched.Add(int64(searchWritten(t, secret, spell, respond, field+", spelled "+spelling)))
					}
				}
			})
		}
	})
	t.Logf("%d combinations of %d fields, %d spellings and %d secrets; %d texts searched",
		combinations.Load(), len(fields), len(spelled.All()), len(secrets), searched.Load())
	require.GreaterOrEqual(t, combinations.Load(), int64(1000))
}

// searchWritten returns how many texts the client wrote.
func searchWritten(t *testing.T, hidden hiddenSecret, spell func(string) string, respond func(string) httpfake.Func, where string) (searched int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { // pauses between logins take no time
		var w written
		secrets := map[string]bool{}
		hidden.use(t, httpfake.Func(func(req *http.Request) (*http.Response, error) {
			secret := hidden.of(req)
			if secret != "" { // the store of a file gets none
				secrets[secret] = true
			}
			return respond(spell(secret))(req)
		}), &w)
		all := w.all()
		searched = len(w.texts)
		for secret := range secrets {
			require.NotEmpty(t, spelled.PieceOf(spell(secret), secret), "the search does not see this spelling")
			if piece := spelled.PieceOf(all, secret); piece != "" {
				for i, text := range w.texts {
					require.Empty(t, spelled.PieceOf(text, secret), "%s: %s: %.1000s", where, w.ways[i], text)
				}
			}
		}
	})
	return searched
}
