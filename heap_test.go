package codeartsbuild_test

import (
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
)

// A heapGauge measures the heap above what it was at first: as it is, and without garbage.
type heapGauge struct {
	base, peak, live uint64
	samples          int
}

func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func newHeapGauge() *heapGauge {
	runtime.GC()
	runtime.GC()
	return &heapGauge{base: heapInUse()}
}

func (g *heapGauge) sample() {
	g.samples++
	g.peak = max(g.peak, heapInUse())
	if g.samples%8 == 0 {
		runtime.GC()
		g.live = max(g.live, heapInUse())
	}
}

func (g *heapGauge) above(heap uint64) float64 {
	return max(float64(heap)-float64(g.base), 0) / (1 << 20)
}

// memorySize is how many bytes a test of memory moves: 50 MiB, and less where the race detector watches.
func memorySize() int {
	if testing.Short() {
		return 5 << 20
	}
	if isRace() {
		return 15 << 20
	}
	return 50 << 20
}

// isRace reports whether the race detector is on.
func isRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
