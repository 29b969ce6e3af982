package codeartsbuildtest

import (
	"strconv"
	"strings"
)

// stopJob serves the default call of the SDK: job and number in the body.
func (s *state) stopJob(r *request) (any, error) {
	var in struct {
		JobID   string     `json:"job_id"`
		BuildNo numberText `json:"build_no"`
	}
	r.decode(&in)
	return true, s.stop(r, in.JobID, string(in.BuildNo))
}

// stopTheJob takes the number from the body, as documented, and from the query, as the generated clients
// send it.
func (s *state) stopTheJob(r *request) (any, error) {
	var in struct {
		BuildNo numberText `json:"build_no"`
	}
	r.decode(&in)
	number, inQuery := string(in.BuildNo), r.text("build_no")
	if number == "" {
		number = inQuery
	}
	if inQuery != "" && inQuery != number {
		return nil, invalid("build_no", "names two builds, one in the body and one in the query")
	}
	return nil, s.stop(r, r.text("job_id"), number)
}

func (s *state) stopBuildJob(r *request) (any, error) {
	return "", s.stop(r, r.text("job_id"), r.text("build_no"))
}

func (s *state) stop(r *request, jobID, buildNo string) error {
	if n, err := strconv.ParseInt(buildNo, 10, 32); err != nil || n < 1 {
		return invalid("build_no", "must be the number of a build")
	}
	if jobID == "" {
		return invalid("job_id", "is empty")
	}
	b, err := s.build(jobID, buildNo, r.now)
	if err != nil {
		return err
	}
	if b.status.Terminal() {
		return ended()
	}
	b.stop(r.now.Add(s.stopDelay))
	return nil
}

// A numberText is a number that comes as one or as a string.
type numberText string

func (n *numberText) UnmarshalJSON(data []byte) error {
	*n = numberText(strings.Trim(string(data), `"`))
	if *n == "null" {
		*n = ""
	}
	return nil
}
