package codeartsbuildtest

import (
	"encoding/json"
	"slices"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// defaultBranch is what a job builds that is not told what to build.
const defaultBranch = "master"

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
		Branch   string `json:"branch"`
		BuildTag string `json:"build_tag"`
		CommitID string `json:"build_commit_id"`
	} `json:"scm"`
}

func (s *Server) executeJob(c *call) answer { return s.run(c, codeNotFound) }

func (s *Server) runJob(c *call) answer { return s.run(c, codeNotFoundOld) }

// run queues a build, which starts a second later. missing is the code for a job that does not exist.
func (s *Server) run(c *call, missing string) answer {
	var in runRequest
	if err := json.Unmarshal(c.body, &in); err != nil {
		return *invalid("PARSE_REQUEST_DATA_EXCEPTION")
	}
	if in.JobID == "" {
		return *invalid("job_id")
	}
	j := s.job(in.JobID)
	if j == nil {
		return *notFound(missing)
	}
	b := &build{
		status:     codeartsbuild.StatusQueued,
		queuedAt:   c.now,
		startsAt:   c.now.Add(startDelay),
		tag:        in.SCM.BuildTag,
		revision:   in.SCM.CommitID,
		trigger:    codeartsbuild.TriggerManual,
		executor:   userName,
		parameters: in.parameters(),
	}
	b.branch = b.branchOr(in.SCM.Branch)
	s.add(j, b)
	return flat(struct {
		BuildNumber string `json:"actual_build_number"`
		DailyNumber string `json:"daily_build_number"`
		JobName     string `json:"octopus_job_name"`
	}{b.no(), b.daily, b.executionID})
}

func (in *runRequest) parameters() []parameter {
	var all []parameter
	for _, p := range in.Parameter {
		all = append(all, parameter{Name: p.Name, Value: p.Value})
	}
	return all
}

// branchOr is what a run builds: the branch of its source, the branch that its parameters name, or the
// job's own. One with a tag has no branch unless it is told.
func (b *build) branchOr(branch string) string {
	i := slices.IndexFunc(b.parameters, func(p parameter) bool { return p.Name == branchParameter })
	switch {
	case branch != "":
		return branch
	case i >= 0:
		return b.parameters[i].Value
	case b.tag != "":
		return ""
	}
	return defaultBranch
}
