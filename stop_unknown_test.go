package codeartsbuild_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B27a: once the outcome is unknown, no later response changes that.
func TestUnknownOutcomeSticks(t *testing.T) {
	t.Parallel()
	reply := codeartsbuildtest.Reply
	unknown := map[string]codeartsbuildtest.Fault{
		"lost":           codeartsbuildtest.DropAnswer(),
		"504":            reply(504, ""),
		"500":            reply(500, ""),
		"unreadable 2xx": reply(200, "<html>"),
		"cut 2xx":        sdktest.Cut(200, ""),
	}
	tests := map[string]struct {
		then    codeartsbuildtest.Fault
		kinds   []string // beside ErrOutcomeUnknown
		refused bool     // the connection of the second attempt
		tokens  int      // fail from this one on; 0: none
		text    string
	}{
		"429":                {then: reply(429, ""), kinds: []string{"ErrTooManyRequests"}},
		"503":                {then: reply(503, ""), kinds: []string{"ErrInternalServerError"}},
		"500 with a code":    {then: reply(500, `{"error_code":"CB.00060101"}`), kinds: []string{"ErrInternalServerError"}},
		"400":                {then: reply(400, `{"error_code":"CB.00060200"}`), kinds: []string{"ErrBadRequest"}},
		"401":                {then: reply(401, `{"error_code":"APIGW.0301"}`), kinds: []string{"ErrUnauthorized"}},
		"403":                {then: reply(403, ""), kinds: []string{"ErrForbidden"}},
		"404":                {then: reply(404, ""), kinds: []string{"ErrNotFound"}},
		"422":                {then: reply(422, `{"error_code":"CB.00031006"}`), kinds: []string{"ErrNotFound"}},
		"not published":      {then: reply(404, retiredBody), kinds: []string{"ErrAPIRetired"}},
		"redirect":           {then: codeartsbuildtest.Redirect("https://elsewhere.example.com/"), kinds: []string{"ErrUnexpectedResponse"}},
		"result false":       {then: reply(200, `{"result":false}`), kinds: []string{"ErrNotStopped"}},
		"error in a success": {then: reply(200, `{"error_code":"CB.00060101"}`), kinds: []string{"ErrInternalServerError"}},
		"refused connection": {refused: true, kinds: []string{}, text: "connection refused"},
		"failed token fetch": {tokens: 2, kinds: []string{}, text: "the vault is sealed"},
	}
	for name, tt := range tests {
		for before, fault := range unknown {
			t.Run(name+"/after "+before, func(t *testing.T) {
				t.Parallel()
				sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
					f.Next(sdktest.OpStop, fault)
					if tt.then != nil {
						f.Next(sdktest.OpStop, tt.then, tt.then) // a 401 is retried once
					}
					opts := []codeartsbuild.ClientOption{codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 2}), loginsFailingFrom(t, f, tt.tokens)}
					if tt.refused {
						opts = append(opts, unreachable(f, 2))
					}
					_, err := f.Client(opts...).Jobs.Stop(t.Context(), f.JobID, f.BuildNo)
					kinds := append(slices.Clone(tt.kinds), "ErrOutcomeUnknown")
					slices.Sort(kinds)
					require.Equal(t, kinds, sdktest.Kinds(err), "%v", err)
					require.ErrorContains(t, err, tt.text)
					require.ErrorContains(t, err, "outcome unknown")
					var apiErr *codeartsbuild.APIError
					require.Equal(t, tt.then != nil, errors.As(err, &apiErr), "%v (%T)", err, err)
				})
			})
		}
	}
	t.Run("a rejected login", func(t *testing.T) {
		t.Parallel()
		sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
			iam := sdktest.TokenSource(t, f.IAMConfig())
			f.Next(sdktest.OpStop, codeartsbuildtest.DropAnswer(), codeartsbuildtest.ExpireToken())
			f.Next(sdktest.OpLogin, nil, reply(403, `{"error":{"code":403,"message":"no","title":"Forbidden"}}`))
			_, err := f.Client(codeartsbuild.WithTokenSource(iam)).Jobs.Stop(t.Context(), f.JobID, f.BuildNo)
			require.Equal(t, []string{"ErrForbidden", "ErrOutcomeUnknown"}, sdktest.Kinds(err))
			apiErr := sdktest.APIError(t, err)
			require.Equal(t, "CreateToken", apiErr.Operation)

			// The error of the login may be shared: its own outcome is known.
			f.Next(sdktest.OpLogin, reply(403, `{"error":{"code":403,"message":"no","title":"Forbidden"}}`))
			_, err = iam.Token(t.Context())
			require.Equal(t, []string{"ErrForbidden"}, sdktest.Kinds(err))
		})
	})
	t.Run("the outcome of a read is never unknown", func(t *testing.T) {
		t.Parallel()
		sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
			f.Next(sdktest.OpGetBuild, codeartsbuildtest.DropAnswer(), reply(504, ""), reply(200, "<html>"), reply(500, ""), reply(403, ""))
			_, err := f.Client().Builds.Get(t.Context(), f.JobID, f.BuildNo)
			require.Equal(t, []string{"ErrForbidden"}, sdktest.Kinds(err))
			require.Len(t, f.Operations(), 5)
		})
	})
}

