package main

import (
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/program"
)

// fill makes the in-memory service one in which some builds hang.
func (o *options) fill(server *codeartsbuildtest.Server) (end func()) {
	job := server.AddJob("nightly")
	o.jobs = program.List{job}
	now := time.Now()
	for _, b := range []codeartsbuild.Build{
		{Branch: "main", StartedAt: now.Add(-221 * time.Minute), Executor: "alice"},
		{Branch: "release/1.0", StartedAt: now.Add(-190 * time.Minute), Executor: "bob"},
		{Branch: "main", StartedAt: now.Add(-12 * time.Minute), Executor: "alice"},
		{Branch: "feat/login", QueuedAt: now.Add(-50 * time.Minute), Status: codeartsbuild.StatusQueued, Executor: "bob"},
	} {
		server.AddBuild(job, b)
	}
	return func() {}
}
