package clawhub_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/clawhub"
	"github.com/openskills-go/skills/registry/clawhub/clawhubtest"
)

// A repository is a source of one skill, which notes what it was asked for.
type repository struct{ asked []ref.Ref }

func (*repository) Versions(context.Context, ref.Ref) ([]version.Info, error) {
	return nil, source.ErrUnsupported
}

func (g *repository) Resolve(_ context.Context, r ref.Ref, _ string) (source.Pin, error) {
	g.asked = append(g.asked, r)
	return source.Pin{Ref: r, Revision: r.Rev, URL: r.URL, Trust: source.FirstUse}, nil
}

func (*repository) Fetch(ctx context.Context, _ source.Pin, dst source.Sink) (source.Receipt, error) {
	var b bytes.Buffer
	if _, err := archive.PackFiles(ctx, &b, map[string][]byte{"SKILL.md": []byte(files("elsewhere")["SKILL.md"])}); err != nil {
		return source.Receipt{}, err
	}
	if err := dst.Restart(""); err != nil {
		return source.Receipt{}, err
	}
	_, err := dst.Write(b.Bytes())
	return source.Receipt{Slug: "another"}, err
}

func TestWhatIsOnGitHub(t *testing.T) {
	s, git := serve(t), new(repository)
	r, err := clawhub.New(clawhub.Options{URL: s.Registry(), Client: client(t), Git: git})
	if err != nil {
		t.Fatal(err)
	}
	pin, err := r.Resolve(t.Context(), refer(t, "dan/elsewhere"), "")
	if err != nil {
		t.Fatal(err)
	}
	there, err := ref.Parse(pin.URL)
	if err != nil || there.Kind != ref.Git || there.URL != "https://github.com/dan/skills" || there.Subdir != "skills/elsewhere" ||
		there.Rev != commit || pin.Revision != commit || pin.Version != "" || pin.Owner != "dan" || pin.Registry != r.URL() {
		t.Fatalf("%+v, %v", pin, err)
	}
	later := "fedcba9876543210fedcba9876543210fedcba98"
	for name, p := range map[string]source.Pin{
		"as it was resolved": pin,
		"from a lock":        {Registry: pin.Registry, Owner: "dan", Slug: "elsewhere", Version: "1.0.0", Revision: commit},
		"from an older lock": {Registry: pin.Registry, Owner: "dan", Slug: "elsewhere", Revision: later},
	} {
		git.asked = nil
		want := there
		want.Rev = p.Revision
		var sink sourcetest.Sink
		receipt, err := r.Fetch(t.Context(), p, &sink)
		if err != nil || len(sink.Bytes()) == 0 || receipt.Slug != "" || len(git.asked) != 1 || git.asked[0] != want {
			t.Errorf("%s: %+v, %v; it asked for %v", name, receipt, err, git.asked)
		}
	}
	if _, err := open(t, s.Registry()).Fetch(t.Context(), pin, new(sourcetest.Sink)); !errors.Is(err, source.ErrUnsupported) {
		t.Errorf("without git: %v, want ErrUnsupported", err)
	}
	// A lock of before it went there has a version and no commit.
	_, err = r.Fetch(t.Context(), source.Pin{Owner: "dan", Slug: "elsewhere", Version: "1.0.0"}, new(sourcetest.Sink))
	if !errors.Is(err, source.ErrNotFound) || !strings.Contains(err.Error(), "dan/skills") {
		t.Errorf("a version that was here: %v, want ErrNotFound", err)
	}
}

// A registry cannot make of a place what is another place, or no place.
func TestPlacesThatCannotBe(t *testing.T) {
	for _, place := range []clawhubtest.GitHub{
		{Repo: "dan/skills", Path: "a", Commit: "main"},
		{Repo: "dan/skills", Path: "a", Commit: ""},
		{Repo: "dan/skills", Path: "a", Commit: "--upload-pack=x"},
		{Repo: "dan/skills", Path: "a", Commit: strings.ToUpper(commit)},
		{Repo: "dan/skills", Path: "../a", Commit: commit},
		{Repo: "dan/skills", Path: "a/../../b", Commit: commit},
		{Repo: "dan/skills", Path: "a b", Commit: commit},
		{Repo: "dan/skills", Path: "a?x=y", Commit: commit},
		{Repo: "dan/skills//b", Path: "a", Commit: commit},
		{Repo: "dan/skills@main", Path: "", Commit: commit},
		{Repo: "dan", Path: "a", Commit: commit},
		{Repo: "../dan", Path: "a", Commit: commit},
		{Repo: "https://evil.example/dan/skills", Path: "a", Commit: commit},
		{Repo: "evil.example/dan/skills", Path: "a", Commit: commit},
		{Repo: "-x/skills", Path: "a", Commit: commit},
		{Repo: "dan/skills\n", Path: "a", Commit: commit},
		{Repo: "", Path: "a", Commit: commit},
	} {
		s := clawhubtest.New(t, clawhubtest.Options{Skills: []clawhubtest.Skill{{Owner: "dan", Slug: "x", GitHub: &place}}})
		pin, err := open(t, s.Registry()).Resolve(t.Context(), refer(t, "x"), "")
		if answer, ok := errors.AsType[*clawhub.AnswerError](err); !ok || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %s, %v; want an AnswerError %v", place, pin.URL, err, answer)
		}
	}
	for _, folder := range []string{"", ".", "/", "a/", "/a"} {
		place := clawhubtest.GitHub{Repo: "dan/skills", Path: folder, Commit: commit}
		s := clawhubtest.New(t, clawhubtest.Options{Skills: []clawhubtest.Skill{{Owner: "dan", Slug: "x", GitHub: &place}}})
		if pin, err := open(t, s.Registry()).Resolve(t.Context(), refer(t, "x"), ""); err != nil || pin.Revision != commit {
			t.Errorf("folder %q: %+v, %v", folder, pin, err)
		}
	}
}
