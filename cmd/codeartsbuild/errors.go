package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/spf13/cobra"
)

// The exit codes of every command.
const (
	exitDone        = 0   // done, nothing to do, or already finished
	exitFailed      = 1   // rejected, failed or still running, or the output cannot be written
	exitUsage       = 2   // flags or credentials
	exitUnknown     = 3   // the outcome is unknown
	exitTimedOut    = 124 // as of timeout(1)
	exitInterrupted = 130 // as of a shell
)

const exitCodes = `0 done, nothing to do, or already finished; 1 rejected, failed,
  still running or unwritable output; 2 wrong flags or credentials; 3 outcome
  unknown; 124 timed out; 130 interrupted`

var (
	errUsage   = errors.New("wrong use")
	errPrinted = errors.New("failed") // the mistake was printed already
)

// A usageError is a mistake in the flags.
type usageError struct{ text string }

func (e *usageError) Error() string        { return e.text }
func (e *usageError) Is(target error) bool { return target == errUsage }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// A remedied error brings its own advice.
type remedied struct {
	error
	kind   error // that it is as well; nil: none
	remedy string
}

func (e *remedied) Unwrap() error        { return e.error }
func (e *remedied) Is(target error) bool { return e.kind != nil && target == e.kind }

func withRemedy(err error, remedy string) error { return &remedied{error: err, remedy: remedy} }

// withTimeout is withRemedy for an error that ends the program with exitTimedOut.
func withTimeout(err error, remedy string) error {
	return &remedied{err, context.DeadlineExceeded, remedy}
}

// remedies say what to do about the kinds of errors. The first that fits counts.
var remedies = []struct {
	kind   error
	remedy string
}{
	{errOutput, ""},
	{codeartsbuild.ErrBuildFinished, "Nothing is left to stop."},
	{codeartsbuild.ErrOutcomeUnknown, "The build may or may not have been stopped. Run the same command again: that is always safe."},
	{codeartsbuild.ErrNotProjectScoped, "Log in with a project: set HUAWEICLOUD_SDK_PROJECT_ID, or use the token of a project."},
	{codeartsbuild.ErrUnauthorized, "Check the credential: it may be missing, have expired, or belong to another region."},
	{codeartsbuild.ErrForbidden, "Ask an administrator of the project for the permission on this job."},
	{codeartsbuild.ErrNotFound, "Check --job (the 32 characters at the end of the job's address in the console), --build and --project."},
	{codeartsbuild.ErrTooManyRequests, "Wait a minute and run it again."},
	{codeartsbuild.ErrAPIRetired, "This region no longer has the call: use codeartsbuild.StopAPIV1 in your program."},
	{codeartsbuild.ErrNotStopped, "Look at the build in the console, and run it again if it still runs."},
	{codeartsbuild.ErrStillRunning, "Look again later, or wait longer."},
	{codeartsbuild.ErrUnexpectedResponse, "Check --endpoint and --region: something other than CodeArts Build responded."},
	{codeartsbuild.ErrInvalidArgument, "Correct the flag or variable that the line above names."},
	{codeartsbuild.ErrBadRequest, "Check the flags: the line above names the value that the service rejects."},
	{codeartsbuild.ErrInternalServerError, "The service has a problem of its own: run it again in some minutes."},
	{context.DeadlineExceeded, "Give it more time with --timeout."},
	{context.Canceled, "Run the same command again to go on."},
}

// remedy says what to do about an error, or "".
func remedy(err error) string {
	var own *remedied
	if errors.As(err, &own) {
		return own.remedy
	}
	for _, r := range remedies {
		if errors.Is(err, r.kind) {
			return r.remedy
		}
	}
	if err != nil && strings.HasPrefix(err.Error(), "codeartsbuild: ") { // no response came
		return "Check the network, --endpoint and --region, and run it again."
	}
	return ""
}

// flagNames are the flags that set the options and arguments that errors of the package name.
var flagNames = strings.NewReplacer(
	"Protect must", "--protect must", "Branches must", "--branch must", "Anchor must", "--anchor must", "Keep must", "--keep must",
	"MaxRunning and MaxQueued must", "--max-running and --max-queued must", "MaxRunning or MaxQueued must", "--max-running or --max-queued must",
	"less than Within", "less than --within",
	"MaxRunning must", "--max-running must", "MaxQueued must", "--max-queued must", "Within must", "--within must",
	"job_id must", "--job must", "project_id must", "--project must", "build_no must", "--build must", "lines must", "--tail must", "LogOffset must", "--from-offset must",
	"Branch must", "--branch must", "Tag must", "--tag must", "CommitID must", "--commit must",
	"Tag cannot be combined with Branch or CommitID", "--tag cannot be combined with --branch or --commit",
	"WithRegion", "--region", "WithEndpoint", "--endpoint", "WithTimeout", "--timeout",
)

// errorText is an error on one line.
func errorText(err error) string {
	text := err.Error()
	if isInvalid(err) {
		text = flagNames.Replace(text)
	}
	lines := strings.Split(text, "\n") // of errors that were joined
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "; ")
}

// report prints an error with its remedy, and returns the exit code. A mistake in the flags comes last, below the usage.
func (p *program) report(cmd *cobra.Command, err error) int {
	var usage *usageError
	advice := remedy(err)
	switch {
	case err == nil, errors.Is(err, errOutput) && !errors.As(err, new(*remedied)): // it is told with the code
	case errors.As(err, &usage):
		p.stderr.line("Usage: %s\nRun \"%s -h\" to see the flags.", cmd.UseLine(), cmd.CommandPath())
		if advice != "" {
			p.stderr.line("%s", printable(advice))
		}
		p.stderr.line("%s: %s", cmd.CommandPath(), printable(usage.text))
	case p.format == formatJSON:
		text := errorText(err)
		if errors.Is(err, errPrinted) {
			text = ""
		}
		if text+advice != "" {
			_, _ = p.stderr.Write(object("error", []field{{"error", text}, {"remedy", advice}})) // the stream keeps the error
		}
	default:
		if !errors.Is(err, errPrinted) {
			p.stderr.line("%s", errorText(err))
		}
		if advice != "" {
			p.stderr.line("%s", printable(advice))
		}
	}
	return p.code(err)
}

// code is the exit code of an error.
func (p *program) code(err error) int {
	if lost := errors.Join(p.stdout.failed(), p.stderr.failed()); lost != nil {
		p.stderr.line("%s", printable(lost.Error())) // if it was stdout alone
		return exitFailed
	}
	switch {
	case err == nil, errors.Is(err, codeartsbuild.ErrBuildFinished) && !errors.Is(err, codeartsbuild.ErrOutcomeUnknown):
		return exitDone
	case errors.Is(err, errUsage):
		return exitUsage
	case errors.Is(context.Cause(p.ctx), errInterrupted):
		return exitInterrupted
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimedOut
	case errors.Is(err, codeartsbuild.ErrOutcomeUnknown):
		return exitUnknown
	case errors.Is(err, codeartsbuild.ErrInvalidArgument), errors.Is(err, codeartsbuild.ErrUnauthorized), errors.Is(err, codeartsbuild.ErrNotProjectScoped):
		return exitUsage
	}
	return exitFailed
}

func isInvalid(err error) bool { return errors.Is(err, codeartsbuild.ErrInvalidArgument) }

// errNoJobs is the error of a project without any job: a wrong id must not find nothing to do for ever.
func errNoJobs(project string) error {
	return withRemedy(fmt.Errorf("the project has no job; --project must be the id of a CodeArts project, got %s", word(project)), "Check --project.")
}
