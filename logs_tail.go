package codeartsbuild

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// maxTailLines is how many lines Tail returns at most: as many as the service returns in one piece.
const maxTailLines = logPieceLines

// Tail returns the last lines of the log of a build, oldest first and without line breaks: 1 to 1000 lines, or fewer if
// the log is shorter. Of a line of more than 16 KiB it returns the last 16 KiB, behind "…". A build that is queued or
// never started has no lines. Any other number of lines is [ErrInvalidArgument].
//
// The log of a finished build is downloaded and not kept. That of a running build is asked for from its end; if the
// service returns its beginning instead, it is read to its end as it is now.
//
// API: ShowJobBuildRecordDetail, GET /v1/record/{job_id}/{build_no}/record-info, then
// DownloadBuildFullLog, GET /v1/log/{record_id}/download-log, or
// DownloadBuildRealTimeLog, GET /v1/log/{job_id}/{build_no}/real-time-log.
func (s *LogsService) Tail(ctx context.Context, jobID, buildNo string, lines int, opts ...CallOption) ([]string, error) {
	if lines < 1 || lines > maxTailLines {
		return nil, opDownloadBuildRealTimeLog.named(invalid("lines must be 1 to %d, got %d", maxTailLines, lines))
	}
	build, err := s.client.Builds.look(ctx, jobID, buildNo, nil, opts)
	switch {
	case err != nil:
		return nil, err
	case build.Status == StatusQueued || build.Status == StatusScheduleFailed:
		return []string{}, nil
	case build.Finished() && build.RecordID != "":
		return s.tailOfFile(ctx, build, lines, opts)
	case !build.Finished():
		if last, ok, err := s.tailFromEnd(ctx, jobID, buildNo, lines, opts); ok || err != nil {
			return last, err
		}
	}
	last := lastLines{most: lines}
	f := s.newFollower(jobID, buildNo, 0, opts)
	f.started, f.once, f.reads.limit = true, true, 0
	err = f.run(ctx, func(chunk LogChunk) bool {
		_, _ = last.Write(chunk.Text)
		return true
	})
	if err != nil {
		return nil, err
	}
	return last.lines(), nil
}

// tailOfFile reads the whole log of a finished build.
func (s *LogsService) tailOfFile(ctx context.Context, build *Build, lines int, opts []CallOption) ([]string, error) {
	last := lastLines{most: lines}
	file, err := s.Download(ctx, build.RecordID, opts...)
	switch {
	case err == nil:
	case build.StartedAt.IsZero() && tellsNoLog(err): // it never started
		return []string{}, nil
	default:
		return nil, err
	}
	defer file.Close()
	if _, err := io.Copy(&last, file); err != nil {
		e := &callError{operation: opDownloadBuildFullLog.name, text: "the log was cut off: " + errorText(err), details: details{kinds: unexpectedKind}}
		if ended := ctx.Err(); ended != nil {
			e.text, e.kinds, e.cause = endText(ended, context.Cause(ctx), ""), []error{ended}, context.Cause(ctx)
		}
		return nil, e
	}
	return last.lines(), nil
}

// The most that tailFromEnd reads. It is plenty for 1000 lines; from the beginning on a log is read without being held.
const (
	maxTailReads = 100
	maxTailText  = 16 << 20
)

// tailFromEnd reads the log of a running build from its end. It is not ok if the service returns pieces that cannot be
// put in order, such as the beginning of the log.
func (s *LogsService) tailFromEnd(ctx context.Context, jobID, buildNo string, lines int, opts []CallOption) (last []string, ok bool, err error) {
	query := logQuery{EndOffset: new(int64), Size: lines, Sort: "DESC"}
	text := ""
	for reads := 0; reads == 0 || strings.Count(text, "\n") <= lines; reads++ {
		piece, err := fetch[logPiece](ctx, s.client, &opDownloadBuildRealTimeLog, []string{jobID, buildNo}, query, opts)
		switch {
		case errors.Is(err, ErrBadRequest): // it does not know the order
			return nil, false, nil
		case err != nil:
			return nil, false, err
		case piece.Text == "" && !piece.HasMore && reads == 0:
			return []string{}, true, nil
		}
		older, ordered := oldestFirst(piece.Text)
		if !ordered || !piece.isPlaced() || (reads > 0 && *piece.End != query.StartOffset) || reads == maxTailReads || len(older)+len(text) > maxTailText {
			return nil, false, nil
		}
		if text = older + text; *piece.Start == 0 {
			if piece.HasMore || strings.Count(text, "\n") >= lines { // perhaps the beginning of the log
				return nil, false, nil
			}
			break
		}
		query.StartOffset, query.EndOffset = *piece.Start, piece.End
	}
	kept := lastLines{most: lines}
	_, _ = io.WriteString(&kept, text)
	return kept.lines(), true, nil
}

