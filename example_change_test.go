package codeartsbuild_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// A keptConfig is a service that keeps the configuration of one job.
type keptConfig struct{ config json.RawMessage }

func (k *keptConfig) RoundTrip(req *http.Request) (*http.Response, error) {
	body := `{"result":` + string(k.config) + `,"error":null,"status":"success"}`
	if req.Method == http.MethodPost {
		members := make(map[string]json.RawMessage)
		if err := json.NewDecoder(req.Body).Decode(&members); err != nil {
			return nil, err
		}
		body = `{"result":{"job_id":` + string(members["job_id"]) + `},"error":null,"status":"success"}`
		delete(members, "job_id") // of the request
		k.config, _ = json.Marshal(members)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

// The service knows more of a step than this package: the cache stays as it is.
func ExampleJobsService_Change() {
	service := &keptConfig{config: json.RawMessage(
		`{"job_name":"nightly","steps":[{"module_id":"maven","name":"Maven","cache":null},{"module_id":"shell","name":"Notify","enable":true}]}`,
	)}
	client, err := codeartsbuild.NewClient(
		codeartsbuild.WithEndpoint("https://build.example.com"),
		codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("a token")),
		codeartsbuild.WithTransport(service),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	disabled := false
	_, err = client.Jobs.Change(context.Background(), "48c66c6002964721be537cdc6ce0297b", func(config *codeartsbuild.JobConfig) error {
		for i := range config.Steps {
			if config.Steps[i].Name == "Notify" {
				config.Steps[i].Enable = &disabled
				return nil
			}
		}
		return fmt.Errorf("%s has no step to notify people", config.Name) // nothing is written then
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(service.config))
	// Output:
	// {"job_name":"nightly","steps":[{"module_id":"maven","name":"Maven","cache":null},{"enable":false,"module_id":"shell","name":"Notify"}]}
}
