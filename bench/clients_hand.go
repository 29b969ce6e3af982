package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/codeartsbuild-go/codeartsbuild/internal/chaos"
)

// A handError is a failure that the service reports, as one writes it by hand.
type handError struct {
	Status  int
	Code    string `json:"error_code"`
	Message string `json:"error_msg"`
}

func (e *handError) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message) }

var (
	errNotStopped = errors.New("not stopped")
	errNoResult   = errors.New("the response has no result")
)

// A stopResponse is the documented response to a stop.
type stopResponse struct {
	Result *bool `json:"result"`
}

func (r *stopResponse) err() error {
	switch {
	case r.Result == nil:
		return errNoResult
	case !*r.Result:
		return errNotStopped
	}
	return nil
}

// A spelledResponse reads the other spellings as well: text for a bool, an envelope, and nothing but true.
type spelledResponse struct{ stopResponse }

func (r *spelledResponse) UnmarshalJSON(data []byte) error {
	var members struct {
		Result any    `json:"result"`
		Status string `json:"status"`
	}
	if string(data) == "true" {
		members.Result = true
	} else if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	stopped := members.Result == true || members.Result == "true" || members.Result == nil && members.Status == "success"
	if stopped || members.Result == false || members.Result == "false" {
		r.Result = &stopped
	}
	return nil
}

// newResponse returns a value to decode a response into, and a function that says what it means.
func newResponse(s setup) (into any, meaning func() error) {
	if s.spellings {
		r := &spelledResponse{}
		return r, r.err
	}
	r := &stopResponse{}
	return r, r.err
}

type stopRequest struct {
	JobID   string `json:"job_id"`
	BuildNo string `json:"build_no"`
}

// readByHand reads a response to a stop.
func readByHand(resp *http.Response, s setup) error {
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		problem := &handError{Status: resp.StatusCode}
		_ = json.Unmarshal(data, problem) // a gateway sends HTML
		return problem
	}
	into, meaning := newResponse(s)
	if err := json.Unmarshal(data, into); err != nil {
		return err
	}
	return meaning()
}

// stopByHand stops a build as one writes it with net/http: no limit on the response and no retry.
func stopByHand(ctx context.Context, client *http.Client, s setup, buildNo string) error {
	body, err := json.Marshal(stopRequest{jobID, buildNo})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint+"/v3/jobs/stop", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Auth-Token", s.token)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	return readByHand(resp, s)
}

func openByHand(s setup) (stop, error) {
	client := &http.Client{Transport: s.transport, Timeout: s.timeout}
	return func(ctx context.Context, buildNo string) (bool, error) {
		err := stopByHand(ctx, client, s, buildNo)
		var problem *handError
		if s.retryOnce && errors.As(err, &problem) && problem.Status == http.StatusInternalServerError {
			time.Sleep(time.Nanosecond) // a loop by hand pauses as well
			err = stopByHand(ctx, client, s, buildNo)
		}
		return false, err
	}, nil
}

// openRetryable is the code by hand with the client of go-retryablehttp. Its log of every request is off.
func openRetryable(s setup) (stop, error) {
	client := retryablehttp.NewClient()
	client.Logger = nil
	client.HTTPClient.Timeout = s.timeout
	if s.transport != nil {
		client.HTTPClient.Transport = s.transport
	}
	if s.retryOnce {
		client.RetryWaitMin, client.RetryWaitMax = 1, 1
	}
	if s.pause > 0 {
		client.RetryWaitMin, client.RetryWaitMax = time.Millisecond, s.pause
	}
	return func(ctx context.Context, buildNo string) (bool, error) {
		body, err := json.Marshal(stopRequest{jobID, buildNo})
		if err != nil {
			return false, err
		}
		req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, s.endpoint+"/v3/jobs/stop", body)
		if err != nil {
			return false, err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Auth-Token", s.token)
		resp, err := client.Do(req)
		if err != nil {
			return false, err
		}
		return false, readByHand(resp, s)
	}, nil
}

func outcomeByHand(err error) chaos.Outcome {
	var problem *handError
	if errors.As(err, &problem) {
		return outcomeOf(problem.Status)
	}
	return outcomeWithoutStatus(err)
}
