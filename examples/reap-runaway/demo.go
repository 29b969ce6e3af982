package main

import (
	"context"
	"io"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/program"
)

// connect reaches the cloud, or an embedded service in which some builds hang.
func (o *options) connect(ctx context.Context, stderr io.Writer) (*codeartsbuild.Client, func(), error) {
	if !o.cloud.Demo {
		client, err := o.cloud.Connect(program.Log(stderr))
		if err != nil {
			return nil, nil, err
		}
		return client, client.CloseIdleConnections, nil
	}
	server, client, err := program.LogIn(ctx, program.Log(stderr))
	if err != nil {
		return nil, nil, err
	}
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
	return client, func() { client.CloseIdleConnections(); server.Close() }, nil
}
