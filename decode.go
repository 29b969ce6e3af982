package codeartsbuild

import (
	"bytes"
	"errors"
	"net/http"
	"strings"

	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

// A payloadDecoder reads the payload of a success by its own rules. The payload is valid JSON, or empty. An
// error that is a kind (ErrNotStopped) says what the response means; any other says that it cannot be read.
type payloadDecoder interface {
	decodePayload(payload []byte, of about) error
}

// A completer is a decoded payload that takes from the call what the response lacks, and rejects a response
// that does not fit the call.
type completer interface {
	complete(of about) error
}

// about is what a payload can be compared with: the arguments of the call and the header of the response.
type about struct {
	job, build, project string
	header              http.Header
}

// An acknowledgement is a response that says only that something was done: any response but false.
type acknowledgement struct{}

var errDenied = errors.New("the service did not do it")

func (*acknowledgement) decodePayload(payload []byte, _ about) error {
	if loosejson.Is(payload, "false") {
		return errDenied
	}
	for m := loosejson.Members(payload); m.Next(); {
		if string(m.Name) == "result" && loosejson.Is(m.Value, "false") {
			return errDenied
		}
	}
	return nil
}

// tellingNames are the members that tell whether something was done, by their names in lower case without underscores.
var tellingNames = map[string]string{
	"result": "result", "success": "success", "status": "status", "error": "error", "errors": "errors",
	"errorcode": "error_code", "errcode": "err_code", "code": "code", "errormsg": "error_msg", "errmsg": "err_msg",
}

// checkSpelling rejects a response with a member that tells of a success or a failure, but in other letters, such as
// Result or errorCode. What that means is open, unless it tells of an error and is blank. A code can be data.
func checkSpelling(body []byte) error {
	for m := loosejson.Members(body); m.Next(); {
		plain := strings.ReplaceAll(strings.ToLower(string(m.Name)), "_", "")
		known, ok := tellingNames[plain]
		switch {
		case !ok || known == string(m.Name):
		case strings.HasPrefix(plain, "err") && (loosejson.IsBlank(m.Value) || loosejson.Is(m.Value, "0")):
		case plain == "code" && !isServiceCode(m.Value):
		default:
			return errors.New("the response has the member " + string(m.Name))
		}
	}
	return nil
}

// A misfit is a whole response that does not fit the Go type. Another request would bring the same.
type misfit struct{ error }

var errEmptyResponse = errors.New("the response is empty")

// decode reads the body of a success, which is valid JSON or empty, into out.
func decode(body []byte, flat bool, out any, of about) error {
	payload := body
	if !flat {
		payload = unenvelope(body)
	}
	if own, ok := out.(payloadDecoder); ok {
		return own.decodePayload(payload, of)
	}
	if len(payload) == 0 {
		return errEmptyResponse
	}
	if err := loosejson.Unmarshal(payload, out); err != nil {
		return &misfit{err}
	}
	if own, ok := out.(completer); ok {
		return own.complete(of)
	}
	return nil
}

// unenvelope returns the member "result". A response without it is the payload itself, since the service sends
// some responses both ways; so is a response whose result is null beside members that no envelope has.
func unenvelope(body []byte) []byte {
	payload, flat := body, false
	for m := loosejson.Members(body); m.Next(); {
		switch string(m.Name) {
		case "result":
			payload = m.Value
		case "status", "error", "success", "message", "err_code", "error_code", "error_msg":
		default:
			flat = true
		}
	}
	if flat && saysNothing(payload) {
		return body
	}
	return payload
}

// saysNothing reports whether a result is blank. false and an empty list are what they are.
func saysNothing(result []byte) bool {
	return loosejson.IsBlank(result) && !loosejson.Is(result, "false") && !bytes.HasPrefix(result, []byte("["))
}
