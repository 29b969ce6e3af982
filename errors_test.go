package codeartsbuild_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// stopError stops a build whose service responds in this way, and returns the error.
func stopError(t *testing.T, status int, body string) *codeartsbuild.APIError {
	t.Helper()
	client := sdktest.Client(t, httpfake.Script(httpfake.Reply(status, body)), sdktest.Once)
	return sdktest.APIError(t, sdktest.Stop(t.Context(), client))
}

// B32: an error inside a 200 is an error; a success may carry an empty one.
func TestErrorInsideSuccess(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body          string
		code, message string // both "": a success
		kinds         []string
	}{
		"flat":                         {body: `{"error_code":"DEV.CB.032000","error_msg":"[project_id] parameter error"}`, code: "DEV.CB.032000", message: "[project_id] parameter error", kinds: []string{"ErrBadRequest"}},
		"flat, beside a result":        {body: `{"result":true,"error_code":"CB.00060101","error_msg":"oops"}`, code: "CB.00060101", message: "oops", kinds: []string{"ErrInternalServerError"}},
		"code only":                    {body: `{"error_code":"CB.00031006"}`, code: "CB.00031006", kinds: []string{"ErrNotFound"}},
		"message only":                 {body: `{"error_msg":"no such job"}`, message: "no such job", kinds: []string{"ErrNotStopped"}},
		"number":                       {body: `{"error_code":60200,"error_msg":"Invalid param"}`, code: "60200", message: "Invalid param", kinds: []string{"ErrNotStopped"}},
		"nested":                       {body: `{"status":"error","error":{"code":"DEV.CB.032302","reason":"ended"}}`, code: "DEV.CB.032302", message: "ended", kinds: []string{"ErrBuildFinished"}},
		"nested, failed":               {body: `{"status":"failed","error":{"code":"DEV.CH.10001","message":"Param invalid"}}`, code: "DEV.CH.10001", message: "Param invalid", kinds: []string{"ErrNotStopped"}},
		"nested, in a string":          {body: `"{\"status\":\"error\",\"error\":{\"code\":\"DEV.CB.032302\",\"reason\":\"ended\"}}"`, code: "DEV.CB.032302", message: "ended", kinds: []string{"ErrBuildFinished"}},
		"nested, no status":            {body: `{"error":{"code":"DEV.CB.032302","reason":"ended"}}`, code: "DEV.CB.032302", message: "ended", kinds: []string{"ErrBuildFinished"}},
		"nested, beside a success":     {body: `{"result":true,"error":{"code":"DEV.CB.032302","reason":"ended"},"status":"success"}`, code: "DEV.CB.032302", message: "ended", kinds: []string{"ErrBuildFinished"}},
		"status and a text":            {body: `{"status":"fail","error":"message","result":null}`, message: "message", kinds: []string{"ErrNotStopped"}},
		"text, no status":              {body: `{"result":null,"error":"message"}`, message: "message", kinds: []string{"ErrNotStopped"}},
		"status only":                  {body: `{"status":"error"}`, kinds: []string{"ErrNotStopped"}},
		"status only, upper case":      {body: `{"status":"FAILED"}`, kinds: []string{"ErrNotStopped"}},
		"throttled":                    {body: `{"error_code":"CB.00060211","error_msg":"too frequent"}`, code: "CB.00060211", message: "too frequent", kinds: []string{"ErrTooManyRequests"}},
		"old token":                    {body: `{"error_code":"APIGW.0307","error_msg":"renew"}`, code: "APIGW.0307", message: "renew", kinds: []string{"ErrUnauthorized"}},
		"retired":                      {body: `{"error_code":"APIGW.0101","error_msg":"not published"}`, code: "APIGW.0101", message: "not published", kinds: []string{"ErrAPIRetired"}},
		"all is well":                  {body: `{"result":null,"error":null,"status":"success"}`},
		"all is well, empty object":    {body: `{"result":null,"error":{},"status":"success"}`},
		"all is well, empty text":      {body: `{"result":null,"error":"","status":"success"}`},
		"all is well, text in error":   {body: `{"result":null,"error":"error_message","status":"success"}`},
		"all is well, other letters":   {body: `{"result":null,"error":"error_message","status":"SUCCESS"}`},
		"all is well, no error at all": {body: `{"error_code":"","error_msg":"","result":true}`},
		"all is well, error is null":   {body: `{"error_code":null,"error_msg":null,"error":null,"result":true}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := sdktest.Stop(t.Context(), sdktest.Client(t, httpfake.Script(httpfake.Reply(200, tt.body)), sdktest.Once))
			if tt.kinds == nil {
				require.NoError(t, err)
				return
			}
			apiErr := sdktest.APIError(t, err)
			require.Equal(t, http.StatusOK, apiErr.StatusCode)
			require.Equal(t, tt.code, apiErr.ErrorCode)
			require.Equal(t, tt.message, apiErr.ErrorMsg)
			require.Equal(t, tt.kinds, sdktest.Kinds(apiErr))
			require.Equal(t, tt.body, string(apiErr.Body))
		})
	}
}

// B32: no documented success is taken for an error, and every documented error is one, also with a 200.
func TestDocumentedResponses(t *testing.T) {
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
		t.Run(""+name, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				client := sdktest.Client(t, httpfake.Script(httpfake.Reply(http.StatusOK, string(body))), sdktest.Once)
				err := client.Do(t.Context(), method, "/v1/anything", nil, nil)
				if success {
					require.NoError(t, err)
					continue
				}
				apiErr := sdktest.APIError(t, err)
				require.Equal(t, http.StatusOK, apiErr.StatusCode)
				require.NotErrorIs(t, err, codeartsbuild.ErrUnexpectedResponse)
				require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
			}
		})
	}
	require.Greater(t, successes, 90)
	require.Greater(t, failures, 12)
}

// B32: an error inside the 200 of a read is an error too. The outcome of a read is never unknown.
func TestErrorInsideSuccessOfRead(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"flat":   `{"error_code":"CB.00031006","error_msg":"no such build"}`,
		"nested": `{"result":null,"status":"error","error":{"code":"CB.00031006","reason":"no such build"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(http.StatusOK, body))
			client := sdktest.Client(t, transport)
			build, err := client.Builds.Get(t.Context(), sdktest.JobID, "20")
			require.Nil(t, build)
			require.Equal(t, []string{"ErrNotFound"}, sdktest.Kinds(err))
			require.Equal(t, 1, transport.Count())
		})
	}
}

