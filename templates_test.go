package codeartsbuild_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

const templateUUID = "2d9031c079624376824fe1e2731615dc"

// branchParameter is the parameter of all documented templates.
func branchParameter(description string) []codeartsbuild.TemplateParameter {
	return []codeartsbuild.TemplateParameter{{Name: "hudson.model.StringParameterDefinition", Settings: []codeartsbuild.TemplateParameterSetting{
		{Name: "name", Value: "codeBranch"}, {Name: "type", Value: "normalparam"}, {Name: "defaultValue", Value: "master"},
		{Name: "description", Value: description}, {Name: "deletion", Value: "false"}, {Name: "defaults", Value: "true"},
		{Name: "staticVar", Value: "false"}, {Name: "sensitiveVar", Value: "false"},
	}}}
}

// officialTemplate is a documented template; only its ids differ.
func officialTemplate(uuid, name, description string) codeartsbuild.Template {
	return codeartsbuild.Template{
		UUID: uuid, Name: name, NickName: "021", Description: description, Scope: codeartsbuild.TemplateCustom, Type: "codeci", Public: true,
		Parameters: branchParameter("Code branch, predefined parameters"),
	}
}

// customTemplate is the documented custom template, which has more fields.
func customTemplate() codeartsbuild.Template {
	template := officialTemplate(templateUUID, "oych_test_temp_ladadad12122313", "123")
	template.ID, template.UserID, template.UserName = "6561b2ced7a6751941fdc8cd", "ae22fd035f354cfa8d82a3f1c8940446", "testUser"
	template.DomainID, template.DomainName = "60021bab32fd450aa2cb89226f425e06", "testUser"
	template.CreateTime = time.Date(2023, 11, 25, 8, 39, 42, 98_000_000, time.UTC)
	template.I18n, template.IntlDescription = json.RawMessage(`{}`), json.RawMessage(`{}`)
	return template
}

// fullTemplate has the documented fields that the examples lack.
const fullTemplate = `{"result":{"uuid":"a","language":"Java","tool_type":"maven","weight":"1.5","favourite":true,"scope":"official",
	"template":{"steps":[{"module_id":"m","name":"n","version":"20231001.6","enable":true,"properties":{"a":1}},{"moduleId":"other spelling"}],
	"actions":[1],"auto_update_sub_module":"true","image":"i","image_source":"s"},
	"parameters":[{"params":[{"name":"a","limits":[{"disable":0,"display_name":"d","name":"v"}]}]}]},"error":null,"status":"success"}`

func TestTemplates(t *testing.T) {
	t.Parallel()
	full := codeartsbuild.Template{
		UUID: "a", Language: "Java", ToolType: "maven", Weight: 1.5, Favourite: true, Scope: codeartsbuild.TemplateOfficial,
		Content: codeartsbuild.TemplateContent{
			Steps: []codeartsbuild.TemplateStep{
				{ModuleID: "m", Name: "n", Version: "20231001.6", Enable: true, Properties: map[string]json.RawMessage{"a": json.RawMessage("1")}},
				{ModuleID: "other spelling"},
			},
			Actions: json.RawMessage("[1]"), AutoUpdateSubModule: true, Image: "i", ImageSource: "s",
		},
		Parameters: []codeartsbuild.TemplateParameter{{Settings: []codeartsbuild.TemplateParameterSetting{
			{Name: "a", Limits: []codeartsbuild.TemplateParameterLimit{{Name: "v", DisplayName: "d", Disable: "0"}}},
		}}},
	}
	official := []codeartsbuild.Template{
		officialTemplate(templateUUID, "oych_test_temp_ladadad12122313", "123"),
		officialTemplate("e6e1ac0c94254534bd6c952f201d621d", "oych_test_sdk_template", "oych_test_sdk_template"),
	}
	testEndpoints(t, map[string]endpointCall{
		"list": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Templates.List(ctx, &codeartsbuild.TemplateListOptions{Page: 2, PageSize: 50, Name: "a", Filter: "b", Tags: "c"})
			},
			"GET /v1/template/custom?filter=b&name=a&page=2&page_size=50&tags=c", "", "ListCustomTemplate.response",
			&codeartsbuild.Page[codeartsbuild.Template]{Items: []codeartsbuild.Template{customTemplate()}, Total: 172},
		},
		"list of official templates": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Templates.ListOfficial(ctx, &codeartsbuild.TemplateOfficialListOptions{Name: "a"})
			},
			"GET /v1/template/officialtemplates?name=a&page=1&page_size=100", "", "ListOfficialTemplate.response",
			&codeartsbuild.Page[codeartsbuild.Template]{Items: official, Total: 41},
		},
		"recommend": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Templates.Recommend(ctx, &codeartsbuild.TemplateRecommendRequest{
					GitURL: "git@example.invalid:5224d32005894b428a2558560d4d0c51/0409C.git", Branch: "master", Tags: "tag",
				})
			},
			"POST /v1/template/recommend", "ListRecommendOfficialTemplate.request", "ListRecommendOfficialTemplate.response",
			&codeartsbuild.TemplateRecommendation{Items: []codeartsbuild.Template{}},
		},
		"get": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Templates.Get(ctx, templateUUID)
			},
			"GET /v1/template/" + templateUUID + "/custom", "", fullTemplate, &full,
		},
		"default YAML": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Templates.DefaultYAML(ctx, sdktest.JobID, "arm")
			},
			"GET /v1/template/" + sdktest.JobID + "/default-template?default_host=arm", "", "ShowYamlTemplate.response", "echo hello",
		},
		"default YAML that is empty": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Templates.DefaultYAML(ctx, sdktest.JobID, "")
			},
			"GET /v1/template/" + sdktest.JobID + "/default-template", "", `{"result":"","error":null,"status":"success"}`, "",
		},
	})
}

