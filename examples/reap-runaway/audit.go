package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/examples/internal/program"
)

// An audit is the file that keeps what the service does not: which build was stopped, and why.
type audit struct {
	file   *os.File
	reason string
}

// openAudit opens the file before anything is stopped, so that nothing is stopped without a trace.
func openAudit(name, reason string) (*audit, error) {
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o644)
	if errors.Is(err, fs.ErrPermission) { // it may be one to write only
		file, err = os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	}
	if err != nil {
		return nil, unwritable(err)
	}
	return &audit{file, reason}, nil
}

func unwritable(err error) error {
	err = fmt.Errorf("the audit file cannot be written, so nothing is stopped: %w", err)
	return program.WithRemedy(err, "Give -audit a file that can be written.")
}

// ready writes a byte before the first record: a full disk shows here. It is a space, as JSON allows, or the end
// of a record that an earlier run did not finish.
func (a *audit) ready() error {
	first := " "
	if a.midLine() {
		first = "\n"
	}
	if _, err := a.file.WriteString(first); err != nil {
		return unwritable(err)
	}
	return nil
}

func (a *audit) midLine() bool {
	info, err := a.file.Stat()
	if err != nil || info.Size() == 0 {
		return false
	}
	last := make([]byte, 1)
	_, err = a.file.ReadAt(last, info.Size()-1)
	return err == nil && last[0] != '\n' && last[0] != ' '
}

func (a *audit) Close() error { return a.file.Close() }

// An auditRecord is one line of the file.
type auditRecord struct {
	Time      string `json:"time"`
	Job       string `json:"job"`
	Build     string `json:"build"`
	Branch    string `json:"branch"`
	Executor  string `json:"executor"`
	Trigger   string `json:"trigger"`
	Ran       string `json:"ran"`
	Rule      string `json:"rule"`
	Reason    string `json:"reason"`
	Outcome   string `json:"outcome"`
	RequestID string `json:"request_id"`
	Error     string `json:"error,omitzero"`
}

func (a *audit) record(d codeartsbuild.StopDecision, o *codeartsbuild.StopOutcome) error {
	now := time.Now().UTC()
	r := auditRecord{
		Time: now.Format(time.RFC3339), Job: o.Build.JobID, Build: o.Build.BuildNo, Branch: d.Build.Branch,
		Executor: d.Build.Executor, Trigger: d.Build.Trigger, Ran: ran(o.Build, now), Rule: d.String(), Reason: a.reason,
		Outcome: outcome(o), RequestID: o.RequestID,
	}
	if o.Err != nil {
		r.Error = o.Err.Error()
	}
	line, err := json.Marshal(r)
	if err == nil {
		_, err = a.file.Write(append(line, '\n'))
	}
	if err != nil {
		err = fmt.Errorf("the audit file has no record of build %s: %w", o.Build.BuildNo, err)
		return program.WithRemedy(err, "Keep the lines above as the record. What had not been begun was left alone.")
	}
	return nil
}

// ran is how long a build ran, up to now if it has not ended; "" if it never did.
func ran(b *codeartsbuild.Build, now time.Time) string {
	end := b.FinishedAt
	if end.IsZero() {
		end = now
	}
	if b.StartedAt.IsZero() {
		return ""
	}
	return end.Sub(b.StartedAt).Truncate(time.Second).String()
}

func outcome(o *codeartsbuild.StopOutcome) string {
	switch {
	case errors.Is(o.Err, codeartsbuild.ErrStillRunning):
		return "still running"
	case errors.Is(o.Err, codeartsbuild.ErrOutcomeUnknown):
		return "unknown"
	case o.Err != nil:
		return "failed"
	case o.AlreadyFinished:
		return "already finished"
	}
	return "stopped"
}
