package codeartsbuildtest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTableKeepsTheOrder(t *testing.T) {
	t.Parallel()
	var rows table[int]
	_, err := rows.find("a")
	require.ErrorIs(t, err, errNotFound)
	for i, id := range []string{"c", "a", "b"} {
		rows.add(id, i)
	}
	assert.Equal(t, []int{0, 1, 2}, rows.all())
	row, err := rows.find("a")
	require.NoError(t, err)
	assert.Equal(t, 1, row)

	require.NoError(t, rows.remove("a"))
	require.ErrorIs(t, rows.remove("a"), errNotFound)
	assert.Equal(t, []int{0, 2}, rows.all())
	assert.Equal(t, 3, rows.added, "ids made of it stay unique")
	assert.Equal(t, []int{2}, rows.where(func(row int) bool { return row > 0 }))
}

func TestPages(t *testing.T) {
	t.Parallel()
	rows := []int{1, 2, 3, 4, 5}
	for _, tt := range []struct {
		index, size int
		want        []int
	}{
		{0, 2, []int{1, 2}}, {2, 2, []int{5}}, {3, 2, []int{}}, {0, 5, rows}, {1, 5, []int{}},
		{0, 0, []int{}}, {1 << 62, 100, []int{}}, {0, 1 << 62, rows},
	} {
		assert.Equal(t, tt.want, pageOf(rows, tt.index, tt.size), "page %d of %d", tt.index, tt.size)
	}
}
