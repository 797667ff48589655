package wellknown_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/manifest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/store"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/wellknown"
)

// A machine installs from one site, a process for each command.
type machine struct {
	t      *testing.T
	url    string
	root   string
	client *transport.Client
}

func newMachine(t *testing.T, url string) *machine {
	t.Helper()
	return &machine{t: t, url: "wellknown+" + url, root: t.TempDir(), client: client(t)}
}

func (m *machine) engine() *install.Engine {
	scope := filepath.Join(m.root, "scope")
	return &install.Engine{
		Scope:    install.Scope{Kind: install.User, Root: scope, Manifest: filepath.Join(scope, manifest.Name), Lock: filepath.Join(scope, lockfile.Name)},
		Registry: m.url,
		Source: &source.Set{Default: m.url, Open: func(url string) (source.Source, error) {
			return wellknown.New(wellknown.Options{URL: url, Client: m.client})
		}},
		Store:    store.New(filepath.Join(m.root, "store")),
		AgentDir: func(agent string) (string, error) { return filepath.Join(m.root, agent, "skills"), nil },
		Agents:   []string{"claude-code"},
		Backups:  filepath.Join(m.root, "backups"),
	}
}

func (m *machine) apply(e *install.Engine, p *install.Plan, err error) []install.Outcome {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
	r, err := e.Apply(m.t.Context(), p)
	if err != nil {
		m.t.Fatal(err)
	}
	return r.Outcomes
}

func (m *machine) install(names ...string) []install.Outcome {
	m.t.Helper()
	var wants []install.Want
	for _, name := range names {
		wants = append(wants, install.Want{Typed: name, Ref: ref.Ref{Slug: name}})
	}
	e := m.engine()
	p, err := e.PlanInstall(m.t.Context(), wants, install.Options{})
	return m.apply(e, p, err)
}

func (m *machine) update() []install.Outcome {
	m.t.Helper()
	e := m.engine()
	p, err := e.PlanUpdate(m.t.Context(), nil, install.Options{})
	return m.apply(e, p, err)
}

func (m *machine) outdated() []install.Outcome {
	m.t.Helper()
	p, err := m.engine().PlanUpdate(m.t.Context(), nil, install.Options{DryRun: true})
	if err != nil {
		m.t.Fatal(err)
	}
	defer p.Close()
	return p.Outcomes()
}

// restore restores on another machine: there is the lock and nothing else.
func (m *machine) restore() []install.Outcome {
	m.t.Helper()
	if err := errors.Join(os.RemoveAll(filepath.Join(m.root, "store")), os.RemoveAll(filepath.Join(m.root, "claude-code"))); err != nil {
		m.t.Fatal(err)
	}
	e := m.engine()
	p, err := e.PlanRestore(m.t.Context(), install.Options{})
	return m.apply(e, p, err)
}

func (m *machine) are(outcomes []install.Outcome, action install.Action, n int) {
	m.t.Helper()
	if len(outcomes) != n {
		m.t.Fatalf("%d outcomes, want %d", len(outcomes), n)
	}
	for _, o := range outcomes {
		if o.Err != nil || o.Action != action || o.Trust != source.FromRegistry {
			m.t.Errorf("%s is %s, trust %s, %v; want %s, registry", o.Name, o.Action, o.Trust, o.Err, action)
		}
	}
}

