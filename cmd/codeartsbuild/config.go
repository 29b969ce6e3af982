package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/spf13/cobra"
)

// A configurer is the command that prints the configuration of a job, or replaces it by that of a file.
type configurer struct {
	*program
	connection
	job, file string
	yes       bool
}

func (p *program) configCommand() *cobra.Command {
	c := &configurer{program: p}
	cmd := &cobra.Command{
		Use: "config --job ID [flags]", Short: "Print the configuration of a job, or set it from a file",
		Long: `Config prints the configuration of a job as JSON. With --file it prints the
difference between the job and the file; --yes writes it, unless the
configuration has changed meanwhile. The service does not tell the values of
secret parameters: write them into the file, or the job may lose them.`,
		Example: `  codeartsbuild config --job ID > job.json
  codeartsbuild config --job ID --file job.json --yes`,
	}
	p.command(cmd, c.run)
	flags := cmd.Flags()
	jobFlag(flags, &c.job)
	textFlag(flags, &c.file, "file", "`FILE` with the configuration, as this command prints it")
	yesFlag(flags, &c.yes, "make the change")
	p.outputFlag(flags)
	c.connection.flags(flags, 2*time.Minute)
	return cmd
}

func (c *configurer) run(ctx context.Context) error {
	switch {
	case c.job == "":
		return usagef("--job is needed")
	case c.yes && c.file == "":
		return usagef("--yes needs --file")
	}
	var wanted *codeartsbuild.JobConfig
	if c.file != "" {
		var err error
		if wanted, err = readConfig(c.file); err != nil {
			return err
		}
	}
	ctx, client, done, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	current, err := client.Jobs.Config(ctx, c.job)
	switch {
	case err != nil:
		return err
	case wanted == nil:
		return c.print(current)
	}
	return c.set(ctx, client, current, wanted)
}

func readConfig(name string) (*codeartsbuild.JobConfig, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, usagef("--file cannot be read: %v", err)
	}
	config := &codeartsbuild.JobConfig{}
	if err := json.Unmarshal(data, config); err != nil {
		return nil, usagef("--file %s must be the configuration of a job: %v", word(name), err)
	}
	if config.Name == "" {
		return nil, usagef("--file %s must have a job_name", word(name))
	}
	return config, nil
}

// print prints the configuration in a form that --file takes.
func (c *configurer) print(config *codeartsbuild.JobConfig) error {
	text := encode(config)
	if c.format == formatText {
		text = indented(text)
	}
	_, err := c.stdout.Write(append(text, '\n'))
	return err
}

func indented(text []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil { // of no text that was encoded here
		return text
	}
	return b.Bytes()
}

// set shows the difference and, if that is wanted, writes the configuration.
func (c *configurer) set(ctx context.Context, client *codeartsbuild.Client, current, wanted *codeartsbuild.JobConfig) error {
	shown := encode(current)
	changes := difference(lines(shown), lines(encode(wanted)))
	c.show(changes)
	switch {
	case c.stdout.failed() != nil:
		return c.stdout.failed()
	case len(changes) == 0 || !c.yes:
		c.sum("dry_run", "DRY RUN", changes)
		if len(changes) > 0 && c.format == formatText {
			c.stderr.line("Nothing was changed: --yes makes the change.")
		}
		return nil
	}
	errChanged := withRemedy(errors.New("the configuration has changed meanwhile; nothing was written"), "Run the same command again to see the new difference.")
	_, err := client.Jobs.Change(ctx, c.job, func(config *codeartsbuild.JobConfig) error {
		if !bytes.Equal(encode(config), shown) {
			return errChanged
		}
		*config = *wanted
		return nil
	})
	switch {
	case errors.Is(err, codeartsbuild.ErrConflict):
		return errChanged
	case errors.Is(err, codeartsbuild.ErrOutcomeUnknown):
		return withRemedy(err, "Run the same command again: it writes only what the configuration still lacks.")
	case err != nil:
		return err
	}
	c.sum("done", "DONE", changes)
	return nil
}

func lines(text []byte) []string { return strings.Split(string(indented(text)), "\n") }

func (c *configurer) show(changes []change) {
	for _, ch := range changes {
		if c.format == formatJSON {
			event := map[byte]string{'-': "remove", '+': "add"}[ch.sign]
			_, _ = c.stdout.Write(object(event, []field{{"line", ch.line}, {"text", ch.text}})) // the stream keeps the error
			continue
		}
		colour := map[byte]string{'-': red, '+': green}[ch.sign]
		c.stdout.line("%s", c.stdout.paint(colour, fmt.Sprintf("%c %4d  %s", ch.sign, ch.line, cut(ch.text))))
	}
}

func (c *configurer) sum(event, text string, changes []change) {
	counts := map[byte]int{}
	for _, ch := range changes {
		counts[ch.sign]++
	}
	if c.format == formatJSON {
		_, _ = c.stdout.Write(object(event, []field{{"removed", counts['-']}, {"added", counts['+']}}))
		return
	}
	c.stdout.line("%s  lines removed %d, added %d", text, counts['-'], counts['+'])
}

// A change is a line that is removed from the old text, or added to the new one.
type change struct {
	sign byte
	line int
	text string
}

// maxCells limits the work of difference: texts with more lines are compared as wholes.
const maxCells = 1 << 24

// difference is the shortest list of lines that turns one text into another.
func difference(before, after []string) []change {
	start := 0
	for start < len(before) && start < len(after) && before[start] == after[start] {
		start++
	}
	end := 0
	for end < len(before)-start && end < len(after)-start && before[len(before)-1-end] == after[len(after)-1-end] {
		end++
	}
	a, b := before[start:len(before)-end], after[start:len(after)-end]
	common := commonLines(a, b)
	var changes []change
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j] && common != nil:
			i++
			j++
		case i < len(a) && (j == len(b) || common == nil || common[i+1][j] >= common[i][j+1]):
			changes = append(changes, change{'-', start + i + 1, a[i]})
			i++
		default:
			changes = append(changes, change{'+', start + j + 1, b[j]})
			j++
		}
	}
	return changes
}

// commonLines has, for each pair of places, how many lines the rests of the texts have in common.
func commonLines(a, b []string) [][]int {
	if (len(a)+1)*(len(b)+1) > maxCells {
		return nil
	}
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	return common
}
