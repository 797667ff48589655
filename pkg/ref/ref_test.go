package ref_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/version"
)

// A vector is an input and what is expected of it, out of testdata/ref.
type vector struct {
	where, input, want string
}

func vectors(tb testing.TB, name string) []vector {
	tb.Helper()
	f, err := os.Open(filepath.Join("..", "..", "testdata", "ref", name))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var all []vector
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "    "):
			all[len(all)-1].want = line[4:]
		default:
			if unquoted, err := strconv.Unquote(line); err == nil && line[0] == '"' {
				line = unquoted
			}
			all = append(all, vector{where: fmt.Sprintf("%s:%d", name, n), input: line})
		}
	}
	if err := lines.Err(); err != nil {
		tb.Fatal(err)
	}
	if len(all) == 0 {
		tb.Fatalf("%s holds no vectors", name)
	}
	return all
}

// describe writes a reference like the vectors do.
func describe(input string, r ref.Ref) string {
	words := []string{r.Kind.String()}
	add := func(name, value string) {
		if strings.Contains(value, " ") {
			value = strconv.Quote(value)
		}
		if value != "" {
			words = append(words, name+"="+value)
		}
	}
	add("registry", r.Registry)
	add("owner", r.Owner)
	add("slug", r.Slug)
	add("query", r.Query.String())
	if r.Query.Kind() != version.Any {
		words = append(words, r.Query.Kind().String())
	}
	add("path", r.Path)
	add("url", r.URL)
	add("subdir", r.Subdir)
	add("rev", r.Rev)
	add("locale", r.Locale)
	if text := r.String(); text != input {
		add("text", text)
	}
	return strings.Join(words, " ")
}

func TestAccepted(t *testing.T) {
	for _, v := range vectors(t, "accepted.txt") {
		r, err := ref.Parse(v.input)
		if err != nil {
			t.Errorf("%s: %v", v.where, err)
			continue
		}
		if got := describe(v.input, r); got != v.want {
			t.Errorf("%s: %s\n got %s\nwant %s", v.where, v.input, got, v.want)
		}
		roundTrip(t, r)
	}
}

func TestRefused(t *testing.T) {
	for _, v := range vectors(t, "refused.txt") {
		r, err := ref.Parse(v.input)
		if err == nil {
			t.Errorf("%s: accepted as %s", v.where, describe(v.input, r))
			continue
		}
		var parse *ref.ParseError
		if !errors.As(err, &parse) {
			t.Errorf("%s: %T is no *ParseError", v.where, err)
			continue
		}
		if parse.Why != v.want {
			t.Errorf("%s: %s\n got %s\nwant %s", v.where, v.input, parse.Why, v.want)
		}
		if r != (ref.Ref{}) {
			t.Errorf("%s: half a reference came with the error: %+v", v.where, r)
		}
		checkPrintable(t, err)
	}
}

// Whatever was typed, the error shows no password and cannot drive a terminal.
func checkPrintable(tb testing.TB, err error) {
	tb.Helper()
	text := err.Error()
	if strings.Contains(text, "hunter2") || strings.Contains(text, "ter2") {
		tb.Errorf("the error shows a password: %s", text)
	}
	if len(text) > 600 {
		tb.Errorf("the error has %d bytes: %s", len(text), text)
	}
	for _, c := range text {
		if c < ' ' || c > '~' {
			tb.Errorf("the error has the character %U: %q", c, text)
		}
	}
}

