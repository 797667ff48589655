package clawhub_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/clawhub"
)

// A conversation is what one server was asked and answered;
// testdata/protocol/clawhub/README.md says how it is written.
type conversation struct {
	base  string
	do    string
	of    string // that is asked for
	want  string
	says  []string
	gives []string
	hears []heard
	files map[string][]byte
	url   string // of the server

	mu    sync.Mutex
	asked []string
}

// A heard answer is one to a request.
type heard struct {
	request string
	status  int
	header  http.Header
	body    []byte
}

func TestConversations(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../testdata/protocol/clawhub/*.txtar")
	if err != nil || len(paths) < 30 {
		t.Fatalf("%d conversations, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			readConversation(t, path).check(t)
		})
	}
}

func (c *conversation) check(t *testing.T) {
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	c.url = s.URL
	for i := range c.hears {
		c.hears[i].body = c.fill(t, c.hears[i].body)
	}
	gives, err := c.hold(t)
	if got := answered(err); got != c.want {
		t.Errorf("%s, want %s: %v", got, c.want, err)
	}
	var want []string
	for _, h := range c.hears {
		want = append(want, h.request)
	}
	if diff := cmp.Diff(want, c.asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	for i, line := range gives {
		gives[i] = strings.ReplaceAll(line, c.url, "{site}")
	}
	if diff := cmp.Diff(c.gives, gives); diff != "" {
		t.Errorf("it gives (-want +got):\n%s", diff)
	}
	if err == nil {
		return
	}
	for _, text := range c.says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not say %q", err, text)
		}
	}
	if len(err.Error()) > 600 || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("not fit for a line on a terminal: %q", err)
	}
}

// hold does what the conversation is about, and returns what came of it.
func (c *conversation) hold(t *testing.T) (gives []string, err error) {
	t.Helper()
	give := func(name, value string) {
		if value != "" {
			gives = append(gives, name+" "+value)
		}
	}
	if c.do == "discover" {
		registry, err := clawhub.Discover(t.Context(), client(t), c.url+c.of)
		give("registry", registry)
		return gives, err
	}
	r := open(t, c.url+c.base)
	switch c.do {
	case "search":
		hits, err := r.Search(t.Context(), c.of, 10)
		for _, h := range hits {
			give("hit", strings.TrimSpace(h.Owner+"/"+h.Slug+"@"+h.Version+" "+h.Description))
		}
		return gives, err
	case "versions":
		infos, err := r.Versions(t.Context(), refer(t, c.of))
		slices.SortFunc(infos, func(a, b version.Info) int { return version.Compare(a.Version, b.Version) })
		for _, i := range infos {
			give("version", strings.TrimSpace(i.Version+" "+strings.Join(i.Tags, " ")))
		}
		return gives, err
	case "install", "resolve":
	default:
		t.Fatalf("nothing is called %q", c.do)
	}
	pin, err := r.Resolve(t.Context(), refer(t, c.of), "")
	if ambiguous, ok := errors.AsType[*source.AmbiguousError](err); ok {
		give("owners", strings.Join(ambiguous.Owners(), " "))
	}
	if err != nil {
		return gives, err
	}
	give("skill", pin.Owner+"/"+pin.Slug+"@"+pin.Version)
	give("trust", string(pin.Trust))
	give("flagged", pin.Flagged)
	if pin.Revision != "" {
		give("elsewhere", pin.URL)
	}
	if c.do == "resolve" {
		return gives, nil
	}
	receipt, result, err := fetched(t, r, pin)
	give("now", receipt.Slug)
	if err == nil {
		err = publishes(pin.Files, result)
	}
	return gives, err
}

func fetched(t *testing.T, r *clawhub.Registry, pin source.Pin) (source.Receipt, *archive.Result, error) {
	t.Helper()
	var sink sourcetest.Sink
	receipt, err := r.Fetch(t.Context(), pin, &sink)
	if err != nil {
		return receipt, nil, err
	}
	data := sink.Bytes()
	if receipt.Artifact != "" && receipt.Artifact != digest.Of(data) {
		t.Errorf("the receipt claims %s of %s", receipt.Artifact, digest.Of(data))
	}
	result, err := archive.Unpack(t.Context(), bytes.NewReader(data), int64(len(data)), nil, archive.Options{Slug: pin.Slug})
	return receipt, result, err
}

// publishes holds what came to what was published of it, as an installation does.
func publishes(files []source.File, result *archive.Result) error {
	for _, f := range files {
		if got, ok := result.Tree.Lookup(f.Path); !ok || hex.EncodeToString(got.Sum[:]) != f.Digest.Hex() || got.Size != f.Size {
			return &digest.MismatchError{What: f.Path, Want: f.Digest}
		}
	}
	return nil
}

// answered is the word for an error.
func answered(err error) string {
	var (
		ambiguous *source.AmbiguousError
		owner     *source.OwnerError
		blocked   *source.BlockedError
		endpoint  *clawhub.EndpointError
		answer    *clawhub.AnswerError
		mismatch  *digest.MismatchError
		wait      *transport.WaitError
		redirect  *transport.RedirectError
		status    *transport.StatusError
	)
	for _, c := range []struct {
		word string
		is   bool
	}{
		{"done", err == nil},
		{"ambiguous", errors.As(err, &ambiguous)},
		{"another-owner", errors.As(err, &owner)},
		{"blocked", errors.As(err, &blocked)},
		{"no-endpoint", errors.As(err, &endpoint)},
		{"not-found", errors.Is(err, source.ErrNotFound)},
		{"auth", errors.Is(err, source.ErrAuth)},
		{"withheld", errors.Is(err, source.ErrWithheld)},
		{"no-match", errors.Is(err, version.ErrNoMatch)},
		{"web-page", errors.Is(err, transport.ErrWebPage)},
		{"not-json", errors.Is(err, transport.ErrNotJSON)},
		{"empty", errors.Is(err, transport.ErrEmpty)},
		{"unsupported", errors.Is(err, source.ErrUnsupported)},
		{"refused", errors.Is(err, archive.ErrRefused)},
		{"digest", errors.As(err, &mismatch)},
		{"answer", errors.As(err, &answer)},
		{"wait", errors.As(err, &wait)},
		{"redirect", errors.As(err, &redirect)},
		{"status", errors.As(err, &status)},
	} {
		if c.is {
			return c.word
		}
	}
	return "another error"
}

// ServeHTTP gives the answer to the next request, if that is the one that was
// recorded.
func (c *conversation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	n := len(c.asked)
	c.asked = append(c.asked, r.Method+" "+r.URL.RequestURI())
	request := c.asked[n]
	c.mu.Unlock()
	if n >= len(c.hears) || c.hears[n].request != request {
		http.Error(w, "nothing was recorded for this", http.StatusTeapot)
		return
	}
	h := c.hears[n]
	for name, values := range h.header {
		for _, value := range values {
			w.Header().Add(name, strings.ReplaceAll(value, "{site}", c.url))
		}
	}
	w.WriteHeader(h.status)
	_, _ = w.Write(h.body)
}

// fill puts the URL of the server, digests and archives into a body.
func (c *conversation) fill(t *testing.T, body []byte) []byte {
	t.Helper()
	body = bytes.ReplaceAll(body, []byte("{site}"), []byte(c.url))
	for path, data := range c.files {
		body = bytes.ReplaceAll(body, []byte("{sha256 "+path+"}"), []byte(digest.Of(data).Hex()))
		body = bytes.ReplaceAll(body, []byte("{size "+path+"}"), []byte(strconv.Itoa(len(data))))
	}
	switch kind, amount, _ := strings.Cut(strings.TrimSpace(string(body)), " "); kind {
	case "{zip}":
		return c.zip(t)
	case "{zip":
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(amount, "but "), "}"))
		if err != nil {
			t.Fatal(err)
		}
		data := c.zip(t)
		return data[:len(data)-n]
	}
	return body
}

// zip packs the files of the conversation as ClawHub does.
func (c *conversation) zip(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, path := range sortedPaths(c.files) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: path, Method: zip.Deflate})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(c.files[path]) // into memory
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sortedPaths(files map[string][]byte) (paths []string) {
	for path := range files {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

func readConversation(t *testing.T, path string) *conversation {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := &conversation{do: "install", of: "demo", want: "done", files: make(map[string][]byte)}
	_, lines, _ := strings.Cut(string(a.Comment), "\n")
	for line := range strings.Lines(lines) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "":
		case "base":
			c.base = rest
		case "do":
			c.do, c.of, _ = strings.Cut(rest, " ")
		case "want":
			c.want = rest
		case "says":
			c.says = append(c.says, rest)
		case "gives":
			c.gives = append(c.gives, rest)
		default:
			t.Fatalf("%s: unknown word %q", path, word)
		}
	}
	for _, f := range a.Files {
		if !strings.HasPrefix(f.Name, "GET ") {
			c.files[f.Name] = f.Data
			continue
		}
		h, err := readAnswer(f)
		if err != nil {
			t.Fatalf("%s: %s: %v", path, f.Name, err)
		}
		c.hears = append(c.hears, h)
	}
	return c
}

// readAnswer reads a status, header lines and, after an empty line, a body.
func readAnswer(f txtar.File) (heard, error) {
	r := bufio.NewReader(bytes.NewReader(f.Data))
	first, err := r.ReadString('\n')
	if err != nil {
		return heard{}, err
	}
	h := heard{request: f.Name}
	if h.status, err = strconv.Atoi(strings.TrimSpace(first)); err != nil {
		return heard{}, err
	}
	fields, err := textproto.NewReader(r).ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) {
		return heard{}, fmt.Errorf("read header: %w", err)
	}
	h.header = http.Header(fields)
	if h.body, err = io.ReadAll(r); err != nil {
		return heard{}, err
	}
	h.body = bytes.TrimSuffix(h.body, []byte("\n"))
	return h, nil
}
