package codeartsbuild

import (
	"errors"
	"io"
	"net/http"
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
			list := walkPages(size, func(row *string) string { return *row }, func(page int) (*Page[string], error) {
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

// B54
func TestPageRejected(t *testing.T) {
	t.Parallel()
	client := &Client{}
	for _, tt := range []struct{ page, size int }{{-1, 0}, {0, -1}, {0, 101}} {
		_, err := listPage[Job](t.Context(), client, &opListProjectJobs, []string{retryJob}, tt.page, tt.size, nil, nil)
		require.ErrorIs(t, err, ErrInvalidArgument, "%+v", tt)
	}
}

// B54
func TestPageParameters(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		page, size int
		want       string
	}{
		"defaults": {0, 0, "page_index=0&page_size=100"},
		"first":    {1, 1, "page_index=0&page_size=1"},
		"largest":  {9, 100, "page_index=8&page_size=100"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var query string
			client, err := NewClient(WithEndpoint("https://build.example.com"), WithTokenSource(StaticToken(retryToken)),
				WithTransport(retryTransport(func(req *http.Request) (*http.Response, error) {
					query = req.URL.RawQuery
					return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`{"result":{}}`)), ContentLength: 13}, nil
				})))
			require.NoError(t, err)
			page, err := client.Jobs.List(t.Context(), retryJob, &JobListOptions{Page: tt.page, PageSize: tt.size})
			require.NoError(t, err)
			require.Equal(t, &Page[Job]{Total: -1}, page)
			require.Equal(t, tt.want, query)
		})
	}
}

// B54
func TestTotalSpellings(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]int{`0`: 0, `"44"`: 44, `-1`: -1, `""`: -1, `"many"`: -1, `1.5`: -1, `null`: -1} {
		require.Equal(t, want, parseTotal([]byte(value)), "%s", value)
	}
}
