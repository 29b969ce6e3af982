package codeartsbuild

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A callContext is the context of a call's attempts. It also has room for the reader of the first
// attempt's body; a later attempt has its own, since a transport may still read the first.
type callContext struct {
	context.Context
	operation string
	reader    bytes.Reader
	resent    atomic.Int32 // how often the transport sent the body again by itself
	asked     atomic.Int32 // how often it wanted to
	once      bool         // it must not where that may have been processed
	http2     atomic.Bool  // the connection is one where it would
}

var errNotResent = errors.New("the connection broke, and the request is not sent again on another")

// maxResends bounds what a transport sends again by itself for one call. It pauses in between no more than
// the peer does, and knows of no budget.
const maxResends = 8

// bodyAgain is the GetBody of every request, which a transport asks when it sends again by itself. Over
// HTTP/1 it does so only with what it never wrote; over HTTP/2 also with a stream that the peer broke off,
// which may have been processed.
func (c *callContext) bodyAgain() (io.ReadCloser, error) {
	if (c.once && c.http2.Load()) || c.asked.Add(1) > maxResends {
		return nil, errNotResent
	}
	return &resentBody{rest: io.NewSectionReader(&c.reader, 0, c.reader.Size()), resent: &c.resent}, nil
}

// A resentBody counts itself when the transport uses it, which it does not with each that it asks for.
type resentBody struct {
	rest   *io.SectionReader
	resent *atomic.Int32
	used   sync.Once
}

func (b *resentBody) use() { b.used.Do(func() { b.resent.Add(1) }) }

func (b *resentBody) Read(p []byte) (int, error) {
	b.use()
	return b.rest.Read(p)
}

func (b *resentBody) Close() error {
	b.use()
	return nil
}

// wroteHeaderField tells HTTP/2, with and without TLS, by the names that only its headers have.
func (c *callContext) wroteHeaderField(name string, _ []string) {
	if strings.HasPrefix(name, ":") {
		c.http2.Store(true)
	}
}

type operationKey struct{}

// OperationFromContext returns the operation, such as "StopJob", that a request is for, given its context:
// inside a RoundTripper, for the names of spans and metrics. It returns "" for any other context.
func OperationFromContext(ctx context.Context) string {
	name, _ := ctx.Value(operationKey{}).(string)
	return name
}

// String keeps a transport that logs the context from printing the body.
func (c *callContext) String() string { return "codeartsbuild." + c.operation }

// Format does the same for every verb.
func (c *callContext) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

func (c *callContext) Value(key any) any {
	if key == (operationKey{}) {
		return c.operation
	}
	return c.Context.Value(key)
}

const (
	maxAnswer      = 10 << 20
	maxErrorAnswer = 64 << 10
	maxPooled      = 64 << 10
)

// A download is the body of a stream, and the end of its attempt.
type download struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (d *download) Close() error {
	defer d.cancel()
	return d.ReadCloser.Close()
}

// The values of headers that never differ. Their capacity is their length, so that a transport that
// appends to one gets a copy.
var (
	jsonType = []string{"application/json"}
	anyType  = []string{"*/*"}
)

func (c *call) request(ctx context.Context, client *Client) *http.Request {
	header := maps.Clone(client.header) // a copy for each attempt, which a transport may change
	if c.op.stream {
		header["Accept"] = anyType
	}
	req := &http.Request{
		Method: c.op.method, URL: c.url, Host: c.url.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if c.body == nil {
		return req.WithContext(ctx)
	}
	header["Content-Type"] = jsonType
	own := c.ctx.(*callContext)
	if !c.op.mayRepeat() {
		own.once = true
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaderField: own.wroteHeaderField})
	}
	req.GetBody, req.ContentLength = own.bodyAgain, int64(len(c.body))
	if own.reader.Size() == 0 {
		own.reader.Reset(c.body)
		req.Body = io.NopCloser(&own.reader)
	} else {
		req.Body = io.NopCloser(bytes.NewReader(c.body))
	}
	return req.WithContext(ctx)
}

// countResent counts what the transport sent again by itself, where that may have been processed before.
func (c *call) countResent(ans *answer) {
	if n := int(c.ctx.(*callContext).resent.Swap(0)); n > 0 && (ans.http2 || ans.status == 0) {
		c.attempt += n
		c.free += n
		c.doubt = c.doubt || !c.op.reads()
	}
}

