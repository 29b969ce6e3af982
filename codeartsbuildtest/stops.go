package codeartsbuildtest

import (
	"encoding/json"
	"strconv"
	"strings"
)

// stopJob answers the default call of the SDK: job and number in the body.
func (s *Server) stopJob(c *call) answer {
	var in struct {
		JobID   string     `json:"job_id"`
		BuildNo numberText `json:"build_no"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return *invalid("the body is no such request")
	}
	accepted := struct {
		Result bool `json:"result"`
	}{true}
	return s.stop(c, in.JobID, string(in.BuildNo), codeNotFoundOld, accepted)
}

// stopTheJob takes the number from the body, as documented, and from the query, as the generated clients
// send it.
func (s *Server) stopTheJob(c *call) answer {
	var in struct {
		BuildNo numberText `json:"build_no"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil && len(c.body) > 0 {
		return *invalid("the body is no such request")
	}
	number, inQuery := string(in.BuildNo), c.query.Get("build_no")
	if number == "" {
		number = inQuery
	}
	if inQuery != "" && inQuery != number {
		return *invalid("build_no: the body and the query name two builds")
	}
	accepted := struct {
		Status string `json:"status"`
	}{"success"}
	return s.stop(c, c.r.PathValue("job_id"), number, codeNotFound, accepted)
}

func (s *Server) stopBuildJob(c *call) answer {
	accepted := struct {
		Success bool   `json:"success"`
		Result  string `json:"result"`
	}{Success: true}
	return s.stop(c, c.r.PathValue("job_id"), c.r.PathValue("build_no"), codeNotFoundOld, accepted)
}

func (s *Server) stop(c *call, jobID, buildNo, missing string, accepted any) answer {
	if jobID == "" {
		return *invalid("job_id")
	}
	b, refused := s.findBuild(c, jobID, buildNo, missing)
	switch {
	case refused != nil:
		return *refused
	case b.status.Terminal():
		return refuseEnded()
	}
	b.stop(c.now)
	return flat(accepted)
}

// findBuild finds the build that a request names, or says why not; missing is the code for one that does
// not exist.
func (s *Server) findBuild(c *call, jobID, buildNo, missing string) (*build, *answer) {
	if n, err := strconv.ParseInt(buildNo, 10, 32); err != nil || n < 1 {
		return nil, invalid("build_no")
	}
	if b := s.build(jobID, buildNo, c.now); b != nil {
		return b, nil
	}
	return nil, notFound(missing)
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
