package codeartsbuild_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

const opDownload = "DownloadBuildFullLog"

// recordOf is the record of a build, for downloads.
func recordOf(t *testing.T, client *codeartsbuild.Client, job, no string) string {
	t.Helper()
	build, err := client.Builds.Get(t.Context(), job, no)
	require.NoError(t, err)
	return build.RecordID
}

// B78: a whole log, also after lost attempts.
func TestDownload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		client := f.Client()
		for _, want := range []string{"", "a line\n", strings.Repeat(logLine(1), 10_000)} {
			no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusSucceeded})
			f.AppendLog(f.JobID, no, want)
			record := recordOf(t, client, f.JobID, no)
			f.Next(opDownload, codeartsbuildtest.Reply(503, ""), codeartsbuildtest.DropAnswer())
			var response codeartsbuild.Response
			file, err := client.Logs.Download(t.Context(), record, codeartsbuild.WithResponseInto(&response))
			require.NoError(t, err)
			got, err := io.ReadAll(file)
			require.NoError(t, err)
			require.NoError(t, file.Close())
			require.Equal(t, want, string(got))
			require.Equal(t, 3, response.Attempts)
		}
		_, err := client.Logs.Download(t.Context(), logRecordID)
		require.ErrorIs(t, err, codeartsbuild.ErrNotFound)
		before := len(f.Requests())
		for _, record := range []string{"", "..", sdktest.JobID, logRecordID[:35] + "/", logRecordID + "3"} {
			file, err := client.Logs.Download(t.Context(), record)
			require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument, "record %q", record)
			require.Nil(t, file)
		}
		require.Equal(t, before, len(f.Requests()))
	})
}

// moved is a fault that redirects with any status.
func moved(status int, location string) codeartsbuildtest.Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if location != "" {
				w.Header().Set("Location", location)
			}
			w.WriteHeader(status)
		})
	}
}

func serveFile(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = io.WriteString(w, "a line\n")
}

// B78: a redirect to a store is followed once, as it was given and without the credential.
func TestDownloadRedirectedToAStore(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, signed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d, signed %t", status, signed), func(t *testing.T) {
				t.Parallel()
				store := httpfake.Listen(t, serveFile, httpfake.TLS)
				f := sdktest.NewJob(t)
				f.Start()
				transport := codeartsbuild.WithTransport(store.Client().Transport)
				client := f.Client(transport)
				id, secret := f.AccessKey()
				if signed {
					client = sdktest.NewClient(t, codeartsbuild.WithEndpoint(f.URL), transport, codeartsbuild.WithProjectID("0123456789abcdef"),
						codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(id, secret)))
				}
				record := recordOf(t, client, f.JobID, f.StartBuild(f.JobID))
				f.Next(opDownload, moved(status, store.URL+"/logs/1?Signature=s%2Fe+c"))

				file, err := client.Logs.Download(t.Context(), record)
				require.NoError(t, err)
				got, err := io.ReadAll(file)
				require.NoError(t, err)
				require.NoError(t, file.Close())
				require.Equal(t, "a line\n", string(got))

				require.Equal(t, 1, f.Count(opDownload))
				own := f.Requests()[len(f.Requests())-1].Header
				credential := own.Get("X-Auth-Token")
				if signed {
					credential = own.Get("Authorization")
				}
				require.NotEmpty(t, credential)
				arrived := store.Requests()
				require.Len(t, arrived, 1, "followed once")
				require.Equal(t, "GET /logs/1?Signature=s%2Fe+c", arrived[0].Method+" "+arrived[0].RequestURI, "as it was given")
				for name, values := range arrived[0].Header {
					require.Contains(t, []string{"Accept", "Accept-Encoding", "User-Agent"}, name)
					for _, value := range values {
						require.NotContains(t, value, credential)
						require.NotContains(t, value, id)
						require.NotContains(t, value, secret)
					}
				}
			})
		}
	}
}