func TestTemplateChanges(t *testing.T) {
	t.Parallel()
	step := codeartsbuild.TemplateStep{ModuleID: "devcloud2018.codeci_action_20043.action", Name: "Maven构建", Enable: true}
	request := codeartsbuild.TemplateRequest{
		Name: "example", Description: "123", ToolType: "123123", Steps: []codeartsbuild.TemplateStep{step}, Parameters: branchParameter("description"),
	}
	created := &codeartsbuild.TemplateCreateResult{UUID: "77176fe3a02c4a49af822360760a607d"}
	change := func(f func(*codeartsbuild.TemplatesService, context.Context) error) func(context.Context, *codeartsbuild.Client) (any, error) {
		return func(ctx context.Context, c *codeartsbuild.Client) (any, error) { return done(f(c.Templates, ctx)) }
	}
	testEndpoints(t, map[string]endpointCall{
		"create": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Templates.Create(ctx, &request)
			},
			"POST /v1/template/create", `{"name":"example","description":"123","tool_type":"123123",
				"template":{"steps":[{"module_id":"devcloud2018.codeci_action_20043.action","name":"Maven构建","enable":true}]},
				"parameters":[{"name":"hudson.model.StringParameterDefinition","params":[{"name":"name","value":"codeBranch"},
				{"name":"type","value":"normalparam"},{"name":"defaultValue","value":"master"},{"name":"description","value":"description"},
				{"name":"deletion","value":"false"},{"name":"defaults","value":"true"},{"name":"staticVar","value":"false"},{"name":"sensitiveVar","value":"false"}]}]}`,
			"CreateTemplate.response", created,
		},
		"create with all fields": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Templates.Create(ctx, &codeartsbuild.TemplateRequest{
					Name: "a", Steps: []codeartsbuild.TemplateStep{{ModuleID: "m", Version: "1", Properties: map[string]json.RawMessage{"p": json.RawMessage(`{"q":[1]}`)}}},
					Parameters: []codeartsbuild.TemplateParameter{{Settings: []codeartsbuild.TemplateParameterSetting{
						{Name: "n", Limits: []codeartsbuild.TemplateParameterLimit{{Name: "v", DisplayName: "d", Disable: "0"}}},
					}}},
					Resources: codeartsbuild.TemplateResources{CPU: "4", Memory: "8192"},
				})
			},
			"POST /v1/template/create", `{"name":"a","template":{"steps":[{"module_id":"m","version":"1","enable":false,"properties":{"p":{"q":[1]}}}]},
				"parameters":[{"params":[{"name":"n","value":"","limits":[{"name":"v","display_name":"d","disable":"0"}]}]}],
				"resource_limit":{"cpu":"4","memory":"8192"}}`, "CreateTemplate.response", created,
		},
		"delete": {
			change(func(s *codeartsbuild.TemplatesService, ctx context.Context) error { return s.Delete(ctx, templateUUID) }),
			"DELETE /v1/template/" + templateUUID + "/delete", "", "DeleteTemplate.response", nil,
		},
		"mark used": {
			change(func(s *codeartsbuild.TemplatesService, ctx context.Context) error {
				return s.MarkUsed(ctx, "4564dbb3a6ca4b7daa6c4befb76b1734", "00013")
			}),
			"POST /v1/template/used-info", "SaveTemplateUsedInfo.request", "SaveTemplateUsedInfo.response", nil,
		},
		"favourite": {
			change(func(s *codeartsbuild.TemplatesService, ctx context.Context) error {
				return s.AddFavourite(ctx, templateUUID)
			}),
			"POST /v1/template/custom/" + templateUUID + "/follow", "", "AddFavouriteCustomTemplate.response", nil,
		},
		"favourite no more": {
			change(func(s *codeartsbuild.TemplatesService, ctx context.Context) error {
				return s.RemoveFavourite(ctx, templateUUID)
			}),
			"POST /v1/template/custom/" + templateUUID + "/unfollow", "", "RemoverFavouriteCustomTemplate.response", nil,
		},
		"official favourite": {
			change(func(s *codeartsbuild.TemplatesService, ctx context.Context) error {
				return s.AddOfficialFavourite(ctx, templateUUID)
			}),
			"POST /v1/template/official/" + templateUUID + "/follow", "", "AddFavouriteOfficialTemplate.response", nil,
		},
		"official favourite no more": {
			change(func(s *codeartsbuild.TemplatesService, ctx context.Context) error {
				return s.RemoveOfficialFavourite(ctx, templateUUID)
			}),
			"POST /v1/template/official/" + templateUUID + "/unfollow", "", "RemoverFavouriteOfficialTemplate.response", nil,
		},
	})
}

