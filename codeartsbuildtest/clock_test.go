package codeartsbuildtest

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClockOfTheService(t *testing.T) {
	t.Parallel()
	for name, offset := range map[string]time.Duration{"ahead": 3 * time.Hour, "behind": -3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := NewServer()
				srv.SetClock(offset)
				c := newCaller(t, srv)
				job := srv.AddJob("nightly")
				no := srv.StartBuild(job)
				want := time.Now().Add(offset).UTC()

				got := c.get("/v1/record/" + job + "/" + no + "/record-info")
				date, err := http.ParseTime(got.header.Get("Date"))
				require.NoError(t, err)
				assert.Equal(t, want, date)
				assert.Equal(t, *recordTime(want), got.value(t, "result.start_time"))

				token := c.call("POST", "/v3/auth/tokens", loginBody)
				assert.Equal(t, iamTime(want), token.value(t, "token.issued_at"))

				c.call("POST", "/v1/job/"+job+"/stop", `{"build_no":1}`)
				time.Sleep(defaultStopDelay)
				assert.Equal(t, codeartsbuild.StatusAborted, srv.Status(job, no), "pauses are as long as ever")
			})
		})
	}
}

func TestSignaturesFollowTheClockOfTheService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer()
		srv.SetClock(time.Hour)
		call := func(ahead time.Duration) (response, error) {
			c := &caller{t: t, transport: srv.Transport(), origin: memoryOrigin}
			r := signed(func(h map[string]string) { h["x-sdk-date"] = time.Now().UTC().Add(ahead).Format(signatureDate) })
			r.RequestURI = ""
			return c.try(r)
		}
		got, err := call(0)
		require.NoError(t, err)
		assert.Equal(t, 401, got.status)
		got, err = call(time.Hour)
		require.NoError(t, err)
		assert.Equal(t, 200, got.status, got.body)
	})
}
