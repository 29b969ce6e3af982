package codeartsbuildtest

import (
	"encoding/json"
	"fmt"
	"time"
)

// All that a server has belongs to one account, one user and one project of CodeArts.
var (
	accountID      = hexID("account")
	userID         = hexID("user", userName)
	codeProjectID  = hexID("CodeArts project")
	repositoryID   = "2111000001"
	repositoryURL  = "https://example.invalid/acme/demo.git"
	repositoryHome = "https://example.invalid/acme/demo/home"
)

const (
	codeProjectName = "demo"
	repositoryName  = "demo"
	repositoryKind  = "codehub"
	sourceKind      = "codeci"
)

type job struct {
	id             string
	serial         int // jobs that were made before and this one
	name           string
	buildProjectID string
	createdAt      time.Time
	deletedAt      time.Time // when it went to the recycle bin
	disabled       *disabling
	favourite      bool
	groupID        string

	notices         []*notice
	roles           []*role
	rightsOfProject bool // rights come from the project

	config   json.RawMessage // as it was sent
	settings settings
	updates  []update

	builds  []*build             // by number
	days    map[string]int       // builds of each day, for the daily numbers
	active  int                  // builds that have not finished
	waiting []*build             // builds that will change by themselves
	hidden  map[string]time.Time // until when the record of a number is not found
	frozen  *listing             // what lists show instead of the present
	chosen  choice               // what the last list chose
}

// AddJob adds a job and returns its id, 32 letters and digits. Ids are the same in every run. The job builds the branch
// master with the steps Maven and Upload. The operations of the service change, disable and delete it.
func (s *Server) AddJob(name string) (jobID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.state.addJob(name, s.state.now())
	j.configure(fmt.Appendf(nil, defaultConfiguration, encode(name), encode(codeProjectID)))
	return j.id
}

func (s *state) addJob(name string, now time.Time) *job {
	n := s.jobs.added + 1
	j := &job{
		id:             hexID("job", n),
		serial:         n,
		name:           name,
		buildProjectID: uuid("build project", n),
		createdAt:      now,
		days:           map[string]int{},
		hidden:         map[string]time.Time{},
		notices:        newNotices(),
		roles:          newRoles(),
	}
	s.jobs.add(j.id, j)
	return j
}

// has reports whether the job was not deleted.
func (s *state) has(j *job) bool {
	_, err := s.jobs.find(j.id)
	return err == nil
}

// jobInPath finds the job that job_id names and brings it up to date.
func (s *state) jobInPath(r *request) (*job, error) {
	j, err := s.jobs.find(r.text("job_id"))
	if err != nil {
		return nil, err
	}
	j.advance(r.now)
	return j, nil
}

// advance brings all builds up to date.
func (j *job) advance(now time.Time) {
	kept := j.waiting[:0]
	for _, b := range j.waiting {
		b.advance(now)
		if b.waiting() {
			kept = append(kept, b)
		}
	}
	clear(j.waiting[len(kept):])
	j.waiting = kept
}

// A jobSummary is what every job call has of a job.
type jobSummary struct {
	Disabled        bool   `json:"disabled"`
	Favorite        bool   `json:"favorite"`
	HealthScore     int    `json:"health_score"`
	ID              string `json:"id"`
	IsCopy          bool   `json:"is_copy"`
	IsDelete        bool   `json:"is_delete"`
	IsExecute       bool   `json:"is_execute"`
	IsForbidden     bool   `json:"is_forbidden"`
	IsModify        bool   `json:"is_modify"`
	IsView          bool   `json:"is_view"`
	JobName         string `json:"job_name"`
	LastBuildStatus string `json:"last_build_status"`
	LastBuildTime   int64  `json:"last_build_time"`
	SourceCode      string `json:"source_code"`
}

func (j *job) summary(l *listing) jobSummary {
	return jobSummary{
		Disabled:        j.disabled != nil,
		Favorite:        j.favourite,
		ID:              j.id,
		IsCopy:          true,
		IsDelete:        true,
		IsExecute:       true,
		IsModify:        true,
		IsView:          true,
		JobName:         j.name,
		LastBuildStatus: l.lastStatus(),
		LastBuildTime:   epochMillis(l.last().listedAt()),
		SourceCode:      sourceKind,
	}
}

func (s *state) followJob(r *request) (any, error) { return s.setFavourite(r, true) }

func (s *state) unfollowJob(r *request) (any, error) { return s.setFavourite(r, false) }

func (s *state) setFavourite(r *request, favourite bool) (any, error) {
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	j.favourite = favourite
	return struct {
		Favorite bool `json:"favorite"`
	}{favourite}, nil
}
