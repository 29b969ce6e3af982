package main

import (
	"context"
	"errors"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/spf13/cobra"
)

// A stopper is the command that stops one build.
type stopper struct {
	*program
	connection
	job, build string
	wait       time.Duration
}

func (p *program) stopCommand() *cobra.Command {
	s := &stopper{program: p}
	cmd := &cobra.Command{
		Use: "stop --job ID --build NUMBER [flags]", Short: "Stop one build",
		Long: "Stop stops one build of a job and, with --wait, waits until it has finished.\nStopping again is always safe: a build number is never used twice.",
		Example: `  codeartsbuild stop --job ID --build 811
  codeartsbuild stop --job ID --build 811 --wait 1m -o json`,
	}
	p.command(cmd, s.run)
	flags := cmd.Flags()
	jobFlag(flags, &s.job)
	buildFlag(flags, &s.build)
	flags.DurationVar(&s.wait, "wait", 0, "wait this `TIME` for the stopped build to finish")
	p.outputFlag(flags)
	s.connection.flags(flags, 15*time.Minute)
	return cmd
}

func (s *stopper) run(ctx context.Context) error {
	switch {
	case s.job == "" || s.build == "":
		return usagef("--job and --build are needed")
	case s.wait < 0:
		return usagef("--wait must not be negative")
	}
	ctx, client, done, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	began := time.Now()
	var response codeartsbuild.Response
	result, err := client.Jobs.Stop(ctx, s.job, s.build, codeartsbuild.WithResponseInto(&response))
	unknown := errors.Is(err, codeartsbuild.ErrOutcomeUnknown)
	switch {
	case errors.Is(err, codeartsbuild.ErrBuildFinished) && !unknown, err == nil && result.AlreadyFinished:
		s.say("already", "the build has already finished", "", began)
		return nil
	case err != nil && !(unknown && s.wait > 0 && ctx.Err() == nil):
		return err
	case err == nil:
		s.say("accepted", "the service accepted the stop", "", began)
	}
	if s.wait == 0 || s.stdout.failed() != nil {
		return nil
	}
	return s.watch(ctx, client, began, err)
}

// watch waits for the end of the build, also after a stop whose outcome is unknown.
func (s *stopper) watch(ctx context.Context, client *codeartsbuild.Client, began time.Time, stopErr error) error {
	ended, err := client.Builds.Wait(ctx, s.job, s.build, &codeartsbuild.WaitOptions{Timeout: s.wait})
	switch {
	case err != nil && stopErr == nil:
		return withRemedy(err, "The stop was accepted, and the build finishes without this program. Run the same command again to see it finish.")
	case err != nil:
		return errors.Join(err, stopErr)
	case ended.Status == codeartsbuild.StatusAborted:
		s.say("stopped", "the build was stopped", ended.Status, began)
	default: // it finished by itself before the stop reached it
		s.say("finished", "the build was not stopped: it finished before", ended.Status, began)
	}
	return nil
}

func (s *stopper) say(event, text string, status codeartsbuild.BuildStatus, began time.Time) {
	took := time.Since(began)
	if s.format == formatJSON {
		_, _ = s.stdout.Write(object(event, []field{{"time", time.Now()}, {"job", s.job}, {"build", s.build}, {"status", string(status)}, {"after_seconds", took.Round(time.Millisecond)}}))
		return
	}
	if status != "" {
		text += ", status " + word(string(status)) + ", " + took.Round(100*time.Millisecond).String() + " later"
	}
	s.stdout.line("%s  build %s: %s", stamp(time.Now()), word(s.build), text)
}

// stamp is the time of day in UTC.
func stamp(t time.Time) string { return t.UTC().Format("15:04:05Z") }
