package codeartsbuild_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/signing"
)

const uploaded = `{"result":{"keystore_id":"bc34909aa9e642c3982b26076fb92342"},"error":null,"status":"success"}`

// readOnce hides every method of a reader but Read.
type readOnce struct{ io.Reader }

// A formPart is a part of a form, as text.
type formPart struct{ name, file, content string }

// partsOf reads a form to its end.
func partsOf(header http.Header, body io.Reader) ([]formPart, error) {
	req := &http.Request{Method: http.MethodPost, Header: header, Body: io.NopCloser(body)}
	form, err := req.MultipartReader()
	if err != nil {
		return nil, err
	}
	var parts []formPart
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			_, err = io.Copy(io.Discard, body)
			return parts, err
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		parts = append(parts, formPart{part.FormName(), part.FileName(), string(content)})
	}
}

func upload(ctx context.Context, c *codeartsbuild.Client, in *codeartsbuild.KeystoreUpload, opts ...codeartsbuild.CallOption) error {
	_, err := c.Keystores.Upload(ctx, in, opts...)
	return err
}

func TestUploadSendsAForm(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   codeartsbuild.KeystoreUpload
		want []formPart
	}{
		"a seeker": {
			codeartsbuild.KeystoreUpload{Name: "release.jks", File: strings.NewReader("content"), Privacy: true, Description: "for releases"},
			[]formPart{{"privacy", "", "true"}, {"description", "", "for releases"}, {"file", "release.jks", "content"}},
		},
		"a reader of known size": {
			codeartsbuild.KeystoreUpload{Name: "a.pem", File: readOnce{strings.NewReader("content")}, Size: 7},
			[]formPart{{"privacy", "", "false"}, {"file", "a.pem", "content"}},
		},
		"a seeker that stands behind its start": {
			codeartsbuild.KeystoreUpload{Name: "a.pem", File: behindStart(t, "header content", 7)},
			[]formPart{{"privacy", "", "false"}, {"file", "a.pem", "content"}},
		},
		"a reader that gives one byte at a time": {
			codeartsbuild.KeystoreUpload{Name: "a.pem", File: iotest.OneByteReader(strings.NewReader("content")), Size: 7},
			[]formPart{{"privacy", "", "false"}, {"file", "a.pem", "content"}},
		},
		"a reader that ends with its last bytes": {
			codeartsbuild.KeystoreUpload{Name: "a.pem", File: iotest.DataErrReader(strings.NewReader("content")), Size: 7},
			[]formPart{{"privacy", "", "false"}, {"file", "a.pem", "content"}},
		},
		"names and texts of any kind": {
			codeartsbuild.KeystoreUpload{Name: `密钥 "1".key`, File: strings.NewReader("\x00\r\n--"), Description: "密\r\n钥"},
			[]formPart{{"privacy", "", "false"}, {"description", "", "密\r\n钥"}, {"file", `密钥 "1".key`, "\x00\r\n--"}},
		},
		"a large file": {
			codeartsbuild.KeystoreUpload{Name: "a.xml", File: strings.NewReader(strings.Repeat("x", 1<<20))},
			[]formPart{{"privacy", "", "false"}, {"file", "a.xml", strings.Repeat("x", 1<<20)}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(http.StatusOK, uploaded))
			result, err := sdktest.Client(t, transport).Keystores.Upload(t.Context(), &tt.in)
			require.NoError(t, err)
			require.Equal(t, &codeartsbuild.KeystoreUploadResult{ID: "bc34909aa9e642c3982b26076fb92342"}, result)
			seen := transport.Requests()[0]
			require.Equal(t, "POST /v2/keystore/upload", seen.Method+" "+seen.URL.RequestURI())
			require.EqualValues(t, len(seen.Body), seen.ContentLength)
			parts, err := partsOf(seen.Header, strings.NewReader(seen.Body))
			require.NoError(t, err)
			require.Equal(t, tt.want, parts)
		})
	}
}

