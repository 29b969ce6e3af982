package codeartsbuild_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// A change is a status that a build has from some time on.
type change struct {
	after  time.Duration
	status codeartsbuild.BuildStatus
}

func at(after time.Duration, status codeartsbuild.BuildStatus) change { return change{after, status} }

// B27, B41: StopAndWait is nil only for a build that was read back as finished.
func TestStopAndWait(t *testing.T) {
	t.Parallel()
	const failed, aborted, succeeded = codeartsbuild.StatusFailed, codeartsbuild.StatusAborted, codeartsbuild.StatusSucceeded
	reply := codeartsbuildtest.Reply
	forgotten := reply(200, `{"result":true}`) // the build goes on
	broken := reply(500, `{"error_code":"CB.00060101"}`)
	another := reply(200, `{"result":{"build_no":2,"status":"ABORTED"},"status":"success"}`)
	tests := map[string]struct {
		timeline  []change
		stop      faults
		reads     faults
		once      bool                      // one attempt per call
		within    time.Duration             // of the context's deadline; 0: none
		want      codeartsbuild.BuildStatus // "": an error
		kinds     []string
		text      []string
		from, to  time.Duration // when it returns
		readsMade int           // at least; 0: none
	}{
		"stopped":                {want: aborted, from: 3 * time.Second, to: 6 * time.Second, readsMade: 2},
		"finished before":        {timeline: []change{at(0, succeeded)}, want: succeeded, readsMade: 1},
		"finished by itself":     {timeline: []change{at(time.Minute, failed)}, stop: faults{forgotten}, want: failed, from: time.Minute, to: 76 * time.Second, readsMade: 5},
		"response of stop lost":  {stop: faults{codeartsbuildtest.DropAnswer()}, once: true, want: aborted, from: 3 * time.Second, to: 6 * time.Second, readsMade: 2},
		"stop rejected":          {stop: faults{reply(403, "")}, kinds: []string{"ErrForbidden"}},
		"stop denied":            {stop: faults{reply(200, `{"result":false}`)}, kinds: []string{"ErrNotStopped"}},
		"throttled, Retry-After": {reads: faults{sdktest.RetryAfter("100")}, want: aborted, from: 100 * time.Second, to: 104 * time.Second, readsMade: 2},
		"still running": {
			stop:  faults{forgotten},
			kinds: []string{"ErrStillRunning"}, text: []string{"running", "10m0s"}, from: 10 * time.Minute, to: 10 * time.Minute, readsMade: 40,
		},
		"still running, outcome of stop unknown": {
			stop: faults{reply(504, "")}, once: true,
			kinds: []string{"ErrOutcomeUnknown", "ErrStillRunning"}, text: []string{"running"}, from: 10 * time.Minute, to: 10 * time.Minute, readsMade: 40,
		},
		"deadline under ten minutes": {
			stop: faults{forgotten}, within: time.Minute,
			kinds: []string{"DeadlineExceeded", "ErrStillRunning"}, text: []string{"running"}, from: time.Minute, to: time.Minute, readsMade: 4,
		},
		"deadline over ten minutes": {
			timeline: []change{at(20*time.Minute, failed)}, stop: faults{forgotten}, within: time.Hour,
			want: failed, from: 20 * time.Minute, to: 20*time.Minute + 15*time.Second, readsMade: 80,
		},
		"reads fail for a while": {
			reads: slices.Repeat(faults{broken}, 20), want: aborted, from: 8 * time.Second, to: 5 * time.Minute, readsMade: 20,
		},
		"reads fail for five minutes": {
			reads: slices.Repeat(faults{broken}, 500),
			kinds: []string{"ErrInternalServerError", "ErrStillRunning"}, text: []string{"CB.00060101"}, from: 4 * time.Minute, to: 6 * time.Minute, readsMade: 20,
		},
		"reads fail for five minutes later": {
			stop: faults{forgotten}, reads: append(faults{nil, broken, broken, broken, broken, nil}, slices.Repeat(faults{broken}, 500)...),
			kinds: []string{"ErrInternalServerError", "ErrStillRunning"}, text: []string{"running"}, from: 5 * time.Minute, to: 7 * time.Minute, readsMade: 20,
		},
		"records of another build": {
			reads: slices.Repeat(faults{another}, 500), once: true,
			kinds: []string{"ErrStillRunning", "ErrUnexpectedResponse"}, from: 4 * time.Minute, to: 6 * time.Minute, readsMade: 20,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				for _, c := range tt.timeline {
					if c.after == 0 {
						f.Finish(f.JobID, f.BuildNo, c.status)
						continue
					}
					time.AfterFunc(c.after, func() { f.Finish(f.JobID, f.BuildNo, c.status) })
				}
				f.Next(sdktest.OpStop, tt.stop...)
				f.Next(sdktest.OpGetBuild, tt.reads...)
				client := f.Client()
				if tt.once {
					client = f.Client(sdktest.Once)
				}
				ctx := t.Context()
				if tt.within != 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.within)
					defer cancel()
				}
				started := time.Now()
				build, err := client.Jobs.StopAndWait(ctx, f.JobID, f.BuildNo)
				took := time.Since(started)
				require.GreaterOrEqual(t, took, tt.from)
				require.LessOrEqual(t, took, tt.to+time.Second, "a second of pauses between attempts is fine")
				require.Equal(t, 1, f.Count(sdktest.OpStop))
				require.Equal(t, sdktest.OpStop, f.Operations()[0])
				if tt.readsMade == 0 {
					require.Zero(t, f.Count(sdktest.OpGetBuild))
				}
				require.GreaterOrEqual(t, f.Count(sdktest.OpGetBuild), tt.readsMade)
				require.Len(t, f.Operations(), 1+f.Count(sdktest.OpGetBuild), "one stop, and then reads only")
				if tt.want == "" {
					require.Nil(t, build)
					require.Equal(t, tt.kinds, sdktest.Kinds(err), "%v", err)
					for _, text := range tt.text {
						require.ErrorContains(t, err, text)
					}
					return
				}
				require.NoError(t, err)
				require.Equal(t, tt.want, build.Status)
				require.Equal(t, f.BuildNo, build.BuildNo)
				require.Equal(t, f.JobID, build.JobID)
			})
		})
	}
}

