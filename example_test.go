package codeartsbuild_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

func Example() {
	srv := codeartsbuildtest.NewServer() // in place of the cloud
	defer srv.Close()
	job := srv.AddJob("nightly")
	build := srv.StartBuild(job)

	// In the cloud: codeartsbuild.NewClient(codeartsbuild.WithRegion("cn-north-4"), codeartsbuild.WithEnvironment())
	client := srv.Client()

	result, err := client.Jobs.Stop(context.Background(), job, build)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("accepted:", result.Result)
	// Output: accepted: true
}

// endsWhenStopped lets a build end as soon as the service accepts the stop, so that an example need not wait.
func endsWhenStopped(srv *codeartsbuildtest.Server, job, build string) codeartsbuildtest.Fault {
	return func(service http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			service.ServeHTTP(w, r)
			srv.Finish(job, build, codeartsbuild.StatusAborted)
		})
	}
}

func ExampleJobsService_StopAndWait() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	build := srv.StartBuild(job)
	srv.Next("StopJob", endsWhenStopped(srv, job, build))

	ended, err := srv.Client().Jobs.StopAndWait(context.Background(), job, build)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("build", ended.BuildNo, ended.Status)
	// Output: build 1 aborted
}

// The kind of an error decides what to do.
func ExampleJobsService_Stop_errors() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	build := srv.StartBuild(job)
	srv.Finish(job, build, codeartsbuild.StatusSucceeded)

	_, err := srv.Client().Jobs.Stop(context.Background(), job, build)
	var apiErr *codeartsbuild.APIError
	switch {
	case err == nil:
		fmt.Println("the service accepted the stop")
	case errors.Is(err, codeartsbuild.ErrOutcomeUnknown):
		fmt.Println("it may have taken effect: stop it again, that is always safe")
	case errors.Is(err, codeartsbuild.ErrBuildFinished):
		errors.As(err, &apiErr)
		fmt.Println("there was nothing left to stop:", apiErr.StatusCode, apiErr.ErrorCode)
	case errors.Is(err, codeartsbuild.ErrUnauthorized):
		fmt.Println("the credential is wrong or has expired")
	default:
		fmt.Println(err)
	}
	// Output: there was nothing left to stop: 400 DEV.CB.032302
}

// loggingTransport shows what a RoundTripper sees: every attempt, with the operation in its context.
type loggingTransport struct{ next http.RoundTripper }

func (t loggingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err == nil {
		fmt.Println(codeartsbuild.OperationFromContext(req.Context()), req.Method, req.URL.Path, resp.StatusCode)
	}
	return resp, err
}

func ExampleWithTransport() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	srv.Start()
	job := srv.AddJob("nightly")
	build := srv.StartBuild(job)

	transport := http.DefaultTransport.(*http.Transport).Clone() // or otelhttp.NewTransport, for example
	defer transport.CloseIdleConnections()
	client := srv.Client(codeartsbuild.WithTransport(loggingTransport{transport}))
	_, err := client.Jobs.Stop(context.Background(), job, build)
	fmt.Println(err)
	// Output:
	// StopJob POST /v3/jobs/stop 200
	// <nil>
}

// Here the first stop takes effect and its response is lost. The second one is told that the build has
// finished.
func Example_testing() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	build := srv.StartBuild(job)
	srv.Next("StopJob",
		codeartsbuildtest.DropAnswer(),
		codeartsbuildtest.Reply(http.StatusBadRequest, `{"error_code":"DEV.CB.032302","error_msg":"ended"}`))

	client := srv.Client(codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: time.Millisecond, MaxDelay: time.Millisecond}))
	result, err := client.Jobs.Stop(context.Background(), job, build)
	fmt.Println("already finished:", result.AlreadyFinished, err)
	fmt.Println("requests:", len(srv.Requests()))
	// Output:
	// already finished: true <nil>
	// requests: 2
}

