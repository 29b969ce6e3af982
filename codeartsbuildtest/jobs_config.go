package codeartsbuildtest

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are what the service itself uses of the configuration of a job.
type settings struct {
	branch     string // of the source; it may name the parameter that holds it
	buildType  string // branch, tag or commitId
	parameters []parameter
	steps      []string // names of those that run
}

// configure gives a job its configuration, which is kept as it is.
func (j *job) configure(config json.RawMessage) {
	var v any
	_ = json.Unmarshal(config, &v) // a JSON object, as was checked before
	j.config = bytes.Clone(config)
	j.settings = settings{
		branch:    textAt(v, "scms", 0, "branch"),
		buildType: textAt(v, "scms", 0, "build_type"),
	}
	for _, definition := range listAt(v, "parameters") {
		j.settings.parameters = append(j.settings.parameters, definedParameter(listAt(definition, "params")))
	}
	for _, step := range listAt(v, "steps") {
		if at(step, "enable") != false {
			j.settings.steps = append(j.settings.steps, textAt(step, "name"))
		}
	}
}

// definedParameter is the parameter that a list of names and values defines.
func definedParameter(params []any) parameter {
	values := map[string]string{}
	for _, p := range params {
		values[textAt(p, "name")] = textAt(p, "value")
	}
	return parameter{Name: values["name"], Value: values["defaultValue"], Secret: values["sensitiveVar"] == "true"}
}

// parameter is a parameter of the job with its default.
func (s *settings) parameter(name string) (parameter, bool) {
	i := slices.IndexFunc(s.parameters, func(p parameter) bool { return p.Name == name })
	if i < 0 {
		return parameter{}, false
	}
	return s.parameters[i], true
}

// fromParameter reports whether the branch of the source is that of the parameter codeBranch.
func (s *settings) fromParameter() bool {
	return strings.Trim(s.branch, "${}") == branchParameter
}

// defaultBranch is what a build without any word about it builds.
func (s *settings) defaultBranch() string {
	if s.fromParameter() {
		p, _ := s.parameter(branchParameter)
		return p.Value
	}
	return s.branch
}

// defaultConfiguration is that of a job that a test has added, without its name and its project.
const defaultConfiguration = `{"arch":"x86-64","auto_update_sub_module":"false","build_config_type":"ACTION","flavor":"2u8g",
"host_type":"devcloud","job_name":%s,"project_id":%s,"parameters":[{"name":"hudson.model.StringParameterDefinition","params":[
{"limits":null,"name":"name","value":"codeBranch"},{"limits":null,"name":"type","value":"normalparam"},
{"limits":null,"name":"defaultValue","value":"master"},
{"limits":null,"name":"description","value":"Code branch, predefined parameters"},
{"limits":null,"name":"deletion","value":"false"},{"limits":null,"name":"defaults","value":"true"},
{"limits":null,"name":"staticVar","value":"false"},{"limits":null,"name":"sensitiveVar","value":"false"}]}],
"scms":[{"branch":"master","build_type":"branch","depth":"1","end_point_id":null,"group_name":"acme","is_auto_build":false,
"repo_id":"2111000001","repo_name":"demo","scm_type":"codehub","source":null,"url":"https://example.invalid/acme/demo.git",
"web_url":"https://example.invalid/acme/demo/home"}],
"steps":[{"enable":true,"module_id":"devcloud2018.codeci_action_20043.action","name":"Maven",
"properties":{"command":"mvn package"},"version":"20231001.6"},
{"enable":true,"module_id":"devcloud2018.codeci_action_20018.action","name":"Upload",
"properties":{"path":"**/target/*.jar"},"version":"20231001.6"}]}`

var jobName = regexp.MustCompile(`^[\p{Han}A-Za-z0-9_-]{1,115}$`)

// checkConfiguration rejects what the types of a configuration leave open. own is the job that the configuration is
// for; nil for a new one. A job may keep the name that it has, since tests add jobs of any name.
func (s *state) checkConfiguration(config json.RawMessage, own *job) error {
	var v any
	_ = json.Unmarshal(config, &v)
	if name := textAt(v, "job_name"); own == nil || name != own.name {
		if err := s.checkName(name); err != nil {
			return err
		}
	}
	if textAt(v, "project_id") != codeProjectID {
		return invalid("project_id", "must be the id of a project")
	}
	if id := textAt(v, "group_id"); id != "" {
		if _, err := s.groups.find(id); err != nil {
			return invalid("group_id", "must be the id of a group")
		}
	}
	return nil
}

func (s *state) checkName(name string) error {
	if !jobName.MatchString(name) {
		return invalid("job_name", "must have 1 to 115 letters, digits, _ and -")
	}
	if s.nameIsTaken(name) {
		return failed("A build task with the name " + name + " exists")
	}
	return nil
}

