package codeartsbuild

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

// JobConfig is the configuration of a job: where its code comes from, and the steps that build it. As JSON it has the
// service's names, so that a configuration can be kept in a file.
//
// Extra holds the members that this package does not know, here and at every level below. They are sent back. A member
// that has a field is ignored in Extra.
type JobConfig struct {
	ProjectID   string        `json:"project_id,omitzero"` // of CodeArts, not of IAM
	Name        string        `json:"job_name,omitzero"`   // 1 to 115 letters, Chinese ones too, digits, _ and -
	Description string        `json:"description,omitzero"`
	GroupID     string        `json:"group_id,omitzero"`          // the group of the job
	Arch        JobArch       `json:"arch,omitzero"`              // of the machine that builds
	HostType    string        `json:"host_type,omitzero"`         // such as "devcloud", the service's own machines
	Flavor      string        `json:"flavor,omitzero"`            // the size of the machine, such as "2u8g"
	ConfigType  JobConfigType `json:"build_config_type,omitzero"` // where the steps are written down
	SourceCode  string        `json:"source_code,omitzero"`       // where the code comes from; Create does not document it
	AgencyURN   string        `json:"agency_urn,omitzero"`        // of the IAM agency that a build uses

	AutoUpdateSubmodules bool  `json:"auto_update_sub_module,string"`
	BuildOnPush          *bool `json:"build_if_code_updated,omitzero"` // nil: not sent; Update does not document it

	Parameters    []JobParameter   `json:"parameters,omitzero"`
	Sources       []JobSource      `json:"scms,omitzero"`
	Steps         []JobStep        `json:"steps"`
	Triggers      []JobTrigger     `json:"triggers,omitzero"` // timers
	Timeout       JobTimeout       `json:"timeout,omitzero"`
	ResourceLimit JobResourceLimit `json:"resource_limit,omitzero"`

	Extra map[string]json.RawMessage `json:",unknown,omitempty"`
}

// A JobArch is the architecture of a machine.
type JobArch string

// The architectures.
const (
	JobArchX86 JobArch = "x86-64"
	JobArchARM JobArch = "arm"
)

// A JobConfigType says where the steps of a job are written down.
type JobConfigType string

// The types of configuration.
const (
	JobConfigYAML   JobConfigType = "YAML"   // in a file of the repository
	JobConfigAction JobConfigType = "ACTION" // in the configuration
)

// JobTimeout is the longest time of a build.
type JobTimeout struct {
	Limit string                     `json:"limit,omitzero"` // a number
	Unit  string                     `json:"unit,omitzero"`  // of Limit; the service does not document its values
	Extra map[string]json.RawMessage `json:",unknown,omitempty"`
}

// JobResourceLimit limits the machine of a build.
type JobResourceLimit struct {
	CPU    string                     `json:"cpu,omitzero"`    // cores
	Memory string                     `json:"memory,omitzero"` // MiB
	Extra  map[string]json.RawMessage `json:",unknown,omitempty"`
}

// JobParameter is a parameter of a job. Its name, its value and all else are settings.
type JobParameter struct {
	Kind     string                     `json:"name,omitzero"` // "" means "hudson.model.StringParameterDefinition"
	Settings []JobParameterSetting      `json:"params,omitzero"`
	Extra    map[string]json.RawMessage `json:",unknown,omitempty"`
}

// JobParameterSetting is one setting of a parameter.
type JobParameterSetting struct {
	Name   string                     `json:"name,omitzero"`   // such as name, type, defaultValue, description, deletion, defaults, staticVar, sensitiveVar
	Value  string                     `json:"value"`           // "true" and "false" for a setting that is on or off
	Limits []JobParameterLimit        `json:"limits,omitzero"` // the values that the parameter can have
	Extra  map[string]json.RawMessage `json:",unknown,omitempty"`
}

// JobParameterLimit is one of the values that a parameter can have.
type JobParameterLimit struct {
	Value       string                     `json:"name,omitzero"`
	DisplayName string                     `json:"display_name,omitzero"` // shown to people
	Disable     string                     `json:"disable,omitzero"`      // "0", the default, means that the value can be chosen
	Extra       map[string]json.RawMessage `json:",unknown,omitempty"`
}