func ExampleNewIAMTokenSource() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	srv.Start()

	config := srv.IAMConfig() // Endpoint, DomainName, UserName, Password and ProjectName
	source, err := codeartsbuild.NewIAMTokenSource(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := codeartsbuild.NewClient(codeartsbuild.WithEndpoint(srv.URL), codeartsbuild.WithTokenSource(source))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.CloseIdleConnections()
	job := srv.AddJob("nightly")
	_, err = client.Jobs.Stop(context.Background(), job, srv.StartBuild(job))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleStaticAccessKey() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	srv.Start()
	id, secret := srv.AccessKey()

	client, err := codeartsbuild.NewClient(
		codeartsbuild.WithEndpoint(srv.URL),
		codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(id, secret)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.CloseIdleConnections()
	job := srv.AddJob("nightly")
	_, err = client.Jobs.Stop(context.Background(), job, srv.StartBuild(job))
	fmt.Println(err)
	// Output: <nil>
}

// What an option says wins over what the environment says; here nothing is left to look up.
func ExampleWithEnvironment() {
	client, err := codeartsbuild.NewClient(
		codeartsbuild.WithRegion("cn-north-4"),
		codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey("AKEXAMPLE", "made-up")),
		codeartsbuild.WithEnvironment())
	fmt.Println(client, err)
	// Output: codeartsbuild.Client{https://cloudbuild-ext.cn-north-4.myhuaweicloud.com} <nil>
}

// A vault hands out temporary keys; the cache asks it again shortly before one ends.
type vault struct{}

func (vault) AccessKey(context.Context) (*codeartsbuild.AccessKey, error) {
	return codeartsbuild.NewTemporaryAccessKey("AKEXAMPLE", "made-up", "made-up-too", time.Now().Add(time.Hour)), nil
}

func ExampleNewCachedAccessKeySource() {
	client, err := codeartsbuild.NewClient(
		codeartsbuild.WithRegion("cn-north-4"),
		codeartsbuild.WithAccessKeySource(codeartsbuild.NewCachedAccessKeySource(vault{})))
	fmt.Println(client, err)
	// Output: codeartsbuild.Client{https://cloudbuild-ext.cn-north-4.myhuaweicloud.com} <nil>
}

// Run a build, print its log while it grows, and see how it ended.
func ExampleLogsService_Follow() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	client, ctx := srv.Client(), context.Background()

	run, err := client.Jobs.Run(ctx, job, &codeartsbuild.RunRequest{Branch: "main", Parameters: map[string]string{"target": "all"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	srv.AppendLog(job, run.BuildNo, "compiling\ntesting\n") // what the build does
	srv.Finish(job, run.BuildNo, codeartsbuild.StatusSucceeded)

	for chunk, err := range client.Logs.Follow(ctx, job, run.BuildNo, 0) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s(next offset %d)\n", chunk.Text, chunk.Next)
		break // a later Follow would go on there
	}
	build, err := client.Builds.Wait(ctx, job, run.BuildNo, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(build.Status)
	// Output:
	// compiling
	// testing
	// (next offset 18)
	// succeeded
}

// Do reaches operations that have no method here, such as the outdated one for the log of a step.
func ExampleClient_Do() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	build := srv.StartBuild(job)
	srv.AppendLog(job, build, "[INFO] [build:compile] : 31 packages\n[INFO] [build:upload] : nightly.tar.gz\n")
	client, ctx := srv.Client(), context.Background()

	record, err := client.Builds.Get(ctx, job, build)
	if err != nil {
		fmt.Println(err)
		return
	}
	var log []byte
	err = client.Do(ctx, http.MethodGet, "/v4/"+record.RecordID+"/task-log", struct {
		TaskName string `url:"task_name"`
	}{"compile"}, &log)
	fmt.Printf("%s%v\n", log, err)
	// Output:
	// [INFO] [build:compile] : 31 packages
	// <nil>
}

func ExampleWithResponseInto() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	srv.Next("StopJob", codeartsbuildtest.Reply(http.StatusServiceUnavailable, ""))

	var response codeartsbuild.Response
	_, err := srv.Client().Jobs.Stop(context.Background(), job, srv.StartBuild(job),
		codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: time.Millisecond, MaxDelay: time.Millisecond}),
		codeartsbuild.WithResponseInto(&response))
	fmt.Println(err, response.StatusCode, response.Attempts)
	// Output: <nil> 200 2
}

func ExampleWithLogger() {
	srv := codeartsbuildtest.NewServer()
	defer srv.Close()
	job := srv.AddJob("nightly")
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "duration" || a.Key == "job" { // differ from run to run
				return slog.Attr{}
			}
			return a
		},
	}))

	_, err := srv.Client(codeartsbuild.WithLogger(logger)).Jobs.Stop(context.Background(), job, srv.StartBuild(job))
	fmt.Println(err)
	// Output:
	// level=DEBUG msg=attempt operation=StopJob build=1 request_id=00000000000000000000000000000001 status=200 attempt=1
	// level=DEBUG msg=call operation=StopJob build=1 request_id=00000000000000000000000000000001 status=200 attempts=1
	// <nil>
}
