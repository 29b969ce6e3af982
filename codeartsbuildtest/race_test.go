//go:build race

package codeartsbuildtest

// raceDetector reports whether the race detector slows the tests down.
const raceDetector = true
