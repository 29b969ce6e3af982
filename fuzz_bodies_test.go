package codeartsbuild

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Secrets of the fuzzed calls.
const (
	fuzzedToken    = "gAAAAABn-a-token-that-no-error-may-repeat-0123456789"
	fuzzedPassword = "the-password-of-the-fuzzed-login"
)

// exampleBodies returns the documented bodies of responses and requests.
func exampleBodies(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/examples/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var bodies [][]byte
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		bodies = append(bodies, body)
	}
	return bodies
}

// A recordedResponse is a response of a real Keystone.
type recordedResponse struct {
	status int
	header http.Header
	body   []byte
}

func recordedResponses(t testing.TB) []recordedResponse {
	t.Helper()
	files, err := filepath.Glob("testdata/iam/*.response.http")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var responses []recordedResponse
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(data)), nil)
		require.NoError(t, err)
		body, _ := io.ReadAll(resp.Body) // a response to HEAD has less than it announces
		responses = append(responses, recordedResponse{resp.StatusCode, resp.Header, body})
	}
	return responses
}

// oddBodies are bodies that other tests have found worth a look.
var oddBodies = []string{
	"", " ", "null", "true", "false", `"false"`, `""`, "{}", "[]", "0", "-", "\xef\xbb\xbf", "\xef\xbb\xbf{}", "<html><title>Log in</title>", "<", "</", "<title>", "OK",
	`{"result":true}`, `{"result":false}`, `{"result":false,"result":true}`, `{"r\u0065sult":false}`, `{"result":"FALSE"}`, `{"success":false}`, `{"status":"fail"}`, `{ "result" : false }`,
	`"{\"result\":false}"`, `"\"{\\\"result\\\":false}\""`, `{"result":{"result":false}}`, `{"a":"\"","result":false}`, `{"a\\":1,"result":false}`, `{"":false}`, `{"result":true}x`,
	`{"error_code":60200,"error_msg":"a\nb"}`, `{"error":"{\"code\":\"DEV.CB.032302\"}"}`, `{"errors":[{"code":"A.1"}]}`, `{"code":"CB.00060200"}`, `{"details":[[[[]]]]}`,
	`{"error_code":"APIGW.0308"}`, `{"error_code":"APIGW.0307"}`, `{"error_code":"CB.00060211"}`, `{"error_code":"APIGW.0101"}`, `{"error":{"code":401,"message":"m","title":"t"}}`,
	`{"error_msg":"` + fuzzedToken + `"}`, fuzzedToken, `"` + fuzzedToken + `"`, `{"error_code":"` + fuzzedToken + `"}`, "a\x1b[31m\u2028\u202e\x00b", "\xff\xfe", `{"a":"\ud800"}`, "{\"error\"\xff0}",
	`{"actual_build_number":"7"}`, `{"result":{"build_no":20.0}}`, `{"token":{"project":{"id":"p"},"expires_at":"x"}}`,
}
