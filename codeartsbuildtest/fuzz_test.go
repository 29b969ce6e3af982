package codeartsbuildtest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// replyStatuses are the statuses that the service, IAM and the gateway reply with.
var replyStatuses = []int{200, 201, 308, 400, 401, 403, 404, 413, 422}

// Every request has a reply with a documented status, in JSON unless it is a file or a redirect.
func FuzzRequests(f *testing.F) {
	s := newScene(f)
	srv, token, j := s.srv, s.token, s.job
	for i := range documented {
		op := &documented[i]
		target, body := sample(f, op, s.values(op.name))
		f.Add(op.method, target, cmp.Or(s.body(op.name), body), "", "")
	}
	job := j.id
	for _, seed := range [][3]string{
		{"POST", "/v3/auth/tokens", loginBody},
		{"POST", "/v3/auth/tokens", strings.Replace(loginBody, `["password"]`, `["password","totp"]`, 1)},
		{"POST", "/v1/job/" + job + "/stop?build_no=1", `{"build_no":1}`},
		{"POST", "/v1/job/execute", `{"job_id":"` + job + `","parameter":[{"name":"codeBranch","value":""}],"scm":{"build_tag":"t"}}`},
		{"GET", "/v1/log/" + job + "/1/real-time-log?start_offset=1&end_offset=9&size=2&sort=DESC", ""},
		{"GET", "/v1/log/" + job + "/1/analysis?offset=1&limit=2", ""},
		{"GET", "/v1/record/" + job + "/list?start_time=2026-01-01%2000:00:00&end_time=2026-01-02%2000:00:00&page_index=3&page_size=7", ""},
		{"GET", "/v1/record/" + j.buildProjectID + "/records?page=9&limit=9&branches=a,b", ""},
		{"GET", "/v1/job/list?page_index=2147483647&page_size=100&search=n", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], "", "application/json")
	}
	f.Add("GET", "/v1/job/list", "", "SDK-HMAC-SHA256 Access=a, SignedHeaders=b;;c, Signature=d", "")
	f.Add("POST", "/v2/keystore/upload", "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx\r\n--b--", "", "multipart/form-data; boundary=b")
	f.Fuzz(func(t *testing.T, method, target, body, authorization, contentType string) {
		r, err := http.NewRequest(method, memoryOrigin+"/"+strings.TrimPrefix(target, "/"), strings.NewReader(body))
		if err != nil {
			return // net/http would not send it either
		}
		if authorization == "" {
			r.Header.Set("X-Auth-Token", token)
		}
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		assert.Contains(t, replyStatuses, w.Code)
		if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
			assert.True(t, json.Valid(w.Body.Bytes()), w.Body.String())
		}
	})
}