// B78: any other redirect is not followed, and another store's response is never quoted.
func TestDownloadRedirectThatIsNotFollowed(t *testing.T) {
	t.Parallel()
	const signature = "Signature=s3cr3t"
	plain := httpfake.Listen(t, serveFile)
	second := httpfake.Listen(t, serveFile, httpfake.TLS)
	tests := map[string]struct {
		location string           // "": none; "store" is the store
		response http.HandlerFunc // of the store
		kind     error
		status   int
		followed int
	}{
		"http":                    {location: plain.URL + "/?" + signature, kind: codeartsbuild.ErrUnexpectedResponse, status: 307},
		"a path on the service":   {location: "/elsewhere?" + signature, kind: codeartsbuild.ErrUnexpectedResponse, status: 307},
		"another scheme":          {location: "ftp://store.example.com/?" + signature, kind: codeartsbuild.ErrUnexpectedResponse, status: 307},
		"no place":                {kind: codeartsbuild.ErrUnexpectedResponse, status: 307},
		"a place that is not one": {location: "https://store.example.com:port/?" + signature, kind: codeartsbuild.ErrUnexpectedResponse, status: 307},
		"no host":                 {location: "https:///logs?" + signature, kind: codeartsbuild.ErrUnexpectedResponse, status: 307},
		"a password in the URL":   {location: "userinfo", kind: codeartsbuild.ErrUnexpectedResponse, status: 307},
		"from the store elsewhere": {location: "store", response: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, second.URL+"/?"+signature, http.StatusFound)
		}, kind: codeartsbuild.ErrUnexpectedResponse, status: 302, followed: 1},
		"from the store to a host with the address in it": {location: "store", response: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+strings.ReplaceAll(r.URL.RawQuery, "=", "-")+".example.com/", http.StatusFound)
		}, kind: codeartsbuild.ErrUnexpectedResponse, status: 302, followed: 1},
		"the store names the request by its address": {location: "store", response: func(w http.ResponseWriter, r *http.Request) {
			httpfake.Handler(403, "", "X-Request-Id", r.URL.RawQuery)(w, r)
		}, kind: codeartsbuild.ErrForbidden, status: 403, followed: 1},
		"the store declines": {location: "store", response: func(w http.ResponseWriter, r *http.Request) {
			httpfake.Handler(403, "<Error><Resource>"+r.URL.RawQuery+"</Resource></Error>", "Content-Type", "application/xml")(w, r)
		}, kind: codeartsbuild.ErrForbidden, status: 403, followed: 1},
		"the store wants a credential": {location: "store", response: func(w http.ResponseWriter, r *http.Request) {
			httpfake.Handler(401, `{"error_code":"APIGW.0307","error_msg":"`+r.URL.RawQuery+`"}`)(w, r)
		}, kind: codeartsbuild.ErrUnauthorized, status: 401, followed: 1},
		"the store returns JSON": {location: "store", response: func(w http.ResponseWriter, r *http.Request) {
			httpfake.Handler(200, `{"path":"`+r.URL.RawQuery+`"}`)(w, r)
		}, kind: codeartsbuild.ErrUnexpectedResponse, status: 200, followed: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := httpfake.Listen(t, func(w http.ResponseWriter, r *http.Request) { tt.response(w, r) }, httpfake.TLS)
			f := sdktest.NewJob(t)
			f.Start()
			logins := 0
			source := codeartsbuild.NewCachedTokenSource(codeartsbuild.TokenSourceFunc(func(ctx context.Context) (*codeartsbuild.Token, error) {
				logins++
				own, err := codeartsbuild.NewIAMTokenSource(f.IAMConfig())
				if err != nil {
					return nil, err
				}
				return own.Token(ctx)
			}))
			client := f.Client(codeartsbuild.WithTransport(store.Client().Transport), codeartsbuild.WithTokenSource(source), sdktest.Once)
			record := recordOf(t, client, f.JobID, f.StartBuild(f.JobID))
			location := tt.location
			switch location {
			case "store":
				location = store.URL + "/logs/1?" + signature
			case "userinfo":
				location = strings.Replace(store.URL, "://", "://user:s3cr3t@", 1)
			}
			f.Next(opDownload, moved(307, location))
			var response codeartsbuild.Response
			file, err := client.Logs.Download(t.Context(), record, codeartsbuild.WithResponseInto(&response))
			if file != nil {
				_ = file.Close() // or the store would wait for its reader
			}
			require.Nil(t, file)
			require.NotEmpty(t, response.RequestID, "the service's")
			require.NotContains(t, response.RequestID, "s3cr3t")
			require.ErrorIs(t, err, tt.kind)
			apiErr := sdktest.APIError(t, err)
			require.Equal(t, tt.status, apiErr.StatusCode)
			require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", err, err, err, apiErr.Body), "s3cr3t", "an address is a credential")
			require.Len(t, store.Requests(), tt.followed)
			require.Equal(t, 1, logins, "the store's word is not about the token")
			require.Equal(t, 1, f.Count(opDownload))
		})
	}
	t.Cleanup(func() {
		assert.Empty(t, plain.Requests(), "nothing goes there")
		assert.Empty(t, second.Requests(), "nothing goes there")
	})
}

