package codeartsbuild

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild/internal/redact"
)

const (
	maxResponse      = 10 << 20 // of a success that is decoded; a page of 100 rows has 50 KB
	maxErrorResponse = 64 << 10
	maxPooled        = 64 << 10 // about the size from which on buffers are not kept
)

// A response is what one attempt got back.
type response struct {
	status    int // 0: no response
	header    http.Header
	requestID string // clean
	body      []byte // in a buffer that the next attempt reuses
	http2     bool
	framed    bool // the end of the body was marked, so that an empty body is complete
	oversized bool
	stream    io.ReadCloser
	fromStore bool        // another store responded
	names     http.Header // of the service's own response: they name the request
}

// A download is the body of a stream, and the end of its attempt.
type download struct {
	io.ReadCloser
	cred      credential // nil: none
	cancel    context.CancelFunc
	fromStore bool
}

// Read removes the secrets of the request from an error: net/http quotes a trailer that it cannot read. It does not
// quote another store at all.
func (d *download) Read(p []byte) (int, error) {
	n, err := d.ReadCloser.Read(p)
	switch {
	case err == nil || err == io.EOF:
		return n, err
	case d.fromStore && !isContextError(err) && err != io.ErrUnexpectedEOF:
		return n, &storeError{err}
	case d.cred == nil:
		return n, err
	}
	if told := err.Error(); redact.Remove(told, d.cred.secrets()...) != told {
		err = errors.New(redact.Remove(withoutAddress(err).Error(), d.cred.secrets()...))
	}
	return n, err
}

func (d *download) Close() error {
	defer d.cancel()
	return d.ReadCloser.Close()
}

// A storeError is an error of reading a file of another store. Its own text may quote the address, which is a credential.
type storeError struct{ err error }

func (e *storeError) Error() string { return "the file was cut off: (from another store)" }

func (e *storeError) Is(target error) bool { return errors.Is(e.err, target) }

// exchange sends the request and reads the response within its limit.
func (c *Client) exchange(call *call, req *http.Request, sent time.Time, buffer *[]byte) (r response, err error) {
	resp, err := c.roundTrip(req)
	if err == nil {
		r.names = resp.Header
	}
	if err == nil && call.op.stream && isRedirect(resp.StatusCode) {
		resp, r.fromStore, err = c.followToStore(req, resp)
	}
	if err != nil {
		return r, err
	}
	r.status, r.header = resp.StatusCode, resp.Header
	if !r.fromStore {
		c.clock.observe(r.header, sent)
		c.protocol.Store(int32(resp.ProtoMajor))
	}
	r.http2 = resp.ProtoMajor == 2
	// The end of an HTTP/1 body without length or chunks is the end of the connection, which may also be lost.
	r.framed = resp.ProtoMajor != 1 || resp.ContentLength >= 0 || len(resp.TransferEncoding) > 0 ||
		resp.StatusCode == http.StatusNoContent || call.op.method == http.MethodHead
	limit := maxErrorResponse
	if isSuccess(resp.StatusCode) {
		limit = maxResponse
	}
	if resp.Body == nil {
		return r, nil
	}
	if resp.StatusCode < 200 { // the rest is not a body: after 101 the peer may send anything, without end
		resp.Body.Close()
		return r, nil
	}
	if err := decompress(resp); err != nil {
		resp.Body.Close()
		return r, err
	}
	if call.op.stream && isSuccess(resp.StatusCode) && resp.StatusCode != http.StatusPartialContent && call.op.isFile(resp) {
		r.stream = resp.Body
		return r, nil
	}
	defer resp.Body.Close()
	if resp.ContentLength > int64(limit) && limit == maxResponse && call.op.method != http.MethodHead {
		r.oversized = true
		return r, nil
	}
	*buffer, r.oversized, err = readAll(resp.Body, (*buffer)[:0], limit)
	r.body = *buffer
	return r, err
}

