package static

import (
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/version"
)

// seeds adds the files of the recorded registries whose name ends so.
func seeds(f *testing.F, ending string, add func(data []byte)) {
	f.Helper()
	const dir = "../../testdata/protocol/static/"
	entries, err := os.ReadDir(dir)
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(dir + e.Name())
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(data).Files {
			if strings.Contains(file.Name, ending) {
				add([]byte(strings.ReplaceAll(string(file.Data), "{d}", strings.Repeat("a", 64))))
			}
		}
	}
}

func isFormat(t *testing.T, err error) {
	t.Helper()
	e, ok := errors.AsType[*FormatError](err)
	if !ok {
		t.Errorf("%v is no FormatError", err)
	} else if text := e.Error(); len(text) > 500 || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) {
		t.Errorf("%q cannot be printed", text)
	}
}

func FuzzIndex(f *testing.F) {
	seeds(f, "INDEX", func(data []byte) { f.Add(data) })
	f.Fuzz(func(t *testing.T, data []byte) {
		releases, err := parseIndex(t.Context(), data, "https://h/x")
		if err != nil {
			isFormat(t, err)
			return
		}
		seen := map[string]bool{}
		for _, rel := range releases {
			if seen[rel.Version] || !version.Valid(rel.Version) || len(rel.artifact.Hex()) != 64 || rel.size < 0 || rel.Yanked != (rel.Reason != "") {
				t.Errorf("%+v", rel)
			}
			seen[rel.Version] = true
			if path := blobPath(rel.artifact); strings.Contains(path, "..") || len(path) != len("sha256/aa/")+64 {
				t.Errorf("%s", path)
			}
		}
	})
}

func FuzzCatalogue(f *testing.F) {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	add := func(data []byte) {
		f.Add(data)
		f.Add(z.EncodeAll(data, nil))
	}
	seeds(f, "names.txt", add)
	add([]byte(`{"owner":"alice","name":"pdf","version":"1.0.0","description":"d"}` + "\n" + `{"owner":"../x","name":"y"}` + "\n"))
	add(nil)
	f.Fuzz(func(t *testing.T, data []byte) {
		names, err := parseNames(t.Context(), data, "https://h/x")
		if err != nil {
			isFormat(t, err)
		}
		entries, err := parseEntries(t.Context(), data, "https://h/x")
		if err != nil {
			isFormat(t, err)
		}
		for _, e := range entries {
			names = append(names, e.skillName)
		}
		for _, n := range names {
			if !ref.ValidSlug(n.owner) || !ref.ValidSlug(n.slug) || strings.Contains(indexPath(n), "..") || strings.Count(indexPath(n), "/") != 3 {
				t.Errorf("%v", n)
			}
		}
	})
}

func FuzzConfig(f *testing.F) {
	seeds(f, "config.json", func(data []byte) { f.Add(data) })
	f.Add([]byte(`{"protocol":"skills-registry/1","index":"http://h/index/"}`))
	f.Add([]byte(`{"protocol":"skills-registry/1","index":"//other/index","blobs":"/b","catalog":"https://c"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseConfig(data, "https://h/base/config.json")
		if _, later := errors.AsType[*ProtocolError](err); later {
			return
		}
		if err != nil {
			isFormat(t, err)
			return
		}
		for _, address := range []string{c.index, c.blobs, c.owners, c.catalog} {
			u, err := url.Parse(address)
			if address == "" && (c.owners == "" || c.catalog == "") {
				continue
			}
			if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || !strings.HasSuffix(address, "/") || strings.Contains(u.Path+"/", "/../") {
				t.Errorf("%s", address)
			}
		}
	})
}
