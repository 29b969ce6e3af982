package codeartsbuildtest

import (
	"bytes"
	"cmp"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	maxLogLines = 1000     // lines of one piece of a log, and their number unless the request says it
	maxLogPiece = 1 << 20  // bytes of one piece
	maxLogLine  = 64 << 10 // bytes of a line that comes whole

	readDescending = "DESC" // AES is ascending, so spelled in every source
)

// AppendLog adds text to the log of a build, line breaks not included. Nothing happens when the build does not
// exist; one that has finished takes text as well, which is how late output arrives.
func (s *Server) AppendLog(jobID, buildNo, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, err := s.state.build(jobID, buildNo, s.state.now()); err == nil {
		b.log = append(b.log, text...)
	}
}

// A logPiece is a part of a log and its place in it. Offsets count bytes.
type logPiece struct {
	text       []byte
	start, end int
	more       bool // the log has text behind the piece or, when it is read backwards, before it
}

// A logRange is the part of a log that a request asks for: at most so many lines, from the start or, when it is read
// backwards, up to the end. An end of 0 is that of the log.
type logRange struct {
	start, end, lines int
	backwards         bool
}

// of cuts the piece out of a log. It ends with a whole character, and with a whole line unless the line is very long or
// still being written.
func (p logRange) of(log []byte) logPiece {
	start, end := min(p.start, len(log)), min(p.end, len(log))
	if p.end == 0 {
		end = len(log)
	}
	end = max(start, end)
	lines := min(cmp.Or(p.lines, maxLogLines), maxLogLines)
	if p.backwards {
		start = end - lastLines(log[start:end], lines)
		return logPiece{log[start:end], start, end, start > 0}
	}
	end = start + firstLines(log[start:end], lines)
	return logPiece{log[start:end], start, end, end < len(log)}
}

// firstLines is the length of so many lines at the beginning of a text. A line that is very long comes in pieces of its
// own.
func firstLines(text []byte, lines int) int {
	length := 0
	for line := range bytes.Lines(text) {
		switch {
		case lines == 0, length > 0 && (len(line) > maxLogLine || length+len(line) > maxLogPiece):
			return length
		case len(line) > maxLogLine:
			return wholeCharacters(text, maxLogLine)
		}
		length += len(line)
		lines--
	}
	return length
}

// lastLines is the length of so many lines at the end of a text.
func lastLines(text []byte, lines int) int {
	start := len(text)
	for ; lines > 0 && start > 0; lines-- {
		before := bytes.LastIndexByte(text[:start-1], '\n') + 1
		if start < len(text) && len(text)-before > maxLogPiece {
			break
		}
		start = before
	}
	return len(text) - start
}

// wholeCharacters is the length of the longest piece of text that has at most size bytes and does not split a
// character.
func wholeCharacters(text []byte, size int) int {
	if size == len(text) {
		return size
	}
	for cut := size; cut > max(0, size-utf8.UTFMax); cut-- {
		if utf8.RuneStart(text[cut]) {
			return cut
		}
	}
	return size
}

// readable is the log up to its last whole character; what a running build has begun to write waits for
// the rest.
func (b *build) readable() []byte {
	if b.status.Terminal() {
		return b.log
	}
	for cut := len(b.log) - 1; cut >= max(0, len(b.log)-utf8.UTFMax); cut-- {
		if utf8.RuneStart(b.log[cut]) {
			if !utf8.FullRune(b.log[cut:]) {
				return b.log[:cut]
			}
			break
		}
	}
	return b.log
}

func (s *state) readLog(r *request) (any, error) {
	b, err := s.buildInPath(r)
	if err != nil {
		return nil, err
	}
	return r.logPiece(b.readable()), nil
}

// logPiece is the part of a log that a request asks for.
func (r *request) logPiece(log []byte) any {
	piece := logRange{
		start:     r.number("start_offset", 0),
		end:       r.number("end_offset", 0),
		lines:     r.number("size", maxLogLines),
		backwards: r.text("sort") == readDescending,
	}.of(log)
	return struct {
		EndOffset   int    `json:"end_offset"`
		HasMore     bool   `json:"has_more"`
		Location    string `json:"location"`
		Log         string `json:"log"`
		StartOffset int    `json:"start_offset"`
	}{piece.end, piece.more, "jenkins", string(piece.text), piece.start}
}

// readOldLog serves the v3 call, whose length counts bytes.
func (s *state) readOldLog(r *request) (any, error) {
	b, err := s.buildInPath(r)
	if err != nil {
		return nil, err
	}
	log := b.readable()
	start := min(r.number("offset", 0), len(log))
	end := start + wholeCharacters(log[start:], min(r.number("length", 1_000_000), maxLogPiece, len(log)-start))
	return struct {
		Content       string `json:"content"`
		CurrentOffset int    `json:"current_offset"`
		HasMore       bool   `json:"has_more_data"`
		Offset        int    `json:"offset"`
	}{string(log[start:end]), start, end < len(log), end}, nil
}

func (s *state) downloadLog(r *request) (any, error) {
	b, err := s.record(r)
	if err != nil {
		return nil, err
	}
	return atLevel(b.log, r.text("log_level")), nil
}

// atLevel leaves out the lines of the level DEBUG, unless the request asks for them.
func atLevel(log []byte, level string) file {
	content := file{}
	for line := range bytes.Lines(log) {
		if level == "DEBUG" || !bytes.Contains(line, []byte("[DEBUG]")) {
			content = append(content, line...)
		}
	}
	return content
}

// errorLine takes apart a line like "[time] [ERROR] [stage:step] : DEV.CB.0210043, no Dockerfile".
var (
	errorLine = regexp.MustCompile(`\[ERROR\][ ]*(?:\[([^\]]*)\])?[ :]*(.*)`)
	errorCode = regexp.MustCompile(`[A-Z]+(?:\.[A-Z]+)*\.[0-9]+`)
)

type errorNode struct {
	NodeID          string    `json:"node_id"`
	Step            string    `json:"step"`
	AnalyzedSuccess bool      `json:"analyzed_success"`
	ErrorInfo       errorInfo `json:"error_info"`
}

type errorInfo struct {
	Code    string `json:"error_code"`
	Message string `json:"error_message"`
	FAQ     string `json:"faq"`
}

// errorNodes finds the errors in a log.
func (b *build) errorNodes() []errorNode {
	nodes := []errorNode{}
	for _, found := range errorLine.FindAllStringSubmatch(string(b.log), -1) {
		place, message := found[1], strings.TrimSpace(found[2])
		step := place[strings.LastIndex(place, ":")+1:]
		nodes = append(nodes, errorNode{
			NodeID:          hexID("node", b.recordID, len(nodes)),
			Step:            cmp.Or(step, "build"),
			AnalyzedSuccess: true,
			ErrorInfo:       errorInfo{Code: errorCode.FindString(message), Message: message},
		})
	}
	return nodes
}

// showLogAnalysis names the job in both spellings: that of the page and that of live responses.
func (s *state) showLogAnalysis(r *request) (any, error) {
	b, err := s.buildInPath(r)
	if err != nil {
		return nil, err
	}
	return struct {
		JobName     string      `json:"jobName"`
		LiveJobName string      `json:"job_name"`
		ErrorNodes  []errorNode `json:"error_nodes"`
	}{b.job.name, b.job.name, pageOf(b.errorNodes(), r.number("offset", 0), r.number("limit", defaultPageSize))}, nil
}
