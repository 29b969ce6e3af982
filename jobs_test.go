package codeartsbuild_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

// answerFinished is how the live service says that a build has ended.
const answerFinished = `"{\"error\":{\"code\":\"DEV.CB.032302\",\"reason\":\"The state has changed\"},\"status\":\"error\"}"`

const answerRetired = `{"error_code":"APIGW.0101","error_msg":"The API does not exist or has not been published in the environment"}`

// answerFlow is one job with one running build, in a service of its own.
type answerFlow struct {
	*codeartsbuildtest.Server
	job, build string
}

// answerInBubble runs a test with a service in memory, where pauses take no time.
func answerInBubble(t *testing.T, test func(*testing.T, *answerFlow)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := codeartsbuildtest.NewServer()
		defer srv.Close()
		job := srv.AddJob("nightly")
		test(t, &answerFlow{srv, job, srv.StartBuild(job)})
	})
}

// operations are those of the requests so far, logins left out.
func (f *answerFlow) operations() []string {
	var names []string
	for _, r := range f.Requests() {
		if r.Operation != "CreateToken" {
			names = append(names, r.Operation)
		}
	}
	return names
}

func answerOperations(name string, n int) []string { return slices.Repeat([]string{name}, n) }

// refusing is a transport to the service that cannot connect for the requests with these numbers.
func (f *answerFlow) refusing(numbers ...int) codeartsbuild.ClientOption {
	inner, sent := f.IAMConfig().Transport, 0
	return codeartsbuild.WithTransport(answerTransport(func(req *http.Request) (*http.Response, error) {
		if sent++; slices.Contains(numbers, sent) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
		}
		return inner.RoundTrip(req)
	}))
}

// logins is a token source that logs in at the service, and fails from the given login on.
func (f *answerFlow) logins(t *testing.T, failFrom int) codeartsbuild.ClientOption {
	t.Helper()
	iam, err := codeartsbuild.NewIAMTokenSource(f.IAMConfig())
	require.NoError(t, err)
	asked := 0
	source := answerTokens{iam, func() error {
		if asked++; failFrom > 0 && asked >= failFrom {
			return errors.New("the vault is sealed")
		}
		return nil
	}}
	return codeartsbuild.WithTokenSource(source)
}

type answerTokens struct {
	*codeartsbuild.CachedTokenSource
	before func() error
}

func (s answerTokens) Token(ctx context.Context) (*codeartsbuild.Token, error) {
	if err := s.before(); err != nil {
		return nil, err
	}
	return s.CachedTokenSource.Token(ctx)
}

// answerCut answers with less than it announces.
func answerCut(status int, body string) codeartsbuildtest.Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
	}
}

// B31: every form in which a stop is accepted, and all others.
func TestStopAnswers(t *testing.T) {
	t.Parallel()
	const (
		accepted = iota
		notStopped
		unreadable
	)
	tests := map[string]struct {
		status int
		body   string
		want   int
	}{
		"B31 documented, v3":             {200, `{"result":true}`, accepted},
		"B31 documented, v1":             {200, `{"status":"success"}`, accepted},
		"B31 documented, outdated":       {200, `{"success":true,"result":""}`, accepted},
		"B31 empty":                      {200, ``, accepted},
		"B31 empty 204":                  {204, ``, accepted},
		"B31 white space":                {200, " \r\n", accepted},
		"B31 null":                       {200, `null`, accepted},
		"B31 object without members":     {200, `{}`, accepted},
		"B31 true":                       {200, `true`, accepted},
		"B31 true in a string":           {200, `"true"`, accepted},
		"B31 result as a string":         {200, `{"result":"true"}`, accepted},
		"B31 result in capitals":         {200, `{"result":"TRUE"}`, accepted},
		"B31 result null":                {200, `{"result":null,"error":null,"status":"success"}`, accepted},
		"B31 packed in a string":         {200, `"{\"result\":true}"`, accepted},
		"B31 byte order mark":            {200, "\ufeff" + `{"result":true}`, accepted},
		"B31 with members of any kind":   {200, `{"request_id":"7f3c","result":true,"data":{"result":false}}`, accepted},
		"B31 201":                        {201, `{"result":true}`, accepted},
		"B31 false":                      {200, `{"result":false}`, notStopped},
		"B31 false as a string":          {200, `{"result":"false"}`, notStopped},
		"B31 false alone":                {200, `false`, notStopped},
		"B31 false alone, as a string":   {200, `"false"`, notStopped},
		"B31 false, packed":              {200, `"{\"result\":false}"`, notStopped},
		"B31 false, outdated":            {200, `{"success":false}`, notStopped},
		"B31 false, outdated, a text":    {200, `{"success":"false","result":""}`, notStopped},
		"B31 false, with a message":      {200, `{"success":false,"message":"no such build"}`, notStopped},
		"B31 false beside a success":     {200, `{"status":"success","result":false}`, notStopped},
		"B31 false, then true":           {200, `{"result":false,"result":true}`, notStopped},
		"B31 true, then false":           {200, `{"result":true,"result":false}`, notStopped},
		"B31 false, name with an escape": {200, `{"r\u0065sult":false}`, notStopped},
		"B31 failed":                     {200, `{"status":"fail"}`, notStopped},
		"B31 failed, v1":                 {200, `{"status":"failed"}`, notStopped},
		"B31 error":                      {200, `{"status":"error"}`, notStopped},
		"B31 old form":                   {200, `{"success":false,"message":"","err_code":"","result":null}`, notStopped},
		"B31 false with a 204's likes":   {202, `{"result":false}`, notStopped},
		"B31 unknown word":               {200, `{"result":"maybe"}`, unreadable},
		"B31 unknown status":             {200, `{"status":"pending"}`, unreadable},
		"B31 object as the result":       {200, `{"result":{"result":false}}`, unreadable},
		"B31 list as the result":         {200, `{"result":[false]}`, unreadable},
		"B31 number":                     {200, `1`, unreadable},
		"B31 zero as the result":         {200, `{"result":0}`, unreadable},
		"B31 list":                       {200, `[{"result":true}]`, unreadable},
		"B31 text":                       {200, `OK`, unreadable},
		"B31 HTML":                       {200, `<html><title>Log in</title>`, unreadable},
		"B31 half an object":             {200, `{"result":true`, unreadable},
		"B31 other quotes":               {200, `{'result':true}`, unreadable},
	}
	for name, tt := range tests {
		for api, operation := range map[codeartsbuild.StopAPI]string{codeartsbuild.StopAPIV3: "StopJob", codeartsbuild.StopAPIV1: "StopTheJob"} {
			t.Run(name+"/"+operation, func(t *testing.T) {
				t.Parallel()
				answerInBubble(t, func(t *testing.T, f *answerFlow) {
					f.Next(operation, codeartsbuildtest.Reply(tt.status, tt.body))
					result, err := f.Client(codeartsbuild.WithStopAPI(api)).Jobs.Stop(t.Context(), f.job, f.build, answerOnce)
					require.Equal(t, []string{operation}, f.operations())
					if tt.want == accepted {
						require.NoError(t, err)
						require.Equal(t, &codeartsbuild.StopResult{Result: true}, result)
						return
					}
					require.Nil(t, result)
					want := []string{"ErrNotStopped"}
					if tt.want == unreadable {
						want = []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}
					}
					require.Equal(t, want, answerAre(err), "%v", err)
					var apiErr *codeartsbuild.APIError
					require.ErrorAs(t, err, &apiErr)
					require.Equal(t, tt.status, apiErr.StatusCode)
				})
			})
		}
	}
}

