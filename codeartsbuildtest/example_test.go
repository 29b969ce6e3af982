package codeartsbuildtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

func Example() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	build := srv.StartBuild(job)

	_, err := srv.Client().Jobs.Stop(context.Background(), job, build)
	fmt.Println(err, srv.Status(job, build)) // stops take some seconds
	for _, r := range srv.Requests() {
		fmt.Println(r.Operation, r.Method, r.Path)
	}
	// Output:
	// <nil> running
	// StopJob POST /v3/jobs/stop
}

// The build ends just before the stop arrives.
func ExampleServer_Next() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	build := srv.StartBuild(job)
	srv.Next("StopJob", func(service http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			srv.Finish(job, build, codeartsbuild.StatusSucceeded)
			service.ServeHTTP(w, r)
		})
	})

	_, err := srv.Client().Jobs.Stop(context.Background(), job, build)
	fmt.Println(errors.Is(err, codeartsbuild.ErrBuildFinished))
	// Output: true
}

// The service is busy until the fault is lifted.
func ExampleServer_Always() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	build := srv.StartBuild(job)
	client := srv.Client(codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 1}))

	lift := srv.Always("", codeartsbuildtest.ReplyHeader(503, http.Header{"Retry-After": {"7"}}, ""))
	_, err := client.Jobs.Stop(context.Background(), job, build)
	var apiErr *codeartsbuild.APIError
	fmt.Println(errors.As(err, &apiErr) && apiErr.StatusCode == 503)
	lift()
	_, err = client.Jobs.Stop(context.Background(), job, build)
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}
