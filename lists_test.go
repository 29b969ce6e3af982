package codeartsbuild

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A listScript is pages of rows: rows separated by blanks, pages by "|", "!" for a page that fails. A page may begin with
// its total, such as "9:a b c".
type listScript string

var errNoPage = errors.New("no page")

// read returns the pages one after the other, whichever is asked for, and keeps which were.
func (s listScript) read(asked *[]int) func(int) (*Page[string], error) {
	pages := strings.Split(string(s), "|")
	return func(page int) (*Page[string], error) {
		*asked = append(*asked, page)
		text := pages[len(*asked)-1]
		total := -1
		if before, after, ok := strings.Cut(text, ":"); ok {
			total, _ = strconv.Atoi(before)
			text = after
		}
		if text == "!" {
			return nil, errNoPage
		}
		return &Page[string]{Items: strings.Fields(text), Total: total}, nil
	}
}

func sameText(row *string) string { return *row }

// B54, B106: a list goes on while its pages are full or its total promises more, and ends with a page without a new row.
func TestListEnds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pages listScript
		want  string
		asked []int
		err   error
	}{
		"an empty first page":               {"", "", []int{1}, nil},
		"a short first page":                {"a b", "a b", []int{1}, nil},
		"a full page, then none":            {"a b c|", "a b c", []int{1, 2}, nil},
		"a full page, then a short one":     {"a b c|d|x y z", "a b c d", []int{1, 2}, nil},
		"a page of rows all seen":           {"a b c|a b c|x y z", "a b c", []int{1, 2}, nil},
		"the same page for ever":            {"a b c|c b a|c b a", "a b c", []int{1, 2}, nil},
		"a row that moves to a later page":  {"a b c|c d e|f", "a b c d e f", []int{1, 2, 3}, nil},
		"rows that repeat within a page":    {"a a a|b b c|", "a b c", []int{1, 2, 3}, nil},
		"a full page with one new row":      {"a b c|a b d|d e f|", "a b c d e f", []int{1, 2, 3, 4}, nil},
		"an error at once":                  {"!", "", []int{1}, errNoPage},
		"an error later":                    {"a b c|!|d", "a b c", []int{1, 2}, errNoPage},
		"a total that is too small":         {"2:a b c|2:d e f|2:g", "a b c d e f g", []int{1, 2, 3}, nil},
		"a total that is too large":         {"9:a b c|9:d|9:", "a b c d", []int{1, 2, 3}, nil},
		"fewer rows than were asked for":    {"6:a b|6:c d|6:e f", "a b c d e f", []int{1, 2, 3}, nil},
		"a row that was filtered away":      {"5:a b|5:d e f|5:", "a b d e f", []int{1, 2, 3}, nil},
		"a row that moves to an earlier":    {"6:a b c|5:e f|5:a c d|5:e f", "a b c d e f", []int{1, 2, 1, 2}, nil},
		"rows that move twice":              {"8:a b c|7:e f g|7:b c d|6:f g h|5:d e f|5:g h", "a b c d e f g h", []int{1, 2, 1, 2, 1, 2}, nil},
		"rows that move by two pages":       {"9:a b c|9:d e f|5:|5:e f g|5:h i", "a b c d e f g h i", []int{1, 2, 3, 1, 2}, nil},
		"rows that move, few a page":        {"6:a b|5:d e|5:b c|5:d e|5:f", "a b c d e f", []int{1, 2, 1, 2, 3}, nil},
		"a removed row that was not read":   {"9:a b c|8:d e f|8:a b c|8:d e f|8:g i", "a b c d e f g i", []int{1, 2, 1, 2, 3}, nil},
		"two servers with two totals":       {"9:a b c|8:d e f|9:a b c|8:d e f|9:g h i|8:|9:g h i|8:", "a b c d e f g h i", []int{1, 2, 1, 2, 3, 4, 3, 4}, nil},
		"a total that falls on a last page": {"4:a b c|3:|3:b c d|3:", "a b c d", []int{1, 2, 1, 2}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked []int
			list := walkPages(3, sameText, tt.pages.read(&asked))
			require.Empty(t, asked, "nothing is read before the first row is wanted")
			var got []string
			var err error
			for row, failure := range list {
				require.NoError(t, err, "an error is the end")
				if err = failure; err == nil {
					got = append(got, *row)
				}
			}
			require.Equal(t, tt.want, strings.Join(got, " "))
			require.Equal(t, tt.asked, asked)
			require.Equal(t, tt.err, err)
		})
	}
}

