package codeartsbuild_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B72: every text of a log that grows while the build runs comes once and in order.
func TestFollowWhileTheLogGrows(t *testing.T) {
	t.Parallel()
	for name, pause := range map[string]time.Duration{
		"fast": 100 * time.Millisecond, "as fast as it is read": 2 * time.Second, "slow": 40 * time.Second, "all at once": 0,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				f := sdktest.NewJob(t)
				no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
				want, at := logLines(0, 100), time.Minute
				time.AfterFunc(at, func() { f.Finish(f.JobID, no, codeartsbuild.StatusRunning) })
				for line := range strings.Lines(want) {
					for _, half := range []string{line[:len(line)/2], line[len(line)/2:]} { // perhaps within a character
						at += pause/2 + 1
						time.AfterFunc(at, func() { f.AppendLog(f.JobID, no, half) })
					}
				}
				time.AfterFunc(at+1, func() { f.Finish(f.JobID, no, codeartsbuild.StatusFailed) })
				got, next, err := follow(f.Client().Logs.Follow(t.Context(), f.JobID, no, 0))
				require.NoError(t, err)
				require.Equal(t, want, got)
				require.Equal(t, int64(len(want)), next)
				require.LessOrEqual(t, time.Since(start), at+30*time.Second, "it ends with the build")
			})
		})
	}
}

// B72: a program that ends after one, two, three … texts goes on at the last Next.
func TestFollowFromASavedOffset(t *testing.T) {
	t.Parallel()
	for name, unit := range map[string]offsetUnit{"bytes": inBytes, "characters": inCharacters, "Java's characters": inJava} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLogServer(logLines(0, 500))
				l.record, l.pieces = recordFinished, linesFrom(unit, 10)
				client := l.client(t)
				var got strings.Builder
				var next int64
				for restarts, left := 0, true; left; restarts++ {
					texts := 0
					left = false
					for chunk, err := range client.Logs.Follow(t.Context(), sdktest.JobID, sdktest.BuildNo, next) {
						require.NoError(t, err)
						got.Write(chunk.Text)
						next = chunk.Next
						if texts++; texts > restarts {
							left = true
							break
						}
					}
				}
				require.Equal(t, l.text, got.String())
				text, _, err := follow(client.Logs.Follow(t.Context(), sdktest.JobID, sdktest.BuildNo, next))
				require.NoError(t, err)
				require.Empty(t, text, "from its end on")
			})
		})
	}
}

// B72: each loop over a log begins anew, and none reads before the first text is wanted.
func TestFollowTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLogServer("a line\n")
		l.record = recordFinished
		log := l.client(t).Logs.Follow(t.Context(), sdktest.JobID, sdktest.BuildNo, 2)
		require.Zero(t, len(l.reads)+l.looks)
		for range 2 {
			text, next, err := follow(log)
			require.NoError(t, err)
			require.Equal(t, "line\n", text)
			require.Equal(t, int64(7), next)
		}
	})
}

// B73: a read is asked for in the one way that every edition of the documentation allows.
func TestFollowRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLogServer(logLines(0, 1500))
		l.record = recordFinished
		recorder := httpfake.Record(l)
		_, next, err := follow(sdktest.Client(t, recorder).Logs.Follow(t.Context(), sdktest.JobID, sdktest.BuildNo, 0))
		require.NoError(t, err)
		var asked []string
		for _, r := range recorder.Requests() {
			if strings.Contains(r.URL.Path, "/log/") {
				asked = append(asked, r.Method+" "+r.URL.RequestURI())
			}
		}
		path := "GET /v1/log/" + sdktest.JobID + "/" + sdktest.BuildNo + "/real-time-log?end_offset=0&size=1000&start_offset="
		middle := len(logLines(0, 1000))
		require.Equal(t, []string{path + "0", path + fmt.Sprint(middle), path + fmt.Sprint(next)}, asked[:3])
	})
}

