package git_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/git"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
)

// client trusts the certificate of a server.
func (s *server) client(t *testing.T) *transport.Client {
	t.Helper()
	o := transport.Options{Attempts: 1}
	for _, v := range s.env {
		if file, ok := strings.CutPrefix(v, "SSL_CERT_FILE="); ok {
			o.CAFile = file
		}
	}
	c, err := transport.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// serveArchives serves repositories, and what git archive makes of a commit or
// body does.
func serveArchives(t *testing.T, body func(commit string) []byte) *server {
	t.Helper()
	var served *server
	served = serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rest, ok := strings.CutPrefix(r.URL.Path, "/archive/")
			if !ok {
				h.ServeHTTP(w, r)
				return
			}
			repo, commit, _ := strings.Cut(strings.TrimSuffix(rest, ".tar.gz"), "/")
			if body != nil {
				_, _ = w.Write(body(commit))
				return
			}
			out, err := exec.Command("git", "--git-dir", served.dir+"/"+repo+".git", "archive", "--format=tar.gz", "--prefix="+repo+"-"+commit+"/", commit).Output()
			if err != nil {
				w.WriteHeader(http.StatusNotFound)
			}
			_, _ = w.Write(out)
		})
	})
	return served
}

func (s *server) options(t *testing.T) git.Options {
	return git.Options{
		Env: []string{"PATH=/nowhere"}, Client: s.client(t),
		Hosts: []git.Host{{Repositories: s.URL + "/", Archive: s.URL + "/archive/{name}/{commit}.tar.gz"}},
	}
}

// Without git the archives of a host give the same skills.
func TestSourceWithoutGit(t *testing.T) {
	t.Parallel()
	served := serveArchives(t, nil)
	r := newRepository(t, served.dir+"/r.git")
	for _, v := range []string{"1.0.0", "1.2.0", "2.0.0-rc.1"} {
		r.commit("main", under("skills/pdf", pdf(), map[string]node{"v": file(v), "link": {"120000", "/etc"}, "sub": {"160000", strings.Repeat("1", 40)}}))
		r.git(nil, "tag", "-a", "-m", v, "v"+v, "main")
	}
	sourcetest.Run(t, func(t *testing.T) source.Source { return newSource(t, served.options(t)) }, sourcetest.Expect{
		Found: parse(t, served.at("r.git")+"//skills/pdf"), Name: "pdf", Tree: treeOf(t, pdf()),
		Versioned: parse(t, served.at("r.git")+"//skills/pdf"),
		Versions:  []string{"1.0.0", "1.2.0", "2.0.0-rc.1"},
		Picks:     map[string]string{"^1": "1.2.0", "latest": "1.2.0", ">=2": "", "1.0.0": "1.0.0"},
		Missing:   parse(t, served.at("none.git")),
		Foreign:   parse(t, "./x"),
	})
	if len(served.asked("POST")) > 0 {
		t.Error("git was used")
	}

	// The same bytes as by git, which is asked for nothing where archives are wanted.
	withGit := newSource(t, git.Options{Env: served.env})
	archives := served.options(t)
	archives.Env, archives.Archives = served.env, true
	without := newSource(t, archives)
	for _, text := range []string{served.at("r.git"), served.at("r.git") + "@^1", served.at("r.git") + "//skills/pdf@main"} {
		p1, a, err1 := get(t, withGit, text)
		p2, b, err2 := get(t, without, text)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if a.Tree.Digest() != b.Tree.Digest() || fmt.Sprint(p1) != fmt.Sprint(p2) {
			t.Errorf("%s: %+v and %+v", text, p1, p2)
		}
		for _, f := range a.Tree.Files {
			if g, ok := b.Tree.Lookup(f.Path); !ok || f != g {
				t.Errorf("%s is %+v by git and %+v by the archive", f.Path, f, g)
			}
		}
	}
}

func TestOneArchiveForAllSkills(t *testing.T) {
	t.Parallel()
	served := serveArchives(t, nil)
	newRepository(t, served.dir+"/r.git").commit("main", hundred(nil))
	s := newSource(t, served.options(t))
	if got, err := s.List(t.Context(), parse(t, served.at("r.git"))); err != nil || len(got) != 100 {
		t.Fatalf("List = %d, %v", len(got), err)
	}
	fetchAll(t, s, served.at("r.git"), 100)
	if log := served.asked(""); len(log) != 2 {
		t.Errorf("the server was asked %d times: %q", len(log), log)
	}
}