// decompress lets the body of a response be read as if it were not compressed. No request asks for compression, but
// proxies exist that compress all the same.
func decompress(resp *http.Response) error {
	values := resp.Header["Content-Encoding"]
	if len(values) == 0 {
		return nil
	}
	var encodings []string
	for encoding := range strings.SplitSeq(strings.Join(values, ","), ",") {
		if encoding = strings.TrimSpace(encoding); encoding != "" && !strings.EqualFold(encoding, "identity") {
			encodings = append(encodings, encoding)
		}
	}
	switch encoding := strings.Join(encodings, ", "); strings.ToLower(encoding) {
	case "":
		return nil
	case "gzip", "x-gzip":
		resp.Body = &gzipBody{ReadCloser: resp.Body}
		return nil
	default:
		return errors.New("the response has the Content-Encoding " + encoding + ", which was not asked for")
	}
}

// A gzipBody decompresses a body while it is read. An empty body stays empty.
type gzipBody struct {
	io.ReadCloser
	plain io.Reader
}

func (b *gzipBody) Read(p []byte) (int, error) {
	if b.plain == nil {
		plain, err := gzip.NewReader(b.ReadCloser)
		if err != nil {
			return 0, err // io.EOF of an empty body
		}
		b.plain = plain
	}
	return b.plain.Read(p)
}

var errNoResponse = errors.New("the transport returned neither a response nor an error")

func (c *Client) roundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp != nil && resp.StatusCode != 0 {
		return resp, nil
	}
	if resp != nil && resp.Body != nil {
		resp.Body.Close()
	}
	return nil, errNoResponse
}

// followToStore fetches a file from the store to which the service redirects: once, over https, without the
// credential. It leaves any other redirect alone.
func (c *Client) followToStore(req *http.Request, redirect *http.Response) (resp *http.Response, followed bool, err error) {
	location, err := req.URL.Parse(redirect.Header.Get("Location"))
	if err != nil || location.Scheme != "https" || location.Host == "" || location.User != nil {
		return redirect, false, nil
	}
	if redirect.Body != nil {
		redirect.Body.Close()
	}
	resp, err = c.roundTrip((&http.Request{
		Method: http.MethodGet, URL: location, Host: location.Host,
		Header: http.Header{"Accept": anyType, "User-Agent": c.header["User-Agent"]},
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(req.Context()))
	return resp, true, err
}

func isSuccess(status int) bool { return status >= 200 && status < 300 }

func isRedirect(status int) bool { return status >= 300 && status < 400 }

// isFile reports whether a body can be a file of the service: JSON is an error, and HTML comes from a proxy. Where a
// file may be called JSON too, the first byte tells: the body then starts unlike JSON.
func (op *operation) isFile(resp *http.Response) bool {
	contentType := strings.ToLower(resp.Header.Get("Content-Type"))
	if !op.asJSON || !strings.Contains(contentType, "json") {
		return !strings.Contains(contentType, "json") && !strings.Contains(contentType, "html")
	}
	body := bufio.NewReader(resp.Body)
	first, err := body.Peek(1)
	resp.Body = struct {
		io.Reader
		io.Closer
	}{body, resp.Body}
	return err == nil && !strings.Contains(" \t\r\n{[\"", string(first))
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1<<10); return &b }}

func takeBuffer() *[]byte { return buffers.Get().(*[]byte) }

func giveBuffer(b *[]byte) {
	if cap(*b) <= maxPooled {
		buffers.Put(b)
	}
}

// maxEmptyReads is how many reads in a row may bring neither bytes nor an error, as in the standard library.
const maxEmptyReads = 100

// readAll appends the content of r to buf, up to limit, and reports whether there was more. It reads to the
// end, so that the connection can be used again.
func readAll(r io.Reader, buf []byte, limit int) (_ []byte, more bool, err error) {
	for empty := 0; ; {
		if len(buf) == cap(buf) {
			grown := make([]byte, len(buf), min(4*cap(buf), limit+1)) // four times, so that a large body leaves little garbage
			copy(grown, buf)
			buf = grown
		}
		n, err := r.Read(buf[len(buf):min(cap(buf), limit+1)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > limit:
			return buf[:limit], true, nil
		case err == io.EOF:
			return buf, false, nil
		case err != nil:
			return buf, false, err
		case n > 0:
			empty = 0
		default:
			if empty++; empty == maxEmptyReads {
				return buf, false, io.ErrNoProgress
			}
		}
	}
}