// oddLogs are ways in which a service may return its log. Each of them returns the whole log to who asks in the right
// way.
var oddLogs = map[string]func(*logServer, logRequest) logReply{
	"a thousand lines":     linesFrom(inBytes, 1000),
	"characters":           linesFrom(inCharacters, 1000),
	"Java's characters":    linesFrom(inJava, 30),
	"offsets count lines":  linesFrom(inLines, 3),
	"a line":               linesFrom(inBytes, 1),
	"seven characters":     charactersFrom(inCharacters, 7),
	"five characters":      charactersFrom(inBytes, 5),
	"more than asked for":  charactersFrom(inBytes, 1<<20),
	"offsets as texts":     then(linesFrom(inBytes, 10), func(p *logReply) { p.start, p.end, p.more = fmt.Sprint(p.start), fmt.Sprint(p.end), fmt.Sprint(p.more) }),
	"no start":             then(linesFrom(inBytes, 10), func(p *logReply) { p.start = nil }),
	"no start, characters": then(linesFrom(inCharacters, 10), func(p *logReply) { p.start = nil }),
	"no start, lines":      then(linesFrom(inLines, 10), func(p *logReply) { p.start = nil }),
	"never more":           then(linesFrom(inBytes, 10), func(p *logReply) { p.more = false }),
	"more is not told":     then(linesFrom(inBytes, 10), func(p *logReply) { p.more = nil }),
	"more while it runs": func(l *logServer, q logRequest) logReply {
		p := linesFrom(inBytes, 10)(l, q)
		p.more = p.more.(bool) || l.record == recordRunning
		return p
	},
	"empty now and then": func(l *logServer, q logRequest) logReply {
		p := linesFrom(inBytes, 10)(l, q)
		if q.number%3 == 1 {
			return logReply{text: "", start: p.start, end: p.start, more: true}
		}
		return p
	},
	"nothing at all now and then": func(l *logServer, q logRequest) logReply {
		if q.number%3 == 1 {
			return logReply{whole: httpfake.Reply(200, `{"result":null,"error":null,"status":"success"}`)}
		}
		return linesFrom(inBytes, 10)(l, q)
	},
	"an end of 0 is an end": func(l *logServer, q logRequest) logReply {
		p := linesFrom(inBytes, 10)(l, q)
		if q.end == 0 {
			return logReply{text: "", start: p.start, end: p.start, more: p.text != ""}
		}
		return p
	},
	"from an earlier character on":        overlapping(inBytes, func(from int) int { return from - 50 }),
	"from an earlier character on, runes": overlapping(inCharacters, func(from int) int { return from - 333 }),
	"from an earlier character on, Java":  overlapping(inJava, func(from int) int { return from - 50 }),
	"from the beginning on":               overlapping(inBytes, func(int) int { return 0 }),
	"from the beginning on, runes":        overlapping(inCharacters, func(int) int { return 0 }),
	"from the beginning on, lines":        overlapping(inLines, func(int) int { return 0 }),
	"from a block on":                     overlapping(inBytes, func(from int) int { return from / 4096 * 4096 }),
	"from a line on, lines":               overlapping(inLines, func(from int) int { return from - 700 }),
	"two offsets are a cursor":            cursor(inBytes),
	"two offsets are a cursor, runes":     cursor(inCharacters),
	"two offsets are a cursor, lines":     cursor(inLines),
	"the last piece again at the end": func(l *logServer, q logRequest) logReply {
		p := linesFrom(inBytes, 10)(l, q)
		if p.text == "" && l.text != "" {
			from := strings.LastIndexByte(l.text[:len(l.text)-1], '\n') + 1
			return inBytes2(l.text, from)
		}
		return p
	},
	"a lagging copy now and then": func(l *logServer, q logRequest) logReply {
		if q.number%4 == 2 && q.start > 100 {
			return logReply{text: l.text[:100], start: 0, end: 100, more: true}
		}
		return linesFrom(inBytes, 10)(l, q)
	},
	"lost, cut and not a log": func(l *logServer, q logRequest) logReply {
		switch p := linesFrom(inBytes, 10)(l, q); q.number % 5 {
		case 1:
			return logReply{whole: httpfake.Lost}
		case 2:
			return logReply{whole: httpfake.Cut(200, `{"result":{"log":"lost`)}
		case 3:
			return logReply{whole: httpfake.Reply(200, `<html>`)}
		default:
			return p
		}
	},
}

// inBytes2 is the rest of a log from a byte on.
func inBytes2(text string, from int) logReply { return offsetUnit(inBytes).cut(text, from, len(text)) }

// then changes each piece of a log.
func then(pieces func(*logServer, logRequest) logReply, change func(*logReply)) func(*logServer, logRequest) logReply {
	return func(l *logServer, q logRequest) logReply {
		p := pieces(l, q)
		change(&p)
		return p
	}
}

// overlapping begins each piece at a line before the one that was asked for.
func overlapping(unit offsetUnit, begin func(from int) int) func(*logServer, logRequest) logReply {
	return func(l *logServer, q logRequest) logReply {
		from := unit.at(l.text, q.start)
		begins := strings.LastIndexByte(l.text[:max(begin(from), 0)], '\n') + 1
		return unit.cut(l.text, begins, from+lengthOfLines(l.text[from:], 10))
	}
}

// cursor reads both offsets of a request as the last piece, and returns the one after it. Without an end it returns
// the piece that begins at or before the start.
func cursor(unit offsetUnit) func(*logServer, logRequest) logReply {
	return func(l *logServer, q logRequest) logReply {
		if q.end > 0 {
			from := unit.at(l.text, q.end)
			return unit.cut(l.text, from, from+lengthOfLines(l.text[from:], 10))
		}
		begin, end := 0, 0
		for from := unit.at(l.text, q.start); end < len(l.text) && end <= from; {
			begin, end = end, end+lengthOfLines(l.text[end:], 10)
			if end == from { // "begins at the previous start"
				break
			}
		}
		return unit.cut(l.text, begin, end)
	}
}

