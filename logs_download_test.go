package codeartsbuild_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// pauseUnlessGone is a pause of a handler, which ends when the client has gone away.
func pauseUnlessGone(r *http.Request, d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}

// recordID is the record of no build.
const recordID = "9d6169b9-022d-458c-9dc8-48cc94cc4083"

// recordOf is the record of a build, for downloads.
func recordOf(t *testing.T, client *codeartsbuild.Client, jobID, buildNo string) string {
	t.Helper()
	build, err := client.Builds.Get(t.Context(), jobID, buildNo)
	require.NoError(t, err)
	return build.RecordID
}

// B78: a whole log, after a busy service and a lost response.
func TestDownload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		client := f.Client()
		for _, want := range []string{"", "a line\n", strings.Repeat(logLine(1), 10_000)} {
			no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusSucceeded})
			f.AppendLog(f.JobID, no, want)
			record := recordOf(t, client, f.JobID, no)
			f.Next(sdktest.OpDownload, codeartsbuildtest.Reply(503, ""), codeartsbuildtest.DropAnswer())
			var response codeartsbuild.Response
			file, err := client.Logs.Download(t.Context(), record, codeartsbuild.WithResponseInto(&response))
			require.NoError(t, err)
			got, err := io.ReadAll(file)
			require.NoError(t, err)
			require.NoError(t, file.Close())
			require.Equal(t, want, string(got))
			require.Equal(t, 3, response.Attempts)
		}
		_, err := client.Logs.Download(t.Context(), recordID)
		require.ErrorIs(t, err, codeartsbuild.ErrNotFound)
		before := len(f.Requests())
		for _, record := range []string{"", "..", sdktest.JobID, "9d6169b9-022d-458c-9dc8-48cc94cc408/", "9d6169b9-022d-458c-9dc8-48cc94cc40833"} {
			file, err := client.Logs.Download(t.Context(), record)
			require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument, "record %q", record)
			require.Nil(t, file)
		}
		require.Equal(t, before, len(f.Requests()))
	})
}