// B33: an error that is packed into a JSON string, as the live service sends some.
func TestErrorInString(t *testing.T) {
	t.Parallel()
	pack := func(text string) string {
		packed, err := json.Marshal(text)
		require.NoError(t, err)
		return string(packed)
	}
	const inner = `{"error":{"code":"DEV.CB.032302","reason":"The state has changed"},"status":"error"}`
	tests := map[string]struct{ body, code, message string }{
		"packed":                     {body: pack(inner), code: "DEV.CB.032302", message: "The state has changed"},
		"packed, spaces around":      {body: "\r\n " + pack(" "+inner+"\n") + "\n", code: "DEV.CB.032302", message: "The state has changed"},
		"packed twice":               {body: pack(pack(inner)), code: "DEV.CB.032302", message: "The state has changed"},
		"packed, byte order mark":    {body: "\ufeff" + pack(inner), code: "DEV.CB.032302", message: "The state has changed"},
		"packed, escapes":            {body: `"\u007b\"error_code\":\"DEV.CB.032302\",\"error_msg\":\"\u4efb\\u52a1\"}"`, code: "DEV.CB.032302", message: "任务"},
		"error packed, in an object": {body: `{"error":` + pack(`{"code":"DEV.CB.032302","reason":"The state has changed"}`) + `}`, code: "DEV.CB.032302", message: "The state has changed"},
		"text in a string":           {body: `"no such job"`, message: "no such job"},
		"empty string":               {body: `""`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			apiErr := stopError(t, http.StatusBadRequest, tt.body)
			require.Equal(t, tt.code, apiErr.ErrorCode)
			require.Equal(t, tt.message, apiErr.ErrorMsg)
			want := "ErrBadRequest"
			if tt.code != "" {
				want = "ErrBuildFinished"
			}
			require.Equal(t, []string{want}, sdktest.Kinds(apiErr))
		})
	}
}

