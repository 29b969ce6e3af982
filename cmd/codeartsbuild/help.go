package main

import (
	"context"
	"io"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

const variables = `Variables: CODEARTSBUILD_TOKEN, or HUAWEICLOUD_SDK_AK and _SK (others are in
  docs/authentication.md); CODEARTSBUILD_ENDPOINT, HUAWEICLOUD_SDK_REGION;
  NO_COLOR, TERM
`

// help prints the text of -h on stdout.
func (p *program) help(cmd *cobra.Command, _ []string) {
	var b strings.Builder
	b.WriteString(cmd.Long + "\n\nUsage: " + cmd.UseLine() + "\n")
	if cmd == cmd.Root() {
		b.WriteString("\nCommands:\n")
		for _, c := range p.commands() {
			b.WriteString("  " + c.Name() + strings.Repeat(" ", 14-len(c.Name())) + c.Short + "\n")
		}
	}
	b.WriteString("\nExamples:\n" + cmd.Example + "\n\nFlags:\n" + cmd.LocalFlags().FlagUsages() + "\n")
	if cmd == cmd.Root() || cmd.Flags().Lookup("endpoint") != nil {
		b.WriteString(variables)
	}
	b.WriteString("Exit codes: " + exitCodes + "\n")
	_, _ = p.stdout.Write([]byte(b.String())) // the stream keeps the error
}

// helpCommand is -h in another spelling.
func (p *program) helpCommand(root *cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: "help [COMMAND]", Short: "Print the help of a command", Hidden: true,
		Long: "Help prints the same as the flag -h of a command.", Example: "  codeartsbuild help superseded",
	}
	p.command(cmd, nil)
	cmd.Args = nil
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		found, rest, err := root.Find(args)
		if err != nil || len(rest) > 0 {
			return usagef("%q must be a command", strings.Join(args, " "))
		}
		p.help(found, nil)
		return nil
	}
	return cmd
}

// version is that of the module this program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

func (p *program) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "version [-o FORMAT]", Short: "Print the version",
		Long: "Version prints the version of this program, and that of Go which built it.", Example: "  codeartsbuild version",
	}
	p.command(cmd, func(context.Context) error {
		goVersion := ""
		if info, ok := debug.ReadBuildInfo(); ok {
			goVersion = info.GoVersion
		}
		if p.format == formatJSON {
			_, err := p.stdout.Write(object("version", []field{{"version", version()}, {"go", goVersion}}))
			return err
		}
		p.stdout.line("codeartsbuild %s (%s)", version(), goVersion)
		return nil
	})
	p.outputFlag(cmd.Flags())
	return cmd
}

func (p *program) completionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "completion bash|zsh|fish|powershell", Short: "Print the completion script of a shell",
		Long:    "Completion prints a script that completes commands and flags in a shell.",
		Example: "  source <(codeartsbuild completion bash)\n  codeartsbuild completion zsh > \"${fpath[1]}/_codeartsbuild\"",
	}
	p.command(cmd, nil)
	cmd.ValidArgs = []string{"bash", "zsh", "fish", "powershell"}
	scripts := map[string]func(io.Writer) error{
		"bash": func(w io.Writer) error { return cmd.Root().GenBashCompletionV2(w, true) },
		"zsh":  func(w io.Writer) error { return cmd.Root().GenZshCompletion(w) },
		"fish": func(w io.Writer) error { return cmd.Root().GenFishCompletion(w, true) },
		"powershell": func(w io.Writer) error {
			return cmd.Root().GenPowerShellCompletionWithDesc(w)
		},
	}
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) != 1 || scripts[args[0]] == nil {
			return usagef("completion needs the name of one shell: bash, zsh, fish or powershell")
		}
		return nil
	}
	cmd.RunE = func(_ *cobra.Command, args []string) error { return scripts[args[0]](p.stdout) }
	return cmd
}
