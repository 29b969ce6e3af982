package codeartsbuild_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/apidoc"
	"github.com/codeartsbuild-go/codeartsbuild/internal/apitest"
)

// neverSent are documented parameters of the query, and members of the body, that no method sends.
var neverSent = map[string]string{
	"ExecuteJob scm.url":              repositoryOfJob,
	"ExecuteJob scm.web_url":          repositoryOfJob,
	"ExecuteJob scm.repo_id":          repositoryOfJob,
	"ExecuteJob scm.repo_name":        repositoryOfJob,
	"ExecuteJob scm.scm_type":         repositoryOfJob,
	"DownloadBuildRealTimeLog ?sort":  "a log is followed in its own order, which is the default",
	"DownloadBuildFullLog ?log_level": "Download gives the whole log, at the default level",
	"DownloadBuildFullLog ?compress":  "the form of a compressed log is not documented",
	"ShowLogAnalysis ?offset":         "a build has few failed steps, and the units of the two are not documented",
	"ShowLogAnalysis ?limit":          "as offset",
}

const repositoryOfJob = "a build uses the repository that its job is set to"

// beyondDocument are parameters that are sent though operations.json does not have them.
var beyondDocument = map[string]string{
	"CreateNewJob source_code":           oneConfig,
	"UpdateNewJob build_if_code_updated": oneConfig,
	"CopyJob build_if_code_updated":      oneConfig,
	"CopyJob source_code":                oneConfig,
	"CopyJob group_id":                   oneConfig,
	"CopyJob timeout":                    oneConfig,
	"CopyJob timeout.limit":              oneConfig,
	"CopyJob timeout.unit":               oneConfig,
	"CopyJob agency_urn":                 oneConfig,
	"CopyJob description":                oneConfig,
	"CopyJob resource_limit":             oneConfig,
	"CopyJob resource_limit.cpu":         oneConfig,
	"CopyJob resource_limit.memory":      oneConfig,
	"StopTheJob build_no":                "documented for the body, which operations.json does not have",
}

const oneConfig = "a member of a job's configuration, which other calls document"

func readDocument(t testing.TB) *apidoc.Document {
	t.Helper()
	document, err := apidoc.Read("testdata/operations.json")
	require.NoError(t, err)
	return document
}

// A wireRequest is what a call sent.
type wireRequest struct {
	operation, method, path string
	used                    []string // names of the query, such as "?page", and paths of the body
}

// A wireRecorder keeps the requests that pass.
type wireRecorder struct {
	next     http.RoundTripper
	mu       sync.Mutex
	requests []wireRequest
}

func (r *wireRecorder) RoundTrip(req *http.Request) (*http.Response, error) {
	seen := wireRequest{
		operation: codeartsbuild.OperationFromContext(req.Context()), method: req.Method, path: req.URL.Path,
	}
	for name := range req.URL.Query() {
		seen.used = append(seen.used, "?"+name)
	}
	if req.Body != nil {
		data, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		var body any
		if json.Unmarshal(data, &body) == nil {
			memberPaths(body, "", func(path string) { seen.used = append(seen.used, path) })
		}
		req.Body = io.NopCloser(strings.NewReader(string(data)))
	}
	r.mu.Lock()
	r.requests = append(r.requests, seen)
	r.mu.Unlock()
	return r.next.RoundTrip(req)
}

// memberPaths adds the paths of all members of a JSON value, such as "steps[].name".
func memberPaths(value any, place string, add func(path string)) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			memberPaths(element, place+"[]", add)
		}
	case map[string]any:
		for name, member := range value {
			path := strings.TrimPrefix(place+"."+name, ".")
			add(path)
			memberPaths(member, path, add)
		}
	}
}

// The in-memory service rejects a request that lacks a required parameter or has one that is not documented or wrong.
func TestCallsUseWhatIsDocumented(t *testing.T) {
	t.Parallel()
	document := readDocument(t)
	for _, op := range document.Operations {
		if !op.HasMethod() {
			continue
		}
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			missing, known := parametersOf(document, op)
			beyond := make(map[string]bool)
			for _, request := range sentBy(t, op.Name) {
				assert.Equal(t, op.Method, request.method)
				assert.Regexp(t, pathPattern(op.Path), request.path)
				for _, name := range request.used {
					delete(missing, name)
					if !known(name) {
						beyond[name] = true
					}
				}
			}
			assert.Equal(t, namesIn(neverSent, op.Name), missing, "documented, but no call sends it")
			assert.Equal(t, namesIn(beyondDocument, op.Name), beyond, "sent, but not documented")
		})
	}
}

// namesIn returns the names that exceptions have for an operation.
func namesIn(exceptions map[string]string, operation string) map[string]bool {
	names := make(map[string]bool)
	for key := range exceptions {
		if name, ok := strings.CutPrefix(key, operation+" "); ok {
			names[name] = true
		}
	}
	return names
}

// parametersOf returns the documented parameters of the query and members of the body. known also knows what stands below a
// member whose form is not documented.
func parametersOf(d *apidoc.Document, op apidoc.Operation) (names map[string]bool, known func(name string) bool) {
	names = make(map[string]bool)
	for _, p := range op.Params {
		if p.In == "query" {
			names["?"+p.Name] = true
		}
	}
	d.BodyFields(op.Body, "", func(path string) { names[path] = true })
	all := maps.Clone(names)
	return names, func(name string) bool {
		return all[name] || slices.ContainsFunc(slices.Collect(maps.Keys(all)), func(path string) bool {
			return strings.HasSuffix(path, "properties") && strings.HasPrefix(name, path+".")
		})
	}
}

// sentBy makes the calls of an operation and returns their requests of that operation: a call may make others first.
func sentBy(t *testing.T, operation string) []wireRequest {
	t.Helper()
	var requests []wireRequest
	for name, call := range apitest.Calls() {
		if apitest.OperationOf(name) != operation {
			continue
		}
		recorder := &wireRecorder{}
		srv := codeartsbuildtest.NewServer()
		t.Cleanup(srv.Close)
		recorder.next = srv.Transport()
		scene := apitest.NewScene(t, srv, codeartsbuild.WithTransport(recorder))
		result, err := call(t.Context(), scene)
		require.NoError(t, err, name)
		if stream, ok := result.(io.Closer); ok {
			require.NoError(t, stream.Close())
		}
		own := slices.DeleteFunc(recorder.requests, func(r wireRequest) bool { return r.operation != operation })
		require.NotEmpty(t, own, "the call %q does not reach the operation", name)
		requests = append(requests, own...)
	}
	require.NotEmpty(t, requests, "apitest.Calls has no call of the operation")
	return requests
}

func pathPattern(path string) string {
	return "^" + placeholder.ReplaceAllString(regexp.QuoteMeta(path), "[^/]+") + "$"
}

func TestCallsAreOfDocumentedOperations(t *testing.T) {
	t.Parallel()
	document := readDocument(t)
	for name := range apitest.Calls() {
		assert.True(t, document.Operation(apitest.OperationOf(name)).HasMethod(), name)
	}
	for _, exceptions := range []map[string]string{neverSent, beyondDocument} {
		for name := range exceptions {
			assert.True(t, document.Operation(apitest.OperationOf(name)).HasMethod(), name)
		}
	}
}
