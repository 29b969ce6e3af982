// Codeartsbuild stops, starts and watches builds of CodeArts Build.
//
// Run codeartsbuild -h for its commands. Commands that stop many builds print their plan, and act only with --yes.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// errInterrupted is the cause of the context after a signal.
var errInterrupted = errors.New("interrupted")

// A program is one run of a command: where it prints, and what ends it.
type program struct {
	stdout, stderr *stream
	format         format
	ctx            context.Context
	interrupt      context.CancelCauseFunc
}

func run(args []string, stdout, stderr io.Writer) int {
	ctx, interrupt := context.WithCancelCause(context.Background())
	defer interrupt(nil)
	defer watchSignals(interrupt)()
	p := &program{ctx: ctx, interrupt: interrupt}
	p.stdout, p.stderr = newStream(stdout, interrupt), newStream(stderr, interrupt)
	root := p.root()
	root.SetArgs(args)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	return p.report(cmd, err)
}

// watchSignals makes signals an interruption. A second signal ends the program at once. A closed pipe is an error of
// writing: death by SIGPIPE could come between a stop and its record.
func watchSignals(interrupt context.CancelCauseFunc) (stop func()) {
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // as nohup does, and a shell for commands behind &
			signal.Notify(signals, s)
		}
	}
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			interrupt(errInterrupted)
		case <-done:
		}
		signal.Stop(signals)
	}()
	return func() { close(done) }
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "codeartsbuild COMMAND [flags]",
		Short: "Stop, start and watch builds of CodeArts Build",
		Long:  "Codeartsbuild stops, starts and watches builds of CodeArts Build.\nCommands that stop many builds print their plan, and act only with --yes.",
		Example: `  codeartsbuild serve   # a service on this machine, to try the others
  codeartsbuild stop --job ID --build 811 --wait 1m
  codeartsbuild superseded --job ID --protect 'release/*' --yes`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("%q must be a command", args[0])
			}
			return nil
		},
		RunE:              func(*cobra.Command, []string) error { return usagef("a command is needed") },
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usagef("%v", err) })
	root.SetHelpFunc(p.help)
	root.DisableFlagsInUseLine = true
	root.Flags().BoolP("help", "h", false, "print this text")
	root.SetHelpCommand(p.helpCommand(root))
	root.AddCommand(p.commands()...)
	return root
}

// command fills in the parts that all commands share.
func (p *program) command(cmd *cobra.Command, do func(ctx context.Context) error) *cobra.Command {
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef("%q must be a flag", args[0])
		}
		return nil
	}
	cmd.RunE = func(*cobra.Command, []string) error { return do(p.ctx) }
	cmd.DisableFlagsInUseLine = true
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolP("help", "h", false, "print this text")
	return cmd
}
