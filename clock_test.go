package codeartsbuild

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
)

// B20, B120: how far the time of each signature is from the local time, when the service rejects some of them with a Date.
func TestClockOfSignatures(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	// A date is the Date of a rejection. Nil means that the signature is accepted.
	type date func() string
	at := func(ahead time.Duration) date {
		return func() string { return time.Now().Add(ahead).UTC().Format(http.TimeFormat) }
	}
	text := func(s string) date { return func() string { return s } }
	tests := map[string]struct {
		calls [][]date // each call with the dates of its requests
		want  []time.Duration
	}{
		"an hour behind":           {[][]date{{at(time.Hour), nil}, {nil}}, []time.Duration{0, time.Hour, time.Hour}},
		"a day ahead":              {[][]date{{at(-24 * time.Hour), nil}, {nil}}, []time.Duration{0, -24 * time.Hour, -24 * time.Hour}},
		"more than a day":          {[][]date{{at(24*time.Hour + time.Minute)}, {nil}}, []time.Duration{0, 0}},
		"five years ahead":         {[][]date{{at(5 * year)}, {nil}}, []time.Duration{0, 0}},
		"26 years behind":          {[][]date{{at(-26 * year)}, {nil}}, []time.Duration{0, 0}},
		"the last date there is":   {[][]date{{text("Fri, 31 Dec 9999 23:59:59 GMT")}, {nil}}, []time.Duration{0, 0}},
		"the first date there is":  {[][]date{{text("Mon, 01 Jan 0001 00:00:00 GMT")}, {nil}}, []time.Duration{0, 0}},
		"no help":                  {[][]date{{at(time.Hour), at(time.Hour)}, {nil}}, []time.Duration{0, time.Hour, 0}},
		"no help, without a Date":  {[][]date{{at(time.Hour), text("")}, {nil}}, []time.Duration{0, time.Hour, 0}},
		"no help, another Date":    {[][]date{{at(time.Hour), at(2 * time.Hour)}, {nil}}, []time.Duration{0, time.Hour, 2 * time.Hour}},
		"no help, a far Date":      {[][]date{{at(time.Hour), at(5 * year)}, {nil}}, []time.Duration{0, time.Hour, 0}},
		"the clock was set right":  {[][]date{{at(time.Hour), nil}, {at(0), nil}}, []time.Duration{0, time.Hour, time.Hour, 0}},
		"rejected later, no Date":  {[][]date{{at(time.Hour), nil}, {text(""), nil}}, []time.Duration{0, time.Hour, time.Hour, 0}},
		"rejected later, far Date": {[][]date{{at(time.Hour), nil}, {at(-5 * year), nil}}, []time.Duration{0, time.Hour, time.Hour, 0}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var steps []date
				var got []time.Duration
				gateway := httpfake.Func(func(req *http.Request) (*http.Response, error) {
					signed, err := time.Parse("20060102T150405Z", req.Header.Get("X-Sdk-Date"))
					require.NoError(t, err)
					got = append(got, time.Until(signed))
					step := steps[0]
					steps = steps[1:]
					if step == nil {
						return httpfake.Reply(200, `{}`)(req)
					}
					return httpfake.Reply(401, `{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information"}`, "Date", step())(req)
				})
				client, err := NewClient(WithEndpoint("https://build.example.com"), WithAccessKeySource(StaticAccessKey("AK", "secret-of-the-key")), WithTransport(gateway))
				require.NoError(t, err)
				for _, call := range tt.calls {
					steps = call
					err := client.Do(t.Context(), http.MethodGet, "/v1/x", nil, nil)
					if call[len(call)-1] == nil {
						require.NoError(t, err)
					} else {
						require.ErrorIs(t, err, ErrUnauthorized)
					}
					require.Empty(t, steps, "requests that were not made")
				}
				require.Equal(t, tt.want, got)
			})
		})
	}
}

// B23, B123: a pause longer than any number can say is the longest pause, not none.
func TestRetryAfterSaturates(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"120":                             2 * time.Minute,
		"9223372037":                      maxRetryAfter,
		"18446744073709551615":            maxRetryAfter,
		"18446744073709551616":            maxRetryAfter,
		"99999999999999999999":            maxRetryAfter,
		" 99999999999999999999999999999 ": maxRetryAfter,
		"-99999999999999999999":           0,
		"99999999999999999999.5":          0,
	} {
		require.Equal(t, want, retryAfter(http.Header{"Retry-After": {value}}), value)
	}
}

// B20, B56: a response that was on its way for long does not make the service's clock look slow.
func TestClockOfSlowResponses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ took, date, want time.Duration }{ // date and want: ahead of the receipt
		"right, at once":                   {0, 0, 0},
		"right, stamped at the end":        {25 * time.Second, 0, 0},
		"right, stamped at the beginning":  {25 * time.Second, -25 * time.Second, 0},
		"right, stamped amid":              {25 * time.Second, -10 * time.Second, 0},
		"whole seconds":                    {time.Second, -3 * time.Second, 0},
		"an hour ahead":                    {25 * time.Second, time.Hour, time.Hour},
		"an hour behind, at once":          {0, -time.Hour, -time.Hour},
		"an hour behind, after 25 seconds": {25 * time.Second, -time.Hour, -time.Hour + 25*time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // its time begins at a whole second
				var clock serviceClock
				sent := time.Now()
				time.Sleep(tt.took)
				date := time.Now().UTC().Add(tt.date).Format(http.TimeFormat)
				clock.observe(http.Header{"Date": {date}}, sent)
				require.Equal(t, tt.want, time.Duration(clock.ahead.Load()))
			})
		})
	}
}