func (s *site) did(t *testing.T, want ...string) {
	t.Helper()
	got := s.requests()
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

const indexPath, bareFile, pdfFile, keptFile = agentSkills + "index.json", agentSkills + "bare/SKILL.md", agentSkills + "pdf.zip", "/files/kept.zip"

// What is installed is restored elsewhere, seen to be current without a download,
// and updated where the index says that it changed.
func TestLife(t *testing.T) {
	s := sample(t, "")
	m := newMachine(t, s.URL)
	m.are(m.install("bare", "kept", "pdf"), install.Installed, 3)
	s.did(t, bareFile, indexPath, pdfFile, keptFile)

	m.are(m.outdated(), install.Unchanged, 3)
	m.are(m.update(), install.Unchanged, 3)
	s.did(t, indexPath+" 304", indexPath+" 304")

	m.are(m.restore(), install.Installed, 3)
	s.did(t, bareFile, indexPath+" 304", pdfFile, keptFile)
	m.are(m.restore(), install.Installed, 3)
	s.requests()

	// The site publishes anew: the bare one changes, the archive moves and changes.
	bare := []byte(skillText("bare", "two"))
	pdf := pack(t, map[string]string{"SKILL.md": skillText("pdf", "two")})
	kept := s.files["files/kept.zip"].Data
	versioned := entry("kept", "archive", "/files/kept.zip", kept)
	versioned["version"] = "1.2.0"
	s.put(bareFile, bare)
	s.put("/new/pdf.zip", pdf)
	s.put(indexPath, indexOf(t, schema, entry("pdf", "archive", "/new/pdf.zip", pdf), entry("bare", "skill-md", "bare/SKILL.md", bare), versioned))

	// The lock has what is not there any more. Of the bare one it takes no download
	// to see that.
	for _, o := range m.restore() {
		_, mismatch := errors.AsType[*digest.MismatchError](o.Err)
		if mismatch != (o.Name != "kept") {
			t.Errorf("%s: %v", o.Name, o.Err)
		}
	}
	s.did(t, indexPath, keptFile, "/new/pdf.zip")

	actions := map[string]install.Action{}
	for _, o := range m.update() {
		if o.Err != nil {
			t.Errorf("%s: %v", o.Name, o.Err)
		}
		actions[o.Name] = o.Action
	}
	if diff := cmp.Diff(map[string]install.Action{"bare": install.Updated, "kept": install.Unchanged, "pdf": install.Updated}, actions); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	s.did(t, bareFile, indexPath+" 304", "/new/pdf.zip")
	for _, name := range []string{"bare", "pdf"} {
		data, err := os.ReadFile(filepath.Join(m.root, "claude-code", "skills", name, "SKILL.md"))
		if err != nil || string(data) != skillText(name, "two") {
			t.Errorf("%s is %q, %v", name, data, err)
		}
	}
}

// A site that is built anew has the same files in other archives.
func TestRepackedSite(t *testing.T) {
	s := sample(t, "")
	m := newMachine(t, s.URL)
	m.are(m.install("pdf"), install.Installed, 1)
	anew, _, err := build("tar.gz", "x", []txtar.File{
		{Name: "x/SKILL.md", Data: []byte(skillText("pdf", "one"))}, {Name: "x/scripts/run.sh", Data: []byte("#!/bin/sh\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.put("/built/2.tgz", anew)
	s.put(indexPath, indexOf(t, schema, entry("pdf", "archive", "/built/2.tgz", anew)))
	m.are(m.update(), install.Unchanged, 1)
	m.are(m.restore(), install.Installed, 1)
}

// A version of the index stands for one set of bytes.
func TestVersionOfOtherBytes(t *testing.T) {
	s := sample(t, "")
	m := newMachine(t, s.URL)
	m.are(m.install("kept"), install.Installed, 1)
	other := pack(t, map[string]string{"SKILL.md": skillText("kept", "other")})
	s.put(keptFile, other)
	changed := entry("kept", "archive", keptFile, other)
	changed["version"] = "1.2.0"
	s.put(indexPath, indexOf(t, schema, changed))
	out := m.update()
	if _, ok := errors.AsType[*install.VersionBytesError](out[0].Err); !ok {
		t.Errorf("the same version with other bytes: %v", out[0].Err)
	}
	s.requests()
	changed["version"] = "1.3.0"
	s.put(indexPath, indexOf(t, schema, changed))
	if out := m.update(); out[0].Err != nil || out[0].Version != "1.3.0" {
		t.Errorf("the next version: %+v", out[0])
	}
	s.did(t, indexPath, keptFile)
}

func TestOneOfManyInstalled(t *testing.T) {
	s := newSite(t, fstest.MapFS{})
	var entries []object
	for i := range 550 {
		name := fmt.Sprintf("skill-%03d", i)
		data := pack(t, map[string]string{"SKILL.md": skillText(name, "one")})
		s.put(agentSkills+name+".zip", data)
		entries = append(entries, entry(name, "archive", name+".zip", data))
	}
	s.put(indexPath, indexOf(t, schema, entries...))
	m := newMachine(t, s.URL)
	m.are(m.install("skill-123"), install.Installed, 1)
	s.did(t, indexPath, agentSkills+"skill-123.zip")
	m.are(m.outdated(), install.Unchanged, 1)
	s.did(t, indexPath+" 304")
}
