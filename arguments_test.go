package codeartsbuild_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// jobCalls are calls that name a job and a build. Run ignores the build.
var jobCalls = map[string]struct {
	api codeartsbuild.StopAPI
	do  func(ctx context.Context, c *codeartsbuild.Client, job, build string) error
}{
	"Stop": {codeartsbuild.StopAPIV3, func(ctx context.Context, c *codeartsbuild.Client, job, build string) error {
		_, err := c.Jobs.Stop(ctx, job, build)
		return err
	}},
	"Stop over v1": {codeartsbuild.StopAPIV1, func(ctx context.Context, c *codeartsbuild.Client, job, build string) error {
		_, err := c.Jobs.Stop(ctx, job, build)
		return err
	}},
	"Stop with StopAPIAuto": {codeartsbuild.StopAPIAuto, func(ctx context.Context, c *codeartsbuild.Client, job, build string) error {
		_, err := c.Jobs.Stop(ctx, job, build)
		return err
	}},
	"StopAndWait": {codeartsbuild.StopAPIV3, func(ctx context.Context, c *codeartsbuild.Client, job, build string) error {
		_, err := c.Jobs.StopAndWait(ctx, job, build)
		return err
	}},
	"Get": {codeartsbuild.StopAPIV3, func(ctx context.Context, c *codeartsbuild.Client, job, build string) error {
		_, err := c.Builds.Get(ctx, job, build)
		return err
	}},
	"Run": {codeartsbuild.StopAPIV3, func(ctx context.Context, c *codeartsbuild.Client, job, _ string) error {
		_, err := c.Jobs.Run(ctx, job, &codeartsbuild.RunRequest{Branch: "main"})
		return err
	}},
}

// requireRejected requires that a call was rejected before anything was sent.
func requireRejected(t *testing.T, err error, transport *httpfake.Recorder) {
	t.Helper()
	require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
	require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
	require.NotErrorIs(t, err, codeartsbuild.ErrStillRunning)
	var apiErr *codeartsbuild.APIError
	require.False(t, errors.As(err, &apiErr), "no response came: %v", err)
	require.Zero(t, transport.Count())
}

// B43: a job id that cannot be one is rejected.
func TestJobIDRejected(t *testing.T) {
	t.Parallel()
	bad := map[string]string{
		"empty": "", "blank": " ", "as long as an id, but blank": strings.Repeat(" ", 32), "line feed": "\n", "dots": "..", "dot": ".",
		"up in the path":                   "../../v3/jobs/stop",
		"up in a text of the right length": "../" + sdktest.JobID[3:],
		"slash":                            "a/b",
		"slash in the right length":        sdktest.JobID[:15] + "/" + sdktest.JobID[16:],
		"slash before an id":               "/" + sdktest.JobID[1:],
		"query":                            "a?b",
		"query in the right length":        sdktest.JobID[:15] + "?" + sdktest.JobID[16:],
		"fragment":                         "a#b",
		"fragment in the right length":     sdktest.JobID[:15] + "#" + sdktest.JobID[16:],
		"placeholder":                      "{build_no}",
		"placeholder of its own":           "{job_id}",
		"escaped dots":                     "%2e%2e",
		"escaped in the right length":      "%2e" + sdktest.JobID[3:],
		"31 characters":                    sdktest.JobID[:31],
		"33 characters":                    sdktest.JobID + "0",
		"space behind":                     sdktest.JobID + " ",
		"space in front":                   " " + sdktest.JobID,
		"line feed behind":                 sdktest.JobID + "\n",
		"dashes, a UUID":                   "48c66c60-0296-4721-be53-7cdc6ce0297b",
		"underscore":                       sdktest.JobID[:31] + "_",
		"32 bytes of Chinese":              strings.Repeat("构", 10) + "ab",
		"32 wide digits":                   strings.Repeat("１", 32),
		"semicolon":                        sdktest.JobID[:15] + ";" + sdktest.JobID[16:],
		"two ids":                          sdktest.JobID + "," + sdktest.JobID,
	}
	for call, c := range jobCalls {
		for kind, job := range bad {
			t.Run(call+" of a job id: "+kind, func(t *testing.T) {
				t.Parallel()
				transport := httpfake.Script(httpfake.Reply(http.StatusOK, `{"result":true}`))
				client := sdktest.Client(t, transport, codeartsbuild.WithStopAPI(c.api))
				err := c.do(t.Context(), client, job, "7")
				requireRejected(t, err, transport)
				require.Contains(t, err.Error(), "job_id")
			})
		}
	}
}

