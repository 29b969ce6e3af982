package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// A site is haproxy in front of two servers of one service.
type site struct {
	address  string // https
	folder   string // of haproxy's files
	port     int
	service  http.Handler
	backends [2]*backend
	proxy    *exec.Cmd
	trusted  *x509.CertPool
	restarts map[string]int // how often, by what was restarted and how
}

// A backend is a server that keeps its port when it is restarted.
type backend struct {
	port   int
	server *http.Server
}

func newSite(service http.Handler, http1 bool) (_ *site, err error) {
	s := &site{service: service, restarts: map[string]int{}, trusted: x509.NewCertPool()}
	if s.folder, err = os.MkdirTemp("", "soak"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	for i := range s.backends {
		s.backends[i] = &backend{port: ports[i]}
		if err := s.backends[i].start(service); err != nil {
			return nil, err
		}
	}
	s.port = ports[2]
	s.address = fmt.Sprintf("https://127.0.0.1:%d", s.port)
	if err := s.configure(http1); err != nil {
		return nil, err
	}
	return s, s.startProxy()
}

func freePorts(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		ports[i] = listener.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}

// configure writes haproxy's certificate and its configuration. The certificate is that of httptest, which is for
// example.com and this machine.
func (s *site) configure(http1 bool) error {
	model := httptest.NewTLSServer(nil)
	defer model.Close()
	s.trusted.AddCert(model.Certificate())
	pair, err := encodePair(model.TLS.Certificates[0])
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.file("pair.pem"), pair, 0o600); err != nil {
		return err
	}
	protocols := "h2,http/1.1"
	if http1 {
		protocols = "http/1.1"
	}
	return os.WriteFile(s.file("haproxy.cfg"), fmt.Appendf(nil, `global
    maxconn 2000
    hard-stop-after 2s
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 5s
    option redispatch
frontend service
    bind 127.0.0.1:%d ssl crt %s alpn %s
    default_backend servers
backend servers
    server first 127.0.0.1:%d check inter 200ms fall 1 rise 1
    server second 127.0.0.1:%d check inter 200ms fall 1 rise 1
`, s.port, s.file("pair.pem"), protocols, s.backends[0].port, s.backends[1].port), 0o600)
}

func (s *site) file(name string) string { return filepath.Join(s.folder, name) }

// startProxy starts haproxy and waits until it takes connections.
func (s *site) startProxy(args ...string) error {
	s.proxy = exec.Command("haproxy", append([]string{"-db", "-f", s.file("haproxy.cfg")}, args...)...)
	s.proxy.Stderr = nil // it reports each server that comes and goes
	if err := s.proxy.Start(); err != nil {
		return err
	}
	for range 200 {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
		if err == nil {
			return conn.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("haproxy does not take connections")
}

// transport is that of the client under test: with settings as the default transport of this package has them.
func (s *site) transport(http1 bool) *http.Transport {
	return &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: s.trusted, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:   !http1,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: 100,
		IdleConnTimeout:     90 * time.Second,
	}
}

// disturb restarts something each second, in turn, until ctx ends.
func (s *site) disturb(ctx context.Context) error {
	steps := []struct {
		name string
		do   func() error
	}{
		{"haproxy, gracefully", s.reloadProxy},
		{"a server, killed", func() error { return s.restartBackend(0) }},
		{"haproxy, killed", s.killProxy},
		{"a server, killed", func() error { return s.restartBackend(1) }},
	}
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
		step := steps[i%len(steps)]
		if err := step.do(); err != nil {
			return fmt.Errorf("restart of %s: %w", step.name, err)
		}
		s.restarts[step.name]++
	}
}

// reloadProxy starts a second haproxy, which tells the first to finish its requests.
func (s *site) reloadProxy() error {
	before := s.proxy
	if err := s.startProxy("-sf", strconv.Itoa(before.Process.Pid)); err != nil {
		return err
	}
	_ = before.Wait() // it ends after its last request, at the latest after hard-stop-after
	return nil
}

func (s *site) killProxy() error {
	if err := s.proxy.Process.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	_ = s.proxy.Wait() // it was killed
	time.Sleep(100 * time.Millisecond)
	return s.startProxy()
}

func (s *site) restartBackend(i int) error {
	if err := s.backends[i].server.Close(); err != nil {
		return err
	}
	time.Sleep(100 * time.Millisecond)
	return s.backends[i].start(s.service)
}

func (b *backend) start(service http.Handler) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(b.port)))
	if err != nil {
		return err
	}
	b.server = &http.Server{Handler: service, ReadHeaderTimeout: 10 * time.Second}
	go b.server.Serve(listener)
	return nil
}

func (s *site) close() {
	if s.proxy != nil && s.proxy.Process != nil {
		_ = s.proxy.Process.Kill()
		_ = s.proxy.Wait()
	}
	for _, b := range s.backends {
		if b != nil && b.server != nil {
			b.server.Close()
		}
	}
	os.RemoveAll(s.folder)
}
