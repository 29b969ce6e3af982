package codeartsbuild_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

// B102: a peer that compresses unasked is understood.
func TestGzipUnasked(t *testing.T) {
	t.Parallel()
	const finished = `"{\"error\":{\"code\":\"DEV.CB.032302\",\"reason\":\"finished\"},\"status\":\"error\"}"`
	cut := zipped(`{"result":true}`)
	tests := map[string]struct {
		status         int
		body, encoding string
		kinds          []string
	}{
		"success":                   {200, zipped(`{"result":true}`), "gzip", nil},
		"success in capitals":       {200, zipped(`{"result":true}`), "GZIP", nil},
		"the old name":              {200, zipped(`{"result":true}`), "x-gzip", nil},
		"beside identity":           {200, zipped(`{"result":true}`), "identity, gzip", nil},
		"before identity, finished": {400, zipped(finished), "gzip , Identity", []string{"ErrBuildFinished"}},
		"not compressed":            {200, `{"result":true}`, "identity", nil},
		"nothing":                   {204, "", "gzip", nil},
		"nothing, with length":      {200, "", "gzip", nil},
		"compressed nothing":        {200, zipped(""), "gzip", nil},
		"finished":                  {400, zipped(finished), "gzip", []string{"ErrBuildFinished"}},
		"denied":                    {200, zipped(`{"result":false}`), "gzip", []string{"ErrNotStopped"}},
		"cut off":                   {200, cut[:len(cut)-9], "gzip", []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"something else":            {200, `{"result":true}`, "gzip", []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"an unknown encoding":       {200, `{"result":true}`, "br", []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"an unknown one, error":     {404, "xyz", "zstd", []string{"ErrNotFound"}},
		"a bomb":                    {200, zipped(strings.Repeat(" ", 11<<20)), "gzip", []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"two encodings, one inside": {200, zipped(zipped(`{"result":true}`)), "gzip, gzip", []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(httpfake.Handler(tt.status, tt.body, "Content-Encoding", tt.encoding))
			defer srv.Close()
			client := sdktest.Client(t, &http.Transport{DisableCompression: true}, codeartsbuild.WithEndpoint(srv.URL), sdktest.Once)
			require.ElementsMatch(t, tt.kinds, sdktest.Kinds(sdktest.Stop(t.Context(), client)))
		})
	}
	t.Run("a file, and two headers", func(t *testing.T) {
		t.Parallel()
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Content-Encoding", "identity")
			w.Header().Add("Content-Encoding", "gzip")
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = io.WriteString(w, zipped("line\n"))
		}))
		defer srv.Close()
		file, err := sdktest.Client(t, nil, codeartsbuild.WithEndpoint(srv.URL)).Logs.Download(t.Context(), "0b5e8ba6-ab5d-4bba-8e5b-6f2a4d2b9c11")
		require.NoError(t, err)
		defer file.Close()
		text, err := io.ReadAll(file)
		require.NoError(t, err)
		require.Equal(t, "line\n", string(text))
	})
	t.Run("one connection", func(t *testing.T) {
		t.Parallel()
		srv := httpfake.Listen(t, httpfake.Handler(200, zipped(`{"result":true}`), "Content-Encoding", "gzip"))
		client := sdktest.Client(t, nil, codeartsbuild.WithEndpoint(srv.URL))
		for range 10 {
			require.NoError(t, sdktest.Stop(t.Context(), client))
		}
		accepted, _ := srv.Connections()
		require.Equal(t, 1, accepted)
	})
}

