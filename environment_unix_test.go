//go:build unix

package codeartsbuild

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
)

// irregularFiles are files that have no size, so that they may never end or never begin.
func irregularFiles(t *testing.T) map[string]string {
	t.Helper()
	fifo, link := filepath.Join(t.TempDir(), "fifo"), filepath.Join(t.TempDir(), "link")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	require.NoError(t, os.Symlink(fifo, link))
	return map[string]string{"a FIFO": fifo, "a link to a FIFO": link, "an endless device": "/dev/zero", "an empty device": "/dev/null", "a folder": t.TempDir()}
}

// B118: NewClient neither waits for the writer of a FIFO nor reads a device to its end.
func TestProfileFileThatIsNotRegular(t *testing.T) {
	t.Parallel()
	for name, path := range irregularFiles(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := NewClient(newEnvironment(t, regionVars.with(vars{"HUAWEICLOUD_SDK_CREDENTIALS_FILE": path}), "").option())
			require.ErrorIs(t, err, ErrInvalidArgument)
			require.EqualError(t, err, "codeartsbuild: the profile file "+path+" must be readable: not a regular file")
		})
	}
}

func TestProfileFileOfTheHomeThatIsNotRegular(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, regionVars, profileText)
	home, err := env.home()
	require.NoError(t, err)
	path := filepath.Join(home, ".huaweicloud", "credentials")
	require.NoError(t, os.Remove(path))
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	_, err = NewClient(env.option())
	require.ErrorIs(t, err, ErrInvalidArgument)
	require.ErrorContains(t, err, "not a regular file")
}

func TestPodIdentityFileThatIsNotRegular(t *testing.T) {
	t.Parallel()
	for name, path := range irregularFiles(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			machine := httpfake.Script(httpfake.Reply(200, podKey))
			_, err := callWith(t, withMachine(t, machine, vars{podIdentityURI: podURI, podIdentityFile: path}))
			requireMachineError(t, err, podReason("not asked: the file of "+podIdentityFile+" cannot be read: not a regular file"))
			require.Zero(t, machine.Count())
		})
	}
}

// A link to a regular file is followed, as the mounted secrets of a container need it.
func TestProfileFileBehindALink(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	link := filepath.Join(folder, "link")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "file"), []byte(profileText), 0o600))
	require.NoError(t, os.Symlink("file", link))
	got, err := callWith(t, newEnvironment(t, regionVars.with(vars{"HUAWEICLOUD_SDK_CREDENTIALS_FILE": link}), ""))
	require.NoError(t, err)
	require.Equal(t, "AKFILE", got.key)
}
