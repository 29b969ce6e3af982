package codeartsbuild_test

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

const proxyPassword = "ProxyPassword-Lk3Jh6Gf9"

// A connectProxy is a proxy that takes every CONNECT to one place, whichever name it has.
type connectProxy struct {
	*httpfake.Server
	target  string
	rejects bool // with 407
}

func listenConnectProxy(t *testing.T, target string, rejects bool) *connectProxy {
	p := &connectProxy{target: target, rejects: rejects}
	p.Server = httpfake.Listen(t, p.connect)
	return p
}

func (p *connectProxy) connect(w http.ResponseWriter, r *http.Request) {
	if p.rejects || r.Method != http.MethodConnect {
		w.Header().Set("Proxy-Authenticate", "Basic")
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	there, err := net.Dial("tcp", p.target)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		defer there.Close()
		_, _ = io.Copy(there, here)
	}()
	_, _ = io.Copy(here, there)
}

// B9: the default transport takes the proxy from the environment, and makes no direct connection when the
// proxy fails or its address is invalid. net/http reads the environment once in a process, so that each row
// is a process of its own.
func TestProxyFromEnvironment(t *testing.T) {
	t.Parallel()
	if order := os.Getenv(subprocessVariable); order != "" {
		stopByOrder(t, order)
		return
	}
	const (
		user   = "http://user:" + proxyPassword + "@"
		broken = "http://user:" + proxyPassword + "%zz@{proxy}"
	)
	// {proxy} stands for the address of the proxy, {service} for one of the service that is not a loopback address,
	// since those are never proxied, and {loopback} for one that is.
	tests := map[string]struct {
		env      []string
		endpoint string   // "": https://{service}
		iam      string   // of a login; "": none
		rejects  bool     // the proxy
		connects []string // asked of the proxy
		err      string   // part of it; "": the calls succeed. Nothing connects to the service then
	}{
		"none":             {},
		"set":              {env: []string{"HTTPS_PROXY=" + user + "{proxy}"}, endpoint: "https://build.example.com", connects: []string{"build.example.com:443"}},
		"in small letters": {env: []string{"https_proxy=" + user + "{proxy}"}, endpoint: "https://build.example.com", connects: []string{"build.example.com:443"}},
		"without a scheme": {env: []string{"HTTPS_PROXY={proxy}"}, endpoint: "https://build.example.com", connects: []string{"build.example.com:443"}},
		"for the login too": {
			env: []string{"HTTPS_PROXY=" + user + "{proxy}"}, endpoint: "https://build.example.com", iam: "https://iam.example.com",
			connects: []string{"iam.example.com:443", "build.example.com:443"},
		},
		"for an address":              {env: []string{"HTTPS_PROXY=" + user + "{proxy}"}, connects: []string{"{service}"}},
		"NO_PROXY names the host":     {env: []string{"HTTPS_PROXY=" + user + "{proxy}", "NO_PROXY=example.org,0.0.0.0"}},
		"NO_PROXY names another host": {env: []string{"HTTPS_PROXY=" + user + "{proxy}", "NO_PROXY=example.org"}, connects: []string{"{service}"}},
		"no_proxy is everything":      {env: []string{"HTTPS_PROXY=" + user + "{proxy}", "no_proxy=*"}},
		"proxy rejects":               {env: []string{"HTTPS_PROXY=" + user + "{proxy}"}, rejects: true, connects: []string{"{service}"}, err: "proxy"},
		"proxy does not listen":       {env: []string{"HTTPS_PROXY=" + user + "127.0.0.1:1"}, err: "proxy"},
		"broken escape":               {env: []string{"HTTPS_PROXY=" + broken}, err: "proxy"},
		"broken, in small letters":    {env: []string{"https_proxy=" + broken}, err: "proxy"},
		"broken, for the login":       {env: []string{"HTTPS_PROXY=" + broken}, iam: "https://{service}", err: "proxy"},
		"broken, for plain http":      {env: []string{"HTTP_PROXY=" + broken}, endpoint: "http://{service}", err: "proxy"},
		"broken, not for loopback":    {env: []string{"HTTPS_PROXY=" + broken}, endpoint: "https://{loopback}"},
		"password with a slash":       {env: []string{"HTTPS_PROXY=http://user:" + proxyPassword + "/x@{proxy}"}, err: "proxy"},
		"port is not a number":        {env: []string{"HTTPS_PROXY=" + user + "127.0.0.1:port"}, err: "proxy"},
		"no host":                     {env: []string{"HTTPS_PROXY=/x"}, err: "the proxy address in the environment is invalid"},
		"bracket is not closed":       {env: []string{"HTTPS_PROXY=" + user + "[::1"}, err: "proxy"},
	}
	certificate, roots := testCertificate(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := httpfake.Listen(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == loginPath {
					sdktest.Granted(w, r)
					return
				}
				sdktest.Accepted(w, r)
			}, func(s *httptest.Server) { s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}} })
			loopback := service.Listener.Addr().String()
			target := strings.Replace(loopback, "127.0.0.1", "0.0.0.0", 1) // leads to this machine all the same
			proxy := listenConnectProxy(t, loopback, tt.rejects)
			fill := strings.NewReplacer("{service}", target, "{proxy}", proxy.Listener.Addr().String(), "{loopback}", loopback)
			order, err := json.Marshal(stopOrder{fill.Replace(cmp.Or(tt.endpoint, "https://{service}")), fill.Replace(tt.iam)})
			require.NoError(t, err)
			env := []string{subprocessVariable + "=" + string(order), "SSL_CERT_FILE=" + roots}
			for _, variable := range tt.env {
				env = append(env, fill.Replace(variable))
			}

			stdout, stderr := runAgain(t, env...)

			require.NotContains(t, stdout+stderr, proxyPassword)
			requireStopped(t, stdout, tt.err)
			var connects []string
			for _, r := range proxy.Requests() {
				require.Equal(t, http.MethodConnect, r.Method)
				require.Empty(t, r.Header.Get("X-Auth-Token"))
				connects = append(connects, strings.ReplaceAll(r.Host, target, "{service}"))
			}
			require.Equal(t, tt.connects, connects)
			accepted, _ := service.Connections()
			switch {
			case tt.err != "":
				require.Zero(t, accepted, "a direct connection was made")
			case tt.iam != "":
				require.Len(t, service.Requests(), 2)
			default:
				require.Len(t, service.Requests(), 1)
			}
		})
	}
}

