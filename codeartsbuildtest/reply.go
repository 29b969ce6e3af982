package codeartsbuildtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

const (
	requestIDHeader = "X-Request-Id"

	serviceJSON = "application/json;charset=UTF-8"
	iamJSON     = "application/json"
	octetStream = "application/octet-stream"
	htmlText    = "text/html; charset=utf-8"

	statusSuccess = "success"
)

// A reply is what goes back to the client.
type reply struct {
	status      int
	contentType string
	header      http.Header // beside the content type
	body        []byte
}

func (a *reply) write(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if a.contentType != "" && w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", a.contentType)
	}
	if bodyAllowed(a.status) {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may have gone away
}

// bodyAllowed reports whether a reply with this status may have a body.
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

func jsonReply(status int, contentType string, v any) *reply {
	return &reply{status: status, contentType: contentType, body: encode(v)}
}

func encode(v any) []byte {
	data, _ := json.Marshal(v) // only values that can be encoded get here
	return data
}

// A file is a result that goes back as it is.
type file []byte

// wrap is the result of a handler as it goes back: in the envelope that the operation documents.
func (op *operation) wrap(result any) *reply {
	if content, ok := result.(file); ok {
		return &reply{status: http.StatusOK, contentType: octetStream, body: content}
	}
	body := encodeExactly(result)
	if op.envelope != nil {
		body = op.enclose(body)
	}
	return &reply{status: http.StatusOK, contentType: serviceJSON, body: body}
}

// exampleReply is what an operation without a handler replies: the documented example or, where none is documented, a
// body of its type in which everything is empty.
func (op *operation) exampleReply() *reply {
	body, ok := documentedExamples()[op.name]
	if !ok {
		body = op.zeroBody()
	}
	return &reply{status: http.StatusOK, contentType: serviceJSON, body: body}
}

// encodeExactly keeps JSON that is encoded already byte for byte.
func encodeExactly(v any) []byte {
	if raw, ok := v.(json.RawMessage); ok {
		return raw
	}
	return encode(v)
}

func (op *operation) enclose(result []byte) []byte {
	var body bytes.Buffer
	body.WriteByte('{')
	for i, name := range op.envelope {
		if i > 0 {
			body.WriteByte(',')
		}
		body.WriteString(strconv.Quote(name) + ":")
		switch name {
		case "result":
			body.Write(result)
		case "status":
			body.WriteString(strconv.Quote(statusSuccess))
		case "success":
			body.WriteString("true")
		default: // error
			body.WriteString("null")
		}
	}
	body.WriteByte('}')
	return body.Bytes()
}
