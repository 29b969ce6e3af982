package codeartsbuildtest

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	defaultKeepDays = 30 // how long the recycle bin keeps a job
	maxKeepDays     = 30
)

// A deletedJob is the result of the calls that delete a job.
type deletedJob struct {
	JobID     string `json:"job_id"`
	ProjectID string `json:"project_id"`
}

// remove moves a job to the recycle bin.
func (s *state) remove(id string, now time.Time) error {
	j, err := s.jobs.find(id)
	if err != nil {
		return err
	}
	j.deletedAt = now
	s.bin.add(id, j)
	return s.jobs.remove(id)
}

func (s *state) deleteJob(r *request) (any, error) {
	id := r.text("job_id")
	if err := s.remove(id, r.now); err != nil {
		return nil, err
	}
	return deletedJob{id, codeProjectID}, nil
}

// deleteJobs deletes all jobs that it names, or none of them. Its result has the first one only, as documented.
func (s *state) deleteJobs(r *request) (any, error) {
	ids, err := r.jobIDs()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if _, err := s.jobs.find(id); err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		_ = s.remove(id, r.now) // found above; an id that comes twice is gone already
	}
	return deletedJob{ids[0], codeProjectID}, nil
}

// jobIDs reads a body that names jobs, at least one.
func (r *request) jobIDs() ([]string, error) {
	var in struct {
		JobIDs []string `json:"job_ids"`
	}
	r.decode(&in)
	if len(in.JobIDs) == 0 {
		return nil, invalid("job_ids", "is empty")
	}
	return in.JobIDs, nil
}

// recycled is the recycle bin without the jobs whose time is over.
func (s *state) recycled(now time.Time) *table[*job] {
	for _, j := range s.bin.all() {
		if !now.Before(j.deletedAt.AddDate(0, 0, s.keepDays)) {
			_ = s.bin.remove(j.id) // it is there
		}
	}
	return &s.bin
}

// listRecycled takes the page in either spelling: page_no from 1 and page_index from 0.
func (s *state) listRecycled(r *request) (any, error) {
	type row struct {
		CreateTime      string  `json:"create_time"`
		CreateTimeStamp string  `json:"create_time_stamp"`
		CreatorID       string  `json:"creator_id"`
		CreatorName     string  `json:"creator_name"`
		DeleteTime      string  `json:"delete_time"`
		DeleteTimeStamp string  `json:"delete_time_stamp"`
		JobID           string  `json:"job_id"`
		JobName         string  `json:"job_name"`
		ProjectID       string  `json:"project_id"`
		ProjectName     *string `json:"project_name"`
		Region          *string `json:"region"`
	}
	page := r.number("page_index", firstPageIsOne(r.number("page_no", 1)))
	if page != r.number("page_no", page+1)-1 {
		return nil, invalid("page_index", "and page_no name two pages")
	}
	rows := []row{}
	for _, j := range s.recycled(r.now).where(func(j *job) bool { return strings.Contains(j.name, r.text("search")) }) {
		rows = append(rows, row{
			CreateTime: wallTime(j.createdAt), CreateTimeStamp: epochSeconds(j.createdAt),
			CreatorID: userID, CreatorName: userName,
			DeleteTime: wallTime(j.deletedAt), DeleteTimeStamp: epochSeconds(j.deletedAt),
			JobID: j.id, JobName: j.name, ProjectID: codeProjectID,
		})
	}
	return struct {
		JobList  []row `json:"job_list"`
		KeepTime int   `json:"keep_time"`
		Total    int   `json:"total"`
	}{pageOf(rows, page, r.number("page_size", defaultPageSize)), s.keepDays, len(rows)}, nil
}

// takeFromBin removes jobs from the recycle bin: all that the body names, or none of them.
func (s *state) takeFromBin(r *request) ([]*job, error) {
	ids, err := r.jobIDs()
	if err != nil {
		return nil, err
	}
	bin, jobs := s.recycled(r.now), []*job{}
	for _, id := range ids {
		j, err := bin.find(id)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(jobs, j) {
			jobs = append(jobs, j)
		}
	}
	for _, j := range jobs {
		_ = bin.remove(j.id) // found above
	}
	return jobs, nil
}

func (s *state) restoreJobs(r *request) (any, error) {
	jobs, err := s.takeFromBin(r)
	for _, j := range jobs {
		s.jobs.putBack(j.id, j)
	}
	return nil, err
}

func (s *state) purgeJobs(r *request) (any, error) {
	_, err := s.takeFromBin(r)
	return nil, err
}

func (s *state) emptyBin(*request) (any, error) {
	s.bin = table[*job]{}
	return nil, nil
}

// setKeepTime sets for how many days the recycle bin keeps a job.
func (s *state) setKeepTime(r *request) (any, error) {
	var in struct {
		KeepTime int `json:"keep_time"`
	}
	r.decode(&in)
	if in.KeepTime < 1 || in.KeepTime > maxKeepDays {
		return nil, invalid("keep_time", "must be 1 to "+strconv.Itoa(maxKeepDays))
	}
	s.keepDays = in.KeepTime
	return in, nil
}
