package codeartsbuild

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// A retryRule says which operations may be sent again after a response.
type retryRule int

const (
	retryNever      retryRule = iota
	retryRepeatable           // those that may run twice: the service may have processed the request
	retryAlways               // all: the service did not process the request
	retrySlowly               // all, after a longer pause
)

// A meaning is what a status or a code of the service stands for.
type meaning struct {
	kinds   []error
	retry   retryRule
	unknown bool // the request may have taken effect
}

// codes are the codes of the service that say more than the status beside them, by the part behind the last
// dot: the prefix of the same code varies with the version of the API.
var codes = map[string]meaning{
	"00030004": {kinds: []error{ErrInternalServerError}, retry: retryRepeatable}, // the build engine failed, or the build has not started
	"00031006": {kinds: []error{ErrNotFound}},                                    // no such job or record
	"00031059": {kinds: []error{ErrNotFound}},                                    // no history, with status 403
	"00031105": {kinds: []error{ErrBadRequest}},                                  // a time window of more than 31 days
	"00060100": {kinds: []error{ErrInternalServerError}, retry: retryRepeatable}, // network busy
	"00060101": {kinds: []error{ErrInternalServerError}},                         // internal error
	"00060200": {kinds: []error{ErrBadRequest}},                                  // invalid parameter
	"00060201": {kinds: []error{ErrBadRequest}},                                  // invalid job id
	"00060202": {kinds: []error{ErrBadRequest}},                                  // invalid service id
	"00060203": {kinds: []error{ErrBadRequest}},                                  // invalid file name
	"00060211": {kinds: []error{ErrTooManyRequests}, retry: retrySlowly},         // requests too frequent
	"00060212": {kinds: []error{ErrBadRequest}},                                  // uploaded file is empty
	"00060213": {kinds: []error{ErrBadRequest}},                                  // too many files in one upload
	"00060214": {kinds: []error{ErrNotFound}},                                    // no such URL
	"032000":   {kinds: []error{ErrBadRequest}},                                  // invalid parameter, named in brackets
	"032011":   {kinds: []error{ErrBadRequest}},                                  // invalid job id
	"032302":   {kinds: []error{ErrBuildFinished}},                               // the state has changed: the build has finished
}

// gatewayCodes are the codes behind the prefixes APIG and APIGW.
var gatewayCodes = map[string]meaning{
	"0101": {kinds: []error{ErrAPIRetired}},                          // the API is not published
	"0301": {kinds: []error{ErrUnauthorized}},                        // wrong signature, clock or token
	"0302": {kinds: []error{ErrForbidden}},                           // user not allowed
	"0303": {kinds: []error{ErrUnauthorized}},                        // wrong application authentication
	"0304": {kinds: []error{ErrForbidden}},                           // application not allowed
	"0305": {kinds: []error{ErrUnauthorized}},                        // wrong authentication
	"0306": {kinds: []error{ErrForbidden}},                           // access denied
	"0307": {kinds: []error{ErrUnauthorized}},                        // token expired, or of another region
	"0308": {kinds: []error{ErrTooManyRequests}, retry: retrySlowly}, // throttled
	"0310": {kinds: []error{ErrForbidden}},                           // project unavailable
	"0311": {kinds: []error{ErrUnauthorized}},                        // wrong debugging authentication
	"0401": {kinds: []error{ErrForbidden}},                           // client address not known
	"0402": {kinds: []error{ErrForbidden}},                           // client address not allowed
	"0404": {kinds: []error{ErrForbidden}},                           // client address rejected
	"0801": {kinds: []error{ErrForbidden}},                           // service not in this region
	"0802": {kinds: []error{ErrForbidden}},                           // user not allowed in this region
}

var statuses = map[int]meaning{
	http.StatusBadRequest:          {kinds: []error{ErrBadRequest}},
	http.StatusUnauthorized:        {kinds: []error{ErrUnauthorized}},
	http.StatusForbidden:           {kinds: []error{ErrForbidden}},
	http.StatusNotFound:            {kinds: []error{ErrNotFound}},
	http.StatusTooManyRequests:     {kinds: []error{ErrTooManyRequests}, retry: retrySlowly},
	http.StatusInternalServerError: {kinds: []error{ErrInternalServerError}},
	http.StatusBadGateway:          {kinds: []error{ErrInternalServerError}, retry: retryRepeatable, unknown: true},
	http.StatusServiceUnavailable:  {kinds: []error{ErrInternalServerError}, retry: retryAlways},
	http.StatusGatewayTimeout:      {kinds: []error{ErrInternalServerError}, retry: retryRepeatable, unknown: true},
}

// errLimit is the kind of a response that is too large. The next one would be, too, so that waiting ends on it at once.
var errLimit = errors.New("limit exceeded")

var (
	noKind         = []error{}
	unexpectedKind = []error{ErrUnexpectedResponse}
	limitKind      = []error{ErrUnexpectedResponse, errLimit}
	notSentKind    = []error{ErrNotSent}
)

// serverError5xx is a failure that the service gives no code for, and informational a response before the
// last one.
var (
	serverError5xx = meaning{kinds: []error{ErrInternalServerError}, retry: retryRepeatable, unknown: true}
	informational  = meaning{kinds: unexpectedKind, retry: retryRepeatable, unknown: true}
)

// meaningOf tells what a status and a code mean together: the code if the table knows it, since the service
// hides "not found" in a 422 and "not published" in a 404; otherwise the status.
func meaningOf(status int, code string) meaning {
	prefix, tail := "", code
	if i := strings.LastIndexByte(code, '.'); i >= 0 {
		prefix, tail = code[:i], code[i+1:]
	}
	byStatus, ok := statuses[status]
	if !ok || (status == http.StatusInternalServerError && !explains(status, code)) {
		byStatus = defaultMeaning(status, code)
	}
	table, gateway := codes, prefix == "APIG" || prefix == "APIGW"
	if gateway {
		table = gatewayCodes
	}
	known, ok := table[tail]
	switch {
	case !ok || code == "":
		return byStatus
	case byStatus.unknown && !gateway: // the service itself has responded
		return known
	}
	return meaning{known.kinds, max(known.retry, byStatus.retry), byStatus.unknown}
}

// explains reports whether a code says more than the status.
func explains(status int, code string) bool { return code != "" && code != strconv.Itoa(status) }

func defaultMeaning(status int, code string) meaning {
	switch {
	case status > 0 && status < 200:
		return informational
	case isRedirect(status):
		return meaning{kinds: unexpectedKind}
	case status >= 500 && !explains(status, code):
		return serverError5xx
	case status >= 500:
		return meaning{kinds: serverError5xx.kinds}
	}
	return meaning{kinds: noKind}
}
