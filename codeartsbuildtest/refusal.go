package codeartsbuildtest

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// The service's codes for requests that it rejects.
const (
	codeInvalid   = "CB.00060200"
	codeFileName  = "CB.00060203"
	codeFileEmpty = "CB.00060212"
	codeFileCount = "CB.00060213"
	codeFailed    = "DEVCB.00030000"
	codeTemplate  = "DEV.CB.0520002"
	codeWindow    = "CB.00031105"
	codeParameter = "DEV.CB.032000"
	codeEnded     = "DEV.CB.032302"

	notFoundTail = "00031006" // behind a prefix that differs between old and new calls
)

// A refusal is a request that the service or the gateway rejects.
type refusal struct {
	status        int
	code, message string
	form          func(refusal, *request) any // the body; nil: the documented form
}

func (r refusal) Error() string { return r.code + " " + r.message }

type serviceError struct {
	Code      string `json:"error_code"`
	Message   string `json:"error_msg"`
	RequestID string `json:"request_id,omitempty"` // the gateway's only
}

// reply is the refusal as it goes back.
func (r refusal) reply(to *request) *reply {
	var body any = serviceError{Code: r.code, Message: r.message}
	if r.form != nil {
		body = r.form(r, to)
	}
	return jsonReply(r.status, serviceJSON, body)
}

// refusal is how the service words an error of a handler: one that is not a refusal is errNotFound.
func (r *request) refusal(err error) refusal {
	if known := (refusal{}); errors.As(err, &known) {
		return known
	}
	prefix := "DEVCB."
	if r.old() {
		prefix = "CB."
	}
	return refusal{status: http.StatusUnprocessableEntity, code: prefix + notFoundTail, message: "The build task or record does not exist"}
}

// old reports whether the call is of the versions before v1, which are the higher numbers.
func (r *request) old() bool {
	return strings.HasPrefix(r.op.path, "/v3/") || strings.HasPrefix(r.op.path, "/v4/")
}

// invalid rejects a parameter, or the body when it has no name. The problem follows the name in the message.
func invalid(parameter, problem string) error {
	message := strings.TrimSpace(cmp.Or(parameter, "body") + " " + problem)
	return refusal{status: http.StatusBadRequest, code: codeInvalid, message: "Invalid parameter: " + message}
}

// unreadable rejects a body that is no JSON object.
func unreadable() error { return invalid("PARSE_REQUEST_DATA_EXCEPTION", "") }

// failed is the service's code for a failure that has none of its own.
func failed(message string) error {
	return refusal{status: http.StatusUnprocessableEntity, code: codeFailed, message: message}
}

// ended is how the live service was seen to reject the stop of a build that has finished: JSON inside a JSON string.
func ended() error {
	return refusal{
		status:  http.StatusBadRequest,
		code:    codeEnded,
		message: "The task status has changed. Refresh the page and try again.",
		form: func(r refusal, _ *request) any {
			type reason struct {
				Code   string `json:"code"`
				Reason string `json:"reason"`
			}
			return string(encode(struct {
				Error  reason `json:"error"`
				Status string `json:"status"`
			}{reason{r.code, r.message}, "error"}))
		},
	}
}

// gateway is a refusal of the gateway in front of the service.
func gateway(status int, code, message string) error {
	return refusal{status: status, code: code, message: message, form: func(r refusal, to *request) any {
		return serviceError{Code: r.code, Message: r.message, RequestID: to.id}
	}}
}

func unpublished() error {
	return gateway(http.StatusNotFound, "APIGW.0101", "The API does not exist or has not been published in the environment")
}

func tooLarge() error {
	return gateway(http.StatusRequestEntityTooLarge, "APIGW.0201",
		fmt.Sprintf("Request entity too large: more than %d bytes", maxRequestBody))
}
