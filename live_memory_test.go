package codeartsbuild_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/apitest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/redact"
)

// runLiveSuite runs the suite against the in-memory service.
func runLiveSuite(t *testing.T, srv *codeartsbuildtest.Server, job string, write bool, opts ...codeartsbuild.ClientOption) *liveSuite {
	t.Helper()
	recorder := newLiveRecorder(srv.Transport())
	s := newLiveSuite(t, recorder, srv.Client(append(opts, codeartsbuild.WithTransport(recorder))...))
	s.run(t.Context(), job, write)
	return s
}

// filledService is a service with something of everything, and a job whose configuration was changed twice.
func filledService(t *testing.T) (srv *codeartsbuildtest.Server, scene *apitest.Scene) {
	t.Helper()
	srv = codeartsbuildtest.NewServer()
	t.Cleanup(srv.Close)
	scene = apitest.NewScene(t, srv)
	for range 2 {
		_, err := apitest.Calls()["UpdateNewJob"](t.Context(), scene)
		require.NoError(t, err)
	}
	return srv, scene
}

// The suite passes against the in-memory service, whose responses are the documented ones.
func TestLiveSuiteInMemory(t *testing.T) {
	t.Parallel()
	srv, scene := filledService(t)
	s := runLiveSuite(t, srv, scene.Job, false)
	assert.Empty(t, s.failures)
	assert.Equal(t, map[string]string{"DownloadKeystoreByName": "the file is a secret"}, s.skipped)
	assert.ElementsMatch(t, []string{
		"ShowJobStepStatus status: the result has another value than the response", // that of the workflow
		"ShowJobStepStatus workflow: in the response, but not in the result",       // its members are
	}, s.findings)
	assert.Len(t, s.seen, 71)
	assert.Contains(t, s.lines("2026-12-24"), "ListJob: seen live: 2026-12-24")
}

// With -live.write the suite starts a build and stops it, so that a job without builds has one to read.
func TestLiveSuiteStartsAndStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, scene := filledService(t)
		job, other := srv.AddJob("for tests"), srv.Status(scene.Job, scene.Running)
		s := runLiveSuite(t, srv, job, true)
		assert.Empty(t, s.failures)
		assert.Equal(t, []string{"ExecuteJob", "StopJob"}, s.seen[:2])
		assert.Contains(t, s.seen, "ShowBuildDetails")
		assert.Equal(t, codeartsbuild.StatusAborted, srv.Status(job, "1"))
		assert.Equal(t, other, srv.Status(scene.Job, scene.Running), "builds of other jobs go on")
	})
}

// Without -live.write the suite changes nothing.
func TestLiveSuiteOnlyReads(t *testing.T) {
	t.Parallel()
	srv, _ := filledService(t)
	before := len(srv.Requests())
	s := runLiveSuite(t, srv, "", false)
	assert.Empty(t, s.failures)
	requests := srv.Requests()[before:]
	assert.Greater(t, len(requests), 70)
	for _, request := range requests {
		assert.Equal(t, http.MethodGet, request.Method, request.Operation)
	}
}

// A service without jobs is not a failure: the suite says what it could not call.
func TestLiveSuiteOfAnEmptyAccount(t *testing.T) {
	t.Parallel()
	srv := codeartsbuildtest.NewServer()
	t.Cleanup(srv.Close)
	s := runLiveSuite(t, srv, "", false)
	assert.Empty(t, s.failures)
	assert.Equal(t, "no response told job_id, build_no", s.skipped["ShowBuildDetails"])
	assert.NotContains(t, s.seen, "ShowBuildDetails")
	assert.Contains(t, s.seen, "ListJob")
}

// changeBody is a fault that replaces text in the response.
func changeBody(old, replacement string) codeartsbuildtest.Fault {
	return func(service http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			real := httptest.NewRecorder()
			service.ServeHTTP(real, r)
			for name, values := range real.Header() {
				if name != "Content-Length" {
					w.Header()[name] = values
				}
			}
			w.WriteHeader(real.Code)
			fmt.Fprint(w, strings.Replace(real.Body.String(), old, replacement, 1))
		})
	}
}

