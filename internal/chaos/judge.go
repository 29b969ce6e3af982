package chaos

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// An Outcome is what a caller understands of what a client reports.
type Outcome int

// The outcomes. The zero value is that of a client that reports neither a result nor an error, or both.
const (
	Contradiction Outcome = iota
	Stopped               // by this call
	Finished              // the build no longer runs; whether this call ended it is not known
	Failed                // not stopped, not by this call
	Unknown
)

// NotCounted stands for the attempts of a client that does not count them.
const NotCounted = -1

// A Verdict is what a client reports about one stop.
type Verdict struct {
	Outcome  Outcome
	Err      error // nil with Stopped and Finished
	Attempts int   // requests that it sent, or NotCounted
}

// Done is what the service did to a build.
type Done struct {
	Ended    bool     // the build, before the service was asked to stop it
	Acted    bool     // the service has stopped it
	Requests int      // that the service may have processed
	Trail    []string // what struck its requests
}

// A Record is one stop as both sides tell it.
type Record struct {
	Build int
	Verdict
	Took, Limit time.Duration // Limit: until the caller's context ended, or would have
	GaveUp      bool          // the caller
	Done        Done
}

// A Lie is a way in which a client is wrong about a stop.
type Lie string

// The lies.
const (
	FalseSuccess Lie = "false success"
	FalseFailure Lie = "false failure"
	Malformed    Lie = "neither result nor error, or both"
	Hang         Lie = "hang"
	FalseEnd     Lie = "end of a context that had not ended"
	Uncounted    Lie = "request that the client did not count"
	TooSure      Lie = "build that it may have finished, at the first attempt"
)

// Lies compares what the client reported with what the service did.
func (r *Record) Lies() []Lie {
	var lies []Lie
	lie := func(kind Lie, is bool) {
		if is {
			lies = append(lies, kind)
		}
	}
	counts := r.Attempts != NotCounted
	ended := errors.Is(r.Err, context.Canceled) || errors.Is(r.Err, context.DeadlineExceeded)
	lie(Malformed, r.Outcome == Contradiction)
	lie(FalseSuccess, r.Outcome == Stopped && !r.Done.Acted || r.Outcome == Finished && !r.Done.Acted && !r.Done.Ended)
	lie(TooSure, r.Outcome == Finished && counts && r.Attempts < 2)
	lie(FalseFailure, r.Outcome == Failed && r.Done.Acted)
	lie(Hang, r.Took > r.Limit+slack)
	lie(FalseEnd, !r.GaveUp && ended)
	lie(Uncounted, counts && r.Done.Requests > r.Attempts)
	return lies
}

// Lies returns the stops that a client lied about, by the kind of the lie.
func Lies(records []Record) map[Lie][]Record {
	lies := map[Lie][]Record{}
	for _, r := range records {
		for _, kind := range r.Lies() {
			lies[kind] = append(lies[kind], r)
		}
	}
	return lies
}

// A Summary is a report in numbers.
type Summary struct {
	Stops          int
	TrueSuccesses  int // in time
	TrueFailures   int
	Unknown        int
	FalseSuccesses int
	FalseFailures  int
	Leaked         int     // credentials
	Definite       float64 // share of the stops whose outcome is not unknown
	Attempts       float64 // per stop; 0 for a client that does not count them
}

// Summary sums up.
func (report *Report) Summary() Summary {
	s := Summary{Stops: len(report.Records), Leaked: report.Leaked}
	attempts := 0
	for _, r := range report.Records {
		lies := r.Lies()
		switch {
		case r.Outcome == Unknown:
			s.Unknown++
		case r.Outcome == Failed && len(lies) == 0:
			s.TrueFailures++
		case (r.Outcome == Stopped || r.Outcome == Finished) && len(lies) == 0:
			s.TrueSuccesses++
		}
		attempts += max(r.Attempts, 0)
	}
	lies := Lies(report.Records)
	s.FalseSuccesses, s.FalseFailures = len(lies[FalseSuccess]), len(lies[FalseFailure])
	s.Definite = 1 - float64(s.Unknown)/float64(s.Stops)
	s.Attempts = float64(attempts) / float64(s.Stops)
	return s
}

func (s Summary) String() string {
	return fmt.Sprintf("%d stops: %d true successes in time, %d true failures, %d unknown, %d false successes, %d false failures, "+
		"%d leaked credentials; %.1f %% definite, %.2f requests per stop", s.Stops, s.TrueSuccesses, s.TrueFailures, s.Unknown,
		s.FalseSuccesses, s.FalseFailures, s.Leaked, 100*s.Definite, s.Attempts)
}

// Problems returns everything that is wrong with a run, a line each: lies with up to three examples,
// credentials in wrong places, and connections or goroutines that are left. None of it depends on the machine's speed.
func (report *Report) Problems() []string {
	var problems []string
	problem := func(is bool, format string, args ...any) {
		if is {
			problems = append(problems, report.Protocol.Name+": "+fmt.Sprintf(format, args...))
		}
	}
	for kind, records := range Lies(report.Records) {
		problem(true, "%s: %d times", kind, len(records))
		for _, r := range records[:min(len(records), 3)] {
			problem(true, "build %d, ended before %t, acted upon %t: reported outcome %d, %v, after %v and %d requests; the service: %s",
				r.Build, r.Done.Ended, r.Done.Acted, r.Outcome, r.Err, r.Took, r.Attempts, strings.Join(r.Done.Trail, "; "))
		}
	}
	if n := len(report.Followed); n > 0 {
		problem(true, "%d redirects were followed, %d with the credential, the first is %s", n, report.Leaked, report.Followed[0])
	}
	if n := len(report.Wrong); n > 0 {
		problem(true, "%d requests were not stops with their credential, the first is %s", n, report.Wrong[0])
	}
	problem(report.Open > 0 || report.Running != "", "%d connections are left, and these goroutines:\n%s", report.Open, report.Running)
	return problems
}
