package compat_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	vendor "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/codeartsbuild/v3"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/codeartsbuild/v3/model"
)

// A build as the vendor's client names it: the first of its job, with its record.
type build struct {
	job, project, buildProject, record string
}

// reads are the vendor's calls that only read, and what their decoded response has for the running build,
// written as JSON with {job} for the id of its job. Two calls that the service has are missing, since the
// client cannot read the documented examples of their responses: DownloadBuildRealTimeLog (its offsets are
// numbers there, texts in the type) and ShowBuildInfoRecord (its build number is a text there, a number in
// the type).
var reads = map[string]struct {
	call func(client *vendor.CodeArtsBuildClient, b build) (fmt.Stringer, error)
	want string
}{
	"ListJob": {func(client *vendor.CodeArtsBuildClient, _ build) (fmt.Stringer, error) {
		return client.ListJob(&model.ListJobRequest{})
	}, `"id":"{job}"`},
	"ListProjectJobs": {func(client *vendor.CodeArtsBuildClient, b build) (fmt.Stringer, error) {
		return client.ListProjectJobs(&model.ListProjectJobsRequest{ProjectId: b.project, PageSize: 10})
	}, `"id":"{job}"`},
	"ShowJobInfo": {func(client *vendor.CodeArtsBuildClient, b build) (fmt.Stringer, error) {
		return client.ShowJobInfo(&model.ShowJobInfoRequest{JobId: b.job})
	}, `"job_name":"nightly"`},
	"ShowJobStatus": {func(client *vendor.CodeArtsBuildClient, b build) (fmt.Stringer, error) {
		return client.ShowJobStatus(&model.ShowJobStatusRequest{JobId: b.job})
	}, `"result":true`},
	"ShowRunningStatus": {func(client *vendor.CodeArtsBuildClient, b build) (fmt.Stringer, error) {
		return client.ShowRunningStatus(&model.ShowRunningStatusRequest{JobId: b.job})
	}, `"is_running":true`},
	"ShowBuildDetails": {func(client *vendor.CodeArtsBuildClient, b build) (fmt.Stringer, error) {
		return client.ShowBuildDetails(&model.ShowBuildDetailsRequest{JobId: b.job, BuildNo: 1})
	}, `"building":true`},
	"ListRecords": {func(client *vendor.CodeArtsBuildClient, b build) (fmt.Stringer, error) {
		return client.ListRecords(&model.ListRecordsRequest{BuildProjectId: b.buildProject})
	}, `"build_no":"1"`},
	"ListBuildInfoRecordByJobId": {func(client *vendor.CodeArtsBuildClient, b build) (fmt.Stringer, error) {
		// A day either side, since the service reads both as its own wall clock.
		from, to := time.Now().AddDate(0, 0, -1), time.Now().AddDate(0, 0, 1)
		return client.ListBuildInfoRecordByJobId(&model.ListBuildInfoRecordByJobIdRequest{
			JobId: b.job, StartTime: from.Format(time.DateTime), EndTime: to.Format(time.DateTime),
		})
	}, `"number":1`},
	"ShowBuildRecord": {func(client *vendor.CodeArtsBuildClient, b build) (fmt.Stringer, error) {
		return client.ShowBuildRecord(&model.ShowBuildRecordRequest{RecordId: b.record})
	}, `"status":"RUNNING"`},
}

func TestVendorClientReads(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	id, secret := s.AccessKey()
	client := s.client(t, id, secret)
	record := waitForRecord(t, client, s.job, "RUNNING")
	b := build{s.job, value(record.DevcloudProjectId), value(record.BuildProjectId), value(record.BuildRecordId)}

	for operation, read := range reads {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			response, err := read.call(client, b)
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.ReplaceAll(read.want, "{job}", b.job); !strings.Contains(response.String(), want) {
				t.Errorf("the response is %s, want it to have %s", response, want)
			}
		})
	}
}

func TestVendorClientDownloadsLog(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.AppendLog(s.job, s.build, "compiling\ndone\n")
	id, secret := s.AccessKey()
	client := s.client(t, id, secret)
	record := waitForRecord(t, client, s.job, "RUNNING")

	response, err := client.DownloadBuildFullLog(&model.DownloadBuildFullLogRequest{RecordId: value(record.BuildRecordId)})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || string(text) != "compiling\ndone\n" {
		t.Errorf("log %q, %v, want the two lines", text, err)
	}
}

func TestVendorClientStartsBuild(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	id, secret := s.AccessKey()
	client := s.client(t, id, secret)

	response, err := client.ExecuteJob(&model.ExecuteJobRequest{Body: &model.RunJobRequestBody{JobId: s.job}})
	if err != nil || value(response.ActualBuildNumber) != "2" {
		t.Errorf("ExecuteJob: %v, %v, want build number 2", response, err)
	}
}
