// Package signing signs requests with an access key, as the gateways of the vendor's cloud expect it:
// SDK-HMAC-SHA256.
//
// The gateway computes the signature from the request that it gets and compares. A request must therefore be
// sent as it was signed: same method, path, query and body, and the signed headers with the same values.
package signing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Key is an access key. SecurityToken is empty unless the key is a temporary one.
type Key struct{ ID, Secret, SecurityToken string }

const (
	algorithm  = "SDK-HMAC-SHA256"
	dateFormat = "20060102T150405Z"
	hashHeader = "X-Sdk-Content-Sha256"
)

// Sign adds the date, the security token and the signature to the header of req, and returns the signature
// alone. It signs all headers that are set by then, except those that may change on the way; an earlier
// signature is replaced. The request must have a URL and a header. Parts of the query that url.ParseQuery
// rejects are not signed, so the caller must not send them.
func Sign(req *http.Request, body []byte, key Key, at time.Time) (signature string) {
	date := at.UTC().Format(dateFormat)
	req.Header["X-Sdk-Date"] = []string{date}
	if key.SecurityToken != "" {
		req.Header["X-Security-Token"] = []string{key.SecurityToken}
	}
	if isUnsigned(req.Header) {
		req.Header[hashHeader] = []string{"UNSIGNED-PAYLOAD"}
	}
	delete(req.Header, "Authorization") // it would be signed, and then replaced
	canonical, signed := canonicalRequest(req, body)
	mac := hmac.New(sha256.New, []byte(key.Secret))
	mac.Write([]byte(algorithm + "\n" + date + "\n" + hexHash([]byte(canonical))))
	signature = hex.EncodeToString(mac.Sum(nil))
	req.Header["Authorization"] = []string{algorithm + " Access=" + key.ID + ", SignedHeaders=" + signed + ", Signature=" + signature}
	return signature
}

// isUnsigned reports whether the signature leaves out the body. Like the vendor's signer, this one covers JSON
// and BSON only: any other body is an upload, which may be too large to be read before it is sent. The gateway
// learns it from the header, and a caller who has set that header has decided.
func isUnsigned(header http.Header) bool {
	contentType := header.Get("Content-Type")
	return contentType != "" && header.Get(hashHeader) == "" &&
		!strings.Contains(contentType, "application/json") && !strings.Contains(contentType, "application/bson")
}

// canonicalRequest is the text that is hashed and signed, and the list of the headers in it.
func canonicalRequest(req *http.Request, body []byte) (canonical, signed string) {
	headers, signed := canonicalHeaders(req.Header)
	hash := req.Header.Get(hashHeader)
	if hash == "" {
		hash = hexHash(body)
	}
	return strings.Join([]string{
		req.Method, canonicalPath(req.URL.Path), canonicalQuery(req.URL.Query()), headers, signed, hash,
	}, "\n"), signed
}

// canonicalHeaders returns the signed headers, a line each, and their names. Like the vendor's signer, it
// leaves out two kinds: the content type, which proxies may rewrite, and names with "_", which many proxies
// drop, since CGI cannot tell "_" from "-". A signed header that is lost on the way makes the signature wrong.
func canonicalHeaders(header http.Header) (lines, signed string) {
	values := make(map[string]string, len(header))
	names := make([]string, 0, len(header))
	for name, value := range header {
		name = strings.ToLower(name)
		if !strings.HasPrefix(name, "content-type") && !strings.Contains(name, "_") {
			names = append(names, name)
			values[name] = strings.TrimSpace(strings.Join(value, ","))
		}
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		b.WriteString(name + ":" + values[name] + "\n")
	}
	return b.String(), strings.Join(names, ";")
}

// canonicalPath encodes each segment of an unescaped path and always ends with a slash.
func canonicalPath(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = percentEncode(segment)
	}
	encoded := strings.Join(segments, "/")
	if !strings.HasSuffix(encoded, "/") {
		encoded += "/"
	}
	return encoded
}

// canonicalQuery sorts names and values before they are encoded.
func canonicalQuery(query url.Values) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range slices.Sorted(slices.Values(query[name])) {
			pairs = append(pairs, percentEncode(name)+"="+percentEncode(value))
		}
	}
	return strings.Join(pairs, "&")
}

// percentEncode leaves the unreserved characters of RFC 3986 only; url.QueryEscape differs in the space.
func percentEncode(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

func hexHash(data []byte) string {
	hash := sha256.Sum256(data)
	return hex.EncodeToString(hash[:])
}
