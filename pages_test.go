package codeartsbuild

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestB54WhereAListEnds(t *testing.T) {
	t.Parallel()
	const size = 3
	tests := map[string]struct {
		pages  string // of rows; "!" fails
		want   string
		asked  int
		failed bool
	}{
		"an empty first page":              {"", "", 1, false},
		"a short first page":               {"a b", "a b", 1, false},
		"a full page, then none":           {"a b c|", "a b c", 2, false},
		"a full page, then a short one":    {"a b c|d|x y z", "a b c d", 2, false},
		"a page of rows all seen":          {"a b c|a b c|x y z", "a b c", 2, false},
		"the same page for ever":           {"a b c|c b a|c b a", "a b c", 2, false},
		"a row that moves to a later page": {"a b c|c d e|f", "a b c d e f", 3, false},
		"rows that repeat within a page":   {"a a a|b b c|", "a b c", 3, false},
		"a full page with one news":        {"a b c|a b d|d e f|", "a b c d e f", 4, false},
		"an error at once":                 {"!", "", 1, true},
		"an error later":                   {"a b c|!|d", "a b c", 2, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			failure := errors.New("no page")
			list := pages(size, func(row *string) string { return *row }, func(page int) (*Page[string], error) {
				asked++
				require.Equal(t, asked, page, "pages come in order, from 1 on")
				rows := strings.Split(tt.pages, "|")[page-1]
				if rows == "!" {
					return nil, failure
				}
				return &Page[string]{Items: strings.Fields(rows), Total: 2}, nil // the total lies
			})
			require.Zero(t, asked, "nothing is read before the first row is wanted")
			var got []string
			var failed bool
			for row, err := range list {
				require.False(t, failed, "an error is the end")
				if err != nil {
					require.Equal(t, failure, err)
					require.Nil(t, row)
					failed = true
					continue
				}
				got = append(got, *row)
			}
			require.Equal(t, tt.want, strings.Join(got, " "))
			require.Equal(t, tt.asked, asked)
			require.Equal(t, tt.failed, failed)
		})
	}
}

func TestB54AListThatIsLeftReadsNoMore(t *testing.T) {
	t.Parallel()
	for wanted := 1; wanted <= 7; wanted++ {
		asked, got := 0, 0
		for range pages(3, func(row *int) string { return string(rune('a' + *row)) }, func(page int) (*Page[int], error) {
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

func TestB54PagesThatNoListHas(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		page, size         int
		wantPage, wantSize int // 0: refused
	}{
		"the defaults":    {0, 0, 1, 100},
		"the first":       {1, 1, 1, 1},
		"the largest":     {9, 100, 9, 100},
		"a negative page": {-1, 0, 0, 0},
		"a negative size": {0, -1, 0, 0},
		"a size too big":  {0, 101, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, size, err := checkPage(tt.page, tt.size)
			if tt.wantPage == 0 {
				require.ErrorIs(t, err, ErrInvalidArgument)
				return
			}
			require.NoError(t, err)
			require.Equal(t, []int{tt.wantPage, tt.wantSize}, []int{page, size})
		})
	}
}

func TestB54TotalsInAllSpellings(t *testing.T) {
	t.Parallel()
	for text, want := range map[flexibleString]int{"0": 0, "44": 44, "-1": -1, "": -1, "many": -1, "1.5": -1} {
		require.Equal(t, want, parseTotal(text), "%q", text)
	}
}
