package codeartsbuild_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// A modelWorld is the in-memory service beside a model of it: the test changes both in the same way, and notes each
// request where it enters the service, behind all faults. The model alone decides whether the client told the truth.
type modelWorld struct {
	*sdktest.Fixture
	clients []modelClient
	seed    uint64
	began   time.Time

	mu       sync.Mutex // guards all below
	keys     modelKeys
	retired  bool // StopJob is no longer published
	jobs     []*modelJob
	windows  []modelWindow
	served   map[string]int // requests so far, by what they ask for
	calls    []*modelCall
	problems []string
	saw      map[string]int // how often the model could compare something, so that a test can tell that it did
}

type modelJob struct {
	id      string
	name    string
	builds  []*modelBuild // by number
	frozen  []*modelBuild // that lists show until thawed
	thawed  time.Time
	lagging time.Time         // until when records are as they were read last
	records map[string]string // the last response, by path
}

type modelBuild struct {
	job                             *modelJob
	no                              int
	branch, revision, trigger       string
	status                          codeartsbuild.BuildStatus
	queuedAt, startedAt, finishedAt time.Time
	startsAt, abortsAt              time.Time // zero: not by itself
	log                             string
}

func (b *modelBuild) String() string { return fmt.Sprintf("%s#%d", b.job.name, b.no) }

func (b *modelBuild) number() string { return fmt.Sprint(b.no) }

// settle lets happen what is due: the start of a run, and the end after an accepted stop.
func (b *modelBuild) settle() {
	if b.status == codeartsbuild.StatusQueued && !b.startsAt.IsZero() && !time.Now().Before(b.startsAt) {
		b.status, b.startedAt = codeartsbuild.StatusRunning, b.startsAt
	}
	if !b.status.Terminal() && !b.abortsAt.IsZero() && !time.Now().Before(b.abortsAt) {
		b.status, b.finishedAt = codeartsbuild.StatusAborted, b.abortsAt
	}
}

func (b *modelBuild) finished() bool {
	b.settle()
	return b.status.Terminal()
}

func (b *modelBuild) active() bool { return !b.finished() }

// listed is what lists show of the builds of a job.
func (j *modelJob) listed() []*modelBuild {
	if time.Now().Before(j.thawed) {
		return j.frozen
	}
	return j.present()
}

// present is a copy of the builds of a job as they are now.
func (j *modelJob) present() []*modelBuild {
	copies := make([]*modelBuild, len(j.builds))
	for i, b := range j.builds {
		b.settle()
		copied := *b
		copied.log, copied.startsAt, copied.abortsAt = "", time.Time{}, time.Time{} // a copy stays as it is
		copies[i] = &copied
	}
	return copies
}

// A modelWindow is a time in which the service is not well.
type modelWindow struct {
	from, to  time.Time
	fault     string // "freeze", "lag" and "hide", or one of modelOutages
	operation string // "": all
	job       *modelJob
}

// modelStopDelay is the time from the acceptance of a stop to the end of the build.
const modelStopDelay = 3 * time.Second

// The operations that a world has.
var modelOperations = []string{
	sdktest.OpStop, opStopV1, sdktest.OpRun, sdktest.OpGetBuild, sdktest.OpListBuild, sdktest.OpReadLog, "ListProjectJobs",
}

const opStopV1 = "StopTheJob"

func newModelWorld(t testing.TB, seed uint64, lie modelLie) *modelWorld {
	w := &modelWorld{
		Fixture: sdktest.NewService(t), seed: seed, began: time.Now(), served: map[string]int{}, saw: map[string]int{},
		keys: modelKeys{ends: map[string]time.Time{}},
	}
	w.SetStopDelay(modelStopDelay)
	for _, operation := range modelOperations {
		w.Always(operation, func(service http.Handler) http.Handler { return w.front(operation, service) })
	}
	transport := w.Transport()
	if lie != nil {
		transport = lie(transport)
	}
	w.clients = w.newClients(t, transport)
	return w
}