func behindStart(t *testing.T, text string, offset int64) io.Reader {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	_, err = file.WriteString(text)
	require.NoError(t, err)
	_, err = file.Seek(offset, io.SeekStart)
	require.NoError(t, err)
	return file
}

var versions = map[string]func(*httptest.Server){"HTTP/1": httpfake.TLS, "HTTP/2": httpfake.HTTP2}

func TestUploadOverTheWire(t *testing.T) {
	t.Parallel()
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := httpfake.Listen(t, httpfake.Handler(http.StatusOK, uploaded), version)
			client := sdktest.Client(t, service.Client().Transport, codeartsbuild.WithEndpoint(service.URL))
			require.NoError(t, upload(t.Context(), client, &codeartsbuild.KeystoreUpload{Name: "a.pem", File: strings.NewReader("content")}))
			got := service.Requests()[0]
			parts, err := partsOf(got.Header, strings.NewReader(got.Body))
			require.NoError(t, err)
			require.Equal(t, []formPart{{"privacy", "", "false"}, {"file", "a.pem", "content"}}, parts)
			require.EqualValues(t, len(got.Body), got.ContentLength)
		})
	}
}

func TestUploadRejected(t *testing.T) {
	t.Parallel()
	pipe, sent, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = pipe.Close(), sent.Close() })
	file := func(in codeartsbuild.KeystoreUpload, opts ...codeartsbuild.CallOption) func(context.Context, *codeartsbuild.Client) error {
		return func(ctx context.Context, c *codeartsbuild.Client) error { return upload(ctx, c, &in, opts...) }
	}
	some := readOnce{strings.NewReader("content")}
	testRejected(t, map[string]func(context.Context, *codeartsbuild.Client) error{
		"nothing":                   func(ctx context.Context, c *codeartsbuild.Client) error { return upload(ctx, c, nil) },
		"no file":                   file(codeartsbuild.KeystoreUpload{Name: "a.pem", Size: 1}),
		"a nil pointer":             file(codeartsbuild.KeystoreUpload{Name: "a.pem", File: (*bytes.Reader)(nil), Size: 1}),
		"no name":                   file(codeartsbuild.KeystoreUpload{File: some}),
		"a path":                    file(codeartsbuild.KeystoreUpload{Name: "../a.pem", File: some}),
		"a path of Windows":         file(codeartsbuild.KeystoreUpload{Name: `C:\a.pem`, File: some}),
		"a line break in the name":  file(codeartsbuild.KeystoreUpload{Name: "a.pem\r\nX: y", File: some}),
		"a name that is not UTF-8":  file(codeartsbuild.KeystoreUpload{Name: "\xe4.pem", File: some}),
		"a description likewise":    file(codeartsbuild.KeystoreUpload{Name: "a.pem", File: some, Description: "\xe4"}),
		"a negative size":           file(codeartsbuild.KeystoreUpload{Name: "a.pem", File: some, Size: -1}),
		"no size":                   file(codeartsbuild.KeystoreUpload{Name: "a.pem", File: some}),
		"no size of a pipe":         file(codeartsbuild.KeystoreUpload{Name: "a.pem", File: pipe}),
		"an empty file":             file(codeartsbuild.KeystoreUpload{Name: "a.pem", File: strings.NewReader("")}),
		"a member of a JSON body":   file(codeartsbuild.KeystoreUpload{Name: "a.pem", File: some, Size: 7}, codeartsbuild.WithBodyField("a", 1)),
		"a seeker that cannot seek": file(codeartsbuild.KeystoreUpload{Name: "a.pem", File: &limping{strings.NewReader("content")}}),
	})
}

// A limping reader knows where it stands, and cannot go anywhere else.
type limping struct{ *strings.Reader }

func (*limping) Seek(_ int64, whence int) (int64, error) {
	if whence == io.SeekCurrent {
		return 0, nil
	}
	return 0, errors.New("cannot seek")
}

