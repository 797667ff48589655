//go:build unix

package oci_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openskills-go/skills/registry/oci"
)

// A helper is run for a host that the user logged in to, and for no other.
func TestDockerCredentials(t *testing.T) {
	bin := t.TempDir()
	log := filepath.Join(bin, "log")
	script := "#!/bin/sh\nread host\necho \"$host\" >>'" + log + "'\n" +
		`if [ "$host" = fails.example ]; then echo 'no such thing'; exit 1; fi` + "\n" +
		`echo '{"Username":"helped","Secret":"hunter2"}'` + "\n"
	if err := os.WriteFile(filepath.Join(bin, "docker-credential-test"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	encoded := base64.StdEncoding.EncodeToString([]byte("me:hunter2"))
	config := func(text string) string {
		file := filepath.Join(t.TempDir(), "config.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	plain := config(`{"auths":{"a.example":{"auth":"` + encoded + `"},"https://b.example/v1/":{"auth":"` + encoded + `"},"https://index.docker.io/v1/":{"auth":"` + encoded + `"},"t.example":{"identitytoken":"id"}}}`)
	helped := config(`{"auths":{"a.example":{}},"credsStore":"test","credHelpers":{"c.example":"test"}}`)
	for _, test := range []struct {
		file, host string
		want       oci.Credential
		helper     bool
		fails      bool
	}{
		{plain, "a.example", oci.Credential{Username: "me", Password: "hunter2"}, false, false},
		{plain, "b.example", oci.Credential{Username: "me", Password: "hunter2"}, false, false},
		{plain, "registry-1.docker.io", oci.Credential{Username: "me", Password: "hunter2"}, false, false},
		{plain, "t.example", oci.Credential{IdentityToken: "id"}, false, false},
		{plain, "a.example:5000", oci.Credential{}, false, false},
		{plain, "example", oci.Credential{}, false, false},
		{"", "a.example", oci.Credential{}, false, false},
		{filepath.Join(bin, "none.json"), "a.example", oci.Credential{}, false, false},
		{config("{}"), "a.example", oci.Credential{}, false, false},
		{config(`{"auths":null,"credHelpers":null}`), "a.example", oci.Credential{}, false, false},
		{config("not JSON"), "a.example", oci.Credential{}, false, true},
		{config(`{"auths":{"a.example":{"auth":"***"}}}`), "a.example", oci.Credential{}, false, true},
		{bin, "a.example", oci.Credential{}, false, true},
		{helped, "a.example", oci.Credential{Username: "helped", Password: "hunter2"}, true, false},
		{helped, "c.example", oci.Credential{Username: "helped", Password: "hunter2"}, true, false},
		{helped, "evil.example", oci.Credential{}, false, false},
		{config(`{"credHelpers":{"fails.example":"test"}}`), "fails.example", oci.Credential{}, true, true},
		{config(`{"credHelpers":{"a.example":"../test"}}`), "a.example", oci.Credential{}, false, true},
		{config(`{"credHelpers":{"a.example":"none-of-that-name"}}`), "a.example", oci.Credential{}, false, true},
	} {
		_ = os.Remove(log)
		got, err := oci.DockerCredentials(test.file)(t.Context(), test.host)
		if got != test.want || (err != nil) != test.fails {
			t.Errorf("%s: %+v, %v", test.host, got, err)
		}
		checkText(t, err)
		if ran, _ := os.ReadFile(log); (strings.TrimSpace(string(ran)) == test.host) != test.helper {
			t.Errorf("%s: the helper was asked %q", test.host, ran)
		}
	}
}
