// Package bench measures what a call costs beside the same call by hand with net/http, and beside the
// vendor's client.
//
//	go test -bench . -benchtime 200x
//
// Each round of a benchmark makes the same number of calls in each way, one way after the other, so that
// what else the machine does falls on all of them. The ratios are those of the medians over the rounds.
package bench