// B34: every form of an error gives the same error each time.
func TestFormsOfErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, code, message string }{
		"documented":                   {body: `{"error_code":"CB.00060200","error_msg":"Invalid param"}`, code: "CB.00060200", message: "Invalid param"},
		"number":                       {body: `{"error_code":60200,"error_msg":"Invalid param"}`, code: "60200", message: "Invalid param"},
		"huge number":                  {body: `{"error_code":123456789012345678901234567890}`, code: "123456789012345678901234567890"},
		"largest of 64 bits":           {body: `{"error_code":9223372036854775807}`, code: "9223372036854775807"},
		"number as a message":          {body: `{"error_code":"A.1","error_msg":42}`, code: "A.1", message: "42"},
		"code and message":             {body: `{"code":"CB.00060200","message":"Invalid param"}`, code: "CB.00060200", message: "Invalid param"},
		"code and message of IAM":      {body: `{"error":{"code":401,"message":"authentication wanted","title":"Unauthorized"}}`, code: "401", message: "authentication wanted"},
		"code in words":                {body: `{"code":"413 Request Entity Too Large","message":"too large"}`, code: "413 Request Entity Too Large", message: "too large"},
		"old":                          {body: `{"success":false,"err_code":"CB.1","message":"no","result":null}`, code: "CB.1", message: "no"},
		"nested, reason":               {body: `{"error":{"code":"DEV.CB.1","reason":"no"},"status":"error"}`, code: "DEV.CB.1", message: "no"},
		"nested, message":              {body: `{"error":{"code":"DEV.CB.1","message":"no"},"status":"failed"}`, code: "DEV.CB.1", message: "no"},
		"nested, error_code":           {body: `{"error":{"error_code":"DEV.CB.1","error_msg":"no"}}`, code: "DEV.CB.1", message: "no"},
		"nested twice":                 {body: `{"error":{"error":{"code":"DEV.CB.1","message":"no"}}}`, code: "DEV.CB.1", message: "no"},
		"list":                         {body: `{"errors":[{"code":"DEV.CB.1","message":"no"},{"code":"DEV.CB.2","message":"also no"}]}`, code: "DEV.CB.1", message: "no"},
		"list that is an object":       {body: `{"errors":{"code":"DEV.CB.1","message":"no"}}`, code: "DEV.CB.1", message: "no"},
		"empty list":                   {body: `{"errors":[],"message":"no"}`, message: "no"},
		"details":                      {body: `{"details":[{"error_code":"DEV.CB.1","error_msg":"no"}]}`, code: "DEV.CB.1", message: "no"},
		"details beside the code":      {body: `{"error_code":"APIGW.0302","error_msg":"denied","details":[{"error_code":"C.XXXX","error_msg":"no permission"}]}`, code: "APIGW.0302", message: "denied"},
		"code only":                    {body: `{"error_code":"CB.00060200"}`, code: "CB.00060200"},
		"message only":                 {body: `{"error_msg":"Invalid param"}`, message: "Invalid param"},
		"error is a text":              {body: `{"error":"Invalid param"}`, message: "Invalid param"},
		"nulls":                        {body: `{"error_code":null,"error_msg":null,"code":"A.1","message":"m"}`, code: "A.1", message: "m"},
		"empty strings":                {body: `{"error_code":"","error_msg":"","code":"A.1","message":"m"}`, code: "A.1", message: "m"},
		"missing half one level on":    {body: `{"error_code":"A.1","error":{"code":"B.2","message":"m"}}`, code: "A.1", message: "m"},
		"the last of two":              {body: `{"error_code":"A.1","error_code":"B.2","error_msg":"m"}`, code: "B.2", message: "m"},
		"bool as a code":               {body: `{"error_code":true,"error_msg":"m"}`, message: "m"},
		"code of zero":                 {body: `{"error_code":0,"code":"0","error_msg":"m"}`, message: "m"},
		"code of zero beside another":  {body: `{"error_code":"0","code":"CB.1","error_msg":"m"}`, code: "CB.1", message: "m"},
		"objects where texts belong":   {body: `{"error_code":{"a":1},"error_msg":[1]}`},
		"lines and control characters": {body: `{"error_code":"A.1","error_msg":"first\r\n\tsecond\u0000\u001b[31m third\u2028fourth"}`, code: "A.1", message: "first second [31m third fourth"},
		"letters of any script":        {body: `{"error_code":"A.1","error_msg":"任务不存在 😀"}`, code: "A.1", message: "任务不存在 😀"},
		"escaped names":                {body: `{"\u0065rror_code":"A.1","error\u005fmsg":"m"}`, code: "A.1", message: "m"},
		"list at the top":              {body: `[{"error_code":"A.1"}]`},
		"number at the top":            {body: `5`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 5 {
				apiErr := stopError(t, http.StatusBadRequest, tt.body)
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
			t.Run(fmt.Sprintf("from code %d and message %d on", first+1, from+1), func(t *testing.T) {
				t.Parallel()
				members := slices.Concat(codes[first:], messages[from:])
				wantCode, wantMessage := fmt.Sprint("code-", first+1), fmt.Sprint("message-", from+1)
				if from == 4 {
					wantMessage = "message-6"
				}
				for range len(members) {
					members = append(members[1:], members[0])
					for _, order := range [][]string{members, reversed(members)} {
						apiErr := stopError(t, http.StatusBadRequest, "{"+strings.Join(order, ",")+"}")
						require.Equal(t, wantCode, apiErr.ErrorCode)
						require.Equal(t, wantMessage, apiErr.ErrorMsg)
					}
				}
			})
		}
	}
}