// B27: a build that has ended is an error, unless it may have been this call that ended it.
func TestStopOfAFinishedBuild(t *testing.T) {
	t.Parallel()
	reply, dropped := codeartsbuildtest.Reply, codeartsbuildtest.DropAnswer()
	tests := map[string]struct {
		faults  []codeartsbuildtest.Fault
		refused []int // requests that find nobody who listens
		doubt   bool  // by then
	}{
		"B27 first answer":                  {nil, nil, false},
		"B27 after 429":                     {[]codeartsbuildtest.Fault{reply(429, "")}, nil, false},
		"B27 after 503":                     {[]codeartsbuildtest.Fault{reply(503, "")}, nil, false},
		"B27 after throttling":              {[]codeartsbuildtest.Fault{reply(400, `{"error_code":"CB.00060211"}`)}, nil, false},
		"B27 after a refused connection":    {nil, []int{1}, false},
		"B27 after an expired token":        {[]codeartsbuildtest.Fault{codeartsbuildtest.ExpireToken()}, nil, false},
		"B27 after the service was busy":    {[]codeartsbuildtest.Fault{reply(500, `{"error_code":"CB.00060100"}`)}, nil, false},
		"B27 after a lost answer":           {[]codeartsbuildtest.Fault{dropped}, nil, true},
		"B27 after a lost request":          {[]codeartsbuildtest.Fault{codeartsbuildtest.DropRequest()}, nil, true},
		"B27 after 502":                     {[]codeartsbuildtest.Fault{reply(502, "")}, nil, true},
		"B27 after 504":                     {[]codeartsbuildtest.Fault{reply(504, "")}, nil, true},
		"B27 after 504 with a code":         {[]codeartsbuildtest.Fault{reply(504, `{"error_code":"APIGW.0201"}`)}, nil, true},
		"B27 after 500 without a code":      {[]codeartsbuildtest.Fault{reply(500, `{"error_msg":"oops"}`)}, nil, true},
		"B27 after an unreadable 2xx":       {[]codeartsbuildtest.Fault{reply(200, "<html>")}, nil, true},
		"B27 after a 2xx cut short":         {[]codeartsbuildtest.Fault{answerCut(200, `{"result":true}`)}, nil, true},
		"B27 after an attempt timed out":    {[]codeartsbuildtest.Fault{codeartsbuildtest.Delay(time.Hour)}, nil, true},
		"B27 after much":                    {[]codeartsbuildtest.Fault{reply(503, ""), dropped, reply(429, "")}, nil, true},
		"B27 after much, the other way":     {[]codeartsbuildtest.Fault{reply(504, ""), codeartsbuildtest.ExpireToken(), reply(503, "")}, nil, true},
		"B27 after doubt and no connection": {[]codeartsbuildtest.Fault{dropped}, []int{2}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answerInBubble(t, func(t *testing.T, f *answerFlow) {
				f.Finish(f.job, f.build, codeartsbuild.StatusFailed)
				f.Next("StopJob", tt.faults...)
				requests := len(tt.faults) + len(tt.refused) + 1
				var response codeartsbuild.Response
				client := f.Client(f.logins(t, 0), f.refusing(tt.refused...))
				result, err := client.Jobs.Stop(t.Context(), f.job, f.build, codeartsbuild.WithResponseInto(&response))
				require.Equal(t, requests, response.Attempts)
				require.Len(t, f.operations(), requests-len(tt.refused))
				if tt.doubt {
					require.NoError(t, err)
					require.Equal(t, &codeartsbuild.StopResult{AlreadyFinished: true}, result)
					return
				}
				require.Nil(t, result)
				require.Equal(t, []string{"ErrBuildFinished"}, answerAre(err))
				var apiErr *codeartsbuild.APIError
				require.ErrorAs(t, err, &apiErr)
				require.Equal(t, http.StatusBadRequest, apiErr.StatusCode)
				require.Equal(t, "DEV.CB.032302", apiErr.ErrorCode)
				require.Equal(t, requests, apiErr.Attempts)
			})
		})
	}
	t.Run("B27 the stop whose answer was lost ended the build", func(t *testing.T) {
		t.Parallel()
		answerInBubble(t, func(t *testing.T, f *answerFlow) {
			f.Next("StopJob", func(service http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					f.Finish(f.job, f.build, codeartsbuild.StatusAborted)
					codeartsbuildtest.DropAnswer()(service).ServeHTTP(w, r)
				})
			})
			result, err := f.Client().Jobs.Stop(t.Context(), f.job, f.build)
			require.NoError(t, err)
			require.Equal(t, &codeartsbuild.StopResult{AlreadyFinished: true}, result)
		})
	})
	t.Run("B27 the stop whose answer was lost goes on", func(t *testing.T) {
		t.Parallel()
		answerInBubble(t, func(t *testing.T, f *answerFlow) {
			f.Next("StopJob", codeartsbuildtest.DropAnswer(), codeartsbuildtest.DropAnswer())
			result, err := f.Client().Jobs.Stop(t.Context(), f.job, f.build)
			require.NoError(t, err)
			require.Equal(t, &codeartsbuild.StopResult{Result: true}, result)
			require.Equal(t, answerOperations("StopJob", 3), f.operations())
			time.Sleep(5 * time.Second)
			require.Equal(t, codeartsbuild.StatusAborted, f.Status(f.job, f.build))
		})
	})
}

