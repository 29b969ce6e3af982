// Soak stops builds at full speed, for a long time, while a real haproxy and the two servers behind it are restarted,
// and compares each result with what the servers did.
//
//	go run ./soak -minutes 15
//	go run ./soak -minutes 15 -http1
//
// It needs the program haproxy. It fails if a result was false, or if memory or goroutines grew.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

const jobID = "48c66c6002964721be537cdc6ce0297b"

func main() {
	minutes := flag.Float64("minutes", 15, "how long to stop builds")
	callers := flag.Int("callers", 32, "how many callers stop builds at the same time")
	http1 := flag.Bool("http1", false, "speak HTTP/1.1 only")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	report, err := soak(ctx, time.Duration(*minutes*float64(time.Minute)), *callers, *http1)
	if report != nil {
		fmt.Print(report)
	}
	if err == nil {
		err = report.judge()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// soak stops builds for the time given, and returns what came of it.
func soak(ctx context.Context, d time.Duration, callers int, http1 bool) (*report, error) {
	books := newLedger()
	site, err := newSite(books, http1)
	if err != nil {
		return nil, err
	}
	defer site.close()
	client, err := codeartsbuild.NewClient(
		codeartsbuild.WithEndpoint(site.address),
		codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("made-up-token")),
		codeartsbuild.WithTransport(site.transport(http1)),
		codeartsbuild.WithTimeout(2*time.Second),
	)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for ctx.Err() == nil {
				number, text := books.next()
				call, end := context.WithTimeout(context.Background(), 10*time.Second)
				result, err := client.Jobs.Stop(call, jobID, text)
				end()
				books.judge(number, outcomeOf(result, err))
			}
		})
	}
	restarted := make(chan error, 1)
	all.Go(func() {
		err := site.disturb(ctx)
		cancel() // nothing is left to measure if haproxy does not start again
		restarted <- err
	})
	samples := watch(ctx, d)
	all.Wait()
	return &report{books: books, samples: samples, restarts: site.restarts}, <-restarted
}

// An outcome is what a caller understands of a call.
type outcome int

const (
	stopped outcome = iota
	finished
	unknown
	notSent // to a service that could not be reached
	failed
	outcomes // how many there are
)

func outcomeOf(result *codeartsbuild.StopResult, err error) outcome {
	switch {
	case errors.Is(err, codeartsbuild.ErrOutcomeUnknown):
		return unknown
	case errors.Is(err, codeartsbuild.ErrNotSent):
		return notSent
	case err != nil:
		return failed
	case result.AlreadyFinished:
		return finished
	}
	return stopped
}
