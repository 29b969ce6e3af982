package codeartsbuildtest

import (
	"strconv"
	"time"
)

// rights are what a role may do with a job.
type rights struct {
	IsCopy      bool `json:"is_copy"`
	IsDelete    bool `json:"is_delete"`
	IsExecute   bool `json:"is_execute"`
	IsForbidden bool `json:"is_forbidden"`
	IsManager   bool `json:"is_manager"`
	IsModify    bool `json:"is_modify"`
	IsView      bool `json:"is_view"`
}

// named finds the right with a documented name.
func (p *rights) named(name string) *bool {
	return map[string]*bool{
		"is_copy": &p.IsCopy, "is_delete": &p.IsDelete, "is_execute": &p.IsExecute, "is_forbidden": &p.IsForbidden,
		"is_manager": &p.IsManager, "is_modify": &p.IsModify, "is_view": &p.IsView,
	}[name]
}

// A role has rights on a job.
type role struct {
	id     int
	name   string
	rights rights
}

// newRoles are the roles of a new job.
func newRoles() []*role {
	return []*role{
		{-1, "project_admin", rights{true, true, true, true, true, true, true}},
		{3, "project_manager", rights{true, true, true, true, false, true, true}},
		{4, "developer", rights{IsCopy: true, IsExecute: true, IsModify: true, IsView: true}},
		{5, "viewer", rights{IsView: true}},
	}
}

// role finds a role of the job by its id.
func (j *job) role(id int) (*role, error) {
	for _, known := range j.roles {
		if known.id == id {
			return known, nil
		}
	}
	return nil, invalid("role_id", "must be the id of a role")
}

// roleTime spells a time of a role, such as Jun 5, 2024 4:00:58 PM.
func roleTime(t time.Time) string { return t.In(serviceZone).Format("Jan 2, 2006 3:04:05 PM") }

func (s *state) listRoles(r *request) (any, error) {
	type row struct {
		Count      int    `json:"count"`
		CreateTime string `json:"create_time"`
		ID         int    `json:"id"`
		rights
		JobID          string `json:"job_id"`
		LastUpdateTime string `json:"last_update_time"`
		RoleID         int    `json:"role_id"`
		RoleName       string `json:"role_name"`
	}
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	rows := []row{}
	for i, known := range j.roles {
		rows = append(rows, row{
			CreateTime: roleTime(j.createdAt), ID: j.serial*100 + i + 1, rights: known.rights, JobID: j.id,
			LastUpdateTime: roleTime(j.createdAt), RoleID: known.id, RoleName: known.name,
		})
	}
	return rows, nil
}

// updateRole gives a role one right or takes it away.
func (s *state) updateRole(r *request) (any, error) {
	in := struct {
		JobID      string `json:"job_id"`
		RoleID     string `json:"role_id"`
		Permission string `json:"permission_name"`
		Value      bool   `json:"permission_value"`
	}{Value: true} // as documented
	r.decode(&in)
	j, err := s.jobs.find(in.JobID)
	if err != nil {
		return nil, err
	}
	id, err := strconv.Atoi(in.RoleID)
	if err != nil {
		return nil, invalid("role_id", "must be a number")
	}
	changed, err := j.role(id)
	if err != nil {
		return nil, err
	}
	right := changed.rights.named(in.Permission)
	if right == nil {
		return nil, invalid("permission_name", "is missing")
	}
	*right = in.Value
	return nil, nil
}

// updateRoles gives roles of several jobs all their rights anew: of all jobs that it names, or of none. Roles that the
// jobs do not have are added.
func (s *state) updateRoles(r *request) (any, error) {
	var in struct {
		JobIDs      []string `json:"job_ids"`
		Switch      *bool    `json:"project_switch"`
		Permissions []struct {
			RoleID   int    `json:"role_id"`
			RoleName string `json:"role_name"`
			rights
		} `json:"permissions"`
	}
	r.decode(&in)
	var jobs []*job
	for _, id := range in.JobIDs {
		j, err := s.jobs.find(id)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	for _, j := range jobs {
		if in.Switch != nil {
			j.rightsOfProject = *in.Switch
		}
		for _, p := range in.Permissions {
			changed, err := j.role(p.RoleID)
			if err != nil {
				changed = &role{id: p.RoleID, name: p.RoleName}
				j.roles = append(j.roles, changed)
			}
			changed.rights = p.rights
		}
	}
	return nil, nil
}

// applyProjectPermission decides whether the rights on a job come from the project.
func (s *state) applyProjectPermission(r *request) (any, error) {
	var in struct {
		JobID  string `json:"job_id"`
		Switch bool   `json:"project_switch"`
	}
	r.decode(&in)
	j, err := s.jobs.find(in.JobID)
	if err != nil {
		return nil, err
	}
	j.rightsOfProject = in.Switch
	return nil, nil
}

// showOwnRights tells what the caller may do with a job. The caller is an administrator of the project, the first role.
func (s *state) showOwnRights(r *request) (any, error) {
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	own := j.roles[0]
	return struct {
		Count      int     `json:"count"`
		CreateTime *string `json:"create_time"`
		rights
		JobID          string  `json:"job_id"`
		LastUpdateTime *string `json:"last_update_time"`
		RoleID         int     `json:"role_id"`
	}{0, recordTime(j.createdAt), own.rights, j.id, recordTime(j.createdAt), own.id}, nil
}
