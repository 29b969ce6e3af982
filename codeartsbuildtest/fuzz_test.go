package codeartsbuildtest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Whatever arrives is answered, and in JSON unless it is a log or a redirect.
func FuzzRequests(f *testing.F) {
	srv := NewServer()
	job := srv.AddJob("nightly")
	srv.AppendLog(job, srv.StartBuild(job), "[t] [ERROR] [build:mvn] : 日志 DEV.CB.1\n")
	token := newCaller(f, srv).token
	for _, seed := range [][3]string{
		{"POST", "/v3/auth/tokens", loginBody},
		{"POST", "/v3/auth/tokens", strings.Replace(loginBody, `["password"]`, `["password","totp"]`, 1)},
		{"POST", "/v3/jobs/stop", `{"job_id":"` + job + `","build_no":"1"}`},
		{"POST", "/v1/job/" + job + "/stop?build_no=1", `{"build_no":1}`},
		{"POST", "/v1/job/execute", `{"job_id":"` + job + `","parameter":[{"name":"codeBranch"}],"scm":{"build_tag":"t"}}`},
		{"GET", "/v1/log/" + job + "/1/real-time-log?start_offset=1&end_offset=9&size=2", ""},
		{"GET", "/v1/log/" + job + "/1/analysis?offset=1&limit=2", ""},
		{"GET", "/v1/record/" + job + "/list?start_time=2026-01-01%2000:00:00&end_time=2026-01-02%2000:00:00&page_index=3&page_size=7", ""},
		{"GET", "/v1/record/" + srv.jobs[0].buildProjectID + "/records?page=9&limit=9&branches=a,b", ""},
		{"GET", "/v1/job/list?page_index=2147483647&page_size=100&search=n", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], "")
	}
	f.Add("GET", "/v1/job/list", "", "SDK-HMAC-SHA256 Access=a, SignedHeaders=b;;c, Signature=d")
	f.Fuzz(func(t *testing.T, method, target, body, authorization string) {
		r, err := http.NewRequest(method, memoryOrigin+"/"+strings.TrimPrefix(target, "/"), strings.NewReader(body))
		if err != nil {
			return // net/http would not send it either
		}
		if authorization == "" {
			r.Header.Set("X-Auth-Token", token)
		}
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		assert.GreaterOrEqual(t, w.Code, 200)
		if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
			assert.True(t, json.Valid(w.Body.Bytes()), w.Body.String())
		}
	})
}
