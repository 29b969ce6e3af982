//go:build unix

package codeartsbuild_test

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// A hostileBody is 10 MiB that cost as much as they can. It is made while it is read, so that the test does not hold it.
type hostileBody struct {
	status           int
	start, unit, end string
	call             sdktest.Call // nil: a login
}

func (h hostileBody) reader() io.Reader {
	units := int64((largestSuccess - len(h.start) - len(h.end)) / len(h.unit))
	n := 0
	filler := readerFunc(func(p []byte) (int, error) {
		for i := range p {
			p[i] = h.unit[n%len(h.unit)]
			n++
		}
		return len(p), nil
	})
	return io.MultiReader(strings.NewReader(h.start), io.LimitReader(filler, units*int64(len(h.unit))), strings.NewReader(h.end))
}

// use makes the call, or the login of one, with this response.
func (h hostileBody) use(ctx context.Context, t testing.TB, body io.Reader) error {
	transport := func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/record-info") { // before a log is read
			return httpfake.Reply(200, `{"result":{"build_no":`+sdktest.BuildNo+`,`+recordRunning+`}}`)(r)
		}
		return httpfake.Stream(h.status, body)(r)
	}
	if h.call != nil {
		return h.call(ctx, sdktest.Client(t, httpfake.Func(transport), sdktest.Once))
	}
	cfg := sdktest.IAMConfig("https://iam.example.com")
	cfg.Transport = httpfake.Func(func(r *http.Request) (*http.Response, error) {
		resp, err := transport(r)
		resp.Header.Set("X-Subject-Token", sdktest.Token)
		return resp, err
	})
	source := codeartsbuild.WithTokenSource(sdktest.TokenSource(t, cfg))
	return sdktest.Stop(ctx, sdktest.ClientWith(t, source, httpfake.Reply(200, `{"result":true}`), sdktest.Once))
}

var hostileBodies = func() map[string]hostileBody {
	list := func(ctx context.Context, c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
		_, err := c.Builds.List(ctx, sdktest.JobID, nil, opts...)
		return err
	}
	analysis := func(ctx context.Context, c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
		_, err := c.Logs.Analysis(ctx, sdktest.JobID, sdktest.BuildNo, opts...)
		return err
	}
	log := func(ctx context.Context, c *codeartsbuild.Client, opts ...codeartsbuild.CallOption) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		for _, err := range c.Logs.Follow(ctx, sdktest.JobID, sdktest.BuildNo, 0, opts...) { // one piece
			return err
		}
		return nil
	}
	const piece = `{"result":{"start_offset":0,"log":"`
	return map[string]hostileBody{
		"list, empty rows":        {200, `{"result":{"job_build_states":[{}`, `,{}`, `]}}`, list},
		"list, rows with a name":  {200, `{"result":{"job_build_states":[{}`, `,{"build_no":"1"}`, `]}}`, list},
		"list, one long name":     {200, `{"result":{"job_build_states":[{"branch":"`, `x`, `"}]}}`, list},
		"list, nested":            {200, `{"result":{"job_build_states":`, `[`, ``, list},
		"analysis, empty errors":  {200, `{"result":{"error_nodes":[{}`, `,{}`, `]}}`, analysis},
		"log, one line":           {200, piece, `x`, `"}}`, log},
		"log, short lines":        {200, piece, `\n`, `"}}`, log},
		"log, escapes":            {200, piece, `\u0067AAAA%67`, `"}}`, log},
		"error, escapes":          {500, `{"error_code":"CB.1","error_msg":"`, `\u0067AAAA%67`, `"}`, sdktest.Stop},
		"error, errors":           {400, `{"errors":[{}`, `,{}`, `]}`, sdktest.Stop},
		"error, page":             {502, `<html><title>`, `&#60;`, ``, sdktest.Stop},
		"error inside a success":  {200, `{"error_code":"CB.1","error_msg":"`, `\\`, `"}`, sdktest.Stop},
		"success, members":        {200, `{"result":true`, `,"a":1`, `}`, sdktest.Stop},
		"success, page":           {200, `<html>`, `<p>`, ``, sdktest.Stop},
		"login, members":          {201, `{"token":{"project":{"id":"0123456789abcdef0123456789abcdef"}`, `,"a":1`, `}}`, nil},
		"login, services":         {201, `{"token":{"catalog":[{}`, `,{}`, `],"project":{"id":"0123456789abcdef0123456789abcdef"}}}`, nil},
		"login, no JSON":          {201, `<html>`, sdktest.Password[:9], ``, nil},
		"login, error":            {401, `{"error":{"code":401,"message":"`, `%55`, `","title":"Unauthorized"}}`, nil},
		"login, error with title": {400, `{"error":{"code":400,"title":"`, `\u0067AAAA%67`, `"}}`, nil},
	}
}()