// B78: nor is it quoted when it breaks off.
func TestDownloadFromAStoreThatBreaksOff(t *testing.T) {
	t.Parallel()
	const address = "https://store.example.com/logs/1?Signature=s3cr3t"
	for name, broken := range map[string]error{
		"a text":        errors.New("malformed chunk of " + address),
		"a wrapped end": fmt.Errorf("%s: %w", address, io.ErrUnexpectedEOF),
		"a url.Error":   &url.Error{Op: "Get", URL: address, Err: io.ErrUnexpectedEOF},
		"the end":       io.ErrUnexpectedEOF,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := sdktest.Client(t, httpfake.Script(
				httpfake.Reply(302, "", "Location", address),
				httpfake.Stream(200, io.MultiReader(strings.NewReader("a li"), iotest.ErrReader(broken)), "Content-Type", "text/plain"),
			))
			file, err := client.Logs.Download(t.Context(), logRecordID)
			require.NoError(t, err)
			got, err := io.ReadAll(file)
			require.Equal(t, "a li", string(got))
			require.Equal(t, errors.Is(broken, io.ErrUnexpectedEOF), errors.Is(err, io.ErrUnexpectedEOF))
			for ; err != nil; err = errors.Unwrap(err) {
				require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "s3cr3t")
			}
			require.NoError(t, file.Close())
		})
	}
}

