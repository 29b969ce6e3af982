package codeartsbuildtest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// rejected are requests that are not as documented, and the beginning of the message behind "Invalid parameter: ".
// {job} stands for the id of a job.
var rejected = map[string]struct{ request, body, message string }{
	"unknown parameter":            {"GET /v1/job/list?pagesize=10", "", "pagesize is not documented"},
	"parameter in another case":    {"GET /v1/job/list?Page_size=10", "", "Page_size is not documented"},
	"path parameter in the query":  {"GET /v1/job/{job}/info?job_id={job}", "", "job_id is not documented"},
	"parameter given twice":        {"GET /v1/job/list?search=a&search=b", "", "search is given more than once"},
	"query that cannot be read":    {"GET /v1/job/list?search=a;b", "", "query cannot be read"},
	"number that is a text":        {"GET /v1/job/list?page_index=x", "", "page_index must be a number from 0 to 999999999"},
	"number that has a fraction":   {"GET /v1/job/list?page_index=1.0", "", "page_index must be a number"},
	"number below the range":       {"GET /v1/job/list?page_size=0", "", "page_size must be a number from 1 to 100"},
	"number above the range":       {"GET /v1/job/list?page_size=101", "", "page_size must be a number from 1 to 100"},
	"number above 32 bits":         {"GET /v1/log/{job}/2147483648/analysis", "", "build_no must be a number"},
	"number in the path":           {"GET /v1/record/{job}/x/record-info", "", "build_no must be a number from 1"},
	"number 0 in the path":         {"GET /v1/record/{job}/0/record-info", "", "build_no must be a number from 1"},
	"bool that is a number":        {"GET /v1/job/{project}/list?by_group=1", "", "by_group must be true or false"},
	"word outside the enumeration": {"GET /v1/job/list?sort_order=asc", "", "sort_order must be one of ASC, DESC"},
	"disputed parameter":           {"GET /v1/job/recycling-jobs?page_index=-1", "", "page_index must be a number from 0"},
	"number that is a text there":  {"GET /v1/template/officialtemplates?page_size=101", "", "page_size must be a number from 0 to 100"},
	"order of a log":               {"GET /v1/log/{job}/1/real-time-log?size=1000&sort=asc", "", "sort must be one of AES, DESC"},
	"size of a log":                {"GET /v1/log/{job}/1/real-time-log?size=-1", "", "size must be a number from 0"},
	"missing parameter":            {"GET /v1/log/{job}/1/real-time-log", "", "size is missing"},
	"empty parameter":              {"GET /v1/job/check/exist?project_id={project}&job_name=", "", "job_name is missing"},
	"text that is too long":        {"GET /v1/job/check/exist?project_id={project}&job_name=" + strings.Repeat("x", 116), "", "job_name must have 1 to 115 characters"},
	"text that is not UTF-8":       {"GET /v1/job/list?search=%ff", "", "search must be UTF-8"},
	"text outside the pattern":     {"GET /v1/report/branches?job_id={job}&repository_name=%E4%B8%AD", "", "repository_name must match"},
	"time in another form":         {"GET /v1/record/{job}/list?start_time=2026-01-01T00:00:00Z&end_time=2026-01-02%2000:00:00", "", "start_time must have the form"},
	"date in another form":         {"GET /v3/jobs/{job}/success-ratio?start_time=2026-1-1&end_time=2026-01-02", "", "start_time must have the form"},

	"no body":                      {"POST /v3/jobs/stop", "", "PARSE_REQUEST_DATA_EXCEPTION"},
	"blank body":                   {"POST /v3/jobs/stop", " \n", "PARSE_REQUEST_DATA_EXCEPTION"},
	"broken body":                  {"POST /v3/jobs/stop", "{", "PARSE_REQUEST_DATA_EXCEPTION"},
	"two bodies":                   {"POST /v3/jobs/stop", "{}{}", "PARSE_REQUEST_DATA_EXCEPTION"},
	"body that is a list":          {"POST /v3/jobs/stop", "[]", "PARSE_REQUEST_DATA_EXCEPTION"},
	"body that is null":            {"POST /v3/jobs/stop", "null", "PARSE_REQUEST_DATA_EXCEPTION"},
	"body that is not UTF-8":       {"POST /v3/jobs/stop", "{\"job_id\":\"\xff\",\"build_no\":\"1\"}", "PARSE_REQUEST_DATA_EXCEPTION"},
	"body where none is":           {"GET /v1/job/list", `{"a":1}`, "body is not documented"},
	"unknown member":               {"POST /v3/jobs/stop", `{"job_id":"{job}","build_no":"1","x":1}`, "x is not documented"},
	"unknown member that is null":  {"POST /v3/jobs/stop", `{"job_id":"{job}","build_no":"1","x":null}`, "x is not documented"},
	"member in another case":       {"POST /v3/jobs/stop", `{"Job_id":"{job}","build_no":"1"}`, "job_id is missing"},
	"missing member":               {"POST /v3/jobs/stop", `{"job_id":"{job}"}`, "build_no is missing"},
	"member that is null":          {"POST /v3/jobs/stop", `{"job_id":"{job}","build_no":null}`, "build_no is missing"},
	"text that is a number":        {"POST /v3/jobs/stop", `{"job_id":1,"build_no":"1"}`, "job_id must be of type string"},
	"number that is a text inside": {"POST /v1/job/keep-time", `{"keep_time":"7"}`, "keep_time must be of type int32"},
	"number with a fraction":       {"POST /v1/job/keep-time", `{"keep_time":7.5}`, "keep_time must be of type int32"},
	"number that is too large":     {"POST /v1/job/keep-time", `{"keep_time":2147483648}`, "keep_time must be of type int32"},
	"number that is too small":     {"POST /v1/job/{job}/stop", `{"build_no":0}`, "build_no must be at least 1"},
	"bool that is a text":          {"POST /v1/job/{job}/disable", `{"disabled":"true","reason":""}`, "disabled must be of type bool"},
	"unknown member of a member":   {"POST /v1/job/execute", `{"job_id":"{job}","scm":{"tag":"v1"}}`, "scm.tag is not documented"},
	"unknown member in a list":     {"POST /v1/job/execute", `{"job_id":"{job}","parameter":[{"name":"a","value":"b"},{"name":"a","value":"b","c":""}]}`, "parameter[1].c is not documented"},
	"missing member in a list":     {"POST /v1/job/execute", `{"job_id":"{job}","parameter":[{"name":"a"}]}`, "parameter[0].value is missing"},
	"list that is an object":       {"POST /v1/job/execute", `{"job_id":"{job}","parameter":{"a":"b"}}`, "parameter must be a list"},
	"object that is a text":        {"POST /v1/job/execute", `{"job_id":"{job}","scm":"main"}`, "scm must be an object"},
	"word outside its enumeration": {"PUT /v1/job/role-permission", `{"job_id":"{job}","permission_name":"is_root"}`, "permission_name must be one of"},
	"list of numbers":              {"POST /v1/record/brief?limit=1", `[1]`, "[0] must be of type string"},
	"object in place of a list":    {"POST /v1/record/brief?limit=1", `{}`, "body must be a list"},
	"wrong type in what is kept":   {"POST /v1/job/create", `{"arch":"arm","project_id":"{project}","job_name":"a","steps":[{"name":1,"module_id":"m"}]}`, "steps[0].name must be of type string"},
	"map that is a text":           {"POST /v1/job/create", `{"arch":"arm","project_id":"{project}","job_name":"a","steps":[{"name":"a","module_id":"m","properties":"x"}]}`, "steps[0].properties must be an object"},
	"missing in what is kept":      {"POST /v1/job/create", `{"arch":"arm","project_id":"{project}","job_name":"a","steps":[{"name":"a"}]}`, "steps[0].module_id is missing"},
	"no form":                      {"POST /v2/keystore/upload", `{}`, "Content-Type must be multipart/form-data"},
}

