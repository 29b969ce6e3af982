package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
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

func (f *follower) follow(ctx context.Context, file *logFile) error {
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
	if logErr != nil && logCtx.Err() == nil { // at once: the build may go on for long
		f.screen.event("LOG FAILED", "error", logErr.Error())
	}
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
		defer f.announceStop(ctx)()
	}
	build, err := f.client.Builds.Wait(ctx, f.state.Job, f.state.Build, &options)
	switch {
	case err == nil:
		return build, nil
	case ctx.Err() != nil:
		return nil, f.interrupted(err)
	case !errors.Is(err, codeartsbuild.ErrStillRunning):
		return nil, program.WithRemedy(err, strings.TrimSpace(program.Remedy(err)+" "+f.goesOn()))
	case f.stopOnTimeout:
		return f.stop(ctx, err)
	}
	return nil, program.WithTimeout(err, f.goesOn())
}

// announceStop says that the build is being stopped, once the context ends, until what it returns is called.
func (f *follower) announceStop(ctx context.Context) func() {
	done := make(chan struct{})
	var background sync.WaitGroup
	background.Go(func() {
		select {
		case <-ctx.Done():
		case <-done:
		}
		if ctx.Err() != nil {
			f.screen.event("STOPPING", "build", f.state.Build)
		}
	})
	return func() { close(done); background.Wait() }
}

func (f *follower) goesOn() string {
	if f.stateFile != "" {
		return "The build goes on: run the same command again to follow it."
	}
	return "The build goes on: follow it with -attach " + f.state.Build + "."
}

// rest says how to get what is missing of the log.
func (f *follower) rest() string {
	if f.stateFile != "" {
		return "Run the same command again for the rest of the log."
	}
	return fmt.Sprintf("Read the rest of the log with -attach %s -from-offset %d.", f.state.Build, f.state.Offset)
}

func (f *follower) interrupted(err error) error {
	switch {
	case !f.stopOnInterrupt:
		return program.WithRemedy(err, f.goesOn())
	case errors.Is(err, codeartsbuild.ErrOutcomeUnknown):
		return program.WithRemedy(err, "Look whether build "+f.state.Build+" still runs, and stop it if it does.")
	}
	return program.WithRemedy(err, "") // it says that the build was stopped, or had ended
}

// stop stops the build after it has taken too long.
func (f *follower) stop(ctx context.Context, timeout error) (*codeartsbuild.Build, error) {
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	f.screen.event("STOPPING", "build", f.state.Build)
	_, err := f.client.Jobs.Stop(ctx, f.state.Job, f.state.Build)
	switch {
	case err == nil:
		return nil, program.WithTimeout(timeout, "The stop of the build was accepted.")
	case errors.Is(err, codeartsbuild.ErrBuildFinished):
		if build, err := f.client.Builds.Wait(ctx, f.state.Job, f.state.Build, nil); err == nil {
			return build, nil
		}
		return nil, program.WithTimeout(timeout, "The build has ended by now.")
	}
	return nil, program.WithTimeout(errors.Join(timeout, err), "The stop of the build was not confirmed: look whether build "+f.state.Build+" still runs.")
}

// copyLog copies the log as it grows, and saves after each piece how far it has come.
func (f *follower) copyLog(ctx context.Context, file *logFile) error {
	if err := f.state.save(f.stateFile); err != nil {
		return err
	}
	for chunk, err := range f.client.Logs.Follow(ctx, f.state.Job, f.state.Build, f.state.Offset) {
		if err != nil {
			return err
		}
		if err := errors.Join(f.screen.log(chunk.Text), file.write(chunk.Text)); err != nil {
			return err
		}
		f.state.Offset, f.state.LogSize = chunk.Next, file.size()
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
		return program.WithRemedy(fmt.Errorf("the log is not complete: %w", logErr), f.rest())
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
	name    string
	file    *os.File
	written int64 // by this run and those before it
}

const partial = ".partial"

// openLog begins the copy, or goes on with the one that an earlier run left. What that run wrote after it
// had saved its state for the last time comes again, and is cut off.
func openLog(name string, s *state) (*logFile, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.OpenFile(name+partial, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, program.WithRemedy(fmt.Errorf("the log file cannot be written, so nothing was started: %w", err), "Give -log-file a file that can be written.")
	}
	l := &logFile{name: name, file: file, written: s.LogSize}
	if err := l.goOn(s); err != nil {
		return nil, errors.Join(err, l.leave())
	}
	return l, nil
}

// goOn finds the place in the copy that belongs to the offset.
func (l *logFile) goOn(s *state) error {
	end, err := l.file.Seek(0, io.SeekEnd)
	switch {
	case err != nil:
		return err
	case s.Offset > 0 && !s.resumed: // -from-offset: the user knows
		l.written = end
	case s.Offset > 0 && (s.LogSize == 0 || s.LogSize > end):
		err := program.Usagef("%s lacks what an earlier run has printed of the log", l.name+partial)
		return program.WithRemedy(err, "Leave -log-file out or, for the whole log, remove the state file and give -attach "+s.Build+".")
	}
	if err := l.file.Truncate(l.written); err != nil {
		return err
	}
	_, err = l.file.Seek(l.written, io.SeekStart)
	return err
}

func (l *logFile) size() int64 {
	if l == nil {
		return 0
	}
	return l.written
}

func (l *logFile) write(text []byte) error {
	if l == nil {
		return nil
	}
	n, err := l.file.Write(text)
	l.written += int64(n)
	return err
}

// leave closes the copy as it is; one that has nothing in it is removed.
func (l *logFile) leave() error {
	if l == nil {
		return nil
	}
	info, err := l.file.Stat()
	if err = errors.Join(err, l.file.Close()); err == nil && info.Size() == 0 {
		err = os.Remove(l.name + partial)
	}
	return err
}

// finish closes the copy and, if it is complete, gives it its name.
func (l *logFile) finish(logErr error) error {
	if l == nil || logErr != nil {
		return l.leave()
	}
	if err := l.file.Close(); err != nil {
		return err
	}
	return os.Rename(l.name+partial, l.name)
}
