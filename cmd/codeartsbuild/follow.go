package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/spf13/pflag"
)

// stopLimit is how long the stop of a build may take when this program ends before the build does.
const stopLimit = 10 * time.Second

// A follower starts a build, or finds one, and follows it. The log goes to stdout byte for byte, all else to stderr.
type follower struct {
	*program
	connection
	job                            string
	stopOnInterrupt, stopOnTimeout bool
	quiet                          bool
	logName, stateName             string

	client   *codeartsbuild.Client
	state    *state
	file     *logFile
	logErr   error // why the log is not complete
	stateErr error
}

func (f *follower) flags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.stopOnInterrupt, "stop-on-interrupt", true, "stop the build on an interruption")
	flags.BoolVar(&f.stopOnTimeout, "stop-on-timeout", false, "stop the build when --timeout is over")
	flags.BoolVar(&f.quiet, "quiet", false, "print neither the log nor changes of the status")
	textFlag(flags, &f.logName, "log-file", "also write the log to `FILE`; FILE.partial until done")
	textFlag(flags, &f.stateName, "state", "keep the state in `FILE`; go on from it if it exists")
	f.outputFlag(flags)
	f.connection.flags(flags, 0)
}

func (f *follower) check() error {
	switch {
	case f.job == "":
		return usagef("--job is needed")
	case f.timeout < 0:
		return usagef("--timeout must not be negative, got %v", f.timeout)
	case f.stopOnTimeout && f.timeout == 0:
		return usagef("--stop-on-timeout needs --timeout")
	}
	return nil
}

// run finds out what it can before it starts a build.
func (f *follower) run(ctx context.Context, fresh *state, start func(context.Context) (*codeartsbuild.RunResult, error)) error {
	var err error
	if f.state, err = fresh.resume(f.stateName); err != nil {
		return err
	}
	if err := checkState(f.stateName); err != nil {
		return err
	}
	if f.file, err = openLog(f.logName, f.state); err != nil {
		return err
	}
	if f.client, err = f.connect(); err != nil {
		return errors.Join(err, f.file.leave())
	}
	defer f.client.CloseIdleConnections()
	if err := f.begin(ctx, start); err != nil {
		return errors.Join(err, f.file.leave())
	}
	if err := errors.Join(f.file.begin(), f.state.save(f.stateName)); err != nil {
		return withRemedy(errors.Join(err, f.file.leave()), f.goesOn())
	}
	f.event("build", "build "+word(f.state.Build)+" of job "+word(f.state.Job), field{"job", f.state.Job}, field{"build", f.state.Build})
	return f.follow(ctx)
}

// begin starts a build, unless there is one to follow.
func (f *follower) begin(ctx context.Context, start func(context.Context) (*codeartsbuild.RunResult, error)) error {
	if f.state.Build != "" {
		_, err := f.client.Builds.Get(ctx, f.state.Job, f.state.Build) // a wrong number shows at once
		if f.state.resumed && errors.Is(err, codeartsbuild.ErrNotFound) {
			return withRemedy(err, "The build is that of --state "+word(f.stateName)+", which was left as it is. Remove it to begin anew.")
		}
		return err
	}
	result, err := start(ctx)
	if err != nil {
		return err
	}
	f.state.Build = result.BuildNo
	return nil
}

// event prints a line on stderr.
func (f *follower) event(name, text string, fields ...field) {
	if f.format == formatJSON {
		_, _ = f.stderr.Write(object(name, append([]field{{"time", time.Now()}}, fields...))) // the stream keeps the error
		return
	}
	f.stderr.line("%s  %s", stamp(time.Now()), text)
}

func (f *follower) changed(b *codeartsbuild.Build) {
	if !f.quiet {
		f.event("status", "build "+word(b.BuildNo)+": "+word(string(b.Status)), field{"build", b.BuildNo}, field{"status", string(b.Status)})
	}
}

// log is where the log goes; nil if it goes nowhere.
func (f *follower) log() io.Writer {
	switch {
	case f.quiet && f.file == nil:
		return nil
	case f.quiet:
		return f.file
	case f.file == nil:
		return f.stdout
	}
	return io.MultiWriter(f.stdout, f.file)
}

