// Command bench measures this module's client beside others that can make the same call, prints the figures as
// tables, draws them as charts, and writes both where the documentation shows them:
//
//	cd bench && go run .
//
// README.md says what is measured and what cannot be compared.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// options are what the flags set.
type options struct {
	rounds, seeds int
	only          []string
	out, readme   string
}

// A section is a part of the measurements that can be made alone.
type section struct {
	name    string
	measure func(ctx context.Context, o options) (*figures, error)
}

var sections = []section{{"cost", measureCost}, {"footprint", measureFootprint}, {"truth", measureTruths}}

func main() {
	log.SetFlags(0)
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(context.Background(), o, os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rounds, "rounds", 25, "rounds of each time measurement")
	flags.IntVar(&o.seeds, "seeds", 2, "runs of the simulator of faults for each client")
	only := flags.String("only", "", "comma-separated list of cost, footprint and truth; empty: all")
	flags.StringVar(&o.out, "out", "../docs", "folder for the charts; empty: draw none")
	flags.StringVar(&o.readme, "readme", "README.md", "file whose tables are rewritten; empty: none")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for name := range strings.SplitSeq(*only, ",") {
		if *only == "" {
			break
		}
		if !slices.ContainsFunc(sections, func(s section) bool { return s.name == name }) {
			return o, fmt.Errorf("-only must be a list of cost, footprint and truth, got %q", name)
		}
		o.only = append(o.only, name)
	}
	if o.rounds < 1 || o.seeds < 1 {
		return o, fmt.Errorf("-rounds and -seeds must be at least 1, got %d and %d", o.rounds, o.seeds)
	}
	return o, nil
}

// run measures, and publishes each section as soon as it is complete.
func run(ctx context.Context, o options, stdout io.Writer) error {
	for _, path := range []string{o.out, o.readme} {
		if _, err := os.Stat(path); path != "" && err != nil {
			return err // now, and not after minutes
		}
	}
	for _, s := range sections {
		if len(o.only) > 0 && !slices.Contains(o.only, s.name) {
			continue
		}
		f, err := s.measure(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if err := f.publish(o, stdout); err != nil {
			return err
		}
	}
	return nil
}

func (f *figures) publish(o options, stdout io.Writer) error {
	for _, t := range f.tables {
		if _, err := fmt.Fprintf(stdout, "%s\n", t.markdown()); err != nil {
			return err
		}
		if o.readme == "" {
			continue
		}
		if err := t.insert(o.readme); err != nil {
			return err
		}
	}
	if o.out == "" {
		return nil
	}
	return f.chart.Save(filepath.Join(o.out, f.file))
}
