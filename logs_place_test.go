package codeartsbuild

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
)

// The characters of which fuzzed logs are made. Few of them, so that texts repeat.
var fuzzedRunes = []rune("ab\né🔑")

// FuzzLogPlace checks that a piece is placed right for any sequence of pieces, as long as text and offsets belong
// together: the text that was taken is always the beginning of the log. Two bytes choose a piece.
func FuzzLogPlace(f *testing.F) {
	f.Add([]byte("abababab\n\n12312311"), []byte{0, 5, 3, 9, 0, 20, 4, 30}, uint8(0))
	f.Add([]byte("aaaaaaaaaaaaaaaaaaaa"), []byte{0, 9, 1, 12, 2, 20}, uint8(1))
	f.Add([]byte("4343434343434343"), []byte{0, 4, 0, 4, 4, 8, 8, 8, 8, 16}, uint8(2))
	f.Fuzz(func(t *testing.T, letters, steps []byte, way uint8) {
		log := []rune{}
		for _, letter := range letters[:min(len(letters), 64)] {
			log = append(log, fuzzedRunes[int(letter)%len(fuzzedRunes)])
		}
		unit := logUnits[int(way)%len(logUnits)]
		place, taken := logPlace{start: -1}, ""
		for ; len(steps) >= 2; steps = steps[2:] {
			from, to := int(steps[0])%(len(log)+1), int(steps[1])%(len(log)+1)
			if from > to {
				from, to = to, from
			}
			start, end := unit.length(string(log[:from])), unit.length(string(log[:to]))
			piece := &logPiece{Text: string(log[from:to]), Start: &start, End: &end, HasMore: steps[0] > 128}
			if way > 128 && steps[1] > 128 {
				piece.End = nil
			}
			before := place.next
			text, err := place.take(piece)
			taken += text
			place.query()
			if !strings.HasPrefix(string(log), taken) {
				t.Fatalf("took %q of %q", taken, string(log))
			}
			if place.next < before || place.next != unit.length(taken) {
				t.Fatalf("the place went from %d to %d, and the text has %d", before, place.next, unit.length(taken))
			}
			if err != nil {
				return
			}
		}
	})
}

// FuzzLogPiece checks that no response moves the place back or is taken without its text.
func FuzzLogPiece(f *testing.F) {
	f.Add("a", int64(0), int64(1), "bc", int64(1), int64(3), uint8(0xff))
	f.Add("aé", int64(5), int64(2), "é", int64(-1), int64(1)<<62, uint8(7))
	f.Add("", int64(0), int64(9), "\xff\xfe", int64(1)<<62, int64(1)<<62+2, uint8(1))
	f.Fuzz(func(t *testing.T, one string, start1, end1 int64, two string, start2, end2 int64, has uint8) {
		pieces := []*logPiece{{Text: one, Start: &start1, End: &end1, HasMore: has&1 > 0}, {Text: two, Start: &start2, End: &end2, HasMore: has&2 > 0}}
		for i, piece := range pieces {
			if has>>(2+i)&1 == 0 {
				piece.Start = nil
			}
			if has>>(4+i)&1 == 0 {
				piece.End = nil
			}
		}
		place := logPlace{start: -1}
		for range 5 {
			for _, piece := range pieces {
				before := place.next
				text, err := place.take(piece)
				if err != nil {
					return
				}
				if (text != "") != (place.next > before) || place.next < before || !strings.HasSuffix(piece.Text, text) {
					t.Fatalf("took %q of %q, from %d to %d", text, piece.Text, before, place.next)
				}
			}
		}
	})
}

// Pieces that only the offsets or only the text can place.
func TestLogPlace(t *testing.T) {
	t.Parallel()
	at := func(offset int64) *int64 { return &offset }
	tests := map[string]struct {
		from   int64
		pieces []logPiece
		want   []string
		next   int64
	}{
		"begins where the last piece began, in an unknown unit": {0, []logPiece{
			{Text: "..........", Start: at(0), End: at(7)}, {Text: "..............", Start: at(0), End: at(9)},
		}, []string{"..........", "...."}, 9},
		"begins where a piece began that was cut": {0, []logPiece{
			{Text: "ab....", Start: at(0), End: at(3)}, {Text: "ab......", Start: at(0), End: at(4)}, {Text: "ab.........", Start: at(0), End: at(5)},
		}, []string{"ab....", "..", "..."}, 5},
		"no start, too short to overlap":           {7, []logPiece{{Text: "a", End: at(1000)}}, []string{"a"}, 1000},
		"no start, from the beginning":             {0, []logPiece{{Text: "é", End: at(1000)}}, []string{"é"}, 1000},
		"no start, an overlap that the text shows": {0, []logPiece{{Text: "abc", End: at(3)}, {Text: "bcd", End: at(4)}}, []string{"abc", "d"}, 4},
		"no start, and nothing of the taken text":  {0, []logPiece{{Text: "abc", End: at(3)}, {Text: "xyz", End: at(4)}}, []string{"abc", "xyz"}, 4},
		"no start, an overlap of a saved offset":   {7, []logPiece{{Text: "abc", End: at(8)}}, []string{""}, 7},
		"no end, ASCII":                            {7, []logPiece{{Text: "abc", Start: at(7)}}, []string{"abc"}, 10},
		"no end, an overlap":                       {7, []logPiece{{Text: "abc", Start: at(6)}}, []string{"bc"}, 9},
		"a start that overflows":                   {7, []logPiece{{Text: "abc", Start: at(1<<63 - 2)}}, []string{""}, 7},
		"a cut within a character":                 {2, []logPiece{{Text: "é🔑", Start: at(0), End: at(6)}, {Text: "🔑", Start: at(1), End: at(5)}}, []string{"🔑", ""}, 6},
	}
	for name, tt := range tests {
		place, got := logPlace{next: tt.from, start: -1}, []string{}
		for _, piece := range tt.pieces {
			text, err := place.take(&piece)
			require.NoError(t, err, name)
			got = append(got, text)
		}
		require.Equal(t, tt.want, got, name)
		require.Equal(t, tt.next, place.next, name)
	}
}