func TestLiveSuiteReportsDifferences(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		operation          string
		fault              codeartsbuildtest.Fault
		failure, finding   string // how one begins
		skipped, notInSeen bool
	}{
		"member that no type knows": {
			operation: "ShowJobInfo", fault: changeBody(`"job_name"`, `"is_new_member":"x","job_name"`),
			finding: "ShowJobInfo is_new_member: in the response, but not in the result",
		},
		"member of the example is missing": {
			operation: "ShowRunningStatus", fault: changeBody(`"is_running"`, `"running"`),
			finding: "ShowRunningStatus result.is_running: in the documented example, but missing",
		},
		"required member is missing": {
			operation: "ShowJobConfig", fault: changeBody(`"arch"`, `"architecture"`),
			failure: "ShowJobConfig result.arch: documented as required, but missing",
		},
		"member of another form": {
			operation: "ShowJobInfo", fault: changeBody(`"job_name":`, `"health_score":[],"job_name":{},"old":`),
			failure: "ShowJobInfo: ", notInSeen: true,
		},
		"not allowed": {
			operation: "ListKeystore", fault: codeartsbuildtest.Reply(403, `{"error_code":"DEV.00000003","error_msg":"no permission"}`),
			skipped: true, notInSeen: true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, scene := filledService(t)
			srv.Next(tt.operation, tt.fault)
			s := runLiveSuite(t, srv, scene.Job, false)
			if tt.failure == "" {
				assert.Empty(t, s.failures)
			} else if assert.Len(t, s.failures, 1) {
				assert.Contains(t, s.failures[0], tt.failure)
			}
			if tt.finding != "" {
				assert.Contains(t, s.findings, tt.finding)
			}
			_, skipped := s.skipped[tt.operation]
			assert.Equal(t, tt.skipped, skipped)
			assert.Equal(t, !tt.notInSeen, slices.Contains(s.seen, tt.operation))
		})
	}
}

// A service that repeats the credential, and the ids and names of its users, leaves none of them in the recorded files.
func TestLiveRecordIsClean(t *testing.T) {
	t.Parallel()
	srv, scene := filledService(t)
	const login = "http://ada:pa55word@mirror.example.com/a"
	secrets := map[string]bool{}
	lift := srv.Always("", func(service http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token := r.Header.Get("X-Auth-Token")
			secrets[token] = true
			echoed := fmt.Sprintf(`"echo":%q,"url":%q,%q:"as a name","log":"a secret of a build","own":{"user_name":"ada lovelace","nick":"ada lovelace of acme","user_no":123456789},"text":"by ada lovelace of acme in %s",`,
				"token="+token, "https://x/?t="+url.QueryEscape(token)+"&from="+login, token, srv.ProjectID())
			if strings.HasSuffix(r.URL.Path, "/diff") {
				echoed = "" // its result is null, so that the echo would be taken for it
			}
			changeBody("{", "{"+echoed)(service).ServeHTTP(w, r)
		})
	})
	defer lift()
	s := runLiveSuite(t, srv, scene.Job, false)
	require.Empty(t, s.failures)
	dir := t.TempDir()
	require.NoError(t, s.recorder.write(dir))
	require.NoError(t, s.writeSeen(dir, "2026-12-24"))
	files, err := filepath.Glob(filepath.Join(dir, "*.response.json"))
	require.NoError(t, err)
	require.Greater(t, len(files), 50)
	require.Len(t, secrets, 1)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		for token := range secrets {
			assert.Equal(t, string(data), redact.Remove(string(data), token), "a token in any spelling")
		}
		for _, private := range []string{srv.ProjectID(), scene.Domain, "ada lovelace", "of acme", "123456789", "pa55word", "a secret of a build"} {
			assert.NotContains(t, string(data), private, file)
		}
	}
	seen, err := os.ReadFile(filepath.Join(dir, "seen_live.json"))
	require.NoError(t, err)
	assert.Contains(t, string(seen), `"ListJob": "2026-12-24"`)
}

// Signed requests carry the id of the access key and a signature.
func TestLiveRecordOfSignedRequests(t *testing.T) {
	t.Parallel()
	srv, scene := filledService(t)
	srv.Start()
	lift := srv.Always("ListJob", func(service http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			changeBody("{", fmt.Sprintf(`{"echo":%q,`, r.Header.Get("Authorization")))(service).ServeHTTP(w, r)
		})
	})
	defer lift()
	recorder := newLiveRecorder(srv.Transport())
	client, err := codeartsbuild.NewClient(codeartsbuild.WithEndpoint(srv.URL), codeartsbuild.WithProjectID(srv.ProjectID()),
		codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(srv.AccessKey())), codeartsbuild.WithTransport(recorder))
	require.NoError(t, err)
	s := newLiveSuite(t, recorder, client)
	s.run(t.Context(), scene.Job, false)
	assert.Empty(t, s.failures)
	dir := t.TempDir()
	require.NoError(t, recorder.write(dir))
	recorded, err := os.ReadFile(filepath.Join(dir, "ListJob.response.json"))
	require.NoError(t, err)
	id, _ := srv.AccessKey()
	assert.Contains(t, string(recorded), `"echo": "`)
	assert.NotContains(t, string(recorded), id)
	assert.NotRegexp(t, `Signature=\w`, string(recorded))
}
