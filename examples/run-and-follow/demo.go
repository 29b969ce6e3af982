package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/program"
)

// connect reaches the cloud, or an embedded service in which somebody works on the build.
func (o *options) connect(ctx context.Context) (*codeartsbuild.Client, func(), error) {
	if !o.cloud.Demo {
		client, err := o.cloud.Connect()
		if err != nil {
			return nil, nil, err
		}
		return client, client.CloseIdleConnections, nil
	}
	server, client, err := program.LogIn(ctx)
	if err != nil {
		return nil, nil, err
	}
	o.job = server.AddJob("nightly")
	working, stop := context.WithCancel(context.Background())
	var worker sync.WaitGroup
	worker.Go(func() { work(working, server, o.job) })
	return client, func() { stop(); worker.Wait(); client.CloseIdleConnections(); server.Close() }, nil
}

// work writes the log of the first build of the job and ends it.
func work(ctx context.Context, server *codeartsbuildtest.Server, job string) {
	const build = "1"
	steps := []string{"checkout: 214 files", "compile: 31 packages", "test: 912 passed", "upload: nightly.tar.gz"}
	for i := 0; i < len(steps); {
		if server.Status(job, build) == codeartsbuild.StatusRunning {
			server.AppendLog(job, build, fmt.Sprintf("[%s] [INFO] [build:%d] : %s\n", time.Now().UTC().Format("2006/01/02 15:04:05.000"), i+1, steps[i]))
			i++
		}
		select {
		case <-time.After(400 * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
	server.Finish(job, build, codeartsbuild.StatusSucceeded)
}