// A stopOrder tells a process what to call, and a stopResult how that ended.
type stopOrder struct{ Endpoint, IAM string }

type stopResult struct {
	Error   string
	Unknown bool // the outcome
}

// stopByOrder makes one stop with the default transports, and prints the result.
func stopByOrder(t *testing.T, encoded string) {
	var order stopOrder
	require.NoError(t, json.Unmarshal([]byte(encoded), &order))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	source := codeartsbuild.StaticToken(sdktest.Token)
	if order.IAM != "" {
		source = sdktest.TokenSource(t, sdktest.IAMConfig(order.IAM))
	}
	client := sdktest.Client(t, nil, codeartsbuild.WithEndpoint(order.Endpoint), codeartsbuild.WithTokenSource(source),
		codeartsbuild.WithInsecureHTTP(), sdktest.Once)
	var result stopResult
	if err := sdktest.Stop(ctx, client); err != nil {
		result = stopResult{err.Error(), errors.Is(err, codeartsbuild.ErrOutcomeUnknown)}
	}
	text, err := json.Marshal(result)
	require.NoError(t, err)
	fmt.Printf("%s=%s\n", subprocessVariable, text)
}

// requireStopped requires the result that stopByOrder has printed: a stop, or an error with this text before
// anything was sent.
func requireStopped(t *testing.T, stdout, want string) {
	t.Helper()
	var result stopResult
	_, line, _ := strings.Cut(stdout, subprocessVariable+"=")
	require.NoError(t, json.NewDecoder(strings.NewReader(line)).Decode(&result), "%s", stdout)
	require.False(t, result.Unknown, "nothing was sent: %s", result.Error)
	if want == "" {
		require.Empty(t, result.Error)
		return
	}
	require.Contains(t, result.Error, want)
	require.NotContains(t, result.Error, "user:")
}

// testCertificate makes a certificate for the names and addresses of these tests, and a file that makes a
// process trust it.
func testCertificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"build.example.com", "iam.example.com"}, IPAddresses: []net.IP{net.IPv4zero, net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "roots.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}