// problem notes that the client and the model do not agree. The caller holds w.mu.
func (w *modelWorld) problem(format string, args ...any) {
	w.problems = append(w.problems, fmt.Sprintf("%8.1f s: ", time.Since(w.began).Seconds())+fmt.Sprintf(format, args...))
}

// find returns a build of the model, or nil. The caller holds w.mu.
func (w *modelWorld) find(jobID, buildNo string) *modelBuild {
	for _, j := range w.jobs {
		for _, b := range j.builds {
			if strings.EqualFold(j.id, jobID) && b.number() == buildNo {
				return b
			}
		}
	}
	return nil
}

// front stands before the service. It lets the fault happen that is due, and notes the requests that get through.
func (w *modelWorld) front(operation string, service http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		call, _ := r.Context().Value(modelCallKey{}).(*modelCall)
		body, _ := io.ReadAll(r.Body)
		deliver := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			r.Body = io.NopCloser(bytes.NewReader(body))
			w.deliver(operation, call, body, service, rw, r)
		})
		if !w.accepts(r.Header.Get("X-Security-Token")) {
			codeartsbuildtest.Reply(http.StatusUnauthorized, `{"error_code":"APIGW.0301"}`)(service).ServeHTTP(rw, r)
			return
		}
		w.fault(operation, call, r.URL.Path+string(body))(deliver).ServeHTTP(rw, r)
	})
}

// deliver brings a request to the service, and its effect into the model.
func (w *modelWorld) deliver(operation string, call *modelCall, body []byte, service http.Handler, rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	reply := httptest.NewRecorder()
	maps.Copy(reply.Header(), rw.Header()) // the service reads its request id there
	switch job := w.jobIn(r.URL.Path); operation {
	case sdktest.OpGetBuild:
		service.ServeHTTP(reply, r)
		if kept := job.records[r.URL.Path]; kept != "" && time.Now().Before(job.lagging) {
			reply.Body = bytes.NewBufferString(kept)
			reply.Header().Set("Content-Length", strconv.Itoa(len(kept)))
		} else if reply.Code != http.StatusOK { // the record comes late
			call.hit = true
		} else {
			job.records[r.URL.Path] = reply.Body.String()
		}
	case sdktest.OpReadLog:
		if r.Header.Get("Authorization") == "" { // a signature is about the query as it is
			query := r.URL.Query()
			query.Set("size", fmt.Sprint(1+w.seed%7)) // lines, so that most logs come in several pieces
			r.URL.RawQuery = query.Encode()
		}
		service.ServeHTTP(reply, r)
	case sdktest.OpStop:
		if w.retired {
			call.retired = true
			codeartsbuildtest.Reply(http.StatusNotFound, retiredBody)(service).ServeHTTP(reply, r)
			break
		}
		service.ServeHTTP(reply, r)
		w.noteStop(call, nil, body, reply.Code)
	case opStopV1:
		service.ServeHTTP(reply, r)
		w.noteStop(call, job, body, reply.Code)
	case sdktest.OpRun:
		service.ServeHTTP(reply, r)
		w.noteRun(call, body, reply)
	default:
		service.ServeHTTP(reply, r)
	}
	maps.Copy(rw.Header(), reply.Header())
	rw.WriteHeader(reply.Code)
	_, _ = rw.Write(reply.Body.Bytes())
}

func (w *modelWorld) jobIn(path string) *modelJob {
	i := slices.IndexFunc(w.jobs, func(j *modelJob) bool { return strings.Contains(path, j.id) })
	return w.jobs[max(i, 0)]
}

// noteStop judges a stop that the service has got. The job is in the body, unless it is given.
func (w *modelWorld) noteStop(call *modelCall, job *modelJob, body []byte, status int) {
	var named struct {
		JobID   string          `json:"job_id"`
		BuildNo json.RawMessage `json:"build_no"`
	}
	_ = json.Unmarshal(body, &named)
	if job != nil {
		named.JobID = job.id
		w.saw["a stop by the other API"]++
	}
	b := w.find(named.JobID, strings.Trim(string(named.BuildNo), `"`))
	if call == nil || b == nil || !slices.Contains(call.mayStop, b) {
		w.problem("%v: a stop was sent for %s, which was not asked for", call, body)
		return
	}
	call.sent[b]++
	running := b.active()
	if accepted := status == http.StatusOK; accepted != running {
		w.problem("the service and the model do not agree about a stop of %v: %d", b, status)
	} else if accepted {
		call.accepted[b]++
		b.startsAt = time.Time{}
		if b.abortsAt.IsZero() {
			b.abortsAt = time.Now().Add(modelStopDelay)
		}
	}
}

