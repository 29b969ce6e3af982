package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/spf13/pflag"
)

// A format is that of the output.
type format string

const (
	formatText format = "text"
	formatJSON format = "json"
)

// String implements pflag.Value.
func (f *format) String() string { return string(*f) }

// Type implements pflag.Value.
func (f *format) Type() string { return "FORMAT" }

// Set implements pflag.Value.
func (f *format) Set(value string) error {
	if *f = format(value); *f != formatText && *f != formatJSON {
		return errors.New("must be text or json")
	}
	return nil
}

// errEmpty rejects a flag that is given but empty: it must not mean the same as no flag.
var errEmpty = errors.New("must not be empty; perhaps a variable is not set")

// A text is a flag that is not empty when it is given.
type text string

// String implements pflag.Value.
func (t *text) String() string { return string(*t) }

// Type implements pflag.Value.
func (t *text) Type() string { return "TEXT" }

// Set implements pflag.Value.
func (t *text) Set(value string) error {
	if value == "" {
		return errEmpty
	}
	*t = text(value)
	return nil
}

// A list is a flag that may be given several times. The same value again changes nothing.
type list []string

// String implements pflag.Value.
func (l *list) String() string { return strings.Join(*l, ",") }

// Type implements pflag.Value.
func (l *list) Type() string { return "TEXT" }

// Set implements pflag.Value.
func (l *list) Set(value string) error {
	if value == "" {
		return errEmpty
	}
	if !slices.Contains(*l, value) {
		*l = append(*l, value)
	}
	return nil
}

func textFlag(flags *pflag.FlagSet, p *string, name, usage string) {
	flags.Var((*text)(p), name, usage)
}

func listFlag(flags *pflag.FlagSet, p *[]string, name, usage string) {
	flags.Var((*list)(p), name, usage)
}

func (p *program) outputFlag(flags *pflag.FlagSet) {
	p.format = formatText
	flags.VarP(&p.format, "output", "o", "text, or json for one object a line")
}

func jobFlag(flags *pflag.FlagSet, job *string) {
	textFlag(flags, job, "job", "`ID` of the job: 32 letters and digits")
}

func buildFlag(flags *pflag.FlagSet, build *string) {
	textFlag(flags, build, "build", "`NUMBER` of the build, from 1")
}

func yesFlag(flags *pflag.FlagSet, yes *bool, does string) {
	flags.BoolVar(yes, "yes", false, does+"; without it nothing is changed")
}

// A target is the jobs that a command is about.
type target struct {
	jobs    []string
	project string
}

func (t *target) flags(flags *pflag.FlagSet) {
	listFlag(flags, &t.jobs, "job", "`ID` of a job: 32 letters and digits; repeatable")
	textFlag(flags, &t.project, "project", "`ID` of a project: all its jobs, instead of --job")
}

func (t *target) check() error {
	if (len(t.jobs) > 0) == (t.project != "") {
		return usagef("either --job or --project is needed")
	}
	return nil
}

// A connection is where a command works, and how long it may take.
type connection struct {
	region, endpoint string
	timeout          time.Duration
}

func (c *connection) flags(flags *pflag.FlagSet, timeout time.Duration) {
	flags.DurationVar(&c.timeout, "timeout", timeout, "end after this `TIME`; 0: no limit")
	textFlag(flags, &c.region, "region", "`REGION`, such as cn-north-4; else the environment's")
	textFlag(flags, &c.endpoint, "endpoint", "`URL` of the service, instead of a region")
}

// open makes a client with the credential of the environment, and a context that ends after the timeout.
func (c *connection) open(ctx context.Context) (context.Context, *codeartsbuild.Client, func(), error) {
	if c.timeout < 0 {
		return nil, nil, nil, usagef("--timeout must not be negative, got %v", c.timeout)
	}
	client, err := c.connect()
	if err != nil {
		return nil, nil, nil, err
	}
	cancel := context.CancelFunc(func() {})
	if c.timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
	}
	return ctx, client, func() { cancel(); client.CloseIdleConnections() }, nil
}

func (c *connection) connect() (*codeartsbuild.Client, error) {
	opts := []codeartsbuild.ClientOption{codeartsbuild.WithEnvironment(), codeartsbuild.WithUserAgent("codeartsbuild-program/" + version())}
	if c.region != "" {
		opts = append(opts, codeartsbuild.WithRegion(c.region))
	}
	if c.endpoint != "" {
		opts = append(opts, codeartsbuild.WithEndpoint(c.endpoint))
	}
	client, err := codeartsbuild.NewClient(opts...)
	if err != nil {
		return nil, withRemedy(err, "Say where the service is with --region or --endpoint, and who asks with HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or CODEARTSBUILD_TOKEN.")
	}
	return client, nil
}
