package codeartsbuild_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
)

// A modelLie is a fault planted between the client and the service, which the model must find.
type modelLie func(http.RoundTripper) http.RoundTripper

// lieAbout changes the successful responses of the calls whose path ends in this way.
func lieAbout(suffix string, edit func(body string) string) modelLie {
	return func(honest http.RoundTripper) http.RoundTripper {
		return httpfake.Func(func(r *http.Request) (*http.Response, error) {
			response, err := honest.RoundTrip(r)
			if err != nil || response.StatusCode != http.StatusOK || !strings.HasSuffix(r.URL.Path, suffix) {
				return response, err
			}
			body, err := io.ReadAll(response.Body)
			if err != nil {
				return nil, err
			}
			return respondWith(response, response.StatusCode, edit(string(body))), nil
		})
	}
}

func respondWith(response *http.Response, status int, body string) *http.Response {
	response.StatusCode, response.ContentLength = status, int64(len(body))
	response.Header.Set("Content-Length", strconv.Itoa(len(body)))
	response.Body = io.NopCloser(strings.NewReader(body))
	return response
}

const (
	modelStopPath   = "/jobs/stop"
	modelRecordPath = "/record-info"
	modelListPath   = "/list"
	modelLogPath    = "/real-time-log"
)

// lieInStop does something else with a stop than to send it.
func lieInStop(instead func(honest http.RoundTripper, r *http.Request, body string) (*http.Response, error)) modelLie {
	return func(honest http.RoundTripper) http.RoundTripper {
		return httpfake.Func(func(r *http.Request) (*http.Response, error) {
			if !strings.HasSuffix(r.URL.Path, modelStopPath) {
				return honest.RoundTrip(r)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			return instead(honest, r, string(body))
		})
	}
}

// sendStop sends a stop with another body.
func sendStop(honest http.RoundTripper, r *http.Request, body string) (*http.Response, error) {
	other := r.Clone(r.Context())
	other.Body, other.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return honest.RoundTrip(other)
}

var stopNumber = regexp.MustCompile(`("build_no":")(\d+)(")`)

// neighbour turns a stop of a build into one of the build beside it.
func neighbour(body string) string {
	return stopNumber.ReplaceAllStringFunc(body, func(member string) string {
		parts := stopNumber.FindStringSubmatch(member)
		n, _ := strconv.Atoi(parts[2])
		if n--; n == 0 {
			n = 2
		}
		return parts[1] + strconv.Itoa(n) + parts[3]
	})
}

// madeUp is a response that the service did not give.
func madeUp(r *http.Request, status int, body string) *http.Response {
	response := &http.Response{Header: http.Header{"Content-Type": {"application/json"}}, Request: r, ProtoMajor: 1, ProtoMinor: 1, Proto: "HTTP/1.1"}
	return respondWith(response, status, body)
}

// replaceIn changes a text in the successful responses of a call.
func replaceIn(suffix string, oldnew ...string) modelLie {
	return lieAbout(suffix, strings.NewReplacer(oldnew...).Replace)
}

// editLog changes the text of each piece of a log, but not its offsets.
func editLog(edit func(text string) string) modelLie {
	return lieAbout(modelLogPath, func(body string) string {
		var piece map[string]any
		decoder := json.NewDecoder(strings.NewReader(body))
		decoder.UseNumber()
		if decoder.Decode(&piece) != nil {
			return body
		}
		inner, ok := piece["result"].(map[string]any)
		if !ok {
			inner = piece
		}
		if text, ok := inner["log"].(string); ok {
			inner["log"] = edit(text)
		}
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(piece)
		return out.String()
	})
}

var rowNumber = regexp.MustCompile(`("number":)(\d+)`)

// swapNumbers gives the first two builds of a list each other's number.
func swapNumbers(body string) string {
	rows := rowNumber.FindAllStringSubmatch(body, 2)
	if len(rows) < 2 {
		return body
	}
	i := -1
	return rowNumber.ReplaceAllStringFunc(body, func(member string) string {
		if i++; i < 2 {
			return rows[1-i][0]
		}
		return member
	})
}

// modelLies are the planted faults.
var modelLies = map[string]modelLie{
	"a stop is reported, and was never sent": lieInStop(func(_ http.RoundTripper, r *http.Request, _ string) (*http.Response, error) {
		return madeUp(r, http.StatusOK, `{"result":true}`), nil
	}),
	"a stop goes to another build": lieInStop(func(honest http.RoundTripper, r *http.Request, body string) (*http.Response, error) {
		return sendStop(honest, r, neighbour(body))
	}),
	"a build beside is stopped as well": lieInStop(func(honest http.RoundTripper, r *http.Request, body string) (*http.Response, error) {
		_, _ = sendStop(honest, r, neighbour(body))
		return sendStop(honest, r, body)
	}),
	"an accepted stop is reported as rejected": lieInStop(func(honest http.RoundTripper, r *http.Request, body string) (*http.Response, error) {
		response, err := sendStop(honest, r, body)
		if err == nil && response.StatusCode == http.StatusOK {
			response = respondWith(response, http.StatusForbidden, `{"error_code":"DEV.CB.0001","error_msg":"forbidden"}`)
		}
		return response, err
	}),
	"a stop is reported as too late, and was never sent": lieInStop(func(_ http.RoundTripper, r *http.Request, _ string) (*http.Response, error) {
		return madeUp(r, http.StatusBadRequest, `{"error_code":"DEV.CB.032302","error_msg":"finished"}`), nil
	}),
	"a stop that was sent is reported as not processed": lieInStop(func(honest http.RoundTripper, r *http.Request, body string) (*http.Response, error) {
		_, _ = sendStop(honest, r, body)
		return madeUp(r, http.StatusServiceUnavailable, ""), nil
	}),
	"a running build is reported as finished":  replaceIn(modelRecordPath, `"RUNNING"`, `"SUCCESS"`),
	"another status is reported":               replaceIn(modelRecordPath, `"SUCCESS"`, `"FAILURE"`, `"FAILURE"`, `"SUCCESS"`),
	"the end of a build is hidden for an hour": hideEnds(time.Hour),
	"a list swaps the numbers of two builds":   lieAbout(modelListPath, swapNumbers),
	"a list hides that a person started":       replaceIn(modelListPath, `"Manual"`, `"Push"`),
	"a list shows finished builds as running":  replaceIn(modelListPath, `"Finished"`, `"Running"`),
	"the first line of a piece of a log is lost": editLog(func(text string) string {
		_, rest, found := strings.Cut(text, "\n")
		if !found || rest == "" {
			return text
		}
		return rest
	}),
	"a piece of a log comes twice": editLog(func(text string) string { return text + text }),
}

// hideEnds shows the records of finished builds as running.
func hideEnds(d time.Duration) modelLie {
	return func(honest http.RoundTripper) http.RoundTripper {
		until := time.Now().Add(d)
		lying := replaceIn(modelRecordPath, `"SUCCESS"`, `"RUNNING"`, `"FAILURE"`, `"RUNNING"`, `"ABORTED"`, `"RUNNING"`, `"TIMEOUT"`, `"RUNNING"`)(honest)
		return httpfake.Func(func(r *http.Request) (*http.Response, error) {
			if time.Now().Before(until) {
				return lying.RoundTrip(r)
			}
			return honest.RoundTrip(r)
		})
	}
}

// B150: a model that finds nothing proves nothing.
func TestModelFindsPlantedFaults(t *testing.T) {
	t.Parallel()
	const most = 200
	for name, lie := range modelLies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= most; seed++ {
				if run := runModel(t, seed, lie); len(run.problems) > 0 {
					t.Logf("seed %d: %s", seed, run.problems[0])
					return
				}
			}
			t.Errorf("not found by %d seeds", most)
		})
	}
}
