package codeartsbuild_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
)

// trust is the TLS configuration of a client that trusts these roots.
func trust(roots *x509.CertPool) *tls.Config { return &tls.Config{RootCAs: roots} }

// trustingTransport is the default transport, which trusts these roots.
func trustingTransport(roots *x509.CertPool) *http.Transport {
	transport := codeartsbuild.NewTransport()
	transport.TLSClientConfig = trust(roots)
	return transport
}

// rootsOf returns the roots that a client of a server must trust.
func rootsOf(server *httpfake.Server) *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return roots
}
