package codeartsbuild_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// A largeLog serves a log that it does not hold, in pieces of a thousand lines. The log grows for a while.
type largeLog struct {
	ends  []int64 // of the lines
	start time.Time
	grows time.Duration

	served int64 // bytes of text
	reads  int
}

func newLargeLog(size int, grows time.Duration) *largeLog {
	l := &largeLog{start: time.Now(), grows: grows}
	for end := int64(0); end < int64(size); {
		end += int64(len(logLine(len(l.ends))))
		l.ends = append(l.ends, end)
	}
	return l
}

func (l *largeLog) size() int64 { return l.ends[len(l.ends)-1] }

// written is how many lines the log has now.
func (l *largeLog) written() int {
	return int(min(float64(time.Since(l.start))/float64(l.grows), 1) * float64(len(l.ends)))
}

func (l *largeLog) text(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteString(logLine(i))
	}
	return b.String()
}

func (l *largeLog) sum() hash.Hash {
	sum := sha256.New()
	for i := range l.ends {
		_, _ = io.WriteString(sum, logLine(i))
	}
	return sum
}

func (l *largeLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/download-log") {
		w.Header().Set("Content-Type", "application/octet-stream")
		for from := 0; from < len(l.ends); from += 1000 {
			_, _ = io.WriteString(w, l.text(from, min(from+1000, len(l.ends))))
		}
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(r.URL.Path, "/record-info") {
		record := recordFinished
		if l.written() < len(l.ends) {
			record = recordRunning
		}
		fmt.Fprintf(w, `{"result":{"build_no":%s,%s}}`, sdktest.BuildNo, record)
		return
	}
	offset, _ := strconv.ParseInt(r.FormValue("start_offset"), 10, 64)
	from := sort.Search(len(l.ends), func(i int) bool { return l.ends[i] > offset })
	written := max(l.written(), from)
	to := min(from+1000, written)
	text, end := l.text(from, to), offset
	if to > from {
		end = l.ends[to-1]
	}
	l.reads++
	l.served += int64(len(text))
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(map[string]any{"result": map[string]any{"log": text, "start_offset": offset, "end_offset": end, "has_more": to < written}})
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	_, _ = w.Write(body.Bytes())
}

// B76: a log of many MiB that grows while it is read, over connections that break after any number of bytes, arrives
// equal, and is not held in memory.
func TestFollowLargeLogOverConnectionsThatBreak(t *testing.T) { // not parallel: it measures the heap
	size, start := memorySize(), time.Now()
	synctest.Test(t, func(t *testing.T) {
		l := newLargeLog(size, 5*time.Minute)
		rng := rand.New(rand.NewPCG(76, 1))
		pipe := httpfake.NewPipe(t, l, func() int { return size/16 + rng.IntN(size/4) })
		client := sdktest.Client(t, pipe)
		want := l.sum()
		got, read, chunks := sha256.New(), int64(0), 0
		gauge := newHeapGauge()
		var next int64
		for chunk, err := range client.Logs.Follow(t.Context(), sdktest.JobID, sdktest.BuildNo, 0) {
			require.NoError(t, err)
			require.Greater(t, chunk.Next, next)
			next = chunk.Next
			got.Write(chunk.Text)
			read += int64(len(chunk.Text))
			if chunks++; chunks%10 == 0 {
				gauge.sample()
			}
		}
		require.Equal(t, l.size(), read)
		require.Equal(t, l.size(), next)
		require.Equal(t, want.Sum(nil), got.Sum(nil))
		made, broken := pipe.Connections()
		require.GreaterOrEqual(t, broken, 4)
		require.LessOrEqual(t, l.served, l.size()+int64(broken)*400<<10, "only what was lost is read again")
		if size == 50<<20 {
			require.LessOrEqual(t, float64(l.served), 1.02*float64(l.size()))
		}
		require.Less(t, gauge.above(gauge.peak), 32.0, "MiB above the base, garbage included")
		require.Less(t, gauge.above(gauge.live), 4.0, "MiB above the base")
		t.Logf("%.1f MiB in %d texts and %d reads over %d connections, of which %d broke: equal (sha256 %x…); %.4f times its bytes were sent; "+
			"heap at most %.1f MiB above the base with garbage, %.1f MiB without, in %d samples; %v of the bubble's time",
			float64(read)/(1<<20), chunks, l.reads, made, broken, got.Sum(nil)[:4], float64(l.served)/float64(l.size()),
			gauge.above(gauge.peak), gauge.above(gauge.live), gauge.samples, time.Since(l.start).Round(time.Millisecond))
	})
	followed := time.Since(start)
	start = time.Now()
	synctest.Test(t, func(t *testing.T) {
		l := newLargeLog(size, 1)
		l.sum()
		file, err := sdktest.Client(t, httpfake.NewPipe(t, l, nil)).Logs.Download(t.Context(), logRecordID)
		require.NoError(t, err)
		defer file.Close()
		_, err = io.Copy(sha256.New(), file)
		require.NoError(t, err)
	})
	copied := time.Since(start)
	t.Logf("real time: %v, and io.Copy of the same bytes %v: %.2f times", followed.Round(time.Millisecond), copied.Round(time.Millisecond), followed.Seconds()/copied.Seconds())
}
