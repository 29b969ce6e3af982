package codeartsbuildtest

// A handler lets the service act on a request whose parameters are as documented. Its result is what the envelope of
// the operation is put around; an error is a rejection.
type handler func(*state, *request) (result any, err error)

// handlers say what the service does. Where an operation is and what it takes stands in the generated documented.go. An
// operation without a handler has its documented example.
var handlers = map[string]handler{
	"ExecuteJob":   (*state).executeJob,
	"RunJob":       (*state).runJob,
	"StopJob":      (*state).stopJob,
	"StopTheJob":   (*state).stopTheJob,
	"StopBuildJob": (*state).stopBuildJob,

	"ListJob":           (*state).listJob,
	"ListProjectJobs":   (*state).listProjectJobs,
	"ShowJobInfo":       (*state).showJobInfo,
	"ShowJobStatus":     (*state).showJobStatus,
	"ShowRunningStatus": (*state).showRunningStatus,
	"ShowBuildDetails":  (*state).showBuildDetails,

	"ListRecords":                (*state).listRecords,
	"ListBuildInfoRecordByJobId": (*state).listBuildInfoRecord,
	"ListBuildInfoRecord":        (*state).listBuildInfoRecord,
	"ShowBuildInfoRecord":        (*state).showBuildInfoRecord,
	"ShowBuildRecord":            (*state).showBuildRecord,
	"ShowJobBuildRecordDetail":   (*state).showRecordDetail,
	"ShowRecordDetail":           (*state).showRecordDetail,
	"ShowRecordInfo":             (*state).showRecordDetail,

	"DownloadBuildRealTimeLog": (*state).readLog,
	"DownloadRealTimeLog":      (*state).readOldLog,
	"DownloadBuildFullLog":     (*state).downloadLog,
	"DownloadBuildLog":         (*state).downloadLog,
	"DownloadLogByRecordId":    (*state).downloadLog,
	"DownloadTaskLogNew":       (*state).downloadStepLog,
	"DownloadTaskLog":          (*state).downloadStepLog,
	"ShowLogAnalysis":          (*state).showLogAnalysis,
}
