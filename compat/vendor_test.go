// Package compat_test holds the in-memory service against the vendor's own client: what that client signs
// must be accepted, what it sends understood, and what it gets must fit its types.
package compat_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	vendor "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/codeartsbuild/v3"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/codeartsbuild/v3/model"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

// A scene is a service with one running build, the first of its job, behind a socket.
type scene struct {
	*codeartsbuildtest.Server
	job, build string
}

func newScene(t *testing.T) scene {
	t.Helper()
	srv := codeartsbuildtest.NewServer()
	t.Cleanup(srv.Close)
	srv.Start()
	job := srv.AddJob("nightly")
	return scene{srv, job, srv.StartBuild(job)}
}

// client is the vendor's, with the access key id and secret.
func (s scene) client(t *testing.T, id, secret string) *vendor.CodeArtsBuildClient {
	t.Helper()
	return vendorClient(t, s.URL, id, secret)
}

func vendorClient(t *testing.T, endpoint, id, secret string) *vendor.CodeArtsBuildClient {
	t.Helper()
	// With a project given the client looks none up at IAM.
	credentials, err := basic.NewCredentialsBuilder().WithAk(id).WithSk(secret).
		WithProjectId("0123456789abcdef0123456789abcdef").SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	client, err := vendor.CodeArtsBuildClientBuilder().WithEndpoint(endpoint).WithCredential(credentials).SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	return vendor.NewCodeArtsBuildClient(client)
}

// stops are the vendor's three ways to stop the first build of a job; each reports whether it was accepted.
var stops = map[string]func(client *vendor.CodeArtsBuildClient, job string) (accepted bool, err error){
	"StopJob": func(client *vendor.CodeArtsBuildClient, job string) (bool, error) {
		body := &model.StopJobRequestBody{JobId: job, BuildNo: "1"}
		response, err := client.StopJob(&model.StopJobRequest{Body: body})
		return err == nil && value(response.Result), err
	},
	"StopTheJob": func(client *vendor.CodeArtsBuildClient, job string) (bool, error) {
		number := int32(1)
		response, err := client.StopTheJob(&model.StopTheJobRequest{JobId: job, BuildNo: &number})
		return err == nil && value(response.Status) == "success", err
	},
	"StopBuildJob": func(client *vendor.CodeArtsBuildClient, job string) (bool, error) {
		response, err := client.StopBuildJob(&model.StopBuildJobRequest{JobId: job, BuildNo: 1})
		return err == nil && value(response.Success), err
	},
}

// value is what p points to, and zero where the response had nothing.
func value[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}

func TestVendorClientStops(t *testing.T) {
	t.Parallel()
	for operation, stop := range stops {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			id, secret := s.AccessKey()
			client := s.client(t, id, secret)

			accepted, err := stop(client, s.job)
			if err != nil || !accepted {
				t.Fatalf("%s: accepted %v, error %v, want true", operation, accepted, err)
			}
			requests := s.Requests()
			if len(requests) != 1 || requests[0].Operation != operation {
				t.Fatalf("the service saw %v, want one %s", operations(requests), operation)
			}
			signed := "SDK-HMAC-SHA256 Access=" + id + ", SignedHeaders="
			if got := requests[0].Header.Get("Authorization"); !strings.HasPrefix(got, signed) {
				t.Errorf("Authorization is %q, want a signature that starts with %q", got, signed)
			}

			record := waitForRecord(t, client, s.job, "ABORTED")
			if value(record.BuildNo) != 1 || value(record.CodeciJobId) != s.job || value(record.BuildRecordId) == "" {
				t.Errorf("record %v, want that of build 1 of job %s", record, s.job)
			}
			if got := s.Status(s.job, s.build); got != codeartsbuild.StatusAborted {
				t.Errorf("the service has the build %s, want %s", got, codeartsbuild.StatusAborted)
			}
		})
	}
}

// waitForRecord reads the record of build 1 until it has the status; the service stops asynchronously.
func waitForRecord(t *testing.T, client *vendor.CodeArtsBuildClient, job, status string) *model.RecordInfo2Result {
	t.Helper()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; <-ticker.C {
		response, err := client.ShowJobBuildRecordDetail(&model.ShowJobBuildRecordDetailRequest{JobId: job, BuildNo: 1})
		if err != nil {
			t.Fatalf("ShowJobBuildRecordDetail: %v", err)
		}
		if response.Result == nil {
			t.Fatalf("ShowJobBuildRecordDetail: no result in %v", response)
		}
		if value(response.Result.Status) == status {
			return response.Result
		}
		if time.Now().After(deadline) {
			t.Fatalf("the record is still %s, want %s", value(response.Result.Status), status)
		}
	}
}

func operations(requests []codeartsbuildtest.Request) []string {
	var names []string
	for _, request := range requests {
		names = append(names, request.Operation)
	}
	return names
}

func TestVendorClientIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]func(id, secret string) (string, string){
		"wrong secret": func(id, _ string) (string, string) { return id, "no-such-secret" },
		"unknown key":  func(_, secret string) (string, string) { return "NOSUCHACCESSKEY", secret },
	}
	for name, change := range tests {
		for operation, stop := range stops {
			t.Run(name+" "+operation, func(t *testing.T) {
				t.Parallel()
				s := newScene(t)
				id, secret := change(s.AccessKey())

				_, err := stop(s.client(t, id, secret), s.job)
				if refused := serviceError(t, err); refused.StatusCode != http.StatusUnauthorized || refused.ErrorCode == "" {
					t.Errorf("%s: %v, want a 401 with a code", operation, err)
				}
				if got := s.Status(s.job, s.build); got != codeartsbuild.StatusRunning {
					t.Errorf("the build is %s, want %s", got, codeartsbuild.StatusRunning)
				}
			})
		}
	}
}

func TestVendorClientStopsFinishedBuild(t *testing.T) {
	t.Parallel()
	for operation, stop := range stops {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.Finish(s.job, s.build, codeartsbuild.StatusSucceeded)
			id, secret := s.AccessKey()
			client := s.client(t, id, secret)

			_, err := stop(client, s.job)
			if refused := serviceError(t, err); refused.StatusCode != http.StatusBadRequest || !strings.Contains(refused.Error(), "032302") {
				t.Errorf("%s: %v, want a 400 with the code …032302", operation, err)
			}
			waitForRecord(t, client, s.job, "SUCCESS")
		})
	}
}

func serviceError(t *testing.T, err error) *sdkerr.ServiceResponseError {
	t.Helper()
	var refused *sdkerr.ServiceResponseError
	if !errors.As(err, &refused) {
		t.Fatalf("error %v (%T), want one of the service", err, err)
	}
	return refused
}
