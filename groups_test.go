package codeartsbuild_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

const (
	groupProject = "923785f9674548259144259077bc6a98"
	groupTop     = "b13c933bbc6f4d09a98ef09e4cc07e17"
)

func TestGroups(t *testing.T) {
	t.Parallel()
	const user, domain = "devcloud_codeci_z00485259_02", "60021bab32fd450aa2cb89226f425e06"
	group := func(id, name string, ordinal int, created time.Time) codeartsbuild.Group {
		return codeartsbuild.Group{
			ID: id, Name: name, ProjectID: groupProject, PathID: groupTop, DomainID: domain, Ordinal: ordinal, CreateUser: user, CreateTime: created,
		}
	}
	child := func(g codeartsbuild.Group) codeartsbuild.Group {
		g.ParentID, g.PathID = groupTop, groupTop+"."+g.ID
		return g
	}
	top := group(groupTop, "新建分组-2160794", 0, utc(2025, 6, 4, 23, 6, 50))
	second := child(group("70e158b6054e442893d7f5a79d34ce61", "新建分组237", 6, utc(2025, 6, 8, 18, 55, 39)))
	second.UpdateUser, second.UpdateTime = user, utc(2025, 6, 8, 18, 58, 36)
	top.Children = []codeartsbuild.Group{
		child(group("e2c52ec7654948c09e635697a4ffcb59", "分组测试2225", 7, utc(2025, 6, 10, 1, 50, 28))), second,
	}
	created := []codeartsbuild.Group{{
		ID: "70e158b6054e442893d7f5a79d34ce61", Name: "分组测试777", ProjectID: groupProject, ParentID: groupTop,
		PathID: groupTop + ".66936fb8ea74472dbe7b05a46a50e62c", DomainID: domain, Ordinal: 2, CreateUser: "test1", UpdateUser: "test1",
		CreateTime: utc(2025, 6, 4, 23, 31, 13), UpdateTime: utc(2025, 6, 9, 1, 40, 58),
	}}
	const path, moved = "9ba77d8f7b7641389ef77d43a1b9b054.ed61be9beadf4eebbbbe3806157b1065.81c85f3b1bc34db3a1ce02df598c89e4", "7e081071b89044cbade745c0a95bbfa9"
	const documented = "b4d3971c3988463b865f6f920846149e"
	testEndpoints(t, map[string]endpointCall{
		"tree": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Groups.Tree(ctx, groupProject)
			},
			"GET /v1/job/" + groupProject + "/group/tree", "", "ListGroupTree.response", []codeartsbuild.Group{top},
		},
		"tree of a project without groups": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Groups.Tree(ctx, groupProject)
			},
			"GET /v1/job/" + groupProject + "/group/tree", "", `{"result":[],"error":null,"status":"success"}`, []codeartsbuild.Group{},
		},
		"create": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Groups.Create(ctx, documented, &codeartsbuild.GroupRequest{Name: "新建分组-53994140", ParentID: "626c66e962e44ce680b168c409d0502a"})
			},
			"POST /v1/job/" + documented + "/group/create", "CreateJobGroup.request", "CreateJobGroup.response", created,
		},
		"update": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Groups.Update(ctx, groupProject, &codeartsbuild.GroupRequest{ID: groupTop, Name: "a", ParentID: "b", GroupID: "c"})
			},
			"PUT /v1/job/" + groupProject + "/group/update",
			`{"project_id":"` + groupProject + `","id":"` + groupTop + `","name":"a","parent_id":"b","group_id":"c"}`, "CreateJobGroup.response", created,
		},
		"delete": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return done(c.Groups.Delete(ctx, groupProject, groupTop))
			},
			"DELETE /v1/job/" + groupProject + "/group/delete?id=" + groupTop, "", "DeleteGroup.response", nil,
		},
		"move": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Groups.Move(ctx, groupProject, &codeartsbuild.GroupMoveRequest{
					GroupID: moved, Jobs: []codeartsbuild.GroupJob{{ID: "6a027563492d4d0894eda9ed187d0f5b", Name: "Build-51378760"}},
				})
			},
			"POST /v1/job/" + groupProject + "/group/move", "MoveGroup.request", "MoveGroup.response",
			[]codeartsbuild.GroupMove{{JobID: "e3916d5a189340f7a8dca4d5339135e2", PathID: path}, {JobID: "787ebbc0783b41af939e6666a79ba82d", PathID: path}},
		},
		"swap": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return done(c.Groups.Swap(ctx, groupProject, "1", "2"))
			},
			"POST /v1/job/" + groupProject + "/group/swap?source_group_id=1&target_group_id=2", "", `{"result":null,"error":null,"status":"success"}`, nil,
		},
	})
}

