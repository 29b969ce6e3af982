package codeartsbuild

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"math"
	"net/url"
	"slices"
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
	page  string   // the parameter of the page number
	first int      // the number of the first page
	size  string   // the parameter of the page size
	rows  string   // the members that can hold the rows, separated by commas; "": the payload is the array of them
	total string   // the member of the total, or with a dot the object and its member; "": the list has no total
	also  *listing // a second pair of parameters, of which it is not known whether the service prefers it; nil: none
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
	for l := op.list; l != nil; l = l.also {
		values.Set(l.page, strconv.Itoa(max(page, 1)-1+l.first))
		values.Set(l.size, strconv.Itoa(cmp.Or(size, defaultPageSize)))
	}
	if op.list.rows == "" {
		rows, err := fetchValue[[]T](ctx, c, op, args, values, opts)
		if err != nil {
			return nil, err
		}
		return &Page[T]{Items: rows, Total: -1}, nil
	}
	out := &listResponse[T]{list: op.list, Page: Page[T]{Total: -1}}
	call := c.newCall(op, out)
	if err := c.do(ctx, &call, args, values, opts); err != nil {
		return nil, err
	}
	return &out.Page, nil
}

// queryOf encodes a struct with url tags. The values are the caller's own.
func queryOf(in any) (url.Values, error) {
	if in == nil {
		return url.Values{}, nil
	}
	if given, ok := in.(url.Values); ok {
		return maps.Clone(given), nil
	}
	values, err := query.Values(in)
	if err != nil || isReader(in) {
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
	total, inner, _ := strings.Cut(r.list.total, ".")
	for m := loosejson.Members(payload); m.Next(); {
		name := string(m.Name)
		switch {
		case name == total:
			page.Total = parseTotal(memberOf(m.Value, inner))
		case !isOneOf(r.list.rows, name):
		default:
			var rows []T
			if err := loosejson.Unmarshal(m.Value, &rows); err != nil {
				return &misfit{err}
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

// memberOf returns a member of an object, and the value itself if the name is empty.
func memberOf(value []byte, name string) []byte {
	if name == "" {
		return value
	}
	for m := loosejson.Members(value); m.Next(); {
		if string(m.Name) == name {
			return m.Value
		}
	}
	return nil
}

// parseTotal reads a total in every spelling of a number.
func parseTotal(value []byte) int {
	total, err := strconv.ParseFloat(strings.TrimSpace(loosejson.Text(value)), 64)
	if err != nil || total != math.Trunc(total) || total < 0 || total > math.MaxInt32 {
		return -1
	}
	return int(total)
}

// listAll returns an iterator over the rows of all pages, which are read as listPage reads them. It reads the options at
// once, since the caller may change them before the loop.
func listAll[T any](ctx context.Context, c *Client, op *operation, args []string, size int, in any, key func(*T) string, opts []CallOption) iter.Seq2[*T, error] {
	values, err := queryOf(in)
	if err != nil {
		return failed[*T](op.named(err))
	}
	opts = slices.Clone(opts)
	return walkPages(size, key, func(page int) (*Page[T], error) {
		return listPage[T](ctx, c, op, args, page, size, values, opts)
	})
}

// walkPages walks a list from its first page on. It ends with a page without a new row, or with a short page unless the
// total promises more: the service may give fewer rows a page than were asked for. The total also tells how the list has
// changed meanwhile. If rows came, those behind them move to later pages: each is yielded once, and a page of them is not
// the end. If rows were removed, those behind them move to earlier pages: these are read again.
func walkPages[T any](size int, key func(*T) string, read func(page int) (*Page[T], error)) iter.Seq2[*T, error] {
	size = cmp.Or(size, defaultPageSize)
	return func(yield func(*T, error) bool) {
		seen := make(map[string]bool)
		at := pagePlace{size: size, total: -1, most: -1, fullest: 1}
		for page := 1; ; page++ {
			rows, err := read(page)
			if err == nil && at.again > maxAgain {
				err = unexpected("the list changes while it is read: %d pages in a row brought no new row", at.again)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if back := at.back(page, rows.Total); back > 0 {
				page -= back + 1
				continue
			}
			before := len(seen)
			if !yieldNew(rows, seen, key, yield) {
				return
			}
			switch {
			case at.ends(page, rows.Total, len(rows.Items), len(seen)-before):
				return
			case len(seen) > mostRows(at.most):
				yield(nil, unexpected("the list does not end: it has %d rows so far and a total of %d", len(seen), rows.Total))
				return
			}
		}
	}
}

// A pagePlace is where the walk of a list has come to.
type pagePlace struct {
	size    int // of a page, as it was asked for
	fullest int // rows of the fullest page
	total   int // of the list, as it was told last; -1: not known
	most    int // the largest total
	added   int // rows that came meanwhile, and moved as many that were read to pages that were not
	reached int // the page from which the walk went back last
	again   int // how many pages changes of the list have cost since there was a new row
}

// maxAgain is how often a list may change while the walk finds no new row.
const maxAgain = 100

// back returns how many pages to go back before a page, since rows can have moved there. The total counts what was
// removed.
func (p *pagePlace) back(page, total int) int {
	removed := p.total - total
	if total < 0 || removed <= 0 || page == 1 {
		return 0
	}
	p.total, p.reached = total, max(p.reached, page)
	p.again++
	return min((removed+p.fullest-1)/p.fullest, page-1)
}

// ends reports whether a list ends with a page of so many rows. On a page that was read before the total cannot grow, or
// two servers that disagree about it would be asked without end.
func (p *pagePlace) ends(page, total, rows, newRows int) bool {
	if page < p.reached && total >= 0 && p.total >= 0 {
		total = min(total, p.total)
	}
	if p.total >= 0 {
		p.added += max(total-p.total, 0)
	}
	p.total, p.most, p.fullest = total, max(p.most, total), max(p.fullest, rows)
	if newRows > 0 {
		p.again = 0
	}
	if seenAll := (page-1)*p.fullest+rows >= total; rows < p.size && seenAll {
		return true
	}
	if page < p.reached {
		return false
	}
	moved := rows - newRows
	explained := rows > 0 && moved <= p.added
	p.added = max(p.added-moved, 0)
	if newRows > 0 {
		return false
	}
	p.again++
	return !explained
}

// yieldNew yields the rows that were not seen yet, and reports whether the caller wants more.
func yieldNew[T any](rows *Page[T], seen map[string]bool, key func(*T) string, yield func(*T, error) bool) bool {
	for i := range rows.Items {
		row := &rows.Items[i]
		if seen[key(row)] {
			continue
		}
		seen[key(row)] = true
		if !yield(row, nil) {
			return false
		}
	}
	return true
}

// mostRows limits a list, whose total is not always right: a list can grow while it is read.
func mostRows(total int) int {
	if total < 0 {
		return maxListRows
	}
	return 2*total + listSlack
}

const (
	maxListRows = 1_000_000 // without a total; the busiest jobs have some 10,000 builds in 31 days
	listSlack   = 10 * maxPageSize
)

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
