package codeartsbuild

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

const (
	metadataEndpoint   = "http://169.254.169.254"
	metadataTimeout    = 3 * time.Second
	podIdentityTimeout = 10 * time.Second // its agent asks another service
	maxKeyResponse     = 64 << 10

	podIdentityURI  = "HC_CONTAINER_CREDENTIALS_FULL_URI"
	podIdentityFile = "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE"
)

// keyPauses are short, since the service is on this machine or beside it, and may have started a moment ago.
var keyPauses = RetryPolicy{MinDelay: 200 * time.Millisecond, MaxDelay: 800 * time.Millisecond}

// fillFromMachine uses the keys of pod identity or the metadata service. It does not ask for them yet.
func (env *environment) fillFromMachine(cfg *config, missing string) error {
	keys := machineKeys{
		name: "metadata service", read: metadataService{env.metadata}.key, limit: metadataTimeout, transport: env.transport,
		searched: "none of HUAWEICLOUD_SDK_AK, CODEARTSBUILD_TOKEN, HW_ACCESS_KEY, HW_USER_NAME, OS_ACCESS_KEY, OS_USERNAME is set; " + missing,
	}
	address := env.first(podIdentityURI).value
	if address == "" {
		address = env.metadata
		keys.searched += "; " + podIdentityURI + " is not set"
	} else {
		pod := podIdentity{address, env.first(podIdentityFile).value}
		if err := pod.check(cfg.insecureHTTP); err != nil {
			return err
		}
		keys.name, keys.read, keys.limit = "pod identity", pod.key, podIdentityTimeout
	}
	if u, err := url.Parse(address); err == nil {
		keys.host = u.Host
	}
	if keys.transport == nil {
		keys.transport = newDirectTransport()
	}
	var source AccessKeySource = NewCachedAccessKeySource(&keys)
	cfg.keys = &source
	return nil
}

// newDirectTransport ignores proxies: these services are on this machine or beside it.
func newDirectTransport() *http.Transport {
	transport := newTransport()
	transport.Proxy, transport.OnProxyConnectResponse = nil, nil
	return transport
}

// machineKeys gets access keys from pod identity or the metadata service.
type machineKeys struct {
	name, host string // of the service
	read       func(context.Context, http.RoundTripper) (*AccessKey, error)
	transport  http.RoundTripper
	limit      time.Duration // of all requests for one key
	searched   string        // the places without a credential
}

// AccessKey gets a key. Its error has the service, all places without a credential, the host and why it gave no key,
// and is ErrUnauthorized.
func (m *machineKeys) AccessKey(ctx context.Context) (*AccessKey, error) {
	limited, cancel := context.WithTimeout(ctx, m.limit)
	defer cancel()
	failure := fmt.Errorf("no response within %v", m.limit)
	for attempt := 1; ; attempt++ {
		start := time.Now()
		key, err := m.read(limited, m.transport)
		m.log(ctx, attempt, start, err)
		if err == nil {
			return key, nil
		}
		if limited.Err() == nil { // the end of the limit says less than the last response
			failure = err
		}
		if !errors.As(err, new(temporaryError)) || !sleep(limited, keyPauses.delay(attempt, false)) {
			break
		}
	}
	return nil, &callError{
		operation: m.name,
		text:      "no credential: " + m.searched + "; " + m.host + ": " + oneLine(failure.Error(), 120),
		details: details{
			kinds: []error{ErrUnauthorized},
			note:  "; set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or use WithTokenSource or WithAccessKeySource",
		},
	}
}

// log writes the record of an attempt, by the logger of the call that needs the key.
func (m *machineKeys) log(ctx context.Context, attempt int, start time.Time, err error) {
	call := callOf(ctx)
	if call == nil || call.logger == nil || !call.logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{slog.String("operation", m.name), slog.Int("attempt", attempt), slog.Duration("duration", time.Since(start))}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	call.logger.LogAttrs(ctx, slog.LevelDebug, "attempt", attrs...)
}

// CloseIdleConnections closes those to the service.
func (m *machineKeys) CloseIdleConnections() { closeIdleConnections(m.transport) }

// A temporaryError is a failure that may be gone a moment later.
type temporaryError struct{ error }

// A podIdentity is the agent beside a container that has the keys of the container's agency.
type podIdentity struct{ uri, file string }

// check rejects an address to which the container's token must not be sent.
func (p podIdentity) check(insecure bool) error {
	if p.file == "" {
		return missingPart(setting{name: podIdentityURI}, setting{name: podIdentityFile})
	}
	u, err := url.Parse(p.uri)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" ||
		(u.Scheme != "https" && (u.Scheme != "http" || !insecure && !isLinkLocal(u.Hostname()))) {
		return invalid("%s must hold an address that may get the token of a container: https://, or http:// and a loopback or link-local address", podIdentityURI)
	}
	return nil
}

// isLinkLocal reports whether a host is this machine or on its link, where no router forwards packets.
func isLinkLocal(host string) bool {
	address, err := netip.ParseAddr(host)
	return isLoopback(host) || (err == nil && address.Unmap().IsLinkLocalUnicast())
}