// B124: A file that is not what was announced breaks the upload off: the service has not got it.
func TestUploadOfAWrongFile(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 100_000)
	plain := func() io.Reader { return readOnce{strings.NewReader(text)} }
	seeker := func() io.Reader { return strings.NewReader(text) }
	broken := func() io.Reader { return io.MultiReader(strings.NewReader(text), iotest.ErrReader(errDisk)) }
	tests := map[string]struct {
		file  func() io.Reader
		size  int64
		cause error
		text  string
	}{
		"too short":             {plain, 100_001, io.ErrUnexpectedEOF, "the file must have the announced size of 100001 bytes, but has 100000: unexpected EOF"},
		"too short, a seeker":   {seeker, 200_000, io.ErrUnexpectedEOF, "the file must have the announced size of 200000 bytes, but has 100000: unexpected EOF"},
		"too long":              {plain, 99_999, nil, "the file must have the announced size of 99999 bytes, but has more"},
		"too long, a seeker":    {seeker, 1, nil, "the file must have the announced size of 1 bytes, but has more"},
		"broken":                {broken, 200_000, errDisk, "the file cannot be read: no space left on device"},
		"broken behind its end": {broken, 100_000, errDisk, "the file cannot be read: no space left on device"},
	}
	for name, tt := range tests {
		for number, version := range versions {
			t.Run(name+" over "+number, func(t *testing.T) {
				t.Parallel()
				service := httpfake.Listen(t, httpfake.Handler(http.StatusOK, uploaded), version)
				client := sdktest.Client(t, service.Client().Transport, codeartsbuild.WithEndpoint(service.URL), sdktest.Quick)
				err := upload(t.Context(), client, &codeartsbuild.KeystoreUpload{Name: "a.pem", File: tt.file(), Size: tt.size})
				require.EqualError(t, err, "codeartsbuild: UploadKeystore: "+tt.text)
				require.Empty(t, sdktest.Kinds(err))
				if tt.cause != nil {
					require.ErrorIs(t, err, tt.cause)
				}
				service.Close() // waits for the handlers
				require.LessOrEqual(t, len(service.Requests()), 1)
				for _, got := range service.Requests() {
					require.Less(t, int64(len(got.Body)), got.ContentLength, "the form did not arrive whole")
				}
			})
		}
	}
}

// B124: An upload is sent once, unless the service did not process it and the file can be read again.
func TestUploadIsSentOnce(t *testing.T) {
	t.Parallel()
	const busy, denied = `{"error_code":"APIGW.0308","error_msg":"throttled"}`, `{"error_code":"APIGW.0307","error_msg":"expired"}`
	half := func(req *http.Request) (*http.Response, error) {
		_, _ = io.CopyN(io.Discard, req.Body, 500)
		_ = req.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	early := func(req *http.Request) (*http.Response, error) {
		_ = req.Body.Close()
		return httpfake.Reply(http.StatusOK, uploaded)(&http.Request{})
	}
	ok := httpfake.Reply(http.StatusOK, uploaded)
	tests := map[string]struct {
		first  httpfake.Func
		seeker []string // the kinds of the error, for a file that can be read again; nil: it succeeds after two requests
		plain  []string // and for one that cannot
	}{
		"throttled":              {httpfake.Reply(429, busy), nil, []string{"ErrTooManyRequests"}},
		"not available":          {httpfake.Reply(503, ""), nil, []string{"ErrInternalServerError"}},
		"token expired":          {httpfake.Reply(401, denied), nil, []string{"ErrUnauthorized"}},
		"refused":                {httpfake.Refused, nil, nil},
		"given up unread":        {func(*http.Request) (*http.Response, error) { return nil, io.EOF }, nil, nil},
		"cut off half-way":       {half, nil, []string{}},
		"response lost":          {httpfake.Lost, []string{"ErrOutcomeUnknown"}, []string{"ErrOutcomeUnknown"}},
		"bad gateway":            {httpfake.Reply(502, ""), []string{"ErrInternalServerError", "ErrOutcomeUnknown"}, []string{"ErrInternalServerError", "ErrOutcomeUnknown"}},
		"rejected":               {httpfake.Reply(400, `{"error_code":"CB.00060213"}`), []string{"ErrBadRequest"}, []string{"ErrBadRequest"}},
		"success before the end": {early, []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}, []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"success without an id":  {httpfake.Reply(200, `{"status":"success"}`), []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}, []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"redirected":             {httpfake.Reply(307, "", "Location", "https://other.example.com/"), []string{"ErrUnexpectedResponse"}, []string{"ErrUnexpectedResponse"}},
	}
	text := strings.Repeat("x", 1000)
	for name, tt := range tests {
		for kind, want := range map[string][]string{"seeker": tt.seeker, "plain": tt.plain} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				transport := httpfake.Script(tt.first, ok)
				tokens := codeartsbuild.NewCachedTokenSource(codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) {
					return codeartsbuild.NewToken("token", time.Time{}), nil
				}))
				in := &codeartsbuild.KeystoreUpload{Name: "a.pem", File: strings.NewReader(text), Size: 1000}
				if kind == "plain" {
					in.File = readOnce{in.File}
				}
				err := upload(t.Context(), sdktest.Client(t, transport, sdktest.Quick, codeartsbuild.WithTokenSource(tokens)), in)
				if want == nil {
					require.NoError(t, err)
					require.Len(t, transport.Requests(), 2)
					require.Contains(t, transport.Requests()[1].Body, "\r\n\r\n"+text+"\r\n--")
					return
				}
				require.Error(t, err)
				require.Equal(t, want, sdktest.Kinds(err))
				require.Equal(t, 1, transport.Count())
			})
		}
	}
}

