package main

import (
	"fmt"
	"os"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// An audit is the file that keeps what the service does not: which build was stopped, and why. Each chosen build is on
// record before the first stop, and its outcome as soon as it is known: a build without an outcome may have been
// stopped. The nil audit keeps nothing.
type audit struct {
	file   *os.File
	reason string
	chosen map[buildKey]codeartsbuild.StopDecision
}

type buildKey struct{ job, build string }

// openAudit opens the file before the plan is made. It appends, also to a device, a FIFO or the target of a symlink.
func openAudit(name, reason string) (*audit, error) {
	file, err := openThrough(name, os.O_APPEND)
	if err != nil {
		return nil, unwritableAudit(err)
	}
	return &audit{file, reason, map[buildKey]codeartsbuild.StopDecision{}}, nil
}

func unwritableAudit(err error) error {
	return withRemedy(fmt.Errorf("the audit file cannot be written, so nothing is stopped: %w", err), "Give --audit a file that can be written.")
}

func (a *audit) close() { _ = a.file.Close() } // each record was synced

// begin records each chosen build.
func (a *audit) begin(plan *codeartsbuild.StopPlan) error {
	if a == nil {
		return nil
	}
	var records []byte
	if a.midLine() {
		records = []byte("\n")
	}
	for _, d := range plan.Decisions {
		if d.Stop {
			a.chosen[buildKey{d.Build.JobID, d.Build.BuildNo}] = d
			records = append(records, a.record("stop", d, nil)...)
		}
	}
	if err := a.write(records); err != nil {
		return unwritableAudit(err)
	}
	return nil
}

// midLine reports whether an earlier run could not finish its last record.
func (a *audit) midLine() bool {
	info, err := a.file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false
	}
	file, err := os.Open(a.file.Name())
	if err != nil { // it may be one to write only
		return false
	}
	defer file.Close()
	last := make([]byte, 1)
	_, err = file.ReadAt(last, info.Size()-1)
	return err == nil && last[0] != '\n'
}

// outcome records what became of a build.
func (a *audit) outcome(o *codeartsbuild.StopOutcome) error {
	if a == nil {
		return nil
	}
	fields := []field{{"status", string(o.Build.Status)}, {"attempts", o.Attempts}, {"request_id", o.RequestID}}
	if o.Err != nil {
		fields = append(fields, field{"error", errorText(o.Err)})
	}
	d := a.chosen[buildKey{o.Build.JobID, o.Build.BuildNo}]
	if d.Build == nil {
		d = codeartsbuild.StopDecision{Build: o.Build, Rule: o.Rule}
	}
	if err := a.write(a.record(resultOf(o).record, d, fields)); err != nil {
		err = fmt.Errorf("the audit file has no outcome of build %s: %w", word(o.Build.BuildNo), err)
		return withRemedy(err, "Keep the lines above as the record. Stops that had not begun were left out.")
	}
	return nil
}

func (a *audit) record(event string, d codeartsbuild.StopDecision, more []field) []byte {
	fields := append([]field{{"time", time.Now()}}, buildFields(d.Build)...)
	fields = append(fields, field{"age_seconds", d.Age.Truncate(time.Second)}, field{"rule", d.String()}, field{"reason", a.reason})
	return object(event, append(fields, more...))
}

// write returns when the records are on the disk, where the file has one.
func (a *audit) write(records []byte) error {
	if _, err := a.file.Write(records); err != nil {
		return err
	}
	info, err := a.file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	return a.file.Sync()
}