// B73: however the service returns its log, each text comes once and in order: of a finished build, of one that runs,
// and from a saved offset.
func TestFollowOddLogs(t *testing.T) {
	t.Parallel()
	for name, pieces := range oddLogs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLogServer(logLines(0, 40))
				l.pieces = pieces
				for i := range 10 {
					l.become(time.Duration(20*i+1)*time.Second, "", logLines(40+6*i, 6))
				}
				l.become(4*time.Minute, recordFinished, "the end\n")
				start, client := time.Now(), l.client(t, sdktest.Quick)
				var saved []int64
				var got strings.Builder
				var lengths []int
				for chunk, err := range client.Logs.Follow(t.Context(), sdktest.JobID, sdktest.BuildNo, 0) {
					require.NoError(t, err)
					got.Write(chunk.Text)
					saved, lengths = append(saved, chunk.Next), append(lengths, got.Len())
				}
				require.Equal(t, l.text, got.String())
				require.Less(t, time.Since(start), 30*time.Minute)
				again, _, err := follow(client.Logs.Follow(t.Context(), sdktest.JobID, sdktest.BuildNo, 0))
				require.NoError(t, err)
				require.Equal(t, l.text, again, "of the finished build")
				if strings.Contains(name, "lines") && !strings.HasPrefix(name, "offsets") { // nothing tells then where a piece goes
					return
				}
				middle := len(saved) / 2
				rest, _, err := follow(client.Logs.Follow(t.Context(), sdktest.JobID, sdktest.BuildNo, saved[middle]))
				require.NoError(t, err)
				require.Equal(t, l.text[lengths[middle]:], rest, "from a saved offset on")
			})
		})
	}
}

// B73: text that cannot be placed is never dropped in silence. The text of the error has the offsets.
func TestFollowLogThatCannotBePlaced(t *testing.T) {
	t.Parallel()
	type pieces = func(l *logServer, q logRequest) logReply
	after := func(n int, reply func(l *logServer) logReply) pieces { // the first n reads are right
		return func(l *logServer, q logRequest) logReply {
			if q.number < n {
				return linesFrom(inBytes, 10)(l, q)
			}
			return reply(l)
		}
	}
	length := int64(len(logLines(0, 10)))
	tests := map[string]struct {
		from   int64
		pieces pieces
		text   string // of the error
	}{
		"no offsets":                {0, after(0, func(*logServer) logReply { return logReply{text: "b\n"} }), "from an unknown offset to an unknown offset, and offset 0 was asked for"},
		"no offsets, later":         {0, after(1, func(*logServer) logReply { return logReply{text: "b\n"} }), fmt.Sprintf("and offset %d was asked for", length)},
		"an offset that is not one": {0, after(1, func(*logServer) logReply { return logReply{text: "b\n", end: "soon"} }), "from an unknown offset to 0"},
		"the same end":              {0, after(1, func(*logServer) logReply { return logReply{text: "b\n", start: length, end: length} }), fmt.Sprintf("from %d to %[1]d", length)},
		"the same end, no start":    {0, after(1, func(*logServer) logReply { return logReply{text: "b\n", end: length} }), fmt.Sprintf("the text of the log before offset %d has changed", length)},
		"a smaller end":             {0, after(1, func(*logServer) logReply { return logReply{text: "b\n", start: length, end: 3} }), fmt.Sprintf("from %d to 3", length)},
		"a negative start":          {0, after(1, func(*logServer) logReply { return logReply{text: "b\n", start: -2, end: 9999} }), "from -2 to 9999"},
		"no end, of unknown length": {0, after(1, func(*logServer) logReply { return logReply{text: "é\n", start: length} }), "to an unknown offset"},
		"a gap":                     {0, after(1, func(*logServer) logReply { return logReply{text: "b\n", start: length + 3, end: length + 5} }), fmt.Sprintf("begins at offset %d, and offset %d was asked for", length+3, length)},
		"a head that was discarded": {0, after(0, func(*logServer) logReply { return logReply{text: "b\n", start: 542993, end: 542995} }), "begins at offset 542993, and offset 0 was asked for"},
		"the same offsets, other text": {0, after(1, func(*logServer) logReply {
			return logReply{text: strings.Repeat("b", int(length)), start: 0, end: length}
		}), "begun anew"},
		"an overlap of other text": {0, after(1, func(*logServer) logReply {
			return logReply{text: strings.Repeat("b", int(length)+5), start: 0, end: length + 5}
		}), fmt.Sprintf("from offset 0 to %d does not fit", length+5)},
		"an overlap of unknown length": {0, after(1, func(*logServer) logReply { return logReply{text: "b\n", start: 1, end: length + 5} }), fmt.Sprintf("from offset 1 to %d does not fit", length+5)},
		"an overlap at several places": {0, func(l *logServer, q logRequest) logReply {
			if q.number == 0 {
				return logReply{text: "..........", start: 0, end: 7}
			}
			return logReply{text: "..............", start: 1, end: 8}
		}, "from offset 1 to 8 does not fit"},
		"an overlap of a saved offset": {500, func(*logServer, logRequest) logReply { return logReply{text: "b\n", start: 1, end: 600} }, "from offset 1 to 600 does not fit"},
		"a shorter log":                {0, after(1, func(*logServer) logReply { return logReply{text: "", start: 7, end: 7} }), fmt.Sprintf("the log ends at offset 7, and offset %d was asked for", length)},
		"a shorter log, with text":     {0, after(1, func(*logServer) logReply { return logReply{text: "a line\n", start: 0, end: 7} }), "the log ends at offset 7"},
		"a saved offset behind it":     {1 << 40, linesFrom(inBytes, 10), fmt.Sprintf("the log ends at offset %d, and offset 1099511627776 was asked for", len(logLines(0, 40)))},
		"a saved offset, from 0":       {1 << 40, func(l *logServer, _ logRequest) logReply { return inBytes2(l.text, 0) }, "offset 1099511627776 was asked for"},
	}
	for name, tt := range tests {
		for _, finished := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, finished %t", name, finished), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					l := newLogServer(logLines(0, 40))
					l.pieces = tt.pieces
					if finished {
						l.record = recordFinished
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
					defer cancel()
					got, _, err := follow(l.client(t).Logs.Follow(ctx, sdktest.JobID, sdktest.BuildNo, tt.from))
					require.Equal(t, []string{"ErrUnexpectedResponse"}, sdktest.Kinds(err))
					require.Equal(t, 200, sdktest.APIError(t, err).StatusCode)
					require.ErrorContains(t, err, tt.text)
					require.True(t, strings.HasPrefix(l.text, got) || strings.HasPrefix(got, ".."), "no wrong text")
					require.Less(t, len(l.reads), 12)
				})
			})
		}
	}
}

