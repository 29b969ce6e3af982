package codeartsbuild

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

func TestDecideProject(t *testing.T) {
	t.Parallel()
	const h = time.Hour
	builds := []string{
		"6 main f6 queued push 11:50", "5 main e5 running push 11:00", "4 main d4 running push 05:00", "3 x c3 running push 04:00",
		"2 x b2 running manual 11:30", "1 release a1 running push 03:00",
	}
	tests := map[string]struct {
		builds  []string
		options ProjectOptions
		want    []string
	}{
		"nothing": {nil, ProjectOptions{Superseded: &SupersededOptions{}, Runaway: &RunawayOptions{MaxRunning: h}}, nil},
		"superseded builds only": {
			builds, ProjectOptions{Superseded: &SupersededOptions{}},
			[]string{"6 keep newest", "5 STOP superseded by 6", "4 STOP superseded by 6", "3 keep newest", "2 keep manual", "1 keep newest"},
		},
		"runaway builds only": {
			builds, ProjectOptions{Runaway: &RunawayOptions{MaxRunning: 6 * h}},
			[]string{"6 keep within limit", "5 keep within limit", "4 STOP running 7h0m", "3 STOP running 8h0m", "2 keep within limit", "1 STOP running 9h0m"},
		},
		"both": {
			builds, ProjectOptions{Superseded: &SupersededOptions{}, Runaway: &RunawayOptions{MaxRunning: 6 * h}},
			[]string{"6 keep newest", "5 STOP superseded by 6", "4 STOP running 7h0m", "3 STOP running 8h0m", "2 keep manual", "1 STOP running 9h0m"},
		},
		"the exceptions of one rule are not those of the other": {
			builds, ProjectOptions{
				Superseded: &SupersededOptions{Protect: []string{"release"}},
				Runaway:    &RunawayOptions{MaxRunning: 6 * h, Exempt: func(b *Build) bool { return b.Branch == "main" }},
			},
			[]string{"6 keep newest", "5 STOP superseded by 6", "4 STOP superseded by 6", "3 STOP running 8h0m", "2 keep manual", "1 STOP running 9h0m"},
		},
		"builds that superseded builds are not limited to": {
			builds, ProjectOptions{Superseded: &SupersededOptions{Branches: []string{"main"}}, Runaway: &RunawayOptions{MaxRunning: 100 * h}},
			[]string{"6 keep newest", "5 STOP superseded by 6", "4 STOP superseded by 6", "3 keep within limit", "2 keep within limit", "1 keep within limit"},
		},
		"a build that takes too long supersedes nothing": {
			[]string{"3 main c3 queued push 08:00", "2 main b2 running push 11:00", "1 main a1 running push 10:00"},
			ProjectOptions{Superseded: &SupersededOptions{}, Runaway: &RunawayOptions{MaxQueued: h}},
			[]string{"3 STOP queued 4h0m", "2 keep newest", "1 STOP superseded by 2"},
		},
		"each rule has its own time": {
			[]string{"4 main d4 running push 11:30", "3 main c3 running push 08:00", "2 x b2 succeeded push 04:00", "1 x a1 running push 11:45"},
			ProjectOptions{Superseded: &SupersededOptions{Within: h}, Runaway: &RunawayOptions{MaxRunning: 3 * h, Within: 6 * h}},
			[]string{"4 keep newest", "3 STOP running 4h0m", "1 keep newest"},
		},
		"a build without a start is not too old": {
			[]string{"2 main b2 running push 11:30", "1 main a1 running push"},
			ProjectOptions{Superseded: &SupersededOptions{Within: h}, Runaway: &RunawayOptions{MaxRunning: h}},
			[]string{"2 keep newest", "1 STOP superseded by 2"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, tt.options.validate())
			read := planBuilds(t, tt.builds)
			require.Equal(t, tt.want, planText(tt.options.decide(read, planWindow)))
			slices.Reverse(read)
			require.Equal(t, tt.want, planText(tt.options.decide(read, planWindow)), "the order of the list does not matter")
		})
	}
}

// Rows as ListProjectJobs has them.
func TestIdleJobs(t *testing.T) {
	t.Parallel()
	from := time.UnixMilli(1608004535000)
	tests := map[string]struct {
		row  string
		want bool
	}{
		"built before":                         {`{"last_build_time":1608004534999,"last_build_status":"blue","is_finished":true}`, true},
		"built before, spelled otherwise":      {`{"last_build_time":"2020-12-15 11:55:34","last_build_status":"RED","is_finished":"True"}`, true},
		"built since":                          {`{"last_build_time":1608004535000,"last_build_status":"blue","is_finished":true}`, false},
		"begun before and building":            {`{"last_build_time":1608004534999,"last_build_status":"building","is_finished":false}`, false},
		"building, it says in one place":       {`{"last_build_time":1608004534999,"last_build_status":"building","is_finished":true}`, false},
		"not finished, it says in one place":   {`{"last_build_time":1608004534999,"last_build_status":"aborted","is_finished":false}`, false},
		"it does not say whether it finished":  {`{"last_build_time":1608004534999,"last_build_status":"blue"}`, false},
		"it does not say when":                 {`{"last_build_status":"blue","is_finished":true}`, false},
		"it says 1970":                         {`{"last_build_time":28800000,"last_build_status":"blue","is_finished":true}`, false},
		"it says nothing":                      {`{}`, false},
		"never built":                          {`{"last_build_time":0,"last_build_status":"none","is_finished":true}`, true},
		"never built and therefore unfinished": {`{"last_build_time":null,"last_build_status":"None","is_finished":false}`, true},
		"never built, with a time since":       {`{"last_build_time":1608004535000,"last_build_status":"none","is_finished":true}`, false},
	}
	for name, tt := range tests {
		var job Job
		require.NoError(t, loosejson.Unmarshal([]byte(tt.row), &job))
		require.Equal(t, tt.want, job.idleSince(from), name)
	}
}

func TestInParallel(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ n, limit, wantAtOnce int }{
		"none":                 {0, 4, 0},
		"one":                  {1, 4, 1},
		"one at a time":        {5, 1, 1},
		"several at a time":    {9, 4, 4},
		"all at the same time": {5, 9, 5},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var running httpfake.Peak
				var seen []int
				for i := range inParallel(tt.n, tt.limit, func(i int) {
					running.Enter()
					defer running.Leave()
					time.Sleep(time.Duration(10-i) * time.Second) // and later ones are quicker
				}) {
					seen = append(seen, i)
				}
				slices.Sort(seen)
				require.Len(t, slices.Compact(seen), tt.n)
				require.Equal(t, tt.wantAtOnce, running.Most())
			})
		})
	}
}

func TestInParallelThatIsLeft(t *testing.T) {
	t.Parallel()
	leave := map[string]func(){"by a panic": func() { panic("left") }, "by break": func() {}}
	for name, end := range leave {
		synctest.Test(t, func(t *testing.T) { // which fails if a goroutine stays
			var begun, ended atomic.Int64
			func() {
				defer func() { _ = recover() }()
				for range inParallel(100, 4, func(i int) {
					begun.Add(1)
					time.Sleep(time.Duration(i+1) * time.Second)
					ended.Add(1)
				}) {
					end()
					break
				}
			}()
			require.Equal(t, begun.Load(), ended.Load(), "%s: those under way have returned", name)
			require.LessOrEqual(t, begun.Load(), int64(5), name)
		})
	}
}
