// Command codeartsbuild stops a build with this module's client: the smallest program that does so.
package main

import (
	"context"
	"log"
	"os"

	"github.com/codeartsbuild-go/codeartsbuild"
)

func main() {
	client, err := codeartsbuild.NewClient(codeartsbuild.WithEndpoint(os.Getenv("ENDPOINT")),
		codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(os.Getenv("TOKEN"))))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.Jobs.Stop(context.Background(), os.Getenv("JOB"), os.Getenv("BUILD")); err != nil {
		log.Fatal(err)
	}
}
