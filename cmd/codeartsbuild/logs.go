package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/spf13/cobra"
)

// A logReader is the command that prints the log of a build.
type logReader struct {
	*program
	connection
	job, build string
	follow     bool
	offset     int64
	tail       int
	step       string
}

// maxTail is how many lines of a log can be asked for.
const maxTail = 1000

func (p *program) logsCommand() *cobra.Command {
	l := &logReader{program: p}
	cmd := &cobra.Command{
		Use: "logs --job ID --build NUMBER [flags]", Short: "Print the log of a build",
		Long: `Logs prints the log of a build on stdout, byte for byte. Of a build that still
runs it prints the last 1000 lines or, with --follow, the whole log until the
build has finished. How the build ends does not matter for the exit code.`,
		Example: `  codeartsbuild logs --job ID --build 811 --tail 20
  codeartsbuild logs --job ID --build 811 --follow --timeout 1h`,
	}
	p.command(cmd, l.run)
	flags := cmd.Flags()
	jobFlag(flags, &l.job)
	buildFlag(flags, &l.build)
	flags.BoolVar(&l.follow, "follow", false, "go on until the build has finished")
	flags.Int64Var(&l.offset, "from-offset", 0, "with --follow: start at this `OFFSET` in the log")
	flags.IntVar(&l.tail, "tail", 0, "print this `COUNT` of last lines only, 1 to 1000")
	textFlag(flags, &l.step, "step", "print this `STEP` only, such as Maven or stage1")
	l.connection.flags(flags, 0)
	return cmd
}

func (l *logReader) run(ctx context.Context) error {
	switch {
	case l.job == "" || l.build == "":
		return usagef("--job and --build are needed")
	case l.follow && l.tail != 0, l.step != "" && (l.follow || l.tail != 0):
		return usagef("--follow, --tail and --step cannot be combined")
	case l.tail < 0 || l.tail > maxTail:
		return usagef("--tail must be 1 to %d, got %d", maxTail, l.tail)
	case l.offset != 0 && !l.follow:
		return usagef("--from-offset needs --follow")
	case l.offset < 0:
		return usagef("--from-offset must not be negative")
	}
	ctx, client, done, err := l.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	switch {
	case l.follow:
		return l.all(ctx, client)
	case l.tail > 0:
		return l.last(ctx, client, l.tail)
	}
	build, err := client.Builds.Get(ctx, l.job, l.build)
	switch {
	case err != nil:
		return err
	case l.step != "":
		return l.oneStep(ctx, client, build.RecordID)
	case !build.Status.Terminal() && build.FinishedAt.IsZero():
		l.stderr.line("%s  build %s is %s: these are the last lines of its log; --follow prints all", stamp(time.Now()), word(l.build), word(string(build.Status)))
		return l.last(ctx, client, maxTail)
	case build.RecordID == "":
		return l.all(ctx, client)
	}
	return l.download(ctx, client, build.RecordID)
}

// all prints the log as it grows.
func (l *logReader) all(ctx context.Context, client *codeartsbuild.Client) error {
	for chunk, err := range client.Logs.Follow(ctx, l.job, l.build, l.offset) {
		if err != nil {
			return err
		}
		if _, err := l.stdout.Write(chunk.Text); err != nil {
			return err
		}
	}
	return nil
}

func (l *logReader) last(ctx context.Context, client *codeartsbuild.Client, lines int) error {
	tail, err := client.Logs.Tail(ctx, l.job, l.build, lines)
	if err != nil {
		return err
	}
	for _, line := range tail {
		l.stdout.line("%s", line)
	}
	return l.stdout.failed()
}

func (l *logReader) download(ctx context.Context, client *codeartsbuild.Client, record string) error {
	log, err := client.Logs.Download(ctx, record)
	if err != nil {
		return err
	}
	return l.copy(log)
}

func (l *logReader) copy(log io.ReadCloser) error {
	defer log.Close()
	_, err := io.Copy(l.stdout, log)
	return err
}

// oneStep prints the log of a step, which has a name for people and one for the service.
func (l *logReader) oneStep(ctx context.Context, client *codeartsbuild.Client, record string) error {
	stages, err := client.Builds.Stages(ctx, record, nil)
	if err != nil {
		return err
	}
	var names []string
	for _, stage := range stages {
		if l.step == stage.Name || strings.EqualFold(l.step, stage.DisplayName) {
			log, err := client.Logs.DownloadStep(ctx, record, stage.Name, nil)
			if err != nil {
				return err
			}
			return l.copy(log)
		}
		names = append(names, word(cmp.Or(stage.DisplayName, stage.Name)))
	}
	return fmt.Errorf("--step must be one of the build's steps, %s; got %s", strings.Join(names, ", "), word(l.step))
}
