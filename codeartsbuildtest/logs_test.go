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

// logPath is where the log of a build is read in pieces.
func logPath(job, no, query string) string {
	return "/v1/log/" + job + "/" + no + "/real-time-log?" + query
}

// follow reads the log in pieces to its end, and reports how many there were.
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
		"empty":                          {"", "size=1000", 1},
		"one piece":                      {"a line\n", "size=1000", 1},
		"exactly one piece":              {strings.Repeat("x\n", 1000), "size=1000", 1},
		"one line more":                  {strings.Repeat("x\n", 1001), "size=1000", 2},
		"a line that is being written":   {"one\ntwo\nthr", "size=2", 2},
		"many pieces":                    {long, "size=1000", 20},
		"small pieces":                   {"1\n2\n3\n4\n5\n", "size=2", 3},
		"a size of 0 is the default":     {strings.Repeat("x\n", 1001), "size=0", 2},
		"a size over the most":           {strings.Repeat("x\n", 1001), "size=1048576", 2},
		"ascending":                      {"1\n2\n3\n", "size=1&sort=AES", 3},
		"an end of 0 is that of the log": {"1\n2\n3\n", "size=1000&end_offset=0", 1},
		"long lines":                     {strings.Repeat(strings.Repeat("é", 30_000)+"\n", 20), "size=1000", 2},
		"a line of the longest length":   {strings.Repeat("x", maxLogLine), "size=1000", 1},
		"a longer line":                  {strings.Repeat("日", maxLogLine), "size=1000", 4},
		"a longer line among others":     {"1\n" + strings.Repeat("x", maxLogLine+1) + "\n2\n", "size=1000", 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := NewServer()
			c := newCaller(t, srv)
			job := srv.AddJob("nightly")
			no := srv.StartBuild(job)
			srv.AppendLog(job, no, tt.text)
			text, end, pieces := follow(t, c, logPath(job, no, tt.query), 0)
			assert.True(t, tt.text == text, "the text differs")
			assert.Equal(t, len(tt.text), end)
			assert.Equal(t, tt.pieces, pieces)
		})
	}
}

func TestLogBackwards(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	no := srv.StartBuild(job)
	srv.AppendLog(job, no, "1\n2\n3\n4\nfive")
	tests := map[string]struct {
		query, text string
		start, end  int
		more        bool
	}{
		"the last lines":   {"size=2", "4\nfive", 6, 12, true},
		"the lines before": {"size=2&end_offset=6", "2\n3\n", 2, 6, true},
		"all lines":        {"size=1000", "1\n2\n3\n4\nfive", 0, 12, false},
		"down to a start":  {"size=1000&start_offset=4", "3\n4\nfive", 4, 12, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.get(logPath(job, no, "sort=DESC&"+tt.query))
			assert.Equal(t, tt.text, got.value(t, "result.log"))
			assert.InDelta(t, tt.start, got.value(t, "result.start_offset"), 0)
			assert.InDelta(t, tt.end, got.value(t, "result.end_offset"), 0)
			assert.Equal(t, tt.more, got.value(t, "result.has_more"))
		})
	}
}

func TestLongLogBackwards(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	no := srv.StartBuild(job)
	line := strings.Repeat("x", 2<<10-1) + "\n"
	srv.AppendLog(job, no, strings.Repeat(line, 1000))
	got := c.get(logPath(job, no, "sort=DESC&size=1000"))
	assert.Len(t, got.value(t, "result.log"), maxLogPiece, "as many whole lines as a piece may have")
	assert.Equal(t, true, got.value(t, "result.has_more"))
}

func TestLogGrows(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	no := srv.StartBuild(job)
	target := logPath(job, no, "size=1000")

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

// The v3 call counts bytes, and its offset is where the next piece begins.
func TestOldLogComesInPieces(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	no := srv.StartBuild(job)
	srv.AppendLog(job, no, "one\n日志\n")
	text, offset := "", 0
	for _, more := range []bool{true, true, false} {
		got := c.get(fmt.Sprintf("/v3/jobs/%s/%s/real-time-log?offset=%d&length=5", job, no, offset))
		assert.InDelta(t, offset, got.value(t, "result.current_offset"), 0)
		assert.Equal(t, more, got.value(t, "result.has_more_data"), offset)
		text += got.value(t, "result.content").(string)
		offset = int(got.value(t, "result.offset").(float64))
	}
	assert.Equal(t, "one\n日志\n", text)
	assert.Equal(t, len(text), offset)
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
		got := c.get(fmt.Sprintf("/v3/jobs/%s/%s/real-time-log?offset=%d&length=1", job, no, start))
		start = int(got.value(t, "result.offset").(float64))
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
	srv.AppendLog(job, no, text+"[t] [DEBUG] [build:npm] : three\n")
	record := c.get("/v1/record/"+job+"/"+no+"/record-info").value(t, "result.build_record_id").(string)
	for _, path := range []string{"/v1/log/" + record + "/download-log", "/v4/" + record + "/download-log", "/v3/" + record + "/download-log"} {
		whole := c.get(path)
		assert.Equal(t, http.StatusOK, whole.status)
		assert.Equal(t, "application/octet-stream", whole.header.Get("Content-Type"))
		assert.Equal(t, text, whole.body)
	}
	assert.Contains(t, c.get("/v1/log/"+record+"/download-log?log_level=DEBUG").body, "three")

}

func TestLogAnalysis(t *testing.T) {
	t.Parallel()
	_, c, j := filled(t)
	got := c.get("/v1/log/" + j.id + "/1/analysis")
	assert.Equal(t, "nightly", got.value(t, "result.job_name"))
	assert.Equal(t, "nightly", got.value(t, "result.jobName"))
	assert.Equal(t, "mvn", got.value(t, "result.error_nodes.0.step"))
	assert.Equal(t, true, got.value(t, "result.error_nodes.0.analyzed_success"))
	assert.Equal(t, "DEV.CB.0210043", got.value(t, "result.error_nodes.0.error_info.error_code"))
	assert.Equal(t, "DEV.CB.0210043, no Dockerfile", got.value(t, "result.error_nodes.0.error_info.error_message"))
	for query, want := range map[string]int{"offset=0&limit=1": 1, "offset=1": 0, "limit=0": 0, "offset=9&limit=100": 0} {
		assert.Len(t, c.get("/v1/log/"+j.id+"/1/analysis?"+query).value(t, "result.error_nodes"), want, query)
	}
}
