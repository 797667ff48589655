package oci_test

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/oci"
)

// known returns a credential for one host, and notes for whom it is asked.
func known(host string, asked *[]string) func(context.Context, string) (oci.Credential, error) {
	return func(_ context.Context, at string) (oci.Credential, error) {
		*asked = append(*asked, at)
		if at != host {
			return oci.Credential{}, nil
		}
		return oci.Credential{Username: "me", Password: "hunter2"}, nil
	}
}

var basic = "Basic " + base64.StdEncoding.EncodeToString([]byte("me:hunter2"))

// A registry that wants a password gets the one for it, and only that one.
func TestBasic(t *testing.T) {
	s := newServer(t)
	s.usual("o/pdf", skillText, "1.0.0")
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == basic {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	var asked []string
	src := oci.New(oci.Options{Client: client(t, transport.Options{}), Credential: known(s.host, &asked)})
	if p, err := src.Resolve(t.Context(), s.ref("o/pdf:1.0.0"), ""); err != nil || p.Version != "1.0.0" || len(asked) == 0 {
		t.Errorf("Resolve = %+v, %v; asked for %q", p, err, asked)
	}
	other := oci.New(oci.Options{Client: client(t, transport.Options{}), Credential: known("elsewhere", &asked)})
	_, err := other.Resolve(t.Context(), s.ref("o/pdf:1.0.0"), "")
	checkText(t, err)
	if denied, ok := errors.AsType[*oci.AuthError](err); !ok || !errors.Is(err, source.ErrAuth) || denied.Host != s.host {
		t.Errorf("Resolve without one = %v", err)
	}
	broken := oci.New(oci.Options{Client: client(t, transport.Options{}), Credential: func(context.Context, string) (oci.Credential, error) {
		return oci.Credential{}, os.ErrPermission
	}})
	if _, err := broken.Resolve(t.Context(), s.ref("o/pdf:1.0.0"), ""); !isA[*oci.CredentialError](err) || !errors.Is(err, os.ErrPermission) {
		t.Errorf("Resolve with one that cannot be had = %v", err)
	}
}

// A token server gives a token for the credential of the registry that named it;
// the token goes to the registry, and to no host that it redirects to.
func TestBearer(t *testing.T) {
	s := newServer(t)
	s.usual("o/pdf", skillText, "1.0.0")
	var tokens []string
	realm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tokens = append(tokens, r.Header.Get("Authorization")+" "+r.URL.Query().Get("scope"))
		answer(w, "application/json", "", `{"token":"t0ken"}`)
	}))
	t.Cleanup(realm.Close)
	var moved []string
	cdn := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		moved = append(moved, r.Header.Get("Authorization")+r.Header.Get("Referer"))
		_, _ = w.Write(gz(tarOf(t, "pdf/", skillText)))
	}))
	t.Cleanup(cdn.Close)
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.Header.Get("Authorization") != "Bearer t0ken":
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm.URL+`/token",service="x",scope="repository:o/pdf:pull"`)
			w.WriteHeader(http.StatusUnauthorized)
			return true
		case strings.Contains(r.URL.Path, "/blobs/"):
			http.Redirect(w, r, cdn.URL+"/x?sig=hunter2", http.StatusTemporaryRedirect)
			return true
		}
		return false
	}
	var asked []string
	src := oci.New(oci.Options{Client: client(t, transport.Options{}), Credential: known(s.host, &asked)})
	p, err := src.Resolve(t.Context(), s.ref("o/pdf:1.0.0"), "")
	if err != nil {
		t.Fatal(err)
	}
	var sink sourcetest.Sink
	if _, err := src.Fetch(t.Context(), p, &sink); err != nil || digest.Of(sink.Bytes()) != p.Artifact {
		t.Errorf("Fetch = %v", err)
	}
	if len(tokens) != 1 || tokens[0] != basic+" repository:o/pdf:pull" {
		t.Errorf("the token server was asked %q", tokens)
	}
	if len(moved) != 1 || moved[0] != "" {
		t.Errorf("the other host was sent %q", moved)
	}
	for _, host := range asked {
		if host != s.host {
			t.Errorf("a credential was looked for for %s", host)
		}
	}
	// Anonymous tokens need no credential.
	tokens = nil
	if _, err := open(t).Resolve(t.Context(), s.ref("o/pdf:1.0.0"), ""); err != nil || len(tokens) != 1 || strings.Contains(tokens[0], "Basic") {
		t.Errorf("anonymous: %v, %q", err, tokens)
	}
}

// The server of a registry with https, which every name leads to.
func public(t *testing.T, handler http.HandlerFunc) (o transport.Options, dialed *[]string) {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // that some names are not its own is what some tests are about
	s.StartTLS()
	t.Cleanup(s.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	dialed = new([]string)
	return transport.Options{CAFile: ca, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		*dialed = append(*dialed, address)
		var d net.Dialer
		return d.DialContext(ctx, network, s.Listener.Addr().String())
	}}, dialed
}

