package codeartsbuild

import (
	"cmp"
	"context"
	"iter"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/go-querystring/query"

	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

// Page is one page of a list.
type Page[T any] struct {
	Items []T // in the service's order; empty behind the last page
	Total int // of all pages; -1: the service does not know
}

// A listing is how an operation pages.
type listing struct {
	page  string // the parameter of the page number
	first int    // the number of the first page
	size  string // the parameter of the page size
	rows  string // the members that can hold the rows, separated by commas
	total string // the member of the total
}

const (
	defaultPageSize = 100
	maxPageSize     = 100
)

// listPage reads one page: page counts from 1, and 0 means 1; a size of 0 means the default. The options in may
// be nil, a struct with url tags or url.Values.
func listPage[T any](ctx context.Context, c *Client, op *operation, args []string, page, size int, in any, opts []CallOption) (*Page[T], error) {
	switch {
	case page < 0:
		return nil, op.named(invalid("Page must be 0 (the first) or more, got %d", page))
	case size < 0 || size > maxPageSize:
		return nil, op.named(invalid("PageSize must be 0 (which means %d) to %d, got %d", defaultPageSize, maxPageSize, size))
	}
	values, err := queryOf(in)
	if err != nil {
		return nil, op.named(err)
	}
	values.Set(op.list.page, strconv.Itoa(max(page, 1)-1+op.list.first))
	values.Set(op.list.size, strconv.Itoa(cmp.Or(size, defaultPageSize)))
	out := &listResponse[T]{list: op.list, Page: Page[T]{Total: -1}}
	call := c.newCall(op, out)
	if err := c.do(ctx, &call, args, values, opts); err != nil {
		return nil, err
	}
	return &out.Page, nil
}

// queryOf encodes a struct with url tags. It returns url.Values of its own for any input.
func queryOf(in any) (url.Values, error) {
	if in == nil {
		return url.Values{}, nil
	}
	values, err := query.Values(in)
	if err != nil {
		return nil, invalid("in must be a struct with url tags")
	}
	return values, nil
}

// A listResponse is a page as an operation spells it.
type listResponse[T any] struct {
	list *listing
	Page[T]
}

func (r *listResponse[T]) decodePayload(payload []byte, of about) error {
	page := Page[T]{Total: -1}
	for m := loosejson.Members(payload); m.Next(); {
		name := string(m.Name)
		switch {
		case name == r.list.total:
			page.Total = parseTotal(m.Value)
		case !isOneOf(r.list.rows, name):
		default:
			var rows []T
			if err := loosejson.Unmarshal(m.Value, &rows); err != nil {
				return err
			}
			page.Items = append(page.Items, rows...)
		}
	}
	for i := range page.Items {
		if own, ok := any(&page.Items[i]).(completer); ok {
			if err := own.complete(of); err != nil {
				return err
			}
		}
	}
	r.Page = page
	return nil
}

func isOneOf(names, name string) bool {
	for known := range strings.SplitSeq(names, ",") {
		if known == name {
			return true
		}
	}
	return false
}

// parseTotal reads a total, which is also sent as a text.
func parseTotal(value []byte) int {
	total, err := strconv.Atoi(loosejson.Text(value))
	if err != nil {
		return -1
	}
	return total
}

// listAll returns an iterator over the rows of all pages, which are read as listPage reads them.
func listAll[T any](ctx context.Context, c *Client, op *operation, args []string, size int, in any, key func(*T) string, opts []CallOption) iter.Seq2[*T, error] {
	return walkPages(size, key, func(page int) (*Page[T], error) {
		return listPage[T](ctx, c, op, args, page, size, in, opts)
	})
}

// walkPages walks a list from its first page on. It ends with a page that is empty, short or without a new row,
// whatever the total says. A row that moves to a later page, since others came before it, is yielded once.
func walkPages[T any](size int, key func(*T) string, read func(page int) (*Page[T], error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		seen := make(map[string]bool)
		for page := 1; ; page++ {
			rows, err := read(page)
			if err != nil {
				yield(nil, err)
				return
			}
			fresh := 0
			for i := range rows.Items {
				row := &rows.Items[i]
				if seen[key(row)] {
					continue
				}
				seen[key(row)] = true
				fresh++
				if !yield(row, nil) {
					return
				}
			}
			if fresh == 0 || len(rows.Items) < cmp.Or(size, defaultPageSize) {
				return
			}
		}
	}
}

// mapPage converts the rows of a page.
func mapPage[R, T any](rows *Page[R], item func(*R) T) *Page[T] {
	page := &Page[T]{Items: make([]T, len(rows.Items)), Total: rows.Total}
	for i := range rows.Items {
		page.Items[i] = item(&rows.Items[i])
	}
	return page
}

// failed is the iterator of a call that could not start.
func failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

// orZero returns the options that in points to, or the zero options.
func orZero[T any](in *T) T {
	if in == nil {
		var zero T
		return zero
	}
	return *in
}