// B27b: the outcome after the last response.
func TestUnknownOutcomeOfLastResponse(t *testing.T) {
	t.Parallel()
	reply := codeartsbuildtest.Reply
	tests := map[string]struct {
		fault   codeartsbuildtest.Fault
		kind    string
		unknown bool // the outcome
	}{
		"502":                      {fault: reply(502, ""), kind: "ErrInternalServerError", unknown: true},
		"504":                      {fault: reply(504, ""), kind: "ErrInternalServerError", unknown: true},
		"500 without a code":       {fault: reply(500, ""), kind: "ErrInternalServerError", unknown: true},
		"500 with a message":       {fault: reply(500, `{"error_msg":"oops"}`), kind: "ErrInternalServerError", unknown: true},
		"500 with an empty code":   {fault: reply(500, `{"error_code":"","error_msg":"oops"}`), kind: "ErrInternalServerError", unknown: true},
		"599 without a code":       {fault: reply(599, ""), kind: "ErrInternalServerError", unknown: true},
		"504 from the gateway":     {fault: reply(504, `{"error_code":"APIGW.0201","error_msg":"backend timeout"}`), kind: "ErrInternalServerError", unknown: true},
		"502 from the gateway":     {fault: reply(502, `{"error_code":"APIGW.0610","error_msg":"no backend"}`), kind: "ErrInternalServerError", unknown: true},
		"2xx cut short":            {fault: sdktest.Cut(200, `{"result":true}`), kind: "ErrUnexpectedResponse", unknown: true},
		"2xx cut after its header": {fault: sdktest.Cut(200, ""), kind: "ErrUnexpectedResponse", unknown: true},
		"unreadable 2xx":           {fault: reply(200, "<html>"), kind: "ErrUnexpectedResponse", unknown: true},
		"504 cut short":            {fault: sdktest.Cut(504, `{"error_co`), kind: "ErrInternalServerError", unknown: true},
		"500 with a code":          {fault: reply(500, `{"error_code":"CB.00060101"}`), kind: "ErrInternalServerError"},
		"500 of a busy service":    {fault: reply(500, `{"error_code":"CB.00060100"}`), kind: "ErrInternalServerError"},
		"503":                      {fault: reply(503, ""), kind: "ErrInternalServerError"},
		"503 from the gateway":     {fault: reply(503, `{"error_code":"APIGW.0613"}`), kind: "ErrInternalServerError"},
		"400":                      {fault: reply(400, ""), kind: "ErrBadRequest"},
		"400 cut short":            {fault: sdktest.Cut(400, `{"error_co`), kind: "ErrBadRequest"},
		"403":                      {fault: reply(403, ""), kind: "ErrForbidden"},
		"404":                      {fault: reply(404, ""), kind: "ErrNotFound"},
		"429":                      {fault: reply(429, ""), kind: "ErrTooManyRequests"},
		"301":                      {fault: reply(301, ""), kind: "ErrUnexpectedResponse"},
		"307":                      {fault: codeartsbuildtest.Redirect("https://elsewhere.example.com/"), kind: "ErrUnexpectedResponse"},
	}
	type call = func(context.Context, *sdktest.Fixture, *codeartsbuild.Client) error
	calls := map[string]struct {
		operation string
		do        call
	}{
		"stop": {operation: sdktest.OpStop, do: func(ctx context.Context, f *sdktest.Fixture, c *codeartsbuild.Client) error {
			_, err := c.Jobs.Stop(ctx, f.JobID, f.BuildNo, sdktest.Once)
			return err
		}},
		"run": {operation: sdktest.OpRun, do: func(ctx context.Context, f *sdktest.Fixture, c *codeartsbuild.Client) error {
			_, err := c.Jobs.Run(ctx, f.JobID, nil, sdktest.Once)
			return err
		}},
		"any POST": {operation: sdktest.OpStop, do: func(ctx context.Context, f *sdktest.Fixture, c *codeartsbuild.Client) error {
			return c.Do(ctx, http.MethodPost, stopPath, map[string]string{"job_id": f.JobID, "build_no": f.BuildNo}, nil)
		}},
		"read": {operation: sdktest.OpGetBuild, do: func(ctx context.Context, f *sdktest.Fixture, c *codeartsbuild.Client) error {
			_, err := c.Builds.Get(ctx, f.JobID, f.BuildNo, sdktest.Once)
			return err
		}},
	}
	for name, tt := range tests {
		for of, call := range calls {
			t.Run(name+"/"+of, func(t *testing.T) {
				t.Parallel()
				sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
					f.NextN(call.operation, 5, tt.fault)
					err := call.do(t.Context(), f, f.Client())
					want := []string{tt.kind}
					if tt.unknown && call.operation != sdktest.OpGetBuild {
						want = append(want, "ErrOutcomeUnknown")
						slices.Sort(want)
					}
					require.Equal(t, want, sdktest.Kinds(err), "%v", err)
					sdktest.APIError(t, err)
				})
			})
		}
	}
}
