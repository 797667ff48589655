package agent

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// env returns an environment whose home and current folder are in a temporary
// folder that holds the files and folders (ending in a slash) of files.
func env(t *testing.T, vars map[string]string, files ...string) Env {
	t.Helper()
	root := filepath.Join(t.TempDir(), "with space and ü")
	for _, file := range append(files, "home/", "cwd/") {
		path := filepath.Join(root, filepath.FromSlash(file))
		if strings.HasSuffix(file, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Env{
		Home:   filepath.Join(root, "home"),
		Cwd:    filepath.Join(root, "cwd"),
		Getenv: func(name string) string { return vars[name] },
		// What is outside of the test is not there.
		Stat: func(path string) (fs.FileInfo, error) {
			if !strings.HasPrefix(path, root) {
				return nil, fs.ErrNotExist
			}
			return os.Stat(path)
		},
	}
}

func TestTable(t *testing.T) {
	if got := len(table); got != 79 {
		t.Errorf("%d agents, want 79", got)
	}
	e := Env{Home: filepath.FromSlash("/home/u"), Cwd: filepath.FromSlash("/work")}
	seen := map[string]string{}
	for i, a := range table {
		if i > 0 && table[i-1].ID >= a.ID {
			t.Errorf("%s is out of order", a.ID)
		}
		if !ValidID(a.ID) || a.Name == "" {
			t.Errorf("%q, %q: not an agent", a.ID, a.Name)
		}
		for _, dir := range append([]string{a.Project}, a.ReadsProject...) {
			if !fs.ValidPath(dir) || dir == "." {
				t.Errorf("%s: bad project folder %q", a.ID, dir)
			}
		}
		for _, pattern := range append([]string{a.User, a.Shared}, a.ReadsUser...) {
			if pattern == "" {
				continue
			}
			if dir, err := e.expand(pattern); err != nil || !strings.HasPrefix(dir, e.Home) {
				t.Errorf("%s: %q is %q, %v", a.ID, pattern, dir, err)
			}
		}
		if len(a.Detect) == 0 && a.ID != Universal {
			t.Errorf("%s cannot be detected", a.ID)
		}
		for _, entry := range a.Detect {
			for part := range strings.SplitSeq(entry, " + ") {
				pattern, _, _ := strings.Cut(part, "#")
				if _, err := e.expand(pattern); err != nil && !errors.Is(err, errUnset) {
					t.Errorf("%s: %q: %v", a.ID, part, err)
				}
			}
		}
		for _, name := range slices.Compact([]string{fold(a.ID), fold(a.Name)}) {
			if other, ok := seen[name]; ok && other != a.ID {
				t.Errorf("%s and %s are both called %s", other, a.ID, name)
			}
			seen[name] = a.ID
		}
	}
	for i, alias := range aliases {
		if i > 0 && aliases[i-1].name >= alias.name {
			t.Errorf("alias %s is out of order", alias.name)
		}
		if a, err := (Table{}).Find(alias.name); err != nil || a.ID != alias.id {
			t.Errorf("%s is %s, want %s (%v)", alias.name, a.ID, alias.id, err)
		}
	}
}

func TestFind(t *testing.T) {
	for name, want := range map[string]string{
		"claude-code": "claude-code", "Claude Code": "claude-code", "CLAUDE": "claude-code", "claude_code": "claude-code",
		"copilot": "github-copilot", "GitHub Copilot": "github-copilot", "gemini": "gemini-cli", "kimi": "kimi-code-cli",
		"qwen": "qwen-code", "kiro": "kiro-cli", "windsurf": "windsurf", "Kilo Code": "kilo", "roocode": "roo",
		"ibm bob": "bob", "open-code": "opencode", "moltbot": "openclaw", "inference.sh": "inference-sh",
	} {
		if a, err := (Table{}).Find(name); err != nil || a.ID != want {
			t.Errorf("%q: got %q, %v, want %q", name, a.ID, err, want)
		}
	}
	for name, want := range map[string][]string{
		"claud":         {"claude-code"},
		"cluade-code":   {"claude-code"},
		"antigravty":    {"antigravity"},
		"github-copilt": {"github-copilot"},
		"codx":          {"codex"},
		"":              nil,
		"../../etc":     nil,
		"xyzzyxyzzy":    nil,
	} {
		_, err := Table{}.Find(name)
		var unknown *UnknownError
		if !errors.As(err, &unknown) || unknown.Name != name {
			t.Errorf("%q: got %v", name, err)
			continue
		}
		if len(unknown.Suggestions) > 3 || !slices.Equal(unknown.Suggestions[:min(len(want), len(unknown.Suggestions))], want) || want == nil && unknown.Suggestions != nil {
			t.Errorf("%q: suggests %q, want %q first", name, unknown.Suggestions, want)
		}
	}
	_, err := Table{}.Find(strings.Repeat("x\x1b", 1000))
	if msg := err.Error(); len(msg) > 120 || strings.Contains(msg, "\x1b") {
		t.Errorf("unsafe to print: %q", msg)
	}
}

func TestUserDir(t *testing.T) {
	e := env(t, nil)
	abs := filepath.Join(t.TempDir(), "elsewhere")
	for _, test := range []struct {
		name, id string
		vars     map[string]string
		want     string
	}{
		{"plain", "cursor", nil, filepath.Join(e.Home, ".cursor", "skills")},
		{"variable not set", "claude-code", nil, filepath.Join(e.Home, ".claude", "skills")},
		{"variable set", "claude-code", map[string]string{"CLAUDE_CONFIG_DIR": abs}, filepath.Join(abs, "skills")},
		{"variable with a tilde", "claude-code", map[string]string{"CLAUDE_CONFIG_DIR": "~/x"}, filepath.Join(e.Home, "x", "skills")},
		{"XDG not set", "goose", nil, filepath.Join(e.Home, ".config", "goose", "skills")},
		{"XDG set", "goose", map[string]string{"XDG_CONFIG_HOME": abs}, filepath.Join(abs, "goose", "skills")},
		{"XDG relative is ignored", "goose", map[string]string{"XDG_CONFIG_HOME": "conf"}, filepath.Join(e.Home, ".config", "goose", "skills")},
		{"others follow no XDG", "crush", map[string]string{"XDG_CONFIG_HOME": abs}, filepath.Join(e.Home, ".config", "crush", "skills")},
		{"nobody's folder is everybody's", Universal, map[string]string{"XDG_CONFIG_HOME": abs}, filepath.Join(e.Home, ".agents", "skills")},
	} {
		t.Run(test.name, func(t *testing.T) {
			e.Getenv = func(name string) string { return test.vars[name] }
			a, err := Table{}.Find(test.id)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := a.UserDir(e); err != nil || got != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestUserDirRefused(t *testing.T) {
	find := func(id string) Agent {
		a, err := Table{}.Find(id)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if _, err := find("eve").UserDir(env(t, nil)); !errors.Is(err, ErrNoUserDir) {
		t.Errorf("eve: got %v", err)
	}
	var relative *RelativeError
	if _, err := find("claude-code").UserDir(env(t, map[string]string{"CLAUDE_CONFIG_DIR": "foo"})); !errors.As(err, &relative) || relative.Variable != "CLAUDE_CONFIG_DIR" {
		t.Errorf("relative variable: got %v", err)
	}
	for _, home := range []string{"", "relative", ".", "~"} {
		e := Env{Home: home}
		if dir, err := find("cursor").UserDir(e); !errors.Is(err, ErrNoHome) {
			t.Errorf("home %q: got %q, %v", home, dir, err)
		}
		if dirs := find("cursor").Reads(e, ""); dirs != nil {
			t.Errorf("home %q: reads %q", home, dirs)
		}
	}
	// An absolute variable needs no home.
	e := Env{Getenv: func(string) string { return filepath.FromSlash("/opt/claude") }}
	if dir, err := find("claude-code").UserDir(e); filepath.ToSlash(dir) != "/opt/claude/skills" {
		t.Errorf("got %q, %v", dir, err)
	}
}

func TestReads(t *testing.T) {
	e := env(t, nil)
	a, err := Table{}.Find("cursor")
	if err != nil {
		t.Fatal(err)
	}
	home := func(dir string) string { return filepath.Join(e.Home, dir, "skills") }
	want := []string{
		filepath.Join(e.Cwd, ".agents", "skills"), filepath.Join(e.Cwd, ".claude", "skills"), filepath.Join(e.Cwd, ".codex", "skills"),
		home(".cursor"), home(".agents"), home(".claude"), home(".codex"),
	}
	if diff := cmp.Diff(want, a.Reads(e, e.Cwd)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDetect(t *testing.T) {
	abs := t.TempDir()
	for _, test := range []struct {
		name  string
		vars  map[string]string
		files []string
		want  []string
	}{
		{"nothing", nil, nil, nil},
		{"folders in the home", nil, []string{"home/.claude/", "home/.codex/"}, []string{"claude-code", "codex"}},
		{"any of several", nil, []string{"home/.moltbot/"}, []string{"openclaw"}},
		{"both agents of one folder", nil, []string{"home/.zencoder/"}, []string{"zencoder", "zenflow"}},
		{"in the current folder", nil, []string{"cwd/.replit", "cwd/promptscript.yaml"}, []string{"promptscript", "replit"}},
		{"below XDG_CONFIG_HOME", nil, []string{"home/.config/zed/", "home/.config/amp/"}, []string{"amp", "zed"}},
		{"a variable that leads elsewhere hides the default", map[string]string{"CLAUDE_CONFIG_DIR": abs + "/none"}, []string{"home/.claude/"}, nil},
		{"a wrong variable means the agent", map[string]string{"CLAUDE_CONFIG_DIR": "foo"}, nil, []string{"claude-code"}},
		{"a dangling name", nil, []string{"home/claude/", "cwd/.claude/"}, nil},
		{"a folder called agent", nil, []string{"cwd/agent/", "cwd/package.json"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var ids []string
			for _, a := range (Table{}).Detect(env(t, test.vars, test.files...)) {
				ids = append(ids, a.ID)
			}
			if diff := cmp.Diff(test.want, ids); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDetectDependency(t *testing.T) {
	for text, want := range map[string]bool{
		`{"dependencies": {"eve": "^1"}}`:                true,
		`{"name": "x", "devDependencies": {"eve": "1"}}`: true,
		`{"dependencies": {"evening": "1"}}`:             false,
		`{"name": "eve"}`:                                false,
		`{"dependencies": ["eve"]}`:                      false,
		`not json`:                                       false,
	} {
		e := env(t, nil, "cwd/agent/")
		if err := os.WriteFile(filepath.Join(e.Cwd, "package.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := len(Table{}.Detect(e)) == 1; got != want {
			t.Errorf("%s: got %v", text, got)
		}
	}
}

func TestDetectWithoutHome(t *testing.T) {
	calls := 0
	e := Env{Stat: func(path string) (fs.FileInfo, error) {
		if !filepath.IsAbs(path) && !strings.HasPrefix(path, string(filepath.Separator)) {
			t.Errorf("looked at %q, which is in the current folder", path)
		}
		calls++
		return nil, fs.ErrNotExist
	}}
	if found := (Table{}).Detect(e); found != nil || calls == 0 {
		t.Errorf("got %v after %d looks", found, calls)
	}
}

func TestWith(t *testing.T) {
	e := env(t, map[string]string{"MY_AGENT": ""}, "home/mine/skills/")
	table, err := With(map[string]Override{
		"claude-code": {User: "~/other/skills"},
		"cursor":      {Project: ".cursor/skills"},
		"my-agent":    {User: "${MY_AGENT:-~/mine}/skills", Project: "mine/skills"},
		"ours":        {Project: "ours"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, id := range []string{"claude-code", "cursor", "my-agent"} {
		a, err := table.Find(id)
		if err != nil {
			t.Fatal(err)
		}
		dir, err := a.UserDir(e)
		if err != nil {
			t.Fatal(err)
		}
		below, err := filepath.Rel(e.Home, dir)
		if err != nil {
			t.Fatal(err)
		}
		got[id] = filepath.ToSlash(below) + " " + a.Project
	}
	want := map[string]string{
		"claude-code": "other/skills .claude/skills",
		"cursor":      ".cursor/skills .cursor/skills",
		"my-agent":    "mine/skills mine/skills",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if a, err := table.Find("MY_AGENT"); err != nil || a.ID != "my-agent" {
		t.Errorf("a new agent is not found by name: %v", err)
	}
	if found := table.Detect(e); len(found) != 1 || found[0].ID != "my-agent" {
		t.Errorf("detected %v", found)
	}
	if a, err := table.Find("ours"); err != nil {
		t.Error(err)
	} else if _, err := a.UserDir(e); !errors.Is(err, ErrNoUserDir) {
		t.Errorf("ours: got %v", err)
	}
	if !slices.IsSortedFunc(table.All(), func(a, b Agent) int { return strings.Compare(a.ID, b.ID) }) || len(table.All()) != 81 {
		t.Error("the agents are not in order")
	}
	if a, err := (Table{}).Find("claude-code"); err != nil || strings.Contains(a.User, "other") {
		t.Error("an override changed the built-in table")
	}
}

func TestWithRefused(t *testing.T) {
	for id, o := range map[string]Override{
		"../x":   {User: "~/x"},
		"Upper":  {User: "~/x"},
		"a":      {},
		"b":      {User: "x/skills"},
		"c":      {User: "~other/skills"},
		"d":      {Project: "../x"},
		"e":      {Project: "/x"},
		"f":      {Project: "."},
		"g":      {Project: `..\x`},
		"h":      {Project: "C:x"},
		"i-\x1b": {User: "~/x"},
	} {
		_, err := With(map[string]Override{id: o})
		var override *OverrideError
		if !errors.As(err, &override) || override.ID != id {
			t.Errorf("%q, %v: got %v", id, o, err)
		}
	}
}

func BenchmarkDetect(b *testing.B) {
	e := Env{Home: b.TempDir(), Cwd: b.TempDir()}
	for b.Loop() {
		Table{}.Detect(e)
	}
}
