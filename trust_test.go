package codeartsbuild_test

import (
	"crypto/tls"
	"crypto/x509"
)

// trust is the TLS configuration of a client that trusts these roots.
func trust(roots *x509.CertPool) *tls.Config { return &tls.Config{RootCAs: roots} }
