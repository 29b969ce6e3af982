package codeartsbuildtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	requestIDHeader = "X-Request-Id"

	serviceJSON = "application/json;charset=UTF-8"
	iamJSON     = "application/json"
	octetStream = "application/octet-stream"
	htmlText    = "text/html; charset=utf-8"
)

// The service's codes for what was asked wrongly. The same failure has another prefix in the old calls.
const (
	codeInvalid     = "CB.00060200"
	codeWindow      = "CB.00031105"
	codeParameter   = "DEV.CB.032000"
	codeNotFound    = "DEVCB.00031006"
	codeNotFoundOld = "CB.00031006"
	codeEnded       = "DEV.CB.032302"
)

// A call is what an operation sees of a request.
type call struct {
	r         *http.Request
	query     url.Values
	body      []byte
	requestID string
	now       time.Time
}

func newCall(w http.ResponseWriter, r *http.Request) *call {
	body, _ := io.ReadAll(r.Body) // memory, unless a fault put something else there
	return &call{
		r:         r,
		query:     r.URL.Query(),
		body:      body,
		requestID: w.Header().Get(requestIDHeader),
		now:       time.Now(),
	}
}

// number reads a query parameter between least and most; empty or absent it is the fallback.
func (c *call) number(name string, fallback, least, most int) (int, *answer) {
	text := c.query.Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, invalid(name)
	}
	return n, nil
}

// An answer is what goes back.
type answer struct {
	status      int
	contentType string
	header      map[string]string // beside the content type
	body        []byte
}

func (a answer) write(w http.ResponseWriter) {
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	if a.contentType != "" {
		w.Header().Set("Content-Type", a.contentType)
	}
	if bodyAllowed(a.status) {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that went away is no failure of the service
}

// bodyAllowed reports whether an answer with this status may have a body.
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

func jsonAnswer(status int, contentType string, v any) answer {
	body, _ := json.Marshal(v) // structs of texts and numbers: cannot fail
	return answer{status: status, contentType: contentType, body: body}
}

// flat answers without an envelope.
func flat(v any) answer { return jsonAnswer(http.StatusOK, serviceJSON, v) }

// An envelope is around most answers of the v1 calls.
type envelope struct {
	Error  any    `json:"error"`
	Result any    `json:"result"`
	Status string `json:"status"`
}

func enveloped(result any) answer {
	return flat(envelope{Result: result, Status: "success"})
}

// A bareEnvelope is an envelope that has no place for an error.
type bareEnvelope struct {
	Result any    `json:"result"`
	Status string `json:"status"`
}

func bareEnveloped(result any) answer {
	return flat(bareEnvelope{Result: result, Status: "success"})
}

type serviceError struct {
	Code      string `json:"error_code"`
	Message   string `json:"error_msg"`
	RequestID string `json:"request_id,omitempty"` // the gateway's only
}

// refuse is the service's documented error.
func refuse(status int, code, message string) *answer {
	a := jsonAnswer(status, serviceJSON, serviceError{Code: code, Message: message})
	return &a
}

func invalid(parameter string) *answer {
	return refuse(http.StatusBadRequest, codeInvalid, "Invalid parameter: "+parameter)
}

func notFound(code string) *answer {
	return refuse(http.StatusUnprocessableEntity, code, "The build task or record does not exist")
}

// refuseEnded is how the live service was seen to refuse the stop of a build that has ended: JSON inside a
// JSON string.
func refuseEnded() answer {
	type reason struct {
		Code   string `json:"code"`
		Reason string `json:"reason"`
	}
	inner, _ := json.Marshal(struct {
		Error  reason `json:"error"`
		Status string `json:"status"`
	}{reason{codeEnded, "The task status has changed. Refresh the page and try again."}, "error"})
	return jsonAnswer(http.StatusBadRequest, serviceJSON, string(inner))
}

// gateway is an error of what stands in front of the service.
func gateway(requestID string, status int, code, message string) answer {
	return jsonAnswer(status, serviceJSON, serviceError{Code: code, Message: message, RequestID: requestID})
}

func refuseUnpublished(w http.ResponseWriter, _ *http.Request) {
	gateway(w.Header().Get(requestIDHeader), http.StatusNotFound, "APIGW.0101",
		"The API does not exist or has not been published in the environment").write(w)
}

func refuseTooLarge(w http.ResponseWriter, _ *http.Request) {
	gateway(w.Header().Get(requestIDHeader), http.StatusRequestEntityTooLarge, "APIGW.0201",
		fmt.Sprintf("Request entity too large: more than %d bytes", maxRequestBody)).write(w)
}
