package codeartsbuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"sync/atomic"
)

// An upload is a form with one file: the body of a request that is read while it is sent.
type upload struct {
	contentType string
	head, tail  []byte // the form before and behind the file
	file        io.Reader
	size        int64       // of the file
	start       int64       // where the file starts; -1: it can be read only once
	latest      *uploadBody // of the latest attempt
}

// newUpload makes a form of texts, each a name and a value, and behind them the file. A size of 0 means the rest of the
// file, which must then be an io.Seeker.
func newUpload(texts [][2]string, name string, file io.Reader, size int64) (*upload, error) {
	u := &upload{file: file, size: size, start: -1}
	if err := u.measure(); err != nil {
		return nil, err
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form) // a bytes.Buffer accepts everything
	for _, text := range texts {
		_ = w.WriteField(text[0], text[1])
	}
	_, _ = w.CreateFormFile("file", name)
	head := form.Len()
	_ = w.Close()
	u.contentType = w.FormDataContentType()
	u.head, u.tail = form.Bytes()[:head], form.Bytes()[head:]
	return u, nil
}

// measure finds out where the file starts and, unless it is given, how long it is. A pipe is an io.Seeker that fails.
func (u *upload) measure() error {
	seeker, ok := u.file.(io.Seeker)
	if ok {
		if start, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			u.start = start
		}
	}
	switch {
	case u.size < 0:
		return invalid("Size must be 1 byte or more, or 0 for the size of an io.Seeker, got %d", u.size)
	case u.size > 0:
		return nil
	case u.start < 0:
		return invalid("Size must be given for a file that is not an io.Seeker")
	}
	end, err := seeker.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = seeker.Seek(u.start, io.SeekStart)
	}
	if err != nil {
		return invalid("Size must be given, since the file has none: %s", errorText(err))
	}
	if u.size = end - u.start; u.size <= 0 {
		return invalid("the file must not be empty")
	}
	return nil
}

func (u *upload) length() int64 { return int64(len(u.head)) + u.size + int64(len(u.tail)) }

// open returns the body of one attempt.
func (u *upload) open() *uploadBody {
	b := &uploadBody{file: u.file, size: u.size, left: u.size, turn: make(chan struct{}, 1)}
	b.form = io.MultiReader(bytes.NewReader(u.head), filePart{b}, bytes.NewReader(u.tail))
	u.latest = b
	return b
}

// rewind goes back to the start of the file, and reports whether another attempt can read it. There is nothing to do
// without an upload, and for a file that was not read yet.
func (u *upload) rewind() bool {
	switch {
	case u == nil || !u.latest.begun.Load():
		return true
	case u.start < 0 || !u.latest.idle:
		return false
	}
	_, err := u.file.(io.Seeker).Seek(u.start, io.SeekStart)
	return err == nil
}

// errCut: the form was not read to its end, so that the service cannot have the file.
var errCut = errors.New("the upload was cut off")

// An uploadBody is the form as the transport reads it in one attempt. A transport may go on reading after the attempt
// has ended, which must not disturb the next one, or the owner of the file.
type uploadBody struct {
	form       io.Reader // head, file and tail
	file       io.Reader
	size, left int64 // of the file
	err        error // why the file cannot be sent

	begun atomic.Bool   // the transport has read something
	state atomic.Int32  // sending, then whole or ended
	turn  chan struct{} // holds a value while something reads
	idle  bool          // after the end: nothing reads the file any more
}

const (
	sending int32 = iota
	whole         // the file was read to its end; the tail is left
	ended         // the attempt ended before that
)

func (b *uploadBody) Read(p []byte) (int, error) {
	b.begun.Store(true)
	b.turn <- struct{}{}
	defer func() { <-b.turn }()
	if b.state.Load() == ended {
		return 0, errCut
	}
	return b.form.Read(p)
}

// A filePart reads the file between head and tail.
type filePart struct{ *uploadBody }

// Read asks for one byte more than is left: a file that is too long never gets to its end.
func (f filePart) Read(p []byte) (int, error) {
	n, err := f.file.Read(p[:min(int64(len(p)), f.left+1)])
	f.left -= int64(n)
	switch {
	case f.left < 0:
		n, f.err = 0, fmt.Errorf("the file must have the announced size of %d bytes, but has more", f.size)
	case err == io.EOF && f.left > 0:
		f.err = fmt.Errorf("the file must have the announced size of %d bytes, but has %d: %w", f.size, f.size-f.left, io.ErrUnexpectedEOF)
	case err == io.EOF && f.state.CompareAndSwap(sending, whole):
		return n, io.EOF
	case err == io.EOF:
		return n, errCut
	case err != nil:
		f.err = fmt.Errorf("the file cannot be read: %w", err)
	}
	return n, f.err
}

// Close ends the attempt.
func (b *uploadBody) Close() error {
	b.state.CompareAndSwap(sending, ended)
	return nil
}

// end closes the body and returns why the file was not sent to its end, or nil. It waits for a Read of the file that is
// under way, but not longer than ctx lives.
func (b *uploadBody) end(ctx context.Context) error {
	_ = b.Close()
	b.idle = b.wait(ctx)
	switch {
	case b.state.Load() == whole:
		return nil
	case b.idle && b.err != nil:
		return b.err
	}
	return errCut
}

func (b *uploadBody) wait(ctx context.Context) bool {
	select {
	case b.turn <- struct{}{}:
	default:
		select {
		case b.turn <- struct{}{}:
		case <-ctx.Done():
			return false
		}
	}
	<-b.turn
	return true
}