// B27a: once it is open whether the stop took effect, no later answer closes that.
func TestDoubtIsSticky(t *testing.T) {
	t.Parallel()
	reply := codeartsbuildtest.Reply
	doubtful := map[string]codeartsbuildtest.Fault{
		"lost":           codeartsbuildtest.DropAnswer(),
		"504":            reply(504, ""),
		"500":            reply(500, ""),
		"unreadable 2xx": reply(200, "<html>"),
		"cut 2xx":        answerCut(200, ""),
	}
	tests := map[string]struct {
		then    codeartsbuildtest.Fault
		kinds   []string // beside the doubt
		refused bool     // the connection of the second attempt
		logins  int      // fail from this one on
		text    string
	}{
		"B27a 429":                {then: reply(429, ""), kinds: []string{"ErrTooManyRequests"}},
		"B27a 503":                {then: reply(503, ""), kinds: []string{"ErrInternalServerError"}},
		"B27a 500 with a code":    {then: reply(500, `{"error_code":"CB.00060101"}`), kinds: []string{"ErrInternalServerError"}},
		"B27a 400":                {then: reply(400, `{"error_code":"CB.00060200"}`), kinds: []string{"ErrBadRequest"}},
		"B27a 401":                {then: reply(401, `{"error_code":"APIGW.0301"}`), kinds: []string{"ErrUnauthorized"}},
		"B27a 403":                {then: reply(403, ""), kinds: []string{"ErrForbidden"}},
		"B27a 404":                {then: reply(404, ""), kinds: []string{"ErrNotFound"}},
		"B27a 422":                {then: reply(422, `{"error_code":"CB.00031006"}`), kinds: []string{"ErrNotFound"}},
		"B27a not published":      {then: reply(404, answerRetired), kinds: []string{"ErrAPIRetired"}},
		"B27a redirect":           {then: codeartsbuildtest.Redirect("https://elsewhere.example.com/"), kinds: []string{"ErrUnexpectedResponse"}},
		"B27a result false":       {then: reply(200, `{"result":false}`), kinds: []string{"ErrNotStopped"}},
		"B27a error in a success": {then: reply(200, `{"error_code":"CB.00060101"}`), kinds: []string{"ErrInternalServerError"}},
		"B27a nobody listens":     {refused: true, kinds: []string{}, text: "connection refused"},
		"B27a failed token fetch": {logins: 2, kinds: []string{}, text: "the vault is sealed"},
	}
	for name, tt := range tests {
		for before, fault := range doubtful {
			t.Run(name+"/after "+before, func(t *testing.T) {
				t.Parallel()
				answerInBubble(t, func(t *testing.T, f *answerFlow) {
					f.Next("StopJob", fault)
					if tt.then != nil {
						f.Next("StopJob", tt.then, tt.then) // a 401 is replayed once
					}
					opts := []codeartsbuild.ClientOption{codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 2}), f.logins(t, tt.logins)}
					if tt.refused {
						opts = append(opts, f.refusing(2))
					}
					_, err := f.Client(opts...).Jobs.Stop(t.Context(), f.job, f.build)
					kinds := append(slices.Clone(tt.kinds), "ErrOutcomeUnknown")
					slices.Sort(kinds)
					require.Equal(t, kinds, answerAre(err), "%v", err)
					require.ErrorContains(t, err, tt.text)
					require.ErrorContains(t, err, "outcome unknown")
					var apiErr *codeartsbuild.APIError
					require.Equal(t, tt.then != nil, errors.As(err, &apiErr), "%v (%T)", err, err)
				})
			})
		}
	}
	t.Run("B27a a refused login", func(t *testing.T) {
		t.Parallel()
		answerInBubble(t, func(t *testing.T, f *answerFlow) {
			iam, err := codeartsbuild.NewIAMTokenSource(f.IAMConfig())
			require.NoError(t, err)
			f.Next("StopJob", codeartsbuildtest.DropAnswer(), codeartsbuildtest.ExpireToken())
			f.Next("CreateToken", nil, reply(403, `{"error":{"code":403,"message":"no","title":"Forbidden"}}`))
			_, err = f.Client(codeartsbuild.WithTokenSource(iam)).Jobs.Stop(t.Context(), f.job, f.build)
			require.Equal(t, []string{"ErrForbidden", "ErrOutcomeUnknown"}, answerAre(err))
			var apiErr *codeartsbuild.APIError
			require.ErrorAs(t, err, &apiErr)
			require.Equal(t, "CreateToken", apiErr.Operation)

			// The error of the login may be shared: it has no doubt of its own.
			f.Next("CreateToken", reply(403, `{"error":{"code":403,"message":"no","title":"Forbidden"}}`))
			_, err = iam.Token(t.Context())
			require.Equal(t, []string{"ErrForbidden"}, answerAre(err))
		})
	})
	t.Run("B27a a read has no doubt", func(t *testing.T) {
		t.Parallel()
		answerInBubble(t, func(t *testing.T, f *answerFlow) {
			f.Next("ShowJobBuildRecordDetail", codeartsbuildtest.DropAnswer(), reply(504, ""), reply(200, "<html>"), reply(500, ""), reply(403, ""))
			_, err := f.Client().Builds.Get(t.Context(), f.job, f.build)
			require.Equal(t, []string{"ErrForbidden"}, answerAre(err))
			require.Len(t, f.operations(), 5)
		})
	})
}

