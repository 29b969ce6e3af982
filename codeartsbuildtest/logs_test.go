package codeartsbuildtest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// follow reads the log in pieces until there is no more, and reports how many there were.
func follow(t *testing.T, c *caller, target string, start int) (text string, end, pieces int) {
	t.Helper()
	for {
		got := c.get(fmt.Sprintf("%s&start_offset=%d", target, start))
		piece := got.value(t, "result.log").(string)
		require.True(t, utf8.ValidString(piece))
		require.NotContains(t, piece, "\ufffd", "a character was split")
		require.InDelta(t, start, got.value(t, "result.start_offset"), 0)
		end = int(got.value(t, "result.end_offset").(float64))
		require.Equal(t, start+len(piece), end)
		text, start, pieces = text+piece, end, pieces+1
		if got.value(t, "result.has_more") == false {
			return text, end, pieces
		}
	}
}

func TestLogComesInPieces(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("日志 log 🔑é\n", 20_000)
	tests := map[string]struct {
		text, query string
		pieces      int
	}{
		"empty":                           {"", "", 1},
		"one piece":                       {"a line\n", "", 1},
		"exactly one piece":               {strings.Repeat("x", maxLogChunk), "", 1},
		"one byte more":                   {strings.Repeat("x", maxLogChunk+1), "", 2},
		"many pieces":                     {long, "", len(long)/maxLogChunk + 1},
		"a size too large":                {strings.Repeat("x", maxLogChunk+1), "&size=1000000", 2},
		"pieces smaller than a character": {"日志🔑", "&size=1", 3},
		"pieces that would split":         {"日志🔑", "&size=4", 3},
		"pieces of two characters":        {"日志🔑", "&size=6", 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := NewServer()
			c := newCaller(t, srv)
			job := srv.AddJob("nightly")
			no := srv.StartBuild(job)
			srv.AppendLog(job, no, tt.text)
			text, end, pieces := follow(t, c, "/v1/log/"+job+"/"+no+"/real-time-log?a=b"+tt.query, 0)
			assert.Equal(t, tt.text, text)
			assert.Equal(t, len(tt.text), end)
			assert.Equal(t, tt.pieces, pieces)
		})
	}
}

func TestLogGrows(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	no := srv.StartBuild(job)
	target := "/v1/log/" + job + "/" + no + "/real-time-log?size=65536"

	srv.AppendLog(job, no, "one\n日"[:6]) // half of the character is written
	text, end, _ := follow(t, c, target, 0)
	assert.Equal(t, "one\n", text, "half a character waits for the rest")
	srv.AppendLog(job, no, "日"[2:])
	text, end, _ = follow(t, c, target, end)
	assert.Equal(t, "日", text)

	got := c.get(target + "&start_offset=1000")
	assert.Empty(t, got.value(t, "result.log"))
	assert.InDelta(t, end, got.value(t, "result.end_offset"), 0, "past the end there is nothing yet")
	got = c.get(target + "&start_offset=1&end_offset=3")
	assert.Equal(t, "ne", got.value(t, "result.log"))
	assert.Equal(t, true, got.value(t, "result.has_more"))
	got = c.get(target + "&start_offset=3&end_offset=1")
	assert.Empty(t, got.value(t, "result.log"))

	srv.Finish(job, no, codeartsbuild.StatusFailed)
	srv.AppendLog(job, no, "late\xff")
	got = c.get(fmt.Sprintf("%s&start_offset=%d", target, end))
	assert.Equal(t, "late\ufffd", got.value(t, "result.log"), "after the end nothing is held back")
	assert.InDelta(t, end+5, got.value(t, "result.end_offset"), 0)
}

func TestInvalidTextNeverStalls(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	no := srv.StartBuild(job)
	srv.AppendLog(job, no, strings.Repeat("\x80", 50)+"\n")
	start := 0
	for range 60 {
		got := c.get(fmt.Sprintf("/v1/log/%s/%s/real-time-log?size=1&start_offset=%d", job, no, start))
		start = int(got.value(t, "result.end_offset").(float64))
	}
	assert.Equal(t, 51, start)
}

func TestLogDownloads(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	no := srv.StartBuild(job)
	text := "[t] [INFO] [build:mvn] : one\r\n\xff\x00\n[t] [INFO] [build:npm] : two\n"
	srv.AppendLog(job, no, text)
	record := c.get("/v1/record/"+job+"/"+no+"/record-info").value(t, "result.build_record_id").(string)

	whole := c.get("/v1/log/" + record + "/download-log?log_level=INFO")
	assert.Equal(t, http.StatusOK, whole.status)
	assert.Equal(t, "application/octet-stream", whole.header.Get("Content-Type"))
	assert.Equal(t, text, whole.body)

	step := c.get("/v4/" + record + "/task-log?task_name=mvn")
	assert.Equal(t, "application/octet-stream", step.header.Get("Content-Type"))
	assert.Equal(t, "[t] [INFO] [build:mvn] : one\r\n", step.body)
}

func TestLogAnalysis(t *testing.T) {
	t.Parallel()
	_, c, j := filled(t)
	got := c.get("/v1/log/" + j.id + "/1/analysis")
	assert.Equal(t, "nightly", got.value(t, "result.job_name"))
	assert.Equal(t, "mvn", got.value(t, "result.error_nodes.0.step"))
	assert.Equal(t, true, got.value(t, "result.error_nodes.0.analyzed_success"))
	assert.Equal(t, "DEV.CB.0210043", got.value(t, "result.error_nodes.0.error_info.error_code"))
	assert.Equal(t, "DEV.CB.0210043, no Dockerfile", got.value(t, "result.error_nodes.0.error_info.error_message"))
	for query, want := range map[string]int{"offset=0&limit=1": 1, "offset=1": 0, "limit=0": 0, "offset=9&limit=2147483647": 0} {
		assert.Len(t, c.get("/v1/log/"+j.id+"/1/analysis?"+query).value(t, "result.error_nodes"), want, query)
	}
	assert.Equal(t, 400, c.get("/v1/log/"+j.id+"/1/analysis?limit=x").status)
	assert.Equal(t, 400, c.get("/v1/log/"+j.id+"/1/analysis?offset=x").status)
}
