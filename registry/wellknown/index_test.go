package wellknown

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/skill"
)

const (
	at    = "https://docs.example.com/a/.well-known/agent-skills/index.json"
	hexes = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	sum   = "sha256:" + hexes
)

// with returns the JSON of a good entry with fields replaced.
func with(t testing.TB, fields string) string {
	t.Helper()
	e := map[string]any{"name": "pdf", "type": "archive", "description": "d", "url": "pdf.zip", "digest": sum}
	var changed map[string]any
	if err := json.Unmarshal([]byte(fields), &changed); err != nil {
		t.Fatal(fields, err)
	}
	for k, v := range changed {
		if e[k] = v; v == "-" {
			delete(e, k)
		}
	}
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func two(entries ...string) []byte {
	return []byte(`{"$schema": "` + schemaURI + `", "skills": [` + strings.Join(entries, ",") + `]}`)
}

// None of these is used, and each says why; the entry beside it stays.
func TestEntriesThatAreLeftOut(t *testing.T) {
	long := strings.Repeat("a", 65)
	for fields, why := range map[string]string{
		`{"name": "-"}`:                "no name",
		`{"name": ""}`:                 "no name",
		`{"name": null}`:               "no name",
		`{"name": 5}`:                  "its name is no text",
		`{"name": ["pdf"]}`:            "its name is no text",
		`{"name": "PDF"}`:              "its name is not of a-z",
		`{"name": "p df"}`:             "its name is not of a-z",
		`{"name": "-pdf"}`:             "its name is not of a-z",
		`{"name": "pdf-"}`:             "its name is not of a-z",
		`{"name": "p--df"}`:            "its name is not of a-z",
		`{"name": "` + long + `"}`:     "its name is not of a-z",
		`{"name": ".."}`:               "its name is not of a-z",
		`{"name": "../../.ssh"}`:       "its name is not of a-z",
		`{"name": "..\\..\\x"}`:        "its name is not of a-z",
		`{"name": "/etc/passwd"}`:      "its name is not of a-z",
		`{"name": "C:\\x"}`:            "its name is not of a-z",
		`{"name": "con"}`:              "its name is not of a-z", // a device on Windows
		`{"name": "pdf\u0000"}`:        "its name is not of a-z",
		`{"name": "p\u0434f"}`:         "its name is not of a-z",
		`{"name": "\u001b[2Jpdf"}`:     "its name is not of a-z",
		`{"type": "-"}`:                "no type",
		`{"type": null}`:               "no type",
		`{"type": "mcp"}`:              `type "mcp" is not known`,
		`{"type": "ARCHIVE"}`:          `type "ARCHIVE" is not known`,
		`{"type": {}}`:                 "its type is no text",
		`{"type": "\u001b]0;x\u0007"}`: `type "\x1b]0;x\a" is not known`,
		`{"digest": "-"}`:              "no digest",
		`{"digest": null}`:             "no digest",
		`{"digest": 7}`:                "its digest is no text",
		`{"digest": "md5:d41d8cd98f00b204e9800998ecf8427e"}`:                                    "no sha256 digest",
		`{"digest": "sha512:` + hexes + hexes + `"}`:                                            "no sha256 digest",
		`{"digest": "sha256:"}`:                                                                 "no sha256 digest",
		`{"digest": "sha256:` + hexes[1:] + `"}`:                                                "no sha256 digest",
		`{"digest": "sha256:` + hexes + `0"}`:                                                   "no sha256 digest",
		`{"digest": "sha256-` + hexes + `"}`:                                                    "no sha256 digest",
		`{"digest": "sha256:sha256:` + hexes + `"}`:                                             "no sha256 digest",
		`{"digest": "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}`:                         "no sha256 digest",
		`{"digest": "sha256:zzzzc44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}`: "no sha256 digest",
		`{"sha256": "sha256:0000c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}`: "contradict",
		`{"digest": "-", "sha256": "x"}`:                                                        "no sha256 digest",
		`{"url": "-"}`:                                                                          "no url",
		`{"url": " "}`:                                                                          "no url",
		`{"url": null}`:                                                                         "no url",
		`{"url": {"href": "pdf.zip"}}`:                                                          "its url is no text",
		`{"url": "file:///etc/passwd"}`:                                                         `neither http nor https but "file"`,
		`{"url": "FILE:///etc/passwd"}`:                                                         `neither http nor https but "file"`,
		`{"url": "ftp://example.com/pdf.zip"}`:                                                  `neither http nor https but "ftp"`,
		`{"url": "data:text/plain,hello"}`:                                                      `neither http nor https but "data"`,
		`{"url": "javascript:alert(1)"}`:                                                        `neither http nor https but "javascript"`,
		`{"url": "git+ssh://example.com/x"}`:                                                    `neither http nor https but "git+ssh"`,
		`{"url": "http://docs.example.com/pdf.zip"}`:                                            "its url leaves https",
		`{"url": "http://127.0.0.1/pdf.zip"}`:                                                   "its url leaves https",
		`{"url": "https://user:secret@example.com/"}`:                                           "holds a user name or password",
		`{"url": "//user@example.com/pdf.zip"}`:                                                 "holds a user name or password",
		`{"url": "https:///pdf.zip"}`:                                                           "names no host",
		`{"url": "https:pdf.zip"}`:                                                              "names no host",
		`{"url": "ht tp://x"}`:                                                                  "cannot be parsed",
		`{"url": "https://[::1"}`:                                                               "cannot be parsed",
		`{"url": "%zz"}`:                                                                        "cannot be parsed",
		`{"url": "a\u0000b"}`:                                                                   "cannot be parsed",
		`{"url": "` + strings.Repeat("a/", 3000) + `"}`:                                         "too long",
	} {
		x, err := decode(two(with(t, fields), with(t, `{"name": "good"}`)), at)
		if err != nil || len(x.entries) != 1 || x.entries[0].name != "good" {
			t.Errorf("%.80s: %v, %+v", fields, err, x)
			continue
		}
		checkWarnings(t, fields, x.warnings, why)
		x, err = decode(two(with(t, fields)), at)
		if _, ok := errors.AsType[*IndexError](err); !ok || !strings.Contains(err.Error(), why) {
			t.Errorf("%.80s alone: %+v, %v; want an error that says %q", fields, x, err, why)
		}
	}
	for _, entry := range []string{`null`, `5`, `"pdf"`, `[]`, `[{"name": "pdf"}]`} {
		x, err := decode(two(entry, with(t, `{}`)), at)
		if err != nil || len(x.entries) != 1 {
			t.Errorf("%s: %v, %+v", entry, err, x)
		}
	}
}

func checkWarnings(t *testing.T, fields string, warnings []string, why string) {
	t.Helper()
	if len(warnings) != 1 || !strings.Contains(warnings[0], why) || !strings.Contains(warnings[0], "is left out: ") {
		t.Errorf("%.80s: warnings are %q, want one that says %q", fields, warnings, why)
	}
	for _, w := range warnings {
		if len(w) > 400 || strings.Contains(w, "secret") || strings.ContainsFunc(w, func(c rune) bool { return c < ' ' || c > '~' }) {
			t.Errorf("not fit for a line on a terminal: %q", w)
		}
	}
}

// None of these is a reason to leave an entry out.
func TestEntriesThatAreTaken(t *testing.T) {
	upper := strings.ToUpper(hexes)
	tree := "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	const beside = "https://docs.example.com/a/.well-known/agent-skills/"
	for fields, want := range map[string]entry{
		`{}`: {url: beside + "pdf.zip"},
		`{"name": "` + strings.Repeat("a", 64) + `"}`:            {name: strings.Repeat("a", 64), url: beside + "pdf.zip"},
		`{"digest": "SHA256:` + upper + `"}`:                     {url: beside + "pdf.zip"},
		`{"digest": "-", "sha256": "` + upper + `"}`:             {url: beside + "pdf.zip"},
		`{"sha256": "` + hexes + `"}`:                            {url: beside + "pdf.zip"},
		`{"url": "../pdf.zip?v=1#x"}`:                            {url: "https://docs.example.com/a/.well-known/pdf.zip?v=1"},
		`{"url": "/pdf.zip"}`:                                    {url: "https://docs.example.com/pdf.zip"},
		`{"url": "../../../../../pdf.zip"}`:                      {url: "https://docs.example.com/pdf.zip"},
		`{"url": "//cdn.example.net/pdf.zip"}`:                   {url: "https://cdn.example.net/pdf.zip"},
		`{"url": " https://cdn.example.net/p d "}`:               {url: "https://cdn.example.net/p%20d"},
		`{"version": "1.2.3", "size": 12, "h1": "` + tree + `"}`: {url: beside + "pdf.zip", version: "1.2.3", size: 12, tree: digest.Digest(tree)},
		`{"version": "v1", "size": -1, "h1": "` + sum + `"}`:     {url: beside + "pdf.zip"},
		`{"version": 1.2, "size": "12", "h1": 5}`:                {url: beside + "pdf.zip"},
		`{"version": null, "size": null, "h1": null}`:            {url: beside + "pdf.zip"},
		`{"size": 1.5}`: {url: beside + "pdf.zip"},
		`{"files": 5, "x": {"y": []}, "$schema": 1}`:                        {url: beside + "pdf.zip"},
		`{"type": "skill-md", "url": "a", "h1": "` + tree + `", "size": 9}`: {kind: bare, url: beside + "a", tree: treeOf(sum)},
	} {
		x, err := decode(two(with(t, fields)), at)
		if err != nil || len(x.warnings) != 0 || len(x.entries) != 1 {
			t.Errorf("%.80s: %v, %+v", fields, err, x)
			continue
		}
		got := *x.entries[0]
		if want.name == "" {
			want.name = "pdf"
		}
		want.description, want.digest = "d", sum
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("%.80s: %+v, want %+v", fields, got, want)
		}
	}
	for fields, note := range map[string]string{
		`{"description": "-"}`:                                 "has no description",
		`{"description": null}`:                                "has no description",
		`{"description": "` + strings.Repeat("é", 1025) + `"}`: "more than 1024 characters",
	} {
		x, err := decode(two(with(t, fields)), at)
		if err != nil || len(x.entries) != 1 || len(x.warnings) != 1 || !strings.Contains(x.warnings[0], note) || len([]rune(x.entries[0].description)) > 1024 {
			t.Errorf("%.80s: %v, %+v", fields, err, x)
		}
	}
}