// B27b: which last answers leave open whether the request took effect.
func TestDoubtOfTheLastAnswer(t *testing.T) {
	t.Parallel()
	reply := codeartsbuildtest.Reply
	tests := map[string]struct {
		fault codeartsbuildtest.Fault
		kind  string
		doubt bool
	}{
		"B27b 502":                      {reply(502, ""), "ErrInternalServerError", true},
		"B27b 504":                      {reply(504, ""), "ErrInternalServerError", true},
		"B27b 500 without a code":       {reply(500, ""), "ErrInternalServerError", true},
		"B27b 500 with a message":       {reply(500, `{"error_msg":"oops"}`), "ErrInternalServerError", true},
		"B27b 500 with an empty code":   {reply(500, `{"error_code":"","error_msg":"oops"}`), "ErrInternalServerError", true},
		"B27b 599 without a code":       {reply(599, ""), "ErrInternalServerError", true},
		"B27b 504 from the gateway":     {reply(504, `{"error_code":"APIGW.0201","error_msg":"backend timeout"}`), "ErrInternalServerError", true},
		"B27b 502 from the gateway":     {reply(502, `{"error_code":"APIGW.0610","error_msg":"no backend"}`), "ErrInternalServerError", true},
		"B27b 2xx cut short":            {answerCut(200, `{"result":true}`), "ErrUnexpectedResponse", true},
		"B27b 2xx cut after its header": {answerCut(200, ""), "ErrUnexpectedResponse", true},
		"B27b unreadable 2xx":           {reply(200, "<html>"), "ErrUnexpectedResponse", true},
		"B27b 504 cut short":            {answerCut(504, `{"error_co`), "ErrInternalServerError", true},
		"B27b 500 with a code":          {reply(500, `{"error_code":"CB.00060101"}`), "ErrInternalServerError", false},
		"B27b 500 of a busy service":    {reply(500, `{"error_code":"CB.00060100"}`), "ErrInternalServerError", false},
		"B27b 503":                      {reply(503, ""), "ErrInternalServerError", false},
		"B27b 503 from the gateway":     {reply(503, `{"error_code":"APIGW.0613"}`), "ErrInternalServerError", false},
		"B27b 400":                      {reply(400, ""), "ErrBadRequest", false},
		"B27b 400 cut short":            {answerCut(400, `{"error_co`), "ErrBadRequest", false},
		"B27b 403":                      {reply(403, ""), "ErrForbidden", false},
		"B27b 404":                      {reply(404, ""), "ErrNotFound", false},
		"B27b 429":                      {reply(429, ""), "ErrTooManyRequests", false},
		"B27b 301":                      {reply(301, ""), "ErrUnexpectedResponse", false},
		"B27b 307":                      {codeartsbuildtest.Redirect("https://elsewhere.example.com/"), "ErrUnexpectedResponse", false},
	}
	calls := map[string]struct {
		operation string
		reads     bool
		call      func(context.Context, *answerFlow, *codeartsbuild.Client) error
	}{
		"stop": {"StopJob", false, func(ctx context.Context, f *answerFlow, c *codeartsbuild.Client) error {
			_, err := c.Jobs.Stop(ctx, f.job, f.build, answerOnce)
			return err
		}},
		"run": {"ExecuteJob", false, func(ctx context.Context, f *answerFlow, c *codeartsbuild.Client) error {
			_, err := c.Jobs.Run(ctx, f.job, nil, answerOnce)
			return err
		}},
		"any POST": {"StopJob", false, func(ctx context.Context, f *answerFlow, c *codeartsbuild.Client) error {
			return c.Do(ctx, http.MethodPost, "/v3/jobs/stop", map[string]string{"job_id": f.job, "build_no": f.build}, nil)
		}},
		"read": {"ShowJobBuildRecordDetail", true, func(ctx context.Context, f *answerFlow, c *codeartsbuild.Client) error {
			_, err := c.Builds.Get(ctx, f.job, f.build, answerOnce)
			return err
		}},
	}
	for name, tt := range tests {
		for of, call := range calls {
			t.Run(name+"/"+of, func(t *testing.T) {
				t.Parallel()
				answerInBubble(t, func(t *testing.T, f *answerFlow) {
					f.Next(call.operation, slices.Repeat([]codeartsbuildtest.Fault{tt.fault}, 5)...)
					err := call.call(t.Context(), f, f.Client())
					want := []string{tt.kind}
					if tt.doubt && !call.reads {
						want = append(want, "ErrOutcomeUnknown")
						slices.Sort(want)
					}
					require.Equal(t, want, answerAre(err), "%v", err)
					var apiErr *codeartsbuild.APIError
					require.ErrorAs(t, err, &apiErr)
				})
			})
		}
	}
}

