package codeartsbuild_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// finishedBody is the live service's response to the stop of a build that has finished.
const finishedBody = `"{\"error\":{\"code\":\"DEV.CB.032302\",\"reason\":\"The state has changed\"},\"status\":\"error\"}"`

// unreachable is a transport to the service that cannot connect for the requests with these numbers.
func unreachable(f *sdktest.Fixture, numbers ...int) codeartsbuild.ClientOption {
	inner, sent := f.IAMConfig().Transport, 0
	return codeartsbuild.WithTransport(httpfake.Func(func(req *http.Request) (*http.Response, error) {
		if sent++; slices.Contains(numbers, sent) {
			return httpfake.Refused(req)
		}
		return inner.RoundTrip(req)
	}))
}

// loginsFailingFrom is a token source that logs in at the service. It fails from the given call on, if that is
// not 0.
func loginsFailingFrom(t *testing.T, f *sdktest.Fixture, first int) codeartsbuild.ClientOption {
	t.Helper()
	return codeartsbuild.WithTokenSource(&failingTokens{CachedTokenSource: sdktest.TokenSource(t, f.IAMConfig()), first: first})
}

type failingTokens struct {
	*codeartsbuild.CachedTokenSource
	first, asked int
}

func (s *failingTokens) Token(ctx context.Context) (*codeartsbuild.Token, error) {
	if s.asked++; s.first > 0 && s.asked >= s.first {
		return nil, errors.New("the vault is sealed")
	}
	return s.CachedTokenSource.Token(ctx)
}

// B31: every form of a response in which a stop is accepted, denied or unclear.
func TestStopResponses(t *testing.T) {
	t.Parallel()
	const (
		stopped = iota
		notStopped
		unreadable
	)
	tests := map[string]struct {
		status int
		body   string
		want   int
	}{
		"documented, v3":             {status: 200, body: `{"result":true}`, want: stopped},
		"documented, v1":             {status: 200, body: `{"status":"success"}`, want: stopped},
		"documented, outdated":       {status: 200, body: `{"success":true,"result":""}`, want: stopped},
		"empty":                      {status: 200, want: stopped},
		"empty 204":                  {status: 204, want: stopped},
		"white space":                {status: 200, body: " \r\n", want: stopped},
		"null":                       {status: 200, body: `null`, want: stopped},
		"object without members":     {status: 200, body: `{}`, want: stopped},
		"true":                       {status: 200, body: `true`, want: stopped},
		"true in a string":           {status: 200, body: `"true"`, want: stopped},
		"result as a string":         {status: 200, body: `{"result":"true"}`, want: stopped},
		"result in capitals":         {status: 200, body: `{"result":"TRUE"}`, want: stopped},
		"result null":                {status: 200, body: `{"result":null,"error":null,"status":"success"}`, want: stopped},
		"packed in a string":         {status: 200, body: `"{\"result\":true}"`, want: stopped},
		"byte order mark":            {status: 200, body: "\ufeff" + `{"result":true}`, want: stopped},
		"with members of any kind":   {status: 200, body: `{"request_id":"7f3c","result":true,"data":{"result":false}}`, want: stopped},
		"201":                        {status: 201, body: `{"result":true}`, want: stopped},
		"false":                      {status: 200, body: `{"result":false}`, want: notStopped},
		"false as a string":          {status: 200, body: `{"result":"false"}`, want: notStopped},
		"false alone":                {status: 200, body: `false`, want: notStopped},
		"false alone, as a string":   {status: 200, body: `"false"`, want: notStopped},
		"false, packed":              {status: 200, body: `"{\"result\":false}"`, want: notStopped},
		"false, outdated":            {status: 200, body: `{"success":false}`, want: notStopped},
		"false, outdated, a text":    {status: 200, body: `{"success":"false","result":""}`, want: notStopped},
		"false, with a message":      {status: 200, body: `{"success":false,"message":"no such build"}`, want: notStopped},
		"false beside a success":     {status: 200, body: `{"status":"success","result":false}`, want: notStopped},
		"false, then true":           {status: 200, body: `{"result":false,"result":true}`, want: notStopped},
		"true, then false":           {status: 200, body: `{"result":true,"result":false}`, want: notStopped},
		"false, name with an escape": {status: 200, body: `{"r\u0065sult":false}`, want: notStopped},
		"failed":                     {status: 200, body: `{"status":"fail"}`, want: notStopped},
		"failed, v1":                 {status: 200, body: `{"status":"failed"}`, want: notStopped},
		"error":                      {status: 200, body: `{"status":"error"}`, want: notStopped},
		"old form":                   {status: 200, body: `{"success":false,"message":"","err_code":"","result":null}`, want: notStopped},
		"false with a 202":           {status: 202, body: `{"result":false}`, want: notStopped},
		"unknown word":               {status: 200, body: `{"result":"maybe"}`, want: unreadable},
		"unknown status":             {status: 200, body: `{"status":"pending"}`, want: unreadable},
		"object as the result":       {status: 200, body: `{"result":{"result":false}}`, want: unreadable},
		"list as the result":         {status: 200, body: `{"result":[false]}`, want: unreadable},
		"number":                     {status: 200, body: `1`, want: unreadable},
		"zero as the result":         {status: 200, body: `{"result":0}`, want: unreadable},
		"list":                       {status: 200, body: `[{"result":true}]`, want: unreadable},
		"text":                       {status: 200, body: `OK`, want: unreadable},
		"HTML":                       {status: 200, body: `<html><title>Log in</title>`, want: unreadable},
		"half an object":             {status: 200, body: `{"result":true`, want: unreadable},
		"other quotes":               {status: 200, body: `{'result':true}`, want: unreadable},
	}
	for name, tt := range tests {
		for api, operation := range map[codeartsbuild.StopAPI]string{codeartsbuild.StopAPIV3: "StopJob", codeartsbuild.StopAPIV1: "StopTheJob"} {
			t.Run(name+"/"+operation, func(t *testing.T) {
				t.Parallel()
				sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
					f.Next(operation, codeartsbuildtest.Reply(tt.status, tt.body))
					result, err := f.Client(codeartsbuild.WithStopAPI(api)).Jobs.Stop(t.Context(), f.JobID, f.BuildNo, sdktest.Once)
					require.Equal(t, []string{operation}, f.Operations())
					if tt.want == stopped {
						require.NoError(t, err)
						require.Equal(t, &codeartsbuild.StopResult{Result: true}, result)
						return
					}
					require.Nil(t, result)
					want := []string{"ErrNotStopped"}
					if tt.want == unreadable {
						want = []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}
					}
					require.Equal(t, want, sdktest.Kinds(err), "%v", err)
					require.Equal(t, tt.status, sdktest.APIError(t, err).StatusCode)
				})
			})
		}
	}
}

