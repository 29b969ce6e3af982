package chaos

import (
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Acts says when the service acts on a request that a fault has struck.
type Acts int

// The times.
const (
	Never  Acts = iota // the fault stands in its place
	Always             // and only then it responds
	Either             // or does not: the draw decides
	Late               // when the client has given up
)

func (a Acts) String() string { return [...]string{"never", "always", "either", "late"}[a] }

// A Fault is something that goes wrong with a request, or with a connection.
type Fault struct {
	Name string
	Acts Acts

	http1, http2 int // how many of 1,000 requests it strikes
	strike       func(*exchange)
	gzip         bool // compresses the response
	unprocessed  bool // tells the client that it may send the request again, so that nothing counts it

	conns int         // how many of 100 connections it strikes
	hello func(*link) // takes the place of the TLS handshake
	proxy string      // the status line that takes the place of the proxy's 200 to CONNECT
}

const (
	resetBefore = "reset before the request"
	stale       = "stale keep-alive"
	streams     = "streams broken off"
)

// Faults are those that a client has to live with. A fault without strike is the proxy's own.
var Faults = []Fault{
	// Responses of the service, or of a gateway before it.
	{Name: "429", Acts: Never, http1: 12, http2: 12, strike: responds(429, "", `{"error_code":"APIGW.0308","error_msg":"Throttled"}`)},
	{Name: "503", Acts: Never, http1: 12, http2: 12, strike: responds(503, "", page, `{"error_code":"APIGW.0602","error_msg":"Overloaded"}`)},
	{Name: "500 with a code", Acts: Never, http1: 12, http2: 12, strike: responds(500, coded, quoted)},
	{Name: "500, busy", Acts: Never, http1: 12, http2: 12, strike: responds(500, `{"error_code":"CB.00060100","error_msg":"Network busy"}`)},
	{Name: "500 without a code", Acts: Either, http1: 12, http2: 12, strike: responds(500, "", "{}", `{"message":"oops"}`, page, "Oops")},
	{Name: "502", Acts: Either, http1: 12, http2: 12, strike: responds(502, "", page, `{"error_code":"APIGW.0202","error_msg":"No backend"}`)},
	{Name: "504", Acts: Either, http1: 12, http2: 12, strike: responds(504, "", page, `{"error_code":"APIGW.0201","error_msg":"Timeout"}`)},
	{Name: "4xx", Acts: Never, http1: 16, http2: 16, strike: denial},
	{Name: "redirect", Acts: Never, http1: 12, http2: 12, strike: redirect},
	{Name: "HTML in a 200", Acts: Either, http1: 12, http2: 12, strike: responds(200, page, "<html>")},
	{Name: "error in a 200", Acts: Never, http1: 12, http2: 12, strike: responds(200, coded, quoted, denied)},
	{Name: "empty response", Acts: Always, http1: 12, http2: 12, strike: empty},
	{Name: "delay", Acts: Always, http1: 12, http2: 12, strike: delay},

	// Responses that do not come, or not whole.
	{Name: "swallowed", Acts: Either, http1: 11, http2: 11, strike: (*exchange).waitUntilGone},
	{Name: "swallowed, acts late", Acts: Late, http1: 11, http2: 11, strike: (*exchange).waitUntilGone},
	{Name: "response cut off", Acts: Either, http1: 12, http2: 12, strike: cut},
	{Name: "end not marked", Acts: Either, http1: 23, strike: unmarked},
	{Name: streams, Acts: Either, http2: 23, strike: breakStreams},
	{Name: resetBefore, Acts: Never},
	{Name: "reset after the request", Acts: Either, http1: 17, http2: 5, strike: reset},
	{Name: "reset within the response", Acts: Either, http1: 17, http2: 5, strike: breakOff},
	{Name: "half close", Acts: Either, http1: 17, http2: 5, strike: halfClose},
	{Name: "bytes of another protocol", Acts: Either, http1: 17, http2: 5, strike: foreign},
	{Name: stale, Acts: Always, http1: 27, http2: 5, strike: goStale},
	{Name: "last response of a connection", Acts: Always, http1: 17, http2: 5, strike: goodbye},
	{Name: "the caller gives up", Acts: Either, http1: 12, http2: 12, strike: giveUp},

	// Compressed although no request asks for it.
	{Name: "gzip, success", Acts: Always, http1: 24, http2: 24, gzip: true, strike: (*exchange).accept},
	{Name: "gzip, error", Acts: Never, http1: 24, http2: 24, gzip: true, strike: responds(400, coded, quoted)},

	// Known words in unknown letters, which confirm nothing.
	{Name: "letter case, true", Acts: Either, http1: 11, http2: 11, strike: responds(200, `{"Result":true}`, `{"RESULT":"true"}`)},
	{Name: "letter case, false", Acts: Never, http1: 11, http2: 11, strike: responds(200, `{"Result":false}`, `{"Success":false}`)},

	// What HTTP/2 says about streams.
	{Name: "GOAWAY after a response", Acts: Always, http2: 24, strike: goAwayAfter},
	{Name: "GOAWAY below the stream", Acts: Never, http2: 24, unprocessed: true, strike: goAwayBelow},
	{Name: "REFUSED_STREAM", Acts: Either, http2: 24, strike: refuseStream}, // haproxy refuses what it has passed on, too

	// Instead of the TLS handshake.
	{Name: "TLS closed", Acts: Never, conns: 5, hello: (*link).close},
	{Name: "TLS reset", Acts: Never, conns: 5, hello: (*link).reset},
	{Name: "TLS silent", Acts: Never, conns: 5, hello: (*link).hush},
	{Name: "TLS alert", Acts: Never, conns: 5, hello: (*link).alert},

	// Instead of a tunnel.
	{Name: "CONNECT 502", Acts: Never, conns: 10, proxy: "502 Bad Gateway"},
	{Name: "CONNECT 503", Acts: Never, conns: 10, proxy: "503 Service Unavailable"},
	{Name: "CONNECT 407", Acts: Never, conns: 10, proxy: "407 Proxy Authentication Required"},
}

// Spared reports whether a fault is left out: net/http of Go 1.25 has a data race of its own
// (readTrackingBody) when it sends a request again over HTTP/2, and the race detector would report that.
func (f *Fault) Spared() bool { return f.Name == streams && oldRace() }

var oldRace = sync.OnceValue(func() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && strings.HasPrefix(runtime.Version(), "go1.25") &&
		slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
})

