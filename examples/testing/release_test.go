// Package release shows how to test code that stops builds: against the in-memory service, without a network and
// without waiting.
package release

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

// cancelRelease is the code under test: it makes sure that a build no longer runs.
func cancelRelease(ctx context.Context, client *codeartsbuild.Client, job, build string) (codeartsbuild.BuildStatus, error) {
	ended, err := client.Jobs.StopAndWait(ctx, job, build)
	if err != nil {
		return "", err
	}
	return ended.Status, nil
}

func TestCancelRelease(t *testing.T) {
	tests := map[string]struct {
		faults []codeartsbuildtest.Fault // of the stops, one each
		status codeartsbuild.BuildStatus
		err    error
	}{
		"stopped":             {nil, codeartsbuild.StatusAborted, nil},
		"response was lost":   {[]codeartsbuildtest.Fault{codeartsbuildtest.DropAnswer()}, codeartsbuild.StatusAborted, nil},
		"busy for an attempt": {[]codeartsbuildtest.Fault{codeartsbuildtest.Reply(503, "")}, codeartsbuild.StatusAborted, nil},
		"not allowed":         {[]codeartsbuildtest.Fault{codeartsbuildtest.Reply(403, "{}")}, "", codeartsbuild.ErrForbidden},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // pauses take no time in here
				server := codeartsbuildtest.NewServer()
				defer server.Close()
				job := server.AddJob("release")
				build := server.StartBuild(job)
				server.Next("StopJob", tt.faults...)

				status, err := cancelRelease(t.Context(), server.Client(), job, build)
				if status != tt.status || !errors.Is(err, tt.err) {
					t.Errorf("cancelRelease: %q, %v, want %q, %v", status, err, tt.status, tt.err)
				}
			})
		})
	}
}