// logged takes note of how far the log has come, or why it came no further.
func (f *follower) logged(next int64, err error) {
	if err != nil {
		f.logErr = err
		if f.ctx.Err() != nil { // the interruption is told already
			return
		}
		f.event("log_failed", "the log is not complete: "+errorText(err), field{"error", errorText(err)})
		return
	}
	f.state.Offset, f.state.LogSize = next, f.file.size()
	if f.stateErr == nil {
		f.stateErr = f.state.save(f.stateName)
	}
}

// follow follows the build to its end. Its verdict is the build's, also if the log cannot be read.
func (f *follower) follow(ctx context.Context) error {
	options := codeartsbuild.WaitOptions{Timeout: f.timeout, OnChange: f.changed, Log: f.log(), LogOffset: f.state.Offset, OnLog: f.logged}
	if f.stopOnInterrupt {
		options.StopOnCancel = stopLimit
		defer f.announceStop(ctx)()
	}
	build, err := f.client.Builds.Wait(ctx, f.state.Job, f.state.Build, &options)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return errors.Join(f.interrupted(err), f.file.leave())
	case errors.Is(err, codeartsbuild.ErrStillRunning) && f.stopOnTimeout:
		if build, err = f.stop(ctx, err); err != nil {
			return errors.Join(err, f.file.leave())
		}
	case errors.Is(err, codeartsbuild.ErrStillRunning):
		return withTimeout(errors.Join(err, f.file.leave()), f.goesOn())
	default:
		return withRemedy(errors.Join(err, f.file.leave()), remedy(err)+" "+f.goesOn())
	}
	return f.verdict(build)
}

// announceStop says that the build is being stopped once the context ends, until the result is called.
func (f *follower) announceStop(ctx context.Context) func() {
	said := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(said)
		f.event("stopping", "stopping build "+word(f.state.Build), field{"build", f.state.Build})
	})
	return func() {
		if !stop() {
			<-said
		}
	}
}

func (f *follower) goesOn() string {
	if f.stateName != "" {
		return "The build goes on: run the same command again to follow it."
	}
	return "The build goes on: follow it with codeartsbuild run --job " + word(f.state.Job) + " --attach " + word(f.state.Build) + "."
}

func (f *follower) interrupted(err error) error {
	switch {
	case !f.stopOnInterrupt:
		return withRemedy(err, f.goesOn())
	case errors.Is(err, codeartsbuild.ErrOutcomeUnknown):
		return withRemedy(err, "Look whether build "+word(f.state.Build)+" still runs, and stop it if it does.")
	}
	return withRemedy(err, "") // it says that the build was stopped, or had finished
}

// stop stops the build after it has taken too long.
func (f *follower) stop(ctx context.Context, timeout error) (*codeartsbuild.Build, error) {
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	f.event("stopping", "stopping build "+word(f.state.Build), field{"build", f.state.Build})
	_, err := f.client.Jobs.Stop(ctx, f.state.Job, f.state.Build)
	switch {
	case err == nil:
		return nil, withTimeout(timeout, "The stop of the build was accepted.")
	case errors.Is(err, codeartsbuild.ErrBuildFinished):
		if build, err := f.client.Builds.Get(ctx, f.state.Job, f.state.Build); err == nil {
			return build, nil
		}
		return nil, withTimeout(timeout, "The build has finished by now.")
	}
	return nil, withTimeout(errors.Join(timeout, err), "The stop of the build was not confirmed: look whether build "+word(f.state.Build)+" still runs.")
}

// verdict says how the build ended.
func (f *follower) verdict(build *codeartsbuild.Build) error {
	fields := []field{{"build", build.BuildNo}, {"status", string(build.Status)}}
	text := "build " + word(build.BuildNo) + " finished: " + word(string(build.Status))
	if !build.StartedAt.IsZero() && !build.FinishedAt.IsZero() {
		ran := build.FinishedAt.Sub(build.StartedAt)
		fields, text = append(fields, field{"took_seconds", ran}), text+" after "+age(ran)
	}
	f.event("result", text, fields...)
	err := errors.Join(f.stateErr, f.state.forget(f.stateName))
	if f.logErr == nil {
		err = errors.Join(err, f.file.finish())
	} else {
		err = errors.Join(err, f.file.leave())
	}
	if f.file != nil && f.file.err != nil {
		err = errors.Join(err, fmt.Errorf("the log file is not complete: %w", f.file.err))
	}
	if err == nil && build.Status != codeartsbuild.StatusSucceeded {
		return errPrinted
	}
	return err
}
