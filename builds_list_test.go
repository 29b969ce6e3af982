package codeartsbuild_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

func parseTime(t *testing.T, text string) time.Time {
	t.Helper()
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at
}

// listsNothing is a service whose job has no builds.
func listsNothing() *httpfake.Recorder {
	return httpfake.Script(httpfake.Reply(200, `{"result":{"job_build_states":[]}}`))
}

// windows are the times that were asked for, on the service's clock, which is 8 hours ahead of UTC.
func windows(requests []httpfake.Request) (windows []string) {
	for _, r := range requests {
		q := r.URL.Query()
		windows = append(windows, q.Get("start_time")+" to "+q.Get("end_time"))
	}
	return windows
}

// B56: a time is split into windows of at most 31 days on the service's clock.
func TestBuildsWindows(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		from, to string
		windows  []string
	}{
		"nothing given": { // in a bubble time starts with the year 2000
			windows: []string{"1999-12-01 08:00:00 to 2000-01-01 08:00:00"},
		},
		"only an end": {
			to: "2026-03-31T16:00:00Z", windows: []string{"2026-03-01 00:00:00 to 2026-04-01 00:00:00"},
		},
		"only a start": {
			from: "1999-12-31T00:00:00Z", windows: []string{"1999-12-31 08:00:00 to 2000-01-01 08:00:00"},
		},
		"a day": {
			from: "2026-03-01T23:00:00Z", to: "2026-03-02T23:00:00Z", windows: []string{"2026-03-02 07:00:00 to 2026-03-03 07:00:00"},
		},
		"times of other zones": {
			from: "2026-03-01T23:00:00-05:00", to: "2026-03-03T04:00:00+09:00", windows: []string{"2026-03-02 12:00:00 to 2026-03-03 03:00:00"},
		},
		"an instant": {
			from: "2026-03-01T23:00:00Z", to: "2026-03-01T23:00:00Z", windows: []string{"2026-03-02 07:00:00 to 2026-03-02 07:00:00"},
		},
		"parts of seconds": {
			from: "2026-03-01T00:00:00.9Z", to: "2026-03-02T00:00:00.1Z", windows: []string{"2026-03-01 08:00:00 to 2026-03-02 08:00:01"},
		},
		"the future": {
			from: "2000-01-01T00:00:00Z", to: "2000-02-01T00:00:00Z", windows: []string{"2000-01-01 08:00:00 to 2000-02-01 08:00:00"},
		},
		"31 days": {
			from: "2026-03-01T00:00:00Z", to: "2026-04-01T00:00:00Z", windows: []string{"2026-03-01 08:00:00 to 2026-04-01 08:00:00"},
		},
		"a second more": {
			from: "2026-02-28T23:59:59Z", to: "2026-04-01T00:00:00Z",
			windows: []string{"2026-03-01 08:00:00 to 2026-04-01 08:00:00", "2026-03-01 07:59:59 to 2026-03-01 08:00:00"},
		},
		"a hundred days": {
			from: "2026-01-01T00:00:00Z", to: "2026-04-11T00:00:00Z",
			windows: []string{
				"2026-03-11 08:00:00 to 2026-04-11 08:00:00", "2026-02-08 08:00:00 to 2026-03-11 08:00:00",
				"2026-01-08 08:00:00 to 2026-02-08 08:00:00", "2026-01-01 08:00:00 to 2026-01-08 08:00:00",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := listsNothing()
				client := sdktest.Client(t, transport)
				in := &codeartsbuild.BuildListOptions{From: parseTime(t, tt.from), To: parseTime(t, tt.to)}
				for _, err := range client.Builds.All(t.Context(), sdktest.JobID, in) {
					require.NoError(t, err)
				}
				require.Equal(t, tt.windows, windows(transport.Requests()))

				_, err := client.Builds.List(t.Context(), sdktest.JobID, in)
				if len(tt.windows) > 1 {
					require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument, "one list spans at most 31 days")
					require.Equal(t, len(tt.windows), transport.Count())
					return
				}
				require.NoError(t, err)
				require.Equal(t, tt.windows, windows(transport.Requests()[1:]))
			})
		})
	}
}

// B56: a window of 31 days is accepted although its ends have parts of seconds, which the service cannot take.
func TestBuildsThirtyOneDays(t *testing.T) {
	t.Parallel()
	const days = 31 * 24 * time.Hour
	tests := map[string]func(now time.Time) *codeartsbuild.BuildListOptions{
		"up to now": func(now time.Time) *codeartsbuild.BuildListOptions {
			return &codeartsbuild.BuildListOptions{From: now.Add(-days)}
		},
		"up to a given time": func(now time.Time) *codeartsbuild.BuildListOptions {
			return &codeartsbuild.BuildListOptions{From: now.Add(-2 * days), To: now.Add(-days)}
		},
	}
	for name, options := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := sdktest.NewJob(t)
				time.Sleep(300 * time.Millisecond)
				_, err := f.Client().Builds.List(t.Context(), f.JobID, options(time.Now()))
				require.NoError(t, err)
			})
		})
	}
}

