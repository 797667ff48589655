package transport

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An authority signs certificates for a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a := new(authority)
	a.key = newKey(t)
	a.cert = a.sign(t, template, template, a.key)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) sign(t *testing.T, template, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// server returns a TLS server on loopback with a certificate for host.
func (a *authority) server(t *testing.T, host string, validFor time.Duration) *httptest.Server {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, NotBefore: time.Now().Add(-2 * time.Hour),
		NotAfter: time.Now().Add(validFor), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	cert := a.sign(t, template, a.cert, key)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"proto":"`+r.Proto+`"}`)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (a *authority) file(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TLS faults keep their names, and are not asked about again.
func TestTLS(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	caFile := ours.file(t)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for _, test := range []struct {
		name   string
		url    string
		caFile string
		want   func(error) bool
	}{
		{"the CA file is trusted", ours.server(t, "127.0.0.1", time.Hour).URL, caFile, nil},
		{"unknown authority", other.server(t, "127.0.0.1", time.Hour).URL, caFile, is[x509.UnknownAuthorityError]()},
		{"no CA file", ours.server(t, "127.0.0.1", time.Hour).URL, "", is[x509.UnknownAuthorityError]()},
		{"wrong host", ours.server(t, "registry.test", time.Hour).URL, caFile, is[x509.HostnameError]()},
		{"expired", ours.server(t, "127.0.0.1", -time.Hour).URL, caFile, is(func(e x509.CertificateInvalidError) bool { return e.Reason == x509.Expired })},
		{"http where https is asked", strings.Replace(plain.URL, "http:", "https:", 1), "", is[tls.RecordHeaderError]()},
	} {
		t.Run(test.name, func(t *testing.T) {
			dials := 0
			c, err := New(Options{CAFile: test.caFile, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				dials++
				return new(net.Dialer).DialContext(ctx, network, address)
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseIdleConnections()
			resp, err := c.Get(t.Context(), test.url, GetOptions{})
			checkText(t, err)
			if test.want == nil && (err != nil || string(resp.Body) != `{"proto":"HTTP/2.0"}`) {
				t.Errorf("answer is %+v, error %v", resp, err)
			}
			if test.want != nil && (err == nil || !test.want(err) || !is[*NetworkError]()(err) || dials != 1) {
				t.Errorf("%d dials, error %T %v", dials, err, err)
			}
		})
	}
}

func TestCAFileIsChecked(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(empty, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + ".missing"} {
		if _, err := New(Options{CAFile: file}); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
