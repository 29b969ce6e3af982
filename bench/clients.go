package main

import (
	"context"
	"net/http"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/chaos"
)

const (
	jobID   = "48c66c6002964721be537cdc6ce0297b"
	buildNo = "20"

	madeUpToken   = "made-up-token"
	madeUpKey     = "MADEUPAK"
	madeUpSecret  = "made-up-secret"
	madeUpProject = "made-up-project"
)

// A setup says how to make a client. Zero fields leave the client its own defaults.
type setup struct {
	endpoint  string
	token     string
	transport http.RoundTripper
	timeout   time.Duration // of an attempt
	retryOnce bool          // after a 500, without a pause
	pause     time.Duration // the longest between the attempts of a client that retries by itself
	spellings bool          // read every spelling of a success that the service is known to send
}

// A stop stops a build. It reports whether the client says that the build had finished by itself.
type stop func(ctx context.Context, buildNo string) (finished bool, err error)

// A client is a way to call the service.
type client struct {
	name    string
	minimal string                                                   // the folder of its smallest program; "" for a variant of another client
	signs   bool                                                     // each request, instead of sending a token
	logsIn  func(ctx context.Context, endpoint string) (stop, error) // nil: the client takes a token, or a key
	open    func(setup) (stop, error)
	outcome func(err error) chaos.Outcome // of an error
}

const (
	ours       = "codeartsbuild"
	byHand     = "net/http by hand"
	vendorName = "vendor's client, signing"
)

// clients are compared in this order. The first is this module's.
var clients = []client{
	{name: ours, minimal: "codeartsbuild", open: openOurs, outcome: ourOutcome, logsIn: loginOurs},
	{name: "codeartsbuild, signing", signs: true, open: openOursSigning, outcome: ourOutcome},
	{name: byHand, minimal: "byhand", open: openByHand, outcome: outcomeByHand},
	{name: "go-retryablehttp", minimal: "retryablehttp", open: openRetryable, outcome: outcomeByHand},
	{name: vendorName, minimal: "huaweicloud", signs: true, open: openVendor, outcome: vendorOutcome},
	{name: "gophercloud", minimal: "gophercloud", open: openGophercloud, outcome: gophercloudOutcome, logsIn: loginGophercloud},
}

// rows are the names of some clients.
func rows(some []client) []string {
	names := make([]string, len(some))
	for i, c := range some {
		names[i] = c.name
	}
	return names
}

// independent are the clients without the variants.
func independent() []client {
	var some []client
	for _, c := range clients {
		if c.minimal != "" {
			some = append(some, c)
		}
	}
	return some
}

func openOurs(s setup) (stop, error) {
	return oursWith(s, codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(s.token)))
}

func openOursSigning(s setup) (stop, error) {
	return oursWith(s, codeartsbuild.WithProjectID(madeUpProject),
		codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(madeUpKey, madeUpSecret)))
}

func oursWith(s setup, credential ...codeartsbuild.ClientOption) (stop, error) {
	opts := append(credential, codeartsbuild.WithEndpoint(s.endpoint))
	if s.transport != nil {
		opts = append(opts, codeartsbuild.WithTransport(s.transport))
	}
	if s.timeout > 0 {
		opts = append(opts, codeartsbuild.WithTimeout(s.timeout))
	}
	if s.retryOnce {
		opts = append(opts, codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: 1, MaxDelay: 1}))
	}
	if s.pause > 0 {
		opts = append(opts, codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MinDelay: time.Millisecond, MaxDelay: s.pause}))
	}
	c, err := codeartsbuild.NewClient(opts...)
	if err != nil {
		return nil, err
	}
	return ourStop(c), nil
}

func ourStop(c *codeartsbuild.Client) stop {
	return func(ctx context.Context, buildNo string) (bool, error) {
		result, err := c.Jobs.Stop(ctx, jobID, buildNo)
		return err == nil && result.AlreadyFinished, err
	}
}