// The calls as they are on the wire.
func TestStopOnTheWire(t *testing.T) {
	t.Parallel()
	answerInBubble(t, func(t *testing.T, f *answerFlow) {
		_, err := f.Client().Jobs.Stop(t.Context(), f.job, f.build)
		require.NoError(t, err)
		_, err = f.Client(codeartsbuild.WithStopAPI(codeartsbuild.StopAPIV1)).Jobs.Stop(t.Context(), f.job, f.build)
		require.NoError(t, err)
		requests := f.Requests()
		require.Len(t, requests, 2)
		require.Equal(t, "POST /v3/jobs/stop", requests[0].Method+" "+requests[0].Path)
		require.JSONEq(t, `{"job_id":"`+f.job+`","build_no":"1"}`, string(requests[0].Body))
		// Sources disagree on where v1 wants the number, so that it is in both places.
		require.Equal(t, "POST /v1/job/"+f.job+"/stop?build_no=1", requests[1].Method+" "+requests[1].Path)
		require.JSONEq(t, `{"build_no":1}`, string(requests[1].Body))
	})
}

// answerLog collects records.
type answerLog struct {
	slog.Handler
	mu      sync.Mutex
	records []slog.Record
}

func (l *answerLog) Enabled(context.Context, slog.Level) bool { return true }

func (l *answerLog) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r)
	return nil
}

func (l *answerLog) warnings() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var texts []string
	for _, r := range l.records {
		if r.Level >= slog.LevelWarn {
			texts = append(texts, r.Message)
		}
	}
	return texts
}