// The pauses between reads grow from 2 to 15 s, and start again with a change.
func TestStopAndWaitPace(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		queued := f.AddBuild(f.JobID, codeartsbuild.Build{Status: codeartsbuild.StatusQueued})
		f.Next(sdktest.OpStop, codeartsbuildtest.Reply(200, `{"result":true}`))
		f.Statuses(queued, 2*time.Minute, codeartsbuild.StatusRunning, codeartsbuild.StatusSucceeded)
		arrivals := f.Arrivals(sdktest.OpGetBuild)
		build, err := f.Client().Jobs.StopAndWait(t.Context(), f.JobID, queued)
		require.NoError(t, err)
		require.Equal(t, codeartsbuild.StatusSucceeded, build.Status)
		reads, changed := arrivals(), false
		for i := range reads[1:] {
			pause := reads[i+1] - reads[i]
			require.GreaterOrEqual(t, pause, 2*time.Second)
			require.LessOrEqual(t, pause, 15*time.Second)
			switch first := reads[i] > 2*time.Minute && !changed; {
			case i == 0 || first: // the read before the pause found a new status
				require.Less(t, pause, 3*time.Second)
				changed = changed || first
			case reads[i] > time.Minute && reads[i] < 2*time.Minute, reads[i] > 3*time.Minute:
				require.Greater(t, pause, 10*time.Second)
			}
		}
		require.True(t, changed)
	})
}

// B39: a build number that cannot be one is rejected.
func TestStopAndWaitBuildNumberRejected(t *testing.T) {
	t.Parallel()
	sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
		for _, number := range []string{"", "0", "20221011.29", "latest"} {
			_, err := f.Client().Jobs.StopAndWait(t.Context(), f.JobID, number)
			require.Equal(t, []string{"ErrInvalidArgument"}, sdktest.Kinds(err))
			_, err = f.Client(codeartsbuild.WithStopAPI(codeartsbuild.StopAPIV1)).Jobs.Stop(t.Context(), f.JobID, number)
			require.Equal(t, []string{"ErrInvalidArgument"}, sdktest.Kinds(err))
		}
		require.Empty(t, f.Operations())
	})
}

// B27: a build that the service reports as finished does not run, even if its record cannot be read.
func TestStopAndWaitFinishedBuildUnreadable(t *testing.T) {
	t.Parallel()
	finished := codeartsbuildtest.Reply(400, `{"error_code":"DEV.CB.032302","error_msg":"over"}`)
	for name, stops := range map[string]faults{
		"finished before":                    {finished},
		"finished after a lost response":     {codeartsbuildtest.DropAnswer(), finished},
		"finished after a busy service":      {codeartsbuildtest.Reply(503, ""), finished},
		"finished after an unclear response": {codeartsbuildtest.Reply(200, `{"result":"perhaps"}`), finished},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.InBubble(t, func(t *testing.T, f *sdktest.Fixture) {
				f.Next(sdktest.OpStop, stops...)
				f.NextN(sdktest.OpGetBuild, 5, codeartsbuildtest.Reply(403, ""))
				_, err := f.Client().Jobs.StopAndWait(t.Context(), f.JobID, f.BuildNo)
				require.Equal(t, []string{"ErrForbidden"}, sdktest.Kinds(err), "%v", err)
			})
		})
	}
}