// B35, B79: a response that is not the file is the error in it, or ErrUnexpectedResponse.
func TestDownloadThatIsNotAFile(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status      int
		contentType string
		body        string
		want        error // nil: it is a file
		code        string
	}{
		"a file":                   {200, "application/octet-stream", "a line", nil, ""},
		"a text":                   {200, "text/plain; charset=utf-8", "a line", nil, ""},
		"nothing said":             {200, "", "a line", nil, ""},
		"another success":          {203, "application/octet-stream", "a line", nil, ""},
		"a file that looks like":   {200, "application/octet-stream", `{"error_code":"CB.1"}`, nil, ""},
		"a part of the file":       {206, "application/octet-stream", "a li", codeartsbuild.ErrUnexpectedResponse, ""},
		"a part of the text":       {206, "text/plain", "a li", codeartsbuild.ErrUnexpectedResponse, ""},
		"an empty part":            {206, "", "", codeartsbuild.ErrUnexpectedResponse, ""},
		"an error":                 {200, "application/json;charset=UTF-8", `{"error_code":"CB.00060201","error_msg":"no"}`, codeartsbuild.ErrBadRequest, "CB.00060201"},
		"an error in an envelope":  {200, "application/json", `{"status":"error","error":{"code":"DEVCB.00031006","reason":"none"}}`, codeartsbuild.ErrNotFound, "DEVCB.00031006"},
		"an error in capitals":     {200, "Application/JSON", `{"error_code":"CB.00060201","error_msg":"no"}`, codeartsbuild.ErrBadRequest, "CB.00060201"},
		"another JSON":             {200, "application/problem+json", `{"error_code":"CB.00060201","error_msg":"no"}`, codeartsbuild.ErrBadRequest, "CB.00060201"},
		"JSON that is not one":     {200, "application/json", `{"result":null,"error":null,"status":"success"}`, codeartsbuild.ErrUnexpectedResponse, ""},
		"JSON without anything":    {200, "application/json", ``, codeartsbuild.ErrUnexpectedResponse, ""},
		"nothing":                  {204, "application/json", ``, codeartsbuild.ErrUnexpectedResponse, ""},
		"a page of a proxy":        {200, "text/html; charset=utf-8", `<html><title>Sign in</title>`, codeartsbuild.ErrUnexpectedResponse, ""},
		"a refusal":                {403, "application/json", `{"error_code":"APIGW.0302","error_msg":"no"}`, codeartsbuild.ErrForbidden, "APIGW.0302"},
		"a refusal that is a file": {404, "application/octet-stream", `none`, codeartsbuild.ErrNotFound, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := sdktest.Client(t, httpfake.Script(httpfake.Reply(tt.status, tt.body, "Content-Type", tt.contentType)), sdktest.Once)
			file, err := client.Logs.Download(t.Context(), logRecordID)
			if tt.want == nil {
				require.NoError(t, err)
				got, err := io.ReadAll(file)
				require.NoError(t, err)
				require.Equal(t, tt.body, string(got))
				require.NoError(t, file.Close())
				return
			}
			require.Nil(t, file)
			require.ErrorIs(t, err, tt.want)
			apiErr := sdktest.APIError(t, err)
			require.Equal(t, tt.status, apiErr.StatusCode)
			require.Equal(t, tt.code, apiErr.ErrorCode)
			require.NotContains(t, err.Error(), "a li", "a log is not quoted")
			require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
		})
	}
}

// wired is a client of a handler over connections without a socket.
func wired(t *testing.T, limit func() int, handler http.HandlerFunc, opts ...codeartsbuild.ClientOption) (*codeartsbuild.Client, *httpfake.Pipe) {
	t.Helper()
	pipe := httpfake.NewPipe(t, handler, limit)
	return sdktest.Client(t, pipe, opts...), pipe
}

// pauseFor is a pause of a handler, which ends when the client has gone away.
func pauseFor(r *http.Request, d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}

// B80: the timeout of a download ends with the header.
func TestDownloadTimeout(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		header time.Duration // when it comes
		body   time.Duration // how long it takes then
		option codeartsbuild.Option
		ok     bool
		took   time.Duration
	}{
		"a slow body":                 {0, time.Hour, codeartsbuild.WithTimeout(time.Second), true, time.Hour},
		"a header in time":            {900 * time.Millisecond, time.Hour, codeartsbuild.WithTimeout(time.Second), true, time.Hour + 900*time.Millisecond},
		"a header too late":           {1100 * time.Millisecond, 0, codeartsbuild.WithTimeout(time.Second), false, time.Second},
		"the default":                 {time.Minute, 0, sdktest.Once, false, 30 * time.Second},
		"a late header and no limit":  {time.Hour, time.Hour, codeartsbuild.WithTimeout(0), true, 2 * time.Hour},
		"a slow body and the default": {time.Second, 24 * time.Hour, sdktest.Once, true, 24*time.Hour + time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, _ := wired(t, nil, func(w http.ResponseWriter, r *http.Request) {
					pauseFor(r, tt.header)
					_, _ = io.WriteString(w, "a ")
					w.(http.Flusher).Flush()
					pauseFor(r, tt.body)
					_, _ = io.WriteString(w, "line\n")
				}, sdktest.Once)
				start := time.Now()
				file, err := client.Logs.Download(t.Context(), logRecordID, tt.option)
				if !tt.ok {
					require.Nil(t, file)
					require.ErrorContains(t, err, "no response within")
					require.Empty(t, sdktest.Kinds(err), "the caller's context lives")
					require.Equal(t, tt.took, time.Since(start))
					return
				}
				require.NoError(t, err)
				got, err := io.ReadAll(file)
				require.NoError(t, err)
				require.NoError(t, file.Close())
				require.Equal(t, "a line\n", string(got))
				require.Equal(t, tt.took, time.Since(start))
			})
		})
	}
}

