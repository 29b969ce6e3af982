package codeartsbuild

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUserAgentHasTheVersionOfTheBuild(t *testing.T) {
	t.Parallel()
	const module = "github.com/codeartsbuild-go/codeartsbuild"
	other := &debug.Module{Path: "example.com/other", Version: "v9.0.0"}
	tests := map[string]struct {
		info *debug.BuildInfo
		want string
	}{
		"no build information":     {nil, "devel"},
		"built without modules":    {&debug.BuildInfo{}, "devel"},
		"a dependency":             {&debug.BuildInfo{Main: *other, Deps: []*debug.Module{other, {Path: module, Version: "v0.1.0"}}}, "v0.1.0"},
		"replaced by a folder":     {&debug.BuildInfo{Main: *other, Deps: []*debug.Module{{Path: module, Version: "v0.0.0", Replace: &debug.Module{Path: "../..", Version: "(devel)"}}}}, "devel"},
		"replaced by a fork":       {&debug.BuildInfo{Main: *other, Deps: []*debug.Module{{Path: module, Version: "v0.1.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v0.2.0"}}}}, "v0.2.0"},
		"a program of this module": {&debug.BuildInfo{Main: debug.Module{Path: module, Version: "v0.1.0"}, Deps: []*debug.Module{other}}, "v0.1.0"},
		"one that is not stamped":  {&debug.BuildInfo{Main: debug.Module{Path: module, Version: "(devel)"}}, "devel"},
	}
	for name, tt := range tests {
		require.Equal(t, tt.want, ownVersion(tt.info), name)
	}
}