// redirectTo redirects with any status.
func redirectTo(status int, location string) codeartsbuildtest.Fault {
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

// B78: a redirect to object storage is followed once, as it was given and without the credential.
func TestDownloadFromStore(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, signed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d, signed %t", status, signed), func(t *testing.T) {
				t.Parallel()
				store := httpfake.Listen(t, serveFile, httpfake.TLS)
				f := sdktest.NewBuild(t)
				f.Start()
				transport := codeartsbuild.WithTransport(store.Client().Transport)
				client := f.Client(transport)
				id, secret := f.AccessKey()
				if signed {
					client = sdktest.NewClient(t, codeartsbuild.WithEndpoint(f.URL), transport, codeartsbuild.WithProjectID("0123456789abcdef"),
						codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(id, secret)))
				}
				record := recordOf(t, client, f.JobID, f.BuildNo)
				f.Next(sdktest.OpDownload, redirectTo(status, store.URL+"/logs/1?Signature=s%2Fe+c"))

				file, err := client.Logs.Download(t.Context(), record)
				require.NoError(t, err)
				got, err := io.ReadAll(file)
				require.NoError(t, err)
				require.NoError(t, file.Close())
				require.Equal(t, "a line\n", string(got))

				require.Equal(t, 1, f.Count(sdktest.OpDownload))
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

// B78: all other redirects are unexpected, and no response of the store is quoted.
func TestDownloadRedirectNotFollowed(t *testing.T) {
	t.Parallel()
	const signature = "Signature=s3cr3t"
	plain := httpfake.Listen(t, serveFile)
	second := httpfake.Listen(t, serveFile, httpfake.TLS)
	tests := map[string]struct {
		location string // "": none; "store" is the store
		store    http.HandlerFunc
		kind     error
		status   int
		followed int
	}{
		"http":                         {location: plain.URL + "/?" + signature, kind: codeartsbuild.ErrUnexpectedResponse, status: 307},
		"a path on the service":        {location: "/elsewhere?" + signature, kind: codeartsbuild.ErrUnexpectedResponse, status: 307},
		"another scheme":               {location: "ftp://store.example.com/?" + signature, kind: codeartsbuild.ErrUnexpectedResponse, status: 307},
		"no Location":                  {kind: codeartsbuild.ErrUnexpectedResponse, status: 307},
		"a Location that is not a URL": {location: "https://store.example.com:port/?" + signature, kind: codeartsbuild.ErrUnexpectedResponse, status: 307},
		"no host":                      {location: "https:///logs?" + signature, kind: codeartsbuild.ErrUnexpectedResponse, status: 307},
		"a password in the URL":        {location: "userinfo", kind: codeartsbuild.ErrUnexpectedResponse, status: 307},
		"from the store elsewhere": {location: "store", store: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, second.URL+"/?"+signature, http.StatusFound)
		}, kind: codeartsbuild.ErrUnexpectedResponse, status: 302, followed: 1},
		"the store forbids it": {location: "store", store: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(403)
			_, _ = io.WriteString(w, "<Error><Resource>"+r.URL.RawQuery+"</Resource></Error>")
		}, kind: codeartsbuild.ErrForbidden, status: 403, followed: 1},
		"the store wants a credential": {location: "store", store: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(401)
			_, _ = io.WriteString(w, `{"error_code":"APIGW.0307","error_msg":"`+r.URL.RawQuery+`"}`)
		}, kind: codeartsbuild.ErrUnauthorized, status: 401, followed: 1},
		"the store responds with JSON": {location: "store", store: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"path":"`+r.URL.RawQuery+`"}`)
		}, kind: codeartsbuild.ErrUnexpectedResponse, status: 200, followed: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := httpfake.Listen(t, tt.store, httpfake.TLS)
			f := sdktest.NewBuild(t)
			f.Start()
			client := f.Client(codeartsbuild.WithTransport(store.Client().Transport), codeartsbuild.WithTokenSource(sdktest.TokenSource(t, f.IAMConfig())), sdktest.Once)
			record := recordOf(t, client, f.JobID, f.BuildNo)
			location := tt.location
			switch location {
			case "store":
				location = store.URL + "/logs/1?" + signature
			case "userinfo":
				location = strings.Replace(store.URL, "://", "://user:s3cr3t@", 1)
			}
			f.Next(sdktest.OpDownload, redirectTo(307, location))
			file, err := client.Logs.Download(t.Context(), record)
			if file != nil {
				_ = file.Close() // else the store waits for its reader
			}
			require.Nil(t, file)
			require.ErrorIs(t, err, tt.kind)
			apiErr := sdktest.APIError(t, err)
			require.Equal(t, tt.status, apiErr.StatusCode)
			require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", err, err, err, apiErr.Body), "s3cr3t", "an address is a credential")
			require.Len(t, store.Requests(), tt.followed)
			require.Equal(t, 1, f.Count(sdktest.OpLogin), "a 401 of the store does not renew the token")
			require.Equal(t, 1, f.Count(sdktest.OpDownload))
		})
	}
	t.Cleanup(func() {
		assert.Empty(t, plain.Requests())
		assert.Empty(t, second.Requests())
	})
}

// B35, B79: JSON and HTML are an error, also with a 200.
func TestDownloadNotAFile(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status      int
		contentType string
		body        string
		want        error // nil: it is a file
		code        string
	}{
		"a file":                  {status: 200, contentType: "application/octet-stream", body: "a line"},
		"a text":                  {status: 200, contentType: "text/plain; charset=utf-8", body: "a line"},
		"no type":                 {status: 200, body: "a line"},
		"a file that looks like":  {status: 200, contentType: "application/octet-stream", body: `{"error_code":"CB.1"}`},
		"an error":                {status: 200, contentType: "application/json;charset=UTF-8", body: `{"error_code":"CB.00060201","error_msg":"no"}`, want: codeartsbuild.ErrBadRequest, code: "CB.00060201"},
		"an error in an envelope": {status: 200, contentType: "application/json", body: `{"status":"error","error":{"code":"DEVCB.00031006","reason":"none"}}`, want: codeartsbuild.ErrNotFound, code: "DEVCB.00031006"},
		"an error in capitals":    {status: 200, contentType: "Application/JSON", body: `{"error_code":"CB.00060201","error_msg":"no"}`, want: codeartsbuild.ErrBadRequest, code: "CB.00060201"},
		"another JSON":            {status: 200, contentType: "application/problem+json", body: `{"error_code":"CB.00060201","error_msg":"no"}`, want: codeartsbuild.ErrBadRequest, code: "CB.00060201"},
		"JSON without an error":   {status: 200, contentType: "application/json", body: `{"result":null,"error":null,"status":"success"}`, want: codeartsbuild.ErrUnexpectedResponse},
		"JSON, empty":             {status: 200, contentType: "application/json", want: codeartsbuild.ErrUnexpectedResponse},
		"a page of a proxy":       {status: 200, contentType: "text/html; charset=utf-8", body: `<html><title>Sign in</title>`, want: codeartsbuild.ErrUnexpectedResponse},
		"403":                     {status: 403, contentType: "application/json", body: `{"error_code":"APIGW.0302","error_msg":"no"}`, want: codeartsbuild.ErrForbidden, code: "APIGW.0302"},
		"404 with a file":         {status: 404, contentType: "application/octet-stream", body: `none`, want: codeartsbuild.ErrNotFound},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := sdktest.Client(t, httpfake.Reply(tt.status, tt.body, "Content-Type", tt.contentType))
			file, err := client.Logs.Download(t.Context(), recordID, sdktest.Once)
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
			require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
		})
	}
}

// B80: the timeout of an attempt ends with the header.
func TestDownloadTimeoutEndsWithHeader(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		header time.Duration // until it comes
		body   time.Duration // until its end
		option codeartsbuild.Option
		ok     bool
		took   time.Duration
	}{
		"a slow body":                 {body: time.Hour, option: codeartsbuild.WithTimeout(time.Second), ok: true, took: time.Hour},
		"a header in time":            {header: 900 * time.Millisecond, body: time.Hour, option: codeartsbuild.WithTimeout(time.Second), ok: true, took: time.Hour + 900*time.Millisecond},
		"a header too late":           {header: 1100 * time.Millisecond, option: codeartsbuild.WithTimeout(time.Second), took: time.Second},
		"the default":                 {header: time.Minute, option: sdktest.Once, took: 30 * time.Second},
		"a late header and no limit":  {header: time.Hour, body: time.Hour, option: codeartsbuild.WithTimeout(0), ok: true, took: 2 * time.Hour},
		"a slow body and the default": {header: time.Second, body: 24 * time.Hour, option: codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{}), ok: true, took: 24*time.Hour + time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := sdktest.Client(t, httpfake.NewPipe(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					pauseUnlessGone(r, tt.header)
					_, _ = io.WriteString(w, "a ")
					w.(http.Flusher).Flush()
					pauseUnlessGone(r, tt.body)
					_, _ = io.WriteString(w, "line\n")
				}), nil), sdktest.Once)
				start := time.Now()
				file, err := client.Logs.Download(t.Context(), recordID, tt.option)
				if !tt.ok {
					require.Nil(t, file)
					require.ErrorContains(t, err, "no response within")
					require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's context lives")
					require.NotErrorIs(t, err, context.Canceled)
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

// B80: the end of the context ends the reading.
func TestDownloadContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := sdktest.Client(t, httpfake.NewPipe(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "a ")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}), nil))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		file, err := client.Logs.Download(ctx, recordID)
		require.NoError(t, err)
		got, err := io.ReadAll(file)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, "a ", string(got))
		require.Equal(t, time.Minute, time.Since(start))
		require.NoError(t, file.Close())
	})
}

// B80: Close releases the connection.
func TestDownloadCloseReleasesConnection(t *testing.T) {
	t.Parallel()
	for _, read := range []int{0, 1, 1 << 10} {
		synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left
			released := false
			client := sdktest.Client(t, httpfake.NewPipe(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for r.Context().Err() == nil {
					if _, err := io.WriteString(w, strings.Repeat("x", 4<<10)); err != nil {
						break
					}
				}
				released = true
			}), nil))
			file, err := client.Logs.Download(t.Context(), recordID)
			require.NoError(t, err)
			_, err = io.ReadFull(file, make([]byte, read))
			require.NoError(t, err)
			synctest.Wait()
			require.False(t, released)
			require.NoError(t, file.Close())
			synctest.Wait()
			require.True(t, released, "the connection is closed, after %d bytes", read)
			_, err = file.Read(make([]byte, 1))
			require.Error(t, err)
			_ = file.Close() // again
		})
	}
}

// B80: Close ends the context of the request.
func TestDownloadCloseEndsContext(t *testing.T) {
	t.Parallel()
	var attempt context.Context
	client := sdktest.Client(t, httpfake.Func(func(r *http.Request) (*http.Response, error) {
		attempt = r.Context()
		return httpfake.Reply(200, "a line", "Content-Type", "text/plain")(r)
	}))
	file, err := client.Logs.Download(t.Context(), recordID)
	require.NoError(t, err)
	require.NoError(t, attempt.Err(), "it lasts while the file is read")
	require.NoError(t, file.Close())
	require.ErrorIs(t, attempt.Err(), context.Canceled, "else it would last as long as the caller's context")
}

// B80: downloads one after another share a connection.
func TestDownloadsShareConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pipe := httpfake.NewPipe(t, http.HandlerFunc(serveFile), nil)
		client := sdktest.Client(t, pipe)
		for range 5 {
			file, err := client.Logs.Download(t.Context(), recordID)
			require.NoError(t, err)
			_, err = io.ReadAll(file)
			require.NoError(t, err)
			require.NoError(t, file.Close())
		}
		made, _ := pipe.Connections()
		require.Equal(t, 1, made)
	})
}

// B80: a file that is cut off is not a whole one.
func TestDownloadCutOff(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("a line\n", 1000)
	for name, announce := range map[string]bool{"its length was known": true, "its length was not known": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, left := range []int{300, 1000, 6000} {
					client := sdktest.Client(t, httpfake.NewPipe(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
						w.Header().Set("Content-Type", "application/octet-stream")
						if announce {
							w.Header().Set("Content-Length", fmt.Sprint(len(line)))
						}
						for l := range strings.Lines(line) {
							_, _ = io.WriteString(w, l)
						}
					}), func() int { return left }))
					file, err := client.Logs.Download(t.Context(), recordID)
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
func TestDownloadNotHeldInMemory(t *testing.T) { // not parallel: it measures the heap
	size := memorySize()
	synctest.Test(t, func(t *testing.T) {
		want, written := sha256.New(), 0
		piece := strings.Repeat(logLine(7), 100)
		client := sdktest.Client(t, httpfake.NewPipe(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/octet-stream")
			for written < size {
				n, _ := io.WriteString(w, piece)
				_, _ = io.WriteString(want, piece[:n])
				written += n
			}
		}), nil))
		file, err := client.Logs.Download(t.Context(), recordID)
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
