package main

import (
	"bytes"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
)

func TestScreenHasAStatusLineOnATerminalOnly(t *testing.T) {
	t.Parallel()
	file, err := os.Create(t.TempDir() + "/stderr")
	require.NoError(t, err)
	defer file.Close()
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device, as a terminal is
	require.NoError(t, err)
	defer device.Close()
	require.False(t, newScreen(nil, &bytes.Buffer{}, false, false).terminal)
	require.False(t, newScreen(nil, file, false, false).terminal)
	require.True(t, newScreen(nil, device, false, false).terminal)
	require.False(t, newScreen(nil, device, true, false).terminal, "with -json there is only JSON")
	require.False(t, newScreen(nil, device, false, true).terminal, "with -quiet there is none")
}

// One writer stands for both streams, as on a terminal, so that the order shows.
func TestStatusLineMakesWayForEverythingElse(t *testing.T) {
	t.Parallel()
	const erase = "\r\x1b[K"
	build := &codeartsbuild.Build{BuildNo: "811", Status: codeartsbuild.StatusRunning}
	tests := map[string]struct {
		act  func(*screen)
		want string
	}{
		"nothing happens": {func(*screen) {}, ""},
		"two seconds":     {func(*screen) { time.Sleep(2500 * time.Millisecond) }, "1s  running" + erase + "2s  running" + erase},
		"a piece of the log": {
			func(s *screen) { time.Sleep(1500 * time.Millisecond); _ = s.log([]byte("a\n")) },
			"1s  running" + erase + "a\n",
		},
		"an event": {
			func(s *screen) { time.Sleep(1500 * time.Millisecond); s.event("BUILD", "build", "811") },
			"1s  running" + erase + "BUILD build=811\n",
		},
		"half a line of the log": {
			func(s *screen) {
				_ = s.log([]byte("half "))
				time.Sleep(1500 * time.Millisecond)
				_ = s.log([]byte("a line\n"))
				time.Sleep(time.Second)
			},
			"half a line\n2s  running" + erase,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				s := newScreen(&out, &out, false, false)
				s.terminal = true
				s.changed(build)
				out.Reset()
				done, ended := make(chan struct{}), make(chan struct{})
				go func() { defer close(ended); s.run(done) }()
				tt.act(s)
				close(done)
				<-ended
				require.Equal(t, tt.want, out.String())
			})
		})
	}
}