// B105: if a server sends 10 MiB as a list, a piece of a log, an error or the response to a login, a client holds at
// most 24 MiB. The test is not parallel, since it measures the heap.
func TestHostileMemory(t *testing.T) {
	for name, h := range hostileBodies {
		t.Run(name, func(t *testing.T) {
			peak := heldPeak(func() { _ = h.use(t.Context(), t, collecting(h.reader())) })
			t.Logf("at most %.1f MiB held", float64(peak)/(1<<20))
			require.LessOrEqual(t, peak, int64(24<<20))
		})
	}
}

// heldPeak returns how much more memory was in use at most while f ran, without garbage: the collector runs all the time,
// and only what two collections in a row have found in use counts, since one takes all that is made meanwhile for used.
func heldPeak(f func()) int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	used := func() int64 {
		runtime.GC()
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	used()
	base := used()
	stop, peak := make(chan struct{}), make(chan int64)
	go func() {
		most := int64(0)
		for before, now := base, base; ; before, now = now, used() {
			most = max(most, min(before, now)-base)
			select {
			case <-stop:
				peak <- most
				return
			default:
			}
		}
	}()
	f()
	close(stop)
	return <-peak
}

// The processor time of hostile responses, with that of making 10 MiB, how long a call goes on after the end of its
// context, by the clock and by the processor, and the memory above the base with garbage:
//
//	go test -run '^$' -bench Hostile -benchtime 5x .
func BenchmarkHostileResponses(b *testing.B) {
	for name, h := range hostileBodies {
		b.Run(name, func(b *testing.B) {
			var late, busy, used time.Duration
			peak := int64(0)
			for i := range b.N {
				before := processorTime()
				peak = max(peak, heapPeak(func() { _ = h.use(b.Context(), b, h.reader()) }))
				used = max(used, processorTime()-before)
				for _, d := range []time.Duration{0, time.Duration(1+i) * time.Millisecond, time.Duration(10+10*i) * time.Millisecond} {
					took, worked := h.late(b, d)
					late, busy = max(late, took), max(busy, worked)
				}
			}
			b.ReportMetric(used.Seconds(), "cpu-s")
			b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
			b.ReportMetric(float64(late.Microseconds())/1000, "late-ms")
			b.ReportMetric(float64(busy.Microseconds())/1000, "late-cpu-ms")
		})
	}
}

// late is how long a call goes on after the end of its context, which comes after a while or, for 0, at the end of the
// response, when it is judged.
func (h hostileBody) late(b *testing.B, after time.Duration) (late, busy time.Duration) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	ended := make(chan struct{})
	var at, used time.Duration
	start := time.Now()
	end := func() {
		at, used = time.Since(start), processorTime()
		cancel()
		close(ended)
	}
	body := h.reader()
	if after > 0 {
		time.AfterFunc(after, end)
	} else {
		body = io.MultiReader(body, atEnd(sync.OnceFunc(end)))
	}
	_ = h.use(ctx, b, body)
	took, total := time.Since(start), processorTime()
	select {
	case <-ended:
		return took - at, total - used
	default: // the call was faster, or did not read so far
		return 0, 0
	}
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