// strikesConnections reports whether the fault is one of a connection that protocol makes.
func (f *Fault) strikesConnections(p *Protocol) bool {
	return f.conns > 0 && (f.hello != nil && p.TLS || f.proxy != "" && p.Proxy)
}

const (
	page   = "<!DOCTYPE html><html><head><title>Bad Gateway</title></head><body><center>nginx</center></body></html>"
	coded  = `{"error_code":"CB.00060101","error_msg":"Cannot"}`
	quoted = `"{\"error\": {\"code\": \"DEV.CB.999999\", \"reason\": \"Cannot\"}, \"status\": \"error\"}"`
	denied = `"{\"success\":false,\"result\":\"\"}"`
	ended  = `"{\"error\": {\"code\": \"DEV.CB.032302\", \"reason\": \"build job is finished\"}, \"status\": \"error\"}"`
)

// responds is a fault that consists of a response, one of those given.
func responds(status int, bodies ...string) func(*exchange) {
	return func(x *exchange) { x.reply(status, x.oneOf(bodies...)) }
}

func denial(x *exchange) {
	status := []int{400, 401, 403, 404, 409, 422}[x.draw(6)]
	x.reply(status, x.oneOf("", "{}", `{"error_code":"DEVCB.00031006","error_msg":"No such job"}`))
}

func redirect(x *exchange) {
	x.w.Header().Set("Location", x.service.collector+"/v3/jobs/stop?x=1")
	x.reply([]int{301, 302, 303, 307, 308}[x.draw(5)], x.oneOf("", "{}", `{"result":true}`))
}

// empty responds with nothing, in the three ways that mark the end of nothing.
func empty(x *exchange) {
	switch x.draw(3) {
	case 0:
		x.w.WriteHeader(http.StatusNoContent)
	case 1:
		x.w.WriteHeader(http.StatusOK)
	default:
		x.flush()
	}
}

func delay(x *exchange) {
	time.Sleep(time.Duration(1+x.draw(30)) * time.Millisecond)
	x.accept()
}

// cut sends a part of a success. Half of them look whole, but for their length or their last chunk.
func cut(x *exchange) {
	body := x.oneOf(`{"result":true}`, `{"status":"success","result":true}`, "true")
	if x.draw(2) == 0 {
		x.w.Header().Set("Content-Length", strconv.Itoa(len(body)+1+x.draw(9)))
	}
	if x.draw(2) == 0 {
		body = body[:x.draw(len(body))]
	}
	_, _ = io.WriteString(x.w, body)
	x.flush()
	panic(http.ErrAbortHandler)
}

// unmarked sends a response of HTTP/1.x that ends with the connection, and ends that too early.
func unmarked(x *exchange) {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, x.oneOf("HTTP/1.0", "HTTP/1.1")+" 200 OK\r\n\r\n"+x.oneOf("", "", "{", `{"result":tr`))
}

// breakStreams ends the latest streams of a connection with PROTOCOL_ERROR, this one among them, as a gateway
// may. So net/http can be brought to send a request again that the service has acted upon.
func breakStreams(x *exchange) {
	x.conn.breakOff(64)
	panic(http.ErrAbortHandler)
}

func goAwayAfter(x *exchange) {
	x.accept()
	x.flush()
	x.conn.goAway()
}

// goAwayBelow says that the service has not processed this request.
func goAwayBelow(x *exchange) {
	x.conn.goAway()
	panic(http.ErrAbortHandler)
}

func refuseStream(x *exchange) {
	x.conn.refuse(x.stream)
	panic(http.ErrAbortHandler)
}

func reset(x *exchange) {
	x.link.reset()
	panic(http.ErrAbortHandler)
}

func breakOff(x *exchange) {
	x.link.cutAfter(x.draw(120), x.draw(2) == 0)
	cut(x)
}

func halfClose(x *exchange) {
	x.link.halfClose()
	x.waitUntilGone()
}

// foreign is a mail server's greeting, which is neither HTTP nor TLS.
func foreign(x *exchange) {
	x.link.inject("220 mail.example.com ESMTP\r\n")
	x.waitUntilGone()
}

func goStale(x *exchange) {
	x.link.stale.Store(true)
	x.accept()
}

// goodbye closes the connection after the response; HTTP/2 says so by GOAWAY.
func goodbye(x *exchange) {
	x.w.Header().Set("Connection", "close")
	x.accept()
}

// giveUp lets the caller give up while the service has the request, or just when it responds.
func giveUp(x *exchange) {
	x.service.giveUp(x.build)
	if !x.acted {
		x.waitUntilGone()
	}
	x.accept()
}
