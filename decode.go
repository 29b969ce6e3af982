package codeartsbuild

import (
	"bytes"
	"errors"
	"net/http"

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
	if out == nil {
		return nil
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
