package sdktest

import (
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

// The operations that most faults are queued for.
const (
	OpStop      = "StopJob"
	OpRun       = "ExecuteJob"
	OpGetBuild  = "ShowJobBuildRecordDetail"
	OpListBuild = "ListBuildInfoRecordByJobId"
	OpReadLog   = "DownloadBuildRealTimeLog"
	OpDownload  = "DownloadBuildFullLog"
	OpLogin     = "CreateToken"
)

// A Fixture is the in-memory service. It ends with the test, and works in a bubble of synctest.
type Fixture struct {
	*codeartsbuildtest.Server
	JobID   string // "" after NewService
	BuildNo string // "" after NewService and NewJob
}

// NewService makes a service without jobs.
func NewService(t testing.TB) *Fixture {
	t.Helper()
	srv := codeartsbuildtest.NewServer()
	t.Cleanup(srv.Close)
	return &Fixture{Server: srv}
}

// NewJob makes a service with one job, which was never built.
func NewJob(t testing.TB) *Fixture {
	t.Helper()
	f := NewService(t)
	f.JobID = f.AddJob("nightly")
	return f
}

// NewBuild makes a service whose job has one build, which is running.
func NewBuild(t testing.TB) *Fixture {
	t.Helper()
	f := NewJob(t)
	f.BuildNo = f.StartBuild(f.JobID)
	return f
}

// InBubble runs a test with the fixture of NewBuild in a bubble of its own, in which pauses take no time.
func InBubble(t *testing.T, test func(*testing.T, *Fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, NewBuild(t)) })
}

// Operations returns the operations of all requests so far, logins left out.
func (f *Fixture) Operations() []string {
	var names []string
	for _, r := range f.Requests() {
		if r.Operation != OpLogin {
			names = append(names, r.Operation)
		}
	}
	return names
}

// Count returns how many requests of an operation have arrived.
func (f *Fixture) Count(operation string) int {
	n := 0
	for _, r := range f.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

// NextN queues the same fault for the next n requests of an operation.
func (f *Fixture) NextN(operation string, n int, fault codeartsbuildtest.Fault) {
	f.Next(operation, slices.Repeat([]codeartsbuildtest.Fault{fault}, n)...)
}

// Arrivals notes when requests of an operation arrive, from now on. It returns a function that returns the
// times so far.
func (f *Fixture) Arrivals(operation string) func() []time.Duration {
	var (
		start = time.Now()
		mu    sync.Mutex
		at    []time.Duration
	)
	f.NextN(operation, 10_000, Before(func(*http.Request) {
		mu.Lock()
		defer mu.Unlock()
		at = append(at, time.Since(start))
	}))
	return func() []time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(at)
	}
}

// Statuses gives the build one status after the other, with the same pause before each.
func (f *Fixture) Statuses(buildNo string, pause time.Duration, statuses ...codeartsbuild.BuildStatus) {
	for i, status := range statuses {
		time.AfterFunc(time.Duration(i+1)*pause, func() { f.Finish(f.JobID, buildNo, status) })
	}
}

// Before is a fault that does something and then lets the service respond.
func Before(do func(*http.Request)) codeartsbuildtest.Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			do(r)
			next.ServeHTTP(w, r)
		})
	}
}

// Cut is a fault that responds with less than it announces.
func Cut(status int, body string) codeartsbuildtest.Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
	}
}

// RetryAfter is a fault that responds 429 with the header Retry-After.
func RetryAfter(value string) codeartsbuildtest.Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(http.StatusTooManyRequests)
		})
	}
}
