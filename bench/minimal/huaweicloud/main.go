// Command huaweicloud stops a build with the vendor's client: the smallest program that does so.
package main

import (
	"log"
	"os"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	codeartsbuild "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/codeartsbuild/v3"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/codeartsbuild/v3/model"
)

func main() {
	credentials, err := basic.NewCredentialsBuilder().
		WithAk(os.Getenv("KEY")).WithSk(os.Getenv("SECRET")).WithProjectId(os.Getenv("PROJECT")).SafeBuild()
	if err != nil {
		log.Fatal(err)
	}
	hc, err := codeartsbuild.CodeArtsBuildClientBuilder().
		WithEndpoints([]string{os.Getenv("ENDPOINT")}).WithCredential(credentials).SafeBuild()
	if err != nil {
		log.Fatal(err)
	}
	client := codeartsbuild.NewCodeArtsBuildClient(hc)
	response, err := client.StopJob(&model.StopJobRequest{
		Body: &model.StopJobRequestBody{JobId: os.Getenv("JOB"), BuildNo: os.Getenv("BUILD")},
	})
	if err != nil || response.Result == nil || !*response.Result {
		log.Fatalf("not stopped: %v, %v", response, err)
	}
}