// B43: a job id in letters of either case is sent as it is given.
func TestJobIDSentAsGiven(t *testing.T) {
	t.Parallel()
	for _, job := range []string{sdktest.JobID, strings.ToUpper(sdktest.JobID), "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", "zyxwvutsrqponmlkjihgfedcba987654", strings.Repeat("0", 32)} {
		for call, c := range jobCalls {
			t.Run(call+" of "+job, func(t *testing.T) {
				t.Parallel()
				transport := httpfake.Script(httpfake.Reply(http.StatusBadRequest, ""))
				client := sdktest.Client(t, transport, codeartsbuild.WithStopAPI(c.api))
				require.ErrorIs(t, c.do(t.Context(), client, job, "7"), codeartsbuild.ErrBadRequest)
				sent := transport.Requests()[0]
				require.Contains(t, sent.URL.Path+sent.Body, job)
			})
		}
	}
}

// B44: a build number that cannot be one is rejected.
func TestBuildNumberRejected(t *testing.T) {
	t.Parallel()
	bad := map[string]string{
		"empty": "", "blank": " ", "zero": "0", "zeros": "000", "negative": "-1", "with a sign": "+1", "fraction": "1.5", "whole, but with a point": "5.0",
		"word": "latest", "one too many": "2147483648", "more than 32 bits, which a cast would cut": "4294967297", "more than 64 bits": "18446744073709551617",
		"endless": strings.Repeat("9", 4000), "leading zero": "07", "leading zeros as with octal": "0o7", "hexadecimal": "0x7", "exponent": "1e3",
		"with a separator": "1_000", "with a comma": "1,000", "space in front": " 7", "space behind": "7 ", "line feed behind": "7\n",
		"wide digit": "７", "Arabic digit": "٧", "superscript": "²", "daily number": "20221011.29", "two": "7,8", "slash": "7/8", "dots": "..", "query": "7?a=b",
		"placeholder": "{job_id}", "escape": "%37", "not a number": "NaN", "infinity": "Inf", "null": "null", "NUL": "7\x00",
	}
	for call, c := range jobCalls {
		if call == "Run" {
			continue
		}
		for kind, build := range bad {
			t.Run(call+" of a build number: "+kind, func(t *testing.T) {
				t.Parallel()
				transport := httpfake.Script(httpfake.Reply(http.StatusOK, `{"result":true}`))
				client := sdktest.Client(t, transport, codeartsbuild.WithStopAPI(c.api))
				err := c.do(t.Context(), client, sdktest.JobID, build)
				requireRejected(t, err, transport)
				require.Contains(t, err.Error(), "build_no")
			})
		}
	}
}

// B44: the smallest and the largest build number are accepted.
func TestBuildNumberLimits(t *testing.T) {
	t.Parallel()
	for call, c := range jobCalls {
		if call == "Run" {
			continue
		}
		for _, build := range []string{"1", "9", "10", "2147483647"} {
			t.Run(call+" of "+build, func(t *testing.T) {
				t.Parallel()
				transport := httpfake.Script(httpfake.Reply(http.StatusBadRequest, ""))
				client := sdktest.Client(t, transport, codeartsbuild.WithStopAPI(c.api))
				require.ErrorIs(t, c.do(t.Context(), client, sdktest.JobID, build), codeartsbuild.ErrBadRequest)
				require.Equal(t, 1, transport.Count())
			})
		}
	}
}
