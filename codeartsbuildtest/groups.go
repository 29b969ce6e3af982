package codeartsbuildtest

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A group holds jobs and other groups.
type group struct {
	id, name             string
	parent               *group // nil: at the top
	ordinal              int    // the place among its brothers
	createdAt, updatedAt time.Time
}

// pathID is the ids from the top down to the group.
func (g *group) pathID() string {
	if g.parent == nil {
		return g.id
	}
	return g.parent.pathID() + "." + g.id
}

// within reports whether the group is in another one, or is that one.
func (g *group) within(other *group) bool {
	return g != nil && (g == other || g.parent.within(other))
}

// A groupRow is what the group calls have of a group.
type groupRow struct {
	CreateTime *string `json:"create_time"`
	CreateUser string  `json:"create_user"`
	DomainID   string  `json:"domain_id"`
	ID         string  `json:"id"`
	Name       string  `json:"name"`
	Ordinal    int     `json:"ordinal,string"` // the type; the example of CreateJobGroup has a number
	ParentID   *string `json:"parent_id"`
	PathID     string  `json:"path_id"`
	ProjectID  string  `json:"project_id"`
	UpdateTime *string `json:"update_time"`
	UpdateUser *string `json:"update_user"`
}

func (g *group) row() groupRow {
	row := groupRow{
		CreateTime: zoneTime(g.createdAt),
		CreateUser: userName,
		DomainID:   accountID,
		ID:         g.id,
		Name:       g.name,
		Ordinal:    g.ordinal,
		PathID:     g.pathID(),
		ProjectID:  codeProjectID,
		UpdateTime: zoneTime(g.updatedAt),
	}
	if g.parent != nil {
		row.ParentID = &g.parent.id
	}
	if !g.updatedAt.IsZero() {
		row.UpdateUser = textOrNull(userName)
	}
	return row
}

// A groupRequest is the body of the calls that make or change a group.
type groupRequest struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	ParentID string `json:"parent_id"`
	GroupID  string `json:"group_id"`
	Jobs     []struct {
		JobID string `json:"job_id"`
	} `json:"jobs"`
}

// groupRequest reads the body of a call about the one project that there is.
func (s *state) groupRequest(r *request) (in groupRequest, err error) {
	if r.text("project_id") != codeProjectID {
		return in, errNotFound
	}
	r.decode(&in)
	return in, nil
}

func (s *state) createGroup(r *request) (any, error) {
	in, err := s.groupRequest(r)
	if err != nil {
		return nil, err
	}
	if in.Name == "" {
		return nil, invalid("name", "is missing")
	}
	g := &group{id: hexID("group", s.groups.added+1), name: in.Name, ordinal: s.groups.added, createdAt: r.now}
	if in.ParentID != "" {
		if g.parent, err = s.groups.find(in.ParentID); err != nil {
			return nil, err
		}
	}
	s.groups.add(g.id, g)
	return []groupRow{g.row()}, nil
}

func (s *state) updateGroup(r *request) (any, error) {
	in, err := s.groupRequest(r)
	if err != nil {
		return nil, err
	}
	g, err := s.groups.find(cmp.Or(in.ID, in.GroupID))
	if err != nil {
		return nil, err
	}
	g.name, g.updatedAt = cmp.Or(in.Name, g.name), r.now
	return []groupRow{g.row()}, nil
}

// deleteGroup deletes a group and the groups in it. Their jobs are in no group afterwards.
func (s *state) deleteGroup(r *request) (any, error) {
	doomed, err := s.groups.find(r.text("id"))
	if err != nil || r.text("project_id") != codeProjectID {
		return nil, errNotFound
	}
	for _, g := range s.groups.where(func(g *group) bool { return g.within(doomed) }) {
		_ = s.groups.remove(g.id) // it is there
		for _, j := range s.jobs.where(func(j *job) bool { return j.groupID == g.id }) {
			j.groupID = ""
		}
	}
	return nil, nil
}

func (s *state) swapGroups(r *request) (any, error) {
	a, err := s.groups.find(r.text("source_group_id"))
	if err != nil {
		return nil, err
	}
	b, err := s.groups.find(r.text("target_group_id"))
	if err != nil {
		return nil, err
	}
	a.ordinal, b.ordinal = b.ordinal, a.ordinal
	return nil, nil
}

// moveToGroup puts jobs into a group: all that it names, or none of them.
func (s *state) moveToGroup(r *request) (any, error) {
	in, err := s.groupRequest(r)
	if err != nil {
		return nil, err
	}
	g, err := s.groups.find(in.GroupID)
	if err != nil {
		return nil, err
	}
	type row struct {
		GroupPathID string `json:"group_path_id"`
		JobID       string `json:"job_id"`
	}
	rows, jobs := []row{}, []*job{}
	for _, named := range in.Jobs {
		j, err := s.jobs.find(named.JobID)
		if err != nil {
			return nil, err
		}
		jobs, rows = append(jobs, j), append(rows, row{g.pathID(), j.id})
	}
	for _, j := range jobs {
		j.groupID = g.id
	}
	return rows, nil
}

// A groupNode is a group in the tree. Without groups in it, children is null.
type groupNode struct {
	Children []groupNode `json:"children"`
	Ordinal  int         `json:"ordinal"` // a number in the tree
	groupRow
}

func (s *state) listGroups(r *request) (any, error) {
	if r.text("project_id") != codeProjectID {
		return nil, errNotFound
	}
	if top := s.groupsIn(nil); top != nil {
		return top, nil
	}
	return []groupNode{}, nil
}

func (s *state) groupsIn(parent *group) []groupNode {
	groups := s.groups.where(func(g *group) bool { return g.parent == parent })
	slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(a.ordinal, b.ordinal) })
	var nodes []groupNode
	for _, g := range groups {
		nodes = append(nodes, groupNode{s.groupsIn(g), g.ordinal, g.row()})
	}
	return nodes
}

// inGroup reports whether a job is in the group that a path of ids ends with; an empty path is every group.
func (s *state) inGroup(j *job, pathID string) bool {
	if pathID == "" {
		return true
	}
	return j.groupID == pathID[strings.LastIndexByte(pathID, '.')+1:]
}
