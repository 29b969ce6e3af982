package apitest

import (
	"context"

	"github.com/codeartsbuild-go/codeartsbuild"
)

var groupCalls = map[string]Call{
	"ListGroupTree": func(ctx context.Context, s *Scene) (any, error) {
		return s.Groups.Tree(ctx, s.Project)
	},
	"CreateJobGroup": func(ctx context.Context, s *Scene) (any, error) {
		return s.Groups.Create(ctx, s.Project, &codeartsbuild.GroupRequest{ID: "i", Name: "c", ParentID: s.Group, GroupID: "g"})
	},
	"UpdateJobGroup": func(ctx context.Context, s *Scene) (any, error) {
		return s.Groups.Update(ctx, s.Project, &codeartsbuild.GroupRequest{ID: s.OtherGroup, Name: "c", ParentID: s.Group, GroupID: "g"})
	},
	"DeleteGroup": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Groups.Delete(ctx, s.Project, s.OtherGroup)
	},
	"MoveGroup": func(ctx context.Context, s *Scene) (any, error) {
		return s.Groups.Move(ctx, s.Project, &codeartsbuild.GroupMoveRequest{GroupID: s.Group, Jobs: []codeartsbuild.GroupJob{{ID: s.Job, Name: "nightly"}}})
	},
	"SwitchedPacket": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Groups.Swap(ctx, s.Project, s.Group, s.OtherGroup)
	},
}