// Which call stops a build: the old one, the new one, or the new one as soon as the old one is gone.
func TestStopAPIs(t *testing.T) {
	t.Parallel()
	reply := codeartsbuildtest.Reply
	const v3, v1, auto = codeartsbuild.StopAPIV3, codeartsbuild.StopAPIV1, codeartsbuild.StopAPIAuto
	tests := map[string]struct {
		api        codeartsbuild.StopAPI
		v3, v1     []codeartsbuildtest.Fault
		operations []string
		kinds      []string // nil: stopped
		finished   bool     // with AlreadyFinished
		attempts   int
	}{
		"v3":                        {api: v3, operations: []string{"StopJob"}, attempts: 1},
		"v1":                        {api: v1, operations: []string{"StopTheJob"}, attempts: 1},
		"auto, v3 there":            {api: auto, operations: []string{"StopJob"}, attempts: 1},
		"auto, v3 gone":             {api: auto, v3: []codeartsbuildtest.Fault{reply(404, answerRetired)}, operations: []string{"StopJob", "StopTheJob"}, attempts: 2},
		"auto, v3 gone, own prefix": {api: auto, v3: []codeartsbuildtest.Fault{reply(404, strings.Replace(answerRetired, "APIGW", "APIG", 1))}, operations: []string{"StopJob", "StopTheJob"}, attempts: 2},
		"v3 gone":                   {api: v3, v3: []codeartsbuildtest.Fault{reply(404, answerRetired)}, operations: []string{"StopJob"}, kinds: []string{"ErrAPIRetired"}, attempts: 1},
		"v1 gone":                   {api: v1, v1: []codeartsbuildtest.Fault{reply(404, answerRetired)}, operations: []string{"StopTheJob"}, kinds: []string{"ErrAPIRetired"}, attempts: 1},
		"auto, both gone": {
			api: auto, v3: []codeartsbuildtest.Fault{reply(404, answerRetired)}, v1: []codeartsbuildtest.Fault{reply(404, answerRetired)},
			operations: []string{"StopJob", "StopTheJob"}, kinds: []string{"ErrAPIRetired"}, attempts: 2,
		},
		"auto, not found":             {api: auto, v3: []codeartsbuildtest.Fault{reply(404, "")}, operations: []string{"StopJob"}, kinds: []string{"ErrNotFound"}, attempts: 1},
		"auto, no such job":           {api: auto, v3: []codeartsbuildtest.Fault{reply(422, `{"error_code":"CB.00031006"}`)}, operations: []string{"StopJob"}, kinds: []string{"ErrNotFound"}, attempts: 1},
		"auto, another gateway error": {api: auto, v3: []codeartsbuildtest.Fault{reply(404, `{"error_code":"APIGW.0103"}`)}, operations: []string{"StopJob"}, kinds: []string{"ErrNotFound"}, attempts: 1},
		"auto, no method":             {api: auto, v3: []codeartsbuildtest.Fault{reply(405, "")}, operations: []string{"StopJob"}, kinds: []string{}, attempts: 1},
		"auto, gone for good":         {api: auto, v3: []codeartsbuildtest.Fault{reply(410, "")}, operations: []string{"StopJob"}, kinds: []string{}, attempts: 1},
		"auto, not stopped":           {api: auto, v3: []codeartsbuildtest.Fault{reply(200, `{"result":false}`)}, operations: []string{"StopJob"}, kinds: []string{"ErrNotStopped"}, attempts: 1},
		"auto, throttled first": {
			api: auto, v3: []codeartsbuildtest.Fault{reply(429, ""), reply(404, answerRetired)},
			operations: []string{"StopJob", "StopJob", "StopTheJob"}, attempts: 3,
		},
		"B27 auto, doubt, then gone, then finished": {
			api: auto, v3: []codeartsbuildtest.Fault{codeartsbuildtest.DropAnswer(), reply(404, answerRetired)}, v1: []codeartsbuildtest.Fault{reply(400, answerFinished)},
			operations: []string{"StopJob", "StopJob", "StopTheJob"}, finished: true, attempts: 3,
		},
		"B27 auto, gone, then finished": {
			api: auto, v3: []codeartsbuildtest.Fault{reply(404, answerRetired)}, v1: []codeartsbuildtest.Fault{reply(400, answerFinished)},
			operations: []string{"StopJob", "StopTheJob"}, kinds: []string{"ErrBuildFinished"}, attempts: 2,
		},
		"B27 auto, throttled, gone, then finished": {
			api: auto, v3: []codeartsbuildtest.Fault{reply(503, ""), reply(404, answerRetired)}, v1: []codeartsbuildtest.Fault{reply(400, answerFinished)},
			operations: []string{"StopJob", "StopJob", "StopTheJob"}, kinds: []string{"ErrBuildFinished"}, attempts: 3,
		},
		"B27 auto, gone, doubt, then finished": {
			api: auto, v3: []codeartsbuildtest.Fault{reply(404, answerRetired)}, v1: []codeartsbuildtest.Fault{reply(504, ""), reply(400, answerFinished)},
			operations: []string{"StopJob", "StopTheJob", "StopTheJob"}, finished: true, attempts: 3,
		},
		"B27a auto, doubt, then gone, then forbidden": {
			api: auto, v3: []codeartsbuildtest.Fault{reply(504, ""), reply(502, ""), reply(404, answerRetired)}, v1: []codeartsbuildtest.Fault{reply(403, "")},
			operations: []string{"StopJob", "StopJob", "StopJob", "StopTheJob"}, kinds: []string{"ErrForbidden", "ErrOutcomeUnknown"}, attempts: 4,
		},
		"B27a auto, doubt, then both gone": {
			api: auto, v3: []codeartsbuildtest.Fault{codeartsbuildtest.DropAnswer(), reply(404, answerRetired)}, v1: []codeartsbuildtest.Fault{reply(404, answerRetired)},
			operations: []string{"StopJob", "StopJob", "StopTheJob"}, kinds: []string{"ErrAPIRetired", "ErrOutcomeUnknown"}, attempts: 3,
		},
		"B27a auto, doubt, then gone, then not stopped": {
			api: auto, v3: []codeartsbuildtest.Fault{reply(200, "<html>"), reply(404, answerRetired)}, v1: []codeartsbuildtest.Fault{reply(200, `{"status":"fail"}`)},
			operations: []string{"StopJob", "StopJob", "StopTheJob"}, kinds: []string{"ErrNotStopped", "ErrOutcomeUnknown"}, attempts: 3,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answerInBubble(t, func(t *testing.T, f *answerFlow) {
				f.Next("StopJob", tt.v3...)
				f.Next("StopTheJob", tt.v1...)
				var response codeartsbuild.Response
				result, err := f.Client(codeartsbuild.WithStopAPI(tt.api)).Jobs.Stop(t.Context(), f.job, f.build, codeartsbuild.WithResponseInto(&response))
				require.Equal(t, tt.operations, f.operations())
				require.Equal(t, tt.attempts, response.Attempts)
				if tt.kinds == nil {
					require.NoError(t, err)
					require.Equal(t, &codeartsbuild.StopResult{Result: !tt.finished, AlreadyFinished: tt.finished}, result)
					return
				}
				require.Nil(t, result)
				require.Equal(t, tt.kinds, answerAre(err), "%v", err)
				var apiErr *codeartsbuild.APIError
				require.ErrorAs(t, err, &apiErr)
				require.Equal(t, tt.attempts, apiErr.Attempts)
				require.Equal(t, tt.operations[len(tt.operations)-1], apiErr.Operation)
			})
		})
	}
	t.Run("auto remembers, and says so once", func(t *testing.T) {
		t.Parallel()
		answerInBubble(t, func(t *testing.T, f *answerFlow) {
			log := &answerLog{}
			client := f.Client(codeartsbuild.WithStopAPI(auto), codeartsbuild.WithLogger(slog.New(log)))
			f.Next("StopJob", slices.Repeat([]codeartsbuildtest.Fault{reply(404, answerRetired)}, 100)...)
			var group sync.WaitGroup
			for range 20 {
				group.Go(func() {
					_, err := client.Jobs.Stop(t.Context(), f.job, f.build)
					if err != nil {
						t.Errorf("Stop: %v", err)
					}
				})
			}
			group.Wait()
			before := len(f.operations())
			_, err := client.Jobs.Stop(t.Context(), f.job, f.build)
			require.NoError(t, err)
			require.Equal(t, []string{"StopTheJob"}, f.operations()[before:])
			require.Len(t, log.warnings(), 1)
			require.Contains(t, log.warnings()[0], "StopTheJob")
		})
	})
}