// B73: a piece that does not fit is asked for again before Follow gives up.
func TestFollowRereadsAPieceThatDoesNotFit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		odd  []logReply
		fail bool
	}{
		"no offsets":              {[]logReply{{text: "b"}}, false},
		"no offsets, twice":       {[]logReply{{text: "b"}, {text: "b"}}, false},
		"no offsets, three times": {[]logReply{{text: "b"}, {text: "b"}, {text: "b"}}, true},
		"a gap":                   {[]logReply{{text: "b", start: 9999, end: 10000}}, false},
		"an end that goes back":   {[]logReply{{text: "[2", end: 2}, {text: "", end: 7}}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLogServer(logLines(0, 40))
				l.record = recordFinished
				l.pieces = func(l *logServer, q logRequest) logReply {
					if i := q.number - 1; i >= 0 && i < len(tt.odd) {
						return tt.odd[i]
					}
					return linesFrom(inBytes, 10)(l, q)
				}
				got, _, err := follow(l.client(t).Logs.Follow(t.Context(), sdktest.JobID, sdktest.BuildNo, 0))
				if tt.fail {
					require.ErrorIs(t, err, codeartsbuild.ErrUnexpectedResponse)
					return
				}
				require.NoError(t, err)
				require.Equal(t, l.text, got)
			})
		})
	}
}

// A piece that did not fit, and after which nothing came, is not forgotten at the end of the log.
func TestFollowEndsWithTheErrorOfItsLastPiece(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		f.Next(sdktest.OpReadLog, codeartsbuildtest.Reply(200, `{"result":{"log":"a","start_offset":0,"end_offset":1}}`),
			codeartsbuildtest.Reply(200, `{"result":{"log":"b"}}`), codeartsbuildtest.Reply(200, `{}`))
		f.Statuses(f.BuildNo, 10*time.Minute, codeartsbuild.StatusSucceeded)
		got, _, err := follow(f.Client().Logs.Follow(t.Context(), f.JobID, f.BuildNo, 0))
		require.Equal(t, "a", got)
		require.ErrorIs(t, err, codeartsbuild.ErrUnexpectedResponse)
	})
}

// B74: the log of a finished build ends after two reads without text, each after a pause.
func TestFollowDrainsAfterTheEnd(t *testing.T) {
	t.Parallel()
	const more = `{"result":{"log":"","end_offset":0,"has_more":true}}`
	seconds := func(at ...time.Duration) []time.Duration {
		for i := range at {
			at[i] *= time.Second
		}
		return at
	}
	tests := map[string]struct {
		late   []time.Duration // when text arrives, after the end was seen
		quiet  []string        // responses before that
		failed error
	}{
		"nothing comes any more": {nil, nil, nil},
		"at once":                {seconds(0), nil, nil},
		"a second later":         {seconds(1), nil, nil},
		"three seconds later":    {seconds(3), nil, nil},
		"again and again":        {seconds(1, 4, 7, 10), nil, nil},
		"the service has more and does not give it": {nil, repeat(more, 50), codeartsbuild.ErrUnexpectedResponse},
		"the service names more than it gives":      {nil, repeat(`{"result":{"log":"","end_offset":7}}`, 50), codeartsbuild.ErrUnexpectedResponse},
		"the service has more up to its last word":  {nil, repeat(more, 6), nil},
		"the service has more and is slow":          {seconds(12), repeat(more, 8), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				want := ""
				f.Next(sdktest.OpGetBuild, nil, sdktest.Before(func(*http.Request) { // the log is read before the end is seen
					f.Finish(f.JobID, f.BuildNo, codeartsbuild.StatusSucceeded)
					for i, after := range tt.late {
						line := fmt.Sprintf("late %d\n", i)
						want += line
						time.AfterFunc(after, func() { f.AppendLog(f.JobID, f.BuildNo, line) })
					}
				}))
				f.Next(sdktest.OpReadLog, codeartsbuildtest.Reply(200, `{}`))
				for _, response := range tt.quiet {
					f.Next(sdktest.OpReadLog, codeartsbuildtest.Reply(200, response))
				}
				got, _, err := follow(f.Client().Logs.Follow(t.Context(), f.JobID, f.BuildNo, 0))
				require.ErrorIs(t, err, tt.failed)
				require.Equal(t, want, got)
				require.Less(t, f.Count(sdktest.OpReadLog), 25, "it ends")
				time.Sleep(time.Minute)
			})
		})
	}
}

