package codeartsbuildtest

import "slices"

// A dispute is a parameter that the sources document in different ways. The service takes each of them.
type dispute struct {
	operation, parameter string

	reason   string
	optional bool     // not all sources require it
	types    []string // further types of a member of the body
	param    *param   // a parameter of the query that only some sources have
}

var disputes = []dispute{
	{
		operation: "StopTheJob", parameter: "build_no",
		reason:   "the pages have a number in the body, the vendor's client a number in the query, Terraform a string in the body",
		optional: true, types: []string{"string"},
	},
	{
		operation: "StopJob", parameter: "build_no",
		reason: "the type is a string, and the example beside it is the number 32",
		types:  []string{"int32"},
	},
	{
		operation: "ListRecyclingJob", parameter: "page_index",
		reason: "the newest pages count from 0 with page_index, older pages and the vendor's client from 1 with page_no",
		param:  &param{name: "page_index", in: "query", typ: "int32"},
	},
	{
		operation: "CreateTemplate", parameter: "template.steps[].module_id",
		reason:   "the newest page names the members of a step in camel case, against its own example",
		optional: true,
	},
}

// disputeOf finds what is disputed about a parameter; zero when nothing is.
func disputeOf(operation, parameter string) dispute {
	for _, d := range disputes {
		if d.operation == operation && d.parameter == withoutIndexes(parameter) {
			return d
		}
	}
	return dispute{}
}

// withoutIndexes turns steps[3].name into steps[].name.
func withoutIndexes(place string) string {
	var kept []byte
	for i := range len(place) {
		if digit := place[i] >= '0' && place[i] <= '9'; !digit || len(kept) == 0 || kept[len(kept)-1] != '[' {
			kept = append(kept, place[i])
		}
	}
	return string(kept)
}

// configurations are the calls whose body is the configuration of a job or of a template. The service keeps members
// that no page documents.
var configurations = []string{
	"CreateNewJob", "UpdateNewJob", "CopyJob", "CreateBuildJob", "UpdateBuildJob", "CreateTemplate", "CreateTemplates",
}

func (r *request) isConfiguration() bool { return slices.Contains(configurations, r.op.name) }
