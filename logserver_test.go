package codeartsbuild_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// A logServer is the service as far as the log of one build needs it. How it returns pieces is up to the test.
type logServer struct {
	mu     sync.Mutex
	text   string
	record string // members of the build's record beside its number
	pieces func(l *logServer, q logRequest) logReply
	reads  []logRequest // of the log
	looks  int          // reads of the record
}

// A logRequest is one read of the log.
type logRequest struct {
	start, end int64 // end is -1 if it is not in the query
	sort, size string
	at         time.Time
	number     int // of this read, from 0
}

// A logReply is a piece of a log, or a whole response.
type logReply struct {
	text       string
	start, end any // numbers or texts; nil: not in the response
	more       any
	whole      httpfake.Func
}

const (
	recordQueued   = `"status":"QUEUED","queued_time":"2026-11-24T10:00:00Z"`
	recordRunning  = `"status":"RUNNING","queued_time":"2026-11-24T10:00:00Z","start_time":"2026-11-24T10:01:00Z"`
	recordFinished = recordRunning + `,"status":"SUCCESS","build_record_id":"` + logRecordID + `"`
	logRecordID    = "9d6169b9-022d-458c-9dc8-48cc94cc4083"
)

// newLogServer is a server of a running build whose log has a text. It counts bytes.
func newLogServer(text string) *logServer {
	return &logServer{text: text, record: recordRunning, pieces: linesFrom(inBytes, 1000)}
}

func (l *logServer) client(t testing.TB, opts ...codeartsbuild.ClientOption) *codeartsbuild.Client {
	return sdktest.Client(t, l, opts...)
}

// become changes the record and adds to the log, after a while.
func (l *logServer) become(after time.Duration, record, text string) {
	change := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.text += text
		if record != "" {
			l.record = record
		}
	}
	if after == 0 {
		change()
		return
	}
	time.AfterFunc(after, change)
}

func (l *logServer) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	step := l.reply(r)
	l.mu.Unlock()
	return step(r)
}

func (l *logServer) reply(r *http.Request) httpfake.Func {
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/record-info"):
		l.looks++
		return httpfake.Reply(200, `{"result":{"build_no":`+sdktest.BuildNo+`,`+l.record+`},"status":"success"}`)
	case strings.HasSuffix(path, "/download-log"):
		return httpfake.Reply(200, l.text, "Content-Type", "application/octet-stream")
	case strings.HasSuffix(path, "/list"):
		return httpfake.Reply(200, `{"result":{"job_build_states":[],"total_record":"0"},"status":"success"}`)
	}
	q := logRequest{end: -1, sort: r.FormValue("sort"), size: r.FormValue("size"), at: time.Now(), number: len(l.reads)}
	q.start, _ = strconv.ParseInt(r.FormValue("start_offset"), 10, 64)
	if r.URL.Query().Has("end_offset") {
		q.end, _ = strconv.ParseInt(r.FormValue("end_offset"), 10, 64)
	}
	l.reads = append(l.reads, q)
	reply := l.pieces(l, q)
	if reply.whole != nil {
		return reply.whole
	}
	return httpfake.Reply(200, reply.json())
}

func (p logReply) json() string {
	result := map[string]any{"log": p.text, "location": "jenkins"}
	for name, value := range map[string]any{"start_offset": p.start, "end_offset": p.end, "has_more": p.more} {
		if value != nil {
			result[name] = value
		}
	}
	text, err := json.Marshal(map[string]any{"error": nil, "result": result, "status": "success"})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// An offsetUnit is what the offsets of a log count: the length of a text in it.
type offsetUnit func(text string) int64

func inBytes(text string) int64      { return int64(len(text)) }
func inCharacters(text string) int64 { return int64(utf8.RuneCountInString(text)) }
func inLines(text string) int64      { return int64(strings.Count(text, "\n")) }

// inJava counts characters beyond the first 65,536 twice.
func inJava(text string) (n int64) {
	for _, r := range text {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// at returns how many bytes of text come before an offset.
func (u offsetUnit) at(text string, offset int64) int {
	if u(text) <= offset {
		return len(text)
	}
	low, high := 0, len(text)
	for low < high { // the first byte that is not before the offset
		middle := (low + high) / 2
		if u(text[:middle]) < offset {
			low = middle + 1
		} else {
			high = middle
		}
	}
	for low < len(text) && !utf8.RuneStart(text[low]) {
		low++
	}
	return low
}

// cut is the piece of a log from one byte to another.
func (u offsetUnit) cut(text string, from, to int) logReply {
	return logReply{text: text[from:to], start: u(text[:from]), end: u(text[:to]), more: to < len(text)}
}

// linesFrom returns whole lines from the offset on.
func linesFrom(unit offsetUnit, most int) func(*logServer, logRequest) logReply {
	return func(l *logServer, q logRequest) logReply {
		from := unit.at(l.text, q.start)
		return unit.cut(l.text, from, from+lengthOfLines(l.text[from:], most))
	}
}

func lengthOfLines(text string, most int) int {
	end := 0
	for ; most > 0; most-- {
		i := strings.IndexByte(text[end:], '\n')
		if i < 0 {
			return len(text)
		}
		end += i + 1
	}
	return end
}

// charactersFrom returns some characters from the offset on.
func charactersFrom(unit offsetUnit, most int) func(*logServer, logRequest) logReply {
	return func(l *logServer, q logRequest) logReply {
		from := unit.at(l.text, q.start)
		to := from
		for n := 0; n < most && to < len(l.text); n++ {
			_, size := utf8.DecodeRuneInString(l.text[to:])
			to += size
		}
		return unit.cut(l.text, from, to)
	}
}

// logLine is a line of a log, as long and as odd as those of real builds.
func logLine(i int) string {
	return fmt.Sprintf("[2026/11/24 10:%02d:%02d.%03d GMT+08:00] [INFO] [编译构建:step%d] : \x1b[32m\"<%08x>\" & 'é'\t🔑 %s\n",
		i/60%60, i%60, i%1000, i%7, i*2654435761, strings.Repeat("x", i%211))
}

// logLines are lines of a log, the first of them with a number.
func logLines(first, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(logLine(first + i))
	}
	return b.String()
}

// follow collects what a log yields, up to its error.
func follow(log func(func(codeartsbuild.LogChunk, error) bool)) (text string, next int64, err error) {
	var b strings.Builder
	for chunk, failure := range log {
		if failure != nil {
			return b.String(), next, failure
		}
		b.Write(chunk.Text)
		next = chunk.Next
	}
	return b.String(), next, nil
}