func repeat(text string, n int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = text
	}
	return texts
}

// B74: the log of a build that finished long ago has no late lines to wait for.
func TestFollowOldBuild(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLogServer(logLines(0, 40))
		l.record = recordFinished + `,"finish_time":"1999-12-31T00:00:00Z"`
		start := time.Now()
		got, _, err := follow(l.client(t).Logs.Follow(t.Context(), sdktest.JobID, sdktest.BuildNo, 0))
		require.NoError(t, err)
		require.Equal(t, l.text, got)
		require.Zero(t, time.Since(start))
		require.Len(t, l.reads, 3, "its text, and two without")
	})
}

// B74: the log of a finished build must come to an end.
func TestFollowLogWithoutEnd(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		more     any
		finishes time.Duration
	}{
		"and the service says so":         {true, 0},
		"and the service does not say so": {false, 0},
		"and it has no has_more":          {nil, 0},
		"and it has run before":           {true, time.Hour},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLogServer("")
				l.become(tt.finishes, recordFinished, "")
				l.pieces = func(_ *logServer, q logRequest) logReply { // always one more byte
					return logReply{text: "x", start: q.start, end: q.start + 1, more: tt.more}
				}
				start := time.Now()
				got, _, err := follow(l.client(t).Logs.Follow(t.Context(), sdktest.JobID, sdktest.BuildNo, 0))
				require.Equal(t, []string{"ErrUnexpectedResponse"}, sdktest.Kinds(err))
				require.ErrorContains(t, err, "the build has finished, but its log does not end: offset ")
				require.LessOrEqual(t, len(got), 4001+int(tt.finishes/(240*time.Millisecond)))
				pause := time.Since(start) / time.Duration(len(l.reads))
				require.GreaterOrEqual(t, pause, 200*time.Millisecond, "between reads")
				t.Logf("%d reads in %v", len(l.reads), time.Since(start))
			})
		})
	}
}

// A running build may write a byte at a time for as long as it likes, but not without a pause.
func TestFollowPausesAfterLittleText(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLogServer("")
		l.pieces = func(_ *logServer, q logRequest) logReply {
			return logReply{text: "x", start: q.start, end: q.start + 1, more: true}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, _, err := follow(l.client(t).Logs.Follow(ctx, sdktest.JobID, sdktest.BuildNo, 0))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.InDelta(t, 4*3600, len(l.reads), 10)
	})
}

// B75: while the build is queued only its record is read, so that the reads of a log that does not exist yet neither
// fail nor spend the client's retries.
func TestFollowQueuedBuild(t *testing.T) {
	t.Parallel()
	noLog := httpfake.Reply(500, `{"error_code":"CB.00030004","error_msg":"Call Octopus failed"}`)
	tests := map[string]struct {
		record string // after an hour
		text   string
		reads  int // of the log; -1: any number
	}{
		"and begins":                        {recordFinished, "a line\n", -1},
		"and is never scheduled":            {`"status":"SCHEDULE_FAILURE"`, "", 0},
		"and is aborted":                    {`"status":"ABORTED","queued_time":"2026-11-24T10:00:00Z"`, "", 1},
		"and has an unknown end":            {`"status":"SKIPPED","finish_time":"2026-11-24T11:00:00Z"`, "", 1},
		"and is aborted, but has begun":     {recordFinished + `,"status":"ABORTED"`, "a line\n", -1},
		"and is aborted, but has some text": {`"status":"ABORTED"`, "a line\n", -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLogServer("")
				l.record = recordQueued
				l.pieces = func(l *logServer, q logRequest) logReply {
					if l.text == "" {
						return logReply{whole: noLog}
					}
					return linesFrom(inBytes, 10)(l, q)
				}
				l.become(time.Hour, tt.record, tt.text)
				start := time.Now()
				got, _, err := follow(l.client(t).Logs.Follow(t.Context(), sdktest.JobID, sdktest.BuildNo, 0))
				require.NoError(t, err)
				require.Equal(t, tt.text, got)
				if tt.reads >= 0 {
					require.Len(t, l.reads, tt.reads)
				} else {
					require.False(t, l.reads[0].at.Before(start.Add(time.Hour)))
				}
				require.LessOrEqual(t, time.Since(start), time.Hour+30*time.Second)
				require.InDelta(t, 240, l.looks, 20)
			})
		})
	}
}

