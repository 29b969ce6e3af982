package codeartsbuild_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/apidoc"
	"github.com/codeartsbuild-go/codeartsbuild/internal/apitest"
)

var (
	live         = flag.Bool("live", false, "call the real service, with the credential that WithEnvironment finds")
	liveEndpoint = flag.String("live.endpoint", "", "where the service is; the default is what WithEnvironment finds")
	liveJob      = flag.String("live.job", "", "the job to read; the default is the one that was built last")
	liveWrite    = flag.Bool("live.write", false, "start and stop a build in the job of -live.job")
	liveRecord   = flag.String("live.record", "", "the folder to write cleaned responses and seen_live.json to")
)

// seenLiveFile has the days on which operations were seen, for docs/api.md.
const seenLiveFile = "testdata/seen_live.json"

// The conformance suite against the real service: go test -run Live -live. It only reads, unless -live.write is set.
func TestLive(t *testing.T) {
	if !*live {
		t.Skip("needs -live and credentials")
	}
	require.False(t, *liveWrite && *liveJob == "", "-live.write needs -live.job: the job in which a build may be started and stopped")
	recorder := newLiveRecorder(http.DefaultTransport)
	opts := []codeartsbuild.ClientOption{codeartsbuild.WithEnvironment(), codeartsbuild.WithTransport(recorder)}
	if *liveEndpoint != "" {
		opts = append(opts, codeartsbuild.WithEndpoint(*liveEndpoint))
	}
	client, err := codeartsbuild.NewClient(opts...)
	require.NoError(t, err)
	s := newLiveSuite(t, recorder, client)
	s.run(t.Context(), *liveJob, *liveWrite)
	today := time.Now().UTC().Format(time.DateOnly)
	for _, line := range s.lines(today) {
		t.Log(line)
	}
	if *liveRecord != "" {
		require.NoError(t, recorder.write(*liveRecord))
		require.NoError(t, s.writeSeen(*liveRecord, today))
	}
	assert.Empty(t, s.failures)
}

// A liveSuite calls operations and keeps what it found, by operation.
type liveSuite struct {
	document *apidoc.Document
	recorder *liveRecorder
	scene    *apitest.Scene

	seen               []string          // operations that succeeded
	skipped            map[string]string // with the reason
	failures, findings []string          // each begins with its operation
}

func newLiveSuite(t testing.TB, recorder *liveRecorder, client *codeartsbuild.Client) *liveSuite {
	return &liveSuite{
		document: readDocument(t), recorder: recorder, scene: &apitest.Scene{Client: client}, skipped: make(map[string]string),
	}
}

// neverLive are current operations that read and are not called, with the reason.
var neverLive = map[string]string{
	"DownloadKeystoreByName": "the file is a secret",
}

// run calls each current operation that reads, as soon as responses have told its parameters. With write it first starts
// a build of the job and stops it.
func (s *liveSuite) run(ctx context.Context, job string, write bool) {
	s.scene.Job = job
	if write {
		s.runAndStop(ctx)
	}
	var waiting []apidoc.Operation
	for _, op := range s.document.Operations {
		switch {
		case op.Status != "current" || op.Method != http.MethodGet:
		case neverLive[op.Name] != "":
			s.skipped[op.Name] = neverLive[op.Name]
		default:
			waiting = append(waiting, op)
		}
	}
	slices.SortFunc(waiting, func(a, b apidoc.Operation) int { return cmp.Compare(a.Name, b.Name) })
	for before := -1; before != len(waiting); {
		before = len(waiting)
		waiting = slices.DeleteFunc(waiting, func(op apidoc.Operation) bool {
			ready := len(s.scene.Lacks(op)) == 0
			if ready {
				s.call(ctx, op, apitest.Whole(op.Name))
			}
			return ready
		})
	}
	for _, op := range waiting {
		s.skipped[op.Name] = "no response told " + strings.Join(s.scene.Lacks(op), ", ")
	}
}

// call makes a call and compares the response with the document and with the result.
func (s *liveSuite) call(ctx context.Context, op apidoc.Operation, call apitest.Call) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	result, err := call(ctx, s.scene)
	if stream, ok := result.(io.ReadCloser); ok && err == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(stream, 1<<20))
		err = errors.Join(err, stream.Close())
	}
	if errors.Is(err, codeartsbuild.ErrForbidden) || errors.Is(err, codeartsbuild.ErrAPIRetired) {
		s.skipped[op.Name] = err.Error()
		return
	}
	if err != nil {
		s.failures = append(s.failures, op.Name+": "+err.Error())
		return
	}
	s.seen = append(s.seen, op.Name)
	s.scene.Learn(result)
	if body, ok := s.recorder.json(op.Name); ok {
		s.compare(op, body, result)
	}
}

