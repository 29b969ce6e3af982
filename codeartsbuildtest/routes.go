package codeartsbuildtest

import (
	"net/http"
	"path"
)

// A route is one operation of the service: where it is, and what answers it while the server is locked.
type route struct {
	operation    string
	method, path string
	answer       func(*Server, *call) answer
}

const tokenPath = "/v3/auth/tokens"

// logins are the routes that need no credential.
var logins = []route{
	{"CreateToken", "POST", tokenPath, (*Server).createToken},
	{"CreateToken", "POST", tokenPath + "/{$}", (*Server).createToken},
}

var routes = []route{
	{"StopJob", "POST", "/v3/jobs/stop", (*Server).stopJob},
	{"StopTheJob", "POST", "/v1/job/{job_id}/stop", (*Server).stopTheJob},
	{"StopBuildJob", "POST", "/v3/jobs/{job_id}/{build_no}/stop", (*Server).stopBuildJob},

	{"ExecuteJob", "POST", "/v1/job/execute", (*Server).executeJob},
	{"RunJob", "POST", "/v3/jobs/build", (*Server).runJob},

	{"ListJob", "GET", "/v1/job/list", (*Server).listJob},
	{"ListProjectJobs", "GET", "/v1/job/{project_id}/list", (*Server).listProjectJobs},
	{"ShowJobInfo", "GET", "/v1/job/{job_id}/info", (*Server).showJobInfo},
	{"ShowJobStatus", "GET", "/v3/jobs/{job_id}/status", (*Server).showJobStatus},
	{"ShowRunningStatus", "GET", "/v1/job/{job_id}/running-status", (*Server).showRunningStatus},
	{"ShowBuildDetails", "GET", "/v1/job/{job_id}/{build_no}/build-info", (*Server).showBuildDetails},

	{"ListRecords", "GET", "/v1/record/{build_project_id}/records", (*Server).listRecords},
	{"ListBuildInfoRecordByJobId", "GET", "/v1/record/{job_id}/list", (*Server).listBuildInfoRecordByJobID},
	{"ShowBuildInfoRecord", "GET", "/v1/record/{job_id}/{build_no}/build-info-record", (*Server).showBuildInfoRecord},
	{"ShowBuildRecord", "GET", "/v1/record/{record_id}/info", (*Server).showBuildRecord},
	{"ShowJobBuildRecordDetail", "GET", "/v1/record/{job_id}/{build_no}/record-info", (*Server).showJobBuildRecordDetail},

	{"DownloadBuildRealTimeLog", "GET", "/v1/log/{job_id}/{build_no}/real-time-log", (*Server).downloadBuildRealTimeLog},
	{"DownloadBuildFullLog", "GET", "/v1/log/{record_id}/download-log", (*Server).downloadBuildFullLog},
	{"DownloadTaskLog", "GET", "/v4/{record_id}/task-log", (*Server).downloadTaskLog},
	{"ShowLogAnalysis", "GET", "/v1/log/{job_id}/{build_no}/analysis", (*Server).showLogAnalysis},
}

func newMux(s *Server) *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range logins {
		mux.Handle(r.method+" "+r.path, &endpoint{route: r, server: s})
	}
	for _, r := range routes {
		mux.Handle(r.method+" "+r.path, &endpoint{route: r, server: s, guarded: true})
	}
	return mux
}

// route finds what answers a request, and the operation's name. The mux alone would also answer HEAD and
// redirect paths that are not clean, which the gateway does not.
func (s *Server) route(r *http.Request) (operation string, handler http.Handler) {
	found, _ := s.mux.Handler(r)
	if e, ok := found.(*endpoint); ok && e.method == r.Method {
		return e.operation, s.mux
	}
	if r.URL.Path != tokenPath && path.Clean(r.URL.Path) == tokenPath {
		return "", http.HandlerFunc(redirectToLogin)
	}
	return "", http.HandlerFunc(refuseUnpublished)
}

// An endpoint is a route of one server.
type endpoint struct {
	route
	server  *Server
	guarded bool // a credential is needed
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.reply(newCall(w, r)).write(w)
}

func (e *endpoint) reply(c *call) answer {
	e.server.mu.Lock()
	defer e.server.mu.Unlock()
	if e.guarded {
		if refused := e.server.authorize(c); refused != nil {
			return *refused
		}
	}
	return e.answer(e.server, c)
}