func reversed(members []string) []string {
	reversed := slices.Clone(members)
	slices.Reverse(reversed)
	return reversed
}

// B35: an error body that is not JSON gives an error too, with a readable part of it.
func TestErrorNotJSON(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status        int
		body, message string
		kinds         []string
	}{
		"HTML":                    {status: 403, body: "<!DOCTYPE html>\n<html><head><title>\n  403\tForbidden </title></head><body><h1>Nope</h1></body></html>", message: "403 Forbidden", kinds: []string{"ErrForbidden"}},
		"HTML in capitals":        {status: 403, body: "<HTML><HEAD><TITLE>Nope</TITLE></HEAD>", message: "Nope", kinds: []string{"ErrForbidden"}},
		"HTML without a title":    {status: 404, body: "<html><body><h1>Not here</h1>\n<p>nor there</p></body></html>", message: "Not here nor there", kinds: []string{"ErrNotFound"}},
		"HTML without an end":     {status: 404, body: "<html><title>never ends", message: "never ends", kinds: []string{"ErrNotFound"}},
		"XML":                     {status: 403, body: `<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`, message: "AccessDenied", kinds: []string{"ErrForbidden"}},
		"text":                    {status: 400, body: "no such\r\njob\n", message: "no such job", kinds: []string{"ErrBadRequest"}},
		"text with colours":       {status: 400, body: "\x1b[31mred\x1b[0m\x00", message: "[31mred [0m", kinds: []string{"ErrBadRequest"}},
		"text that is not UTF-8":  {status: 400, body: "caf\xe9", message: "caf\ufffd", kinds: []string{"ErrBadRequest"}},
		"JSON that ends early":    {status: 400, body: `{"error_code":"CB.000`, message: `{"error_code":"CB.000`, kinds: []string{"ErrBadRequest"}},
		"empty":                   {status: 404, kinds: []string{"ErrNotFound"}},
		"blank":                   {status: 404, body: " \r\n\t", kinds: []string{"ErrNotFound"}},
		"empty, unknown status":   {status: 418, kinds: []string{}},
		"byte order mark, JSON":   {status: 422, body: "\ufeff" + `{"error_code":"CB.00031006","error_msg":"no such job"}`, message: "no such job", kinds: []string{"ErrNotFound"}},
		"byte order mark, text":   {status: 400, body: "\ufeffno such job", message: "no such job", kinds: []string{"ErrBadRequest"}},
		"byte order mark, HTML":   {status: 400, body: "\ufeff<title>no such job</title>", message: "no such job", kinds: []string{"ErrBadRequest"}},
		"byte order mark only":    {status: 400, body: "\ufeff", kinds: []string{"ErrBadRequest"}},
		"HTML with a 500":         {status: 500, body: "<title>oops</title>", message: "oops", kinds: []string{"ErrInternalServerError", "ErrOutcomeUnknown"}},
		"empty 502":               {status: 502, kinds: []string{"ErrInternalServerError", "ErrOutcomeUnknown"}},
		"HTML with a 200":         {status: 200, body: "<html><title>Please log in</title>", kinds: []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"text with a 200":         {status: 200, body: "OK", kinds: []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"list with a 200":         {status: 200, body: "[]", kinds: []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"number with a 200":       {status: 200, body: "1", kinds: []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"HTML in a string, 200":   {status: 200, body: `"<html>"`, kinds: []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"HTML with a 201":         {status: 201, body: "<html>", kinds: []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
		"redirect with nothing":   {status: 302, kinds: []string{"ErrUnexpectedResponse"}},
		"redirect with an object": {status: 307, body: "{}", kinds: []string{"ErrUnexpectedResponse"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			apiErr := stopError(t, tt.status, tt.body)
			require.Equal(t, tt.status, apiErr.StatusCode)
			require.Equal(t, tt.kinds, sdktest.Kinds(apiErr))
			if tt.status >= 400 {
				require.Equal(t, tt.message, apiErr.ErrorMsg)
				if tt.message == "" && http.StatusText(tt.status) != "" {
					require.Contains(t, apiErr.Error(), http.StatusText(tt.status))
				}
			}
			require.Equal(t, tt.body, string(apiErr.Body))
		})
	}
	t.Run("HTML with a 200, reading", func(t *testing.T) {
		t.Parallel()
		client := sdktest.Client(t, httpfake.Script(httpfake.Reply(200, "<html><title>Please log in</title>")), sdktest.Once)
		_, err := client.Builds.Get(t.Context(), sdktest.JobID, "20")
		require.Equal(t, []string{"ErrUnexpectedResponse"}, sdktest.Kinds(err))
		require.ErrorContains(t, err, "Please log in")
	})
	t.Run("a long text is cut", func(t *testing.T) {
		t.Parallel()
		for _, long := range []string{strings.Repeat("word ", 5000), strings.Repeat("字", 5000), "<p>" + strings.Repeat("word ", 5000), strings.Repeat("<p>", 5000)} {
			apiErr := stopError(t, 400, long)
			require.LessOrEqual(t, len(apiErr.ErrorMsg), 200)
			require.LessOrEqual(t, len(apiErr.Body), 4<<10)
			require.True(t, strings.HasPrefix(long, string(apiErr.Body)))
		}
	})
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
		"400":                              {status: 400, body: coded("CB.00060200"), kinds: []string{"ErrBadRequest"}},
		"401":                              {status: 401, body: coded("APIGW.0301"), kinds: []string{"ErrUnauthorized"}},
		"403":                              {status: 403, body: coded("APIGW.0302"), kinds: []string{"ErrForbidden"}},
		"404":                              {status: 404, body: coded("CB.00060214"), kinds: []string{"ErrNotFound"}},
		"429":                              {status: 429, body: coded("APIGW.0308"), kinds: []string{"ErrTooManyRequests"}, requests: 5},
		"500":                              {status: 500, body: coded("CB.00060101"), kinds: []string{"ErrInternalServerError"}},
		"400, unknown code":                {status: 400, body: coded("CB.99999999"), kinds: []string{"ErrBadRequest"}},
		"401, unknown code":                {status: 401, body: coded("CB.99999999"), kinds: []string{"ErrUnauthorized"}},
		"403, unknown code":                {status: 403, body: coded("CB.99999999"), kinds: []string{"ErrForbidden"}},
		"404, unknown code":                {status: 404, body: coded("CB.99999999"), kinds: []string{"ErrNotFound"}},
		"500, unknown code":                {status: 500, body: coded("CB.99999999"), kinds: []string{"ErrInternalServerError"}},
		"400, no code":                     {status: 400, body: "{}", kinds: []string{"ErrBadRequest"}},
		"401, no code":                     {status: 401, body: "{}", kinds: []string{"ErrUnauthorized"}},
		"403, no code":                     {status: 403, body: "{}", kinds: []string{"ErrForbidden"}},
		"404, no code":                     {status: 404, body: "{}", kinds: []string{"ErrNotFound"}},
		"409":                              {status: 409, body: "{}", kinds: []string{}},
		"501, code":                        {status: 501, body: coded("CB.99999999"), kinds: []string{"ErrInternalServerError"}},
		"no such job, v3":                  {status: 422, body: coded("CB.00031006"), kinds: []string{"ErrNotFound"}},
		"no such job, v1":                  {status: 422, body: coded("DEVCB.00031006"), kinds: []string{"ErrNotFound"}},
		"no such job, another prefix":      {status: 422, body: coded("NEW.CB.00031006"), kinds: []string{"ErrNotFound"}},
		"no such job, no prefix":           {status: 422, body: coded("00031006"), kinds: []string{"ErrNotFound"}},
		"no such job, with a 500":          {status: 500, body: coded("CB.00031006"), kinds: []string{"ErrNotFound"}},
		"longer number":                    {status: 422, body: coded("CB.100031006"), kinds: []string{}},
		"no history":                       {status: 403, body: coded("CB.00031059"), kinds: []string{"ErrNotFound"}},
		"not published":                    {status: 404, body: coded("APIGW.0101"), kinds: []string{"ErrAPIRetired"}},
		"not published, own gateway":       {status: 404, body: coded("APIG.0101"), kinds: []string{"ErrAPIRetired"}},
		"the same number, not a gateway's": {status: 404, body: coded("CB.0101"), kinds: []string{"ErrNotFound"}},
		"too frequent, 400":                {status: 400, body: coded("CB.00060211"), kinds: []string{"ErrTooManyRequests"}, requests: 5},
		"too frequent, 500":                {status: 500, body: coded("CB.00060211"), kinds: []string{"ErrTooManyRequests"}, requests: 5},
		"too frequent, 200":                {status: 200, body: coded("CB.00060211"), kinds: []string{"ErrTooManyRequests"}, requests: 5},
		"throttled, 403":                   {status: 403, body: coded("APIGW.0308"), kinds: []string{"ErrTooManyRequests"}, requests: 5},
		"busy":                             {status: 500, body: coded("CB.00060100"), kinds: []string{"ErrInternalServerError"}, requests: 5},
		"finished":                         {status: 400, body: coded("DEV.CB.032302"), kinds: []string{"ErrBuildFinished"}},
		"finished, another status":         {status: 409, body: coded("DEV.CB.032302"), kinds: []string{"ErrBuildFinished"}},
		"token, 401":                       {status: 401, body: coded("APIGW.0307"), kinds: []string{"ErrUnauthorized"}},
		"token, 403":                       {status: 403, body: coded("APIGW.0307"), kinds: []string{"ErrUnauthorized"}},
		"token, 400":                       {status: 400, body: coded("APIG.0307"), kinds: []string{"ErrUnauthorized"}},
		"parameter":                        {status: 400, body: coded("DEV.CB.032000"), kinds: []string{"ErrBadRequest"}},
		"window":                           {status: 422, body: coded("CB.00031105"), kinds: []string{"ErrBadRequest"}},
		"numbers only":                     {status: 401, body: `{"error":{"code":401,"message":"no"}}`, kinds: []string{"ErrUnauthorized"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := httpfake.Script(httpfake.Reply(tt.status, tt.body, "X-Request-Id", "7f3c"))
				client := sdktest.Client(t, transport)
				err := sdktest.Stop(t.Context(), client)
				require.Equal(t, tt.kinds, sdktest.Kinds(err))
				requests := max(tt.requests, 1)
				require.Equal(t, requests, transport.Count())
				apiErr := sdktest.APIError(t, err)
				require.Equal(t, tt.status, apiErr.StatusCode)
				require.Equal(t, requests, apiErr.Attempts)
				require.Equal(t, "StopJob", apiErr.Operation)
				require.Equal(t, "7f3c", apiErr.RequestID)

				// A user who makes such an error for a test gets the same kinds.
				made := &codeartsbuild.APIError{StatusCode: apiErr.StatusCode, ErrorCode: apiErr.ErrorCode}
				require.Equal(t, tt.kinds, sdktest.Kinds(made))
			})
		})
	}
	t.Run("busy, a call that must run once", func(t *testing.T) {
		t.Parallel()
		transport := httpfake.Script(httpfake.Reply(500, coded("CB.00060100")))
		client := sdktest.Client(t, transport)
		_, err := client.Jobs.Run(t.Context(), sdktest.JobID, nil)
		require.Equal(t, []string{"ErrInternalServerError"}, sdktest.Kinds(err))
		require.Equal(t, 1, transport.Count())
	})
	t.Run("not published: the text names the option", func(t *testing.T) {
		t.Parallel()
		apiErr := stopError(t, 404, coded("APIGW.0101"))
		require.Contains(t, apiErr.Error(), "WithStopAPI")
	})
}

// B36: the code for a token that must be renewed counts under any status.
func TestTokenRenewalCode(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 400, 401, 403, 500} {
		t.Run(fmt.Sprint("APIGW.0307 with ", status), func(t *testing.T) {
			t.Parallel()
			tokens := 0
			source := codeartsbuild.NewCachedTokenSource(codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) {
				tokens++
				return codeartsbuild.NewToken(fmt.Sprint("token-", tokens), time.Time{}), nil
			}))
			transport := httpfake.Record(httpfake.Func(func(req *http.Request) (*http.Response, error) {
				if req.Header.Get("X-Auth-Token") == "token-1" {
					return httpfake.Reply(status, `{"error_code":"APIGW.0307","error_msg":"The token must be updated"}`)(req)
				}
				return httpfake.Reply(200, `{"result":true}`)(req)
			}))
			client := sdktest.Client(t, transport, codeartsbuild.WithTokenSource(source), sdktest.Once)
			var response codeartsbuild.Response
			err := sdktest.Stop(t.Context(), client, codeartsbuild.WithResponseInto(&response))
			require.NoError(t, err)
			require.Equal(t, 2, tokens)
			require.Equal(t, 2, transport.Count())
			require.Equal(t, 2, response.Attempts)
		})
	}
}