// compare reports members by their paths. It leaves out the values, which can be secrets of the account.
func (s *liveSuite) compare(op apidoc.Operation, body, result any) {
	for _, path := range s.document.MissingMembers(op.Response, "", body) {
		s.failures = append(s.failures, op.Name+" "+path+": documented as required, but missing")
	}
	for _, path := range exampleMembersMissing(op.Name, body) {
		s.findings = append(s.findings, op.Name+" "+path+": in the documented example, but missing")
	}
	d := newDifferences(op.Name)
	d.compare("", payloadOf(body), reflect.ValueOf(result))
	for _, other := range d.others {
		path, detail, _ := strings.Cut(other, ": ")
		switch {
		case slices.Contains(paging, path[strings.LastIndexAny(path, " .")+1:]): // of an empty list
		case strings.HasSuffix(detail, "the result nothing"):
			s.findings = append(s.findings, path+": in the response, but not in the result")
		case !strings.HasPrefix(detail, "the example has ,"): // the result took a blank member from elsewhere
			s.findings = append(s.findings, path+": the result has another value than the response")
		}
	}
}

// exampleMembersMissing returns the members of the documented example that an object of a response lacks.
func exampleMembersMissing(operation string, body any) (missing []string) {
	data, err := os.ReadFile("testdata/examples/" + operation + ".response.json")
	var example any
	if err != nil || json.Unmarshal(data, &example) != nil {
		return nil
	}
	has, objects := make(map[string]bool), make(map[string]bool)
	memberPaths(body, "", func(path string) { has[path], objects[objectOf(path)] = true, true })
	memberPaths(example, "", func(path string) {
		if objects[objectOf(path)] && !has[path] {
			missing = append(missing, path)
			has[path] = true // once
		}
	})
	slices.Sort(missing)
	return missing
}

// objectOf returns the path of the object that has a member.
func objectOf(path string) string {
	return path[:max(strings.LastIndexByte(path, '.'), 0)]
}

// runAndStop starts a build, stops it, and stops it again.
func (s *liveSuite) runAndStop(ctx context.Context) {
	jobs, job, no := s.scene.Jobs, s.scene.Job, ""
	s.call(ctx, s.document.Operation("ExecuteJob"), func(ctx context.Context, _ *apitest.Scene) (any, error) {
		started, err := jobs.Run(ctx, job, nil)
		if err == nil {
			no = started.BuildNo
		}
		return started, err
	})
	if no == "" {
		return
	}
	s.call(ctx, s.document.Operation("StopJob"), func(ctx context.Context, _ *apitest.Scene) (any, error) {
		return jobs.Stop(ctx, job, no)
	})
	build, err := jobs.StopAndWait(ctx, job, no)
	if err != nil || !build.Status.Terminal() || build.BuildNo != no {
		s.failures = append(s.failures, fmt.Sprintf("StopJob: the build must be finished after StopAndWait, got %v, %v", build, err))
		return
	}
	if _, err := jobs.Stop(ctx, job, no); !errors.Is(err, codeartsbuild.ErrBuildFinished) {
		s.failures = append(s.failures, fmt.Sprintf("StopJob: the stop of a finished build must be ErrBuildFinished, got %v", err))
	}
}

// lines is the report, one finding a line.
func (s *liveSuite) lines(today string) (lines []string) {
	for _, operation := range slices.Sorted(slices.Values(s.seen)) {
		lines = append(lines, fmt.Sprintf("%s: seen live: %s", operation, today))
	}
	for operation, reason := range s.skipped {
		lines = append(lines, fmt.Sprintf("%s: skipped: %s", operation, reason))
	}
	lines = append(lines, s.findings...)
	slices.Sort(lines)
	return slices.Compact(lines)
}

// writeSeen writes the days on which operations were seen, those of earlier runs included. docs/api.md is made from it.
func (s *liveSuite) writeSeen(dir, today string) error {
	seen := make(map[string]string)
	data, err := os.ReadFile(seenLiveFile)
	if err == nil {
		err = json.Unmarshal(data, &seen)
	}
	if err != nil {
		return err
	}
	for _, operation := range s.seen {
		seen[operation] = today
	}
	if data, err = json.MarshalIndent(seen, "", "  "); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, filepath.Base(seenLiveFile)), append(data, '\n'), 0o600)
}
