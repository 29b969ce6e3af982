package codeartsbuildtest

import "time"

// A disabling is why a job cannot be built.
type disabling struct {
	reason string
	at     time.Time
}

// disableJob disables a job, and enables it again with disabled=false.
func (s *state) disableJob(r *request) (any, error) {
	var in struct {
		Disabled bool   `json:"disabled"`
		Reason   string `json:"reason"`
	}
	r.decode(&in)
	return nil, s.setDisabled(r, in.Disabled, in.Reason)
}

func (s *state) disableOldJob(r *request) (any, error) { return nil, s.setDisabled(r, true, "") }

func (s *state) enableOldJob(r *request) (any, error) { return nil, s.setDisabled(r, false, "") }

func (s *state) setDisabled(r *request, disabled bool, reason string) error {
	j, err := s.jobInPath(r)
	if err != nil {
		return err
	}
	j.disabled = nil
	if disabled {
		j.disabled = &disabling{reason, r.now}
	}
	return nil
}

// showDisable tells why a job is disabled; null when it is not.
func (s *state) showDisable(r *request) (any, error) {
	j, err := s.jobInPath(r)
	if err != nil || j.disabled == nil {
		return nil, err
	}
	return struct {
		Disabled      int    `json:"disabled"`
		ForbiddenTime int64  `json:"forbidden_time"`
		Forbiddener   string `json:"forbiddener"`
		JobID         string `json:"job_id"`
		JobName       string `json:"job_name"`
		Reason        string `json:"reson"`
	}{1, epochMillis(j.disabled.at), userName, j.id, j.name, j.disabled.reason}, nil
}