func TestRefusedLong(t *testing.T) {
	long := strings.Repeat("a", 10_000)
	for _, s := range []string{
		long,
		"./" + long,
		strings.Repeat("a", 201),
		strings.Repeat("a", 201) + "/pdf",
		"pdf@" + strings.Repeat("a", 201),
		"pdf@" + strings.Repeat("1 ", 300) + "1",
		strings.Repeat("a", 65) + ":pdf",
		"github.com/o/" + strings.Repeat("r", 101),
		"github.com/o/r@" + strings.Repeat("a", 201),
		"oci://host/a:" + strings.Repeat("a", 129),
		"https://user:hunter2@" + long,
		"https://" + strings.Repeat("user", 30) + ":hunter2@host",
		"pdf@" + strings.Repeat("é", 60),
	} {
		_, err := ref.Parse(s)
		if err == nil {
			t.Errorf("%.40s… of %d bytes is accepted", s, len(s))
			continue
		}
		checkPrintable(t, err)
	}
}

func TestErrorNamesInput(t *testing.T) {
	for input, want := range map[string]string{
		"owner/slug/extra":                       `"owner/slug/extra"`,
		"https://user:hunter2@host/pdf.zip":      `"https://...@host/pdf.zip"`,
		"git+ssh://git@host:repo/x":              `"git+ssh://git@host:repo/x"`,
		"https://host/@alice/a b":                `"https://host/@alice/a b"`,
		"github.com/o/r//a@b..c":                 `"github.com/o/r//a@b..c"`,
		"acme:pdf@>>1":                           `"acme:pdf@>>1"`,
		"技能!":                                    `"\u6280\u80fd!"`,
		strings.Repeat("é", 50) + "!":            `"` + strings.Repeat(`\u00e9`, 40) + `"...`,
		"https//alice:hunter2@host/pdf.zip":      `"https//...@host/pdf.zip"`,
		"git+https://token:hun/ter2@host/x.git":  `"git+https://...@host/x.git"`,
		"oci://hunter2@host/x":                   `"oci://...@host/x"`,
		"git+https://hunter2@host/x//a@b/../..c": `"git+https://...@b/../..c"`,
	} {
		_, err := ref.Parse(input)
		var parse *ref.ParseError
		if !errors.As(err, &parse) {
			t.Errorf("%s: got %v, want a *ParseError", input, err)
			continue
		}
		if parse.Input != want {
			t.Errorf("%s is shown as %s, want %s", input, parse.Input, want)
		}
	}
}

func TestValidRegistry(t *testing.T) {
	for _, s := range []string{"acme", "A", "corp-2_x"} {
		if !ref.ValidRegistry(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{"", "2", "a.b", "a b", "a:b", "-a", "gh", "HTTPS", "file", strings.Repeat("a", 65)} {
		if ref.ValidRegistry(s) {
			t.Errorf("%q is accepted", s)
		}
	}
}

// Every name that ValidSlug and ValidRegistry accept can be typed.
func TestNamesParse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		registry := rapid.StringMatching(`[A-Za-z][A-Za-z0-9_-]{0,63}`).Filter(ref.ValidRegistry).Draw(t, "registry")
		owner := rapid.OneOf(rapid.Just(""), slugs()).Draw(t, "owner")
		slug := slugs().Draw(t, "slug")
		query := rapid.SampledFrom([]string{"", "1.2.3", "^1.2", ">=1 <3", "latest", "a/b", "x.zip"}).Draw(t, "query")
		q, err := version.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		want := ref.Ref{Kind: ref.Registry, Registry: registry, Owner: owner, Slug: slug, Query: q}
		got, err := ref.Parse(want.String())
		if err != nil || got != want {
			t.Fatalf("%s: got %+v, %v, want %+v", want, got, err, want)
		}
	})
}