// B27b: the one rule of errors: a response to the last attempt, or a part of one, makes an *APIError, and nothing
// else does.
func TestAPIErrorMeansResponse(t *testing.T) {
	t.Parallel()
	badGateway := httpfake.Reply(502, "bad upstream")
	tests := map[string]struct {
		steps []httpfake.Func
		api   bool
	}{
		"response":                {[]httpfake.Func{badGateway}, true},
		"lost":                    {[]httpfake.Func{httpfake.Lost}, false},
		"lost, then a response":   {[]httpfake.Func{httpfake.Lost, badGateway}, true},
		"response, then lost":     {[]httpfake.Func{badGateway, httpfake.Lost}, false},
		"response like a success": {[]httpfake.Func{httpfake.Reply(200, "<html>")}, true},
	}
	for name, tt := range tests {
		t.Run(""+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := httpfake.Script(tt.steps...)
				client := sdktest.Client(t, transport, codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 2}))
				var response codeartsbuild.Response
				err := sdktest.Stop(t.Context(), client, codeartsbuild.WithResponseInto(&response))
				var apiErr *codeartsbuild.APIError
				require.Equal(t, tt.api, errors.As(err, &apiErr))
				require.ErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
				require.Equal(t, 2, transport.Count())
				require.Equal(t, 2, response.Attempts)
				require.Equal(t, tt.api, response.StatusCode != 0)
				if tt.api {
					require.Equal(t, 2, apiErr.Attempts)
				}
			})
		})
	}
}

