package static

import (
	"bytes"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/version"
)

// What is read of an index is what can be chosen and asked for.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"v":"1.0.0","h1":"h1:l9YoCufJAl0h8wbcf5mjtNkjByB3kN//3fNDuCE683c=","zip":{"sha256":"` + strings.Repeat("ab", 32) + `","size":9},"tags":["latest"]}` + "\n"))
	f.Add([]byte("{\"v\":\"1.0.0\",\"gone\":true}\n\n{}\n"))
	f.Add([]byte("[\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseIndex(data)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, r := range list {
			if !version.Valid(r.Version) || len(r.artifact.Hex()) != 64 || r.size <= 0 || r.tree == "" || seen[r.Version] || r.Yanked != (r.Reason != "") {
				t.Fatalf("%q holds %+v", data, r)
			}
			seen[r.Version] = true
		}
	})
}

// A catalogue holds nothing that no reference can name.
func FuzzCatalogue(f *testing.F) {
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b)
	if err != nil {
		f.Fatal(err)
	}
	_, _ = z.Write([]byte(`{"owner":"alice","name":"pdf","version":"1.0.0","description":"x"}` + "\n" + `{"owner":"..","name":"/"}` + "\n"))
	_ = z.Close()
	f.Add(b.Bytes())
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd})
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseCatalogue(data)
		if err != nil {
			return
		}
		for _, s := range c.skills {
			if !ref.ValidSlug(s.Owner) || !ref.ValidSlug(s.Slug) || s.Version != "" && !version.Valid(s.Version) {
				t.Fatalf("it holds %+v", s)
			}
		}
	})
}

// Where things are is on the web, and below something that ends in a slash.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"protocol":"skills-registry/1","index":"index/","blobs":"https://cdn.example.com/b"}`))
	f.Add([]byte(`{"protocol":"skills-registry/1","catalog":"//elsewhere.test"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseConfig(data, "https://skills.example.com/a/")
		if err != nil {
			return
		}
		for _, address := range []string{c.Index, c.Blobs, c.Catalog} {
			if !strings.HasPrefix(address, "https://") || !strings.HasSuffix(address, "/") || strings.ContainsAny(address, "?#@ ") {
				t.Fatalf("%q gives the address %q", data, address)
			}
		}
	})
}
