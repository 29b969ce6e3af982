package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/spf13/cobra"
)

func (p *program) serveCommand() *cobra.Command {
	var (
		port   int
		faults []string
	)
	cmd := &cobra.Command{
		Use: "serve [flags]", Short: "Run an in-memory service, to try the other commands",
		Long: `Serve runs the service in memory, on this machine and until it is interrupted.
Its jobs have builds that start, write logs, succeed, fail and hang. It prints
the variables that make the other commands use it.

A fault is OPERATION=KIND; an empty OPERATION means all operations. The kinds:
  drop-request     the request is lost
  drop-answer      the request takes effect, and its response is lost
  expire-token     the token of the request is no longer valid
  delay:TIME       the service takes longer
  STATUS[:BODY]    this response comes in place of the service's
With once: before its kind, a fault is for the next request only.`,
		Example: `  codeartsbuild serve --port 8080
  codeartsbuild serve --fault StopJob=once:drop-answer --fault CreateToken=503`,
	}
	p.command(cmd, func(ctx context.Context) error {
		if port < 0 || port > 65535 {
			return usagef("--port must be 0 to 65535, got %d", port)
		}
		server := codeartsbuildtest.NewServer()
		defer server.Close()
		for _, text := range faults {
			if err := addFault(server, text); err != nil {
				return err
			}
		}
		return p.serve(ctx, server, port)
	})
	cmd.Flags().IntVar(&port, "port", 0, "`PORT` of 127.0.0.1 to listen on; 0: a free one")
	listFlag(cmd.Flags(), &faults, "fault", "`FAULT` in front of the service; repeatable")
	return cmd
}

// addFault adds a fault that is spelled OPERATION=KIND.
func addFault(server *codeartsbuildtest.Server, text string) error {
	operation, kind, ok := strings.Cut(text, "=")
	if !ok {
		return usagef("--fault must be OPERATION=KIND, got %q", text)
	}
	kind, once := strings.CutPrefix(kind, "once:")
	fault, err := parseFault(kind)
	switch {
	case err != nil:
		return usagef("--fault %q: %v", text, err)
	case once && operation == "":
		return usagef("--fault %q: once: must have an operation", text)
	case once:
		server.Next(operation, fault)
	default:
		server.Always(operation, fault)
	}
	return nil
}

func parseFault(kind string) (codeartsbuildtest.Fault, error) {
	name, value, _ := strings.Cut(kind, ":")
	switch name {
	case "drop-request":
		return codeartsbuildtest.DropRequest(), nil
	case "drop-answer":
		return codeartsbuildtest.DropAnswer(), nil
	case "expire-token":
		return codeartsbuildtest.ExpireToken(), nil
	case "delay":
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return nil, errors.New("delay must be a time such as delay:2s")
		}
		return codeartsbuildtest.Delay(d), nil
	}
	status, err := strconv.Atoi(name)
	if err != nil || status < 200 || status > 999 {
		return nil, errors.New("the kind must be drop-request, drop-answer, expire-token, delay:TIME or a status from 200")
	}
	return codeartsbuildtest.Reply(status, value), nil
}