// B103: names of members are told apart by letter case, and a known one in other letters confirms nothing.
func TestLetterCase(t *testing.T) {
	t.Parallel()
	unclear := []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}
	for body, kinds := range map[string][]string{
		`{"Result":false}`: unclear, `{"RESULT":true}`: unclear, `{"Success":true}`: unclear, `{"result":true,"Status":"fail"}`: unclear,
		`{"result":false,"Result":true}`: {"ErrNotStopped"}, `{"result":true}`: nil, `{"other":false}`: nil,
		`{"Error_Code":"DEV.CB.032302"}`: unclear, `{"result":true,"errorMsg":"denied"}`: unclear, `{"Error":{"code":"CB.00060200"}}`: unclear,
		`{"Code":"DEV.CB.032302"}`: unclear, `{"result":true,"Error":null,"errorCode":"0","Code":"7f"}`: nil,
	} {
		client := sdktest.Client(t, httpfake.Reply(200, body), sdktest.Once)
		require.ElementsMatch(t, kinds, sdktest.Kinds(sdktest.Stop(t.Context(), client)), body)
	}
	record := func(body string) (*codeartsbuild.Build, error) {
		return sdktest.Client(t, httpfake.Reply(200, body), sdktest.Quick).Builds.Get(t.Context(), sdktest.JobID, "5")
	}
	for body, want := range map[string]codeartsbuild.BuildStatus{
		`{"result":{"build_no":5,"status":"RUNNING","Status":"SUCCESS"}}`: codeartsbuild.StatusRunning,
		`{"result":{"build_no":5,"STATUS":"SUCCESS"}}`:                    "",
		`{"result":{"build_no":5,"status":"SUCCESS","status":"RUNNING"}}`: codeartsbuild.StatusRunning,
		`{"build_no":5,"status":"FAILED"}`:                                codeartsbuild.StatusFailed,
		`{"build_no":5,"status":"ERROR"}`:                                 codeartsbuild.StatusFailed,
		`{"build_no":5,"status":"fail"}`:                                  "fail",
	} {
		build, err := record(body)
		require.NoError(t, err, body)
		require.Equal(t, want, build.Status, body)
	}
	_, err := record(`{"Build_no":5,"status":"SUCCESS"}`)
	require.ErrorIs(t, err, codeartsbuild.ErrUnexpectedResponse)
	_, err = record(`{"status":"error"}`)
	require.ErrorAs(t, err, new(*codeartsbuild.APIError))
	require.NotContains(t, err.Error(), "OK")
}

// B103: the same for other calls that change something. What the response to Do means is the caller's to say.
func TestDoneOrNot(t *testing.T) {
	t.Parallel()
	unclear, denied := []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}, []string{}
	calls := map[string]func(*codeartsbuild.Client) error{
		"Disable":          func(c *codeartsbuild.Client) error { return c.Jobs.Disable(t.Context(), sdktest.JobID, "broken") },
		"Purge":            func(c *codeartsbuild.Client) error { return c.Jobs.Purge(t.Context(), []string{sdktest.JobID}) },
		"EmptyRecycleBin":  func(c *codeartsbuild.Client) error { return c.Jobs.EmptyRecycleBin(t.Context()) },
		"Keystores.Delete": func(c *codeartsbuild.Client) error { return c.Keystores.Delete(t.Context(), sdktest.JobID) },
	}
	for body, kinds := range map[string][]string{
		`{"result":false}`: denied, `{"result":"False","status":"success"}`: denied, `false`: denied,
		`{"Success":false}`: unclear, `{"Status":"error"}`: unclear, `{"ERROR":"denied"}`: unclear, `{"status":"success","errorCode":"DEV.CB.0001"}`: unclear,
		`{"status":"success"}`: nil, `{"result":true}`: nil, `{"result":"success","error":null}`: nil, `{"result":""}`: nil, `null`: nil, ``: nil,
	} {
		client := sdktest.Client(t, httpfake.Reply(200, body), sdktest.Once)
		for name, call := range calls {
			err := call(client)
			require.Equal(t, kinds != nil, err != nil, "%s: %s", name, body)
			require.ElementsMatch(t, kinds, sdktest.Kinds(err), "%s: %s", name, body)
		}
		if kinds == nil || len(kinds) > 0 {
			require.NoError(t, client.Do(t.Context(), http.MethodPost, "/v1/anything", nil, new(any)), body)
		}
	}
	_, err := sdktest.Client(t, httpfake.Reply(200, `{"Error":"denied"}`), sdktest.Once).Jobs.Delete(t.Context(), sdktest.JobID)
	require.ElementsMatch(t, unclear, sdktest.Kinds(err))
}

