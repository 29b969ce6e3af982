package codeartsbuildtest

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTemplates(t *testing.T) {
	t.Parallel()
	c := newCaller(t, NewServer())
	body := `{"name":"mine","description":"d","tool_type":"maven","template":{"steps":[{"module_id":"m","name":"n","later":[1.0]}],"kept": 1}}`
	uuid := c.call("POST", "/v1/template/create", body).value(t, "result.uuid").(string)
	old := c.call("POST", "/v3/templates/create", `{"name":"other","template":{"steps":[]}}`)
	assert.Equal(t, "other", old.value(t, "result.name"))
	assert.Equal(t, 400, c.call("POST", "/v1/template/create", `{"name":"","template":{"steps":[]}}`).status)

	list := func(query string) response { return c.get("/v1/template/custom?" + query) }
	assert.InDelta(t, 2, list("").value(t, "result.total_size"), 0)
	assert.Equal(t, "other", list("page=2&page_size=1").value(t, "result.items.0.name"))
	assert.Equal(t, uuid, list("name=min").value(t, "result.items.0.uuid"))
	assert.InDelta(t, 2, c.get("/v3/templates/query?page=1&page_size=10").value(t, "result.total_size"), 0)
	shown := c.get("/v1/template/" + uuid + "/custom")
	assert.Contains(t, shown.body, `"template":{"steps":[{"module_id":"m","name":"n","later":[1.0]}],"kept":1}`, "unknown members are kept")

	favourite := func() any { return c.get("/v1/template/"+uuid+"/custom").value(t, "result.favourite") }
	c.call("POST", "/v1/template/custom/"+uuid+"/follow", "")
	assert.Equal(t, true, favourite())
	c.call("POST", "/v1/template/custom/"+uuid+"/unfollow", "")
	assert.Equal(t, false, favourite())

	assert.JSONEq(t, `{"status":"success"}`, c.call("DELETE", "/v1/template/"+uuid+"/delete", "").body)
	for _, gone := range []response{
		c.get("/v1/template/" + uuid + "/custom"), c.call("DELETE", "/v1/template/"+uuid+"/delete", ""),
		c.call("POST", "/v1/template/custom/"+uuid+"/follow", ""),
	} {
		assert.Equal(t, "DEV.CB.0520002", gone.value(t, "error_code"))
	}
	assert.Equal(t, 200, c.call("DELETE", "/v3/templates/"+old.value(t, "result.uuid").(string)+"/delete", "").status)
	assert.InDelta(t, 0, list("").value(t, "result.total_size"), 0)
}

func TestOfficialTemplates(t *testing.T) {
	t.Parallel()
	c := newCaller(t, NewServer())
	list := func() response { return c.get("/v1/template/officialtemplates?page=1&page_size=10&name=npm") }
	assert.InDelta(t, 1, list().value(t, "result.total_size"), 0)
	assert.Equal(t, "official", list().value(t, "result.items.0.scope"))
	uuid := list().value(t, "result.items.0.uuid").(string)
	c.call("POST", "/v1/template/official/"+uuid+"/follow", "")
	assert.Equal(t, true, list().value(t, "result.items.0.favourite"))
	c.call("POST", "/v1/template/official/"+uuid+"/unfollow", "")
	assert.Equal(t, false, list().value(t, "result.items.0.favourite"))
	recommended := c.call("POST", "/v1/template/recommend", `{"git_url":"u","branch":"main"}`)
	assert.InDelta(t, 2, recommended.value(t, "result.total_size"), 0)
}