// B80: the context ends the reading of a download.
func TestDownloadWhoseContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := wired(t, nil, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "a ")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		file, err := client.Logs.Download(ctx, logRecordID)
		require.NoError(t, err)
		got, err := io.ReadAll(file)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, "a ", string(got))
		require.Equal(t, time.Minute, time.Since(start))
		require.NoError(t, file.Close())
	})
}

// B80: Close releases the connection.
func TestDownloadClose(t *testing.T) {
	t.Parallel()
	for _, read := range []int{0, 1, 1 << 10} {
		synctest.Test(t, func(t *testing.T) { // fails if a goroutine is left
			released := false
			client, _ := wired(t, nil, func(w http.ResponseWriter, r *http.Request) {
				for r.Context().Err() == nil {
					if _, err := io.WriteString(w, strings.Repeat("x", 4<<10)); err != nil {
						break
					}
				}
				released = true
			})
			file, err := client.Logs.Download(t.Context(), logRecordID)
			require.NoError(t, err)
			_, err = io.ReadFull(file, make([]byte, read))
			require.NoError(t, err)
			synctest.Wait()
			require.False(t, released)
			require.NoError(t, file.Close())
			synctest.Wait()
			require.True(t, released, "after %d bytes", read)
			_, err = file.Read(make([]byte, 1))
			require.Error(t, err)
			_ = file.Close() // again
		})
	}
}

// B80: the context of a download lives until Close and no longer, or it would hang on the caller's.
func TestDownloadCloseEndsItsContext(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(httpfake.Reply(200, "a line", "Content-Type", "text/plain"))
	file, err := sdktest.Client(t, transport).Logs.Download(t.Context(), logRecordID)
	require.NoError(t, err)
	attempt := transport.Requests()[0].Context()
	require.NoError(t, attempt.Err(), "it goes on with the reading")
	require.NoError(t, file.Close())
	require.ErrorIs(t, attempt.Err(), context.Canceled)
}

// B80: downloads use one connection after the other.
func TestDownloadsShareAConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, pipe := wired(t, nil, serveFile)
		for range 5 {
			file, err := client.Logs.Download(t.Context(), logRecordID)
			require.NoError(t, err)
			_, err = io.ReadAll(file)
			require.NoError(t, err)
			require.NoError(t, file.Close())
		}
		made, _ := pipe.Connections()
		require.Equal(t, 1, made)
	})
}

// B80: a file that is cut off is never a whole one.
func TestDownloadThatIsCutOff(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("a line\n", 1000)
	for name, announce := range map[string]bool{"its length was known": true, "its length was not known": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, limit := range []int{300, 1000, 6000} {
					client, _ := wired(t, func() int { return limit }, func(w http.ResponseWriter, _ *http.Request) {
						w.Header().Set("Content-Type", "application/octet-stream")
						if announce {
							w.Header().Set("Content-Length", fmt.Sprint(len(line)))
						}
						for l := range strings.Lines(line) {
							_, _ = io.WriteString(w, l)
						}
					})
					file, err := client.Logs.Download(t.Context(), logRecordID)
					require.NoError(t, err)
					got, err := io.ReadAll(file)
					require.Error(t, err, "after %d bytes", len(got))
					require.True(t, bytes.HasPrefix([]byte(line), got))
					require.NoError(t, file.Close())
				}
			})
		})
	}
}