// JobSource is a repository that a job builds.
type JobSource struct {
	URL            string                     `json:"url"`
	WebURL         string                     `json:"web_url,omitzero"`
	Type           string                     `json:"scm_type"`         // the kind of repository, such as codehub, Repo or Github
	RepositoryID   string                     `json:"repo_id,omitzero"` // in CodeArts Repo
	RepositoryName string                     `json:"repo_name,omitzero"`
	GroupName      string                     `json:"group_name,omitzero"`
	Branch         string                     `json:"branch,omitzero"`
	BuildType      JobBuildType               `json:"build_type,omitzero"`
	Depth          string                     `json:"depth,omitzero"`        // how many commits to clone
	EndpointID     string                     `json:"end_point_id,omitzero"` // the service endpoint with the access to a repository outside CodeArts Repo
	Source         string                     `json:"source,omitzero"`       // the origin of the repository
	AutoBuild      bool                       `json:"is_auto_build"`         // build after each push
	GitLFS         bool                       `json:"enable_git_lfs"`
	Extra          map[string]json.RawMessage `json:",unknown,omitempty"`
}

// A JobBuildType says what of a repository a job builds.
type JobBuildType string

// The types of build. A job that builds a tag needs one, or a branch, each time it is run.
const (
	JobBuildBranch JobBuildType = "branch"
	JobBuildTag    JobBuildType = "tag"
	JobBuildCommit JobBuildType = "commitId"
)

// JobStep is a step of a build.
type JobStep struct {
	ModuleID   string                     `json:"module_id"` // the kind of step, such as "devcloud2018.codeci_action_20043.action" for Maven
	Name       string                     `json:"name"`
	Version    string                     `json:"version,omitzero"`    // of the kind of step, such as "20231001.6"
	Enable     *bool                      `json:"enable,omitzero"`     // whether the step runs; nil: the service decides
	Properties map[string]json.RawMessage `json:"properties,omitzero"` // by kind of step
	Extra      map[string]json.RawMessage `json:",unknown,omitempty"`
}

// JobTrigger starts builds of a job.
type JobTrigger struct {
	Kind     string                     `json:"name"` // such as "hudson.triggers.TimerTrigger"
	Settings []JobTriggerSetting        `json:"parameters"`
	Extra    map[string]json.RawMessage `json:",unknown,omitempty"`
}

// JobTriggerSetting is one setting of a trigger, such as spec with a line of cron.
type JobTriggerSetting struct {
	Name  string                     `json:"name"`
	Value string                     `json:"value"`
	Extra map[string]json.RawMessage `json:",unknown,omitempty"`
}

// MarshalJSON writes the members of Extra among the others. Steps are a list, even if there are none.
func (c JobConfig) MarshalJSON() ([]byte, error) {
	type plain JobConfig
	if c.Steps == nil {
		c.Steps = []JobStep{}
	}
	return loosejson.Marshal(plain(c))
}

// UnmarshalJSON reads what MarshalJSON writes, and what the service sends.
func (c *JobConfig) UnmarshalJSON(data []byte) error {
	type plain JobConfig
	return loosejson.Unmarshal(data, (*plain)(c))
}

// with encodes a configuration and sets one more member.
func (c *JobConfig) with(name, value string) (json.RawMessage, error) {
	if c == nil {
		return nil, invalid("the configuration must not be nil")
	}
	data, err := encodeJSON(c)
	if err != nil {
		return nil, err
	}
	return withMember(data, name, value), nil
}

// withMember sets a member of an object to a text.
func withMember(object json.RawMessage, name, value string) json.RawMessage {
	members := membersOf(object)
	members[name], _ = json.Marshal(value) // a text
	object, _ = json.Marshal(members)      // valid JSON in a map
	return object
}

// membersOf returns the members of an object; of another value none.
func membersOf(object json.RawMessage) map[string]json.RawMessage {
	members := make(map[string]json.RawMessage)
	if isObject(object) {
		_ = json.Unmarshal(object, &members) // valid JSON
	}
	return members
}

// A configReading is a configuration as the service sent it.
type configReading struct {
	raw    json.RawMessage
	config JobConfig
}

