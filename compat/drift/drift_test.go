package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/codeartsbuild-go/codeartsbuild/internal/apidoc"
)

// listed is what the version of go.mod has and operations.json has not, with the reason.
var listed = map[string]string{
	"field of UploadKeystoreRequestBody: description": multipart,
	"field of UploadKeystoreRequestBody: file":        multipart,
	"field of UploadKeystoreRequestBody: privacy":     multipart,
}

const multipart = "a part of a multipart body, which operations.json does not describe"

func TestPinnedVersionHasNothingNew(t *testing.T) {
	t.Parallel()
	news, err := drift("../../testdata/operations.json", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range news {
		if listed[line] == "" {
			t.Error(line)
		}
	}
	for line := range listed {
		if !slices.Contains(news, line) {
			t.Errorf("listed, but not found: %s", line)
		}
	}
}

const meta = `package v3

func GenReqDefForShowThing() *def.HttpRequestDef {
	b := def.NewHttpRequestDefBuilder().WithMethod(http.MethodGet).WithPath("/v1/things/{thing_id}").WithResponse(new(model.ShowThingResponse))
	b.WithRequestField(def.NewFieldDef().WithName("ThingId").WithJsonTag("thing_id").WithLocationType(def.Path))
	b.WithRequestField(def.NewFieldDef().WithName("Size").WithJsonTag("size").WithLocationType(def.Query))
	return b.Build()
}
`

const model = `package model

type ShowThingRequest struct {
	ThingId string "json:\"thing_id\""
}

type ShowThingResponse struct {
	Name *string "json:\"name,omitempty\""
	HttpStatusCode int "json:\"-\""
}
`

func TestEverythingNewIsFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "model"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"meta.go": meta, "model/model.go": model} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := readClient(dir)
	if err != nil {
		t.Fatal(err)
	}
	thing := apidoc.Operation{Name: "ShowThing", Method: "GET", Path: "/v1/things/{thing_id}", Params: []apidoc.Param{{Name: "thing_id", In: "path"}, {Name: "size", In: "query"}}}
	moved, smaller := thing, thing
	moved.Path = "/v1/thing/{thing_id}"
	smaller.Params = thing.Params[:1]
	types := map[string][]apidoc.Field{"ShowThingResponse": {{Name: "name", Type: "string"}}}
	tests := map[string]struct {
		document apidoc.Document
		want     []string
	}{
		"nothing":         {apidoc.Document{Operations: []apidoc.Operation{thing}, Types: types}, nil},
		"a new operation": {apidoc.Document{Types: types}, []string{"operation ShowThing: GET /v1/things/{thing_id}"}},
		"another path":    {apidoc.Document{Operations: []apidoc.Operation{moved}, Types: types}, []string{"path of ShowThing: GET /v1/things/{thing_id}"}},
		"a new parameter": {apidoc.Document{Operations: []apidoc.Operation{smaller}, Types: types}, []string{"parameter of ShowThing: size in query"}},
		"a new field":     {apidoc.Document{Operations: []apidoc.Operation{thing}}, []string{"field of ShowThingResponse: name"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.beyond(&tt.document); !slices.Equal(got, tt.want) {
				t.Errorf("beyond: %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOtherSourcesAreAnError(t *testing.T) {
	t.Parallel()
	if _, err := readClient(t.TempDir()); err == nil {
		t.Error("readClient reads an empty folder, want an error")
	}
}
