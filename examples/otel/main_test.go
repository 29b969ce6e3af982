package main

import (
	"slices"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestEachAttemptIsASpan(t *testing.T) {
	server := codeartsbuildtest.NewServer()
	defer server.Close()
	server.Start()
	server.SetStopDelay(time.Millisecond)
	id, secret := server.AccessKey()
	t.Setenv("CODEARTSBUILD_ENDPOINT", server.URL)
	t.Setenv("HUAWEICLOUD_SDK_AK", id)
	t.Setenv("HUAWEICLOUD_SDK_SK", secret)
	job := server.AddJob("nightly")
	build := server.StartBuild(job)
	server.Next("StopJob", codeartsbuildtest.DropAnswer()) // the second attempt finds the build stopping
	spans := tracetest.NewInMemoryExporter()
	if err := stop(t.Context(), spans, job, build); err != nil {
		t.Fatal(err)
	}
	var names []string
	got := spans.GetSpans()
	for _, span := range got {
		names = append(names, span.Name)
		if span.SpanContext.TraceID() != got[0].SpanContext.TraceID() {
			t.Errorf("span %s is of another trace", span.Name)
		}
	}
	if len(names) < 4 || !slices.Equal(names[:3], []string{"StopJob", "StopJob", "ShowJobBuildRecordDetail"}) || names[len(names)-1] != "stop a build" {
		t.Errorf("the spans are %q", names)
	}
}
