// Otel stops a build and prints a span for each request, named by the operation of the service.
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/codeartsbuild-go/codeartsbuild"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: otel JOB BUILD")
	}
	exporter, err := stdouttrace.New()
	if err != nil {
		log.Fatal(err)
	}
	if err := stop(context.Background(), exporter, os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func stop(ctx context.Context, exporter sdktrace.SpanExporter, job, build string) error {
	tracing := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	client, err := codeartsbuild.NewClient(codeartsbuild.WithEnvironment(), codeartsbuild.WithTransport(traced(http.DefaultTransport, tracing)))
	if err != nil {
		return err
	}
	ctx, span := tracing.Tracer("example").Start(ctx, "stop a build")
	defer span.End()
	_, err = client.Jobs.StopAndWait(ctx, job, build)
	return err
}

// traced makes each attempt of a call a span. The name has few values, as it must: it is the operation, never the URL.
func traced(transport http.RoundTripper, tracing *sdktrace.TracerProvider) http.RoundTripper {
	return otelhttp.NewTransport(transport, otelhttp.WithTracerProvider(tracing),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return codeartsbuild.OperationFromContext(r.Context()) }))
}