// B107: a list whose pages never end is an error, long before it costs much.
func TestListWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, total := range map[string]int{"a small total": 3, "a total of 0": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, n := 0, 0
			var err error
			for _, err = range walkPages(100, func(row *int) string { return strconv.Itoa(*row) }, func(int) (*Page[int], error) {
				page := &Page[int]{Total: total}
				for range 100 {
					n++
					page.Items = append(page.Items, n)
				}
				return page, nil
			}) {
				rows++
			}
			require.ErrorIs(t, err, ErrUnexpectedResponse)
			require.ErrorContains(t, err, "does not end")
			require.LessOrEqual(t, rows, 2*total+listSlack+101)
		})
	}
	require.Equal(t, maxListRows, mostRows(-1))
}

// B106: a list of which rows are removed faster than it can be read ends with an error.
func TestListThatShrinksForEver(t *testing.T) {
	t.Parallel()
	reads := 0
	var last error
	for _, err := range walkPages(3, sameText, func(int) (*Page[string], error) {
		reads++
		return &Page[string]{Items: []string{"a", "b", "c"}, Total: 1_000_000 - reads}, nil
	}) {
		last = err
	}
	require.ErrorIs(t, last, ErrUnexpectedResponse)
	require.LessOrEqual(t, reads, 3*maxAgain)
}

// B108: one iterator serves several goroutines, and may be used again.
func TestListSharedByGoroutines(t *testing.T) {
	t.Parallel()
	const rows = 1950
	list := walkPages(100, func(row *int) string { return strconv.Itoa(*row) }, func(page int) (*Page[int], error) {
		got := &Page[int]{Total: rows}
		for n := (page - 1) * 100; n < min(page*100, rows); n++ {
			got.Items = append(got.Items, n)
		}
		return got, nil
	})
	var users sync.WaitGroup
	counts := make([]int, 8)
	for i := range counts {
		users.Go(func() {
			for range 2 {
				for _, err := range list {
					if err == nil {
						counts[i]++
					}
				}
			}
		})
	}
	users.Wait()
	for _, count := range counts {
		require.Equal(t, 2*rows, count)
	}
}

// B54: a list reads no page beyond the last row that its user takes.
func TestListLeftEarly(t *testing.T) {
	t.Parallel()
	for wanted := 1; wanted <= 7; wanted++ {
		asked, got := 0, 0
		for range walkPages(3, func(row *int) string { return string(rune('a' + *row)) }, func(page int) (*Page[int], error) {
			asked++
			return &Page[int]{Items: []int{3*page - 3, 3*page - 2, 3*page - 1}}, nil
		}) {
			if got++; got == wanted {
				break
			}
		}
		require.Equal(t, (wanted+2)/3, asked, "pages read for %d rows of 3 a page", wanted)
	}
}

// B54: an invalid total is an unknown one.
func TestTotalSpellings(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]int{
		`150.0`: 150, `" 150 "`: 150, `"150.0"`: 150, `1.5e2`: 150, `-5`: -1, `1e30`: -1, `"NaN"`: -1, `true`: -1, `{"n":1}`: -1, `0`: 0, `"44"`: 44, `-1`: -1, `""`: -1, `"many"`: -1, `1.5`: -1, `null`: -1,
	} {
		require.Equal(t, want, parseTotal([]byte(value)), "%s", value)
	}
}

// B106: however a list shrinks, or grows at its front, while it is read, each row that stays is yielded once.
func TestListUnderRandomChange(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3_000) {
		random := rand.New(rand.NewPCG(seed, 1))
		size := 1 + random.IntN(8)     // of a page, as it is asked for
		given := 1 + random.IntN(size) // as the service gives it
		rows, names := []string{}, 0
		add := func() {
			names++
			rows = slices.Insert(rows, 0, strconv.Itoa(names))
		}
		for range random.IntN(40) {
			add()
		}
		stays := make(map[string]bool)
		for _, row := range rows {
			stays[row] = true
		}
		changes, grows := random.IntN(6), random.IntN(3) == 0 // both in one walk cannot always be told apart
		read := func(page int) (*Page[string], error) {
			if n := 1 + random.IntN(2*given); changes > 0 && random.IntN(2) == 0 {
				changes--
				for range n {
					if grows {
						add()
					} else if len(rows) > 0 {
						i := random.IntN(len(rows))
						delete(stays, rows[i])
						rows = slices.Delete(rows, i, i+1)
					}
				}
			}
			from := min((page-1)*given, len(rows))
			return &Page[string]{Items: slices.Clone(rows[from:min(from+given, len(rows))]), Total: len(rows)}, nil
		}
		seen := make(map[string]int)
		for row, err := range walkPages(size, sameText, read) {
			require.NoError(t, err)
			seen[*row]++
		}
		for row := range stays {
			require.Equal(t, 1, seen[row], "seed %d: row %s of %d, %d and not %d a page", seed, row, names, given, size)
		}
		for row, times := range seen {
			require.Equal(t, 1, times, "seed %d: row %s", seed, row)
		}
	}
}
