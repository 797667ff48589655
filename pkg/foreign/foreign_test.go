package foreign_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/pkg/foreign"
	"github.com/openskills-go/skills/pkg/ref"
)

// write puts a file of another tool into a new folder and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

const commit = "0123456789abcdef0123456789abcdef01234567"

func TestRead(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []foreign.Entry // without File and Root
	}{
		{"skills-lock.json", `{
  "version": 1,
  "skills": {
    "alpha": {"source": "vercel-labs/agent-skills", "sourceType": "github", "skillPath": "skills/alpha/SKILL.md", "computedHash": "ab"},
    "Beta Two": {"source": "o/r", "ref": "v2", "sourceType": "github", "skillPath": "SKILL.md", "computedHash": "cd"},
    "file": {"source": "file:///srv/r", "sourceUrl": "file:///srv/r", "sourceType": "git", "skillPath": "skills/file/SKILL.md"},
    "lab": {"source": "g/s/r", "sourceUrl": "https://gitlab.com/g/s/r.git", "sourceType": "gitlab"},
    "one": {"source": "127.0.0.1", "sourceUrl": "http://127.0.0.1:8901/alice", "sourceType": "well-known", "computedHash": "ef", "wellKnownDigest": "sha256:01"},
    "mine": {"source": "../../../gitsrc", "sourceType": "local", "unknown": [1, {"x": null}, true]},
    "npm": {"source": "left-pad", "sourceType": "node_modules"},
    "bare": {}
  }
}`, []foreign.Entry{
			{Line: 4, Name: "alpha", Folder: "alpha", Source: "vercel-labs/agent-skills", Ref: "github.com/vercel-labs/agent-skills//skills/alpha", Digest: "ab", Dirs: []string{".agents/skills/alpha"}},
			{Line: 5, Name: "Beta Two", Folder: "beta-two", Source: "o/r", Ref: "github.com/o/r@v2", Digest: "cd", Dirs: []string{".agents/skills/beta-two"}},
			{Line: 6, Name: "file", Folder: "file", Source: "file:///srv/r", Ref: "git+file:///srv/r//skills/file", Dirs: []string{".agents/skills/file"}},
			{Line: 7, Name: "lab", Folder: "lab", Source: "g/s/r", Ref: "git+https://gitlab.com/g/s/r.git", Dirs: []string{".agents/skills/lab"}},
			{Line: 8, Name: "one", Folder: "one", Source: "127.0.0.1", Registry: "http://127.0.0.1:8901/alice", Slug: "one", Digest: "sha256:01", Why: "it came from the skills that a website publishes", Dirs: []string{".agents/skills/one"}},
			{Line: 9, Name: "mine", Folder: "mine", Source: "../../../gitsrc", Why: "it came from a folder of the machine that installed it", Dirs: []string{".agents/skills/mine"}},
			{Line: 10, Name: "npm", Folder: "npm", Source: "left-pad", Why: `it came from a source of the kind "node_modules"`, Dirs: []string{".agents/skills/npm"}},
			{Line: 11, Name: "bare", Folder: "bare", Why: `it came from a source of the kind ""`, Dirs: []string{".agents/skills/bare"}},
		}},
		{".agents/.skill-lock.json", `{"version": 3, "dismissed": {}, "skills": {
"one": {"source": "h", "sourceType": "well-known", "sourceUrl": "https://h/one.zip", "sourceBaseUrl": "https://h", "skillFolderHash": ""},
"two": {"source": "o/r", "sourceType": "github", "sourceUrl": "https://github.com/o/r.git", "skillPath": "two/SKILL.md", "skillFolderHash": "` + commit + `"}
}}`, []foreign.Entry{
			{Line: 2, Name: "one", Folder: "one", Source: "h", Registry: "https://h", Slug: "one", Why: "it came from the skills that a website publishes"},
			{Line: 3, Name: "two", Folder: "two", Source: "o/r", Ref: "github.com/o/r//two", Digest: commit},
		}},
		{".clawhub/lock.json", `{"version":1,"skills":{
"@bob/other":{"version":"0.1.0","installedAt":1795367327342,"ownerHandle":"bob"},
"my-skill":{"version":"1.0.1","installedAt":1795367337128,"ownerHandle":"alice","pinned":true,"pinReason":"x"},
"old":{"version":null},
"sh":{"version":"1","sourceKind":"skills-sh","sourceRef":"skills-sh:o/r/sh"}}}`, []foreign.Entry{
			{Line: 2, Name: "@bob/other", Folder: "other", Source: "@bob/other", Registry: "https://clawhub.ai", Owner: "bob", Slug: "other", Version: "0.1.0", Why: "it came from ClawHub", Dirs: []string{"skills/@bob/other"}},
			{Line: 3, Name: "my-skill", Folder: "my-skill", Source: "my-skill", Registry: "https://clawhub.ai", Owner: "alice", Slug: "my-skill", Version: "1.0.1", Why: "it came from ClawHub", Dirs: []string{"skills/my-skill"}},
			{Line: 4, Name: "old", Folder: "old", Source: "old", Registry: "https://clawhub.ai", Slug: "old", Why: "it came from ClawHub", Dirs: []string{"skills/old"}},
			{Line: 5, Name: "sh", Folder: "sh", Source: "skills-sh:o/r/sh", Version: "1", Why: `it came from "skills-sh"`, Dirs: []string{"skills/sh"}},
		}},
		{"apm.lock.yaml", `lockfile_version: "1"
generated_at: "2026-05-10T20:14:00+00:00"
dependencies:
  - repo_url: github.com/octocat/example-skills
    resolved_commit: ` + commit + `
    resolved_ref: main
    virtual_path: skills/pdf
    is_virtual: true
    version: unknown
    package_type: claude_skill
    deployed_files:
      - .github/skills/pdf/SKILL.md
      - .github/skills/pdf/run.sh
      - .claude/skills/pdf/
      - .github/agents/x.agent.md
      - cowork://skills/pdf/SKILL.md
  - repo_url: acme/tools
    host: git.acme.example
    resolved_ref: v1
    version: 1.10
    tree_sha256: sha256:aa
    deployed_files: [.agents/skills/a/SKILL.md, .agents/skills/b/SKILL.md]
  - repo_url: acme/kit
    source: registry
    resolved_url: https://r.example/kit.zip
    resolved_hash: sha256:bb
    deployed_files: [skills/kit/SKILL.md]
  - repo_url: _local/x
    source: local
    local_path: ./packages/x
  - repo_url: only/instructions
mcp_servers:
local_deployed_files:
  - .github/skills/own/SKILL.md
`, []foreign.Entry{
			{Line: 12, Name: "pdf", Folder: "pdf", Source: "github.com/octocat/example-skills", Ref: "github.com/octocat/example-skills//skills/pdf@main", Dirs: []string{".github/skills/pdf", ".claude/skills/pdf"}},
			{Line: 22, Name: "a", Folder: "a", Source: "acme/tools", Version: "1.10", Digest: "sha256:aa", Why: `it is one of several skills of a package, and which folder of "https://git.acme.example/acme/tools" it was is not said`, Dirs: []string{".agents/skills/a"}},
			{Line: 22, Name: "b", Folder: "b", Source: "acme/tools", Version: "1.10", Digest: "sha256:aa", Why: `it is one of several skills of a package, and which folder of "https://git.acme.example/acme/tools" it was is not said`, Dirs: []string{".agents/skills/b"}},
			{Line: 27, Name: "kit", Folder: "kit", Source: "https://r.example/kit.zip", Digest: "sha256:bb", Why: "it came from a registry of APM packages", Dirs: []string{"skills/kit"}},
			{Line: 34, Name: "own", Folder: "own", Source: ".", Why: "it is the project's own", Dirs: []string{".github/skills/own"}},
		}},
		{"skillfish.json", "\ufeff" + `{"version": 1, "skills": ["o/r", "o/r@v1.0.0", "o/r/skills/pdf", "o/r@main/skills/pdf", "onlyone"]}`, []foreign.Entry{
			{Line: 1, Name: "r", Folder: "r", Source: "o/r", Ref: "github.com/o/r"},
			{Line: 1, Name: "r", Folder: "r", Source: "o/r@v1.0.0", Version: "v1.0.0", Ref: "github.com/o/r@v1.0.0"},
			{Line: 1, Name: "pdf", Folder: "pdf", Source: "o/r/skills/pdf", Ref: "github.com/o/r//skills/pdf"},
			{Line: 1, Name: "pdf", Folder: "pdf", Source: "o/r@main/skills/pdf", Version: "main", Ref: "github.com/o/r//skills/pdf@main"},
			{Line: 1, Name: "onlyone", Folder: "onlyone", Source: "onlyone", Why: "it came from a repository that no reference names"},
		}},
	} {
		path := write(t, test.name, test.text)
		got, err := foreign.Read(path)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		root := strings.TrimSuffix(path, string(filepath.Separator)+filepath.FromSlash(test.name))
		for i := range got {
			if got[i].File != path || got[i].Root != root || got[i].Tool == "" {
				t.Errorf("%s: entry %d is of %q, %q, %q", test.name, i, got[i].Tool, got[i].File, got[i].Root)
			}
			got[i].Tool, got[i].File, got[i].Root = "", "", ""
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// Whatever is wrong with a file, the error says in which and where.
func TestHostileFiles(t *testing.T) {
	const json, yaml = "skills-lock.json", "apm.lock.yaml"
	skill := func(s string) string { return `{"version":1,"skills":{` + s + `}}` }
	var many []string
	for i := range 6000 {
		many = append(many, fmt.Sprintf(`"s%d":{}`, i))
	}
	deployed := func(s string) string {
		return "lockfile_version: 1\ndependencies:\n- repo_url: o/r\n  deployed_files: [" + s + "]\n"
	}
	for _, test := range []struct{ name, text, want string }{
		{json, ``, "line 1, column 1: it ends too early"},
		{json, `{"version":1,`, "it ends too early"},
		{json, `[]`, "line 1, column 1: must be an object"},
		{json, `{"version":1,"skills":{}} x`, "something follows"},
		{json, `{"version":1,"skills":{}},`, "something follows"},
		{json, "{\"version\":1,\n  \"skills\":{\"a\":{\"source\":\"\xff\"}}}", "line 2, column 28: not UTF-8"},
		{json, "<<<<<<< ours\n", "line 1, column 1: invalid character"},
		{json, `{"skills":{}}`, "version is missing"},
		{json, `{"version":{},"skills":{}}`, "version must be a text or a number, not a mapping"},
		{json, `{"version":2,"skills":{}}`, `version "2" of vercel skills is not known; known: 1`},
		{json, `{"version":"\u001b[2J","skills":{}}`, `version "\x1b[2J" of vercel skills is not known`},
		{json, `{"version":1}`, "skills is missing"},
		{json, `{"version":1,"skills":[]}`, "skills must be a mapping, not a list"},
		{json, `{"version":1,"skills":{},"skills":{}}`, `key "skills" is there twice`},
		{json, skill(`"a":[]`), `skill "a" must be a mapping`},
		{json, skill(`"a":{"source":{}}`), "source must be a text, not a mapping"},
		{json, skill(`"a":{"source":"x\u0007"}`), "source holds a control character"},
		{json, skill(`"a":{"source":"` + strings.Repeat("x", 5000) + `"}`), "source is longer than 4096 bytes"},
		{json, skill(`"a\u001b]0;owned":{}`), `line 1, column 24: name "a\x1b]0;owned" holds a control character`},
		{json, skill(`"":{}`), `name "" is empty`},
		{json, skill(`"..":{}`), `name ".." is no name of a folder`},
		{json, skill(`"../../.ssh":{}`), `name "../../.ssh" is no name of a folder`},
		{json, skill(`"/etc":{}`), "is no name of a folder"},
		{json, skill(`"a\\b":{}`), "is no name of a folder"},
		{json, skill(`"` + strings.Repeat("a", 300) + `":{}`), "is longer than 200 bytes"},
		{json, skill(`"a":{"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`), "nested more than 16 deep"},
		{json, `{"version":1,"x":[` + strings.Repeat("0,", 200_000) + `0]}`, "more than 100000 values"},
		{json, `{"version":1,"x":"` + strings.Repeat("0", 4<<20) + `"}`, "file is too large"},
		{json, skill(strings.Join(many, ",")), "more than 5000 skills"},
		{".clawhub/lock.json", `{"version":1,"skills":{"@../x":{}}}`, `name ".." is no name of a folder`},
		{".clawhub/lock.json", `{"version":1,"skills":{"@a/../x":{}}}`, "is no name of a folder"},
		{".clawdhub/lock.json", `{"version":1,"skills":{"a/b":{}}}`, `name "a/b" is no name of a folder`},
		{"skillfish.json", `{"version":1,"skills":{}}`, "skills must be a list"},
		{"skillfish.json", `{"version":1,"skills":[1,["x"]]}`, "a skill must be a text, not a list"},
		{"skillfish.json", `{"version":1,"skills":["o/r/.."]}`, "is no name of a folder"},
		{".skillfish.json", `{"version":1,"owner":"o","repo":"r","path":".","branch":"main","sha":"x"}`, "skills is missing"},
		{yaml, "a: [", "line 2, column 1"},
		{yaml, "lockfile_version: 3\n", `version "3" of apm is not known; known: 1, 2`},
		{yaml, "lockfile_version: 1\ndependencies: {}\n", "dependencies must be a list, not a mapping"},
		{yaml, "lockfile_version: 1\ndependencies: [x]\n", "line 2, column 16: a dependency must be a mapping"},
		{yaml, "lockfile_version: 1\ndependencies: &a [*a]\n", "anchors and aliases are not supported"},
		{yaml, "lockfile_version: 1\nx: " + strings.Repeat("[", 100) + strings.Repeat("]", 100), "nested more than 16 deep"},
		{yaml, "# " + strings.Repeat("x", 2<<20), "file is too large"},
		{yaml, deployed("/etc/skills/x/SKILL.md"), "line 4, column 20: a file \"/etc/skills/x/SKILL.md\" is not below"},
		{yaml, deployed("../skills/x/SKILL.md"), "is not below the folder of the file"},
		{yaml, deployed(`'C:\skills\x'`), "is not below"},
		{yaml, deployed(`"skills/\e[2J/SKILL.md"`), "holds a control character"},
		{yaml, deployed(`{}`), "a file must be a text"},
		{yaml, "lockfile_version: 1\nlocal_deployed_files: x\n", "local_deployed_files must be a list, not a text"},
	} {
		path := write(t, test.name, test.text)
		got, err := foreign.Read(path)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) || got != nil {
			t.Errorf("%s %.80q: %v, %v; want %q", test.name, test.text, got, err, test.want)
			continue
		}
		if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
			t.Errorf("%s %.80q: the error has a control character: %q", test.name, test.text, err)
		}
	}
}

func TestReadOfWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	lock := filepath.Join(dir, "skills-lock.json")
	if _, err := foreign.Read(lock); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of what is missing: %v", err)
	}
	if err := os.Mkdir(lock, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := foreign.Read(lock); !errors.Is(err, foreign.ErrNotFile) {
		t.Errorf("of a folder: %v", err)
	}
	for _, name := range []string{"package.json", "lock.json", "my-skills-lock.json", "other/lock.json", "x.clawhub/lock.json"} {
		_, err := foreign.Read(filepath.Join(dir, name))
		if unknown, ok := errors.AsType[*foreign.UnknownFileError](err); !ok || len(unknown.Known) == 0 {
			t.Errorf("of %s: %v", name, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, ".skill-lock.json"), []byte(`{"version":3,"skills":{}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := foreign.Read(filepath.Join(dir, ".skill-lock.json")); got != nil || err != nil {
		t.Errorf("of a user's file elsewhere: %v, %v", got, err)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"p/skills-lock.json", "p/.clawdhub/lock.json", "p/apm.lock.yaml", "p/skillfish.json", "p/.agents/.skill-lock.json", "p/package.json",
		"h/.agents/.skill-lock.json", "h/.apm/apm.lock.yaml", "h/skills-lock.json", "h/.skillfish.json", "s/skills/.skill-lock.json",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for want, places := range map[string]foreign.Places{
		"": {},
		"p/skills-lock.json p/.clawdhub/lock.json p/apm.lock.yaml p/skillfish.json":                   {Project: filepath.Join(dir, "p")},
		"h/.agents/.skill-lock.json h/.apm/apm.lock.yaml h/.skillfish.json":                           {Home: filepath.Join(dir, "h")},
		"h/.agents/.skill-lock.json h/.apm/apm.lock.yaml h/.skillfish.json s/skills/.skill-lock.json": {Home: filepath.Join(dir, "h"), State: filepath.Join(dir, "s")},
	} {
		var got []string
		for _, path := range foreign.Find(places) {
			rel, err := filepath.Rel(dir, path)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, filepath.ToSlash(rel))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("Find(%+v) = %s, want %s", places, got, want)
		}
	}
}

// checkEntries holds what every reader promises of whatever it accepts.
func checkEntries(t *testing.T, entries []foreign.Entry) {
	t.Helper()
	for _, e := range entries {
		for _, text := range append([]string{e.Name, e.Folder, e.Source, e.Ref, e.Why, e.Registry, e.Owner, e.Slug, e.Version, e.Digest}, e.Dirs...) {
			if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("%+v holds a control character", e)
			}
		}
		if strings.ContainsAny(e.Folder, `/\`) || e.Folder == ".." || e.Folder == "." {
			t.Errorf("folder %q leads elsewhere", e.Folder)
		}
		for _, dir := range e.Dirs {
			if !fs.ValidPath(dir) || !filepath.IsLocal(filepath.FromSlash(dir)) {
				t.Errorf("dir %q leads elsewhere", dir)
			}
		}
		if _, err := ref.Parse(e.Ref); e.Ref != "" && err != nil {
			t.Errorf("%q is no reference: %v", e.Ref, err)
		}
		if (e.Ref == "") != (e.Why != "") {
			t.Errorf("reference %q, and why there is none: %q", e.Ref, e.Why)
		}
	}
}
