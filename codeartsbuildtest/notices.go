package codeartsbuildtest

import (
	"slices"
	"strings"
)

// The ways to notify, and the events of a job that are told.
var (
	noticeTypes  = []string{"DING_TALK", "MAIL", "MESSAGE", "WECOM"}
	noticeEvents = []string{"buildJobFail", "buildJobSuccess", "deleteJob", "forbiddenJob", "updateConfigJob"}
)

// A notice is one way to notify about the events of a job.
type notice struct {
	Enabled map[string]bool `json:"enable_map"`
	Type    string          `json:"notice_type"`
	Param   *string         `json:"param_config"`
}

// newNotices are those of a new job: all events by mail and by message.
func newNotices() []*notice {
	var notices []*notice
	for _, kind := range noticeTypes {
		n := &notice{Enabled: map[string]bool{}, Type: kind}
		for _, event := range noticeEvents {
			n.Enabled[event] = kind == "MAIL" || kind == "MESSAGE"
		}
		notices = append(notices, n)
	}
	return notices
}

// notice finds one way to notify.
func (j *job) notice(kind string) (*notice, error) {
	i := slices.IndexFunc(j.notices, func(n *notice) bool { return n.Type == kind })
	if i < 0 {
		return nil, invalid("notice_type", "must be one of "+strings.Join(noticeTypes, ", "))
	}
	return j.notices[i], nil
}

func (s *state) listNotices(r *request) (any, error) {
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	return j.notices, nil
}

func (s *state) updateNotice(r *request) (any, error) {
	_, err := s.changeNotice(r)
	return "", err
}

// updateOldNotice has the id of the job as its result, as the example of the v3 call.
func (s *state) updateOldNotice(r *request) (any, error) { return s.changeNotice(r) }

// changeNotice enables the events that the body names, and disables the others.
func (s *state) changeNotice(r *request) (any, error) {
	var in struct {
		Type   string   `json:"notice_type"`
		Events []string `json:"enabled_event_type_names"`
		Param  *string  `json:"param_config"`
	}
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	r.decode(&in)
	n, err := j.notice(in.Type)
	if err != nil {
		return nil, err
	}
	for _, event := range in.Events {
		if !slices.Contains(noticeEvents, event) {
			return nil, invalid("enabled_event_type_names", "must be of "+strings.Join(noticeEvents, ", "))
		}
	}
	for _, event := range noticeEvents {
		n.Enabled[event] = slices.Contains(in.Events, event)
	}
	if in.Param != nil {
		n.Param = in.Param
	}
	return jobID{j.id}, nil
}

func (s *state) disableNotice(r *request) (any, error) {
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	n, err := j.notice(r.text("notice_type"))
	if err != nil {
		return nil, err
	}
	for _, event := range noticeEvents {
		n.Enabled[event] = false
	}
	return jobID{j.id}, nil
}
