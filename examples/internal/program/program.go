// Package program is what the programs in examples have in common: how they connect, how they end, and
// what they say then.
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

// The exit codes of every program here.
const (
	Done        = 0   // done, nothing to do, or already over
	Failed      = 1   // refused, failed or still running
	Usage       = 2   // flags or credentials
	Unknown     = 3   // the outcome is unknown
	TimedOut    = 124 // as of timeout(1)
	Interrupted = 130 // as of a shell
)

// ErrUsage is a mistake in the flags.
var ErrUsage = errors.New("wrong use")

// ErrFailed says that what is wrong was printed already.
var ErrFailed = errors.New("failed")

// Usagef makes an ErrUsage.
func Usagef(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUsage, fmt.Sprintf(format, args...))
}

// Log sends the client's records about stops to stderr.
func Log(stderr io.Writer) codeartsbuild.ClientOption {
	return codeartsbuild.WithLogger(slog.New(slog.NewTextHandler(stderr, nil)))
}

// Parse reads the flags of a program. A mistake is printed by the flag package, with the flags that there are.
func Parse(flags *flag.FlagSet, args []string, stderr io.Writer) error {
	flags.SetOutput(stderr)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return WithRemedy(errors.Join(ErrUsage, ErrFailed), "")
	case flags.NArg() > 0:
		return Usagef("%q is not a flag", flags.Arg(0))
	}
	return nil
}

// Main runs a program until it returns or the user interrupts it, prints what went wrong and what to do
// about it, and exits. A second interruption ends it at once, whatever it still does.
func Main(run func(ctx context.Context, args []string, stdout, stderr io.Writer) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	interrupted := ctx.Err() != nil
	stop()
	os.Exit(Report(os.Stderr, err, interrupted))
}

// Report prints an error, unless it was printed already, with its remedy, and returns the exit code.
func Report(stderr io.Writer, err error, interrupted bool) int {
	if err != nil && !errors.Is(err, ErrFailed) && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stderr, err)
	}
	if remedy := Remedy(err); remedy != "" {
		fmt.Fprintln(stderr, remedy)
	}
	return Code(err, interrupted)
}

// Code is the exit code of an error.
func Code(err error, interrupted bool) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp), errors.Is(err, codeartsbuild.ErrBuildFinished) && !errors.Is(err, codeartsbuild.ErrOutcomeUnknown):
		return Done
	case interrupted:
		return Interrupted
	case errors.Is(err, context.DeadlineExceeded):
		return TimedOut
	case errors.Is(err, codeartsbuild.ErrOutcomeUnknown):
		return Unknown
	case errors.Is(err, ErrUsage), errors.Is(err, codeartsbuild.ErrInvalidArgument), errors.Is(err, codeartsbuild.ErrUnauthorized),
		errors.Is(err, codeartsbuild.ErrNotProjectScoped):
		return Usage
	}
	return Failed
}

// A remedied error brings its own advice.
type remedied struct {
	error
	kind   error // that it is as well; nil: none
	remedy string
}

func (e *remedied) Unwrap() error { return e.error }

func (e *remedied) Is(target error) bool { return e.kind != nil && target == e.kind }

// WithRemedy gives an error the advice that is printed with it.
func WithRemedy(err error, remedy string) error { return &remedied{error: err, remedy: remedy} }

// WithTimeout is WithRemedy for an error that ends a program with TimedOut.
func WithTimeout(err error, remedy string) error {
	return &remedied{err, context.DeadlineExceeded, remedy}
}

// remedies are what to do about the kinds of errors. The first that fits counts.
var remedies = []struct {
	kind   error
	remedy string
}{
	{flag.ErrHelp, ""},
	{ErrUsage, "Run it with -h to see the flags."},
	{codeartsbuild.ErrBuildFinished, "Nothing is left to stop."},
	{codeartsbuild.ErrOutcomeUnknown, "The build may or may not have been stopped. Run the same command again: that is always safe."},
	{codeartsbuild.ErrNotProjectScoped, "Log in with a project: set HUAWEICLOUD_SDK_PROJECT_ID, or use the token of a project."},
	{codeartsbuild.ErrUnauthorized, "Check the credential: it may be missing, have expired, or belong to another region."},
	{codeartsbuild.ErrForbidden, "Ask an administrator of the project for the permission to run and stop this job."},
	{codeartsbuild.ErrNotFound, "Check -job (the 32 characters at the end of the job's address in the console) and the build number."},
	{codeartsbuild.ErrTooManyRequests, "Wait a minute and run it again."},
	{codeartsbuild.ErrAPIRetired, "This region no longer has the call: use codeartsbuild.StopAPIV1 in your program."},
	{codeartsbuild.ErrNotStopped, "Look at the build in the console, and run it again if it still runs."},
	{codeartsbuild.ErrStillRunning, "Look again later, or wait longer."},
	{codeartsbuild.ErrUnexpectedResponse, "Check -endpoint and -region: something other than CodeArts Build responded."},
	{codeartsbuild.ErrInvalidArgument, "Correct the flag or variable that the line above names."},
	{codeartsbuild.ErrBadRequest, "Check the flags: the service names in the line above what it does not accept."},
	{codeartsbuild.ErrInternalServerError, "The service has a problem of its own: run it again in some minutes."},
	{context.DeadlineExceeded, "Give it more time with -timeout."},
	{context.Canceled, "Run the same command again to go on."},
}