func TestGroupsRejected(t *testing.T) {
	t.Parallel()
	testRejected(t, map[string]func(context.Context, *codeartsbuild.Client) error{
		"delete of no group": func(ctx context.Context, c *codeartsbuild.Client) error {
			return c.Groups.Delete(ctx, groupProject, "")
		},
		"delete of no project": func(ctx context.Context, c *codeartsbuild.Client) error { return c.Groups.Delete(ctx, "", groupTop) },
		"delete of another path": func(ctx context.Context, c *codeartsbuild.Client) error {
			return c.Groups.Delete(ctx, groupProject, "a/b")
		},
		"update of no group": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Groups.Update(ctx, groupProject, nil)
			return err
		},
		"move of no jobs": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Groups.Move(ctx, groupProject, nil)
			return err
		},
	})
}

// A group that was deleted by a request whose response was lost is not found by the next one.
func TestGroupDeletedByALostRequest(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(httpfake.Lost, httpfake.Reply(404, `{"error_code":"CB.1","error_msg":"no such group"}`))
	err := sdktest.Client(t, transport, sdktest.Quick).Groups.Delete(t.Context(), groupProject, groupTop)
	require.Equal(t, []string{"ErrNotFound", "ErrOutcomeUnknown"}, sdktest.Kinds(err))
}

// B127: A second exchange would undo the first.
func TestGroupsSwappedOnce(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(httpfake.Lost)
	err := sdktest.Client(t, transport, sdktest.Quick).Groups.Swap(t.Context(), groupProject, "1", "2")
	require.Equal(t, []string{"ErrOutcomeUnknown"}, sdktest.Kinds(err))
	require.Equal(t, 1, transport.Count())
}

// A tree that nests far deeper than the service's is an error, not a crash.
func TestGroupsWithoutEnd(t *testing.T) {
	t.Parallel()
	tree := `[]`
	for range 1000 {
		tree = `[{"children":` + tree + `}]`
	}
	client := sdktest.Client(t, httpfake.Script(httpfake.Reply(200, `{"result":`+tree+`}`)))
	groups, err := client.Groups.Tree(t.Context(), groupProject)
	require.Nil(t, groups)
	require.Equal(t, []string{"ErrUnexpectedResponse"}, sdktest.Kinds(err))
}

// A client prints the groups of a project as a tree.
func ExampleGroupsService_Tree() {
	const tree = `{"result":[{"name":"services","children":[{"name":"billing"},{"name":"search"}]},{"name":"tools"}],"status":"success"}`
	client, err := codeartsbuild.NewClient(
		codeartsbuild.WithRegion("cn-north-4"), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("token")),
		codeartsbuild.WithTransport(httpfake.Reply(http.StatusOK, tree)), // in place of the cloud
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	groups, err := client.Groups.Tree(context.Background(), groupProject)
	if errors.Is(err, codeartsbuild.ErrNotFound) {
		fmt.Println("no such project")
		return
	}
	var show func(groups []codeartsbuild.Group, indent string)
	show = func(groups []codeartsbuild.Group, indent string) {
		for _, group := range groups {
			fmt.Println(indent + group.Name)
			show(group.Children, indent+"  ")
		}
	}
	show(groups, "")
	// Output:
	// services
	//   billing
	//   search
	// tools
}
