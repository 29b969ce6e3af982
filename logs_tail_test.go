package codeartsbuild_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// lastOf are the last lines of a text.
func lastOf(text string, n int) []string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if text == "" {
		lines = []string{}
	}
	return lines[max(0, len(lines)-n):]
}

// newestLines returns the last lines up to an offset, or to the end, as a service does for DESC.
func newestLines(reversed bool, most int) func(*logServer, logRequest) logReply {
	return func(l *logServer, q logRequest) logReply {
		to := len(l.text)
		if q.start > 0 {
			to = int(q.start)
		}
		lines := slices.Collect(strings.Lines(l.text[:to]))
		kept := lines[max(0, len(lines)-min(most, asked(q))):]
		text := strings.Join(kept, "")
		from := to - len(text)
		if reversed {
			slices.Reverse(kept)
			text = strings.Join(kept, "")
		}
		return logReply{text: text, start: from, end: to, more: from > 0}
	}
}

func asked(q logRequest) (lines int) {
	_, _ = fmt.Sscan(q.size, &lines)
	return lines
}

// ifDESC responds to DESC in one way, and in another way to reads of the whole log.
func ifDESC(newest func(*logServer, logRequest) logReply) func(*logServer, logRequest) logReply {
	return func(l *logServer, q logRequest) logReply {
		if q.sort == "DESC" {
			return newest(l, q)
		}
		return linesFrom(inBytes, 1000)(l, q)
	}
}

// B77a: the last lines of a running build are read from its end. If the service does not return them in an order that can be
// told, the log is read from its beginning.
func TestTailOfARunningBuild(t *testing.T) {
	t.Parallel()
	plain := func(text string) func(*logServer, logRequest) logReply {
		return ifDESC(func(l *logServer, _ logRequest) logReply {
			return logReply{text: text, start: len(l.text) - len(text), end: len(l.text), more: true}
		})
	}
	tests := map[string]struct {
		pieces func(*logServer, logRequest) logReply
		lines  int
		reads  int // 0: any number
	}{
		"oldest first":                    {ifDESC(newestLines(false, 1000)), 20, 2},
		"newest first":                    {ifDESC(newestLines(true, 1000)), 20, 2},
		"a thousand":                      {ifDESC(newestLines(true, 1000)), 1000, 2},
		"one":                             {ifDESC(newestLines(true, 1000)), 1, 2},
		"fewer than asked for":            {ifDESC(newestLines(false, 7)), 20, 3},
		"fewer, newest first":             {ifDESC(newestLines(true, 7)), 20, 3},
		"one at a time":                   {ifDESC(newestLines(false, 1)), 20, 21},
		"more than asked for":             {ifDESC(then(newestLines(false, 1000), func(p *logReply) { p.more = nil })), 20, 2},
		"DESC is ignored":                 {linesFrom(inBytes, 1000), 20, 0},
		"DESC is ignored, and never more": {then(linesFrom(inBytes, 20), func(p *logReply) { p.more = false }), 20, 0},
		"DESC is refused":                 {ifDESC(func(*logServer, logRequest) logReply { return logReply{whole: httpfake.Reply(400, `{}`)} }), 20, 0},
		"DESC gives nothing":              {ifDESC(func(*logServer, logRequest) logReply { return logReply{more: true} }), 20, 0},
		"no offsets":                      {ifDESC(then(newestLines(false, 1000), func(p *logReply) { p.start, p.end = nil, nil })), 20, 0},
		"the same piece again":            {ifDESC(func(l *logServer, _ logRequest) logReply { return newestLines(false, 7)(l, logRequest{size: "7"}) }), 20, 0},
		"a gap between pieces":            {ifDESC(then(newestLines(false, 7), func(p *logReply) { p.end = p.end.(int) - 1 })), 20, 0},
		"lines without a time":            {plain("x\ny\nz\n"), 20, 0},
		"an end of 0 is an end": {func(l *logServer, q logRequest) logReply {
			if q.end == 0 {
				return logReply{start: 0, end: 0, more: true}
			}
			return linesFrom(inBytes, 1000)(l, q)
		}, 20, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLogServer(logLines(0, 3456) + strings.Repeat("\tat frame\n", 3) + logLines(3456, 12))
				l.pieces = tt.pieces
				got, err := l.client(t).Logs.Tail(t.Context(), sdktest.JobID, sdktest.BuildNo, tt.lines)
				require.NoError(t, err)
				require.Equal(t, lastOf(l.text, tt.lines), got)
				if tt.reads > 0 {
					require.LessOrEqual(t, len(l.reads), tt.reads)
				}
				require.Equal(t, "DESC", l.reads[0].sort)
				require.Equal(t, [3]any{int64(0), int64(0), fmt.Sprint(tt.lines)}, [3]any{l.reads[0].start, l.reads[0].end, l.reads[0].size})
			})
		})
	}
}

