// Command gophercloud stops a build with a service client of gophercloud: the smallest program that does so.
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
)

func main() {
	ctx := context.Background()
	opts, err := openstack.AuthOptionsFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	provider, err := openstack.AuthenticatedClient(ctx, opts)
	if err != nil {
		log.Fatal(err)
	}
	client := &gophercloud.ServiceClient{ProviderClient: provider, Endpoint: os.Getenv("ENDPOINT") + "/"}
	var response struct {
		Result bool `json:"result"`
	}
	_, err = client.Post(ctx, client.ServiceURL("v3", "jobs", "stop"),
		map[string]string{"job_id": os.Getenv("JOB"), "build_no": os.Getenv("BUILD")}, &response,
		&gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	if err != nil || !response.Result {
		log.Fatalf("not stopped: %v", err)
	}
}