func TestPathsThatAreNotAskedFor(t *testing.T) {
	for _, path := range []string{
		"", ".", "..", "../x", "a/../../x", "a/..", "/x", "//host/x", "a//b", "a/", "a/./b", `a\..\b`, `C:\x`, "a\x00b", "a\nb",
		strings.Repeat("a", 1025), "././x",
	} {
		list, err := json.Marshal([]string{skill.FileName, path})
		if err != nil {
			t.Fatal(err)
		}
		body := `{"skills": [{"name": "pdf", "description": "d", "files": ` + string(list) + `}, {"name": "good", "description": "d", "files": ["SKILL.md"]}]}`
		x, err := decode([]byte(body), at)
		if err != nil || len(x.entries) != 1 || x.entries[0].name != "good" || len(x.warnings) != 1 {
			t.Errorf("%.80q: %v, %+v", path, err, x)
		}
	}
	x := &index{}
	x.url, _ = url.Parse(at)
	for path, want := range map[string]string{
		"%2e%2e/x": "%252e%252e/x", "a?b#c": "a%3Fb%23c", "http://evil/x": "http://evil/x", "ü": "%C3%BC", "a:b": "a:b",
	} {
		if got := x.fileURL(&entry{name: "pdf"}, path); got != "https://docs.example.com/a/.well-known/agent-skills/pdf/"+want {
			t.Errorf("fileURL(%q) = %s", path, got)
		}
	}
}

