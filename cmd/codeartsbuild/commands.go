package main

import "github.com/spf13/cobra"

// commands are all commands, in the order in which help lists them.
func (p *program) commands() []*cobra.Command {
	return []*cobra.Command{
		p.stopCommand(), p.supersededCommand(), p.runawayCommand(), p.branchesCommand(),
		p.runCommand(), p.rerunCommand(), p.waitCommand(), p.logsCommand(), p.buildsCommand(), p.jobsCommand(),
		p.artifactsCommand(), p.configCommand(),
		p.serveCommand(), p.versionCommand(), p.completionCommand(),
	}
}