// B91: a code of 0, a bool or the status itself is not a code. A code of the service's own counts under any
// status.
func TestCodesWithoutMeaning(t *testing.T) {
	t.Parallel()
	thrice := codeartsbuild.WithRetry(codeartsbuild.RetryPolicy{MaxAttempts: 3, MinDelay: 1, MaxDelay: 1})
	unclear := []string{"ErrInternalServerError", "ErrOutcomeUnknown"}
	tests := map[string]struct {
		status   int
		body     string
		kinds    []string
		requests int
	}{
		"500, code of 0":               {500, `{"error_code":0}`, unclear, 3},
		"500, code of 0 in a string":   {500, `{"error_code":"0","error_msg":"oops"}`, unclear, 3},
		"500, code of false":           {500, `{"code":false}`, unclear, 3},
		"500, code of true":            {500, `{"error_code":true}`, unclear, 3},
		"500, the status again":        {500, `{"code":500,"message":"Internal Server Error"}`, unclear, 3},
		"500, the status in a string":  {500, `{"error":{"code":"500"}}`, unclear, 3},
		"505, the status again":        {505, `{"code":505}`, unclear, 3},
		"502, build finished":          {502, `{"error_code":"DEV.CB.032302"}`, []string{"ErrBuildFinished"}, 1},
		"504, build finished":          {504, `{"error_code":"DEV.CB.032302"}`, []string{"ErrBuildFinished"}, 1},
		"504, build finished, as live": {504, finishedBody, []string{"ErrBuildFinished"}, 1},
		"504, the gateway's code":      {504, `{"error_code":"APIGW.0201"}`, unclear, 3},
		"502, an unknown code":         {502, `{"error_code":"CB.99999999"}`, unclear, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(tt.status, tt.body))
			require.Equal(t, tt.kinds, sdktest.Kinds(sdktest.Stop(t.Context(), sdktest.Client(t, transport, thrice))))
			require.Equal(t, tt.requests, transport.Count())
		})
	}
}