// A request whose body was not read has not reached the service.
func TestUploadThatWasNotSent(t *testing.T) {
	t.Parallel()
	client := sdktest.Client(t, httpfake.Func(func(*http.Request) (*http.Response, error) { return nil, io.EOF }), sdktest.Quick)
	err := upload(t.Context(), client, &codeartsbuild.KeystoreUpload{Name: "a.pem", File: readOnce{strings.NewReader("content")}, Size: 7})
	require.ErrorIs(t, err, codeartsbuild.ErrNotSent)
	require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
}

// B124: The error says why a file is not sent again.
func TestUploadThatCannotBeReadAgain(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]io.Reader{
		"a reader":                  readOnce{strings.NewReader("content")},
		"a seeker that cannot seek": &limping{strings.NewReader("content")},
	} {
		client := sdktest.Client(t, httpfake.Script(httpfake.Reply(503, "")), sdktest.Quick)
		err := upload(t.Context(), client, &codeartsbuild.KeystoreUpload{Name: "a.pem", File: file, Size: 7})
		require.ErrorContains(t, err, "not retried: the file cannot be read again", name)
	}
}

// A slowFile takes a second for each Read.
type slowFile struct {
	*strings.Reader
	reading atomic.Bool
	reads   atomic.Int32
}

func (f *slowFile) Read(p []byte) (int, error) {
	f.reading.Store(true)
	defer f.reading.Store(false)
	f.reads.Add(1)
	time.Sleep(time.Second)
	return f.Reader.Read(p[:min(len(p), 10)])
}

func (f *slowFile) Seek(offset int64, whence int) (int64, error) {
	if f.reading.Load() {
		return 0, errors.New("a Read is under way")
	}
	return f.Reader.Seek(offset, whence)
}