func TestIndexIsBounded(t *testing.T) {
	entries := make([]string, maxEntries+1)
	for i := range entries {
		entries[i] = with(t, fmt.Sprintf(`{"name": "n-%d"}`, i))
	}
	if x, err := decode(two(entries[1:]...), at); err != nil || len(x.entries) != maxEntries {
		t.Errorf("as many as are read: %v", err)
	}
	if _, err := decode(two(entries...), at); err == nil || !strings.Contains(err.Error(), "lists 10001 skills") {
		t.Errorf("one more: %v", err)
	}
	bad := slices.Repeat([]string{with(t, `{"type": "mcp"}`)}, 500)
	x, err := decode(two(append(bad, with(t, `{}`))...), at)
	if err != nil || len(x.warnings) != maxWarnings+1 || !strings.Contains(x.warnings[maxWarnings], "400 more") {
		t.Errorf("%v, %d warnings", err, len(x.warnings))
	}
	many, err := json.Marshal(slices.Repeat([]string{"SKILL.md"}, maxFiles+1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decode([]byte(`{"skills": [{"name": "pdf", "files": `+string(many)+`}]}`), at); err == nil || !strings.Contains(err.Error(), "1001 files") {
		t.Errorf("too many files: %v", err)
	}
}

// Whatever an index says, what is taken out of it is a name that may become a
// folder, and an address that may be asked.
func FuzzIndex(f *testing.F) {
	f.Add(two(with(f, `{}`), with(f, `{"name": "b", "type": "skill-md"}`)))
	f.Add([]byte(`{"skills": [{"name": "pdf", "description": "d", "files": ["SKILL.md", "a/b.txt"]}]}`))
	f.Add([]byte(`{"$schema": null, "skills": null}`))
	f.Add([]byte(`{"$schema": "x", "skills": [[[[{}]]]]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, body []byte) {
		x, err := decode(body, at)
		if err != nil {
			if text := err.Error(); len(text) > 1000 || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) {
				t.Errorf("not fit for a line: %q", text)
			}
			return
		}
		for _, w := range x.warnings {
			if len(w) > 1000 || strings.ContainsFunc(w, func(c rune) bool { return c < ' ' || c > '~' }) {
				t.Errorf("not fit for a line: %q", w)
			}
		}
		for _, e := range x.entries {
			if !skill.ValidName(e.name) || x.byName[e.name] != e || (e.kind == loose) != (e.digest == "") {
				t.Errorf("the entry is %+v", e)
			}
			addresses := []string{e.url}
			for _, file := range e.files {
				address := x.fileURL(e, file)
				if !strings.HasPrefix(address, "https://docs.example.com/a/.well-known/agent-skills/"+e.name+"/") {
					t.Errorf("the file %q is at %s", file, address)
				}
				addresses = append(addresses, address)
			}
			for _, address := range addresses {
				if u, err := url.Parse(address); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
					t.Errorf("the address is %q, %v", address, err)
				}
			}
		}
	})
}
