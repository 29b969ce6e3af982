package codeartsbuild_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B92: a call that made no attempt gives nothing back to the retry budget.
func TestBudgetUnsentAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := httpfake.Script(httpfake.Reply(503, "{}"))
		client := sdktest.Client(t, transport, sdktest.Quick)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		const calls = 3000
		for range calls {
			require.ErrorIs(t, sdktest.Stop(t.Context(), client), codeartsbuild.ErrInternalServerError)
			for range 4 {
				require.ErrorIs(t, sdktest.Stop(ended, client), context.Canceled)
			}
		}
		require.LessOrEqual(t, transport.Count(), calls*12/10)
	})
}

// An earlyContext has ended as soon as its time comes. Its channel is closed a moment later.
type earlyContext struct {
	context.Context
	ends time.Time
}

func (c earlyContext) Err() error {
	if time.Now().Before(c.ends) {
		return nil
	}
	return context.Canceled
}

// B92: a cancel at the very end of a pause keeps the last words of the service.
func TestCancelAtEndOfPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := httpfake.Script(httpfake.Reply(503, `{"error_msg":"maintenance"}`, "Retry-After", "1"))
		inner, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(time.Second+1, cancel)
		err := sdktest.Stop(earlyContext{inner, time.Now().Add(time.Second)}, sdktest.Client(t, transport))
		require.Equal(t, []string{"Canceled", "ErrInternalServerError"}, sdktest.Kinds(err))
		require.Equal(t, "maintenance", sdktest.APIError(t, err).ErrorMsg)
		require.Equal(t, 1, transport.Count())
	})
}
