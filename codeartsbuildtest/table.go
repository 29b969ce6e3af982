package codeartsbuildtest

import (
	"errors"
	"slices"
)

// errNotFound is what the service does not have. [request.refusal] gives it the code of the call.
var errNotFound = errors.New("not found")

// A table keeps rows by id, in the order in which they were added. The zero table is empty.
type table[T any] struct {
	ids   []string
	rows  map[string]T
	added int // rows so far, removed ones included
}

func (t *table[T]) add(id string, row T) {
	t.putBack(id, row)
	t.added++
}

// putBack adds a row that was counted before.
func (t *table[T]) putBack(id string, row T) {
	if t.rows == nil {
		t.rows = map[string]T{}
	}
	t.ids = append(t.ids, id)
	t.rows[id] = row
}

func (t *table[T]) find(id string) (T, error) {
	row, ok := t.rows[id]
	if !ok {
		return row, errNotFound
	}
	return row, nil
}

func (t *table[T]) remove(id string) error {
	if _, err := t.find(id); err != nil {
		return err
	}
	delete(t.rows, id)
	t.ids = slices.DeleteFunc(t.ids, func(other string) bool { return other == id })
	return nil
}

func (t *table[T]) all() []T {
	rows := make([]T, len(t.ids))
	for i, id := range t.ids {
		rows[i] = t.rows[id]
	}
	return rows
}

// where lists the rows that fit.
func (t *table[T]) where(fits func(T) bool) []T {
	rows := []T{}
	for _, row := range t.all() {
		if fits(row) {
			rows = append(rows, row)
		}
	}
	return rows
}

// pageOf is one page of rows; pages are counted from 0.
func pageOf[T any](rows []T, index, size int) []T {
	if size <= 0 || index > len(rows)/size {
		return []T{}
	}
	return rows[index*size : min((index+1)*size, len(rows))]
}