// B124: A transport may go on reading after it has returned. The next attempt has the file to itself, and so has its owner.
func TestUploadToATransportThatReadsOn(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 100)
	for name, status := range map[string]int{"another attempt": 503, "no other attempt": 400} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var seen []formPart
				first := true
				transport := httpfake.Func(func(req *http.Request) (resp *http.Response, err error) {
					if !first {
						seen, err = partsOf(req.Header, req.Body)
						require.NoError(t, err)
						return httpfake.Reply(http.StatusOK, uploaded)(&http.Request{})
					}
					first = false
					go func() { _, _ = io.Copy(io.Discard, req.Body) }()
					synctest.Wait() // it is in a Read now
					return httpfake.Reply(status, "{}")(&http.Request{})
				})
				file := &slowFile{Reader: strings.NewReader(text)}
				err := upload(t.Context(), sdktest.Client(t, transport, sdktest.Quick), &codeartsbuild.KeystoreUpload{Name: "a.pem", File: file})
				require.False(t, file.reading.Load())
				reads := file.reads.Load()
				time.Sleep(time.Hour)
				require.Equal(t, reads, file.reads.Load(), "nothing reads the file any more")
				if status == 503 {
					require.NoError(t, err)
					require.Equal(t, []formPart{{"privacy", "", "false"}, {"file", "a.pem", text}}, seen)
				} else {
					require.EqualValues(t, 1, reads)
					require.Error(t, err)
				}
			})
		})
	}
}

// A file that hangs ends with the context or the timeout, and then nothing was uploaded.
func TestUploadOfAFileThatHangs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		limit time.Duration // of the context; 0: none
		opts  []codeartsbuild.CallOption
		want  []string
		took  time.Duration
	}{
		"the context ends": {5 * time.Second, nil, []string{"DeadlineExceeded"}, 5 * time.Second},
		"the timeout ends": {0, []codeartsbuild.CallOption{codeartsbuild.WithTimeout(3 * time.Second)}, []string{}, 3 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				file, sent := io.Pipe()
				go func() { _, _ = io.WriteString(sent, "content") }()
				transport := httpfake.Func(func(req *http.Request) (*http.Response, error) {
					go func() { _, _ = io.Copy(io.Discard, req.Body) }()
					<-req.Context().Done()
					return nil, req.Context().Err()
				})
				ctx := t.Context()
				if tt.limit > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.limit)
					defer cancel()
				}
				start := time.Now()
				err := upload(ctx, sdktest.Client(t, transport), &codeartsbuild.KeystoreUpload{Name: "a.pem", File: file, Size: 100}, tt.opts...)
				require.Error(t, err)
				require.Equal(t, tt.want, sdktest.Kinds(err))
				require.Equal(t, tt.took, time.Since(start))
				_ = sent.Close()
			})
		})
	}
}

// B124: However large a file is, hardly more than a buffer of it is held.
func TestUploadMemory(t *testing.T) {
	const size = 256 << 20
	transport := httpfake.Func(func(req *http.Request) (*http.Response, error) {
		n, err := io.Copy(io.Discard, req.Body)
		require.NoError(t, err)
		require.Greater(t, n, int64(size))
		return httpfake.Reply(http.StatusOK, uploaded)(&http.Request{})
	})
	client := sdktest.Client(t, transport)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	require.NoError(t, upload(t.Context(), client, &codeartsbuild.KeystoreUpload{Name: "a.xml", File: io.LimitReader(zeros{}, size), Size: size}))
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<10))
}

// The signature does not cover a form, since that is read only while it is sent.
func TestUploadIsSigned(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(httpfake.Reply(http.StatusOK, uploaded))
	client := sdktest.NewClient(t, codeartsbuild.WithEndpoint(sdktest.Endpoint), codeartsbuild.WithTransport(transport),
		codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey("AK", "secret-key")))
	require.NoError(t, upload(t.Context(), client, &codeartsbuild.KeystoreUpload{Name: "a.pem", File: strings.NewReader("content")}))
	sent := transport.Requests()[0].Request
	require.Equal(t, "UNSIGNED-PAYLOAD", sent.Header.Get("X-Sdk-Content-Sha256"))
	at, err := time.Parse("20060102T150405Z", sent.Header.Get("X-Sdk-Date"))
	require.NoError(t, err)
	again := sent.Clone(t.Context())
	signing.Sign(again, nil, signing.Key{ID: "AK", Secret: "secret-key"}, at)
	require.Equal(t, again.Header.Get("Authorization"), sent.Header.Get("Authorization"))
	require.Contains(t, sent.Header.Get("Authorization"), "x-sdk-content-sha256")
}