// B80: a download is not held in memory.
func TestDownloadMemory(t *testing.T) { // not parallel: it measures the heap
	size := memorySize()
	synctest.Test(t, func(t *testing.T) {
		want, written := sha256.New(), 0
		piece := strings.Repeat(logLine(7), 100)
		client, _ := wired(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/octet-stream")
			for written < size {
				n, _ := io.WriteString(w, piece)
				_, _ = io.WriteString(want, piece[:n])
				written += n
			}
		})
		file, err := client.Logs.Download(t.Context(), logRecordID)
		require.NoError(t, err)
		got, read, buf := sha256.New(), 0, make([]byte, 32<<10)
		gauge := newHeapGauge()
		for i := 0; err == nil; i++ {
			var n int
			n, err = file.Read(buf)
			got.Write(buf[:n])
			read += n
			if i%200 == 0 {
				gauge.sample()
			}
		}
		require.Equal(t, io.EOF, err)
		require.NoError(t, file.Close())
		require.Equal(t, written, read)
		require.Equal(t, want.Sum(nil), got.Sum(nil))
		require.Less(t, gauge.above(gauge.peak), 16.0, "MiB above the base")
		t.Logf("%.1f MiB downloaded: heap at most %.1f MiB above the base, in %d samples", float64(read)/(1<<20), gauge.above(gauge.peak), gauge.samples)
	})
}

// B81: the errors that the service found in a log.
func TestAnalysis(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		client := f.Client()
		no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusFailed})
		analysis, err := client.Logs.Analysis(t.Context(), f.JobID, no)
		require.NoError(t, err)
		require.Equal(t, "nightly", analysis.JobName)
		require.Empty(t, analysis.Errors)

		f.AppendLog(f.JobID, no, "[2026/11/24 10:00:00.000 GMT+08:00] [INFO] [build:image] : fine\n"+
			"[2026/11/24 10:00:01.000 GMT+08:00] [ERROR] [build:image] : DEV.CB.0210043, no Dockerfile\n")
		analysis, err = client.Logs.Analysis(t.Context(), f.JobID, no)
		require.NoError(t, err)
		require.Len(t, analysis.Errors, 1)
		found := analysis.Errors[0]
		require.NotEmpty(t, found.NodeID)
		found.NodeID = ""
		require.Equal(t, codeartsbuild.LogError{Step: "image", Analyzed: true, LogErrorInfo: codeartsbuild.LogErrorInfo{Code: "DEV.CB.0210043", Message: "DEV.CB.0210043, no Dockerfile"}}, found)

		_, err = client.Logs.Analysis(t.Context(), f.JobID, "9")
		require.ErrorIs(t, err, codeartsbuild.ErrNotFound)
		_, err = client.Logs.Analysis(t.Context(), f.JobID, "0")
		require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
	})
}

// B81: the spellings of an analysis.
func TestAnalysisResponses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want codeartsbuild.LogAnalysis
	}{
		"as reported": {
			`{"result":{"job_name":"demo","error_nodes":[{"node_id":"n1","step":"image","analyzed_success":true,"error_info":{"error_code":"DEV.CB.0210043","error_message":"no Dockerfile","faq":"https://example.com/faq"}}]},"error":null,"status":"success"}`,
			codeartsbuild.LogAnalysis{JobName: "demo", Errors: []codeartsbuild.LogError{{NodeID: "n1", Step: "image", Analyzed: true, LogErrorInfo: codeartsbuild.LogErrorInfo{Code: "DEV.CB.0210043", Message: "no Dockerfile", FAQ: "https://example.com/faq"}}}},
		},
		"spelled otherwise": {
			`{"job_name":7,"error_nodes":[{"node_id":1,"analyzed_success":"False","error_info":null},{"analyzed_success":"true","error_info":{"error_code":43}}]}`,
			codeartsbuild.LogAnalysis{JobName: "7", Errors: []codeartsbuild.LogError{{NodeID: "1"}, {Analyzed: true, LogErrorInfo: codeartsbuild.LogErrorInfo{Code: "43"}}}},
		},
		"nothing found": {`{"result":{"job_name":"demo","error_nodes":null}}`, codeartsbuild.LogAnalysis{JobName: "demo"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := sdktest.Client(t, httpfake.Reply(200, tt.body))
			got, err := client.Logs.Analysis(t.Context(), sdktest.JobID, "1")
			require.NoError(t, err)
			require.Equal(t, &tt.want, got)
		})
	}
}