// tarball makes an archive of lines: a name, and a text or a link.
func tarball(t *testing.T, headers ...*tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range headers {
		text := ""
		if h.Typeflag == tar.TypeReg {
			text = skillText("pdf")
			if strings.HasSuffix(h.Name, ".gitattributes") {
				text = "* export-subst\n"
			}
			h.Size, h.Mode = int64(len(text)), 0o644
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHostileArchives(t *testing.T) {
	t.Parallel()
	reg := func(name string) *tar.Header { return &tar.Header{Typeflag: tar.TypeReg, Name: name} }
	comment := func(id string) *tar.Header {
		return &tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": id}}
	}
	id := strings.Repeat("1", 40)
	good := []*tar.Header{comment(id), {Typeflag: tar.TypeDir, Name: "r-1/"}, reg("r-1/pdf/SKILL.md")}
	for name, c := range map[string]struct {
		data []byte
		is   error
	}{
		"good":              {tarball(t, good...), nil},
		"another commit":    {tarball(t, comment(strings.Repeat("2", 40)), reg("r-1/pdf/SKILL.md")), source.ErrUnsupported},
		"export-subst":      {tarball(t, append(good, reg("r-1/.gitattributes"))...), source.ErrUnsupported},
		"below the skill":   {tarball(t, append(good, reg("r-1/pdf/x/.gitattributes"))...), source.ErrUnsupported},
		"link in the skill": {tarball(t, append(good, &tar.Header{Typeflag: tar.TypeSymlink, Name: "r-1/pdf/x", Linkname: "/etc"})...), archive.ErrUnsafe},
		"hard link":         {tarball(t, append(good, &tar.Header{Typeflag: tar.TypeLink, Name: "r-1/pdf/x", Linkname: "/etc/passwd"})...), archive.ErrUnsafe},
		"device":            {tarball(t, append(good, &tar.Header{Typeflag: tar.TypeChar, Name: "r-1/pdf/x"})...), archive.ErrUnsafe},
		"link elsewhere":    {tarball(t, append(good, &tar.Header{Typeflag: tar.TypeSymlink, Name: "r-1/x", Linkname: "/etc"})...), nil},
		"twice":             {tarball(t, append(good, reg("r-1/pdf/SKILL.md"))...), archive.ErrUnsafe},
		"two folders":       {tarball(t, append(good, reg("r-2/x"))...), archive.ErrUnsafe},
		"climbs":            {tarball(t, append(good, reg("r-1/pdf/../../x"))...), archive.ErrUnsafe},
		"no folder":         {tarball(t, reg("SKILL.md")), archive.ErrUnsafe},
		"cut":               {tarball(t, good...)[:60], archive.ErrRefused},
		"a web page":        {[]byte("<!DOCTYPE html><html>"), transport.ErrWebPage},
		"text":              {[]byte("no archive"), archive.ErrRefused},
		"other skill":       {tarball(t, comment(id), reg("r-1/doc/SKILL.md")), source.ErrNotFound},
		"bomb":              {bomb(t, 32<<20), archive.ErrRefused},
	} {
		served := serveArchives(t, func(string) []byte { return c.data })
		o := served.options(t)
		o.Limits.Unpacked = 1 << 20
		s := newSource(t, o)
		pin := source.Pin{Ref: parse(t, served.at("r.git")+"//pdf"), Revision: id}
		_, err := s.Fetch(t.Context(), pin, new(sourcetest.Sink))
		if c.is == nil && err != nil || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v, want one that matches %v", name, err, c.is)
		}
	}
}

// bomb is a small archive of one large file.
func bomb(t *testing.T, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "r-1/big", Size: int64(size), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Without git, hosts that are not known and addresses that are not of the web are
// out of reach, and servers may answer anything.
func TestAnswersWithoutGit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		status int
		is     error
	}{
		"not there": {"", 404, source.ErrNotFound},
		"login":     {"", 401, source.ErrAuth},
		"page":      {"<html>", 200, nil},
		"text":      {"zzzz", 200, source.ErrUnsupported},
		"short":     {"00ff# service", 200, source.ErrUnsupported},
		"ERR":       {"001e# service=git-upload-pack\n0000" + "0016ERR \x1b[2Jhidden it\n", 200, source.ErrNotFound},
		"empty":     {"001e# service=git-upload-pack\n00000000", 200, source.ErrNotFound},
	} {
		served := serve(t, func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.answer))
			})
		})
		_, err := newSource(t, served.options(t)).Resolve(t.Context(), parse(t, served.at("r.git")), "")
		if err == nil || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v, want one that matches %v", name, err, c.is)
		} else if strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: the text is %q", name, err)
		}
	}
	for _, text := range []string{"git+https://example.com/r.git", "git@github.com:o/r.git", "git+file:///r.git"} {
		s := newSource(t, serve(t, nil).options(t))
		if _, err := s.Resolve(t.Context(), parse(t, text), ""); !errors.Is(err, source.ErrUnsupported) {
			t.Errorf("%s: %v, want a GitMissingError", text, err)
		}
	}
}

func TestDefaultHosts(t *testing.T) {
	t.Parallel()
	for _, h := range git.DefaultHosts() {
		if !strings.HasPrefix(h.Repositories, "https://") || !strings.HasSuffix(h.Repositories, "/") || !strings.HasPrefix(h.Archive, "https://") || !strings.Contains(h.Archive, "{commit}") {
			t.Errorf("%+v", h)
		}
	}
}