// A finished build's log may not have more text than any log can have.
func TestFollowerRejectsALogThatIsTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		text := strings.Repeat("a line\n", 1000)
		piece := fmt.Sprintf(`{"result":{"log":%q,"start_offset":0,"end_offset":%d,"has_more":true}}`, text, len(text))
		client, err := NewClient(WithEndpoint("https://build.example.com"), WithTokenSource(StaticToken("token")), WithTransport(httpfake.Reply(200, piece)))
		require.NoError(t, err)
		for spare, ok := range map[int64]bool{int64(len(text)): true, int64(len(text)) - 1: false} {
			log := client.Logs.newFollower("48c66c6002964721be537cdc6ce0297b", "20", 0, nil)
			log.started, log.finished, log.bytes = true, true, maxLogBytes-spare
			got, err := log.step(t.Context())
			if ok {
				require.NoError(t, err)
				require.Equal(t, text, got)
				continue
			}
			require.ErrorIs(t, err, ErrUnexpectedResponse)
			require.ErrorContains(t, err, "its log does not end: offset 7000 after 2147483649 bytes")
		}
	})
}

// The order of the lines of a piece is told by their times.
func TestOldestFirst(t *testing.T) {
	t.Parallel()
	line := func(second int, text string) string {
		return fmt.Sprintf("[2026/09/10 19:09:%02d.885 GMT+08:00] [INFO] %s\n", second, text)
	}
	tests := map[string]struct {
		text, want string // want "": not known
	}{
		"oldest first":           {line(1, "a") + line(2, "b"), line(1, "a") + line(2, "b")},
		"newest first":           {line(2, "b") + line(1, "a"), line(1, "a") + line(2, "b")},
		"without a break":        {line(2, "b") + strings.TrimSuffix(line(1, "a"), "\n"), line(1, "a") + line(2, "b")},
		"lines without a time":   {"\tframe 2\n\tframe 1\n" + line(2, "b") + line(1, "a"), line(1, "a") + line(2, "b") + "\tframe 1\n\tframe 2\n"},
		"one line":               {line(1, "a"), line(1, "a")},
		"a line without a time":  {"a\n", "a\n"},
		"the same time":          {line(1, "a") + line(1, "b"), ""},
		"no times":               {"a\nb\n", ""},
		"up and down":            {line(1, "a") + line(2, "b") + line(1, "c"), ""},
		"mostly up":              {line(1, "a") + line(3, "b") + line(2, "c") + line(4, "d"), line(1, "a") + line(3, "b") + line(2, "c") + line(4, "d")},
		"a time that is not one": {"[2026/13/10 19:09:01.885] a\n[2026/13/10 19:09:02.885] b\n", ""},
		"short lines":            {"[\n[2026\n", ""},
	}
	for name, tt := range tests {
		got, ok := oldestFirst(tt.text)
		require.Equal(t, tt.want != "", ok, name)
		if ok {
			require.Equal(t, tt.want, got, name)
		}
	}
}

// An endless line is not held, however small the parts in which it arrives.
func TestLastLinesOfAnEndlessLine(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 7, 1 << 10, maxTailLine, 1 << 20} {
		last, part := lastLines{most: 2}, []byte(strings.Repeat("é🔑x", size)[:size])
		for written := 0; written < 1<<20; written += size {
			if _, err := last.Write(part); err != nil || cap(last.open) > 4*maxTailLine {
				t.Fatalf("%v, and %d bytes are held", err, cap(last.open))
			}
		}
		got := last.lines()
		require.Len(t, got, 1)
		require.LessOrEqual(t, len(got[0]), len("…")+maxTailLine)
	}
}