// exchange sends the request and reads the answer within its limit.
func (c *Client) exchange(call *call, req *http.Request, ans *answer) {
	resp, err := c.roundTrip(req)
	if err == nil && call.op.stream && isRedirect(resp.StatusCode) {
		resp, err = c.fromStore(req, resp, ans)
	}
	if err != nil {
		ans.err = err
		return
	}
	ans.status, ans.header = resp.StatusCode, resp.Header
	if ans.key != nil {
		ans.at = time.Now()
	}
	ans.http2 = resp.ProtoMajor == 2
	ans.framed = resp.ProtoMajor != 1 || resp.ContentLength >= 0 || len(resp.TransferEncoding) > 0 ||
		resp.StatusCode == http.StatusNoContent || call.op.method == http.MethodHead
	limit := maxErrorAnswer
	if isSuccess(resp.StatusCode) {
		limit = maxAnswer
	} else if isRedirect(resp.StatusCode) {
		ans.redirect = redirectHost(resp)
	}
	if resp.Body == nil {
		return
	}
	if resp.StatusCode < 200 { // what follows is no body: after 101 it is whatever the peer says, without end
		resp.Body.Close()
		return
	}
	if call.op.stream && isSuccess(resp.StatusCode) && isFile(resp.Header.Get("Content-Type")) {
		ans.stream = resp.Body
		return
	}
	defer resp.Body.Close()
	if resp.ContentLength > int64(limit) && limit == maxAnswer && call.op.method != http.MethodHead {
		ans.oversized = true
		return
	}
	call.buffer = buffers.Get().(*[]byte)
	*call.buffer, ans.oversized, ans.err = readAll(resp.Body, (*call.buffer)[:0], limit)
	ans.body = *call.buffer
}

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
	return nil, errNoAnswer
}

// fromStore fetches a file from where the service keeps it: once, over https, without the credential. Any
// other redirect stays the answer.
func (c *Client) fromStore(req *http.Request, redirect *http.Response, ans *answer) (*http.Response, error) {
	location, err := req.URL.Parse(redirect.Header.Get("Location"))
	if err != nil || location.Scheme != "https" || location.Host == "" || location.User != nil {
		return redirect, nil
	}
	if redirect.Body != nil {
		redirect.Body.Close()
	}
	ans.foreign = true
	return c.roundTrip((&http.Request{
		Method: http.MethodGet, URL: location, Host: location.Host,
		Header: http.Header{"Accept": anyType, "User-Agent": c.header["User-Agent"]},
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(req.Context()))
}

func isSuccess(status int) bool { return status >= 200 && status < 300 }

func isRedirect(status int) bool { return status >= 300 && status < 400 }

// isFile reports whether a body of this type can be a log: JSON is an error, and a page somebody else's.
func isFile(contentType string) bool {
	contentType = strings.ToLower(contentType)
	return !strings.Contains(contentType, "json") && !strings.Contains(contentType, "html")
}

func redirectHost(resp *http.Response) string {
	location, err := url.Parse(resp.Header.Get("Location"))
	if err != nil {
		return ""
	}
	return location.Host
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1<<10); return &b }}

// readAll appends what r has to buf, up to limit, and reports whether there was more. It reads to the end
// of what fits, so that the connection can be used again.
func readAll(r io.Reader, buf []byte, limit int) (_ []byte, more bool, err error) {
	for empty := 0; ; {
		if len(buf) == cap(buf) {
			grown := make([]byte, len(buf), min(2*cap(buf), limit+1))
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
			if empty++; empty == 100 {
				return buf, false, io.ErrNoProgress
			}
		}
	}
}

// A connectError is a connection that was never made, so that nothing can have been sent.
type connectError struct{ text string }

func (e *connectError) Error() string { return e.text }

// newTransport makes the default transport. Its limits are those of a client that makes many small calls
// to one host: a burst keeps its connections, and no answer is buffered far ahead of its reader.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  proxyFromEnvironment,
		OnProxyConnectResponse: checkProxyAnswer,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        55 * time.Second, // servers commonly close after 60 or 75
		MaxResponseHeaderBytes: 512 << 10,
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerStream: 256 << 10,
			SendPingTimeout:           30 * time.Second,
			PingTimeout:               10 * time.Second,
		},
	}
}

// proxyFromEnvironment is net/http's, which goes without a proxy where its address cannot be read, and whose
// error text holds the proxy's password. What cannot be read is an error, whatever NO_PROXY says, but for
// this machine itself.
func proxyFromEnvironment(req *http.Request) (*url.URL, error) {
	if broken := brokenProxies(); broken[req.URL.Scheme] && !isLoopback(req.URL.Hostname()) {
		return nil, errBrokenProxy
	}
	proxy, err := http.ProxyFromEnvironment(req)
	if err != nil {
		return nil, errBrokenProxy
	}
	return proxy, nil
}

var errBrokenProxy = &connectError{"the proxy address in the environment is not valid"}

// brokenProxies are the schemes whose proxy cannot be read. Like net/http it looks once.
var brokenProxies = sync.OnceValue(func() map[string]bool {
	broken := map[string]bool{}
	for scheme, names := range map[string][2]string{"http": {"HTTP_PROXY", "http_proxy"}, "https": {"HTTPS_PROXY", "https_proxy"}} {
		address := cmp.Or(os.Getenv(names[0]), os.Getenv(names[1]))
		if address != "" && !strings.Contains(address, "://") {
			address = "http://" + address
		}
		u, err := url.Parse(address)
		broken[scheme] = err != nil || (address != "" && u.Hostname() == "")
	}
	return broken
})

// checkProxyAnswer gives a refused CONNECT a type of its own: net/http's error would leave open whether
// the request was sent.
func checkProxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode != http.StatusOK {
		return &connectError{"the proxy refused the connection: " + answer.Status}
	}
	return nil
}

var errNoAnswer = errors.New("the transport returned neither an answer nor an error")