// A log that is shorter than asked for, and one that ends within a line.
func TestTailOfAShortLog(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "one line": logLine(1), "one line without an end": strings.TrimSuffix(logLine(1), "\n"), "three lines": logLines(1, 3),
		"a break at the end": logLines(1, 3) + "\n", "only breaks": "\n\n\n", "carriage returns": "[2026/11/24 10:00:00.000] a\r\n[2026/11/24 10:00:01.000] b\r\n",
	} {
		for _, record := range []string{recordRunning, recordFinished} {
			for _, pieces := range []func(*logServer, logRequest) logReply{linesFrom(inBytes, 1000), ifDESC(newestLines(true, 1000))} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						l := newLogServer(text)
						l.record, l.pieces = record, pieces
						got, err := l.client(t).Logs.Tail(t.Context(), sdktest.JobID, sdktest.BuildNo, 10)
						require.NoError(t, err)
						require.Equal(t, lastOf(strings.ReplaceAll(text, "\r", ""), 10), got)
					})
				})
			}
		}
	}
}

// The log of a finished build is downloaded and not held, also if its lines are very long.
func TestTailOfAFinishedBuild(t *testing.T) { // not parallel: it measures the heap
	line := strings.Repeat("é🔑x", 1000) // of 7 KiB
	tests := map[string]struct {
		piece, between string
		lines          int
		want           []string
	}{
		"short lines":         {"a line\n", "", 3, []string{"a line", "a line", "the end"}},
		"a thousand lines":    {line + "\n", "", 1000, append(slices.Repeat([]string{line}, 999), "the end")},
		"one endless line":    {line, "", 3, nil},
		"endless, then short": {line, "\n", 1, []string{"the end"}},
		"no line break":       {strings.Repeat("x", 100), "", 1, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			const size = 10 << 20
			synctest.Test(t, func(t *testing.T) {
				gauge := newHeapGauge()
				client, _ := wired(t, nil, func(w http.ResponseWriter, r *http.Request) {
					if strings.HasSuffix(r.URL.Path, "/record-info") {
						httpfake.Handler(200, `{"result":{"build_no":`+sdktest.BuildNo+`,`+recordFinished+`}}`)(w, r)
						return
					}
					w.Header().Set("Content-Type", "application/octet-stream")
					for written := 0; written < size; written += len(tt.piece) {
						_, _ = io.WriteString(w, tt.piece)
						if written%(1<<20) < len(tt.piece) {
							gauge.sample()
						}
					}
					_, _ = io.WriteString(w, tt.between+"the end")
				})
				got, err := client.Logs.Tail(t.Context(), sdktest.JobID, sdktest.BuildNo, tt.lines)
				require.NoError(t, err)
				if tt.want != nil {
					require.Equal(t, tt.want, got)
				} else {
					require.Len(t, got, 1)
					require.True(t, strings.HasPrefix(got[0], "…"))
					require.True(t, strings.HasSuffix(got[0], tt.piece[len(tt.piece)-100:]+"the end"))
					require.LessOrEqual(t, len(got[0]), 16<<10+len("…"))
					require.NotContains(t, got[0], "\uFFFD")
				}
				limit := 2.0
				if tt.lines == 1000 {
					limit = 18
				}
				if !isRace() {
					require.Less(t, gauge.above(gauge.live), limit, "MiB above the base")
				}
				t.Logf("%d MiB: %.1f MiB above the base at most, %.1f MiB with garbage", size>>20, gauge.above(gauge.live), gauge.above(gauge.peak))
			})
		})
	}
}

