package codeartsbuild_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
)

const (
	answerJob    = "48c66c6002964721be537cdc6ce0297b"
	answerRecord = "/v1/record/" + answerJob + "/20/record-info"
)

// answerToken is as long as a real one, so that no part of it may slip through where texts are cut.
var answerToken = "gAAAAABn" + strings.Repeat("4YmLkqW9-ZpR2xTv_", 40)

// answerKinds are all the kinds of errors.
var answerKinds = map[string]error{
	"ErrBadRequest":          codeartsbuild.ErrBadRequest,
	"ErrUnauthorized":        codeartsbuild.ErrUnauthorized,
	"ErrForbidden":           codeartsbuild.ErrForbidden,
	"ErrNotFound":            codeartsbuild.ErrNotFound,
	"ErrTooManyRequests":     codeartsbuild.ErrTooManyRequests,
	"ErrInternalServerError": codeartsbuild.ErrInternalServerError,
	"ErrBuildFinished":       codeartsbuild.ErrBuildFinished,
	"ErrNotStopped":          codeartsbuild.ErrNotStopped,
	"ErrAPIRetired":          codeartsbuild.ErrAPIRetired,
	"ErrNotProjectScoped":    codeartsbuild.ErrNotProjectScoped,
	"ErrUnexpectedResponse":  codeartsbuild.ErrUnexpectedResponse,
	"ErrOutcomeUnknown":      codeartsbuild.ErrOutcomeUnknown,
	"ErrInvalidArgument":     codeartsbuild.ErrInvalidArgument,
	"ErrStillRunning":        codeartsbuild.ErrStillRunning,
	"context.Canceled":       context.Canceled,
	"DeadlineExceeded":       context.DeadlineExceeded,
}

// answerAre names the kinds that an error is of.
func answerAre(err error) []string {
	kinds := []string{}
	for _, name := range slices.Sorted(maps.Keys(answerKinds)) {
		if errors.Is(err, answerKinds[name]) {
			kinds = append(kinds, name)
		}
	}
	return kinds
}

// answerClient is a client whose every request gets the answer.
func answerClient(t *testing.T, responder httpmock.Responder, opts ...codeartsbuild.ClientOption) (*codeartsbuild.Client, *httpmock.MockTransport) {
	t.Helper()
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(responder)
	client, err := codeartsbuild.NewClient(append([]codeartsbuild.ClientOption{
		codeartsbuild.WithEndpoint("https://build.example.com"),
		codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(answerToken)),
		codeartsbuild.WithTransport(mock),
	}, opts...)...)
	require.NoError(t, err)
	return client, mock
}

var answerOnce = codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 1})

// answerStop stops a build where the answer is this one, and returns the error, an *APIError or nil.
func answerStop(t *testing.T, status int, body string) *codeartsbuild.APIError {
	t.Helper()
	client, _ := answerClient(t, httpmock.NewStringResponder(status, body), answerOnce)
	_, err := client.Jobs.Stop(t.Context(), answerJob, "20")
	if err == nil {
		return nil
	}
	var apiErr *codeartsbuild.APIError
	require.ErrorAs(t, err, &apiErr)
	return apiErr
}

