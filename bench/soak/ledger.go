package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// A ledger knows which builds were stopped, and which calls said so. Builds are numbered from 1.
type ledger struct {
	mu     sync.Mutex
	last   int
	open   map[int]bool // builds whose call has not ended: whether the build was stopped
	failed map[int]bool // the latest builds whose call said that they were not stopped
	older  map[int]bool // and the ones before
	counts [outcomes]int

	falseSuccesses, falseFailures int
}

// remembered limits failed and older. A request cannot be on its way for so many calls.
const remembered = 100_000

func newLedger() *ledger { return &ledger{open: map[int]bool{}, failed: map[int]bool{}} }

// next starts a build.
func (l *ledger) next() (number int, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	l.open[l.last] = false
	return l.last, strconv.Itoa(l.last)
}

// take stops a build, and reports whether it ran until now.
func (l *ledger) take(number int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed[number] || l.older[number] { // the call has ended, and said that this would not happen
		l.falseFailures++
		delete(l.failed, number)
		delete(l.older, number)
	}
	taken, open := l.open[number]
	if open {
		l.open[number] = true
	}
	return open && !taken
}

// judge ends the call of a build.
func (l *ledger) judge(number int, o outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.open[number]
	delete(l.open, number)
	l.counts[o]++
	switch {
	case (o == stopped || o == finished) && !taken:
		l.falseSuccesses++
	case (o == notSent || o == failed) && taken:
		l.falseFailures++
	case o == notSent || o == failed:
		if len(l.failed) == remembered {
			l.failed, l.older = map[int]bool{}, l.failed
		}
		l.failed[number] = true
	}
}

// ServeHTTP is the service: it stops a build at once, and says so, or that it had finished.
func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct {
		BuildNo string `json:"build_no"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return // the request was cut off
	}
	number, err := strconv.Atoi(body.BuildNo)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	running := l.take(number)
	if number%50 == 0 {
		time.Sleep(20 * time.Millisecond) // so that a restart meets some
	}
	w.Header().Set("Content-Type", "application/json")
	if running {
		_, _ = io.WriteString(w, `{"result":true}`)
		return
	}
	w.WriteHeader(http.StatusBadRequest)
	_, _ = io.WriteString(w, `{"error_code":"DEV.CB.032302","error_msg":"the build has finished"}`)
}
