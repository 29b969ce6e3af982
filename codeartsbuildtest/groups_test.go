package codeartsbuildtest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGroups(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		c := newCaller(t, srv)
		home := "/v1/job/" + codeProjectID + "/group/"
		create := func(name, parent string) string {
			got := c.call("POST", home+"create", `{"name":"`+name+`","parent_id":"`+parent+`"}`)
			require.Equal(t, 200, got.status, got.body)
			return got.value(t, "result.0.id").(string)
		}
		tree := func() response { return c.get(home + "tree") }
		assert.Equal(t, "[]", tree().result(t))

		a, b := create("a", ""), create("b", "")
		inA := create("in a", a)
		assert.Equal(t, a+"."+inA, tree().value(t, "result.0.children.0.path_id"))
		assert.Nil(t, tree().value(t, "result.1.children"))
		assert.Nil(t, tree().value(t, "result.0.update_time"))
		assert.Equal(t, 422, c.call("POST", home+"create", `{"name":"x","parent_id":"x"}`).status)
		assert.Equal(t, 400, c.call("POST", home+"create", `{}`).status)
		assert.Equal(t, 422, c.call("POST", "/v1/job/"+projectID+"/group/create", `{"name":"x"}`).status, "the id of another kind of project")

		time.Sleep(time.Hour)
		assert.Equal(t, "new", c.call("PUT", home+"update", `{"id":"`+a+`","name":"new"}`).value(t, "result.0.name"))
		assert.Equal(t, *zoneTime(time.Now()), tree().value(t, "result.0.update_time"))
		assert.Equal(t, 200, c.call("POST", home+"swap?source_group_id="+a+"&target_group_id="+b, "").status)
		assert.Equal(t, []any{b, a}, []any{tree().value(t, "result.0.id"), tree().value(t, "result.1.id")})

		one := srv.AddJob("one")
		srv.AddJob("two")
		moved := c.call("POST", home+"move", `{"group_id":"`+inA+`","jobs":[{"job_id":"`+one+`","job_name":"one"}]}`)
		assert.Equal(t, a+"."+inA, moved.value(t, "result.0.group_path_id"))
		assert.Equal(t, 422, c.call("POST", home+"move", `{"group_id":"`+b+`","jobs":[{"job_id":"`+one+`"},{"job_id":"x"}]}`).status)
		inGroup := func(path string) any {
			return c.get("/v1/job/"+codeProjectID+"/list?by_group=true&group_path_id="+path).value(t, "total")
		}
		assert.InDelta(t, 1, inGroup(a+"."+inA), 0)
		assert.InDelta(t, 0, inGroup(b), 0, "all jobs move or none")
		assert.InDelta(t, 2, inGroup(""), 0)

		assert.Equal(t, 200, c.call("DELETE", home+"delete?id="+a, "").status)
		assert.Equal(t, 422, c.call("DELETE", home+"delete?id="+inA, "").status, "the groups in it are gone as well")
		assert.InDelta(t, 0, inGroup(a+"."+inA), 0)
		assert.NotEqual(t, a, create("c", ""), "ids stay unique")
	})
}