// B104: a rejected value is shown so that the wrong character is seen.
func TestRejectedValueIsShown(t *testing.T) {
	t.Parallel()
	client := sdktest.Client(t, httpfake.Func(httpfake.Lost))
	for value, shown := range map[string]string{
		sdktest.JobID + "\r": `\r"`, sdktest.JobID + "\u00a0": `\u00a0"`, "\ufeff" + sdktest.JobID: `"\ufeff`, sdktest.JobID[1:] + "\x00": `\x00"`,
		sdktest.JobID[1:] + "\u200b": `\u200b"`, "４8c66c6002964721be537cdc6ce0297b"[:32]: `"\uff14`, sdktest.JobID[1:] + "\t": `\t"`,
	} {
		_, err := client.Jobs.Stop(t.Context(), value, "1")
		require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
		require.ErrorContains(t, err, shown)
	}
	for value, shown := range map[string]string{"1\n": `"1\n"`, "７": `"\uff17"`, "1\u00a0": `"1\u00a0"`, "\ufeff1": `"\ufeff1"`, "1\x00": `"1\x00"`} {
		_, err := client.Jobs.Stop(t.Context(), sdktest.JobID, value)
		require.ErrorContains(t, err, shown)
	}
	for value, shown := range map[string]string{"cn-north-4\n": `"cn-north-4\n"`, "cn–north-4": `"cn\u2013north-4"`} {
		_, err := codeartsbuild.NewClient(codeartsbuild.WithRegion(value), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(sdktest.Token)))
		require.ErrorContains(t, err, shown)
	}
}

// B105: a small response must not become a large value, and the end of the context is obeyed.
func TestHostileResponses(t *testing.T) {
	const size = 10<<20 - 64
	fill := func(start, unit, end string) string {
		return start + strings.Repeat(unit, (size-len(start)-len(end))/len(unit)) + end
	}
	get := func(ctx context.Context, c *codeartsbuild.Client) error { return sdktest.Read(ctx, c) }
	list := func(ctx context.Context, c *codeartsbuild.Client) error {
		_, err := c.Builds.List(ctx, sdktest.JobID, nil)
		return err
	}
	analysis := func(ctx context.Context, c *codeartsbuild.Client) error {
		_, err := c.Logs.Analysis(ctx, sdktest.JobID, "20")
		return err
	}
	stop := func(ctx context.Context, c *codeartsbuild.Client) error { return sdktest.Stop(ctx, c) }
	tests := map[string]struct {
		status int
		body   string
		call   func(context.Context, *codeartsbuild.Client) error
	}{
		"list of empty rows":         {200, fill(`{"result":{"job_build_states":[{}`, `,{}`, `]}}`), list},
		"list of texts":              {200, fill(`{"result":{"job_build_states":["a"`, `,"a"`, `]}}`), list},
		"analysis of empty errors":   {200, fill(`{"result":{"error_nodes":[{}`, `,{}`, `]}}`), analysis},
		"members without end":        {200, fill(`{"result":{"build_no":20`, `,"a":1`, `}}`), get},
		"nesting without end":        {200, fill(`{"result":`, `[`, ``), get},
		"an escaped secret, perhaps": {200, fill(`"`, `\u0067AAAA`, ``), stop},
		"no JSON":                    {200, fill(`<html>`, sdktest.Token[:9], ``), stop},
		"an error":                   {500, fill(`{"error_code":"CB.1","error_msg":"`, `\u0067AAAA%67`, `"}`), stop},
		"backslashes":                {200, fill(`{"error_msg":"`, `\\`, `"}`), stop},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { // not parallel with the others: they measure memory
			client := sdktest.Client(t, httpfake.Reply(tt.status, tt.body), sdktest.Once)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			start := time.Now()
			err := tt.call(t.Context(), client)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			t.Logf("%v, %d KiB allocated: %.120v", took, (after.TotalAlloc-before.TotalAlloc)>>10, fmt.Sprint(err))
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20))

			ctx, cancel := context.WithCancelCause(t.Context())
			ended := sdktest.Client(t, httpfake.Func(func(req *http.Request) (*http.Response, error) {
				resp, err := httpfake.Reply(tt.status, tt.body)(req)
				resp.Body = io.NopCloser(io.MultiReader(resp.Body, atEnd(func() { cancel(io.ErrClosedPipe) })))
				return resp, err
			}), sdktest.Once)
			err = tt.call(ctx, ended)
			if tt.status == 200 {
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, io.ErrClosedPipe)
			}
		})
	}
}

// atEnd is a reader that is empty and calls the function when it is read.
type atEnd func()

func (f atEnd) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}
