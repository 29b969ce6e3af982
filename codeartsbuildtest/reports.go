package codeartsbuildtest

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// finished lists the builds of a job that have ended within a time, newest first.
func (j *job) finished(from, to time.Time) []*build {
	return slices.DeleteFunc(slices.Clone(j.present().during(from, to)), func(b *build) bool { return !b.status.Terminal() })
}

func succeeded(builds []*build) int {
	n := 0
	for _, b := range builds {
		if b.status == codeartsbuild.StatusSucceeded {
			n++
		}
	}
	return n
}

// reported lists the finished builds that a report is about: of one branch or of all, within so many days.
func (s *state) reported(r *request) (*job, []*build, error) {
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, nil, err
	}
	branch := r.text("branch")
	builds := slices.DeleteFunc(j.finished(r.now.AddDate(0, 0, -r.number("interval", 0)), r.now), func(b *build) bool {
		return branch != "" && b.branch != branch || r.text("repository_name") != repositoryName
	})
	return j, builds, nil
}

// percent is a share in whole percent, rounded; 0 of nothing.
func percent(part, whole int) int {
	if whole == 0 {
		return 0
	}
	return (part*100 + whole/2) / whole
}

// fraction is a share as text, such as 2/3.
func fraction(part, whole int) string { return strconv.Itoa(part) + "/" + strconv.Itoa(whole) }

func (s *state) showSuccessReport(r *request) (any, error) {
	j, builds, err := s.reported(r)
	if err != nil {
		return nil, err
	}
	type day struct {
		Date         string `json:"date"`
		SuccessRatio int    `json:"success_ratio"`
	}
	byDay := map[string][]*build{}
	days := []day{}
	for _, b := range builds {
		date := b.listedAt().In(serviceZone).Format("2006/01/02")
		byDay[date] = append(byDay[date], b)
		if len(byDay[date]) == 1 {
			days = append(days, day{Date: date})
		}
	}
	for i := range days {
		ofDay := byDay[days[i].Date]
		days[i].SuccessRatio = percent(succeeded(ofDay), len(ofDay))
	}
	return struct {
		Branch         string `json:"branch"`
		EveryDayReport []day  `json:"every_day_report"`
		JobID          string `json:"job_id"`
		TotalCount     int    `json:"total_count"`
		TotalSuccess   int    `json:"total_success_count"`
		TotalFraction  string `json:"total_success_ratio_fraction"`
	}{cmp.Or(r.text("branch"), "all"), days, j.id, len(builds), succeeded(builds), fraction(succeeded(builds), len(builds))}, nil
}

func (s *state) showTimeReport(r *request) (any, error) {
	j, builds, err := s.reported(r)
	if err != nil {
		return nil, err
	}
	type bar struct {
		BuildNumber      int    `json:"build_number"`
		BuildResult      string `json:"build_result"`
		BuildTime        int64  `json:"build_time"`
		DailyBuildNumber string `json:"daily_build_number"`
	}
	report := struct {
		Average float64 `json:"avg_build_time"`
		Chart   []bar   `json:"chart"`
		JobID   string  `json:"job_id"`
		Most    int64   `json:"max_build_time"`
		Least   int64   `json:"min_build_time"`
	}{Chart: []bar{}, JobID: j.id}
	sum := int64(0)
	for i, b := range builds {
		ran := b.ran(r.now)
		sum += ran
		report.Most = max(report.Most, ran)
		if i == 0 || ran < report.Least {
			report.Least = ran
		}
		report.Chart = append(report.Chart, bar{b.number, spell(b.status).record, ran, b.daily})
	}
	if len(builds) > 0 {
		report.Average = float64(sum) / float64(len(builds))
	}
	return report, nil
}

// showSuccessRatio serves the v3 call, whose days are whole ones.
func (s *state) showSuccessRatio(r *request) (any, error) {
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	builds := j.finished(r.days())
	ratio := 0.0
	if len(builds) > 0 {
		ratio = math.Round(float64(succeeded(builds))/float64(len(builds))*100) / 100
	}
	return struct {
		SuccessCount int     `json:"success_count"`
		SuccessRatio float64 `json:"success_ratio"`
		TotalCount   int     `json:"total_count"`
	}{succeeded(builds), ratio, len(builds)}, nil
}

// days is the time from the beginning of start_time to the end of end_time.
func (r *request) days() (from, to time.Time) {
	from = r.clock("start_time", wallDate, time.Time{})
	return from, r.clock("end_time", wallDate, time.Time{}).AddDate(0, 0, 1).Add(-time.Second)
}

func (s *state) showJobTotal(r *request) (any, error) {
	j, err := s.buildProject(r)
	if err != nil {
		return nil, err
	}
	builds := j.listing(r.now).during(r.clock("from_date", wallClock, time.Time{}), r.clock("to_date", wallClock, r.now))
	return struct {
		Total int `json:"total"`
	}{len(builds)}, nil
}

// showJobSummary counts over all jobs of the account.
func (s *state) showJobSummary(r *request) (any, error) {
	type summary struct {
		AvgSuccessRatio int `json:"avg_success_ratio"`
		BuildNo         int `json:"build_no"`
		JobTotal        int `json:"job_total"`
		VersionTotal    int `json:"version_total,string"` // the type; the example has a number
	}
	total, good, ended := 0, 0, 0
	for _, j := range s.jobs.all() {
		j.advance(r.now)
		builds := j.finished(time.Time{}, r.now)
		total, good, ended = total+len(j.builds), good+succeeded(builds), ended+len(builds)
	}
	return struct {
		Summary summary `json:"summary"`
	}{summary{percent(good, ended), total, len(s.jobs.all()), 0}}, nil
}

func (s *state) listRepositories(r *request) (any, error) {
	if _, err := s.jobInPath(r); err != nil {
		return nil, err
	}
	return struct {
		Latest       string   `json:"latest"`
		Repositories []string `json:"repositories"`
	}{repositoryName, []string{repositoryName}}, nil
}

// branches are those that builds of the job were of, the newest first, and behind them the job's own.
func (j *job) branches() []string {
	branches := []string{}
	for _, b := range slices.Backward(j.builds) {
		if b.branch != "" && !slices.Contains(branches, b.branch) {
			branches = append(branches, b.branch)
		}
	}
	if own := j.settings.defaultBranch(); own != "" && !slices.Contains(branches, own) {
		branches = append(branches, own)
	}
	return branches
}

func (s *state) listBranches(r *request) (any, error) {
	j, err := s.jobInPath(r)
	if err != nil {
		return nil, err
	}
	if name, given := r.query["repository_name"]; given && name[0] != repositoryName {
		return []string{}, nil
	}
	all := j.branches()
	return pageOf(all, r.number("offset", 0), r.number("limit", cmp.Or(len(all), 1))), nil
}