// What the service has said to be over does not run, although nobody can read it.
func TestB27StopAndWaitOfABuildThatHasEndedAndCannotBeRead(t *testing.T) {
	t.Parallel()
	const ended = `{"error_code":"DEV.CB.032302","error_msg":"over"}`
	for name, stops := range map[string][]codeartsbuildtest.Fault{
		"ended before":                {codeartsbuildtest.Reply(400, ended)},
		"ended after a lost answer":   {codeartsbuildtest.DropAnswer(), codeartsbuildtest.Reply(400, ended)},
		"ended after a busy service":  {codeartsbuildtest.Reply(503, ""), codeartsbuildtest.Reply(400, ended)},
		"ended after an unclear word": {codeartsbuildtest.Reply(200, `{"result":"perhaps"}`), codeartsbuildtest.Reply(400, ended)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answerInBubble(t, func(t *testing.T, f *answerFlow) {
				f.Next("StopJob", stops...)
				f.Next("ShowJobBuildRecordDetail", slices.Repeat([]codeartsbuildtest.Fault{codeartsbuildtest.Reply(403, "")}, 5)...)
				_, err := f.Client().Jobs.StopAndWait(t.Context(), f.job, f.build)
				require.Equal(t, []string{"ErrForbidden"}, answerAre(err), "%v", err)
			})
		})
	}
}