// B32: a success may be an error, and the other way round.
func TestErrorInsideASuccess(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body          string
		code, message string // both "": a success
		kinds         []string
	}{
		"B32 flat":                          {`{"error_code":"DEV.CB.032000","error_msg":"[project_id] parameter error"}`, "DEV.CB.032000", "[project_id] parameter error", []string{"ErrBadRequest"}},
		"B32 flat, beside a result":         {`{"result":true,"error_code":"CB.00060101","error_msg":"oops"}`, "CB.00060101", "oops", []string{"ErrInternalServerError"}},
		"B32 code only":                     {`{"error_code":"CB.00031006"}`, "CB.00031006", "", []string{"ErrNotFound"}},
		"B32 message only":                  {`{"error_msg":"no such job"}`, "", "no such job", []string{"ErrNotStopped"}},
		"B32 number":                        {`{"error_code":60200,"error_msg":"Invalid param"}`, "60200", "Invalid param", []string{"ErrNotStopped"}},
		"B32 nested":                        {`{"status":"error","error":{"code":"DEV.CB.032302","reason":"ended"}}`, "DEV.CB.032302", "ended", []string{"ErrBuildFinished"}},
		"B32 nested, failed":                {`{"status":"failed","error":{"code":"DEV.CH.10001","message":"Param invalid"}}`, "DEV.CH.10001", "Param invalid", []string{"ErrNotStopped"}},
		"B32 nested, in a string":           {`"{\"status\":\"error\",\"error\":{\"code\":\"DEV.CB.032302\",\"reason\":\"ended\"}}"`, "DEV.CB.032302", "ended", []string{"ErrBuildFinished"}},
		"B32 nested, no status":             {`{"error":{"code":"DEV.CB.032302","reason":"ended"}}`, "DEV.CB.032302", "ended", []string{"ErrBuildFinished"}},
		"B32 nested, beside a success":      {`{"result":true,"error":{"code":"DEV.CB.032302","reason":"ended"},"status":"success"}`, "DEV.CB.032302", "ended", []string{"ErrBuildFinished"}},
		"B32 status and a text":             {`{"status":"fail","error":"message","result":null}`, "", "message", []string{"ErrNotStopped"}},
		"B32 text, no status":               {`{"result":null,"error":"message"}`, "", "message", []string{"ErrNotStopped"}},
		"B32 status only":                   {`{"status":"error"}`, "", "", []string{"ErrNotStopped"}},
		"B32 status only, upper case":       {`{"status":"FAILED"}`, "", "", []string{"ErrNotStopped"}},
		"B32 throttled":                     {`{"error_code":"CB.00060211","error_msg":"too frequent"}`, "CB.00060211", "too frequent", []string{"ErrTooManyRequests"}},
		"B32 old token":                     {`{"error_code":"APIGW.0307","error_msg":"renew"}`, "APIGW.0307", "renew", []string{"ErrUnauthorized"}},
		"B32 retired":                       {`{"error_code":"APIGW.0101","error_msg":"not published"}`, "APIGW.0101", "not published", []string{"ErrAPIRetired"}},
		"B32 all is well":                   {`{"result":null,"error":null,"status":"success"}`, "", "", nil},
		"B32 all is well, empty object":     {`{"result":null,"error":{},"status":"success"}`, "", "", nil},
		"B32 all is well, empty text":       {`{"result":null,"error":"","status":"success"}`, "", "", nil},
		"B32 all is well, text in error":    {`{"result":null,"error":"error_message","status":"success"}`, "", "", nil},
		"B32 all is well, other letters":    {`{"result":null,"error":"error_message","status":"SUCCESS"}`, "", "", nil},
		"B32 all is well, no error at all":  {`{"error_code":"","error_msg":"","result":true}`, "", "", nil},
		"B32 all is well, error is nothing": {`{"error_code":null,"error_msg":null,"error":null,"result":true}`, "", "", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			apiErr := answerStop(t, http.StatusOK, tt.body)
			if tt.kinds == nil {
				require.Nil(t, apiErr)
				return
			}
			require.NotNil(t, apiErr)
			require.Equal(t, http.StatusOK, apiErr.StatusCode)
			require.Equal(t, tt.code, apiErr.ErrorCode)
			require.Equal(t, tt.message, apiErr.ErrorMsg)
			require.Equal(t, tt.kinds, answerAre(apiErr))
			require.Equal(t, tt.body, string(apiErr.Body))
		})
	}
}

