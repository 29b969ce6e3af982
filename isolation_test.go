package codeartsbuild_test

import (
	"go/ast"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B49: the requests of all calls, failed and repeated ones included, go to the endpoint and to IAM.
func TestNothingSentElsewhere(t *testing.T) {
	t.Parallel()
	f := sdktest.NewJob(t)
	var mu sync.Mutex
	origins := map[string]int{}
	through := httpfake.Func(func(req *http.Request) (*http.Response, error) {
		mu.Lock()
		origins[req.URL.Scheme+"://"+req.URL.Host+" "+req.Host]++
		mu.Unlock()
		recorded := httptest.NewRecorder()
		inside := req.Clone(req.Context())
		inside.RequestURI = req.URL.RequestURI()
		f.ServeHTTP(recorded, inside)
		return recorded.Result(), nil
	})
	cfg := f.IAMConfig()
	cfg.Endpoint, cfg.Transport = "https://iam.example.com", through
	useEverything(t, f, sdktest.Client(t, through, codeartsbuild.WithTokenSource(sdktest.TokenSource(t, cfg)), sdktest.Quick))
	require.Len(t, origins, 2, "%v", origins)
	require.Positive(t, origins["https://iam.example.com iam.example.com"])
	require.Positive(t, origins["https://build.example.com build.example.com"])
}

// useEverything makes calls of all kinds, with and without faults.
func useEverything(t *testing.T, f *sdktest.Fixture, client *codeartsbuild.Client) {
	redirect := codeartsbuildtest.Redirect("https://elsewhere.example.com/?a=b")
	for _, faults := range []faults{
		nil,
		{codeartsbuildtest.Reply(http.StatusServiceUnavailable, ""), codeartsbuildtest.Reply(http.StatusTooManyRequests, "")},
		{codeartsbuildtest.ExpireToken()},
		{redirect},
		{codeartsbuildtest.Reply(http.StatusOK, "<html><title>Log in</title></html>"), nil},
		{codeartsbuildtest.Reply(http.StatusForbidden, `{"error_code":"DEV.CB.1","error_msg":"no"}`)},
		{codeartsbuildtest.Reply(http.StatusNotFound, `{"error_code":"APIGW.0101","error_msg":"no"}`)},
	} {
		build := f.StartBuild(f.JobID)
		for _, operation := range []string{"StopJob", "ShowJobBuildRecordDetail", "ExecuteJob", ""} {
			f.Next(operation, faults...)
		}
		_, _ = client.Jobs.Stop(t.Context(), f.JobID, build)
		_, _ = client.Builds.Get(t.Context(), f.JobID, build)
		_, _ = client.Jobs.Run(t.Context(), f.JobID, nil)
		_ = client.Do(t.Context(), http.MethodPost, "/v9/anything?a=b", map[string]string{"a": "b"}, nil)
		f.Next(sdktest.OpLogin, redirect)
		f.Next(sdktest.OpStop, codeartsbuildtest.ExpireToken())
		_, _ = client.Jobs.Stop(t.Context(), f.JobID, build)
	}
	_, _ = client.Jobs.Stop(t.Context(), "none", "0")
}

// B49: a process of its own makes the calls.
func TestNothingPrintedOrWrittenToDisk(t *testing.T) {
	t.Parallel()
	if os.Getenv(subprocessVariable) != "" {
		f := sdktest.NewJob(t)
		f.Start()
		useEverything(t, f, f.Client(codeartsbuild.WithTokenSource(sdktest.TokenSource(t, f.IAMConfig())), sdktest.Quick))
		_, err := codeartsbuild.NewClient()
		require.Error(t, err)
		return
	}
	home := t.TempDir()
	stdout, stderr := runAgain(t, subprocessVariable+"=use everything", "HOME="+home, "TMPDIR="+home, "XDG_CACHE_HOME="+home, "XDG_CONFIG_HOME="+home)
	require.Empty(t, stderr)
	for line := range strings.Lines(stdout) { // of package testing itself
		if !strings.HasPrefix(line, "PASS") && !strings.HasPrefix(line, "coverage:") {
			t.Errorf("printed: %q", line)
		}
	}
	entries, err := os.ReadDir(home)
	require.NoError(t, err)
	require.Empty(t, entries)
}

// B49: the sources name nothing that prints, writes to disk, logs on its own account or goes around the
// transport.
func TestSourcesNeitherPrintNorWrite(t *testing.T) {
	t.Parallel()
	forbidden := map[string][]string{
		"fmt": {"Print", "Printf", "Println"},
		"os": {
			"Stdout", "Stderr", "Create", "CreateTemp", "OpenFile", "WriteFile", "Mkdir", "MkdirAll", "MkdirTemp", "Rename", "Remove", "RemoveAll", "Setenv", "Symlink", "Link",
			"Truncate", "Chmod", "StartProcess", "Exit",
		},
		"log/slog": {"Debug", "Info", "Warn", "Error", "Log", "LogAttrs", "Default", "SetDefault", "DebugContext", "InfoContext", "WarnContext", "ErrorContext", "SetLogLoggerLevel"},
		"net/http": {"DefaultClient", "DefaultTransport", "Get", "Head", "Post", "PostForm", "Client"},
		"net":      {"Dial", "DialTimeout", "Listen"},
	}
	unwanted := []string{"log", "log/syslog", "os/exec", "expvar", "net/rpc", "net/smtp", "plugin", "unsafe"}
	for name, file := range sources(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			packages := importedPackages(file)
			for _, path := range packages {
				require.NotContains(t, unwanted, path)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					if of, ok := n.X.(*ast.Ident); ok {
						require.NotContains(t, forbidden[packages[of.Name]], n.Sel.Name, "%s.%s", of.Name, n.Sel.Name)
					}
				case *ast.CallExpr:
					if called, ok := n.Fun.(*ast.Ident); ok && (called.Name == "print" || called.Name == "println") {
						t.Errorf("%s is called", called.Name)
					}
				}
				return true
			})
		})
	}
}

// importedPackages are the paths of the packages that a file imports, by their names in the file.
func importedPackages(file *ast.File) map[string]string {
	packages := map[string]string{}
	for _, imported := range file.Imports {
		path := strings.Trim(imported.Path.Value, `"`)
		name := path[strings.LastIndexByte(path, '/')+1:]
		if imported.Name != nil {
			name = imported.Name.Name
		}
		packages[name] = path
	}
	return packages
}
