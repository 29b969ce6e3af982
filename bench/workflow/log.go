package workflow

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

const mebibyte = 1 << 20

// logText is a mebibyte of a log, in lines of 128 bytes.
var logText = strings.Repeat(strings.Repeat("x", 127)+"\n", mebibyte/128)

// A running build writes a mebibyte of its log each second, until it has written all of it.
func (s *service) write(job, no string, mebibytes int) {
	for range mebibytes {
		time.Sleep(time.Second)
		s.AppendLog(job, no, logText)
	}
	s.Finish(job, no, codeartsbuild.StatusSucceeded)
}

// Follow reads the log of a running build to its end.
func Follow(mebibytes int) (Cost, error) {
	return logCost(mebibytes, func(ctx context.Context, s *service, job, no string) (read int, err error) {
		for chunk, err := range s.client.Logs.Follow(ctx, job, no, 0) {
			if err != nil {
				return read, err
			}
			read += len(chunk.Text)
		}
		return read, nil
	})
}

// Download waits for the end of a build and opens its log.
func Download(mebibytes int) (Cost, error) {
	return logCost(mebibytes, func(ctx context.Context, s *service, job, no string) (int, error) {
		build, err := s.client.Builds.Wait(ctx, job, no, nil)
		if err != nil {
			return 0, err
		}
		return s.download(ctx, build.RecordID)
	})
}

// FollowByHand downloads the whole log every 10 s while the build runs, and shows the text that is new.
func FollowByHand(mebibytes int) (Cost, error) {
	return logCost(mebibytes, func(ctx context.Context, s *service, job, no string) (read int, err error) {
		for {
			build, err := s.client.Builds.Get(ctx, job, no)
			if err != nil {
				return read, err
			}
			if read, err = s.download(ctx, build.RecordID); err != nil || build.Status.Terminal() {
				return read, err
			}
			time.Sleep(pollByHand)
		}
	})
}

func (s *service) download(ctx context.Context, record string) (int, error) {
	log, err := s.client.Logs.Download(ctx, record)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	n, err := io.Copy(io.Discard, log)
	return int(n), err
}

func logCost(mebibytes int, read func(ctx context.Context, s *service, job, no string) (int, error)) (Cost, error) {
	s := newService()
	defer s.Close()
	job := s.AddJob("nightly")
	no := s.StartBuild(job)
	var writer sync.WaitGroup
	writer.Go(func() { s.write(job, no, mebibytes) })
	defer writer.Wait()
	return s.cost(func(ctx context.Context) error {
		n, err := read(ctx, s, job, no)
		if err == nil && n != mebibytes*mebibyte {
			return fmt.Errorf("%d bytes of the log, want %d", n, mebibytes*mebibyte)
		}
		return err
	})
}