// B32: no documented success is taken for an error, and every documented error is one, also with a 200.
func TestDocumentedAnswers(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/examples/*.json")
	require.NoError(t, err)
	successes, failures := 0, 0
	for _, file := range files {
		name := filepath.Base(file)
		success := strings.Contains(name, ".response") && !strings.HasPrefix(name, "iam.") && !strings.Contains(name, ".note")
		failure := strings.HasPrefix(name, "error.")
		if !success && !failure {
			continue
		}
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		if success {
			successes++
		} else {
			failures++
		}
		t.Run("B32 "+name, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				client, _ := answerClient(t, httpmock.NewBytesResponder(http.StatusOK, body), answerOnce)
				err := client.Do(t.Context(), method, "/v1/anything", nil, nil)
				if success {
					require.NoError(t, err)
					continue
				}
				var apiErr *codeartsbuild.APIError
				require.ErrorAs(t, err, &apiErr)
				require.Equal(t, http.StatusOK, apiErr.StatusCode)
				require.NotErrorIs(t, err, codeartsbuild.ErrUnexpectedResponse)
				require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
			}
		})
	}
	require.Greater(t, successes, 90)
	require.Greater(t, failures, 12)
}

// B32: a read inside whose success there is an error fails too, and leaves no doubt.
func TestErrorInsideASuccessOfARead(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"B32 flat":   `{"error_code":"CB.00031006","error_msg":"no such build"}`,
		"B32 nested": `{"result":null,"status":"error","error":{"code":"CB.00031006","reason":"no such build"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, mock := answerClient(t, httpmock.NewStringResponder(http.StatusOK, body))
			build, err := client.Builds.Get(t.Context(), answerJob, "20")
			require.Nil(t, build)
			require.Equal(t, []string{"ErrNotFound"}, answerAre(err))
			require.Equal(t, 1, mock.GetTotalCallCount())
		})
	}
}

// B33: an error that is packed into a JSON string, as the live service sends some.
func TestErrorInAString(t *testing.T) {
	t.Parallel()
	pack := func(text string) string {
		packed, err := json.Marshal(text)
		require.NoError(t, err)
		return string(packed)
	}
	const inner = `{"error":{"code":"DEV.CB.032302","reason":"The state has changed"},"status":"error"}`
	tests := map[string]struct{ body, code, message string }{
		"B33 packed":                     {pack(inner), "DEV.CB.032302", "The state has changed"},
		"B33 packed, spaces around":      {"\r\n " + pack(" "+inner+"\n") + "\n", "DEV.CB.032302", "The state has changed"},
		"B33 packed twice":               {pack(pack(inner)), "DEV.CB.032302", "The state has changed"},
		"B33 packed, byte order mark":    {"\ufeff" + pack(inner), "DEV.CB.032302", "The state has changed"},
		"B33 packed, escapes":            {`"\u007b\"error_code\":\"DEV.CB.032302\",\"error_msg\":\"\u4efb\\u52a1\"}"`, "DEV.CB.032302", "任务"},
		"B33 error packed, in an object": {`{"error":` + pack(`{"code":"DEV.CB.032302","reason":"The state has changed"}`) + `}`, "DEV.CB.032302", "The state has changed"},
		"B33 text in a string":           {`"no such job"`, "", "no such job"},
		"B33 empty string":               {`""`, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			apiErr := answerStop(t, http.StatusBadRequest, tt.body)
			require.NotNil(t, apiErr)
			require.Equal(t, tt.code, apiErr.ErrorCode)
			require.Equal(t, tt.message, apiErr.ErrorMsg)
			want := "ErrBadRequest"
			if tt.code != "" {
				want = "ErrBuildFinished"
			}
			require.Equal(t, []string{want}, answerAre(apiErr))
		})
	}
}

// B34: every form of an error gives the same error each time.
func TestFormsOfErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, code, message string }{
		"B34 documented":                   {`{"error_code":"CB.00060200","error_msg":"Invalid param"}`, "CB.00060200", "Invalid param"},
		"B34 number":                       {`{"error_code":60200,"error_msg":"Invalid param"}`, "60200", "Invalid param"},
		"B34 huge number":                  {`{"error_code":123456789012345678901234567890}`, "123456789012345678901234567890", ""},
		"B34 largest of 64 bits":           {`{"error_code":9223372036854775807}`, "9223372036854775807", ""},
		"B34 number as a message":          {`{"error_code":"A.1","error_msg":42}`, "A.1", "42"},
		"B34 code and message":             {`{"code":"CB.00060200","message":"Invalid param"}`, "CB.00060200", "Invalid param"},
		"B34 code and message of IAM":      {`{"error":{"code":401,"message":"authentication wanted","title":"Unauthorized"}}`, "401", "authentication wanted"},
		"B34 code in words":                {`{"code":"413 Request Entity Too Large","message":"too large"}`, "413 Request Entity Too Large", "too large"},
		"B34 old":                          {`{"success":false,"err_code":"CB.1","message":"no","result":null}`, "CB.1", "no"},
		"B34 nested, reason":               {`{"error":{"code":"DEV.CB.1","reason":"no"},"status":"error"}`, "DEV.CB.1", "no"},
		"B34 nested, message":              {`{"error":{"code":"DEV.CB.1","message":"no"},"status":"failed"}`, "DEV.CB.1", "no"},
		"B34 nested, error_code":           {`{"error":{"error_code":"DEV.CB.1","error_msg":"no"}}`, "DEV.CB.1", "no"},
		"B34 nested twice":                 {`{"error":{"error":{"code":"DEV.CB.1","message":"no"}}}`, "DEV.CB.1", "no"},
		"B34 list":                         {`{"errors":[{"code":"DEV.CB.1","message":"no"},{"code":"DEV.CB.2","message":"also no"}]}`, "DEV.CB.1", "no"},
		"B34 list that is an object":       {`{"errors":{"code":"DEV.CB.1","message":"no"}}`, "DEV.CB.1", "no"},
		"B34 empty list":                   {`{"errors":[],"message":"no"}`, "", "no"},
		"B34 details":                      {`{"details":[{"error_code":"DEV.CB.1","error_msg":"no"}]}`, "DEV.CB.1", "no"},
		"B34 details beside the code":      {`{"error_code":"APIGW.0302","error_msg":"denied","details":[{"error_code":"C.XXXX","error_msg":"no permission"}]}`, "APIGW.0302", "denied"},
		"B34 code only":                    {`{"error_code":"CB.00060200"}`, "CB.00060200", ""},
		"B34 message only":                 {`{"error_msg":"Invalid param"}`, "", "Invalid param"},
		"B34 error is a text":              {`{"error":"Invalid param"}`, "", "Invalid param"},
		"B34 nulls":                        {`{"error_code":null,"error_msg":null,"code":"A.1","message":"m"}`, "A.1", "m"},
		"B34 empty strings":                {`{"error_code":"","error_msg":"","code":"A.1","message":"m"}`, "A.1", "m"},
		"B34 missing half one level on":    {`{"error_code":"A.1","error":{"code":"B.2","message":"m"}}`, "A.1", "m"},
		"B34 the last of two":              {`{"error_code":"A.1","error_code":"B.2","error_msg":"m"}`, "B.2", "m"},
		"B34 bool as a code":               {`{"error_code":true,"error_msg":"m"}`, "", "m"},
		"B34 code of zero":                 {`{"error_code":0,"code":"0","error_msg":"m"}`, "", "m"},
		"B34 code of zero beside another":  {`{"error_code":"0","code":"CB.1","error_msg":"m"}`, "CB.1", "m"},
		"B34 objects where texts belong":   {`{"error_code":{"a":1},"error_msg":[1]}`, "", ""},
		"B34 lines and control characters": {`{"error_code":"A.1","error_msg":"first\r\n\tsecond\u0000\u001b[31m third\u2028fourth"}`, "A.1", "first second [31m third fourth"},
		"B34 letters of any script":        {`{"error_code":"A.1","error_msg":"任务不存在 😀"}`, "A.1", "任务不存在 😀"},
		"B34 escaped names":                {`{"\u0065rror_code":"A.1","error\u005fmsg":"m"}`, "A.1", "m"},
		"B34 list at the top":              {`[{"error_code":"A.1"}]`, "", ""},
		"B34 number at the top":            {`5`, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 5 {
				apiErr := answerStop(t, http.StatusBadRequest, tt.body)
				require.NotNil(t, apiErr)
				require.Equal(t, tt.code, apiErr.ErrorCode)
				require.Equal(t, tt.message, apiErr.ErrorMsg)
			}
		})
	}
}

// B34: which of several fields counts does not depend on where they stand.
func TestPrecedenceOfErrorFields(t *testing.T) {
	t.Parallel()
	codes := []string{`"error_code":"code-1"`, `"err_code":"code-2"`, `"code":"code-3"`, `"error":{"code":"code-4","message":"message-7"}`, `"errors":[{"code":"code-5","message":"message-8"}]`, `"details":[{"code":"code-6","message":"message-9"}]`}
	messages := []string{`"error_msg":"message-1"`, `"message":"message-2"`, `"reason":"message-3"`, `"err_msg":"message-4"`, `"title":"message-6"`}
	for first := range codes {
		for from := range messages {
			t.Run(fmt.Sprintf("B34 from code %d and message %d on", first+1, from+1), func(t *testing.T) {
				t.Parallel()
				members := slices.Concat(codes[first:], messages[from:])
				wantCode, wantMessage := fmt.Sprint("code-", first+1), fmt.Sprint("message-", from+1)
				if from == 4 {
					wantMessage = "message-6"
				}
				for range len(members) {
					members = append(members[1:], members[0])
					for _, order := range [][]string{members, answerReversed(members)} {
						apiErr := answerStop(t, http.StatusBadRequest, "{"+strings.Join(order, ",")+"}")
						require.Equal(t, wantCode, apiErr.ErrorCode)
						require.Equal(t, wantMessage, apiErr.ErrorMsg)
					}
				}
			})
		}
	}
}

func answerReversed(members []string) []string {
	reversed := slices.Clone(members)
	slices.Reverse(reversed)
	return reversed
}

// B35: what is no JSON is an error all the same, with something readable from it.
func TestErrorThatIsNoJSON(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status        int
		body, message string
		kinds         []string
	}{
		"B35 HTML":                    {403, "<!DOCTYPE html>\n<html><head><title>\n  403\tForbidden </title></head><body><h1>Nope</h1></body></html>", "403 Forbidden", []string{"ErrForbidden"}},
		"B35 HTML in capitals":        {403, "<HTML><HEAD><TITLE>Nope</TITLE></HEAD>", "Nope", []string{"ErrForbidden"}},
		"B35 HTML without a title":    {404, "<html><body><h1>Not here</h1>\n<p>nor there</p></body></html>", "Not here nor there", []string{"ErrNotFound"}},
		"B35 HTML without an end":     {404, "<html><title>never ends", "never ends", []string{"ErrNotFound"}},
		"B35 XML":                     {403, `<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`, "AccessDenied", []string{"ErrForbidden"}},
		"B35 text":                    {400, "no such\r\njob\n", "no such job", []string{"ErrBadRequest"}},
		"B35 text with colours":       {400, "\x1b[31mred\x1b[0m\x00", "[31mred [0m", []string{"ErrBadRequest"}},
		"B35 text that is no UTF-8":   {400, "caf\xe9", "caf\ufffd", []string{"ErrBadRequest"}},
		"B35 JSON that ends early":    {400, `{"error_code":"CB.000`, `{"error_code":"CB.000`, []string{"ErrBadRequest"}},
		"B35 empty":                   {404, "", "", []string{"ErrNotFound"}},
		"B35 blank":                   {404, " \r\n\t", "", []string{"ErrNotFound"}},
		"B35 empty, unknown status":   {418, "", "", []string{}},
		"B35 byte order mark, JSON":   {422, "\ufeff" + `{"error_code":"CB.00031006","error_msg":"no such job"}`, "no such job", []string{"ErrNotFound"}},
		"B35 byte order mark, text":   {400, "\ufeffno such job", "no such job", []string{"ErrBadRequest"}},
		"B35 byte order mark, HTML":   {400, "\ufeff<title>no such job</title>", "no such job", []string{"ErrBadRequest"}},
		"B35 byte order mark only":    {400, "\ufeff", "", []string{"ErrBadRequest"}},
		"B35 HTML with a 500":         {500, "<title>oops</title>", "oops", []string{"ErrInternalServerError", "ErrOutcomeUnknown"}},
		"B35 empty 502":               {502, "", "", []string{"ErrInternalServerError", "ErrOutcomeUnknown"}},
		"B35 HTML with a 200":         {200, "<html><title>Please log in</title>", "", []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"B35 text with a 200":         {200, "OK", "", []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"B35 list with a 200":         {200, "[]", "", []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"B35 number with a 200":       {200, "1", "", []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"B35 HTML in a string, 200":   {200, `"<html>"`, "", []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"B35 HTML with a 201":         {201, "<html>", "", []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"B35 redirect with nothing":   {302, "", "", []string{"ErrUnexpectedResponse"}},
		"B35 redirect with an object": {307, "{}", "", []string{"ErrUnexpectedResponse"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			apiErr := answerStop(t, tt.status, tt.body)
			require.NotNil(t, apiErr)
			require.Equal(t, tt.status, apiErr.StatusCode)
			require.Equal(t, tt.kinds, answerAre(apiErr))
			if tt.status >= 400 {
				require.Equal(t, tt.message, apiErr.ErrorMsg)
				if tt.message == "" && http.StatusText(tt.status) != "" {
					require.Contains(t, apiErr.Error(), http.StatusText(tt.status))
				}
			}
			require.Equal(t, tt.body, string(apiErr.Body))
		})
	}
	t.Run("B35 HTML with a 200, reading", func(t *testing.T) {
		t.Parallel()
		client, _ := answerClient(t, httpmock.NewStringResponder(200, "<html><title>Please log in</title>"), answerOnce)
		_, err := client.Builds.Get(t.Context(), answerJob, "20")
		require.Equal(t, []string{"ErrUnexpectedResponse"}, answerAre(err))
		require.ErrorContains(t, err, "Please log in")
	})
	t.Run("B35 a long text is cut", func(t *testing.T) {
		t.Parallel()
		for _, long := range []string{strings.Repeat("word ", 5000), strings.Repeat("字", 5000), "<p>" + strings.Repeat("word ", 5000), strings.Repeat("<p>", 5000)} {
			apiErr := answerStop(t, 400, long)
			require.LessOrEqual(t, len(apiErr.ErrorMsg), 200)
			require.LessOrEqual(t, len(apiErr.Body), 4<<10)
			require.True(t, strings.HasPrefix(long, string(apiErr.Body)))
		}
	})
}

// B6, B35: an answer that repeats the request leaves no part of the token in an error, wherever texts are
// cut.
func TestAnswerThatQuotesTheToken(t *testing.T) {
	t.Parallel()
	piece := answerToken[:24]
	quote := "X-Auth-Token: " + answerToken
	bodies := map[string]struct {
		status int
		body   string
	}{
		"B6 documented form":                    {400, `{"error_code":"CB.00060200","error_msg":"bad header ` + quote + `"}`},
		"B6 documented form, far back":          {400, `{"error_code":"CB.00060200","error_msg":"` + strings.Repeat("x", 500) + quote + `"}`},
		"B6 as a code":                          {400, `{"error_code":"` + answerToken + `"}`},
		"B6 text":                               {400, quote},
		"B6 text, far back":                     {400, strings.Repeat("x ", 70) + quote},
		"B6 HTML":                               {502, "<html><body><pre>" + quote + "</pre></body></html>"},
		"B6 title":                              {502, "<title>" + quote + "</title>"},
		"B6 text with a 200":                    {200, quote},
		"B6 across the end of the kept body":    {400, `{"error_msg":"` + strings.Repeat("x", 4<<10-200) + quote + `"}`},
		"B6 across the end of what is read":     {400, strings.Repeat("x", 64<<10-200) + quote},
		"B6 across the end of the snippet":      {400, "<p>" + strings.Repeat("<b></b>", 280) + quote},
		"B6 nothing but tokens":                 {400, strings.Repeat(answerToken+" ", 200)},
		"B6 nothing but tokens, in JSON":        {400, `{"error_msg":"` + strings.Repeat(answerToken+" ", 200) + `"}`},
		"B6 across the end of the kept success": {200, strings.Repeat("x", 4<<10-200) + quote},
	}
	for name, tt := range bodies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			apiErr := answerStop(t, tt.status, tt.body)
			require.NotNil(t, apiErr)
			for what, text := range map[string]string{
				"Error": apiErr.Error(), "ErrorMsg": apiErr.ErrorMsg, "ErrorCode": apiErr.ErrorCode, "Body": string(apiErr.Body), "%+v": fmt.Sprintf("%+v", apiErr), "%#v": fmt.Sprintf("%#v", apiErr),
			} {
				require.False(t, strings.Contains(text, piece), "%s shows the token: %.300s", what, text)
				require.False(t, strings.Contains(text, answerToken[200:224]), "%s shows a part of the token: %.300s", what, text)
			}
		})
	}
}

// B36: which sentinels an error is, all of them and no other.
func TestKindsOfErrors(t *testing.T) {
	t.Parallel()
	coded := func(code string) string { return `{"error_code":"` + code + `","error_msg":"message"}` }
	tests := map[string]struct {
		status   int
		body     string
		kinds    []string
		requests int // 0: one
	}{
		"B36 400":                            {400, coded("CB.00060200"), []string{"ErrBadRequest"}, 0},
		"B36 401":                            {401, coded("APIGW.0301"), []string{"ErrUnauthorized"}, 0},
		"B36 403":                            {403, coded("APIGW.0302"), []string{"ErrForbidden"}, 0},
		"B36 404":                            {404, coded("CB.00060214"), []string{"ErrNotFound"}, 0},
		"B36 429":                            {429, coded("APIGW.0308"), []string{"ErrTooManyRequests"}, 5},
		"B36 500":                            {500, coded("CB.00060101"), []string{"ErrInternalServerError"}, 0},
		"B36 400, unknown code":              {400, coded("CB.99999999"), []string{"ErrBadRequest"}, 0},
		"B36 401, unknown code":              {401, coded("CB.99999999"), []string{"ErrUnauthorized"}, 0},
		"B36 403, unknown code":              {403, coded("CB.99999999"), []string{"ErrForbidden"}, 0},
		"B36 404, unknown code":              {404, coded("CB.99999999"), []string{"ErrNotFound"}, 0},
		"B36 500, unknown code":              {500, coded("CB.99999999"), []string{"ErrInternalServerError"}, 0},
		"B36 400, no code":                   {400, "{}", []string{"ErrBadRequest"}, 0},
		"B36 401, no code":                   {401, "{}", []string{"ErrUnauthorized"}, 0},
		"B36 403, no code":                   {403, "{}", []string{"ErrForbidden"}, 0},
		"B36 404, no code":                   {404, "{}", []string{"ErrNotFound"}, 0},
		"B36 409":                            {409, "{}", []string{}, 0},
		"B36 501, code":                      {501, coded("CB.99999999"), []string{"ErrInternalServerError"}, 0},
		"B36 no such job, v3":                {422, coded("CB.00031006"), []string{"ErrNotFound"}, 0},
		"B36 no such job, v1":                {422, coded("DEVCB.00031006"), []string{"ErrNotFound"}, 0},
		"B36 no such job, another prefix":    {422, coded("NEW.CB.00031006"), []string{"ErrNotFound"}, 0},
		"B36 no such job, no prefix":         {422, coded("00031006"), []string{"ErrNotFound"}, 0},
		"B36 no such job, with a 500":        {500, coded("CB.00031006"), []string{"ErrNotFound"}, 0},
		"B36 longer number":                  {422, coded("CB.100031006"), []string{}, 0},
		"B36 no history":                     {403, coded("CB.00031059"), []string{"ErrNotFound"}, 0},
		"B36 not published":                  {404, coded("APIGW.0101"), []string{"ErrAPIRetired"}, 0},
		"B36 not published, own gateway":     {404, coded("APIG.0101"), []string{"ErrAPIRetired"}, 0},
		"B36 that number of somebody else's": {404, coded("CB.0101"), []string{"ErrNotFound"}, 0},
		"B36 too frequent, 400":              {400, coded("CB.00060211"), []string{"ErrTooManyRequests"}, 5},
		"B36 too frequent, 500":              {500, coded("CB.00060211"), []string{"ErrTooManyRequests"}, 5},
		"B36 too frequent, 200":              {200, coded("CB.00060211"), []string{"ErrTooManyRequests"}, 5},
		"B36 throttled, 403":                 {403, coded("APIGW.0308"), []string{"ErrTooManyRequests"}, 5},
		"B36 busy":                           {500, coded("CB.00060100"), []string{"ErrInternalServerError"}, 5},
		"B36 finished":                       {400, coded("DEV.CB.032302"), []string{"ErrBuildFinished"}, 0},
		"B36 finished, another status":       {409, coded("DEV.CB.032302"), []string{"ErrBuildFinished"}, 0},
		"B36 token, 401":                     {401, coded("APIGW.0307"), []string{"ErrUnauthorized"}, 0},
		"B36 token, 403":                     {403, coded("APIGW.0307"), []string{"ErrUnauthorized"}, 0},
		"B36 token, 400":                     {400, coded("APIG.0307"), []string{"ErrUnauthorized"}, 0},
		"B36 parameter":                      {400, coded("DEV.CB.032000"), []string{"ErrBadRequest"}, 0},
		"B36 window":                         {422, coded("CB.00031105"), []string{"ErrBadRequest"}, 0},
		"B36 numbers only":                   {401, `{"error":{"code":401,"message":"no"}}`, []string{"ErrUnauthorized"}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, mock := answerClient(t, httpmock.NewStringResponder(tt.status, tt.body).HeaderSet(http.Header{"X-Request-Id": {"7f3c"}}))
				_, err := client.Jobs.Stop(t.Context(), answerJob, "20")
				require.Equal(t, tt.kinds, answerAre(err))
				requests := max(tt.requests, 1)
				require.Equal(t, requests, mock.GetTotalCallCount())
				var apiErr *codeartsbuild.APIError
				require.ErrorAs(t, err, &apiErr)
				require.Equal(t, tt.status, apiErr.StatusCode)
				require.Equal(t, requests, apiErr.Attempts)
				require.Equal(t, "StopJob", apiErr.Operation)
				require.Equal(t, "7f3c", apiErr.RequestID)

				// A user who makes such an error for a test gets the same kinds.
				made := &codeartsbuild.APIError{StatusCode: apiErr.StatusCode, ErrorCode: apiErr.ErrorCode}
				require.Equal(t, tt.kinds, answerAre(made))
			})
		})
	}
	t.Run("B36 busy, a call that must not run twice", func(t *testing.T) {
		t.Parallel()
		client, mock := answerClient(t, httpmock.NewStringResponder(500, coded("CB.00060100")))
		_, err := client.Jobs.Run(t.Context(), answerJob, nil)
		require.Equal(t, []string{"ErrInternalServerError"}, answerAre(err))
		require.Equal(t, 1, mock.GetTotalCallCount())
	})
	t.Run("B36 not published, and what to do about it", func(t *testing.T) {
		t.Parallel()
		apiErr := answerStop(t, 404, coded("APIGW.0101"))
		require.Contains(t, apiErr.Error(), "WithStopAPI")
	})
}

// B36: the code that says that the token has to be renewed is believed whatever its status.
func TestRenewedToken(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 400, 401, 403, 500} {
		t.Run(fmt.Sprint("B36 APIGW.0307 with ", status), func(t *testing.T) {
			t.Parallel()
			tokens := 0
			source := codeartsbuild.NewCachedTokenSource(codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) {
				tokens++
				return codeartsbuild.NewToken(fmt.Sprint("token-", tokens), time.Time{}), nil
			}))
			responder := func(req *http.Request) (*http.Response, error) {
				if req.Header.Get("X-Auth-Token") == "token-1" {
					return httpmock.NewStringResponse(status, `{"error_code":"APIGW.0307","error_msg":"The token must be updated"}`), nil
				}
				return httpmock.NewStringResponse(200, `{"result":true}`), nil
			}
			client, mock := answerClient(t, responder, codeartsbuild.WithTokenSource(source), answerOnce)
			var response codeartsbuild.Response
			_, err := client.Jobs.Stop(t.Context(), answerJob, "20", codeartsbuild.WithResponseInto(&response))
			require.NoError(t, err)
			require.Equal(t, 2, tokens)
			require.Equal(t, 2, mock.GetTotalCallCount())
			require.Equal(t, 2, response.Attempts)
		})
	}
}

// The one rule of errors: an answer to the last attempt, or a part of one, makes an *APIError, and
// nothing else does.
func TestAnswerOrNoAnswer(t *testing.T) {
	t.Parallel()
	answered := httpmock.NewStringResponder(502, "bad upstream")
	lost := httpmock.NewErrorResponder(io.EOF)
	tests := map[string]struct {
		responder httpmock.Responder
		api       bool
	}{
		"answered":                {answered, true},
		"lost":                    {lost, false},
		"lost, then answered":     {lost.Then(answered), true},
		"answered, then lost":     {answered.Then(lost), false},
		"answered with a success": {httpmock.NewStringResponder(200, "<html>"), true},
	}
	for name, tt := range tests {
		t.Run("B27b "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, mock := answerClient(t, tt.responder, codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 2}))
				var response codeartsbuild.Response
				_, err := client.Jobs.Stop(t.Context(), answerJob, "20", codeartsbuild.WithResponseInto(&response))
				var apiErr *codeartsbuild.APIError
				require.Equal(t, tt.api, errors.As(err, &apiErr))
				require.ErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
				require.Equal(t, 2, mock.GetTotalCallCount())
				require.Equal(t, 2, response.Attempts)
				require.Equal(t, tt.api, response.StatusCode != 0)
				if tt.api {
					require.Equal(t, 2, apiErr.Attempts)
				}
			})
		})
	}
}

// An error is one line below 1 KiB, whatever the service and the caller put into it.
func TestTextOfAnErrorMadeByHand(t *testing.T) {
	t.Parallel()
	require.EqualError(t, &codeartsbuild.APIError{StatusCode: 404}, "codeartsbuild: Not Found (404)")
	require.Empty(t, answerAre(&codeartsbuild.APIError{}), "it has no kind")
	require.EqualError(t, &codeartsbuild.APIError{Operation: "StopJob", StatusCode: 400, ErrorCode: "DEV.CB.032302", ErrorMsg: "over"},
		"codeartsbuild: StopJob: over (400 DEV.CB.032302)")
}

func TestTextsOfErrors(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long\n", 1000)
	nasty := errors.New("first line\nsecond line " + long)
	script := func(status int, body string) codeartsbuild.ClientOption {
		mock := httpmock.NewMockTransport()
		mock.RegisterNoResponder(func(*http.Request) (*http.Response, error) {
			resp := httpmock.NewStringResponse(status, body)
			resp.Header.Set("X-Request-Id", long)
			resp.Header.Set("Retry-After", "20")
			return resp, nil
		})
		return codeartsbuild.WithTransport(mock)
	}
	everything := `{"error_code":` + answerQuoted(long) + `,"error_msg":` + answerQuoted(long) + `}`
	tests := map[string]struct {
		transport codeartsbuild.ClientOption
		call      func(context.Context, *codeartsbuild.Client) error
	}{
		"B21 everything is long": {script(400, everything), func(ctx context.Context, c *codeartsbuild.Client) error {
			return c.Do(ctx, "POST", "/"+strings.Repeat("path/", 1000), nil, nil)
		}},
		"B21 everything is long, and doubtful": {script(502, everything), func(ctx context.Context, c *codeartsbuild.Client) error {
			return c.Do(ctx, "POST", "/"+strings.Repeat("path/", 1000), nil, nil)
		}},
		"B21 cancelled with a long cause in a pause": {script(503, everything), func(ctx context.Context, c *codeartsbuild.Client) error {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Second, func() { cancel(nasty) })
			_, err := c.Jobs.Stop(ctx, answerJob, "20")
			return err
		}},
		"B21 cancelled with a long cause while polling": {script(503, everything), func(ctx context.Context, c *codeartsbuild.Client) error {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Second, func() { cancel(nasty) })
			_, err := c.Jobs.StopAndWait(ctx, answerJob, "20")
			return err
		}},
		"B21 a long failure of the token source": {codeartsbuild.WithTokenSource(codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) {
			return nil, nasty
		})), func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Jobs.Stop(ctx, answerJob, "20")
			return err
		}},
		"B21 a long failure of the transport": {codeartsbuild.WithTransport(answerTransport(func(*http.Request) (*http.Response, error) {
			return nil, nasty
		})), func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Jobs.Run(ctx, answerJob, nil)
			return err
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, _ := answerClient(t, nil, tt.transport)
				err := tt.call(t.Context(), client)
				require.Error(t, err)
				require.Less(t, len(err.Error()), 1<<10)
				require.NotContains(t, err.Error(), "\n")
			})
		})
	}
}

type answerTransport func(*http.Request) (*http.Response, error)

func (f answerTransport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func answerQuoted(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}
