package codeartsbuild

import (
	"net/http"
	"sync/atomic"
	"time"
)

// A serviceClock compares the service's clock with the local one, which may be wrong by hours. It learns from the
// Date of responses.
type serviceClock struct {
	ahead   atomic.Int64 // nanoseconds by which the service's clock is ahead
	learned atomic.Int64 // when that was learned, as local Unix nanoseconds; 0: never
}

const (
	clockInterval = time.Minute     // between two readings of a Date, which cost time
	dateTolerance = 2 * time.Second // a Date has whole seconds, and the response took its time
)

// observe reads the Date of the response to a request, whose header has just arrived.
func (k *serviceClock) observe(header http.Header, sent time.Time) {
	dates := header["Date"]
	if len(dates) == 0 {
		return
	}
	last, since := k.learned.Load(), sent.UnixNano()
	if last != 0 && since-last < int64(clockInterval) && since >= last {
		return
	}
	received := time.Now()
	date, err := http.ParseTime(dates[0])
	if err != nil {
		return
	}
	ahead := date.Sub(received)
	if ahead < 0 { // the response may have been on its way for long, but not from before its request
		ahead = min(date.Sub(sent), 0)
	}
	if ahead.Abs() <= dateTolerance {
		ahead = 0
	}
	k.ahead.Store(int64(ahead))
	k.learned.Store(received.UnixNano())
}

// expire lets the next response tell the time, however short ago another did: the local clock may have been set since.
func (k *serviceClock) expire() { k.learned.Store(0) }

// moved reports whether responses have told another time since ahead was read.
func (k *serviceClock) moved(ahead int64) bool {
	return time.Duration(k.ahead.Load()-ahead).Abs() > dateTolerance
}

// now is the service's time.
func (k *serviceClock) now() time.Time { return k.at(time.Now()) }

// at is the service's time at a local time.
func (k *serviceClock) at(local time.Time) time.Time { return local.Add(time.Duration(k.ahead.Load())) }
