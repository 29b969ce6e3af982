package codeartsbuild

import (
	"bytes"
	"cmp"
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
)

const (
	metadataEndpoint   = "http://169.254.169.254"
	metadataTimeout    = 3 * time.Second
	podIdentityTimeout = 10 * time.Second // its agent asks another service
	maxKeyAnswer       = 64 << 10
)

const (
	podIdentityURI  = "HC_CONTAINER_CREDENTIALS_FULL_URI"
	podIdentityFile = "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE"
)

// fillFromMachine has the keys that pod identity or the metadata service hands out. None is asked here.
func (env *environment) fillFromMachine(cfg *config, lack string) error {
	keys := machineKeys{transport: env.transport}
	if keys.transport == nil {
		keys.transport = newDirectTransport()
	}
	tried := []string{"none of HUAWEICLOUD_SDK_AK, CODEARTSBUILD_TOKEN, HW_ACCESS_KEY, HW_USER_NAME, OS_ACCESS_KEY, OS_USERNAME is set", lack}
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

// newDirectTransport knows no proxy: these services are on this machine or beside it.
func newDirectTransport() *http.Transport {
	transport := newTransport()
	transport.Proxy, transport.OnProxyConnectResponse = nil, nil
	return transport
}

// machineKeys asks a service of the machine for an access key.
type machineKeys struct {
	read      func(context.Context, http.RoundTripper) (*AccessKey, error)
	transport http.RoundTripper
	limit     time.Duration // of all requests for one key
	tried     string        // where a credential was looked for; ends with the name of this service
}

// AccessKey asks. Its error lists what was tried, and is ErrUnauthorized.
func (m *machineKeys) AccessKey(ctx context.Context) (*AccessKey, error) {
	limited, cancel := context.WithTimeout(ctx, m.limit)
	defer cancel()
	key, err := m.read(limited, m.transport)
	if err == nil {
		return key, nil
	}
	if limited.Err() != nil { // where it is ctx that ended, nobody waits for the error
		err = fmt.Errorf("gave no answer within %v", m.limit)
	}
	return nil, &callError{text: "no credential: " + m.tried + oneLine(err.Error(), 120) +
		"; set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or give WithTokenSource or WithAccessKeySource", kinds: []error{ErrUnauthorized}}
}

// CloseIdleConnections closes those to the service.
func (m *machineKeys) CloseIdleConnections() { closeIdleConnections(m.transport) }

// A podIdentity is the agent beside a container that knows which agency the container has.
type podIdentity struct{ uri, file string }

// check refuses an address to which the container's token must not be sent.
func (p podIdentity) check(insecure bool) error {
	if p.file == "" {
		return halfSet(finding{name: podIdentityURI}, finding{name: podIdentityFile})
	}
	u, err := url.Parse(p.uri)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" ||
		(u.Scheme != "https" && (u.Scheme != "http" || !insecure && !isNear(u.Hostname()))) {
		return invalid("%s does not hold an address for the token of a container: https://, or http:// and a loopback or link-local address", podIdentityURI)
	}
	return nil
}

// isNear reports whether a host is this machine, or on its very link, where no router passes packets on.
func isNear(host string) bool {
	address, err := netip.ParseAddr(host)
	return isLoopback(host) || (err == nil && address.Unmap().IsLinkLocalUnicast())
}

func (p podIdentity) key(ctx context.Context, transport http.RoundTripper) (*AccessKey, error) {
	token, err := readFile(p.file) // at each request, since it is replaced from time to time
	if err != nil {
		return nil, fmt.Errorf("cannot be asked: the file of %s cannot be read: %s", podIdentityFile, fileProblem(err))
	}
	token = strings.TrimSpace(token)
	if token == "" || !isHeaderValue(token) {
		return nil, fmt.Errorf("cannot be asked: the file of %s does not hold a token", podIdentityFile)
	}
	status, body, err := askMachine(ctx, transport, http.MethodPost, p.uri, "{}",
		http.Header{"Content-Type": {"application/json"}, "Authorization": {token}})
	if err != nil {
		return nil, err
	}
	return readKey(status, body)
}

// A metadataService is the address of the service that tells an instance about itself.
type metadataService struct{ endpoint string }

// key gets the keys of the instance's agency. A token that the service does not accept is replaced once.
func (m metadataService) key(ctx context.Context, transport http.RoundTripper) (*AccessKey, error) {
	var status int
	var body []byte
	for range 2 {
		session, err := m.session(ctx, transport)
		if err != nil {
			return nil, err
		}
		status, body, err = askMachine(ctx, transport, http.MethodGet, m.endpoint+"/openstack/latest/securitykey", "", session)
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

// session gets a token of version 2, as the header of what is asked next: an empty one where the service knows
// version 1 only.
func (m metadataService) session(ctx context.Context, transport http.RoundTripper) (http.Header, error) {
	status, body, err := askMachine(ctx, transport, http.MethodPut, m.endpoint+"/meta-data/latest/api/token", "",
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
		return nil, errors.New("gave no token")
	}
	return http.Header{"X-Metadata-Token": {token}}, nil
}

// askMachine makes one request and reads the whole answer. Neither its errors nor those below quote an answer: it
// holds a secret, and so may the error of a transport that could not read it.
func askMachine(ctx context.Context, transport http.RoundTripper, method, address, content string, header http.Header) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(content))
	if err != nil {
		return 0, nil, errors.New("has no valid address")
	}
	req.Header = header
	req.Header.Set("User-Agent", ownUserAgent())
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, nil, errors.New(reachProblem(err))
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxKeyAnswer+1))
	switch {
	case err != nil:
		return 0, nil, errors.New("gave an answer that was cut off")
	case len(body) > maxKeyAnswer:
		return 0, nil, errors.New("gave an answer larger than 64 KiB")
	}
	return resp.StatusCode, body, nil
}