func (s *state) nameIsTaken(name string) bool {
	return len(s.jobs.where(func(j *job) bool { return j.name == name })) > 0
}

// An update is a change of the configuration of a job.
type update struct {
	kind string
	at   time.Time
}

// apply gives the job a configuration that was checked, and notes it.
func (j *job) apply(config json.RawMessage, kind string, now time.Time) {
	var v any
	_ = json.Unmarshal(config, &v)
	j.name = textAt(v, "job_name")
	if id := textAt(v, "group_id"); id != "" {
		j.groupID = id
	}
	j.configure(config)
	j.updates = append(j.updates, update{kind, now})
}

// A jobID is the result of the calls that make or change a job.
type jobID struct {
	JobID string `json:"job_id"`
}

func (s *state) createJob(r *request) (any, error) {
	return s.newJob(r.body, r.now)
}

func (s *state) newJob(config json.RawMessage, now time.Time) (any, error) {
	if err := s.checkConfiguration(config, nil); err != nil {
		return nil, err
	}
	j := s.addJob("", now)
	j.apply(config, "CREATE", now)
	return jobID{j.id}, nil
}

// updateJob replaces the whole configuration: members that the request leaves out are gone.
func (s *state) updateJob(r *request) (any, error) {
	j, err := s.jobs.find(r.memberText("job_id"))
	if err != nil {
		return nil, err
	}
	config := objectOf(without(membersOf(r.body), "job_id"))
	if err := s.checkConfiguration(config, j); err != nil {
		return nil, err
	}
	j.apply(config, "UPDATE", r.now)
	return jobID{j.id}, nil
}

func without(members []member, name string) []member {
	return slices.DeleteFunc(members, func(m member) bool { return m.name == name })
}

// copyJob makes a job of another one. Members that the request gives replace those of the other job.
func (s *state) copyJob(r *request) (any, error) {
	original, err := s.jobs.find(r.memberText("copy_job_id"))
	if err != nil {
		return nil, err
	}
	given := without(membersOf(r.body), "copy_job_id")
	config := membersOf(original.config)
	for _, m := range given {
		config = append(without(config, m.name), m)
	}
	return s.newJob(objectOf(config), r.now)
}

// showJobConfig returns the configuration byte for byte, members that are not documented included.
func (s *state) showJobConfig(r *request) (any, error) {
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	return j.config, nil
}

func (s *state) checkJobName(r *request) (any, error) {
	return r.text("project_id") == codeProjectID && s.nameIsTaken(r.text("job_name")), nil
}

// checkJobCount tells whether the limit of jobs is reached. The service in memory has no limit.
func (s *state) checkJobCount(*request) (any, error) { return false, nil }

// showCopyName proposes a name for a copy that is not used yet.
func (s *state) showCopyName(r *request) (any, error) {
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		name := j.name + "-copy-" + strconv.Itoa(n)
		if !s.nameIsTaken(name) {
			return name, nil
		}
	}
}

func (s *state) listUpdates(r *request) (any, error) {
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	type row struct {
		ID           string `json:"id"`
		NickName     string `json:"nick_name"`
		UpdateAt     int64  `json:"update_at"`
		UpdateNumber int    `json:"update_number"`
		UpdateType   string `json:"update_type"`
		UserID       string `json:"user_id"`
		UserName     string `json:"user_name"`
	}
	rows := []row{}
	for i, u := range slices.Backward(j.updates) {
		id := strconv.Itoa(j.serial*1000 + i + 1)
		rows = append(rows, row{id, userName, epochMillis(u.at), i + 1, u.kind, userID, userName})
	}
	page := firstPageIsOne(r.number("page_no", 1))
	return struct {
		Updates []row `json:"job_update_records"`
		Total   int   `json:"total"`
	}{pageOf(rows, page, r.number("page_size", defaultPageSize)), len(rows)}, nil
}

// showJobPipelineInfo returns what a pipeline shows of a job. The parameters are a list, as their type is; the
// documented example has a single one.
func (s *state) showJobPipelineInfo(r *request) (any, error) {
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	info := struct {
		JobName        string          `json:"job_name"`
		JobNameMessage string          `json:"job_name_massage"`
		JobNameRegex   string          `json:"job_name_regex"`
		Parameters     json.RawMessage `json:"parameters"`
		Scms           json.RawMessage `json:"scms"`
		SourceCode     string          `json:"source_code"`
	}{
		JobName:        j.name,
		JobNameMessage: "Enter a maximum of 115 characters. Only letters, digits, underscores (_), and hyphens (-) are allowed.",
		Parameters:     listOf(memberOf(j.config, "parameters")),
		Scms:           listOf(memberOf(j.config, "scms")),
		SourceCode:     sourceKind,
	}
	return info, nil
}
