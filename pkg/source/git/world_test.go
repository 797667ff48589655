package git_test

import (
	"bytes"
	"compress/gzip"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/git"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
)

// A repository is a bare one that a test fills with git's own tools, so that it
// can hold what git add would refuse.
type repository struct {
	t    *testing.T
	path string
}

// newRepository makes one without git, which costs nothing, unless git is told more.
func newRepository(t *testing.T, path string, more ...string) *repository {
	t.Helper()
	r := &repository{t: t, path: path}
	if len(more) > 0 {
		r.git(nil, append([]string{"init", "--quiet", "--bare", "--initial-branch=main", "--template="}, append(more, path)...)...)
		return r
	}
	if err := errors.Join(
		os.MkdirAll(filepath.Join(path, "objects"), 0o755), os.MkdirAll(filepath.Join(path, "refs", "heads"), 0o755),
		os.WriteFile(filepath.Join(path, "HEAD"), []byte("ref: refs/heads/main\n"), 0o644),
		os.WriteFile(filepath.Join(path, "config"), []byte("[core]\n\trepositoryformatversion = 0\n\tbare = true\n"), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	return r
}

// git runs git as the owner of the repository.
func (r *repository) git(stdin []byte, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "GIT_DIR=" + r.path, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_AUTHOR_DATE=1700000000 +0000",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_COMMITTER_DATE=1700000000 +0000",
	}
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// A node is a file, a link or a submodule to commit.
type node struct {
	mode, text string
}

// commit puts files on top of a branch, whose other files go, and returns its id.
func (r *repository) commit(branch string, files map[string]node) string {
	r.t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "commit refs/heads/%s\ncommitter a <a@example.com> 1700000000 +0000\ndata 1\nx\n", branch)
	if before := r.tip(branch); before != "" {
		fmt.Fprintf(&b, "from %s\ndeleteall\n", before)
	}
	for path, n := range files {
		if n.mode == "160000" {
			fmt.Fprintf(&b, "M 160000 %s %s\n", n.text, quoted(path))
			continue
		}
		fmt.Fprintf(&b, "M %s inline %s\ndata %d\n%s\n", n.mode, quoted(path), len(n.text), n.text)
	}
	r.git(b.Bytes(), "fast-import", "--quiet", "--force")
	return r.tip(branch)
}

// tip returns the commit of a branch, as git keeps it in a file; "" if there is none.
func (r *repository) tip(branch string) string {
	r.t.Helper()
	id, err := os.ReadFile(filepath.Join(r.path, "refs", "heads", filepath.FromSlash(branch)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.t.Fatal(err)
	}
	return strings.TrimSpace(string(id))
}

// quoted writes a path as fast-import reads it, which knows bytes in octal.
func quoted(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		fmt.Fprintf(&b, "\\%03o", c)
	}
	return `"` + b.String() + `"`
}

func file(text string) node { return node{"100644", text} }

func skillText(name string) string {
	return "---\nname: " + name + "\ndescription: What " + name + " does.\n---\n# " + name + "\n"
}

// skillFiles are a skill in a folder, with what more names.
func skillFiles(name string, more map[string]node) map[string]node {
	files := map[string]node{"SKILL.md": file(skillText(name))}
	maps.Copy(files, more)
	return files
}

// under moves files into a folder.
func under(folder string, files map[string]node, others ...map[string]node) map[string]node {
	all := make(map[string]node)
	for path, n := range files {
		all[folder+"/"+path] = n
	}
	for _, other := range others {
		maps.Copy(all, other)
	}
	return all
}

// treeOf is the digest that files must come to.
func treeOf(t *testing.T, files map[string]node) digest.Digest {
	t.Helper()
	data := make(map[string][]byte)
	for path, n := range files {
		data[path] = []byte(n.text)
	}
	var b bytes.Buffer
	result, err := archive.PackFiles(t.Context(), &b, data)
	if err != nil {
		t.Fatal(err)
	}
	return result.Tree.Digest()
}

// env is that of a user, whose home and PATH are the ones given.
func env(t *testing.T, more ...string) []string {
	t.Helper()
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, more...)
}

func newSource(t *testing.T, o git.Options) *git.Source {
	t.Helper()
	if o.Env == nil {
		o.Env = env(t)
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	s := git.New(o)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func parse(t *testing.T, text string) ref.Ref {
	t.Helper()
	r, err := ref.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// get resolves and fetches, and returns what came.
func get(t *testing.T, s source.Source, text string) (source.Pin, *archive.Result, error) {
	t.Helper()
	p, err := s.Resolve(t.Context(), parse(t, text), "")
	if err != nil {
		return p, nil, err
	}
	var sink sourcetest.Sink
	if _, err := s.Fetch(t.Context(), p, &sink); err != nil {
		return p, nil, err
	}
	data := sink.Bytes()
	result, err := archive.Unpack(t.Context(), bytes.NewReader(data), int64(len(data)), nil, archive.Options{})
	if err != nil {
		t.Fatalf("%s: what was packed is refused: %v", text, err)
	}
	return p, result, nil
}

// A server serves the repositories of a folder as any host does, and remembers
// what it was asked.
type server struct {
	*httptest.Server
	dir string
	env []string // for git

	mu  sync.Mutex
	log []string
}

func serve(t *testing.T, wrap func(http.Handler) http.Handler) *server {
	t.Helper()
	s := &server{dir: t.TempDir()}
	execPath, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	var h http.Handler = &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(execPath)), "git-http-backend"),
		Env: []string{
			"GIT_PROJECT_ROOT=" + s.dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
		},
		InheritEnv: []string{"PATH"},
	}
	if wrap != nil {
		h = wrap(h)
	}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.log = append(s.log, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.TransferEncoding = nil
			if plain, err := gzip.NewReader(bytes.NewReader(body)); err == nil && r.Header.Get("Content-Encoding") == "gzip" {
				body, _ = io.ReadAll(plain)
			}
			if bytes.Contains(body, []byte("want ")) {
				s.mu.Lock()
				s.log = append(s.log, "objects "+r.URL.Path)
				s.mu.Unlock()
			}
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	s.env = env(t, "SSL_CERT_FILE="+ca)
	return s
}

// at is the reference to a repository.
func (s *server) at(name string) string { return "git+" + s.URL + "/" + name }

// objects counts how often objects of a repository were asked for. A client of
// today posts one question for refs first, which is told by its body.
func (s *server) objects(name string) int { return len(s.asked("objects /" + name)) }

// asked returns the requests that begin with prefix.
func (s *server) asked(prefix string) (lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.log {
		if strings.HasPrefix(line, prefix) {
			lines = append(lines, line)
		}
	}
	return lines
}
