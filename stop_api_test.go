package codeartsbuild_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B90: a login that is not published does not count against the stop API.
func TestStopAPIAutoLoginNotPublished(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		login, stop int // requests of each that are not published
		paths       []string
	}{
		"login":     {login: 1, paths: []string{"/v3/jobs/stop"}},
		"both":      {login: 1, stop: 1, paths: []string{"/v3/jobs/stop", "/v1/job/" + sdktest.JobID + "/stop"}},
		"stop only": {stop: 1, paths: []string{"/v3/jobs/stop", "/v1/job/" + sdktest.JobID + "/stop", "/v1/job/" + sdktest.JobID + "/stop"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			login := httpfake.Func(granted)
			if tt.login > 0 {
				login = httpfake.Reply(404, retiredBody)
			}
			source := sdktest.TokenSource(t, loginConfig(httpfake.Script(login, granted)))
			transport := httpfake.Script(accepted)
			if tt.stop > 0 {
				transport = httpfake.Script(httpfake.Reply(404, retiredBody), accepted)
			}
			client := sdktest.Client(t, transport, codeartsbuild.WithTokenSource(source), codeartsbuild.WithStopAPI(codeartsbuild.StopAPIAuto))
			first := sdktest.Stop(t.Context(), client)
			if tt.login > 0 {
				require.ErrorIs(t, first, codeartsbuild.ErrAPIRetired)
			} else {
				require.NoError(t, first)
			}
			require.NoError(t, sdktest.Stop(t.Context(), client))
			var paths []string
			for _, r := range transport.Requests() {
				paths = append(paths, r.URL.Path)
			}
			require.Equal(t, tt.paths, paths)
		})
	}
}

const retiredBody = `{"error_code":"APIGW.0101","error_msg":"The API does not exist or has not been published in the environment"}`