// B160: the error of a piece has the name of its request, without a short token that a server repeats there.
func TestFollowErrorShowsNoToken(t *testing.T) {
	t.Parallel()
	const token = "0123456789abcdef0123456789ABCDEF"
	for id, want := range map[string]string{"7f3c": "7f3c", "id-" + token: "id-[removed]", token: "[removed]", "%30" + token[1:]: "[removed]"} {
		synctest.Test(t, func(t *testing.T) {
			client := sdktest.Client(t, httpfake.Func(func(r *http.Request) (*http.Response, error) {
				body := `{"result":{"log":"b\n","start_offset":7,"end_offset":9}}`
				if codeartsbuild.OperationFromContext(r.Context()) == sdktest.OpGetBuild {
					body = `{"result":{"build_no":` + sdktest.BuildNo + `,` + recordRunning + `}}`
				}
				return httpfake.Reply(200, body, "X-Request-Id", id)(r)
			}), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(token)))
			_, _, err := follow(client.Logs.Follow(t.Context(), sdktest.JobID, sdktest.BuildNo, 0))
			require.Equal(t, want, sdktest.APIError(t, err).RequestID)
			require.ErrorContains(t, err, want)
		})
	}
}

// B75: what the response to a read of the log of a build that never started means.
func TestFollowBuildWithoutALog(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault codeartsbuildtest.Fault
		reads int
		late  string // what the log turns out to have
	}{
		"an error in a success": {codeartsbuildtest.Reply(200, `{"status":"error","error":{"code":"DEV.CB.0410005","reason":"no log"}}`), 1, ""},
		"a success with a code": {codeartsbuildtest.Reply(200, `{"error_code":"CB.00030004","error_msg":"Call Octopus failed"}`), 1, ""},
		"not found":             {codeartsbuildtest.Reply(404, ``), 1, ""},
		"too frequent":          {codeartsbuildtest.Reply(500, `{"error_code":"CB.00060211","error_msg":"too frequent"}`), 5, "a line\n"},
		"throttled":             {codeartsbuildtest.Reply(200, `{"error_code":"APIGW.0308","error_msg":"throttled"}`), 5, "a line\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
				f.Finish(f.JobID, no, codeartsbuild.StatusAborted)
				f.AppendLog(f.JobID, no, "a line\n")
				f.NextN(sdktest.OpReadLog, 2, tt.fault)
				got, _, err := follow(f.Client().Logs.Follow(t.Context(), f.JobID, no, 0))
				require.NoError(t, err)
				require.Equal(t, tt.late, got)
				require.Equal(t, tt.reads, f.Count(sdktest.OpReadLog))
			})
		})
	}
}

// B75: while it is not known whether a build has left the queue, its log is not read in vain.
func TestFollowQueuedBuildWhoseRecordCannotBeRead(t *testing.T) {
	t.Parallel()
	broken := codeartsbuildtest.Reply(500, `{"error_code":"CB.00060101","error_msg":"broken"}`)
	tests := map[string]struct {
		fault    codeartsbuildtest.Fault
		from, to time.Duration
		reads    int // of the log, at most
	}{
		"not found at first": {codeartsbuildtest.Reply(404, `{}`), 0, 50 * time.Second, 0},
		"throttled at first": {sdktest.RetryAfter("10"), 0, 50 * time.Second, 0},
		"broken later":       {broken, 2 * time.Minute, 6 * time.Minute, 0},
		"broken at first":    {broken, 0, 20 * time.Second, 6}, // the build may run
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
				f.NextN(sdktest.OpGetBuild, 1000, between(tt.from, tt.to, tt.fault))
				f.NextN(sdktest.OpReadLog, 1000, codeartsbuildtest.Reply(500, `{"error_code":"CB.00030004","error_msg":"Call Octopus failed"}`))
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				_, _, err := follow(f.Client(sdktest.Once).Logs.Follow(ctx, f.JobID, no, 0))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.LessOrEqual(t, f.Count(sdktest.OpReadLog), tt.reads)
			})
		})
	}
}

// A word of the service that is not known here ends the log too, if the build has a time at which it finished.
func TestFollowBuildThatEndsWithAnUnknownWord(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"UNSTABLE", "SKIPPED", "STOPPED", ""} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLogServer("a line\n")
				l.become(time.Minute, recordRunning+`,"status":"`+word+`","finish_time":"2026-11-24T10:30:00Z"`, "its end\n")
				start := time.Now()
				got, _, err := follow(l.client(t).Logs.Follow(t.Context(), sdktest.JobID, sdktest.BuildNo, 0))
				require.NoError(t, err)
				require.Equal(t, "a line\nits end\n", got)
				require.Less(t, time.Since(start), 2*time.Minute)
			})
		})
	}
}

