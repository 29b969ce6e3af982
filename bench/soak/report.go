package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A sample is what the process holds at one moment. The servers are part of the process.
type sample struct {
	at         time.Duration
	heap       uint64 // bytes in use after a garbage collection
	goroutines int
}

// watch takes twenty samples in the time given, the first after a warm-up of one twentieth.
func watch(ctx context.Context, d time.Duration) []sample {
	var samples []sample
	start := time.Now()
	for {
		select {
		case <-ctx.Done():
			return samples
		case <-time.After(d / 20):
		}
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		samples = append(samples, sample{time.Since(start), memory.HeapAlloc, runtime.NumGoroutine()})
	}
}

// A report is what a soak found.
type report struct {
	books    *ledger
	samples  []sample
	restarts map[string]int
}

const (
	heapGrowth      = 4 << 20 // bytes by which the median of the last samples may be above that of the first
	goroutineGrowth = 50
)

// judge is an error if a result was false or if something grew.
func (r *report) judge() error {
	var found []error
	if n := r.books.falseSuccesses; n > 0 {
		found = append(found, fmt.Errorf("%d false successes", n))
	}
	if n := r.books.falseFailures; n > 0 {
		found = append(found, fmt.Errorf("%d false failures", n))
	}
	if r.books.counts[stopped] == 0 {
		found = append(found, errors.New("no build was stopped"))
	}
	if len(r.samples) < 4 {
		return errors.Join(append(found, errors.New("too few samples to tell whether anything grew"))...)
	}
	first, last := r.quarters()
	if last.heap > first.heap+heapGrowth {
		found = append(found, fmt.Errorf("the heap grew from %d to %d KiB", first.heap>>10, last.heap>>10))
	}
	if last.goroutines > first.goroutines+goroutineGrowth {
		found = append(found, fmt.Errorf("goroutines grew from %d to %d", first.goroutines, last.goroutines))
	}
	return errors.Join(found...)
}

// quarters are the medians of the first and of the last quarter of the samples.
func (r *report) quarters() (first, last sample) {
	n := len(r.samples) / 4
	return median(r.samples[:n]), median(r.samples[len(r.samples)-n:])
}

func median(samples []sample) sample {
	var heaps []uint64
	var goroutines []int
	for _, s := range samples {
		heaps, goroutines = append(heaps, s.heap), append(goroutines, s.goroutines)
	}
	slices.Sort(heaps)
	slices.Sort(goroutines)
	return sample{samples[0].at, heaps[len(heaps)/2], goroutines[len(goroutines)/2]}
}

func (r *report) String() string {
	var b strings.Builder
	total := 0
	for o, name := range []string{"stopped", "already finished", "outcome unknown", "not sent", "failed"} {
		fmt.Fprintf(&b, "%-18s %9d\n", name, r.books.counts[o])
		total += r.books.counts[o]
	}
	fmt.Fprintf(&b, "%-18s %9d\n%-18s %9d\n%-18s %9d\n", "calls", total, "false successes", r.books.falseSuccesses, "false failures", r.books.falseFailures)
	for _, name := range slices.Sorted(maps.Keys(r.restarts)) {
		fmt.Fprintf(&b, "restarts of %s: %d\n", name, r.restarts[name])
	}
	if len(r.samples) >= 4 {
		first, last := r.quarters()
		fmt.Fprintf(&b, "heap: %d KiB at first, %d KiB at last; goroutines: %d and %d (medians of quarters)\n",
			first.heap>>10, last.heap>>10, first.goroutines, last.goroutines)
	}
	return b.String()
}

// encodePair is a certificate and its key in the form that haproxy reads.
func encodePair(pair tls.Certificate) ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		return nil, err
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})
	return append(certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...), nil
}
