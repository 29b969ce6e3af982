package main

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/spf13/cobra"
)

func (p *program) artifactsCommand() *cobra.Command {
	var (
		c          connection
		job, build string
	)
	cmd := &cobra.Command{
		Use: "artifacts --job ID --build NUMBER [flags]", Short: "List the packages and images that a build made",
		Long: "Artifacts lists the software packages and container images that a build made.\nTheir files are in CodeArts Artifact.",
		Example: `  codeartsbuild artifacts --job ID --build 811
  codeartsbuild artifacts --job ID --build 811 -o json | jq -r .uri`,
	}
	p.command(cmd, func(ctx context.Context) error {
		if job == "" || build == "" {
			return usagef("--job and --build are needed")
		}
		ctx, client, done, err := c.open(ctx)
		if err != nil {
			return err
		}
		defer done()
		made, err := client.Builds.Artifacts(ctx, job, build)
		if err != nil {
			return err
		}
		p.listArtifacts(made)
		return p.stdout.failed()
	})
	jobFlag(cmd.Flags(), &job)
	buildFlag(cmd.Flags(), &build)
	p.outputFlag(cmd.Flags())
	c.flags(cmd.Flags(), 2*time.Minute)
	return cmd
}

func (p *program) listArtifacts(made *codeartsbuild.BuildArtifacts) {
	rows := [][]string{{"KIND", "TYPE", "VERSION", "NAME", "URI"}}
	list := func(kind string, artifacts map[string]codeartsbuild.BuildArtifact) {
		for _, key := range slices.Sorted(maps.Keys(artifacts)) {
			a := artifacts[key]
			if p.format == formatJSON {
				_, _ = p.stdout.Write(object(kind, []field{{"name", a.Name}, {"version", a.Version}, {"type", a.Type}, {"package_type", string(a.PackageType)}, {"uri", a.URI}}))
				continue
			}
			rows = append(rows, []string{kind, cell(string(a.PackageType)), cell(a.Version), cell(a.Name), word(a.URI)})
		}
	}
	packages := made.Packages
	if len(packages) == 0 && made.Package != (codeartsbuild.BuildArtifact{}) {
		packages = map[string]codeartsbuild.BuildArtifact{"": made.Package}
	}
	list("package", packages)
	list("image", made.Images)
	if p.format == formatText {
		p.printRows(rows)
	}
}
