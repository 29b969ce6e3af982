package codeartsbuild_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

const (
	configRequest = "GET /v1/job/" + jobID + "/config?get_all_params=true"
	madeJob       = `db8467d972cc47f7a1bd2a3a3e77596a`
)

// jobConfig reads a configuration from JSON.
func jobConfig(t testing.TB, text string) *codeartsbuild.JobConfig {
	t.Helper()
	config := new(codeartsbuild.JobConfig)
	require.NoError(t, json.Unmarshal([]byte(documentedJSON(t, text)), config))
	return config
}

// fullConfig has every documented member, at every level.
const fullConfig = `{"project_id":"` + projectID + `","job_name":"nightly","description":"d","group_id":"g","arch":"arm","host_type":"devcloud","flavor":"2u8g",
"build_config_type":"YAML","source_code":"codeci","agency_urn":"urn","auto_update_sub_module":"true","build_if_code_updated":true,
"parameters":[{"name":"hudson.model.StringParameterDefinition","params":[{"name":"name","value":"v","limits":[{"disable":"0","display_name":"One","name":"1"}]}]}],
"scms":[{"branch":"b","url":"u","repo_id":"1","web_url":"w","scm_type":"codehub","is_auto_build":true,"enable_git_lfs":true,"build_type":"tag","depth":"1","end_point_id":"e",
"source":"s","group_name":"g","repo_name":"r"}],
"steps":[{"properties":{"image":"jdk17"},"module_id":"m","name":"Maven","version":"20231001.6","enable":false}],
"triggers":[{"name":"hudson.triggers.TimerTrigger","parameters":[{"name":"spec","value":"18 15 * * 1"}]}],
"timeout":{"limit":"240","unit":"m"},"resource_limit":{"cpu":"2","memory":"4096"}}`

func TestConfigurationsReadAndWritten(t *testing.T) {
	t.Parallel()
	disabled, enabled := false, true
	setting := func(name, value string) codeartsbuild.JobParameterSetting {
		return codeartsbuild.JobParameterSetting{Name: name, Value: value}
	}
	read := func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return s.Config(ctx, jobID) }
	example := jobConfig(t, "CreateNewJob.request")
	copied := *jobConfig(t, "CopyJob.request")
	copied.Extra = nil // the job that is copied is an argument
	updated := *jobConfig(t, "UpdateNewJob.request")
	updated.Extra = nil
	testJobCalls(t, map[string]jobCall{
		"read": {
			read, configRequest, "", "ShowJobConfig.response",
			&codeartsbuild.JobConfig{
				ProjectID: "a287e712be6c404ca26e5f69040fa12b", Name: "oychap213i2", Arch: codeartsbuild.JobArchX86, HostType: "devcloud", Flavor: "2u8g",
				Parameters: []codeartsbuild.JobParameter{{Kind: stringParameter, Settings: []codeartsbuild.JobParameterSetting{
					setting("name", "codeBranch"), setting("type", "normalparam"), setting("defaultValue", "master"),
					setting("description", "Code branch, predefined parameters"), setting("deletion", "false"), setting("defaults", "true"),
					setting("staticVar", "false"), setting("sensitiveVar", "false"),
				}}},
				Sources: []codeartsbuild.JobSource{{
					URL: "git@example.invalid:soso-test00001/an.git", WebURL: "https://example.invalid/codehub/2111746211/home", Type: "codehub",
					RepositoryID: "2111746211", Branch: "master", BuildType: codeartsbuild.JobBuildBranch, Depth: "1",
				}},
			},
		},
		"read with all that is documented": {
			read, configRequest, "", `{"result":` + fullConfig + `,"status":"success"}`,
			&codeartsbuild.JobConfig{
				ProjectID: projectID, Name: "nightly", Description: "d", GroupID: "g", Arch: codeartsbuild.JobArchARM, HostType: "devcloud", Flavor: "2u8g",
				ConfigType: codeartsbuild.JobConfigYAML, SourceCode: "codeci", AgencyURN: "urn", AutoUpdateSubmodules: true, BuildOnPush: &enabled,
				Parameters: []codeartsbuild.JobParameter{{Kind: stringParameter, Settings: []codeartsbuild.JobParameterSetting{{
					Name: "name", Value: "v", Limits: []codeartsbuild.JobParameterLimit{{Value: "1", DisplayName: "One", Disable: "0"}},
				}}}},
				Sources: []codeartsbuild.JobSource{{
					URL: "u", WebURL: "w", Type: "codehub", RepositoryID: "1", RepositoryName: "r", GroupName: "g", Branch: "b", BuildType: codeartsbuild.JobBuildTag,
					Depth: "1", EndpointID: "e", Source: "s", AutoBuild: true, GitLFS: true,
				}},
				Steps: []codeartsbuild.JobStep{{
					ModuleID: "m", Name: "Maven", Version: "20231001.6", Enable: &disabled, Properties: map[string]json.RawMessage{"image": json.RawMessage(`"jdk17"`)},
				}},
				Triggers: []codeartsbuild.JobTrigger{{
					Kind: "hudson.triggers.TimerTrigger", Settings: []codeartsbuild.JobTriggerSetting{{Name: "spec", Value: "18 15 * * 1"}},
				}},
				Timeout:       codeartsbuild.JobTimeout{Limit: "240", Unit: "m"},
				ResourceLimit: codeartsbuild.JobResourceLimit{CPU: "2", Memory: "4096"},
			},
		},
		"created": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return s.Create(ctx, jobConfig(t, fullConfig))
			},
			"POST /v1/job/create", fullConfig, "CreateNewJob.response", madeJob,
		},
		"created from little": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return s.Create(ctx, &codeartsbuild.JobConfig{ProjectID: projectID, Name: "n", Arch: codeartsbuild.JobArchX86})
			},
			"POST /v1/job/create", `{"project_id":"` + projectID + `","job_name":"n","arch":"x86-64","auto_update_sub_module":"false","steps":[]}`, "CreateNewJob.response", madeJob,
		},
		"created as in the example": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) { return s.Create(ctx, example) },
			"POST /v1/job/create", withLFS(t, "CreateNewJob.request"), "CreateNewJob.response", madeJob,
		},
		"copied": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return s.Copy(ctx, madeJob, &copied)
			},
			"POST /v1/job/copy", withLFS(t, "CopyJob.request"), "CopyJob.response", madeJob,
		},
		"updated": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return done(s.Update(ctx, madeJob, &updated))
			},
			"POST /v1/job/update", withLFS(t, "UpdateNewJob.request"), "UpdateNewJob.response", nil,
		},
		"updated, with the job id of another": {
			func(ctx context.Context, s *codeartsbuild.JobsService) (any, error) {
				return done(s.Update(ctx, jobID, jobConfig(t, `{"job_id":"`+otherJob+`","job_name":"n"}`)))
			},
			"POST /v1/job/update", `{"job_id":"` + jobID + `","job_name":"n","auto_update_sub_module":"false","steps":[]}`, "UpdateNewJob.response", nil,
		},
	})
}

