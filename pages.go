package codeartsbuild

import (
	"iter"
	"strconv"
)

// Page is one page of a list.
type Page[T any] struct {
	Items []T
	Total int // of all pages; -1: the service does not know
}

const (
	defaultPageSize = 100
	maxPageSize     = 100
)

// checkPage refuses a page that no list has, and fills in the defaults.
func checkPage(page, size int) (int, int, error) {
	if page < 0 {
		return 0, 0, invalid("page %d is negative; pages count from 1", page)
	}
	if size < 0 || size > maxPageSize {
		return 0, 0, invalid("a page of %d rows; want 1 to %d", size, maxPageSize)
	}
	if size == 0 {
		size = defaultPageSize
	}
	return max(page, 1), size, nil
}

// pages walks a list from its first page on. It ends with a page that is empty, short or without a row
// that is new, whatever the total says, and yields a row once that a row before it has moved to a later page.
func pages[T any](size int, key func(*T) string, fetch func(page int) (*Page[T], error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		seen := make(map[string]bool)
		for page := 1; ; page++ {
			rows, err := fetch(page)
			if err != nil {
				yield(nil, err)
				return
			}
			news := 0
			for i := range rows.Items {
				row := &rows.Items[i]
				if seen[key(row)] {
					continue
				}
				seen[key(row)] = true
				news++
				if !yield(row, nil) {
					return
				}
			}
			if news == 0 || len(rows.Items) < size {
				return
			}
		}
	}
}

// failed is the iterator of a call that could not start.
func failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

// parseTotal reads a total in any spelling; what is none is -1.
func parseTotal(text flexibleString) int {
	total, err := strconv.Atoi(string(text))
	if err != nil {
		return -1
	}
	return total
}