// Bodies with a 200 that are neither the documented success nor the documented error.
func TestStopUnexpectedBody(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body  string
		kinds []string // nil: stopped
	}{
		"err_msg":                         {`{"err_msg":"denied"}`, []string{"ErrNotStopped"}},
		"status of an error and its text": {`{"code":401,"message":"no"}`, []string{"ErrNotStopped"}},
		"escaped false":                   {`{"result":"\u0066alse"}`, []string{"ErrNotStopped"}},
		"nothing in error and errors":     {`{"result" : true, "error" : { }, "errors" : [ ]}`, nil},
		"code of 0 and a text":            {`{"result":true,"error_code":"0","error_msg":"success"}`, nil},
		"nothing in result":               {`{"result":{ }}`, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := sdktest.Stop(t.Context(), sdktest.Client(t, httpfake.Reply(200, tt.body), sdktest.Once))
			if tt.kinds == nil {
				require.NoError(t, err)
				return
			}
			require.Equal(t, 200, sdktest.APIError(t, err).StatusCode)
			require.Equal(t, tt.kinds, sdktest.Kinds(err))
		})
	}
}

// B27: a build that has finished is an error, unless this call may have stopped it.
func TestStopFinishedBuild(t *testing.T) {
	t.Parallel()
	reply, dropped := codeartsbuildtest.Reply, codeartsbuildtest.DropAnswer()
	tests := map[string]struct {
		faults      faults
		unreachable []int // requests that cannot connect
		unknown     bool  // the outcome of the attempts so far
	}{
		"the first response":                             {},
		"after 429":                                      {faults: faults{reply(429, "")}},
		"after 503":                                      {faults: faults{reply(503, "")}},
		"after throttling":                               {faults: faults{reply(400, `{"error_code":"CB.00060211"}`)}},
		"after a refused connection":                     {unreachable: []int{1}},
		"after an expired token":                         {faults: faults{codeartsbuildtest.ExpireToken()}},
		"after the service was busy":                     {faults: faults{reply(500, `{"error_code":"CB.00060100"}`)}},
		"after a lost response":                          {faults: faults{dropped}, unknown: true},
		"after a lost request":                           {faults: faults{codeartsbuildtest.DropRequest()}, unknown: true},
		"after 502":                                      {faults: faults{reply(502, "")}, unknown: true},
		"after 504":                                      {faults: faults{reply(504, "")}, unknown: true},
		"after 504 with a code":                          {faults: faults{reply(504, `{"error_code":"APIGW.0201"}`)}, unknown: true},
		"after 500 without a code":                       {faults: faults{reply(500, `{"error_msg":"oops"}`)}, unknown: true},
		"after an unreadable 2xx":                        {faults: faults{reply(200, "<html>")}, unknown: true},
		"after a 2xx cut short":                          {faults: faults{sdktest.Cut(200, `{"result":true}`)}, unknown: true},
		"after an attempt timed out":                     {faults: faults{codeartsbuildtest.Delay(time.Hour)}, unknown: true},
		"after much":                                     {faults: faults{reply(503, ""), dropped, reply(429, "")}, unknown: true},
		"after much, the other way":                      {faults: faults{reply(504, ""), codeartsbuildtest.ExpireToken(), reply(503, "")}, unknown: true},
		"after a lost response and a refused connection": {faults: faults{dropped}, unreachable: []int{2}, unknown: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				f.Finish(f.JobID, f.BuildNo, codeartsbuild.StatusFailed)
				f.Next(sdktest.OpStop, tt.faults...)
				requests := len(tt.faults) + len(tt.unreachable) + 1
				var response codeartsbuild.Response
				client := f.Client(loginsFailingFrom(t, f, 0), unreachable(f, tt.unreachable...))
				result, err := client.Jobs.Stop(t.Context(), f.JobID, f.BuildNo, codeartsbuild.WithResponseInto(&response))
				require.Equal(t, requests, response.Attempts)
				require.Len(t, f.Operations(), requests-len(tt.unreachable))
				if tt.unknown {
					require.NoError(t, err)
					require.Equal(t, &codeartsbuild.StopResult{AlreadyFinished: true}, result)
					return
				}
				require.Nil(t, result)
				require.Equal(t, []string{"ErrBuildFinished"}, sdktest.Kinds(err))
				apiErr := sdktest.APIError(t, err)
				require.Equal(t, http.StatusBadRequest, apiErr.StatusCode)
				require.Equal(t, "DEV.CB.032302", apiErr.ErrorCode)
				require.Equal(t, requests, apiErr.Attempts)
			})
		})
	}
	t.Run("the lost response was that of the stop", func(t *testing.T) {
		t.Parallel()
		sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
			aborted := sdktest.Before(func(*http.Request) { f.Finish(f.JobID, f.BuildNo, codeartsbuild.StatusAborted) })
			f.Next(sdktest.OpStop, func(service http.Handler) http.Handler { return aborted(codeartsbuildtest.DropAnswer()(service)) })
			result, err := f.Client().Jobs.Stop(t.Context(), f.JobID, f.BuildNo)
			require.NoError(t, err)
			require.Equal(t, &codeartsbuild.StopResult{AlreadyFinished: true}, result)
		})
	})
	t.Run("the stop takes effect later", func(t *testing.T) {
		t.Parallel()
		sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
			f.Next(sdktest.OpStop, codeartsbuildtest.DropAnswer(), codeartsbuildtest.DropAnswer())
			result, err := f.Client().Jobs.Stop(t.Context(), f.JobID, f.BuildNo)
			require.NoError(t, err)
			require.Equal(t, &codeartsbuild.StopResult{Result: true}, result)
			require.Equal(t, slices.Repeat([]string{sdktest.OpStop}, 3), f.Operations())
			time.Sleep(5 * time.Second)
			require.Equal(t, codeartsbuild.StatusAborted, f.Status(f.JobID, f.BuildNo))
		})
	})
}

// The requests of the two stop APIs.
func TestStopRequests(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		_, err := f.Client().Jobs.Stop(t.Context(), f.JobID, f.BuildNo)
		require.NoError(t, err)
		_, err = f.Client(codeartsbuild.WithStopAPI(codeartsbuild.StopAPIV1)).Jobs.Stop(t.Context(), f.JobID, f.BuildNo)
		require.NoError(t, err)
		requests := f.Requests()
		require.Len(t, requests, 2)
		require.Equal(t, "POST /v3/jobs/stop", requests[0].Method+" "+requests[0].Path)
		require.JSONEq(t, `{"job_id":"`+f.JobID+`","build_no":"1"}`, string(requests[0].Body))
		// Sources disagree on where v1 wants the number, so that it is in both places.
		require.Equal(t, "POST /v1/job/"+f.JobID+"/stop?build_no=1", requests[1].Method+" "+requests[1].Path)
		require.JSONEq(t, `{"build_no":1}`, string(requests[1].Body))
	})
}