// B75: Follow ends after 5 minutes without a good read, and at once if the credential is rejected.
func TestFollowFailedReads(t *testing.T) {
	t.Parallel()
	const (
		broken    = `{"error_code":"CB.00060101","error_msg":"no"}`
		forbidden = `{"error_code":"APIGW.0302","error_msg":"no"}`
	)
	tests := map[string]struct {
		operation string
		status    int
		body      string
		until     time.Duration // reads fail for so long, from a minute on
		kind      error         // nil: the log is read to its end
		after     time.Duration // at most, from the first failure on
	}{
		"the log, for two minutes":               {sdktest.OpReadLog, 500, broken, 2 * time.Minute, nil, 0},
		"the log, for ever":                      {sdktest.OpReadLog, 500, broken, time.Hour, codeartsbuild.ErrInternalServerError, 6 * time.Minute},
		"the log, since it is gone":              {sdktest.OpReadLog, 404, `{}`, time.Hour, codeartsbuild.ErrNotFound, 2 * time.Minute},
		"the log, without permission":            {sdktest.OpReadLog, 403, forbidden, time.Hour, codeartsbuild.ErrForbidden, 30 * time.Second},
		"the build, for two minutes":             {sdktest.OpGetBuild, 500, broken, 2 * time.Minute, nil, 0},
		"the build, for ever":                    {sdktest.OpGetBuild, 500, broken, time.Hour, codeartsbuild.ErrInternalServerError, 6 * time.Minute},
		"the build, without permission":          {sdktest.OpGetBuild, 403, forbidden, time.Hour, codeartsbuild.ErrForbidden, 30 * time.Second},
		"the build, with a credential expired":   {sdktest.OpGetBuild, 401, `{}`, time.Hour, codeartsbuild.ErrUnauthorized, 30 * time.Second},
		"the log, with a page in its place":      {sdktest.OpReadLog, 200, `<html>`, 2 * time.Minute, nil, 0},
		"the log, with a page for ever":          {sdktest.OpReadLog, 200, `<html>`, time.Hour, codeartsbuild.ErrUnexpectedResponse, 6 * time.Minute},
		"the log, with a response of another":    {sdktest.OpReadLog, 200, `{"result":[]}`, 2 * time.Minute, nil, 0},
		"the build, with another build's":        {sdktest.OpGetBuild, 200, `{"result":{"build_no":9}}`, 2 * time.Minute, nil, 0},
		"the build, with another build for ever": {sdktest.OpGetBuild, 200, `{"result":{"build_no":9}}`, time.Hour, codeartsbuild.ErrUnexpectedResponse, 6 * time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				start, failing := time.Now(), time.Minute
				f.NextN(tt.operation, 10_000, func(service http.Handler) http.Handler {
					if d := time.Since(start); d < failing || d > failing+tt.until {
						return service
					}
					return codeartsbuildtest.Reply(tt.status, tt.body)(service)
				})
				f.AppendLog(f.JobID, f.BuildNo, "a line\n")
				f.Statuses(f.BuildNo, 20*time.Minute, codeartsbuild.StatusSucceeded)
				var last codeartsbuild.LogChunk
				var err error
				for last, err = range f.Client(sdktest.Once).Logs.Follow(t.Context(), f.JobID, f.BuildNo, 0) {
					_ = last
				}
				if tt.kind == nil {
					require.NoError(t, err)
					require.Equal(t, "a line\n", string(last.Text))
					return
				}
				require.ErrorIs(t, err, tt.kind)
				require.NotErrorIs(t, err, context.DeadlineExceeded)
				require.Zero(t, last, "no text stands beside an error")
				require.LessOrEqual(t, time.Since(start), failing+tt.after)
				if tt.after > 3*time.Minute {
					require.ErrorContains(t, err, "no read has succeeded for 5m")
					require.GreaterOrEqual(t, time.Since(start), failing+5*time.Minute)
				}
			})
		})
	}
}

// B77: Retry-After is obeyed up to 5 minutes. A longer one is for the caller.
func TestFollowRetryAfter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		operation, after string
		ends             bool
	}{
		"of the log":              {sdktest.OpReadLog, "120", false},
		"of the build":            {sdktest.OpGetBuild, "120", false},
		"of 5 minutes":            {sdktest.OpReadLog, "300", false},
		"of a bit more":           {sdktest.OpReadLog, "301", true},
		"of a year":               {sdktest.OpReadLog, "31536000", true},
		"of a year, of the build": {sdktest.OpGetBuild, "31536000", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				f.AppendLog(f.JobID, f.BuildNo, "a line\n")
				f.Finish(f.JobID, f.BuildNo, codeartsbuild.StatusSucceeded)
				f.Next(tt.operation, sdktest.RetryAfter(tt.after))
				start := time.Now()
				asked, _ := time.ParseDuration(tt.after + "s")
				for chunk, err := range f.Client().Logs.Follow(t.Context(), f.JobID, f.BuildNo, 0) {
					if tt.ends {
						require.Equal(t, asked, sdktest.APIError(t, err).RetryAfter)
						require.Zero(t, time.Since(start))
						return
					}
					require.NoError(t, err)
					require.Equal(t, "a line\n", string(chunk.Text))
					require.GreaterOrEqual(t, time.Since(start), asked)
				}
			})
		})
	}
}

// B75: Retry-After is obeyed while the build is queued too.
func TestFollowRetryAfterOfAQueuedBuild(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		no := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
		var reads []time.Time
		f.NextN(sdktest.OpGetBuild, 100, func(service http.Handler) http.Handler {
			if reads = append(reads, time.Now()); len(reads)%2 == 0 {
				return service
			}
			return sdktest.RetryAfter("40")(service)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
		defer cancel()
		_, _, err := follow(f.Client().Logs.Follow(ctx, f.JobID, no, 0))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Greater(t, len(reads), 12)
		for i := 0; i+1 < len(reads); i += 2 {
			require.GreaterOrEqual(t, reads[i+1].Sub(reads[i]), 40*time.Second)
		}
		require.Zero(t, f.Count(sdktest.OpReadLog))
	})
}