// B56: options that cannot be are rejected.
func TestBuildsListRejected(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		job string
		in  codeartsbuild.BuildListOptions
	}{
		"a negative page":   {sdktest.JobID, codeartsbuild.BuildListOptions{Page: -1}},
		"a negative size":   {sdktest.JobID, codeartsbuild.BuildListOptions{PageSize: -1}},
		"a size too large":  {sdktest.JobID, codeartsbuild.BuildListOptions{PageSize: 101}},
		"a start after end": {sdktest.JobID, codeartsbuild.BuildListOptions{From: now.Add(time.Second), To: now}},
		"no job":            {"", codeartsbuild.BuildListOptions{}},
		"a path for a job":  {"../" + sdktest.JobID[3:], codeartsbuild.BuildListOptions{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := listsNothing()
			client := sdktest.Client(t, transport)
			_, err := client.Builds.List(t.Context(), tt.job, &tt.in)
			require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
			pairs := 0
			tt.in.Page = max(tt.in.Page, 0) // All ignores it
			for build, err := range client.Builds.All(t.Context(), tt.job, &tt.in) {
				require.Equal(t, err == nil, build != nil)
				pairs++
			}
			if name != "a negative page" {
				require.Equal(t, 1, pairs)
				require.Zero(t, transport.Count())
			}
		})
	}
}

// numbersOf collects the numbers of builds.
func numbersOf(t *testing.T, builds func(func(*codeartsbuild.Build, error) bool)) (numbers []string) {
	t.Helper()
	for build, err := range builds {
		require.NoError(t, err)
		numbers = append(numbers, build.BuildNo)
	}
	return numbers
}

// B56: All yields the builds of all pages and windows once.
func TestBuildsAllPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		now := time.Now()
		var want []string
		for i := range 400 { // four a day, some of them where two windows meet
			start := now.Add(-100*24*time.Hour + time.Duration(i)*6*time.Hour)
			want = append(want, f.AddBuild(f.JobID, codeartsbuild.Build{StartedAt: start, Status: codeartsbuild.StatusSucceeded}))
		}
		slices.Reverse(want)
		client := f.Client()
		for _, size := range []int{0, 7, 100} {
			before := len(f.Requests())
			in := &codeartsbuild.BuildListOptions{From: now.Add(-100 * 24 * time.Hour), PageSize: size, Page: 3}
			require.Equal(t, want, numbersOf(t, client.Builds.All(t.Context(), f.JobID, in)), "pages of %d", size)
			t.Logf("400 builds of 100 days in pages of %d: %d requests", size, len(f.Requests())-before)
		}
		last := numbersOf(t, client.Builds.All(t.Context(), f.JobID, nil))
		require.Equal(t, want[:124], last, "nil means the last 31 days")
	})
}

// B56: a row that shifts because others start comes once.
func TestBuildsAllRowShifts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		for range 10 {
			f.StartBuild(f.JobID)
		}
		var got []string
		in := &codeartsbuild.BuildListOptions{PageSize: 3}
		for build, err := range f.Client().Builds.All(t.Context(), f.JobID, in) {
			require.NoError(t, err)
			if got = append(got, build.BuildNo); len(got) == 3 {
				f.StartBuild(f.JobID)
				f.StartBuild(f.JobID)
			}
		}
		require.Equal(t, []string{"10", "9", "8", "7", "6", "5", "4", "3", "2", "1"}, got)
	})
}

// B56: each loop asks for the time up to its own start.
func TestBuildsAllNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		f.StartBuild(f.JobID)
		all := f.Client().Builds.All(t.Context(), f.JobID, nil)
		for _, want := range [][]string{{"2", "1"}, {"3", "2", "1"}} {
			time.Sleep(time.Hour)
			f.StartBuild(f.JobID)
			require.Equal(t, want, numbersOf(t, all), "each loop looks anew")
		}
	})
}

// B56: a list is read when its first build is wanted, and ends with the first error.
func TestBuildsAllIsLazy(t *testing.T) {
	t.Parallel()
	empty := listsNothing()
	year := &codeartsbuild.BuildListOptions{From: time.Now().AddDate(-1, 0, 0)}
	require.NotNil(t, sdktest.Client(t, empty).Builds.All(t.Context(), sdktest.JobID, year))
	require.Zero(t, empty.Count())

	transport := httpfake.Script(httpfake.Reply(403, "{}"))
	pairs := 0
	for build, err := range sdktest.Client(t, transport).Builds.All(t.Context(), sdktest.JobID, year) {
		require.ErrorIs(t, err, codeartsbuild.ErrForbidden)
		require.Nil(t, build)
		pairs++
	}
	require.Equal(t, 1, pairs, "the first error is the end")
	require.Equal(t, 1, transport.Count())
}

// B55: pages of builds.
func TestBuildsListPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := sdktest.NewJob(t)
		for range 7 {
			f.StartBuild(f.JobID)
		}
		client := f.Client()
		for page, want := range map[int][]string{0: {"7", "6", "5"}, 1: {"7", "6", "5"}, 2: {"4", "3", "2"}, 3: {"1"}, 4: nil} {
			got, err := client.Builds.List(t.Context(), f.JobID, &codeartsbuild.BuildListOptions{Page: page, PageSize: 3})
			require.NoError(t, err)
			require.Equal(t, 7, got.Total)
			var numbers []string
			for _, build := range got.Items {
				numbers = append(numbers, build.BuildNo)
			}
			require.Equal(t, want, numbers, "page %d", page)
		}
	})
}
