package codeartsbuildtest

import (
	"bytes"
	"cmp"
	"math"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// maxLogChunk is how much of a log one answer may hold.
const maxLogChunk = 64 << 10

// AppendLog adds text to the log of a build, line breaks not included. Nothing happens when there is no
// such build; one that has ended takes text as well, which is how late output arrives.
func (s *Server) AppendLog(jobID, buildNo, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.build(jobID, buildNo, time.Now()); b != nil {
		b.log = append(b.log, text...)
	}
}

// downloadBuildRealTimeLog answers a piece of the log. Offsets count bytes, and each piece ends with
// a whole character.
func (s *Server) downloadBuildRealTimeLog(c *call) answer {
	b, refused := s.findBuild(c, c.r.PathValue("job_id"), c.r.PathValue("build_no"), codeNotFound)
	if refused != nil {
		return *refused
	}
	text := b.readable()
	start, refused := c.number("start_offset", 0, 0, math.MaxInt)
	if refused != nil {
		return *refused
	}
	end, refused := c.number("end_offset", len(text), 0, math.MaxInt)
	if refused != nil {
		return *refused
	}
	size, refused := c.number("size", maxLogChunk, 1, math.MaxInt)
	if refused != nil {
		return *refused
	}
	start = min(start, len(text))
	end = start + chunkLen(text[start:], min(size, maxLogChunk, max(0, end-start)))
	return enveloped(struct {
		EndOffset   int    `json:"end_offset"`
		HasMore     bool   `json:"has_more"`
		Location    string `json:"location"`
		Log         string `json:"log"`
		StartOffset int    `json:"start_offset"`
	}{end, end < len(text), "jenkins", string(text[start:end]), start})
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

// chunkLen is the length of the longest piece of text that is at most size bytes long and does not split
// a character. A character that is longer comes whole, or the reader would never get past it.
func chunkLen(text []byte, size int) int {
	if size == 0 || size >= len(text) {
		return min(size, len(text))
	}
	for cut := size; cut > max(0, size-utf8.UTFMax); cut-- {
		if utf8.RuneStart(text[cut]) {
			return cut
		}
	}
	if _, n := utf8.DecodeRune(text); n > size {
		return n
	}
	return size
}

func (s *Server) downloadBuildFullLog(c *call) answer {
	b := s.record(c.r.PathValue("record_id"), c.now)
	if b == nil {
		return *notFound(codeNotFound)
	}
	return download(bytes.Clone(b.log))
}

// downloadTaskLog answers the lines that name the step.
func (s *Server) downloadTaskLog(c *call) answer {
	b := s.record(c.r.PathValue("record_id"), c.now)
	if b == nil {
		return *notFound(codeNotFoundOld)
	}
	step := c.query.Get("task_name")
	if step == "" {
		return *invalid("task_name")
	}
	var lines []byte
	for line := range bytes.Lines(b.log) {
		if bytes.Contains(line, []byte(step)) {
			lines = append(lines, line...)
		}
	}
	return download(lines)
}

func download(content []byte) answer {
	return answer{status: http.StatusOK, contentType: octetStream, body: content}
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

func (s *Server) showLogAnalysis(c *call) answer {
	b, refused := s.findBuild(c, c.r.PathValue("job_id"), c.r.PathValue("build_no"), codeNotFound)
	if refused != nil {
		return *refused
	}
	nodes := b.errorNodes()
	offset, refused := c.number("offset", 0, 0, math.MaxInt32)
	if refused != nil {
		return *refused
	}
	limit, refused := c.number("limit", len(nodes), 0, math.MaxInt32)
	if refused != nil {
		return *refused
	}
	offset = min(offset, len(nodes))
	return enveloped(struct {
		JobName    string      `json:"job_name"`
		ErrorNodes []errorNode `json:"error_nodes"`
	}{b.job.name, nodes[offset:][:min(limit, len(nodes)-offset)]})
}
