package codeartsbuildtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const tokenHeader = "X-Auth-Token"

// authorize rejects a request whose credential is not good for the service.
func (s *state) authorize(r *request) error {
	if token := r.http.Header.Get(tokenHeader); token != "" {
		return s.authorizeToken(token, r.now)
	}
	if r.http.Header.Get("Authorization") == "" {
		return wrongCredential("X-Auth-Token not found")
	}
	if err := verify(r.http, r.body, r.now); err != nil {
		return wrongCredential(err.Error())
	}
	return nil
}

func (s *state) authorizeToken(token string, now time.Time) error {
	g, known := s.tokens[token]
	switch {
	case !known || !now.Before(g.expiresAt):
		return gateway(http.StatusUnauthorized, "APIGW.0307", "The token must be updated")
	case g.scope != scopeProject:
		return gateway(http.StatusForbidden, "APIGW.0302",
			"The user is not allowed to call this API: the scope of the token is not a project")
	}
	return nil
}

func wrongCredential(reason string) error {
	return gateway(http.StatusUnauthorized, "APIGW.0301", "Incorrect IAM authentication information: "+reason)
}

const (
	accessKeyID     = "CODEARTSBUILDTEST001"
	accessKeySecret = "made-up-secret-of-the-in-memory-service0"

	signatureAlgorithm = "SDK-HMAC-SHA256"
	signatureDate      = "20060102T150405Z"
	dateHeader         = "X-Sdk-Date"
	contentHashHeader  = "X-Sdk-Content-Sha256"
	securityHeader     = "X-Security-Token"
	unsignedPayload    = "UNSIGNED-PAYLOAD"

	maxClockSkew = 15 * time.Minute
)

// AccessKey returns the key whose signatures the server accepts, always the same. With any
// X-Security-Token among the signed headers it passes for a temporary key.
func (s *Server) AccessKey() (id, secret string) { return accessKeyID, accessKeySecret }

var errSignature = errors.New("verify aksk signature fail")

// verify checks the signature of a request as the gateway does. The error is what the gateway says.
func verify(r *http.Request, body []byte, now time.Time) error {
	id, names, signature, ok := parseAuthorization(r.Header.Get("Authorization"))
	if !ok {
		return errors.New("the Authorization header is not " + signatureAlgorithm)
	}
	if id != accessKeyID {
		return fmt.Errorf("ak %s not exist", id)
	}
	date := r.Header.Get(dateHeader)
	signed, err := time.Parse(signatureDate, date)
	if err != nil || now.Sub(signed).Abs() > maxClockSkew {
		return errors.New("x-sdk-date is more than 15 minutes off")
	}
	if !slices.Contains(names, "x-sdk-date") {
		return errors.New("x-sdk-date is not signed")
	}
	if r.Header.Get(securityHeader) != "" && !slices.Contains(names, "x-security-token") {
		return errors.New("x-security-token is not signed")
	}
	if !contentHashFits(r.Header.Get(contentHashHeader), body) {
		return errSignature
	}
	canonical, ok := canonicalRequest(r, names, body)
	if !ok || !hmac.Equal([]byte(sign(accessKeySecret, date, canonical)), []byte(signature)) {
		return errSignature
	}
	return nil
}

// parseAuthorization takes the header apart:
// SDK-HMAC-SHA256 Access=id, SignedHeaders=a;b, Signature=hex.
func parseAuthorization(value string) (id string, names []string, signature string, ok bool) {
	rest, ok := strings.CutPrefix(value, signatureAlgorithm+" ")
	if !ok {
		return "", nil, "", false
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, text, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[name] = text
	}
	return parts["Access"], strings.Split(parts["SignedHeaders"], ";"), parts["Signature"], len(parts) == 3
}

// contentHashFits reports whether a hash that the request names is that of its body.
func contentHashFits(named string, body []byte) bool {
	return named == "" || named == unsignedPayload || named == hexSHA256(body)
}

// canonicalRequest is the text whose hash is signed. It fails when a signed header is not there, and when the
// query cannot be read.
func canonicalRequest(r *http.Request, names []string, body []byte) (string, bool) {
	var headers strings.Builder
	for _, name := range names {
		value, ok := signedHeader(r, name)
		if !ok {
			return "", false
		}
		headers.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	query, err := canonicalQuery(r.URL.RawQuery)
	if err != nil {
		return "", false
	}
	payload := r.Header.Get(contentHashHeader)
	if payload == "" {
		payload = hexSHA256(body)
	}
	return strings.Join([]string{
		r.Method,
		canonicalPath(r.URL.Path),
		query,
		headers.String(),
		strings.Join(names, ";"),
		payload,
	}, "\n"), true
}

func signedHeader(r *http.Request, name string) (string, bool) {
	if name == "host" {
		return r.Host, true
	}
	values, ok := r.Header[http.CanonicalHeaderKey(name)]
	return strings.Join(values, ","), ok
}

// canonicalPath encodes each piece of a decoded path and ends with a slash.
func canonicalPath(path string) string {
	pieces := strings.Split(path, "/")
	for i, piece := range pieces {
		pieces[i] = percentEncode(piece)
	}
	encoded := strings.Join(pieces, "/")
	if !strings.HasSuffix(encoded, "/") {
		encoded += "/"
	}
	return encoded
}

// canonicalQuery sorts by decoded key and, within a key, by decoded value.
func canonicalQuery(raw string) (string, error) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return "", err
	}
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(query)) {
		values := slices.Sorted(slices.Values(query[key]))
		for _, value := range values {
			pairs = append(pairs, percentEncode(key)+"="+percentEncode(value))
		}
	}
	return strings.Join(pairs, "&"), nil
}

// percentEncode leaves letters, digits and -_.~ alone, and nothing else.
func percentEncode(text string) string {
	var out strings.Builder
	for _, c := range []byte(text) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.~", c) >= 0:
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

// sign signs a canonical request.
func sign(secret, date, canonical string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signatureAlgorithm + "\n" + date + "\n" + hexSHA256([]byte(canonical))))
	return hex.EncodeToString(mac.Sum(nil))
}

func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