// Where a registry sends us for a token is held to what it may be.
func TestHostileRealms(t *testing.T) {
	for name, test := range map[string]struct {
		challenge string
		want      func(error) bool
	}{
		"http":            {`Bearer realm="http://auth.example.com/token"`, func(err error) bool { return err != nil }},
		"http, same host": {`Bearer realm="http://example.com/token"`, func(err error) bool { return err != nil }},
		"loopback":        {`Bearer realm="https://127.0.0.1/token?x=hunter2"`, isA[*transport.NetworkError]},
		"private":         {`Bearer realm="https://10.0.0.1/token"`, isA[*transport.NetworkError]},
		"metadata":        {`Bearer realm="https://169.254.169.254/token"`, isA[*transport.NetworkError]},
		"a number":        {`Bearer realm="https://2130706433/token"`, func(err error) bool { return err != nil }},
		"a password":      {`Bearer realm="https://a:hunter2@auth.example.com/token"`, func(err error) bool { return err != nil }},
		"a file":          {`Bearer realm="file:///etc/passwd"`, func(err error) bool { return err != nil }},
		"nothing":         {`Bearer service="x"`, func(err error) bool { return err != nil }},
		"unknown scheme":  {`Negotiate x`, isErr(source.ErrAuth)},
		"nonsense":        {"Bearer realm=\"\x01\x1b", func(err error) bool { return err != nil }},
		"no challenge":    {``, isErr(source.ErrAuth)},
	} {
		o, dialed := public(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Host != "example.com" {
				t.Errorf("%s: %s was asked, with %q", name, r.Host, r.Header.Get("Authorization"))
			}
			if test.challenge != "" {
				w.Header()["Www-Authenticate"] = []string{test.challenge}
			}
			w.WriteHeader(http.StatusUnauthorized)
		})
		var asked []string
		src := oci.New(oci.Options{Client: client(t, o), Credential: known("example.com", &asked)})
		_, err := src.Resolve(t.Context(), ref.Ref{Kind: ref.OCI, URL: "oci://example.com/o/pdf", Rev: "1.0.0"}, "")
		checkText(t, err)
		if err == nil || !test.want(err) {
			t.Errorf("%s: %T %v", name, err, err)
		}
		for _, address := range *dialed {
			if address != "example.com:443" {
				t.Errorf("%s: dialed %s", name, address)
			}
		}
	}
}

// A token endpoint that does not do its part.
func TestHostileTokens(t *testing.T) {
	for name, test := range map[string]struct {
		serve func(w http.ResponseWriter, r *http.Request)
		want  func(error) bool
	}{
		"no": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`, http.StatusUnauthorized)
		}, isErr(source.ErrAuth)},
		"no token": {func(w http.ResponseWriter, _ *http.Request) { answer(w, "application/json", "", `{}`) }, isA[*oci.AnswerError]},
		"a page":   {func(w http.ResponseWriter, _ *http.Request) { answer(w, "text/html", "", "<html>") }, isA[*oci.AnswerError]},
		"much": {func(w http.ResponseWriter, _ *http.Request) {
			answer(w, "application/json", "", strings.Repeat(" ", 1<<20))
		}, isA[*oci.AnswerError]},
		"to elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://10.0.0.1/x?sig=hunter2", http.StatusTemporaryRedirect)
		}, isA[*transport.NetworkError]},
		"to http": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://example.com/x?sig=hunter2", http.StatusTemporaryRedirect)
		}, func(err error) bool { return err != nil }},
	} {
		o, _ := public(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/token") {
				test.serve(w, r)
				return
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="https://example.com/token?x=hunter2"`)
			w.WriteHeader(http.StatusUnauthorized)
		})
		_, err := oci.New(oci.Options{Client: client(t, o)}).Resolve(t.Context(), ref.Ref{Kind: ref.OCI, URL: "oci://example.com/o/pdf", Rev: "1.0.0"}, "")
		checkText(t, err)
		if err == nil || !test.want(err) {
			t.Errorf("%s: %T %v", name, err, err)
		}
	}
}

// http is for this machine; every other host is asked with https.
func TestSchemes(t *testing.T) {
	o, dialed := public(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	for host, want := range map[string]string{
		"example.com": "example.com:443", "example.com:80": "example.com:80", "127.0.0.1": "127.0.0.1:80",
		"localhost:5000": "localhost:5000", "[::1]:5000": "[::1]:5000", "docker.io": "registry-1.docker.io:443",
	} {
		*dialed = nil
		_, err := oci.New(oci.Options{Client: client(t, o)}).Resolve(t.Context(), ref.Ref{Kind: ref.OCI, URL: "oci://" + host + "/pdf", Rev: "v1"}, "")
		if err == nil || len(*dialed) == 0 || (*dialed)[0] != want {
			t.Errorf("%s: dialed %q, %v", host, *dialed, err)
		}
	}
}
