package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

const (
	largeResponse = 256 << 20
	heapObjects   = "/memory/classes/heap/objects:bytes"
)

// measureMemory returns the peak of the heap, in MiB above its base, while a client reads a large error response:
// the median, since it depends on when the collector of garbage runs.
func measureMemory(ctx context.Context, c client) (float64, error) {
	peaks := make([]float64, 3)
	for i := range peaks {
		var err error
		if peaks[i], err = peakMemory(ctx, c); err != nil {
			return 0, err
		}
	}
	return median(peaks), nil
}

func peakMemory(ctx context.Context, c client) (float64, error) {
	server := httptest.NewServer(http.HandlerFunc(largeError))
	defer server.Close()
	stop, err := c.open(setup{endpoint: server.URL, token: madeUpToken})
	if err != nil {
		return 0, err
	}
	debug.FreeOSMemory()
	base := heap()
	done, peak := make(chan struct{}), make(chan uint64)
	go func() { peak <- watchHeap(done) }()
	_, err = stop(ctx, buildNo)
	close(done)
	most := <-peak
	if err == nil {
		return 0, errors.New("the call succeeds, although the response is an error")
	}
	return max(float64(most)-float64(base), 0) / (1 << 20), nil
}

// largeError responds with an error whose message is large.
func largeError(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(largeResponse))
	w.WriteHeader(http.StatusBadRequest)
	const start, end = `{"error_code":"CB.00060200","error_msg":"`, `"}`
	piece := strings.Repeat("x", 32<<10)
	_, _ = io.WriteString(w, start)
	for left := largeResponse - len(start) - len(end); left > 0; left -= len(piece) {
		if _, err := io.WriteString(w, piece[:min(left, len(piece))]); err != nil {
			return // the client has read enough
		}
	}
	_, _ = io.WriteString(w, end)
}

func watchHeap(done <-chan struct{}) uint64 {
	most := heap()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return max(most, heap())
		case <-tick.C:
			most = max(most, heap())
		}
	}
}

func heap() uint64 {
	sample := []metrics.Sample{{Name: heapObjects}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
