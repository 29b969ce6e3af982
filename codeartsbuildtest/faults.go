package codeartsbuildtest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Fault is middleware in front of the service. It may do anything: reply by itself, change the request, wait, break
// the connection with panic(http.ErrAbortHandler), or pass the request on. Any other panic breaks the connection too,
// with its value in the error that the client sees. The credential is checked behind the fault. A nil Fault passes the
// request on. To flush, as a fault must that breaks the connection amid a response, takes a socket, see [Server.Start].
type Fault func(http.Handler) http.Handler

// Next queues faults for the next requests of an operation, one a request, in this order, behind those that
// are queued already. Operations have the service's names, as in [Request]; the login is "CreateToken", and a path
// that is not served is "". Faults for a name that no request has, a misspelt one for example, wait for ever;
// [Server.Unused] tells.
func (s *Server) Next(operation string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[operation] = append(s.faults[operation], faults...)
}

// lastingFaults stand in front of every request of an operation.
type lastingFaults struct {
	operation string // empty: every operation
	faults    []Fault
}

// Always puts faults in front of every request of an operation until lift is called, the first one outermost; "" is
// every operation, the login included. Faults of [Server.Next] stand in front of them, and of several calls the first
// stands in front.
func (s *Server) Always(operation string, faults ...Fault) (lift func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	added := &lastingFaults{operation, faults}
	s.lasting = append(s.lasting, added)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.lasting = slices.DeleteFunc(s.lasting, func(l *lastingFaults) bool { return l == added })
	}
}

// Unused returns the operations for which faults of [Server.Next] still wait, sorted by name.
func (s *Server) Unused() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var unused []string
	for _, operation := range slices.Sorted(maps.Keys(s.faults)) {
		if len(s.faults[operation]) > 0 {
			unused = append(unused, operation)
		}
	}
	return unused
}

// dueFaults takes the fault that is due for a request from the queue, and adds the lasting ones. The caller holds s.mu.
func (s *Server) dueFaults(operation string) []Fault {
	var due []Fault
	if queue := s.faults[operation]; len(queue) > 0 {
		due, s.faults[operation] = append(due, queue[0]), queue[1:]
	}
	for _, l := range s.lasting {
		if l.operation == "" || l.operation == operation {
			due = append(due, l.faults...)
		}
	}
	return due
}

// fault makes a Fault of something to do in place of the service.
func fault(do func(w http.ResponseWriter, r *http.Request, service http.Handler)) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { do(w, r, next) })
	}
}

// Reply replies in place of the service, which does not see the request. The body goes out as it is, as
// text/html when it starts with "<" and else as JSON. A status that no final response can have, below 200 or
// above 999, becomes 500.
func Reply(status int, body string) Fault { return ReplyHeader(status, nil, body) }

// ReplyHeader is [Reply] with further header fields, such as Retry-After. They replace those of the server, Date and
// Content-Type included.
func ReplyHeader(status int, header http.Header, body string) Fault {
	if status < 200 || status > 999 {
		status = http.StatusInternalServerError
	}
	contentType := serviceJSON
	if strings.HasPrefix(body, "<") {
		contentType = htmlText
	}
	header = header.Clone()
	return fault(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		(&reply{status: status, contentType: contentType, header: header.Clone(), body: []byte(body)}).write(w)
	})
}

// Redirect replies 307 with the URL as Location and an empty body, in place of the service.
func Redirect(url string) Fault {
	return fault(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		(&reply{status: http.StatusTemporaryRedirect, header: http.Header{"Location": {url}}}).write(w)
	})
}

// Delay makes the request wait before the service sees it. When the client gives up first, the service sees
// it then; when the server is closed first, never.
func Delay(d time.Duration) Fault {
	return fault(func(w http.ResponseWriter, r *http.Request, service http.Handler) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
		if s, ok := r.Context().Value(serverKey{}).(*Server); ok && s.isClosed() {
			panic(http.ErrAbortHandler)
		}
		service.ServeHTTP(w, r)
	})
}

// DropRequest breaks the connection before the service has seen the request.
func DropRequest() Fault {
	return fault(func(http.ResponseWriter, *http.Request, http.Handler) {
		panic(http.ErrAbortHandler)
	})
}

// DropAnswer breaks the connection after the service has acted, so that the response is lost. To a client
// it looks like [DropRequest].
func DropAnswer() Fault {
	return fault(func(_ http.ResponseWriter, r *http.Request, service http.Handler) {
		service.ServeHTTP(newRecorder(), r)
		panic(http.ErrAbortHandler)
	})
}

// ExpireToken makes the token that the request carries invalid, for this request and for all to come: the
// service rejects it with 401 and APIGW.0307. A request without a token passes as it is.
func ExpireToken() Fault {
	return fault(func(w http.ResponseWriter, r *http.Request, service http.Handler) {
		if s, ok := r.Context().Value(serverKey{}).(*Server); ok {
			s.expire(r.Header.Get(tokenHeader))
		}
		service.ServeHTTP(w, r)
	})
}

// EditQuery changes the query of a request before the service reads it. Pieces of a log are small with a size of 2, for
// example, overlap with a start_offset below the one asked for, and are empty with has_more=true with an end_offset that
// equals the start_offset. A signature covers the query, so requests that are signed with an access key are rejected
// after a change.
func EditQuery(edit func(query url.Values)) Fault {
	return fault(func(w http.ResponseWriter, r *http.Request, service http.Handler) {
		changed := r.Clone(r.Context())
		query := changed.URL.Query()
		edit(query)
		changed.URL.RawQuery = query.Encode()
		service.ServeHTTP(w, changed)
	})
}

// EditReply changes the body of a reply before it goes back. Status and header stay, but for Content-Length.
func EditReply(edit func(body string) string) Fault {
	return fault(func(w http.ResponseWriter, r *http.Request, service http.Handler) {
		kept := newRecorder()
		maps.Copy(kept.header, w.Header()) // the service reads its request id there
		service.ServeHTTP(kept, r)
		kept.WriteHeader(http.StatusOK)
		(&reply{status: kept.status, header: kept.sent, body: []byte(edit(kept.body.String()))}).write(w)
	})
}
