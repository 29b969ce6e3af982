package sdktest

import (
	"maps"
	"slices"
	"strings"
)

// ErrorValues returns the names of the package's Err… values that Kinds knows.
func ErrorValues() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(kinds)), func(name string) bool { return !strings.HasPrefix(name, "Err") })
}