func (p podIdentity) key(ctx context.Context, transport http.RoundTripper) (*AccessKey, error) {
	token, err := readFile(p.file) // each time, since it is replaced from time to time
	if err != nil {
		return nil, fmt.Errorf("not asked: the file of %s cannot be read: %s", podIdentityFile, fileProblem(err))
	}
	token = strings.TrimSpace(token)
	if token == "" || !isTrimmed(token) {
		return nil, fmt.Errorf("not asked: the file of %s does not hold a token", podIdentityFile)
	}
	status, body, err := fetchKey(ctx, transport, http.MethodPost, p.uri, "{}",
		http.Header{"Content-Type": {"application/json"}, "Authorization": {token}})
	if err != nil {
		return nil, err
	}
	return readKey(status, body)
}

// A metadataService is the service that describes an instance to itself.
type metadataService struct{ endpoint string }

// key gets a key of the instance's agency. A session token that is rejected is replaced once. A rejected request without
// one means that version 2, which was not ready when it was asked for the token, is required.
func (m metadataService) key(ctx context.Context, transport http.RoundTripper) (*AccessKey, error) {
	for attempt := 1; ; attempt++ {
		session, err := m.session(ctx, transport)
		if err != nil {
			return nil, err
		}
		hasSession := len(session) > 0
		status, body, err := fetchKey(ctx, transport, http.MethodGet, m.endpoint+"/openstack/latest/securitykey", "", session)
		switch {
		case err != nil:
			return nil, err
		case bytes.Contains(body, []byte("Please configure Cloud Service Agency first")):
			return nil, errors.New("this instance has no agency, which would have keys")
		case status != http.StatusUnauthorized:
			return readKey(status, body)
		case !hasSession:
			return nil, temporaryError{statusError(status)}
		case attempt > 1:
			return nil, statusError(status)
		}
	}
}

// session gets a session token of version 2, as the header of the next request. The header is empty if the service
// has version 1 only.
func (m metadataService) session(ctx context.Context, transport http.RoundTripper) (http.Header, error) {
	status, body, err := fetchKey(ctx, transport, http.MethodPut, m.endpoint+"/meta-data/latest/api/token", "",
		http.Header{"X-Metadata-Token-Ttl-Seconds": {"21600"}})
	token := strings.TrimSpace(string(body))
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status == http.StatusServiceUnavailable:
		return http.Header{}, nil
	case status != http.StatusOK:
		return nil, statusError(status)
	case token == "" || !isTrimmed(token):
		return nil, errors.New("the response to the request for a session holds no token")
	}
	return http.Header{"X-Metadata-Token": {token}}, nil
}

// fetchKey makes one request and reads the whole response. Neither its errors nor those below quote a response: it
// holds a secret, and so may the error of a transport that could not read it.
func fetchKey(ctx context.Context, transport http.RoundTripper, method, address, content string, header http.Header) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(content))
	if err != nil {
		return 0, nil, errors.New("the address is invalid")
	}
	req.Header = header
	req.Header.Set("User-Agent", ownUserAgent())
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, nil, unreachable(err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxKeyResponse+1))
	switch {
	case err != nil:
		return 0, nil, temporaryError{errors.New("the response was cut off")}
	case len(body) > maxKeyResponse:
		return 0, nil, errors.New("the response is larger than 64 KiB")
	}
	return resp.StatusCode, body, nil
}

// unreachable says why there was no response, without the address.
func unreachable(err error) error {
	var dns *net.DNSError
	var call *os.SyscallError
	text := "no connection"
	notSent, permanent := provesNotSent(err)
	switch {
	case errors.As(err, &dns):
		text += ": " + dns.Err
	case isCertificateError(err):
		text += ": the certificate is invalid"
	case notSent && errors.As(err, &call):
		text += ": " + call.Err.Error()
	case !notSent:
		text = "no readable response"
	}
	if permanent {
		return errors.New(text)
	}
	return temporaryError{errors.New(text)}
}

// statusError is a response with this status. A service that has just started may not know its paths yet.
func statusError(status int) error {
	note := ""
	if isRedirect(status) {
		note = ", which is not followed"
	}
	err := fmt.Errorf("responded %d %s%s", status, http.StatusText(status), note)
	if status == http.StatusNotFound || status == http.StatusTooManyRequests || status >= 500 {
		return temporaryError{err}
	}
	return err
}

// A keyResponse is a temporary key in the spellings of the metadata service and of pod identity.
type keyResponse struct {
	ID            string    `json:"access" also:"accessKeyId,access_key_id"`
	Secret        string    `json:"secret" also:"secretAccessKey,secret_access_key"`
	SecurityToken string    `json:"securitytoken" also:"securityToken,security_token"`
	ExpiresAt     time.Time `json:"expires_at" also:"expiration,expiresAt"`
}

// readKey reads the response to the request for a key.
func readKey(status int, body []byte) (*AccessKey, error) {
	if status != http.StatusOK {
		return nil, statusError(status)
	}
	errNoKey := errors.New("the response holds no access key")
	var resp struct {
		Key keyResponse `json:"credential" also:"credentials"`
	}
	if !json.Valid(body) || loosejson.Unmarshal(body, &resp) != nil {
		return nil, errNoKey
	}
	key := NewTemporaryAccessKey(resp.Key.ID, resp.Key.Secret, resp.Key.SecurityToken, resp.Key.ExpiresAt)
	if !key.usable() || resp.Key.SecurityToken == "" || key.check() != nil {
		return nil, errNoKey
	}
	return key, nil
}