// Lines are put together however the file arrives.
func TestTailOfAFileInParts(t *testing.T) {
	t.Parallel()
	text := logLines(0, 30) + strings.Repeat("y", 40<<10) + "\n" + logLines(30, 3)
	want := lastOf(text, 20)
	want[16] = "…" + strings.Repeat("y", 16<<10)
	for _, part := range []int{1, 2, 3, 100, 1 << 10, 1 << 20} {
		record := httpfake.Reply(200, `{"result":{"build_no":`+sdktest.BuildNo+`,`+recordFinished+`}}`)
		file := httpfake.Stream(200, &partReader{[]byte(text), part}, "Content-Type", "text/plain")
		got, err := sdktest.Client(t, httpfake.Script(record, file)).Logs.Tail(t.Context(), sdktest.JobID, sdktest.BuildNo, 20)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

type partReader struct {
	rest []byte
	part int
}

func (r *partReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.part)], r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// The errors of Tail, and builds without a log.
func TestTailErrors(t *testing.T) {
	t.Parallel()
	record := func(members string) httpfake.Func {
		return httpfake.Reply(200, `{"result":{"build_no":`+sdktest.BuildNo+`,`+members+`}}`)
	}
	noLog := httpfake.Reply(500, `{"error_code":"CB.00030004","error_msg":"Call Octopus failed"}`)
	tests := map[string]struct {
		lines    int
		steps    []httpfake.Func
		kinds    []string
		requests int
	}{
		"no lines":                  {0, []httpfake.Func{httpfake.Lost}, []string{"ErrInvalidArgument"}, 0},
		"too many lines":            {1001, []httpfake.Func{httpfake.Lost}, []string{"ErrInvalidArgument"}, 0},
		"no such build":             {10, []httpfake.Func{httpfake.Reply(404, `{}`)}, []string{"ErrNotFound"}, 1},
		"queued":                    {10, []httpfake.Func{record(recordQueued), httpfake.Lost}, []string{}, 1},
		"never scheduled":           {10, []httpfake.Func{record(`"status":"SCHEDULE_FAILURE"`), httpfake.Lost}, []string{}, 1},
		"aborted in the queue":      {10, []httpfake.Func{record(`"status":"ABORTED","build_record_id":"` + logRecordID + `"`), noLog}, []string{}, 2},
		"aborted, without a record": {10, []httpfake.Func{record(`"status":"ABORTED"`), httpfake.Reply(404, ``)}, []string{"ErrNotFound"}, 2},
		"the file is gone":          {10, []httpfake.Func{record(recordFinished), httpfake.Reply(404, ``)}, []string{"ErrNotFound"}, 2},
		"the file is forbidden":     {10, []httpfake.Func{record(recordFinished), httpfake.Reply(403, ``)}, []string{"ErrForbidden"}, 2},
		"the file is cut off":       {10, []httpfake.Func{record(recordFinished), httpfake.Cut(200, "a li", "Content-Type", "text/plain")}, []string{"ErrUnexpectedResponse"}, 2},
		"a part of the file":        {10, []httpfake.Func{record(recordFinished), httpfake.Reply(206, "a li", "Content-Type", "text/plain")}, []string{"ErrUnexpectedResponse"}, 2},
		"the log is forbidden":      {10, []httpfake.Func{record(recordRunning), httpfake.Reply(403, ``)}, []string{"ErrForbidden"}, 2},
		"the log has no begin yet":  {10, []httpfake.Func{record(recordRunning), noLog}, []string{"ErrInternalServerError"}, 2},
		"the whole log fails":       {10, []httpfake.Func{record(recordRunning), httpfake.Reply(400, ``), noLog}, []string{"ErrInternalServerError"}, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport, start := httpfake.Script(tt.steps...), time.Now()
				lines, err := sdktest.Client(t, transport, sdktest.Once).Logs.Tail(t.Context(), sdktest.JobID, sdktest.BuildNo, tt.lines)
				require.Equal(t, tt.kinds, sdktest.Kinds(err))
				require.Equal(t, tt.requests, transport.Count())
				require.Zero(t, time.Since(start), "it does not wait")
				if err == nil {
					require.Equal(t, []string{}, lines)
				} else {
					require.Nil(t, lines)
				}
			})
		})
	}
}

// A build that writes all the time has a tail too.
func TestTailOfABuildThatWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLogServer(logLines(0, 2500))
		i := 2500
		l.pieces = func(l *logServer, q logRequest) logReply {
			l.text += "x\n"
			i++
			return linesFrom(inBytes, 1000)(l, q)
		}
		got, err := l.client(t).Logs.Tail(t.Context(), sdktest.JobID, sdktest.BuildNo, 10)
		require.NoError(t, err)
		require.Len(t, got, 10)
		require.Equal(t, "x", got[9])
		require.Less(t, len(l.reads), 10)
	})
}

// Without the id of its record, the log of a finished build is read like that of a running one.
func TestTailWithoutARecord(t *testing.T) {
	t.Parallel()
	l := newLogServer(logLines(0, 2500))
	l.record = `"status":"FAILURE","start_time":"2026-11-24T10:01:00Z"`
	got, err := l.client(t).Logs.Tail(t.Context(), sdktest.JobID, sdktest.BuildNo, 10)
	require.NoError(t, err)
	require.Equal(t, lastOf(l.text, 10), got)
}

// The end of the context is the error, not the file that it cut off.
func TestTailWhoseContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := wired(t, nil, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/record-info") {
				httpfake.Handler(200, `{"result":{"build_no":`+sdktest.BuildNo+`,`+recordFinished+`}}`)(w, r)
				return
			}
			_, _ = w.Write(bytes.Repeat([]byte("x"), 100))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := client.Logs.Tail(ctx, sdktest.JobID, sdktest.BuildNo, 10)
		require.Equal(t, []string{"DeadlineExceeded"}, sdktest.Kinds(err))
		require.NotErrorIs(t, err, codeartsbuild.ErrUnexpectedResponse)
	})
}
