package loosejson_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

// A page is a plain struct for the payload of ListBuildInfoRecordByJobId. encoding/json reads it too.
type page struct {
	Result struct {
		Rows  []row  `json:"job_build_states"`
		Total string `json:"total_record"`
	} `json:"result"`
	Status string `json:"status"`
}

type row struct {
	Number    int    `json:"number"`
	State     string `json:"state"`
	Running   string `json:"job_running_status"`
	Branch    string `json:"code_branch"`
	CommitID  string `json:"commit_id"`
	Trigger   string `json:"trigger_type"`
	Executor  string `json:"executor"`
	UserID    string `json:"user_id"`
	StartTime int64  `json:"start_time"`
	CostTime  int64  `json:"cost_time"`
}

// pageOfBuilds returns a page of 100 builds with the 18 members of the documented example.
func pageOfBuilds() []byte {
	var rows []string
	for i := range 100 {
		rows = append(rows, fmt.Sprintf(`{"build_time":3525%03d,"build_type":"branch","code_branch":"master",`+
			`"commit_detail_url":"/c/%[1]d","commit_id":"ffe2ee8b44a0b2683df86b44f8ec27d71bae%04[1]d",`+
			`"commit_info":null,"cost_time":3525%03[1]d,"daily_build_number":"20231226.%[1]d","executor":"test","job_running_status":"Finished",`+
			`"nickname":"021","number":%[1]d,"scm_type":"codehub","scm_web_url":"/r","start_time":1703554%03[1]d000,`+
			`"state":"SUCCESS","trigger_type":"Manual","user_id":"ae22fd035f354cfa8d82a3f1c8940446"}`, i))
	}
	return []byte(`{"error":null,"result":{"health_score":"0","job_build_states":[` + strings.Join(rows, ",") +
		`],"page_index":"0","total_page":"1","total_record":"100"},"status":"success"}`)
}

// Both readers decode into the same struct. encoding/json checks that its input is valid, so the other one
// does too.
func BenchmarkPage(b *testing.B) {
	data := pageOfBuilds()
	b.Run("loosejson", func(b *testing.B) { benchmarkPage(b, data, validThenLoose) })
	b.Run("encodingjson", func(b *testing.B) { benchmarkPage(b, data, json.Unmarshal) })
}

func validThenLoose(data []byte, out any) error {
	if !json.Valid(data) {
		return errors.New("the data must be valid JSON")
	}
	return loosejson.Unmarshal(data, out)
}

func benchmarkPage(b *testing.B, data []byte, unmarshal func([]byte, any) error) {
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var out page
		if err := unmarshal(data, &out); err != nil {
			b.Fatal(err)
		}
	}
}

func TestPageIsReadAsByEncodingJSON(t *testing.T) {
	t.Parallel()
	var got, want page
	require.NoError(t, loosejson.Unmarshal(pageOfBuilds(), &got))
	require.NoError(t, json.Unmarshal(pageOfBuilds(), &want))
	require.Equal(t, want, got)
	require.Len(t, got.Result.Rows, 100)
}

// The documented example of the page.
func TestDocumentedPage(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../testdata/examples/ListBuildInfoRecordByJobId.response.json")
	require.NoError(t, err)
	var got page
	require.NoError(t, loosejson.Unmarshal(data, &got))
	require.Equal(t, "44", got.Result.Total)
	require.Equal(t, []row{{
		Number: 44, State: "SUCCESS", Running: "Finished", Branch: "master", CommitID: "ffe2ee8b44a0b2683df86b44f8ec27d71baeae86",
		Trigger: "Manual", Executor: "test", UserID: "ae22fd035f354cfa8d82a3f1c8940446", StartTime: 1703554641000, CostTime: 3525000,
	}}, got.Result.Rows)
}
