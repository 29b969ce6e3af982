package codeartsbuildtest

import (
	"slices"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// branchParameter is the parameter that every job has for its branch.
const branchParameter = "codeBranch"

// A runRequest is the body of ExecuteJob and of RunJob.
type runRequest struct {
	JobID     string `json:"job_id"`
	Parameter []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"parameter"`
	SCM struct {
		Branch    string `json:"branch"`
		BuildTag  string `json:"build_tag"`
		CommitID  string `json:"build_commit_id"`
		BuildType string `json:"build_type"`
	} `json:"scm"`
}

// A runResult names the build that a run has started.
type runResult struct {
	BuildNumber string `json:"actual_build_number"`
	DailyNumber string `json:"daily_build_number"`
	JobName     string `json:"octopus_job_name"`
}

// executeJob has its result twice: as documented and, as public clients read it, under result.
func (s *state) executeJob(r *request) (any, error) {
	result, err := s.run(r)
	if err != nil {
		return nil, err
	}
	return struct {
		runResult
		Error  *string   `json:"error"`
		Result runResult `json:"result"`
		Status string    `json:"status"`
	}{runResult: result, Result: result, Status: statusSuccess}, nil
}

func (s *state) runJob(r *request) (any, error) { return s.run(r) }

// run queues a build, which starts a second later.
func (s *state) run(r *request) (runResult, error) {
	var in runRequest
	r.decode(&in)
	j, err := s.jobs.find(in.JobID)
	switch {
	case in.JobID == "":
		return runResult{}, invalid("job_id", "is empty")
	case err != nil:
		return runResult{}, err
	case !slices.Contains([]string{"", "branch", "tag", "commitId"}, in.SCM.BuildType):
		return runResult{}, invalid("scm.build_type", "must be branch, tag or commitId")
	case j.disabled != nil:
		return runResult{}, failed("The build task is disabled")
	}
	b := &build{
		status:     codeartsbuild.StatusQueued,
		queuedAt:   r.now,
		startsAt:   r.now.Add(startDelay),
		startsAs:   codeartsbuild.StatusRunning,
		branch:     in.branch(&j.settings),
		tag:        in.SCM.BuildTag,
		revision:   in.SCM.CommitID,
		trigger:    codeartsbuild.TriggerManual,
		executor:   userName,
		parameters: in.parameters(&j.settings),
	}
	if in.lacksTag(&j.settings) {
		b.startsAs = codeartsbuild.StatusScheduleFailed
	}
	s.addBuild(j, b)
	return runResult{b.no(), b.daily, b.executionID}, nil
}

// lacksTag reports whether the job builds tags and the run names none. The live service accepts such a run, and the
// build cannot be scheduled.
func (in *runRequest) lacksTag(job *settings) bool {
	return job.buildType == "tag" && in.SCM.BuildTag == "" && in.SCM.BuildType == ""
}

// given is a parameter of the run.
func (in *runRequest) given(name string) (string, bool) {
	for _, p := range in.Parameter {
		if p.Name == name {
			return p.Value, true
		}
	}
	return "", false
}

// parameters are those that the run gives, and behind them the others of the job with their defaults.
func (in *runRequest) parameters(job *settings) []parameter {
	var all []parameter
	for _, p := range in.Parameter {
		defined, _ := job.parameter(p.Name)
		all = append(all, parameter{Name: p.Name, Value: p.Value, Secret: defined.Secret})
	}
	for _, p := range job.parameters {
		if _, given := in.given(p.Name); !given && p.Name != branchParameter {
			all = append(all, p)
		}
	}
	return all
}

// branch is what a run builds: the branch of its source, the branch that its parameters name, or the job's own. A job
// whose source follows the parameter listens to the parameter alone. A run with a tag has no branch unless it
// names one.
func (in *runRequest) branch(job *settings) string {
	named, given := in.given(branchParameter)
	switch {
	case in.SCM.Branch != "" && !job.fromParameter():
		return in.SCM.Branch
	case given:
		return named
	case in.SCM.BuildTag != "":
		return ""
	}
	return job.defaultBranch()
}