// B75: the end of the context is the last pair.
func TestFollowWhoseContextEnds(t *testing.T) {
	t.Parallel()
	cause := errors.New("enough")
	tests := map[string]struct {
		ctx   func(context.Context) (context.Context, context.CancelFunc)
		kinds []string
		cause error
		after time.Duration
	}{
		"a deadline": {
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Minute)
			},
			kinds: []string{"DeadlineExceeded"}, after: time.Minute,
		},
		"a cancel with a cause": {
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(time.Minute, func() { cancel(cause) })
				return ctx, func() { cancel(nil) }
			},
			kinds: []string{"Canceled"}, cause: cause, after: time.Minute,
		},
		"over before": {
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return ctx, cancel
			},
			kinds: []string{"Canceled"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				ctx, cancel := tt.ctx(t.Context())
				defer cancel()
				start := time.Now()
				text, _, err := follow(f.Client().Logs.Follow(ctx, f.JobID, f.BuildNo, 0))
				require.Empty(t, text)
				require.Equal(t, tt.kinds, sdktest.Kinds(err))
				require.True(t, tt.cause == nil || errors.Is(err, tt.cause))
				require.Equal(t, tt.after, time.Since(start))
				before := len(f.Requests())
				time.Sleep(time.Hour)
				require.Equal(t, before, len(f.Requests()))
			})
		})
	}
}

// B75: a bad argument is the only pair, and nothing is sent.
func TestFollowBadArguments(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		ctx     context.Context
		job, no string
		offset  int64
	}{
		"a negative offset": {t.Context(), sdktest.JobID, "1", -1},
		"no context":        {nil, sdktest.JobID, "1", 0},
		"no job":            {t.Context(), "", "1", 0},
		"no build":          {t.Context(), sdktest.JobID, "0", 0},
		"a daily number":    {t.Context(), sdktest.JobID, "20261124.3", 0},
	}
	for name, tt := range tests {
		transport, pairs := httpfake.Script(httpfake.Lost), 0
		for chunk, err := range sdktest.Client(t, transport).Logs.Follow(tt.ctx, tt.job, tt.no, tt.offset) {
			require.Equal(t, []string{"ErrInvalidArgument"}, sdktest.Kinds(err), name)
			require.Zero(t, chunk)
			pairs++
		}
		require.Equal(t, 1, pairs, name)
		require.Zero(t, transport.Count(), name)
	}
}

// B75: leaving the loop ends all reading.
func TestFollowThatIsLeft(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) { // fails if a goroutine is left
		f.AppendLog(f.JobID, f.BuildNo, strings.Repeat("a line\n", 100_000))
		client := f.Client()
		for range client.Logs.Follow(t.Context(), f.JobID, f.BuildNo, 0) {
			break
		}
		before := len(f.Requests())
		time.Sleep(time.Hour)
		require.Equal(t, before, len(f.Requests()))
	})
}

// B77: a log that has more is read at once.
func TestFollowAtOnceWhileThereIsMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLogServer(logLines(0, 20_500))
		start, texts := time.Now(), 0
		for range l.client(t).Logs.Follow(t.Context(), sdktest.JobID, sdktest.BuildNo, 0) {
			if texts++; texts == 20 {
				break
			}
		}
		require.Zero(t, time.Since(start))
	})
}

// B77: a log that grows all the time is read every 2 s.
func TestFollowPaceOfAGrowingLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLogServer("")
		l.pieces = func(l *logServer, q logRequest) logReply {
			l.text += "a line\n"
			return linesFrom(inBytes, 1000)(l, q)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		text, _, err := follow(l.client(t).Logs.Follow(ctx, sdktest.JobID, sdktest.BuildNo, 0))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.InDelta(t, 28, len(l.reads), 4)
		require.Equal(t, l.text, text)
	})
}

// B77: a quiet log is read up to every 15 s, and faster again after a text.
func TestFollowPaceOfAQuietLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLogServer("")
		l.become(5*time.Minute, "", "a line\n")
		l.become(10*time.Minute, recordFinished, "")
		start, line := time.Now(), -1
		for range l.client(t).Logs.Follow(t.Context(), sdktest.JobID, sdktest.BuildNo, 0) {
			line = len(l.reads) - 1
		}
		at := make([]time.Duration, len(l.reads))
		for i, read := range l.reads {
			at[i] = read.at.Sub(start)
		}
		require.Positive(t, line)
		requirePaced(t, at[:line+1])
		require.LessOrEqual(t, at[line+2]-at[line], 7*time.Second, "faster again after a text")
		require.LessOrEqual(t, len(at), 60)
		require.LessOrEqual(t, l.looks, len(at)+1)
		require.LessOrEqual(t, at[len(at)-1], 10*time.Minute+25*time.Second)
	})
}
