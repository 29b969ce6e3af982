package codeartsbuildtest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An uploader sends forms.
func uploader(t *testing.T) (*scene, func(parts ...[3]string) response) {
	c := newCaller(t, NewServer())
	s := &scene{caller: c}
	return s, func(parts ...[3]string) response {
		t.Helper()
		body, contentType := multipartBody(t, parts)
		req := c.request("POST", "/v2/keystore/upload", body)
		req.Header.Set("Content-Type", contentType)
		got, err := c.try(req)
		require.NoError(t, err)
		return got
	}
}

func TestKeystores(t *testing.T) {
	t.Parallel()
	c, _ := uploader(t)
	content := "\x00\xff binary"
	id := c.upload("release.jks", content, "for releases").value(t, "result.keystore_id").(string)
	other := c.upload("debug.jks", "x", "").value(t, "result.keystore_id").(string)

	found := c.get("/v2/keystore/list?page=1&page_size=10&search=rel")
	assert.InDelta(t, 1, found.value(t, "result.total"), 0)
	assert.Equal(t, []any{id, "for releases"}, []any{found.value(t, "result.keystore_list.0.id"), found.value(t, "result.keystore_list.0.description")})
	assert.JSONEq(t, `[{"id":"`+id+`","keystore_name":"release.jks"},{"id":"`+other+`","keystore_name":"debug.jks"}]`, c.get("/v2/keystore/name").result(t))

	download := func(name, domain, id string) response {
		return c.get("/v2/keystore/download?name=" + name + "&domain_id=" + domain + "&id=" + id)
	}
	got := download("release.jks", accountID, id)
	assert.Equal(t, []string{content, octetStream}, []string{got.body, got.header.Get("Content-Type")})
	assert.Equal(t, content, c.get("/v3/keystore?file_name=release.jks&domain_id="+accountID).body)
	for _, missing := range []response{download("release.jks", accountID, other), download("release.jks", "x", id), download("x.jks", accountID, id)} {
		assert.Equal(t, 422, missing.status)
	}

	update := func(path, id, name, share string) response {
		return c.call("POST", "/v2/keystore/update/"+path, `{"id":"`+id+`","keystore_name":"`+name+`","share":`+share+`,"description":"new"}`)
	}
	assert.Equal(t, 200, update(id, id, "final.jks", "1").status)
	assert.InDelta(t, 1, c.get("/v2/keystore/list?search=final").value(t, "result.keystore_list.0.share"), 0)
	assert.Equal(t, 400, update(id, other, "a.jks", "1").status, "two files")
	assert.Equal(t, 400, update(id, id, "a.jks", "2").status)
	assert.Equal(t, "CB.00060203", update(id, id, "", "0").value(t, "error_code"))
	assert.Equal(t, 422, update("x", "x", "a.jks", "1").status)

	assert.Equal(t, 200, c.call("DELETE", "/v2/keystore/"+id+"/delete", "").status)
	assert.Equal(t, 422, c.call("DELETE", "/v2/keystore/"+id+"/delete", "").status)
	assert.NotEqual(t, id, c.upload("c.jks", "x", "").value(t, "result.keystore_id"))
}

func TestUploadsThatAreRejected(t *testing.T) {
	t.Parallel()
	_, send := uploader(t)
	many := make([][3]string, maxFilesAtOnce+1)
	for i := range many {
		many[i] = [3]string{"file", "a.jks", "x"}
	}
	for name, tt := range map[string]struct {
		parts [][3]string
		code  string
	}{
		"no file":         {[][3]string{{"description", "", "x"}}, "CB.00060200"},
		"no name":         {[][3]string{{"file", "", "x"}}, "CB.00060203"},
		"name too long":   {[][3]string{{"file", strings.Repeat("x", maxFileName+1), "x"}}, "CB.00060203"},
		"empty":           {[][3]string{{"file", "a.jks", ""}}, "CB.00060212"},
		"too large":       {[][3]string{{"file", "a.jks", strings.Repeat("x", maxFileSize+1)}}, "CB.00060200"},
		"too many":        {many, "CB.00060213"},
		"undocumented":    {[][3]string{{"file", "a.jks", "x"}, {"share", "", "1"}}, "CB.00060200"},
		"one bad of two":  {[][3]string{{"file", "a.jks", "x"}, {"file", "b.jks", ""}}, "CB.00060212"},
		"as many as fit":  {many[1:], ""},
		"as large as may": {[][3]string{{"file", "a.jks", strings.Repeat("x", maxFileSize)}}, ""},
	} {
		got := send(tt.parts...)
		assert.Equal(t, tt.code == "", got.status == 200, name)
		if tt.code != "" {
			assert.Equal(t, tt.code, got.value(t, "error_code"), name)
		}
	}
}

func TestFormsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ contentType, body string }{
		"JSON":          {"application/json", "{}"},
		"no boundary":   {"multipart/form-data", "--b--"},
		"another type":  {"multipart/mixed; boundary=b", "--b--"},
		"cut off":       {"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx"},
		"broken header": {"multipart/form-data; boundary=b", "--b\r\nx\r\n\r\ny\r\n--b--"},
	} {
		_, err := parseForm(tt.contentType, []byte(tt.body))
		require.Error(t, err, name)
	}
}

func TestKeystorePermissions(t *testing.T) {
	t.Parallel()
	c, _ := uploader(t)
	id := c.upload("a.jks", "x", "").value(t, "result.keystore_id").(string)
	list := func() response { return c.get("/v2/keystore/permission/" + id + "/query?page=1&page_size=10") }
	assert.Equal(t, true, list().value(t, "result.permission_list.0.is_creator"))

	add := `{"keystore_id":"` + id + `","user_id":"u","user_name":"ada","setting":false,"delete":false,"modify":true,"usage":true,"can_absent":true}`
	permission := c.call("POST", "/v2/keystore/permission/add", add).value(t, "result").(string)
	assert.InDelta(t, 2, list().value(t, "result.total"), 0)
	assert.Equal(t, []any{"ada", true}, []any{list().value(t, "result.permission_list.1.user_name"), list().value(t, "result.permission_list.1.modify")})
	edit := func(permission string) response {
		return c.call("POST", "/v2/keystore/permission/edit", `{"id":"`+permission+`","keystore_id":"`+id+`","user_name":"ada","delete":true,"modify":false,"usage":true}`)
	}
	assert.Equal(t, 200, edit(permission).status)
	assert.Equal(t, []any{true, false}, []any{list().value(t, "result.permission_list.1.delete"), list().value(t, "result.permission_list.1.modify")})
	assert.Equal(t, 422, edit("x").status)
	assert.Equal(t, 400, c.get("/v2/keystore/permission/"+id+"/query?page=0&page_size=10").status)
	assert.Equal(t, 200, c.call("DELETE", "/v2/keystore/permission/"+permission+"/delete", "").status)
	assert.Equal(t, 422, c.call("DELETE", "/v2/keystore/permission/"+permission+"/delete", "").status)
	assert.InDelta(t, 1, list().value(t, "result.total"), 0)
}
