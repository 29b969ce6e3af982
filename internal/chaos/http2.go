package chaos

import (
	"encoding/binary"
	"net"
	"sync"
	"time"
)

// An http2Conn is a connection of HTTP/2 as the service has it. It reads along, to tell which stream a
// request came on, and writes frames between those of net/http's server.
type http2Conn struct {
	net.Conn
	greeted chan struct{} // closed when the server has sent its settings, which come first
	greet   sync.Once

	mu      sync.Mutex
	pending []byte            // received, not yet a whole frame
	skip    int               // bytes before the first frame
	bodies  map[uint32][]byte // of requests that have not ended
	streams map[string]uint32 // the latest stream with a body
	begun   uint32            // the highest stream that the service may have processed
	leaving bool              // no stream above last is processed any more
	last    uint32
}

// Types of frames, and error codes.
const (
	dataFrame, resetFrame, goAwayFrame byte = 0, 3, 7

	endStream byte = 1

	protocolError, refusedStream uint32 = 1, 7
)

func newHTTP2Conn(conn net.Conn) *http2Conn {
	return &http2Conn{
		Conn: conn, greeted: make(chan struct{}), skip: len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
		bodies: map[uint32][]byte{}, streams: map[string]uint32{},
	}
}

// Write writes for net/http's server.
func (c *http2Conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.greet.Do(func() { close(c.greeted) })
	return n, err
}

func (c *http2Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = append(c.pending, p[:n]...)
	skipped := min(c.skip, len(c.pending))
	c.pending, c.skip = c.pending[skipped:], c.skip-skipped
	for len(c.pending) >= 9 {
		size := int(binary.BigEndian.Uint32(c.pending) >> 8)
		if len(c.pending) < 9+size {
			break
		}
		c.frame(c.pending[3], c.pending[4], binary.BigEndian.Uint32(c.pending[5:]), c.pending[9:9+size])
		c.pending = c.pending[9+size:]
	}
	return n, err
}

func (c *http2Conn) frame(kind, flags byte, stream uint32, payload []byte) {
	if kind != dataFrame {
		return
	}
	c.bodies[stream] = append(c.bodies[stream], payload...)
	if flags&endStream != 0 {
		c.streams[string(c.bodies[stream])] = stream
		delete(c.bodies, stream)
	}
}

// streamOf returns the latest stream that a request with this body came on. No two calls have the same body.
func (c *http2Conn) streamOf(body string) uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.streams[body]
}

// begin reports whether the service may process a stream: not after a GOAWAY has excluded it. A stream whose
// fault leaves it unprocessed does not raise the mark that the next GOAWAY names.
func (c *http2Conn) begin(stream uint32, unprocessed bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving && stream > c.last {
		return false
	}
	if !unprocessed {
		c.begun = max(c.begun, stream)
	}
	return true
}

// goAway says that the service processes no stream above those that it has begun. As servers do, it closes the connection
// when these have ended: net/http leaves that to the server if no stream was open.
func (c *http2Conn) goAway() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.leaving {
		c.leaving, c.last = true, c.begun
		time.AfterFunc(most+slack, func() { _ = c.Conn.Close() })
	}
	c.write(goAwayFrame, 0, c.last, 0)
}

func (c *http2Conn) refuse(stream uint32) {
	c.write(resetFrame, stream, refusedStream)
}

// breakOff ends the latest streams, and those that come next.
func (c *http2Conn) breakOff(n uint32) {
	c.mu.Lock()
	latest := c.begun
	c.mu.Unlock()
	first := uint32(1)
	if latest > n {
		first = latest - n
	}
	for stream := first | 1; stream <= latest+n; stream += 2 {
		c.write(resetFrame, stream, protocolError)
	}
}

func (c *http2Conn) write(kind byte, stream uint32, words ...uint32) {
	frame := []byte{0, 0, byte(4 * len(words)), kind, 0}
	frame = binary.BigEndian.AppendUint32(frame, stream)
	for _, word := range words {
		frame = binary.BigEndian.AppendUint32(frame, word)
	}
	<-c.greeted
	_, _ = c.Conn.Write(frame)
}
