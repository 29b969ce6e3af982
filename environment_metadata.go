package codeartsbuild

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
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

// AccessKey asks. Its error lists what was tried.
func (m *machineKeys) AccessKey(ctx context.Context) (*AccessKey, error) {
	limited, cancel := context.WithTimeout(ctx, m.limit)
	defer cancel()
	key, err := m.read(limited, m.transport)
	switch {
	case err == nil:
		return key, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil:
		err = fmt.Errorf("gave no answer within %v", m.limit)
	}
	return nil, &callError{text: "no credential: " + m.tried + oneLine(err.Error(), 120) +
		"; set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or give WithTokenSource or WithAccessKeySource"}
}

// CloseIdleConnections closes those to the service.
func (m *machineKeys) CloseIdleConnections() { closeIdleConnections(m.transport) }

// Format prints the type only: the address of a service may be nobody's business.
func (m *machineKeys) Format(f fmt.State, _ rune) { fmt.Fprint(f, "codeartsbuild.machineKeys{…}") }

// A podIdentity is the agent beside a container that knows which agency the container has.
type podIdentity struct{ uri, file string }

// check refuses an address to which the container's token must not be sent.
func (p podIdentity) check(insecure bool) error {
	if p.file == "" {
		return halfSet(setting{name: podIdentityURI}, setting{name: podIdentityFile})
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
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.uri, strings.NewReader("{}"))
	if err != nil {
		return nil, errors.New("has no valid address")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", token)
	status, body, err := exchange(transport, req)
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
		token, err := m.token(ctx, transport)
		if err != nil {
			return nil, err
		}
		status, body, err = m.ask(ctx, transport, token)
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

// token opens a session of version 2. There is none, "", where the service knows version 1 only.
func (m metadataService) token(ctx context.Context, transport http.RoundTripper) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, m.endpoint+"/meta-data/latest/api/token", http.NoBody)
	if err != nil {
		return "", errors.New("has no valid address")
	}
	req.Header.Set("X-Metadata-Token-Ttl-Seconds", "21600")
	status, body, err := exchange(transport, req)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(body))
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusServiceUnavailable:
		return "", nil
	case http.StatusOK:
		if token != "" && isHeaderValue(token) {
			return token, nil
		}
		return "", errors.New("gave no token")
	}
	return "", statusError(status)
}

func (m metadataService) ask(ctx context.Context, transport http.RoundTripper, token string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.endpoint+"/openstack/latest/securitykey", nil)
	if err != nil {
		return 0, nil, errors.New("has no valid address")
	}
	if token != "" {
		req.Header.Set("X-Metadata-Token", token)
	}
	return exchange(transport, req)
}

// exchange makes one request and reads the whole answer. Neither its errors nor those below quote an answer: it
// holds a secret, and so may the error of a transport that could not read it.
func exchange(transport http.RoundTripper, req *http.Request) (status int, body []byte, err error) {
	req.Header.Set("User-Agent", ownUserAgent())
	resp, err := transport.RoundTrip(req)
	if err != nil || resp == nil {
		if proven, _ := provesUnsent(err); proven {
			return 0, nil, errors.New("cannot be reached: " + errorText(err))
		}
		return 0, nil, errors.New("gave no answer that can be read")
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
