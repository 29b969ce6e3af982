package codeartsbuild

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"
)

// A logCopy copies the log of a build to a writer while the build is waited for. Its goroutine begins with the first
// sight of the build and ends before Wait does.
type logCopy struct {
	out    io.Writer
	report func(next int64, err error) // may be nil
	log    *follower

	turn chan struct{} // held while the caller's writer or functions run: one at a time
	seen atomic.Pointer[Build]
	news chan struct{}

	abort    context.CancelFunc      // ends the waiting
	cancel   context.CancelCauseFunc // ends the log; nil: it has not begun
	done     chan struct{}           // closed at the end of the goroutine
	panicked any                     // by the caller's writer or function
}

func newLogCopy(w *waiter, o *WaitOptions) *logCopy {
	c := &logCopy{out: o.Log, report: o.OnLog, turn: make(chan struct{}, 1), news: make(chan struct{}, 1), done: make(chan struct{})}
	opts := append(slices.Clip(w.opts), WithResponseInto(new(Response))) // the waiting fills the caller's
	c.log = w.s.client.Logs.newFollower(w.jobID, w.buildNo, o.LogOffset, opts)
	c.log.look = func(context.Context) (*Build, error) { return c.seen.Load(), nil }
	c.log.news, c.log.interval, c.log.late = c.news, w.interval, maxLateBlind
	return c
}

// see tells the log how the build is. The first time it starts the copying.
func (c *logCopy) see(ctx context.Context, build *Build) {
	before := c.seen.Swap(build)
	if before == nil {
		ctx, c.cancel = context.WithCancelCause(ctx)
		go c.run(ctx)
		return
	}
	if before.phase() != build.phase() {
		select {
		case c.news <- struct{}{}:
		default:
		}
	}
}

func (c *logCopy) run(ctx context.Context) {
	defer close(c.done)
	defer func() {
		if c.panicked = recover(); c.panicked != nil {
			c.abort() // the panic goes on in the caller's goroutine
		}
	}()
	next := c.log.place.next
	var failed error
	err := c.log.run(ctx, func(chunk LogChunk) bool {
		c.inTurn(context.WithoutCancel(ctx), func() {
			if failed = c.write(chunk.Text); failed != nil {
				return
			}
			next = chunk.Next
			if c.report != nil {
				c.report(next, nil)
			}
		})
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err != nil && c.report != nil {
		c.inTurn(context.WithoutCancel(ctx), func() { c.report(next, err) })
	}
}

func (c *logCopy) write(text []byte) error {
	n, err := c.out.Write(text)
	if err == nil && n < len(text) {
		err = io.ErrShortWrite
	}
	if err == nil {
		return nil
	}
	return &callError{
		operation: opDownloadBuildRealTimeLog.name, text: "the log cannot be written: " + errorText(err), details: details{cause: err},
	}
}

// inTurn calls a function while no other one runs. It does not if the context ends before.
func (c *logCopy) inTurn(ctx context.Context, call func()) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
		call()
	case <-ctx.Done():
	}
}

// finish lets the log come to its end if the build has finished, and ends it otherwise. A panic of the writer or of a
// function goes on here.
func (c *logCopy) finish(waiting error) {
	if waiting != nil {
		c.end(waiting)
	} else if c.cancel != nil {
		<-c.done
	}
	if c.panicked != nil {
		panic(c.panicked)
	}
}

// end ends the log, and waits for its goroutine.
func (c *logCopy) end(cause error) {
	defer c.abort()
	if c.cancel == nil {
		return
	}
	if cause == nil {
		cause = errors.New("the waiting has ended")
	}
	c.cancel(cause)
	<-c.done
}