// withLFS adds to an example what this package always says of a repository. The examples have no properties either,
// which are null there.
func withLFS(t testing.TB, example string) string {
	t.Helper()
	var request map[string]any
	require.NoError(t, json.Unmarshal([]byte(documentedJSON(t, example)), &request))
	request["scms"].([]any)[0].(map[string]any)["enable_git_lfs"] = false
	delete(request["steps"].([]any)[0].(map[string]any), "properties")
	data, err := json.Marshal(request)
	require.NoError(t, err)
	return string(data)
}

// A configuration in a file has the service's names, and keeps what this package does not know.
func TestConfigurationInAFile(t *testing.T) {
	t.Parallel()
	const text = `{"job_name":"n","auto_update_sub_module":"false","Extra":1,"new":{"deep":[1e400,null]},"Steps":"other letters",` +
		`"steps":[{"module_id":"m","name":"<&>","Extra":{"Extra":null},"run":false}],"timeout":{"warn":0},"scms":[{"url":"u","scm_type":"t","is_auto_build":false,"enable_git_lfs":false,"x":""}],` +
		`"parameters":[{"x":[],"params":[{"name":"a","value":"","x":9007199254740993,"limits":[{"x":{}}]}]}],"triggers":[{"name":"t","parameters":[{"name":"","value":"","x":0}],"x":true}],` +
		`"resource_limit":{"gpu":"1"}}`
	config := jobConfig(t, text)
	require.Equal(t, map[string]json.RawMessage{"Extra": json.RawMessage("1"), "new": json.RawMessage(`{"deep":[1e400,null]}`), "Steps": json.RawMessage(`"other letters"`)}, config.Extra)
	data, err := json.Marshal(config)
	require.NoError(t, err)
	requireSameJSON(t, text, string(data))
	byValue, err := json.Marshal(*config)
	require.NoError(t, err)
	require.Equal(t, data, byValue)
}

func TestConfigurationsThatCannotBeSent(t *testing.T) {
	t.Parallel()
	notUTF8 := &codeartsbuild.JobConfig{ProjectID: projectID, Steps: []codeartsbuild.JobStep{{Name: "feat/\xe4"}}}
	notJSON := &codeartsbuild.JobConfig{ProjectID: projectID, Extra: map[string]json.RawMessage{"a": json.RawMessage("{")}}
	for name, config := range map[string]*codeartsbuild.JobConfig{"none": nil, "a text that is not UTF-8": notUTF8, "a value that is not JSON": notJSON} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(200, "{}"))
			jobs := sdktest.Client(t, transport).Jobs
			_, created := jobs.Create(t.Context(), config)
			_, copied := jobs.Copy(t.Context(), jobID, config)
			for _, err := range []error{created, copied, jobs.Update(t.Context(), jobID, config)} {
				require.Equal(t, []string{"ErrInvalidArgument"}, sdktest.Kinds(err))
			}
			require.Zero(t, transport.Count())
		})
	}
}

func TestResponsesWithoutTheJobThatWasMade(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"result":{},"status":"success"}`, `{"result":null,"error":null,"status":"success"}`, `{"status":"success"}`} {
		client := sdktest.Client(t, httpfake.Script(httpfake.Reply(200, body)))
		_, err := client.Jobs.Create(t.Context(), &codeartsbuild.JobConfig{ProjectID: projectID})
		require.Equal(t, []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}, sdktest.Kinds(err), body)
	}
}

// An empty configuration is not one: to change it would be to lose that of the job.
func TestResponsesWithoutAConfiguration(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"result":null,"error":null,"status":"success"}`, `{"result":{},"status":"success"}`, `{"result":{"steps":[]}}`, `{"result":"nightly"}`, ``, `[]`} {
		transport := httpfake.Script(httpfake.Reply(200, body))
		client := sdktest.Client(t, transport, sdktest.Once)
		_, err := client.Jobs.Config(t.Context(), jobID)
		require.Equal(t, []string{"ErrUnexpectedResponse"}, sdktest.Kinds(err), body)
		_, err = client.Jobs.Change(t.Context(), jobID, func(*codeartsbuild.JobConfig) error { return nil })
		require.Equal(t, []string{"ErrUnexpectedResponse"}, sdktest.Kinds(err), body)
	}
}