func slugs() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[a-zA-Z0-9_é技][a-zA-Z0-9._é技-]{0,60}`),
		rapid.SampledFrom([]string{"git", "gh", "github.com", "x.zip", "https", "C", "x.git"}),
		rapid.StringN(1, 60, 200),
	).Filter(ref.ValidSlug)
}

// Pieces that references are made of, put together in any order, are refused or
// come back the same.
func TestRoundTrip(t *testing.T) {
	pieces := []string{
		"", "a", "pdf", "o/r", "/", "//", "@", ":", ".", "..", "~", "-", `\`, " ", "%20", "%2f", "?", "#", "*", "^1.2", ">=1 <3", "1.2.3",
		"@^1.2", "@~1", "@=1.2.3", "@=1.2", "@=", "@>=1 <3", "@<2 || =3", "v1", "latest", ".zip", ".tar.gz", ".git", "C:", "./", "gh:", "acme:", "git@", "github.com/", "https://", "http://", "git+https://",
		"git+ssh://", "git+file://", "ssh://", "file://", "oci://", "tree/", "blob/", "SKILL.md", "host", ":80", "sha256:", "é", "技能",
	}
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 9).Draw(t, "pieces"), "")
		if r, err := ref.Parse(s); err == nil {
			roundTrip(t, r)
		}
	})
}

// A repository with anything that asks for one of its versions.
func TestRoundTripOfGitQueries(t *testing.T) {
	operand := rapid.StringMatching(`(0|[1-9][0-9]?)(\.(0|[1-9]|x)){0,2}(-rc\.1)?`)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom([]string{"gh:o/r", "github.com/o/r//a/@b", "git+file:///r", "git@host:r.git", "https://host/r.git//a"}).Draw(t, "repository")
		between := "@"
		for range rapid.IntRange(1, 3).Draw(t, "comparators") {
			s += between + rapid.SampledFrom([]string{"^", "~", ">", ">=", "<", "<=", "=", "= "}).Draw(t, "operator") + operand.Draw(t, "operand")
			between = rapid.SampledFrom([]string{" ", ",", " || ", "||"}).Draw(t, "between")
		}
		r, err := ref.Parse(s)
		if err != nil {
			return // such as 1.x.2, or a space in a web address
		}
		if r.Kind != ref.Git || r.Rev != "" || r.Query.Kind() != version.Constraint && r.Query.Kind() != version.Exact {
			t.Errorf("%q is %+v", s, r)
		}
		roundTrip(t, r)
	})
}

func roundTrip(t rapid.TB, r ref.Ref) {
	t.Helper()
	again, err := ref.Parse(r.String())
	if err != nil {
		t.Errorf("%q of %+v: %v", r.String(), r, err)
	} else if again != r {
		t.Errorf("%q is %+v, and was %+v", r.String(), again, r)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"accepted.txt", "refused.txt"} {
		for _, v := range vectors(f, name) {
			f.Add(v.input)
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ref.Parse(s)
		if err != nil {
			if text := err.Error(); len(text) > 2000 || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) {
				t.Errorf("the error for %q cannot be printed: %q", s, text)
			}
			return
		}
		roundTrip(t, r)
		checkSafe(t, r)
	})
}

// What later becomes an argument of git, or a path, never looks like an option
// and never climbs.
func checkSafe(t *testing.T, r ref.Ref) {
	t.Helper()
	for _, s := range []string{r.Registry, r.Owner, r.Slug, r.Rev, r.Subdir, r.Path, r.URL} {
		if strings.HasPrefix(s, "-") || strings.ContainsAny(s, "\x00\n\r\x1b") {
			t.Errorf("%+v holds %q", r, s)
		}
	}
	for part := range strings.SplitSeq(r.Subdir, "/") {
		if part == ".." {
			t.Errorf("%+v climbs out of its repository", r)
		}
	}
	if r.Kind == ref.Registry && (!ref.ValidSlug(r.Slug) || strings.ContainsAny(r.Slug+r.Owner, `/\`)) {
		t.Errorf("%+v has a slug that is none", r)
	}
	if user, _, ok := strings.Cut(strings.TrimPrefix(r.URL, "ssh://"), "@"); ok && r.Kind == ref.Git && user != "git" && !strings.Contains(user, "/") {
		t.Errorf("%+v holds a user", r)
	}
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := ref.Parse("acme:sickn33-skills-backend-architect@^1.2"); err != nil {
			b.Fatal(err)
		}
	}
}