// Remedy says what to do about an error; "" where the error says it all.
func Remedy(err error) string {
	if err == nil {
		return ""
	}
	var own *remedied
	if errors.As(err, &own) {
		return own.remedy
	}
	for _, r := range remedies {
		if errors.Is(err, r.kind) {
			return r.remedy
		}
	}
	if strings.HasPrefix(err.Error(), "codeartsbuild: ") { // no response came
		return "Check the network, -endpoint and -region, and run it again."
	}
	return ""
}

// Cloud is where a program works.
type Cloud struct {
	Region, Endpoint string
	Demo             bool
}

// Flags adds -region and -endpoint.
func (c *Cloud) Flags(flags *flag.FlagSet) {
	Text(flags, &c.Region, "region", "`region` of the service, such as cn-north-4 (default: from the environment)")
	Text(flags, &c.Endpoint, "endpoint", "`URL` of the service, instead of a region")
}

// DemoFlag adds -demo.
func (c *Cloud) DemoFlag(flags *flag.FlagSet) {
	flags.BoolVar(&c.Demo, "demo", false, "work on an in-memory service with some builds in it")
}

// Connect makes a client with the credential that the environment has.
func (c *Cloud) Connect(opts ...codeartsbuild.ClientOption) (*codeartsbuild.Client, error) {
	opts = append(opts, codeartsbuild.WithEnvironment())
	if c.Region != "" {
		opts = append(opts, codeartsbuild.WithRegion(c.Region))
	}
	if c.Endpoint != "" {
		opts = append(opts, codeartsbuild.WithEndpoint(c.Endpoint))
	}
	client, err := codeartsbuild.NewClient(opts...)
	if err != nil {
		return nil, WithRemedy(err, "Say where the service is with -region or -endpoint, and who asks with HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or CODEARTSBUILD_TOKEN.")
	}
	return client, nil
}

// credentialVariables are those that make a program work in the cloud, where half a credential is an error.
var credentialVariables = []string{
	"CODEARTSBUILD_TOKEN", "HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK",
	"HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_USER_NAME", "HW_USER_ID", "HW_USER_PASSWORD",
	"OS_ACCESS_KEY", "OS_SECRET_KEY", "OS_USERNAME", "OS_USER_ID", "OS_PASSWORD",
	"HUAWEICLOUD_SDK_CREDENTIALS_FILE", "HC_CONTAINER_CREDENTIALS_FULL_URI",
}

// HasCredential reports whether the environment holds a credential, or part of one, or there is a profile file.
func HasCredential() bool {
	for _, name := range credentialVariables {
		if os.Getenv(name) != "" {
			return true
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join(home, ".huaweicloud", "credentials"))
	return err == nil
}

// Open makes a client for the cloud or, with -demo, for an in-memory service that fill has put builds into. What
// it returns besides ends both; fill may return something to end before that.
func (c *Cloud) Open(ctx context.Context, fill func(*codeartsbuildtest.Server) (end func()), opts ...codeartsbuild.ClientOption) (*codeartsbuild.Client, func(), error) {
	if !c.Demo {
		client, err := c.Connect(opts...)
		if err != nil {
			return nil, nil, err
		}
		return client, client.CloseIdleConnections, nil
	}
	server, client, err := LogIn(ctx, opts...)
	if err != nil {
		return nil, nil, err
	}
	end := fill(server)
	return client, func() { end(); client.CloseIdleConnections(); server.Close() }, nil
}

// LogIn starts an in-memory service on a socket and logs in there with a password, as one does in the
// cloud. The caller closes both.
func LogIn(ctx context.Context, opts ...codeartsbuild.ClientOption) (*codeartsbuildtest.Server, *codeartsbuild.Client, error) {
	server := codeartsbuildtest.NewServer()
	server.Start()
	source, err := codeartsbuild.NewIAMTokenSource(server.IAMConfig())
	if err == nil {
		_, err = source.Token(ctx)
	}
	if err != nil {
		server.Close()
		return nil, nil, err
	}
	client, err := codeartsbuild.NewClient(append(opts, codeartsbuild.WithEndpoint(server.URL), codeartsbuild.WithTokenSource(source))...)
	if err != nil {
		server.Close()
		return nil, nil, err
	}
	return server, client, nil
}

// Stamp is the time of day in UTC, for lines that people read.
func Stamp(t time.Time) string { return t.UTC().Format("15:04:05.0") }
