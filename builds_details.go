package codeartsbuild

import "time"

// BuildDetails are the parts of a [Build] that depend on the call. Every call reports the first four. [BuildsService.Get]
// also reports those up to ErrMsg; lists and [BuildsService.Summary] report the rest. Times are in UTC.
type BuildDetails struct {
	BuildType      string `json:"build_type,omitzero"`                                // branch, tag or commitId
	UserID         string `json:"user_id,omitzero"`                                   // of who started the build
	DailyBuildNo   string `json:"daily_build_num,omitzero" also:"daily_build_number"` // such as "20240626.2"; no call takes it
	DurationMillis int64  `json:"duration,omitzero"`

	EntryID        string    `json:"id,omitzero"`                  // of this description of the build; no call takes it
	BuildProjectID string    `json:"build_project_id,omitzero"`    // Records takes it
	ParentRecordID string    `json:"parent_record_id,omitzero"`    // of the build that this one is a part of
	ProjectID      string    `json:"devcloud_project_id,omitzero"` // of CodeArts, not of IAM
	DomainID       string    `json:"domain_id,omitzero"`
	ExecutionID    string    `json:"execution_id,omitzero"` // such as "j_YE1bu9Z7"
	RepoName       string    `json:"repo_name,omitzero"`
	RepoID         string    `json:"repo_id,omitzero"`
	Tag            string    `json:"tag,omitzero"`
	CommitMessage  string    `json:"commit_message,omitzero"`
	CommittedAt    time.Time `json:"commit_create_time,omitzero"`
	CreatedAt      time.Time `json:"create_time,omitzero"`
	ScheduledAt    time.Time `json:"schedule_time,omitzero"`     // when it was handed to an executor
	RunnableAt     time.Time `json:"runnable_time,omitzero"`     // when the executor began
	OwnExecutor    bool      `json:"use_private_slave,omitzero"` // it ran on an executor of the tenant, not of the service
	ConfigType     string    `json:"build_config_type,omitzero"` // YAML or ACTION
	RecordStatus   string    `json:"record_status,omitzero"`
	Region         string    `json:"region,omitzero"`
	ErrMsg         string    `json:"err_msg,omitzero"` // why the build failed

	Nickname    string      `json:"nickname,omitzero"` // of who started the build
	BuildMillis int64       `json:"build_time,omitzero"`
	Commit      BuildCommit `json:"commit_info,omitzero"`
	CommitURL   string      `json:"commit_detail_url,omitzero"` // a page about the commit; of repositories of CodeArts only
	SCMType     string      `json:"scm_type,omitzero"`          // the kind of repository, such as codehub
	SCMWebURL   string      `json:"scm_web_url,omitzero"`
}

// BuildCommit is the commit that a list reports for a build.
type BuildCommit struct {
	ID        string    `json:"commit_id"`
	CreatedAt time.Time `json:"created_at,omitzero"`
}
