package apitest

import (
	"cmp"
	"fmt"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/apidoc"
)

// Lacks returns the parameters of an operation that no response has told yet.
func (s *Scene) Lacks(op apidoc.Operation) (parameters []string) {
	known := s.known(op.Name)
	for _, p := range op.Params {
		if value, needed := known[p.Name]; needed && value == "" {
			parameters = append(parameters, p.Name)
		}
	}
	return parameters
}

// known returns the values of the parameters that only a response can tell, by their documented names.
func (s *Scene) known(operation string) map[string]string {
	known := map[string]string{
		"project_id": s.Project, "job_id": s.Job, "job_name": s.JobName, "build_no": s.Build, "build_project_id": s.BuildProject,
		"record_id": s.Record, "build_flow_record_id": s.Record, "endpoint_id": s.Endpoint, "uuid": s.Template, "keystore_id": s.Keystore,
		"image_id": s.Image, "step_id": s.Step, "task_name": s.Stage, "root_id": s.Report,
		"repository_name": s.Repository, "repo_id": s.RepositoryID, "original_no": numberOrNone(s.Updates[0]), "revisedl_no": numberOrNone(s.Updates[1]),
	}
	if operation == "ShowGitCodeRepositoryBranches" {
		known["repo_id"] = s.GitCode
	}
	return known
}

func numberOrNone(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// Learn takes from the result of a call what other calls need. What is known already stays.
func (s *Scene) Learn(result any) {
	switch result := result.(type) {
	case *codeartsbuild.Page[codeartsbuild.Job]:
		s.learnJob(result.Items)
	case *codeartsbuild.Page[codeartsbuild.Build]:
		s.learnBuild(result.Items)
	case *codeartsbuild.Build:
		if result.JobID == s.Job && result.BuildNo == s.Build {
			s.Record = cmp.Or(s.Record, result.RecordID)
		}
	case *codeartsbuild.JobInfo:
		s.BuildProject, s.JobName = cmp.Or(s.BuildProject, result.BuildProjectID), cmp.Or(s.JobName, result.Name)
	case *codeartsbuild.JobConfig:
		s.Project = cmp.Or(s.Project, result.ProjectID)
		for _, source := range result.Sources {
			s.RepositoryID = cmp.Or(s.RepositoryID, source.RepositoryID)
		}
	case []codeartsbuild.BuildStage:
		for _, stage := range result {
			s.Step, s.Stage = cmp.Or(s.Step, stage.NodeID), cmp.Or(s.Stage, stage.Name)
		}
	default:
		s.learnOther(result)
	}
}

func (s *Scene) learnOther(result any) {
	switch result := result.(type) {
	case *codeartsbuild.Page[codeartsbuild.AccountProject]:
		for _, project := range result.Items {
			s.Project = cmp.Or(s.Project, project.ID)
		}
	case *codeartsbuild.Page[codeartsbuild.JobUpdate]:
		if n := len(result.Items); n > 1 {
			s.Updates = [2]int{result.Items[1].Number, result.Items[0].Number}
		}
	case *codeartsbuild.Page[codeartsbuild.JobEndpoint]:
		for _, endpoint := range result.Items {
			s.Endpoint = cmp.Or(s.Endpoint, endpoint.ID)
		}
	case *codeartsbuild.Page[codeartsbuild.RepositoryGitCode]:
		for _, repository := range result.Items {
			s.GitCode = cmp.Or(s.GitCode, repository.ID)
		}
	case *codeartsbuild.Page[codeartsbuild.Keystore]:
		for _, keystore := range result.Items {
			s.Keystore = cmp.Or(s.Keystore, keystore.ID)
		}
	case *codeartsbuild.Page[codeartsbuild.Template]:
		for _, template := range result.Items {
			if template.Scope != codeartsbuild.TemplateOfficial {
				s.Template = cmp.Or(s.Template, template.UUID)
			}
		}
	case *codeartsbuild.RepositoryNames:
		s.Repository = cmp.Or(s.Repository, result.Latest)
	case []codeartsbuild.Image:
		for _, image := range result {
			s.Image = cmp.Or(s.Image, image.ID)
		}
	case []codeartsbuild.ReportCoverage:
		for _, report := range result {
			s.Report = cmp.Or(s.Report, report.RootID)
		}
	}
}

// learnJob takes the job that was asked for, or else the one that was built last.
func (s *Scene) learnJob(jobs []codeartsbuild.Job) {
	var last *codeartsbuild.Job
	for i := range jobs {
		job := &jobs[i]
		if s.Job == job.ID || s.Job == "" && (last == nil || job.LastBuildTime.After(last.LastBuildTime)) {
			last = job
		}
	}
	if last == nil {
		return
	}
	s.Job, s.JobName = last.ID, cmp.Or(s.JobName, last.Name)
	s.Project, s.BuildProject = cmp.Or(s.Project, last.ProjectID), cmp.Or(s.BuildProject, last.BuildProjectID)
}

// learnBuild takes the newest finished build, or else the newest.
func (s *Scene) learnBuild(builds []codeartsbuild.Build) {
	if s.Build != "" {
		return
	}
	for _, build := range builds {
		if s.Build == "" || build.Status.Terminal() {
			s.Build, s.Record = build.BuildNo, build.RecordID
		}
		if build.Status.Terminal() {
			return
		}
	}
}