// reachProblem says why no answer came, without the address.
func reachProblem(err error) string {
	var dns *net.DNSError
	var call *os.SyscallError
	proven, _ := provesUnsent(err)
	switch {
	case errors.As(err, &dns):
		return "cannot be reached: " + dns.Err
	case isCertificateError(err):
		return "has a certificate that is not valid"
	case proven && errors.As(err, &call):
		return "cannot be reached: " + call.Err.Error()
	case proven:
		return "cannot be reached"
	}
	return "gave no answer that can be read"
}

func statusError(status int) error {
	note := ""
	if isRedirect(status) {
		note = ", which is not followed"
	}
	return fmt.Errorf("answered %d %s%s", status, http.StatusText(status), note)
}

// keyMembers are a temporary key in the spellings of the metadata service and of pod identity. Case does not
// count in the names of members.
type keyMembers struct {
	Access          string       `json:"access"`
	AccessKeyID     string       `json:"accessKeyId"`
	Secret          string       `json:"secret"`
	SecretAccessKey string       `json:"secretAccessKey"`
	SecurityToken   string       `json:"securitytoken"`
	ExpiresAt       flexibleTime `json:"expires_at"`
	Expiration      flexibleTime `json:"expiration"`
}

// readKey reads the answer to the request for a key.
func readKey(status int, body []byte) (*AccessKey, error) {
	if status != http.StatusOK {
		return nil, statusError(status)
	}
	var answer struct {
		Credential  *keyMembers `json:"credential"`
		Credentials *keyMembers `json:"credentials"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, errors.New("gave an answer that holds no access key")
	}
	m := cmp.Or(answer.Credential, answer.Credentials, &keyMembers{})
	key := NewTemporaryAccessKey(cmp.Or(m.Access, m.AccessKeyID), cmp.Or(m.Secret, m.SecretAccessKey), m.SecurityToken,
		cmp.Or(m.ExpiresAt.Time, m.Expiration.Time))
	if !key.usable() || m.SecurityToken == "" || key.check() != nil {
		return nil, errors.New("gave an answer that holds no access key")
	}
	return key, nil
}
