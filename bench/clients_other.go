package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/invoker/retry"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	vendor "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/codeartsbuild/v3"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/codeartsbuild/v3/model"

	"github.com/codeartsbuild-go/codeartsbuild/internal/chaos"
)

// openVendor makes the vendor's client. It signs each request, has no context, and retries only where the
// caller says when.
func openVendor(s setup) (stop, error) {
	credentials, err := basic.NewCredentialsBuilder().WithAk(madeUpKey).WithSk(madeUpSecret).WithProjectId(madeUpProject).SafeBuild()
	if err != nil {
		return nil, err
	}
	settings := config.DefaultHttpConfig()
	if s.transport != nil {
		settings.WithHttpRoundTripper(s.transport)
	}
	if s.timeout > 0 {
		settings.WithTimeout(s.timeout)
	}
	hc, err := vendor.CodeArtsBuildClientBuilder().WithEndpoints([]string{s.endpoint}).WithCredential(credentials).
		WithHttpConfig(settings).SafeBuild()
	if err != nil {
		return nil, err
	}
	if s.token != "" { // the simulator of faults knows no signatures
		hc.WithExtraHeaders(map[string]string{"X-Auth-Token": s.token})
	}
	client := vendor.NewCodeArtsBuildClient(hc)
	return func(_ context.Context, buildNo string) (bool, error) {
		request := &model.StopJobRequest{Body: &model.StopJobRequestBody{JobId: jobID, BuildNo: buildNo}}
		response, err := sendVendor(client, request, s.retryOnce)
		if err != nil {
			return false, err
		}
		return false, (&stopResponse{response.Result}).err()
	}, nil
}

// openVendorByError is the vendor's client of a caller who takes every call without an error for a success.
func openVendorByError(s setup) (stop, error) {
	stop, err := openVendor(s)
	return func(ctx context.Context, buildNo string) (bool, error) {
		finished, err := stop(ctx, buildNo)
		if errors.Is(err, errNoResult) {
			return finished, nil
		}
		return finished, err
	}, err
}

func sendVendor(client *vendor.CodeArtsBuildClient, request *model.StopJobRequest, retryOnce bool) (*model.StopJobResponse, error) {
	if !retryOnce {
		return client.StopJob(request)
	}
	invoker := client.StopJobInvoker(request)
	invoker.WithRetry(1, func(_ any, err error) bool {
		var problem *sdkerr.ServiceResponseError
		return errors.As(err, &problem) && problem.StatusCode == http.StatusInternalServerError
	}, new(retry.None))
	return invoker.Invoke()
}

func vendorOutcome(err error) chaos.Outcome {
	var problem *sdkerr.ServiceResponseError
	if errors.As(err, &problem) {
		return outcomeOf(problem.StatusCode)
	}
	return outcomeWithoutStatus(err)
}

// openGophercloud makes a service client of gophercloud for a token that exists. Its RetryFunc is the caller's.
func openGophercloud(s setup) (stop, error) {
	provider, err := openstack.NewClient(s.endpoint)
	if err != nil {
		return nil, err
	}
	provider.HTTPClient = http.Client{Transport: s.transport, Timeout: s.timeout}
	provider.TokenID = s.token
	if s.retryOnce {
		provider.RetryFunc = func(_ context.Context, _, _ string, _ *gophercloud.RequestOpts, err error, failures uint) error {
			if failures > 1 || !gophercloud.ResponseCodeIs(err, http.StatusInternalServerError) {
				return err
			}
			time.Sleep(time.Nanosecond)
			return nil
		}
	}
	return gophercloudStop(provider, s), nil
}

func gophercloudStop(provider *gophercloud.ProviderClient, s setup) stop {
	client := &gophercloud.ServiceClient{ProviderClient: provider, Endpoint: s.endpoint + "/"}
	return func(ctx context.Context, buildNo string) (bool, error) {
		into, meaning := newResponse(s)
		_, err := client.Post(ctx, client.ServiceURL("v3", "jobs", "stop"), stopRequest{jobID, buildNo}, into,
			&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
		if err != nil {
			return false, err
		}
		return false, meaning()
	}
}

func gophercloudOutcome(err error) chaos.Outcome {
	var problem gophercloud.ErrUnexpectedResponseCode
	if errors.As(err, &problem) {
		return outcomeOf(problem.Actual)
	}
	return outcomeWithoutStatus(err)
}
