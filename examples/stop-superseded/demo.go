package main

import (
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/program"
)

// fill makes the in-memory service one in which four pushes have left builds behind.
func (o *options) fill(server *codeartsbuildtest.Server) (end func()) {
	job := server.AddJob("nightly")
	o.jobs = program.List{job}
	now := time.Now()
	for i, b := range []codeartsbuild.Build{
		{Branch: "feat/login", Revision: "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d00000001", Trigger: "push"},
		{Branch: "release/1.0", Revision: "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d00000002", Trigger: "push"},
		{Branch: "release/1.0", Revision: "1b9d6bcdbbfd4b2d9b5dab8dfbbd4bed00000003", Trigger: "push"},
		{Branch: "feat/login", Revision: "3c6ee0b2aa3f4b8e8f0b1f5d2e7c9a1000000004", Trigger: codeartsbuild.TriggerScheduled},
		{Branch: "feat/login", Revision: "5f2d8c7e6b1a4d3c9e8f7a6b5c4d3e2f00000005", Trigger: "push", Status: codeartsbuild.StatusQueued},
		{Branch: "feat/login", Revision: "7a1b2c3d4e5f60718293a4b5c6d7e8f900000006", Trigger: "push"},
	} {
		b.QueuedAt = now.Add(time.Duration(i-8) * 47 * time.Second)
		server.AddBuild(job, b)
	}
	return func() {}
}
