package codeartsbuild_test

import (
	"context"
	"fmt"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
)

// clientOf is a client whose service responds to everything with one text.
func clientOf(reply string) *codeartsbuild.Client {
	client, err := codeartsbuild.NewClient(
		codeartsbuild.WithRegion("cn-north-4"),
		codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("a-token-of-the-project")),
		codeartsbuild.WithTransport(httpfake.Reply(200, reply)),
	)
	if err != nil {
		panic(err)
	}
	return client
}

func ExampleBuildsService_AllRecords() {
	client := clientOf(`{"result":{"data":[
		{"id":"a","build_no":"12","status":"SUCCESS","duration":26183},
		{"id":"b","build_no":"11","status":"FAILURE","duration":4100}],"pagination":{"total":2}}}`)

	in := &codeartsbuild.BuildRecordListOptions{Branches: []string{"main"}}
	for record, err := range client.Builds.AllRecords(context.Background(), "ee24b7bf-0285-43b4-b975-77f615884466", in) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(record.BuildNo, record.Status, time.Duration(record.DurationMillis)*time.Millisecond)
	}
	// Output:
	// 12 succeeded 26.183s
	// 11 failed 4.1s
}

func ExampleBuildsService_Stages() {
	client := clientOf(`{"result":{"build_stages":{
		"stage2":{"display_name":"Maven","sequence":2,"status":"FAILURE"},
		"stage1":{"display_name":"Code CheckOut","sequence":1,"status":"SUCCESS"}}}}`)

	stages, err := client.Builds.Stages(context.Background(), "2cc26382-b2cb-4234-8eb0-b37d362f4d4c", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, stage := range stages {
		fmt.Println(stage.DisplayName, stage.Status)
	}
	// Output:
	// Code CheckOut succeeded
	// Maven failed
}

func ExampleReportsService_Summary() {
	client := clientOf(`{"result":{"summary":{"total":120,"success":118,"failures":2,"is_success":false}}}`)

	report, err := client.Reports.Summary(context.Background(), "901878212b1a49be9c1a1054c272762a", "7")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d of %d tests passed\n", report.Total.Success, report.Total.Total)
	// Output: 118 of 120 tests passed
}

func ExampleRepositoriesService_AllTags() {
	client := clientOf(`{"result":{"tag_list":[{"name":"v1.1"},{"name":"v1.0"}],"total":2}}`)

	for tag, err := range client.Repositories.AllTags(context.Background(), codeartsbuild.RepositoryCodeHub, "2111668884", nil) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(tag.Name)
	}
	// Output:
	// v1.1
	// v1.0
}

func ExampleImagesService_List() {
	client := clientOf(`{"result":{"image_templates":[{"image_id":"e1579739","title":"CentOS 7-based ARM image"}]}}`)

	images, err := client.Images.List(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, image := range images {
		fmt.Println(image.ID, image.Title)
	}
	// Output: e1579739 CentOS 7-based ARM image
}

func ExampleAccountService_Quota() {
	client := clientOf(`{"result":{"is_over_quota":false,"build_quota":"1800","used_quota":"1204"}}`)

	quota, err := client.Account.Quota(context.Background(), "6ecbc5bac7c8442fb3d2563d53c13582")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(quota.Used, "of", quota.Quota, "used")
	// Output: 1204 of 1800 used
}