// serve serves until the context ends.
func (p *program) serve(ctx context.Context, service *codeartsbuildtest.Server, port int) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return withRemedy(err, "Choose another --port.")
	}
	server := &http.Server{Handler: service, ReadHeaderTimeout: 10 * time.Second}
	s := newStage(service)
	p.announce(service, "http://"+listener.Addr().String(), s)
	worked := make(chan struct{})
	working, stop := context.WithCancel(ctx)
	go func() { defer close(worked); s.play(working) }()
	defer func() { stop(); <-worked }()
	context.AfterFunc(working, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// announce prints what makes other commands use the service, as lines for a shell.
func (p *program) announce(service *codeartsbuildtest.Server, url string, s *stage) {
	id, secret := service.AccessKey()
	var b strings.Builder
	fmt.Fprintf(&b, "unset CODEARTSBUILD_TOKEN\nexport CODEARTSBUILD_ENDPOINT=%s\nexport HUAWEICLOUD_SDK_AK=%s\nexport HUAWEICLOUD_SDK_SK=%s\n", url, id, secret)
	fmt.Fprintf(&b, "PROJECT=%s\n", service.ProjectID())
	for _, act := range s.acts {
		fmt.Fprintf(&b, "%s=%s # %s\n", strings.ToUpper(act.name), act.job, act.about)
	}
	_, _ = p.stdout.Write([]byte(b.String())) // the stream keeps the error
}

// A stage is the service with jobs in it.
type stage struct {
	service *codeartsbuildtest.Server
	acts    []*act
}

// An act is a job whose builds all go the same way.
type act struct {
	name, about string
	ending      codeartsbuild.BuildStatus // "": it hangs
	every       int                       // beats between two pushes; 0: no pushes
	pace        int                       // beats between two lines of a log
	job         string
	next        int // number of the first build that has not been seen
	open        map[int]int
}

// beat is the time between two lines of a log.
const beat = 500 * time.Millisecond

var logLines = []string{"checkout: 214 files", "compile: 31 packages", "test: 912 passed", "upload: app.tar.gz"}

func newStage(service *codeartsbuildtest.Server) *stage {
	s := &stage{service: service, acts: []*act{
		{name: "nightly", about: "its builds succeed", ending: codeartsbuild.StatusSucceeded, every: 120, pace: 1},
		{name: "flaky", about: "its builds fail", ending: codeartsbuild.StatusFailed, every: 240, pace: 1},
		{name: "stuck", about: "its builds hang", pace: 1},
		{name: "pushes", about: "newer pushes supersede its builds", ending: codeartsbuild.StatusSucceeded, every: 60, pace: 120},
	}}
	for _, a := range s.acts {
		a.job, a.next, a.open = service.AddJob(a.name), 1, map[int]int{}
	}
	now := time.Now()
	service.AddBuild(s.acts[2].job, codeartsbuild.Build{Branch: "main", StartedAt: now.Add(-221 * time.Minute), Trigger: "push", Executor: "alice"})
	service.AddBuild(s.acts[2].job, codeartsbuild.Build{Branch: "feat/login", QueuedAt: now.Add(-50 * time.Minute), Status: codeartsbuild.StatusQueued, Trigger: "push", Executor: "bob"})
	for i, b := range []codeartsbuild.Build{
		{Branch: "feat/login", Revision: "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d00000001", Trigger: "push"},
		{Branch: "release/1.0", Revision: "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d00000002", Trigger: "push"},
		{Branch: "release/1.0", Revision: "1b9d6bcdbbfd4b2d9b5dab8dfbbd4bed00000003", Trigger: "push"},
		{Branch: "feat/login", Revision: "3c6ee0b2aa3f4b8e8f0b1f5d2e7c9a1000000004", Trigger: codeartsbuild.TriggerScheduled},
		{Branch: "feat/login", Revision: "5f2d8c7e6b1a4d3c9e8f7a6b5c4d3e2f00000005", Trigger: "push", Status: codeartsbuild.StatusQueued},
		{Branch: "feat/login", Revision: "7a1b2c3d4e5f60718293a4b5c6d7e8f900000006", Trigger: "push"},
	} {
		b.QueuedAt = now.Add(time.Duration(i-8) * 47 * time.Second)
		service.AddBuild(s.acts[3].job, b)
	}
	return s
}

// play lets builds come and go until the context ends.
func (s *stage) play(ctx context.Context) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for beats := 1; ; beats++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, a := range s.acts {
			if a.every > 0 && beats%a.every == 0 {
				s.service.AddBuild(a.job, codeartsbuild.Build{Branch: "main", Revision: fmt.Sprintf("%040x", beats), Trigger: "push"})
			}
			if beats%a.pace == 0 {
				s.step(a)
			}
		}
	}
}

// step writes a line into the log of each running build of a job, and ends those that have all lines.
func (s *stage) step(a *act) {
	for s.service.Status(a.job, strconv.Itoa(a.next)) != "" {
		a.open[a.next] = 0
		a.next++
	}
	for number, line := range a.open {
		build := strconv.Itoa(number)
		switch status := s.service.Status(a.job, build); {
		case status.Terminal():
			delete(a.open, number)
		case status != codeartsbuild.StatusRunning:
		case line < len(logLines):
			s.service.AppendLog(a.job, build, fmt.Sprintf("[%s] [INFO] [build:%d] : %s\n", time.Now().UTC().Format("2006/01/02 15:04:05.000"), line+1, logLines[line]))
			a.open[number]++
		case a.ending != "":
			s.service.Finish(a.job, build, a.ending)
		}
	}
}
