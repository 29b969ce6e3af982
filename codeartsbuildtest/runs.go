package codeartsbuildtest

import (
	"slices"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// branchParameter is the parameter in which a run shows its branch.
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
	if err := r.decode(&in); err != nil {
		return runResult{}, err
	}
	if in.JobID == "" {
		return runResult{}, invalid("job_id", "is empty")
	}
	j, err := s.jobs.find(in.JobID)
	if err != nil {
		return runResult{}, err
	}
	b := &build{
		status:     codeartsbuild.StatusQueued,
		queuedAt:   r.now,
		startsAt:   r.now.Add(startDelay),
		tag:        in.SCM.BuildTag,
		revision:   in.SCM.CommitID,
		trigger:    codeartsbuild.TriggerManual,
		executor:   userName,
		parameters: in.parameters(),
	}
	b.branch = in.branch(b, "master")
	s.addBuild(j, b)
	return runResult{b.no(), b.daily, b.executionID}, nil
}

func (in *runRequest) parameters() []parameter {
	var all []parameter
	for _, p := range in.Parameter {
		all = append(all, parameter{Name: p.Name, Value: p.Value})
	}
	return all
}

// branch is what a run builds: the branch of its source, the branch that its parameters name, or the
// job's own. One with a tag has no branch unless it names one.
func (in *runRequest) branch(b *build, own string) string {
	i := slices.IndexFunc(b.parameters, func(p parameter) bool { return p.Name == branchParameter })
	switch {
	case in.SCM.Branch != "":
		return in.SCM.Branch
	case i >= 0:
		return b.parameters[i].Value
	case b.tag != "":
		return ""
	}
	return own
}