// The faults of each kind of outage. A service that responds 429 or 503 has not processed the request.
var modelOutages = map[string][]string{
	"throttled": {"429"},
	"busy":      {"503"},
	"down":      {"500", "504", "drop request"},
	"lossy":     {"500 after", "504 after", "drop response"},
	"stalled":   {"stall"},
	"gateway":   {"504 after"},
	"flaky":     {"429", "503", "500", "504", "500 after", "504 after", "drop request", "drop response", "stall", "", "", ""},
}

// fault chooses the fault for a request: the n-th request for the same thing has the same fault each time a seed runs.
func (w *modelWorld) fault(operation string, call *modelCall, wanted string) codeartsbuildtest.Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.served[wanted]++
	hash := fnv.New64a()
	fmt.Fprint(hash, w.seed, wanted, w.served[wanted])
	now, n := time.Now(), hash.Sum64()
	for _, window := range w.windows {
		kinds := modelOutages[window.fault]
		if kinds == nil || now.Before(window.from) || !now.Before(window.to) || (window.operation != "" && window.operation != operation) {
			continue
		}
		kind := kinds[n%uint64(len(kinds))]
		if call != nil && kind != "" {
			call.hit = true
			changes := operation == sdktest.OpStop || operation == opStopV1 || operation == sdktest.OpRun
			call.unclear = call.unclear || changes && kind != "429" && kind != "503"
		}
		return modelFault(kind, n/64)
	}
	return modelFault("", n)
}

func modelFault(kind string, n uint64) codeartsbuildtest.Fault {
	pass := func(service http.Handler) http.Handler { return service }
	after := func(status int) codeartsbuildtest.Fault {
		return func(service http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				service.ServeHTTP(httptest.NewRecorder(), r)
				codeartsbuildtest.Reply(status, "")(service).ServeHTTP(rw, r)
			})
		}
	}
	switch kind {
	case "429":
		return sdktest.RetryAfter([]string{"", "1", "20", "45"}[n%4])
	case "503":
		return codeartsbuildtest.Reply(503, "")
	case "500":
		return codeartsbuildtest.Reply(500, "")
	case "504":
		return codeartsbuildtest.Reply(504, "<html>")
	case "500 after":
		return after(500)
	case "504 after":
		return after(504)
	case "drop request":
		return codeartsbuildtest.DropRequest()
	case "drop response":
		return codeartsbuildtest.DropAnswer()
	case "stall":
		return codeartsbuildtest.Delay(time.Duration(n%60) * time.Second)
	}
	return pass
}

// modelTail is how long a call can go on to suffer after an outage: an attempt that waits for its timeout, 30 s, or a
// pause of 45 s that the service asked for, and the pause before the next attempt.
const modelTail = 50*time.Second + 30*time.Second

// modelRecordAge is how old the record of a build may be while lists show the build as active.
const modelRecordAge = 45 * time.Second

// deadline is when a call must have ended that has to see the end of a build at some time. pace is its longest pause and
// what it has to do after it. While the service is not well the call can see nothing.
func (w *modelWorld) deadline(seen time.Time, pace time.Duration) time.Time {
	deadline, stale := seen.Add(pace), false
	for _, window := range w.windows { // in the order of their beginning
		to := window.to
		switch {
		case window.fault == "freeze":
			if !stale && !window.from.After(deadline) && window.to.After(seen) {
				stale, pace, deadline = true, pace+modelRecordAge, deadline.Add(modelRecordAge)
			}
			continue
		case modelOutages[window.fault] != nil:
			to = to.Add(modelTail)
		}
		if !window.from.After(deadline) && to.Add(pace).After(deadline) {
			deadline = to.Add(pace)
		}
	}
	return deadline
}
