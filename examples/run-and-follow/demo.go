package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

// fill makes the in-memory service one in which somebody works on the build.
func (o *options) fill(server *codeartsbuildtest.Server) (end func()) {
	o.job = server.AddJob("nightly")
	working, stop := context.WithCancel(context.Background())
	var worker sync.WaitGroup
	worker.Go(func() { work(working, server, o.job) })
	return func() { stop(); worker.Wait() }
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
