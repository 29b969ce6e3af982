package codeartsbuildtest

import (
	"net/http"
	"strings"
	"time"
)

// A Fault stands in front of the service for one request and may do anything: answer itself, change the
// request, wait, break off with panic(http.ErrAbortHandler), or pass the request on. The credential
// is checked behind it. A nil Fault passes the request on. To flush, as what breaks off amid an answer must,
// takes a socket, see [Server.Start].
type Fault func(http.Handler) http.Handler

// Next queues faults for the next requests of an operation, one a request, in this order, behind those that
// are queued already. Operations have the service's names, as in [Request]; the login is "CreateToken". Under a
// name that no request has, a misspelt one for example, they wait for ever.
func (s *Server) Next(operation string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[operation] = append(s.faults[operation], faults...)
}

// fault makes a Fault of something to do in place of the service.
func fault(do func(w http.ResponseWriter, r *http.Request, service http.Handler)) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { do(w, r, next) })
	}
}

// Reply answers in place of the service, which does not see the request. The body goes out as it is, as
// text/html when it starts with "<" and else as JSON. A status that no final answer can have, below 200 or
// above 999, becomes 500.
func Reply(status int, body string) Fault {
	if status < 200 || status > 999 {
		status = http.StatusInternalServerError
	}
	contentType := serviceJSON
	if strings.HasPrefix(body, "<") {
		contentType = htmlText
	}
	return fault(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		answer{status: status, contentType: contentType, body: []byte(body)}.write(w)
	})
}

// Redirect answers 307 with the URL as Location and an empty body, in place of the service.
func Redirect(url string) Fault {
	return fault(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		answer{status: http.StatusTemporaryRedirect, header: map[string]string{"Location": url}}.write(w)
	})
}

// Delay makes the request wait before the service sees it. When the client gives up first, the service sees
// it then.
func Delay(d time.Duration) Fault {
	return fault(func(w http.ResponseWriter, r *http.Request, service http.Handler) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
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

// DropAnswer breaks the connection after the service has acted, so that the answer is lost. To a client
// it looks like [DropRequest].
func DropAnswer() Fault {
	return fault(func(_ http.ResponseWriter, r *http.Request, service http.Handler) {
		service.ServeHTTP(newRecorder(), r)
		panic(http.ErrAbortHandler)
	})
}

// ExpireToken makes the token that the request carries invalid, for this request and for all to come: the
// service answers 401 with APIGW.0307. A request without a token passes as it is.
func ExpireToken() Fault {
	return fault(func(w http.ResponseWriter, r *http.Request, service http.Handler) {
		if s, ok := r.Context().Value(serverKey{}).(*Server); ok {
			s.expire(r.Header.Get(tokenHeader))
		}
		service.ServeHTTP(w, r)
	})
}
