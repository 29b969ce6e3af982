package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/program"
)

// stopLimit is how long the stop of a build may take when this program ends before the build does.
const stopLimit = 10 * time.Second

// A follower follows one build: its status beside its log.
type follower struct {
	*options
	client *codeartsbuild.Client
	state  *state
	screen *screen
}

func (f *follower) follow(ctx context.Context) error {
	file, err := openLog(f.logFile, f.state.Offset)
	if err != nil {
		return err
	}
	logCtx, endLog := context.WithCancel(ctx)
	defer endLog()
	drawn := make(chan struct{})
	var background sync.WaitGroup
	background.Go(func() { f.screen.run(drawn) })
	var build *codeartsbuild.Build
	var waitErr error
	background.Go(func() {
		if build, waitErr = f.wait(ctx); waitErr != nil {
			endLog()
		}
		close(drawn)
	})
	logErr := f.copyLog(logCtx, file)
	background.Wait()
	if waitErr != nil {
		return errors.Join(waitErr, file.leave())
	}
	return f.verdict(build, errors.Join(logErr, file.finish(logErr)))
}

// wait follows the status, and stops the build when this program is to end before it does.
func (f *follower) wait(ctx context.Context) (*codeartsbuild.Build, error) {
	options := codeartsbuild.WaitOptions{Timeout: f.timeout, OnChange: f.screen.changed}
	if f.stopOnInterrupt {
		options.StopOnCancel = stopLimit
	}
	build, err := f.client.Builds.Wait(ctx, f.state.Job, f.state.Build, &options)
	if err == nil || ctx.Err() != nil || !errors.Is(err, codeartsbuild.ErrStillRunning) {
		return build, err
	}
	if !f.stopOnTimeout {
		return nil, program.WithTimeout(err, "The build goes on: follow it with -attach "+f.state.Build+".")
	}
	stopCtx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	_, stopErr := f.client.Jobs.Stop(stopCtx, f.state.Job, f.state.Build)
	switch {
	case stopErr == nil:
		return nil, program.WithTimeout(err, "The stop of the build was accepted.")
	case errors.Is(stopErr, codeartsbuild.ErrBuildFinished):
		return f.client.Builds.Get(ctx, f.state.Job, f.state.Build)
	}
	return nil, program.WithTimeout(errors.Join(err, stopErr), "The stop of the build was not confirmed: look whether it still runs.")
}

// copyLog copies the log as it grows, and saves after each piece how far it has come.
func (f *follower) copyLog(ctx context.Context, file *logFile) error {
	for chunk, err := range f.client.Logs.Follow(ctx, f.state.Job, f.state.Build, f.state.Offset) {
		if err != nil {
			return err
		}
		if err := errors.Join(f.screen.log(chunk.Text), file.write(chunk.Text)); err != nil {
			return err
		}
		f.state.Offset = chunk.Next
		if err := f.state.save(f.stateFile); err != nil {
			return err
		}
	}
	return nil
}

// verdict says how the build ended.
func (f *follower) verdict(build *codeartsbuild.Build, logErr error) error {
	took := ""
	if !build.StartedAt.IsZero() && !build.FinishedAt.IsZero() {
		took = build.FinishedAt.Sub(build.StartedAt).Round(time.Second).String()
	}
	f.screen.event("RESULT", "build", build.BuildNo, "status", string(build.Status), "took", took)
	if logErr != nil {
		return fmt.Errorf("the log is not complete: %w", logErr)
	}
	if err := f.state.forget(f.stateFile); err != nil {
		return err
	}
	if build.Status != codeartsbuild.StatusSucceeded {
		return program.ErrFailed
	}
	return nil
}

// A logFile is the copy of the log. It has another name until it is complete; the nil logFile keeps nothing.
type logFile struct {
	name string
	file *os.File
}

const partial = ".partial"

// openLog begins the copy, or goes on with the one that an earlier run left.
func openLog(name string, offset int64) (*logFile, error) {
	if name == "" {
		return nil, nil
	}
	mode := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if offset > 0 {
		mode = os.O_CREATE | os.O_WRONLY | os.O_APPEND
	}
	file, err := os.OpenFile(name+partial, mode, 0o644)
	if err != nil {
		return nil, err
	}
	return &logFile{name, file}, nil
}

func (l *logFile) write(text []byte) error {
	if l == nil {
		return nil
	}
	_, err := l.file.Write(text)
	return err
}

// leave closes the copy as it is.
func (l *logFile) leave() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}

// finish closes the copy and, if it is complete, gives it its name.
func (l *logFile) finish(logErr error) error {
	if err := l.leave(); err != nil || l == nil || logErr != nil {
		return err
	}
	return os.Rename(l.name+partial, l.name)
}