// B27, B27a: StopAPIV3, StopAPIV1, and StopAPIAuto, which takes v1 once v3 is not published. An unknown outcome
// of v3 carries over to v1.
func TestStopAPIs(t *testing.T) {
	t.Parallel()
	reply := codeartsbuildtest.Reply
	type ops = []string
	const v3, v1, auto = codeartsbuild.StopAPIV3, codeartsbuild.StopAPIV1, codeartsbuild.StopAPIAuto
	tests := map[string]struct {
		api        codeartsbuild.StopAPI
		v3, v1     faults
		operations ops
		kinds      []string // nil: stopped
		finished   bool     // with AlreadyFinished
		attempts   int
	}{
		"v3":                        {api: v3, operations: ops{"StopJob"}, attempts: 1},
		"v1":                        {api: v1, operations: ops{"StopTheJob"}, attempts: 1},
		"auto, v3 there":            {api: auto, operations: ops{"StopJob"}, attempts: 1},
		"auto, v3 gone":             {api: auto, v3: faults{reply(404, retiredBody)}, operations: ops{"StopJob", "StopTheJob"}, attempts: 2},
		"auto, v3 gone, own prefix": {api: auto, v3: faults{reply(404, strings.Replace(retiredBody, "APIGW", "APIG", 1))}, operations: ops{"StopJob", "StopTheJob"}, attempts: 2},
		"v3 gone":                   {api: v3, v3: faults{reply(404, retiredBody)}, operations: ops{"StopJob"}, kinds: []string{"ErrAPIRetired"}, attempts: 1},
		"v1 gone":                   {api: v1, v1: faults{reply(404, retiredBody)}, operations: ops{"StopTheJob"}, kinds: []string{"ErrAPIRetired"}, attempts: 1},
		"auto, both gone": {
			api: auto, v3: faults{reply(404, retiredBody)}, v1: faults{reply(404, retiredBody)},
			operations: ops{"StopJob", "StopTheJob"}, kinds: []string{"ErrAPIRetired"}, attempts: 2,
		},
		"auto, not found":             {api: auto, v3: faults{reply(404, "")}, operations: ops{"StopJob"}, kinds: []string{"ErrNotFound"}, attempts: 1},
		"auto, no such job":           {api: auto, v3: faults{reply(422, `{"error_code":"CB.00031006"}`)}, operations: ops{"StopJob"}, kinds: []string{"ErrNotFound"}, attempts: 1},
		"auto, another gateway error": {api: auto, v3: faults{reply(404, `{"error_code":"APIGW.0103"}`)}, operations: ops{"StopJob"}, kinds: []string{"ErrNotFound"}, attempts: 1},
		"auto, no method":             {api: auto, v3: faults{reply(405, "")}, operations: ops{"StopJob"}, kinds: []string{}, attempts: 1},
		"auto, gone for good":         {api: auto, v3: faults{reply(410, "")}, operations: ops{"StopJob"}, kinds: []string{}, attempts: 1},
		"auto, not stopped":           {api: auto, v3: faults{reply(200, `{"result":false}`)}, operations: ops{"StopJob"}, kinds: []string{"ErrNotStopped"}, attempts: 1},
		"auto, throttled first": {
			api: auto, v3: faults{reply(429, ""), reply(404, retiredBody)},
			operations: ops{"StopJob", "StopJob", "StopTheJob"}, attempts: 3,
		},
		"auto, unknown, then gone, then finished": {
			api: auto, v3: faults{codeartsbuildtest.DropAnswer(), reply(404, retiredBody)}, v1: faults{reply(400, finishedBody)},
			operations: ops{"StopJob", "StopJob", "StopTheJob"}, finished: true, attempts: 3,
		},
		"auto, gone, then finished": {
			api: auto, v3: faults{reply(404, retiredBody)}, v1: faults{reply(400, finishedBody)},
			operations: ops{"StopJob", "StopTheJob"}, kinds: []string{"ErrBuildFinished"}, attempts: 2,
		},
		"auto, throttled, gone, then finished": {
			api: auto, v3: faults{reply(503, ""), reply(404, retiredBody)}, v1: faults{reply(400, finishedBody)},
			operations: ops{"StopJob", "StopJob", "StopTheJob"}, kinds: []string{"ErrBuildFinished"}, attempts: 3,
		},
		"auto, gone, unknown, then finished": {
			api: auto, v3: faults{reply(404, retiredBody)}, v1: faults{reply(504, ""), reply(400, finishedBody)},
			operations: ops{"StopJob", "StopTheJob", "StopTheJob"}, finished: true, attempts: 3,
		},
		"auto, unknown, then gone, then forbidden": {
			api: auto, v3: faults{reply(504, ""), reply(502, ""), reply(404, retiredBody)}, v1: faults{reply(403, "")},
			operations: ops{"StopJob", "StopJob", "StopJob", "StopTheJob"}, kinds: []string{"ErrForbidden", "ErrOutcomeUnknown"}, attempts: 4,
		},
		"auto, unknown, then both gone": {
			api: auto, v3: faults{codeartsbuildtest.DropAnswer(), reply(404, retiredBody)}, v1: faults{reply(404, retiredBody)},
			operations: ops{"StopJob", "StopJob", "StopTheJob"}, kinds: []string{"ErrAPIRetired", "ErrOutcomeUnknown"}, attempts: 3,
		},
		"auto, unknown, then gone, then not stopped": {
			api: auto, v3: faults{reply(200, "<html>"), reply(404, retiredBody)}, v1: faults{reply(200, `{"status":"fail"}`)},
			operations: ops{"StopJob", "StopJob", "StopTheJob"}, kinds: []string{"ErrNotStopped", "ErrOutcomeUnknown"}, attempts: 3,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				f.Next(sdktest.OpStop, tt.v3...)
				f.Next("StopTheJob", tt.v1...)
				var response codeartsbuild.Response
				result, err := f.Client(codeartsbuild.WithStopAPI(tt.api)).Jobs.Stop(t.Context(), f.JobID, f.BuildNo, codeartsbuild.WithResponseInto(&response))
				require.Equal(t, tt.operations, f.Operations())
				require.Equal(t, tt.attempts, response.Attempts)
				if tt.kinds == nil {
					require.NoError(t, err)
					require.Equal(t, &codeartsbuild.StopResult{Result: !tt.finished, AlreadyFinished: tt.finished}, result)
					return
				}
				require.Nil(t, result)
				require.Equal(t, tt.kinds, sdktest.Kinds(err), "%v", err)
				apiErr := sdktest.APIError(t, err)
				require.Equal(t, tt.attempts, apiErr.Attempts)
				require.Equal(t, tt.operations[len(tt.operations)-1], apiErr.Operation)
			})
		})
	}
	t.Run("auto remembers, and says so once", func(t *testing.T) {
		t.Parallel()
		sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
			log := &logRecorder{}
			client := f.Client(codeartsbuild.WithStopAPI(auto), codeartsbuild.WithLogger(slog.New(log)))
			f.NextN(sdktest.OpStop, 100, reply(404, retiredBody))
			var group sync.WaitGroup
			for range 20 {
				group.Go(func() {
					if _, err := client.Jobs.Stop(t.Context(), f.JobID, f.BuildNo); err != nil {
						t.Errorf("Stop: %v", err)
					}
				})
			}
			group.Wait()
			before := len(f.Operations())
			_, err := client.Jobs.Stop(t.Context(), f.JobID, f.BuildNo)
			require.NoError(t, err)
			require.Equal(t, ops{"StopTheJob"}, f.Operations()[before:])
			require.Len(t, log.warnings(), 1)
			require.Contains(t, log.warnings()[0], "StopTheJob")
		})
	})
}