// The iterators number pages from 1, as the service does, and end after the last template.
func TestTemplatesOverAllPages(t *testing.T) {
	t.Parallel()
	pages := func(req *http.Request) (*http.Response, error) {
		body := map[string]string{
			"1": `{"result":{"items":[{"uuid":"a"},{"uuid":"b"}],"total_size":3.0}}`, "2": `{"result":{"items":[{"uuid":"c"}],"total_size":"3"}}`,
		}[req.URL.Query().Get("page")]
		return httpfake.Reply(http.StatusOK, body)(req)
	}
	want := []codeartsbuild.Template{{UUID: "a"}, {UUID: "b"}, {UUID: "c"}}
	client := sdktest.Client(t, httpfake.Func(pages))
	custom, err := collect(client.Templates.All(t.Context(), &codeartsbuild.TemplateListOptions{PageSize: 2}))
	require.NoError(t, err)
	require.Equal(t, want, custom)
	official, err := collect(client.Templates.AllOfficial(t.Context(), &codeartsbuild.TemplateOfficialListOptions{PageSize: 2}))
	require.NoError(t, err)
	require.Equal(t, want, official)
}

func TestTemplatesRejected(t *testing.T) {
	t.Parallel()
	testRejected(t, map[string]func(context.Context, *codeartsbuild.Client) error{
		"delete of no template": func(ctx context.Context, c *codeartsbuild.Client) error { return c.Templates.Delete(ctx, "") },
		"delete of another path": func(ctx context.Context, c *codeartsbuild.Client) error {
			return c.Templates.Delete(ctx, "../recycling")
		},
		"use by no job": func(ctx context.Context, c *codeartsbuild.Client) error { return c.Templates.MarkUsed(ctx, "", "1") },
	})
}

func TestTemplateErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		response string
		want     []string
	}{
		"an error in a success": {`{"result":null,"error":{"code":"DEV.CB.032000","reason":"no"},"status":"error"}`, []string{"ErrBadRequest"}},
		"a status in a success": {`{"result":null,"status":"fail"}`, []string{}},
		"no template":           {`{"result":null,"error":null,"status":"success"}`, []string{"ErrOutcomeUnknown", "ErrUnexpectedResponse"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := sdktest.Client(t, httpfake.Script(httpfake.Reply(200, tt.response)))
			created, err := client.Templates.Create(t.Context(), &codeartsbuild.TemplateRequest{Name: "a"})
			require.Nil(t, created)
			require.Error(t, err)
			require.Equal(t, tt.want, sdktest.Kinds(err))
		})
	}
}

// A client copies a template.
func ExampleTemplatesService_Create() {
	const found = `{"result":{"name":"maven","tool_type":"maven","template":{"steps":[{"module_id":"devcloud2018.codeci_action_20043.action","enable":true}]}}}`
	client, err := codeartsbuild.NewClient(
		codeartsbuild.WithRegion("cn-north-4"), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("token")),
		codeartsbuild.WithTransport(httpfake.Script(httpfake.Reply(200, found), httpfake.Reply(200, `{"result":{"uuid":"77176fe3a02c4a49af822360760a607d"}}`))), // in place of the cloud
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	template, err := client.Templates.Get(context.Background(), templateUUID)
	if err != nil {
		fmt.Println(err)
		return
	}
	created, err := client.Templates.Create(context.Background(), &codeartsbuild.TemplateRequest{
		Name: template.Name + "-copy", ToolType: template.ToolType, Steps: template.Content.Steps, Parameters: template.Parameters,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(created.UUID)
	// Output: 77176fe3a02c4a49af822360760a607d
}
