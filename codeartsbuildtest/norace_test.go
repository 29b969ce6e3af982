//go:build !race

package codeartsbuildtest

const raceDetector = false