// decodePayload rejects an empty configuration, which would be written over the one of the job.
func (r *configReading) decodePayload(payload []byte, _ about) error {
	var config JobConfig
	if len(payload) > 0 {
		if err := loosejson.Unmarshal(payload, &config); err != nil {
			return &misfit{err}
		}
	}
	if config.Name == "" {
		return errors.New("the response has no job_name")
	}
	*r = configReading{bytes.Clone(payload), config}
	return nil
}

// allParameters asks for a configuration with all parameters; the service's default is some.
type allParameters struct {
	All bool `url:"get_all_params"`
}

var opShowJobConfig = operation{name: "ShowJobConfig", method: http.MethodGet, path: "/v1/job/{job_id}/config"}

func (s *JobsService) readConfig(ctx context.Context, jobID string, opts []CallOption) (*configReading, error) {
	return fetch[configReading](ctx, s.client, &opShowJobConfig, []string{jobID}, allParameters{true}, opts)
}

// Config returns the configuration of a job, with all its parameters. The service does not tell the values of secret
// parameters.
//
// API: ShowJobConfig, GET /v1/job/{job_id}/config.
func (s *JobsService) Config(ctx context.Context, jobID string, opts ...CallOption) (*JobConfig, error) {
	read, err := s.readConfig(ctx, jobID, opts)
	if err != nil {
		return nil, err
	}
	return &read.config, nil
}

// A jobReference names the job that a call made.
type jobReference struct {
	ID string `json:"job_id"`
}

func (r *jobReference) complete(about) error {
	if r.ID == "" {
		return errors.New("the response names no job")
	}
	return nil
}

var opCreateNewJob = operation{name: "CreateNewJob", method: http.MethodPost, path: "/v1/job/create", args: []string{"project_id"}}

// Create makes a job and returns its id. The service wants ProjectID, Name, Arch and Steps; of each source URL and Type,
// and of each step ModuleID and Name. It is sent again only if the service did not process the first request: after an
// error that is [ErrOutcomeUnknown], [JobsService.NameTaken] tells whether there is such a job.
//
// API: CreateNewJob, POST /v1/job/create.
func (s *JobsService) Create(ctx context.Context, config *JobConfig, opts ...CallOption) (string, error) {
	if config == nil {
		return "", opCreateNewJob.named(invalid("the configuration must not be nil"))
	}
	made, err := fetchValue[jobReference](ctx, s.client, &opCreateNewJob, []string{config.ProjectID}, config, opts)
	return made.ID, err
}

var opCopyJob = operation{name: "CopyJob", method: http.MethodPost, path: "/v1/job/copy", args: []string{"job_id"}}

// Copy makes a job from another one and returns the id of the copy. The configuration is that of the copy: usually the
// other job's, with a name from [JobsService.CopyName]. The service wants of it what it wants of [JobsService.Create].
//
// API: CopyJob, POST /v1/job/copy.
func (s *JobsService) Copy(ctx context.Context, jobID string, config *JobConfig, opts ...CallOption) (string, error) {
	body, err := config.with("copy_job_id", jobID)
	if err != nil {
		return "", opCopyJob.named(err)
	}
	made, err := fetchValue[jobReference](ctx, s.client, &opCopyJob, []string{jobID}, body, opts)
	return made.ID, err
}

// An update is sent once: a second request could undo what another person has changed since the first.
var opUpdateNewJob = operation{name: "UpdateNewJob", method: http.MethodPost, path: "/v1/job/update", args: []string{"job_id"}}

// Update replaces the whole configuration of a job: what config lacks is lost, and so is a change that was made since
// config was read. [JobsService.Change] loses neither.
//
// The service does not tell the values of secret parameters. In a configuration that was read and not completed they
// have the text that the service sent in their place, and get it as their value.
//
// API: UpdateNewJob, POST /v1/job/update.
func (s *JobsService) Update(ctx context.Context, jobID string, config *JobConfig, opts ...CallOption) error {
	body, err := config.with("job_id", jobID)
	if err != nil {
		return opUpdateNewJob.named(err)
	}
	return s.client.perform(ctx, &opUpdateNewJob, []string{jobID}, body, opts)
}
