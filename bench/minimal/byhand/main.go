// Command byhand stops a build with net/http: the smallest program that does so.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	body, err := json.Marshal(map[string]string{"job_id": os.Getenv("JOB"), "build_no": os.Getenv("BUILD")})
	if err != nil {
		log.Fatal(err)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, os.Getenv("ENDPOINT")+"/v3/jobs/stop", bytes.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Auth-Token", os.Getenv("TOKEN"))
	resp, err := http.DefaultClient.Do(req)
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
