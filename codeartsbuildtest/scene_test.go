package codeartsbuildtest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/stretchr/testify/require"
)

// filled is a server with one build that has ended and one that runs.
func filled(t testing.TB) (srv *Server, c *caller, job *job) {
	t.Helper()
	srv = NewServer()
	id := srv.AddJob("nightly")
	start := time.Now().Add(-time.Hour)
	srv.AddBuild(id, codeartsbuild.Build{
		Branch: "master", Revision: "ffe2ee8b44a0b2683df86b44f8ec27d71baeae86", Executor: "ada",
		Trigger: codeartsbuild.TriggerManual, Status: codeartsbuild.StatusSucceeded,
		QueuedAt: start.Add(-3 * time.Second), StartedAt: start, FinishedAt: start.Add(26183 * time.Millisecond),
	})
	srv.StartBuild(id)
	srv.AppendLog(id, "1", "[2026/09/10 19:09:19.885 GMT+08:00] [ERROR] [build:mvn] : DEV.CB.0210043, no Dockerfile\n")
	return srv, newCaller(t, srv), srv.state.jobs.all()[0]
}

// window is the query of a history list that covers now.
func window() string {
	now := time.Now().In(serviceZone)
	return "?" + url.Values{
		"start_time": {now.AddDate(0, 0, -30).Format(wallClock)},
		"end_time":   {now.Format(wallClock)},
	}.Encode()
}

// A scene is a server that has something of everything.
type scene struct {
	*caller
	srv                                   *Server
	job, deleted                          *job
	group, otherGroup, template, official string
	keystore, permission                  string
}

func newScene(t testing.TB) *scene {
	t.Helper()
	srv, c, j := filled(t)
	s := &scene{caller: c, srv: srv, job: j}
	srv.AppendLog(j.id, "1", "[t] [INFO] [Maven:external_post_maven] : one\n")
	s.deleted = srv.state.addJob("deleted", j.createdAt)
	require.NoError(t, srv.state.remove(s.deleted.id, j.createdAt))

	text := func(got response, path string) string {
		require.Equal(t, 200, got.status, got.body)
		id, ok := got.value(t, path).(string)
		require.True(t, ok, got.body)
		return id
	}
	group := "/v1/job/" + codeProjectID + "/group/create"
	s.group = text(c.call("POST", group, `{"name":"a"}`), "result.0.id")
	s.otherGroup = text(c.call("POST", group, `{"name":"b","parent_id":"`+s.group+`"}`), "result.0.id")
	s.template = text(c.call("POST", "/v1/template/create", templateBody), "result.uuid")
	s.official = srv.state.official.ids[0]
	s.keystore = text(s.upload("a.jks", "secret", "for tests"), "result.keystore_id")
	s.permission = text(c.call("POST", "/v2/keystore/permission/add", `{"keystore_id":"`+s.keystore+`","user_id":"u","user_name":"ada",`+
		`"setting":false,"delete":false,"modify":false,"usage":true,"can_absent":true}`), "result")
	return s
}

const templateBody = `{"name":"custom","description":"d","tool_type":"maven","template":{"steps":[{"module_id":"m","name":"n"}]}}`

// upload uploads a file.
func (s *scene) upload(name, content, description string) response {
	s.t.Helper()
	body, contentType := multipartBody(s.t, [][3]string{{"file", name, content}, {"privacy", "", "1"}, {"description", "", description}})
	req := s.request("POST", "/v2/keystore/upload", body)
	req.Header.Set("Content-Type", contentType)
	got, err := s.try(req)
	require.NoError(s.t, err)
	return got
}

// multipartBody is a multipart body of parts with name, file name and content.
func multipartBody(t testing.TB, parts [][3]string) (body, contentType string) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for _, p := range parts {
		create := func() (io.Writer, error) { return w.CreateFormField(p[0]) }
		if p[1] != "" {
			create = func() (io.Writer, error) { return w.CreateFormFile(p[0], p[1]) }
		}
		part, err := create()
		require.NoError(t, err)
		_, err = part.Write([]byte(p[2]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.String(), w.FormDataContentType()
}

// values are the parameters with which an operation succeeds.
func (s *scene) values(operation string) map[string]string {
	values := sampleValues(s.job)
	maps.Copy(values, map[string]string{
		"job_name": "new-job", "copy_job_id": s.job.id, "arch": "arm", "role_id": "5", "notice_type": "MAIL", "keystore_id": s.keystore,
		"permission_id": s.permission, "uuid": s.template, "id": s.keystore, "name": "a.jks", "file_name": "a.jks",
		"step_id": fmt.Sprint(firstNodeID), "task_name": "stage2", "source_group_id": s.group, "target_group_id": s.otherGroup, "limit": "10",
		"page": "1", "page_size": "10", "size": "1000", "start_offset": "0", "end_offset": "0", "interval": "30",
		"group_id": s.otherGroup, "parent_id": s.group,
	})
	switch {
	case strings.HasPrefix(operation, "Stop"):
		values["build_no"] = "2"
	case strings.HasSuffix(operation, "FavouriteOfficialTemplate"):
		values["uuid"] = s.official
	case strings.HasSuffix(operation, "Group"):
		values["id"] = s.group
	case operation == "UpdateKeystorePermission":
		values["id"] = s.permission
	}
	return values
}

// bodies are those that cannot be made of the document alone.
func (s *scene) body(operation string) string {
	switch operation {
	case "BatchDeleteBuildJobs":
		return `{"job_ids":["` + s.job.id + `"]}`
	case "DeleteRecyclingJobs", "RestoreRecyclingJobs":
		return `{"job_ids":["` + s.deleted.id + `"]}`
	case "BatchUpdateJobRolePermission":
		return `{"job_ids":["` + s.job.id + `"],"permissions":[{"role_id":3,"is_view":true}]}`
	case "UpdateNewNoticeNew", "UpdateNotice":
		return `{"notice_type":"MAIL","enabled_event_type_names":["deleteJob"]}`
	case "ListBriefRecord":
		return `["` + s.job.buildProjectID + `"]`
	case "ExecuteJob", "RunJob":
		return `{"job_id":"` + s.job.id + `","parameter":[{"name":"codeBranch","value":"dev"}]}`
	case "StopTheJob":
		return `{"build_no":2}`
	}
	return ""
}

// succeed calls an operation so that it succeeds.
func (s *scene) succeed(op *operation) response {
	s.t.Helper()
	if op.multipart {
		return s.upload("b.jks", "x", "")
	}
	target, body := sample(s.t, op, s.values(op.name))
	if own := s.body(op.name); own != "" {
		body = own
	}
	got := s.call(op.method, target, body)
	require.Equal(s.t, 200, got.status, "%s %s %s: %s", op.method, target, body, got.body)
	return got
}
