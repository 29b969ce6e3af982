package codeartsbuild

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
)

const (
	podIdentityURI  = "HC_CONTAINER_CREDENTIALS_FULL_URI"
	podIdentityFile = "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE"
)

// fillFromMachine uses the keys of pod identity or the metadata service. It does not ask for them yet.
func (env *environment) fillFromMachine(cfg *config, missing string) error {
	keys := machineKeys{transport: env.transport}
	if keys.transport == nil {
		keys.transport = newDirectTransport()
	}
	tried := []string{"none of HUAWEICLOUD_SDK_AK, CODEARTSBUILD_TOKEN, HW_ACCESS_KEY, HW_USER_NAME, OS_ACCESS_KEY, OS_USERNAME is set", missing}
	if uri := env.first(podIdentityURI); uri.value != "" {
		pod := podIdentity{uri.value, env.first(podIdentityFile).value}
		if err := pod.check(cfg.insecureHTTP); err != nil {
			return err
		}
		tried = append(tried, "pod identity ")
		keys.read, keys.limit = pod.key, podIdentityTimeout
	} else {
		tried = append(tried, podIdentityURI+" is not set", "the metadata service ")
		keys.read, keys.limit = metadataService{env.metadata}.key, metadataTimeout
	}
	keys.tried = strings.Join(tried, "; ")
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
	read      func(context.Context, http.RoundTripper) (*AccessKey, error)
	transport http.RoundTripper
	limit     time.Duration // of all requests for one key
	tried     string        // the places without a credential; ends with the name of this service
}

// AccessKey gets a key. Its error lists all places without a credential, and is ErrUnauthorized.
func (m *machineKeys) AccessKey(ctx context.Context) (*AccessKey, error) {
	limited, cancel := context.WithTimeout(ctx, m.limit)
	defer cancel()
	key, err := m.read(limited, m.transport)
	if err == nil {
		return key, nil
	}
	if limited.Err() != nil { // if ctx itself ended, no caller waits for the error
		err = fmt.Errorf("did not respond within %v", m.limit)
	}
	return nil, &callError{
		text: "no credential: " + m.tried + oneLine(err.Error(), 120) +
			"; set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or use WithTokenSource or WithAccessKeySource",
		details: details{kinds: []error{ErrUnauthorized}},
	}
}

// CloseIdleConnections closes those to the service.
func (m *machineKeys) CloseIdleConnections() { closeIdleConnections(m.transport) }

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
		return nil, fmt.Errorf("cannot be asked: the file of %s cannot be read: %s", podIdentityFile, fileProblem(err))
	}
	token = strings.TrimSpace(token)
	if token == "" || !isHeaderValue(token) {
		return nil, fmt.Errorf("cannot be asked: the file of %s does not hold a token", podIdentityFile)
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

// key gets a key of the instance's agency. A rejected session token is replaced once.
func (m metadataService) key(ctx context.Context, transport http.RoundTripper) (*AccessKey, error) {
	var status int
	var body []byte
	for range 2 {
		session, err := m.session(ctx, transport)
		if err != nil {
			return nil, err
		}
		status, body, err = fetchKey(ctx, transport, http.MethodGet, m.endpoint+"/openstack/latest/securitykey", "", session)
		if err != nil {
			return nil, err
		}
		if bytes.Contains(body, []byte("Please configure Cloud Service Agency first")) {
			return nil, errors.New("has no keys: this instance has no agency")
		}
		if status != http.StatusUnauthorized {
			break
		}
	}
	return readKey(status, body)
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
	case token == "" || !isHeaderValue(token):
		return nil, errors.New("sent no token")
	}
	return http.Header{"X-Metadata-Token": {token}}, nil
}

// fetchKey makes one request and reads the whole response. Neither its errors nor those below quote a response: it
// holds a secret, and so may the error of a transport that could not read it.
func fetchKey(ctx context.Context, transport http.RoundTripper, method, address, content string, header http.Header) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(content))
	if err != nil {
		return 0, nil, errors.New("has an invalid address")
	}
	req.Header = header
	req.Header.Set("User-Agent", ownUserAgent())
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, nil, errors.New(unreachable(err))
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxKeyResponse+1))
	switch {
	case err != nil:
		return 0, nil, errors.New("sent a response that was cut off")
	case len(body) > maxKeyResponse:
		return 0, nil, errors.New("sent a response larger than 64 KiB")
	}
	return resp.StatusCode, body, nil
}

// unreachable says why there was no response, without the address.
func unreachable(err error) string {
	var dns *net.DNSError
	var call *os.SyscallError
	notSent, _ := provesNotSent(err)
	switch {
	case errors.As(err, &dns):
		return "cannot be reached: " + dns.Err
	case isCertificateError(err):
		return "has an invalid certificate"
	case notSent && errors.As(err, &call):
		return "cannot be reached: " + call.Err.Error()
	case notSent:
		return "cannot be reached"
	}
	return "sent no readable response"
}

func statusError(status int) error {
	note := ""
	if isRedirect(status) {
		note = ", which is not followed"
	}
	return fmt.Errorf("responded %d %s%s", status, http.StatusText(status), note)
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
	errNoKey := errors.New("sent no access key")
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