// isPlaced reports whether a piece has text and offsets.
func (p *logPiece) isPlaced() bool {
	return p.Text != "" && p.Start != nil && p.End != nil && *p.Start >= 0 && *p.End > *p.Start
}

// oldestFirst puts the lines of a piece into the order of their times, since the service does not document whether
// it reverses them. It is not ok if the times do not tell.
func oldestFirst(text string) (_ string, ok bool) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) == 1 {
		return text, true
	}
	up, down := 0, 0
	var before time.Time
	for _, line := range lines {
		at, ok := lineTime(line)
		if !ok {
			continue
		}
		if !before.IsZero() && at.After(before) {
			up++
		} else if at.Before(before) {
			down++
		}
		before = at
	}
	if down > up {
		slices.Reverse(lines)
		return strings.Join(lines, "\n") + "\n", true
	}
	return text, up > down
}

// lineTime reads the time at which a line such as "[2026/09/10 19:09:19.885 GMT+08:00] [INFO] …" was written.
func lineTime(line string) (time.Time, bool) {
	const layout = "2006/01/02 15:04:05.000"
	if len(line) <= len(layout) || line[0] != '[' {
		return time.Time{}, false
	}
	at, err := time.Parse(layout, line[1:1+len(layout)])
	return at, err == nil
}

// lastLines keeps the last lines of what is written to it.
type lastLines struct {
	most int
	kept []string // a ring, once it is full
	next int      // where the next line goes

	open []byte // the line that has not ended
	cut  bool   // its beginning was dropped
}

// maxTailLine bounds a line in bytes, and with it what Tail holds: at most 16 MiB.
const maxTailLine = 16 << 10

func (l *lastLines) Write(p []byte) (int, error) {
	n := len(p)
	for {
		line, rest, ended := bytes.Cut(p, []byte("\n"))
		l.extend(line)
		if !ended {
			return n, nil
		}
		l.end()
		p = rest
	}
}

// extend adds to the open line, of which it keeps the end.
func (l *lastLines) extend(part []byte) {
	if surplus := len(part) - maxTailLine; surplus > 0 {
		l.open, l.cut, part = l.open[:0], true, part[surplus:]
	}
	l.open = append(l.open, part...)
	if surplus := len(l.open) - 2*maxTailLine; surplus > 0 { // rarely, so that a line in small parts is not copied each time
		l.trim()
	}
}

// trim cuts the open line to its limit.
func (l *lastLines) trim() {
	if surplus := len(l.open) - maxTailLine; surplus > 0 {
		l.open, l.cut = l.open[:copy(l.open, l.open[surplus:])], true
	}
}

func (l *lastLines) end() {
	l.open = bytes.TrimSuffix(l.open, []byte("\r"))
	l.trim()
	line := string(l.open)
	if l.cut {
		for len(line) > 0 && !utf8.RuneStart(line[0]) {
			line = line[1:]
		}
		line = "…" + line
	}
	l.open, l.cut = l.open[:0], false
	if len(l.kept) < l.most {
		l.kept = append(l.kept, line)
		return
	}
	l.kept[l.next] = line
	l.next = (l.next + 1) % l.most
}

// lines returns the lines, oldest first, with the one that has not ended.
func (l *lastLines) lines() []string {
	if len(l.open) > 0 || l.cut {
		l.end()
	}
	lines := append(make([]string, 0, len(l.kept)), l.kept[l.next:]...)
	return append(lines, l.kept[:l.next]...)
}
