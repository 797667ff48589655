package install_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/history"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/manifest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/store"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
)

const home = "https://registry.example"

// A shelf is a registry in memory.
type shelf struct {
	t       *testing.T
	skills  map[string][]release
	offline bool
	asked   atomic.Int64 // Resolve and Fetch
}

type release struct {
	version string // "" for a registry without versions
	yanked  bool
	files   map[string]string
}

func skillText(name, body string) string {
	return fmt.Sprintf("---\nname: %s\ndescription: Does one thing.\n---\n%s\n", name, body)
}

func (s *shelf) put(slug, v string, files map[string]string) {
	if s.skills == nil {
		s.skills = map[string][]release{}
	}
	s.skills[slug] = append(s.skills[slug], release{version: v, files: files})
}

func (s *shelf) Versions(_ context.Context, r ref.Ref) ([]version.Info, error) {
	releases, ok := s.skills[r.Slug]
	if !ok {
		return nil, source.ErrNotFound
	}
	var infos []version.Info
	for _, rel := range releases {
		if rel.version == "" {
			return nil, source.ErrUnsupported
		}
		infos = append(infos, version.Info{Version: rel.version, Yanked: rel.yanked})
	}
	return infos, nil
}

func (s *shelf) Resolve(ctx context.Context, r ref.Ref, current string) (source.Pin, error) {
	s.asked.Add(1)
	p := source.Pin{Ref: r, Slug: r.Slug, Trust: source.FirstUse}
	infos, err := s.Versions(ctx, r)
	if errors.Is(err, source.ErrUnsupported) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	chosen, err := version.Select(r.Query, infos, current)
	p.Version = chosen.Version
	return p, err
}

func (s *shelf) Fetch(ctx context.Context, p source.Pin, dst source.Sink) (source.Receipt, error) {
	s.asked.Add(1)
	if s.offline {
		return source.Receipt{}, transport.ErrOffline
	}
	for _, rel := range s.skills[p.Slug] {
		if rel.version != p.Version && rel.version != "" {
			continue
		}
		files := fstest.MapFS{}
		for path, text := range rel.files {
			files[path] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
		}
		var packed bytes.Buffer
		if _, err := archive.Pack(ctx, &packed, files); err != nil {
			return source.Receipt{}, err
		}
		_, err := dst.Write(packed.Bytes())
		return source.Receipt{}, err
	}
	return source.Receipt{}, source.ErrNotFound
}

// A bench is a scope with its registry.
type bench struct {
	*install.Engine
	t     *testing.T
	shelf *shelf
	other *shelf
	root  string

	hub    *hub          // in place of shelf, if it is not nil
	answer source.Source // in place of both
}

func newBench(t *testing.T) *bench {
	t.Helper()
	root := t.TempDir()
	b := &bench{t: t, shelf: &shelf{t: t}, other: &shelf{t: t}, root: root}
	b.Engine = b.engine()
	return b
}

// engine returns one more engine of the same scope, as another process has.
func (b *bench) engine() *install.Engine {
	scope := filepath.Join(b.root, "scope")
	return &install.Engine{
		Scope:    install.Scope{Kind: install.User, Root: scope, Manifest: filepath.Join(scope, manifest.Name), Lock: filepath.Join(scope, lockfile.Name)},
		Registry: home,
		Source: &source.Set{
			Default: home,
			Named:   map[string]string{"other": "https://other.example"},
			Open: func(url string) (source.Source, error) {
				switch {
				case url != home:
					return b.other, nil
				case b.answer != nil:
					return b.answer, nil
				case b.hub != nil:
					return b.hub, nil
				}
				return b.shelf, nil
			},
			Direct: &source.Direct{Cwd: b.root},
		},
		Store:    store.New(filepath.Join(b.root, "store")),
		AgentDir: func(agent string) (string, error) { return filepath.Join(b.root, agent, "skills"), nil },
		Agents:   []string{"claude-code"},
		Backups:  filepath.Join(b.root, "backups"),
		History:  history.Open(filepath.Join(b.root, "history"), filepath.Join(scope, lockfile.Name)),
		Command:  "test",
	}
}

func wants(t *testing.T, typed ...string) []install.Want {
	t.Helper()
	var all []install.Want
	for _, w := range typed {
		r, err := ref.Parse(w)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, install.Want{Typed: w, Ref: r})
	}
	return all
}

// install installs and returns the outcomes, whatever they are.
func (b *bench) install(o install.Options, typed ...string) []install.Outcome {
	b.t.Helper()
	p, err := b.PlanInstall(b.t.Context(), wants(b.t, typed...), o)
	return b.apply(p, err)
}

func (b *bench) update(names ...string) []install.Outcome {
	b.t.Helper()
	return b.updateWith(install.Options{}, names...)
}

func (b *bench) updateWith(o install.Options, names ...string) []install.Outcome {
	b.t.Helper()
	p, err := b.PlanUpdate(b.t.Context(), names, o)
	return b.apply(p, err)
}

func (b *bench) restore() []install.Outcome {
	b.t.Helper()
	p, err := b.PlanRestore(b.t.Context(), install.Options{})
	return b.apply(p, err)
}

func (b *bench) remove(o install.Options, names ...string) []install.Outcome {
	b.t.Helper()
	p, err := b.PlanRemove(b.t.Context(), names, o)
	return b.apply(p, err)
}

func (b *bench) apply(p *install.Plan, err error) []install.Outcome {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := b.Apply(b.t.Context(), p)
	if err != nil {
		b.t.Fatal(err)
	}
	b.Engine = b.engine() // the next command is another process
	return r.Outcomes
}

// one checks that there is one outcome, without an error and with an action.
func (b *bench) one(outcomes []install.Outcome, action install.Action) install.Outcome {
	b.t.Helper()
	if len(outcomes) != 1 || outcomes[0].Err != nil || outcomes[0].Action != action {
		b.t.Fatalf("outcomes are %+v, want one that is %s", outcomes, action)
	}
	return outcomes[0]
}

func (b *bench) body(agent, name string) string {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(b.root, agent, "skills", name, "SKILL.md"))
	if err != nil {
		return ""
	}
	_, body, _ := strings.Cut(string(data), "\n---\n")
	return strings.TrimSpace(body)
}

func (b *bench) locked(name string) lockfile.Skill {
	b.t.Helper()
	l, err := lockfile.Load(b.Scope.Lock)
	if err != nil {
		b.t.Fatal(err)
	}
	return l.Skills[name]
}

// sound checks that the lock and the disk agree.
func (b *bench) sound() {
	b.t.Helper()
	checks, err := b.Verify(b.t.Context(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range checks {
		if c.State != install.OK {
			b.t.Errorf("%s is %s: %+v", c.Name, c.State, c.Targets)
		}
	}
}

func (b *bench) publish(slug string, versions ...string) {
	for _, v := range versions {
		b.shelf.put(slug, v, map[string]string{"SKILL.md": skillText(slug, "body "+v)})
	}
}

func failsAs[E error](t *testing.T, o install.Outcome) E {
	t.Helper()
	var e E
	if o.Action != install.Failed || !errors.As(o.Err, &e) {
		t.Fatalf("outcome is %s with %v, want a %T", o.Action, o.Err, e)
	}
	return e
}

func agentsOf(l lockfile.Skill) string {
	return strings.Join(slices.Sorted(slices.Values(l.Agents)), " ")
}
