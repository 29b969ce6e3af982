// Command retryablehttp stops a build with go-retryablehttp: the smallest program that does so.
package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/hashicorp/go-retryablehttp"
)

func main() {
	body, err := json.Marshal(map[string]string{"job_id": os.Getenv("JOB"), "build_no": os.Getenv("BUILD")})
	if err != nil {
		log.Fatal(err)
	}
	req, err := retryablehttp.NewRequest(http.MethodPost, os.Getenv("ENDPOINT")+"/v3/jobs/stop", body)
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Auth-Token", os.Getenv("TOKEN"))
	resp, err := retryablehttp.NewClient().Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		log.Fatalf("%d: %s, %v", resp.StatusCode, data, err)
	}
	var response struct {
		Result bool `json:"result"`
	}
	if err := json.Unmarshal(data, &response); err != nil || !response.Result {
		log.Fatalf("not stopped: %s, %v", data, err)
	}
}