// StopAndWait is nil only for a build that was seen to have ended.
func TestStopAndWait(t *testing.T) {
	t.Parallel()
	reply := codeartsbuildtest.Reply
	ignored := reply(200, `{"result":true}`) // accepted, and forgotten
	busy := reply(500, `{"error_code":"CB.00060101"}`)
	tests := map[string]struct {
		prepare func(*answerFlow)
		retry   codeartsbuild.RetryPolicy
		within  time.Duration // of the context's deadline; 0: none
		status  codeartsbuild.BuildStatus
		kinds   []string // nil: the build has ended
		text    []string
		took    [2]time.Duration
		reads   int // at least
	}{
		"stopped": {status: codeartsbuild.StatusAborted, took: [2]time.Duration{3 * time.Second, 6 * time.Second}, reads: 2},
		"ended before": {
			prepare: func(f *answerFlow) { f.Finish(f.job, f.build, codeartsbuild.StatusSucceeded) },
			status:  codeartsbuild.StatusSucceeded, reads: 1,
		},
		"ended by itself meanwhile": {
			prepare: func(f *answerFlow) {
				f.Next("StopJob", ignored)
				time.AfterFunc(time.Minute, func() { f.Finish(f.job, f.build, codeartsbuild.StatusFailed) })
			},
			status: codeartsbuild.StatusFailed, took: [2]time.Duration{time.Minute, 76 * time.Second}, reads: 5,
		},
		"B27 stop whose answer was lost": {
			prepare: func(f *answerFlow) { f.Next("StopJob", codeartsbuildtest.DropAnswer()) }, retry: codeartsbuild.RetryPolicy{MaxAttempts: 1},
			status: codeartsbuild.StatusAborted, took: [2]time.Duration{3 * time.Second, 6 * time.Second}, reads: 2,
		},
		"stop that is refused": {
			prepare: func(f *answerFlow) { f.Next("StopJob", reply(403, "")) },
			kinds:   []string{"ErrForbidden"},
		},
		"stop that is declined": {
			prepare: func(f *answerFlow) { f.Next("StopJob", reply(200, `{"result":false}`)) },
			kinds:   []string{"ErrNotStopped"},
		},
		"build that goes on": {
			prepare: func(f *answerFlow) { f.Next("StopJob", ignored) },
			kinds:   []string{"ErrStillRunning"}, text: []string{"running", "10m0s"}, took: [2]time.Duration{10 * time.Minute, 10 * time.Minute}, reads: 40,
		},
		"build that goes on, and a stop that nobody knows of": {
			prepare: func(f *answerFlow) { f.Next("StopJob", reply(504, "")) }, retry: codeartsbuild.RetryPolicy{MaxAttempts: 1},
			kinds: []string{"ErrOutcomeUnknown", "ErrStillRunning"}, text: []string{"running"}, took: [2]time.Duration{10 * time.Minute, 10 * time.Minute}, reads: 40,
		},
		"deadline before that": {
			prepare: func(f *answerFlow) { f.Next("StopJob", ignored) }, within: time.Minute,
			kinds: []string{"DeadlineExceeded", "ErrStillRunning"}, text: []string{"running"}, took: [2]time.Duration{time.Minute, time.Minute}, reads: 4,
		},
		"deadline after that": {
			prepare: func(f *answerFlow) {
				f.Next("StopJob", ignored)
				time.AfterFunc(20*time.Minute, func() { f.Finish(f.job, f.build, codeartsbuild.StatusFailed) })
			}, within: time.Hour,
			status: codeartsbuild.StatusFailed, took: [2]time.Duration{20 * time.Minute, 20*time.Minute + 15*time.Second}, reads: 80,
		},
		"five reads fail": {
			prepare: func(f *answerFlow) {
				f.Next("ShowJobBuildRecordDetail", busy, busy, busy, busy, busy)
			},
			kinds: []string{"ErrInternalServerError", "ErrStillRunning"}, text: []string{"CB.00060101"}, took: [2]time.Duration{8 * time.Second, time.Minute}, reads: 5,
		},
		"five reads fail after some that did not": {
			prepare: func(f *answerFlow) {
				f.Next("StopJob", ignored)
				f.Next("ShowJobBuildRecordDetail", nil, busy, busy, busy, busy, nil, busy, busy, busy, busy, busy)
			},
			kinds: []string{"ErrInternalServerError", "ErrStillRunning"}, text: []string{"running"}, took: [2]time.Duration{time.Minute, 3 * time.Minute}, reads: 11,
		},
		"B41 records of another build": {
			prepare: func(f *answerFlow) {
				f.Next("ShowJobBuildRecordDetail", slices.Repeat([]codeartsbuildtest.Fault{reply(200, `{"result":{"codeci_job_id":"`+f.job+`","build_no":2,"status":"ABORTED"},"status":"success"}`)}, 5)...)
			}, retry: codeartsbuild.RetryPolicy{MaxAttempts: 1},
			kinds: []string{"ErrStillRunning", "ErrUnexpectedResponse"}, took: [2]time.Duration{8 * time.Second, time.Minute}, reads: 5,
		},
		"Retry-After while waiting": {
			prepare: func(f *answerFlow) {
				f.Next("ShowJobBuildRecordDetail", func(http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
						w.Header().Set("Retry-After", "100")
						w.WriteHeader(http.StatusTooManyRequests)
					})
				})
			},
			status: codeartsbuild.StatusAborted, took: [2]time.Duration{100 * time.Second, 104 * time.Second}, reads: 2,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answerInBubble(t, func(t *testing.T, f *answerFlow) {
				if tt.prepare != nil {
					tt.prepare(f)
				}
				ctx := t.Context()
				if tt.within != 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.within)
					defer cancel()
				}
				started := time.Now()
				build, err := f.Client(codeartsbuild.WithRetry(tt.retry)).Jobs.StopAndWait(ctx, f.job, f.build)
				took := time.Since(started)
				require.GreaterOrEqual(t, took, tt.took[0])
				require.LessOrEqual(t, took, tt.took[1]+time.Second, "a second of pauses between attempts is fine")
				reads := slices.Index(slices.Concat(f.operations(), []string{"end"}), "ShowJobBuildRecordDetail")
				if tt.reads == 0 {
					require.Equal(t, -1, reads, "%v", f.operations())
				} else {
					require.Equal(t, 1, reads, "one stop, and then reads only")
					require.GreaterOrEqual(t, len(f.operations())-1, tt.reads)
				}
				if tt.kinds == nil {
					require.NoError(t, err)
					require.Equal(t, tt.status, build.Status)
					require.Equal(t, f.build, build.BuildNo)
					require.Equal(t, f.job, build.JobID)
					return
				}
				require.Nil(t, build)
				require.Equal(t, tt.kinds, answerAre(err), "%v", err)
				for _, text := range tt.text {
					require.ErrorContains(t, err, text)
				}
			})
		})
	}
	t.Run("the pace slows down, and starts again with a change", func(t *testing.T) {
		t.Parallel()
		answerInBubble(t, func(t *testing.T, f *answerFlow) {
			started := time.Now()
			var reads []time.Duration
			inner := f.IAMConfig().Transport
			client := f.Client(codeartsbuild.WithTransport(answerTransport(func(req *http.Request) (*http.Response, error) {
				if req.Method == http.MethodGet {
					reads = append(reads, time.Since(started))
				}
				return inner.RoundTrip(req)
			})))
			f.build = f.AddBuild(f.job, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
			f.Next("StopJob", ignored)
			time.AfterFunc(2*time.Minute, func() { f.Finish(f.job, f.build, codeartsbuild.StatusRunning) })
			time.AfterFunc(4*time.Minute, func() { f.Finish(f.job, f.build, codeartsbuild.StatusSucceeded) })
			build, err := client.Jobs.StopAndWait(t.Context(), f.job, f.build)
			require.NoError(t, err)
			require.Equal(t, codeartsbuild.StatusSucceeded, build.Status)
			changed := false
			for i := range reads[1:] {
				pause := reads[i+1] - reads[i]
				require.GreaterOrEqual(t, pause, 2*time.Second)
				require.LessOrEqual(t, pause, 15*time.Second)
				switch first := reads[i] > 2*time.Minute && !changed; {
				case i == 0 || first: // the read before the pause saw something new
					require.Less(t, pause, 3*time.Second)
					changed = changed || first
				case reads[i] > time.Minute && reads[i] < 2*time.Minute, reads[i] > 3*time.Minute:
					require.Greater(t, pause, 10*time.Second)
				}
			}
			require.True(t, changed)
		})
	})
	t.Run("B39 what is no build is refused", func(t *testing.T) {
		t.Parallel()
		answerInBubble(t, func(t *testing.T, f *answerFlow) {
			for _, number := range []string{"", "0", "20221011.29", "latest"} {
				_, err := f.Client().Jobs.StopAndWait(t.Context(), f.job, number)
				require.Equal(t, []string{"ErrInvalidArgument"}, answerAre(err))
				_, err = f.Client(codeartsbuild.WithStopAPI(codeartsbuild.StopAPIV1)).Jobs.Stop(t.Context(), f.job, number)
				require.Equal(t, []string{"ErrInvalidArgument"}, answerAre(err))
			}
			require.Empty(t, f.operations())
		})
	})
}

// B26: a run whose outcome is open is not repeated, and its documentation says how to look for the build.
func TestRunIsNotRepeated(t *testing.T) {
	t.Parallel()
	answerInBubble(t, func(t *testing.T, f *answerFlow) {
		f.Next("ExecuteJob", codeartsbuildtest.DropAnswer())
		result, err := f.Client().Jobs.Run(t.Context(), f.job, nil)
		require.Nil(t, result)
		require.Equal(t, []string{"ErrOutcomeUnknown"}, answerAre(err))
		require.Equal(t, []string{"ExecuteJob"}, f.operations())
		require.Equal(t, codeartsbuild.StatusQueued, f.Status(f.job, "2"), "the build is there")

		f.Next("ExecuteJob", codeartsbuildtest.Reply(429, ""), codeartsbuildtest.Reply(503, ""))
		result, err = f.Client().Jobs.Run(t.Context(), f.job, nil)
		require.NoError(t, err)
		require.Equal(t, "3", result.BuildNo)
		require.Equal(t, answerOperations("ExecuteJob", 4), f.operations())
	})
}