func TestRequestsThatAreNotAsDocumented(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	srv.StartBuild(job)
	fill := strings.NewReplacer("{job}", job, "{project}", srv.ProjectID())
	for name, tt := range rejected {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method, target, _ := strings.Cut(fill.Replace(tt.request), " ")
			got := c.call(method, target, fill.Replace(tt.body))
			assert.Equal(t, 400, got.status, got.body)
			assert.Equal(t, "CB.00060200", got.value(t, "error_code"))
			assert.Contains(t, got.value(t, "error_msg"), "Invalid parameter: "+tt.message)
		})
	}
}

func TestContentTypeOfABody(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	for contentType, want := range map[string]int{
		"": 200, "application/json": 200, "application/json;charset=UTF-8": 200, "Application/JSON": 200, "text/plain": 400, ";": 400,
	} {
		req := c.request("POST", "/v1/job/execute", `{"job_id":"`+job+`"}`)
		req.Header.Set("Content-Type", contentType)
		got, err := c.try(req)
		assert.NoError(t, err)
		assert.Equal(t, want, got.status, contentType)
	}
}

// The credential is checked first: an error tells nothing to a stranger.
func TestCredentialIsCheckedBeforeParameters(t *testing.T) {
	t.Parallel()
	c := newCaller(t, NewServer())
	c.token = ""
	assert.Equal(t, "APIGW.0301", c.get("/v1/job/list?x=1").value(t, "error_code"))
	assert.Equal(t, "APIGW.0101", c.get("/v1/nothing?x=1").value(t, "error_code"))
}

func TestDisputedParametersAreTakenInEachForm(t *testing.T) {
	t.Parallel()
	srv := NewServer()
	c := newCaller(t, srv)
	job := srv.AddJob("nightly")
	for request, body := range map[string]string{
		"POST /v1/job/" + job + "/stop":                               `{"build_no":"1"}`,
		"POST /v1/job/" + job + "/stop?build_no=1":                    ``,
		"POST /v1/job/" + job + "/stop?build_no=01":                   `{"build_no":"01"}`,
		"POST /v3/jobs/stop":                                          `{"job_id":"` + job + `","build_no":1}`,
		"GET /v1/job/recycling-jobs?page_no=1&page_size=10":           ``,
		"GET /v1/job/recycling-jobs?page_index=0&page_size=10":        ``,
		"POST /v1/template/create":                                    `{"name":"a","template":{"steps":[{"moduleId":"m"}]}}`,
		"GET /v1/job/list?page_index=&page_size=&search=&sort_order=": ``,
	} {
		srv.StartBuild(job)
		method, target, _ := strings.Cut(request, " ")
		got := c.call(method, target, body)
		assert.Equal(t, 200, got.status, request+" "+got.body)
	}
}

func TestPlacesInMessages(t *testing.T) {
	t.Parallel()
	for place, want := range map[string]string{
		"a": "a", "a[0].b": "a[].b", "a[12].b[3]": "a[].b[]", "a1.b2": "a1.b2", "": "",
	} {
		assert.Equal(t, want, withoutIndexes(place))
	}
}
