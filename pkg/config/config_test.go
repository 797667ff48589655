package config

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openskills-go/skills/pkg/agent"
)

const sample = `# mine
registry: acme
registries:
  acme: https://skills.acme.example
  local: ./registry
  gone: none
mirrors:
  acme: [https://m1.example, ./m2]
agents:
  - claude-code
  - codex   # at work
agent-dirs:
  claude-code:
    user: ~/dotfiles/claude/skills
  my-agent: {user: ~/.mine/skills, project: .mine/skills}
locale: zh
jobs: 4
offline: yes
max-wait: 90s
stall-timeout: 10
ca-file: certs/ca.pem
limits:
  download: 128MiB
  unpacked: 1G
  file: 2048
  entries: 10000
`

func unset(string) string { return "" }

func environ(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestParse(t *testing.T) {
	got, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	want := Settings{
		Registry:   "acme",
		Registries: map[string]string{"clawhub": ClawHub, "acme": "https://skills.acme.example", "local": "./registry", "gone": None},
		Mirrors:    map[string][]string{"acme": {"https://m1.example", "./m2"}},
		Agents:     []string{"claude-code", "codex"},
		AgentDirs: map[string]agent.Override{
			"claude-code": {User: "~/dotfiles/claude/skills"},
			"my-agent":    {User: "~/.mine/skills", Project: ".mine/skills"},
		},
		Locale: "zh", Jobs: 4, Offline: true, MaxWait: 90 * time.Second, Stall: 10 * time.Second, CAFile: "certs/ca.pem",
		Limits: Limits{Download: 128 << 20, Unpacked: 1 << 30, File: 2048, Entries: 10000},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Settings{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDefault(t *testing.T) {
	want := Settings{Registry: "https://openskills.cc", Registries: map[string]string{"clawhub": "clawhub+https://clawhub.ai"}, Jobs: 8, MaxWait: time.Minute, Stall: 30 * time.Second}
	for _, text := range []string{"", "# nothing\n", "registry:\nlimits:\nagent-dirs:\n  codex:\nagents: []\n"} {
		got, err := Parse([]byte(text))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Settings{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	if got, err := Load(""); err != nil || got.Jobs != 8 {
		t.Errorf("no path: got %+v, %v", got, err)
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct {
		name, text, want string
		suggestions      []string
	}{
		{"unknown", "jobs: 1\nregistri: x\n", `line 2, column 1: setting "registri" is unknown`, []string{"registry", "registries"}},
		{"unknown below", "limits:\n  donwload: 1\n", `line 2, column 3: setting "limits.donwload" is unknown`, []string{"limits.download"}},
		{"unknown in another case", "Jobs: 1\n", `line 1, column 1: setting "Jobs" is unknown`, []string{"jobs"}},
		{"unknown with an escape", "\"a\\e[2J\": 1\n", `line 1, column 1: setting "a\x1b[2J" is unknown`, nil},
		{"unknown of an agent", "agent-dirs:\n  codex:\n    usr: x\n", `line 3, column 5: setting "agent-dirs.codex.usr" is unknown`, nil},
		{"twice", "jobs: 1\njobs: 2\n", `line 2, column 1: key "jobs" is there twice`, nil},
		{"alias", "jobs: &a 1\n", "line 1, column 7: anchors and aliases are not supported", nil},
		{"no YAML", "jobs: [\n", "line 2, column 1: did not find expected node content", nil},
		{"jobs", "jobs: many\n", `line 1, column 7: setting "jobs" must be a whole number from 1 to 256`, nil},
		{"no jobs", "jobs: 0\n", `line 1, column 7: setting "jobs" must be a whole number from 1 to 256`, nil},
		{"too many jobs", "jobs: 100000\n", `line 1, column 7: setting "jobs" must be a whole number from 1 to 256`, nil},
		{"jobs as list", "jobs: [1]\n", `line 1, column 7: setting "jobs" must be a count, not a list`, nil},
		{"offline", "offline: maybe\n", `line 1, column 10: setting "offline" must be true or false`, nil},
		{"negative wait", "max-wait: -1s\n", `line 1, column 11: setting "max-wait" must be a duration of at most 24h, such as 90s or 5m`, nil},
		{"huge wait", "max-wait: 99999999999999999\n", `line 1, column 11: setting "max-wait" must be a duration of at most 24h, such as 90s or 5m`, nil},
		{"size", "limits: {file: 1XB}\n", `line 1, column 16: setting "limits.file" must be a size such as 500KiB or 64MiB, at most 1TiB`, nil},
		{"size that overflows", "limits: {file: 17592186044417MiB}\n", `line 1, column 16: setting "limits.file" must be a size such as 500KiB or 64MiB, at most 1TiB`, nil},
		{"no limit", "limits: {file: 0}\n", `line 1, column 16: setting "limits.file" must be a size such as 500KiB or 64MiB, at most 1TiB`, nil},
		{"limits as text", "limits: none\n", `line 1, column 9: setting "limits" must be a mapping, not a text`, nil},
		{"locale", "locale: ../en\n", `line 1, column 9: setting "locale" is not a language such as en or zh-CN`, nil},
		{"password in a registry", "registry: https://u:p@h.example\n", `line 1, column 11: setting "registry" must not hold a user or password`, nil},
		{"scheme of a registry", "registry: ftp://h.example\n", `line 1, column 11: setting "registry" must be an http or https URL, or a folder`, nil},
		{"protocol before a scheme that is none", "registry: clawhub+ftp://h.example\n", `line 1, column 11: setting "registry" must be an http or https URL, or a folder`, nil},
		{"scheme without a protocol before it", "registry: +https://h.example\n", `line 1, column 11: setting "registry" is neither a URL nor a folder nor a name`, nil},
		{"registry without host", "registry: https:///x\n", `line 1, column 11: setting "registry" must be an http or https URL, or a folder`, nil},
		{"name of a registry", "registries:\n  https: https://h.example\n", `line 2, column 10: setting "registries.https" has a name that no registry can have`, nil},
		{"clawhub and a folder", "registry: clawhub+file:///srv\n", `line 1, column 11: setting "registry" must be an http or https URL, or a folder`, nil},
		{"clawhub and nothing", "registry: clawhub+\n", `line 1, column 11: setting "registry" is neither a URL nor a folder nor a name`, nil},
		{"name none", "registries:\n  none: https://h.example\n", `line 2, column 9: setting "registries.none" has a name that no registry can have`, nil},
		{"mirrors of none", "mirrors:\n  none: [https://h.example]\n", `line 2, column 9: setting "mirrors.none" has a name that no registry can have`, nil},
		{"mirrors as text", "mirrors: https://h.example\n", `line 1, column 10: setting "mirrors" must be a mapping, not a text`, nil},
		{"no mirrors", "mirrors: {acme: []}\n", `line 1, column 17: setting "mirrors.acme" must be a list of 1 to 16 mirrors`, nil},
		{"name as a mirror", "mirrors: {acme: [beta]}\n", `line 1, column 17: setting "mirrors.acme" "beta" must be a URL or a folder`, nil},
		{"none as a mirror", "mirrors: {acme: [none]}\n", `line 1, column 17: setting "mirrors.acme" "none" must be a URL or a folder`, nil},
		{"password in a mirror", "mirrors: {acme: ['https://u:p@h.example']}\n", `line 1, column 17: setting "mirrors.acme" "https://u:p@h.example" must not hold a user or password`, nil},
		{"agent id", "agent-dirs:\n  ../x:\n    user: ~/x\n", "line 2, column 3: setting \"agent-dirs.../x\" is unknown", nil},
		{"agent id in upper case", "agent-dirs:\n  Codex:\n    user: ~/x\n", "line 3, column 11: setting \"agent-dirs.Codex.user\" agent \"Codex\": an agent id is lower-case words of letters and digits joined by hyphens", nil},
		{"relative agent folder", "agent-dirs: {codex: {user: x}}\n", `line 1, column 28: setting "agent-dirs.codex.user" agent "codex": user must be an absolute path, or begin with ~/ or a variable`, nil},
		{"agent folder outside", "agent-dirs: {codex: {project: ../x}}\n", `line 1, column 31: setting "agent-dirs.codex.project" agent "codex": project must be a slash path below the project's root`, nil},
		{"agents as mapping", "agents: {codex: true}\n", `line 1, column 9: setting "agents" must be a list, not a mapping`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse([]byte(test.text))
			var setting *SettingError
			if !errors.As(err, &setting) || err.Error() != test.want {
				t.Fatalf("got  %v\nwant %s", err, test.want)
			}
			if len(test.suggestions) > 0 && !slices.Equal(setting.Suggestions, test.suggestions) {
				t.Errorf("suggests %q, want %q", setting.Suggestions, test.suggestions)
			}
		})
	}
	if _, err := Parse(bytes.Repeat([]byte("\n"), 1<<20+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: got %v", err)
	}
}

func TestLoadMakesPathsAbsolute(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte("registry: ./r\nregistries:\n  a: ../a\n  b: https://b.example\nmirrors:\n  a: [./m, https://m.example]\nca-file: certs/ca.pem\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	got := []string{s.Registry, s.Registries["a"], s.Registries["b"], s.Mirrors["a"][0], s.Mirrors["a"][1], s.CAFile}
	want := []string{filepath.Join(dir, "r"), filepath.Join(filepath.Dir(dir), "a"), "https://b.example", filepath.Join(dir, "m"), "https://m.example", filepath.Join(dir, "certs", "ca.pem")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := s.Origin("registry"); got != path {
		t.Errorf("the origin is %q", got)
	}
	if got := s.Origin("jobs"); got != "" {
		t.Errorf("the origin of a built-in value is %q", got)
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	if s, err := Load(path); err != nil || s.Jobs != 8 {
		t.Errorf("no file: got %+v, %v", s, err)
	}
	for _, text := range []string{"jobs: x\n", "other: 1\n", "[\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		var setting *SettingError
		if !errors.As(err, &setting) || setting.File != path || setting.Line == 0 || !strings.HasPrefix(err.Error(), path+": line ") {
			t.Errorf("%q: got %v", text, err)
		}
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a folder is read as settings")
	}
}

func TestWithEnv(t *testing.T) {
	base, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	got, err := base.WithEnv(environ(map[string]string{
		"SKILLS_REGISTRY": "./testdata/registry", "SKILLS_JOBS": "2", "SKILLS_OFFLINE": "0", "SKILLS_LOCALE": "en", "SKILLS_CA_FILE": "~/ca.pem", "HOME": abs(t, "home"), "USERPROFILE": abs(t, "home"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got.Registry != "./testdata/registry" || got.Jobs != 2 || got.Offline || got.Locale != "en" || got.CAFile != filepath.Join(abs(t, "home"), "ca.pem") {
		t.Errorf("got %+v", got)
	}
	if got.Origin("jobs") != "SKILLS_JOBS" || base.Origin("jobs") == "SKILLS_JOBS" || base.Jobs != 4 {
		t.Error("the settings that it began with changed, or the origin is wrong")
	}
	if same, err := base.WithEnv(unset); err != nil || same.Locale != "zh" || same.Jobs != 4 {
		t.Errorf("an empty environment changed %+v, %v", same, err)
	}

	for variable, value := range map[string]string{
		"SKILLS_JOBS": "abc", "SKILLS_OFFLINE": "perhaps", "SKILLS_LOCALE": "e", "SKILLS_REGISTRY": "ftp://x", "SKILLS_CA_FILE": "\x1b",
	} {
		_, err := base.WithEnv(environ(map[string]string{variable: value}))
		var env *EnvError
		if !errors.As(err, &env) || env.Variable != variable || !strings.Contains(err.Error(), variable) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s=%q: got %v", variable, value, err)
		}
	}
	if _, err := base.WithEnv(environ(map[string]string{"SKILLS_CA_FILE": "~/ca.pem"})); !errors.Is(err, ErrNoHome) {
		t.Errorf("no home: got %v", err)
	}
}

func TestLocale(t *testing.T) {
	for _, test := range []struct {
		vars map[string]string
		want string
	}{
		{nil, "en"},
		{map[string]string{"LANG": "C.UTF-8"}, "en"},
		{map[string]string{"LANG": "zh_CN.UTF-8"}, "zh"},
		{map[string]string{"LANG": "ZH"}, "zh"},
		{map[string]string{"LANG": "de_DE", "LC_MESSAGES": "zh_TW"}, "zh"},
		{map[string]string{"LC_ALL": "POSIX", "LC_MESSAGES": "zh_TW", "LANG": "zh_CN"}, "en"},
		{map[string]string{"LANG": "zh_CN", "SKILLS_LOCALE": "fr"}, "fr"},
	} {
		if s, err := Default().WithEnv(environ(test.vars)); err != nil || s.Locale != test.want {
			t.Errorf("%v: got %q, %v, want %q", test.vars, s.Locale, err, test.want)
		}
	}
}

// Every documented setting can be set, is then what was set, and can be taken
// out again without a trace.
func TestSetEveryKey(t *testing.T) {
	values := map[string]string{
		"registry": "https://r.example", "registries.<name>": "https://n.example", "mirrors.<name>": "https://m1.example,/srv/m2", "agents": "codex,cursor",
		"agent-dirs.<agent>.user": "~/a/skills", "agent-dirs.<agent>.project": "a/skills", "locale": "zh-CN", "jobs": "3",
		"offline": "true", "max-wait": "2m0s", "stall-timeout": "5s", "ca-file": "/etc/ca.pem",
		"credential-command": "helper --for skills", "keyring": "false",
		"limits.download": "1GiB", "limits.unpacked": "2GiB", "limits.file": "3MiB", "limits.entries": "7",
	}
	path := filepath.Join(t.TempDir(), "new", "config.yaml")
	for _, k := range Keys() {
		value, ok := values[k.Name]
		if !ok {
			t.Fatalf("the test has no value for %s", k.Name)
		}
		name := strings.NewReplacer("<name>", "acme", "<agent>", "codex").Replace(k.Name)
		if err := Set(path, name, value); err != nil {
			t.Fatalf("set %s: %v", name, err)
		}
		s, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(name); err != nil || got != value {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, value)
		}
		if !slices.Contains(s.Names(), name) || s.Origin(name) != path || k.Doc == "" || k.Type == "" {
			t.Errorf("%s is not listed, of no origin, or not documented", name)
		}
		if k.Default != "" {
			if got, err := Default().Get(name); err != nil || got != k.Default {
				t.Errorf("%s: the built-in value is %q, %v, the documented one %q", name, got, err, k.Default)
			}
		}
	}
	s, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range s.Names() {
		if err := Unset(path, name); err != nil {
			t.Fatalf("unset %s: %v", name, err)
		}
	}
	if s, err = Load(path); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), s, cmpopts.IgnoreUnexported(Settings{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("after taking all out (-built-in +got):\n%s", diff)
	}
}

func TestSetKeepsTheRest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	crlf := strings.ReplaceAll(sample, "\n", "\r\n")
	if err := os.WriteFile(path, []byte(crlf), 0o640); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ name, value, old, new string }{
		{"jobs", "9", "jobs: 4", "jobs: 9"},
		{"jobs", "4", "jobs: 9", "jobs: 4"},
		{"agent-dirs.my-agent.project", "other", "project: .mine/skills", "project: other"},
		{"registries.new", "https://n.example", "  gone: none\r\n", "  gone: none\r\n  new: https://n.example\r\n"},
		{"agent-dirs.new.user", "~/n", "locale:", "  new:\r\n    user: ~/n\r\nlocale:"},
	} {
		if err := Set(path, step.name, step.value); err != nil {
			t.Fatalf("set %s: %v", step.name, err)
		}
		crlf = strings.Replace(crlf, step.old, step.new, 1)
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(crlf, string(got)); diff != "" {
			t.Fatalf("set %s (-want +got):\n%s", step.name, diff)
		}
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".config-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind %q, %v", left, err)
	}
}

func TestSetRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	for name, value := range map[string]string{
		"jobs": "abc", "nope": "x", "registries": "x", "registries.https": "https://x.example", "registries.a.b": "x",
		"limits": "x", "agent-dirs.codex": "x", "agent-dirs.codex.user": "relative", "": "x", "agents": "a\x00b",
	} {
		var setting *SettingError
		if err := Set(path, name, value); !errors.As(err, &setting) {
			t.Errorf("%s=%q: got %v", name, value, err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused setting made a file: %v", err)
	}
	// A file that is already wrong is not written to.
	if err := os.WriteFile(path, []byte("nope: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Set(path, "jobs", "2"); err == nil {
		t.Error("wrote to a file that cannot be read")
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "nope: 1\n" {
		t.Errorf("the file is %q, %v", data, err)
	}
}

func TestSetThroughLink(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "dotfiles.yaml"), filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(real, []byte("jobs: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	if err := Set(link, "jobs", "2"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
	if data, err := os.ReadFile(real); err != nil || string(data) != "jobs: 2\n" {
		t.Errorf("got %q, %v", data, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`{"registry": "https://x.example", "limits": {"file": "1KiB"}, "agents": ["a"]}`))
	f.Add([]byte("agent-dirs:\n  a: {user: $X/y}\nregistries: {b: file:///x}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data)
		if err != nil {
			if _, ok := errors.AsType[*SettingError](err); !ok {
				t.Fatalf("%v", err)
			}
			return
		}
		// What was read can be written on a command line, and is the same then.
		for _, name := range s.Names() {
			value, err := s.Get(name)
			if err != nil {
				t.Fatal(err)
			}
			k, rest := lookup(name)
			again := s.clone()
			if value == "" {
				continue
			}
			if err := k.put(&again, rest, value); err != nil {
				t.Fatalf("%s=%q: %v", name, value, err)
			}
			if got, err := again.Get(name); err != nil || got != value {
				t.Fatalf("%s: %q became %q, %v", name, value, got, err)
			}
		}
		if !maps.Equal(s.AgentDirs, s.clone().AgentDirs) {
			t.Fatal("a clone differs")
		}
	})
}

// abs returns an absolute path on any system.
func abs(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(string(filepath.Separator), name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
