package clawhub_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/clawhub"
)

// handler serves an answer for each path, and 404 for the others.
func handler(t *testing.T, answers map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(404)
			text = "Skill not found"
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

const (
	atSkill    = "/api/v1/skills/demo"
	atVersions = "/api/v1/skills/demo/versions"
	atVersion  = "/api/v1/skills/demo/versions/1.0.0"
	good       = `{"skill":{"slug":"demo","tags":{"latest":"1.0.0"}},"latestVersion":{"version":"1.0.0"},"owner":{"handle":"alice"}}`
	sum        = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// Answers of status 200 that are none. Each is one error of one line, which says
// who answered and repeats nothing that could harm.
func TestHostileSkill(t *testing.T) {
	skill := func(format string, args ...any) string { return fmt.Sprintf(format, args...) }
	for name, test := range map[string]struct {
		body string
		want error // nil is an AnswerError
	}{
		"empty":                {"", transport.ErrEmpty},
		"white":                {" \n ", transport.ErrEmpty},
		"a page":               {"<!DOCTYPE html><title>Log in</title>", transport.ErrWebPage},
		"text":                 {"It works!", transport.ErrNotJSON},
		"half of it":           {good[:len(good)/2], transport.ErrNotJSON},
		"twice":                {good + good, transport.ErrNotJSON},
		"deep":                 {strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), transport.ErrNotJSON},
		"deep in a field":      {`{"skill":` + strings.Repeat(`{"x":`, 9_000) + "1" + strings.Repeat("}", 9_000) + `}`, nil},
		"null":                 {"null", nil},
		"a list":               {"[]", nil},
		"a number":             {"1e999", nil},
		"a text":               {`"Skill not found"`, nil},
		"nothing in it":        {"{}", nil},
		"an error":             {`{"error":"rate\u001b[2Jlimited"}`, nil},
		"no skill":             {`{"skill":null,"latestVersion":null,"owner":null}`, source.ErrNotFound},
		"skill is a text":      {`{"skill":"demo"}`, nil},
		"skill is a list":      {`{"skill":[]}`, nil},
		"slug is a number":     {`{"skill":{"slug":1}}`, nil},
		"slug is a path":       {`{"skill":{"slug":"../x"}}`, nil},
		"slug has an escape":   {`{"skill":{"slug":"a\u001b[2Jb"}}`, nil},
		"slug is long":         {skill(`{"skill":{"slug":%q}}`, strings.Repeat("x", 500)), nil},
		"owner is a text":      {`{"skill":{"slug":"demo"},"owner":"alice"}`, nil},
		"handle is a number":   {`{"skill":{"slug":"demo"},"owner":{"handle":7}}`, nil},
		"handle is a path":     {`{"skill":{"slug":"demo"},"owner":{"handle":"a/b"}}`, nil},
		"latest is a text":     {`{"skill":{"slug":"demo"},"latestVersion":"1.0.0"}`, nil},
		"version is a number":  {`{"skill":{"slug":"demo"},"latestVersion":{"version":1.0}}`, nil},
		"version is empty":     {`{"skill":{"slug":"demo"},"latestVersion":{"version":""}}`, nil},
		"version is a path":    {`{"skill":{"slug":"demo"},"latestVersion":{"version":"../1"}}`, nil},
		"version has a line":   {`{"skill":{"slug":"demo"},"latestVersion":{"version":"1.0.0\nx"}}`, nil},
		"version is long":      {skill(`{"skill":{"slug":"demo"},"latestVersion":{"version":%q}}`, strings.Repeat("1", 500)), nil},
		"moderation is a list": {`{"skill":{"slug":"demo"},"latestVersion":{"version":"1.0.0"},"moderation":[]}`, nil},
		"flags are texts":      {`{"skill":{"slug":"demo"},"latestVersion":{"version":"1.0.0"},"moderation":{"isMalwareBlocked":"yes"}}`, nil},
	} {
		for what, ask := range map[string]func(r *clawhub.Registry) error{
			"Resolve":  func(r *clawhub.Registry) error { _, err := r.Resolve(t.Context(), refer(t, "demo"), ""); return err },
			"Versions": func(r *clawhub.Registry) error { _, err := r.Versions(t.Context(), refer(t, "demo")); return err },
		} {
			err := ask(open(t, handler(t, map[string]string{atSkill: test.body})))
			checkError(t, name+", "+what, err, test.want)
		}
	}
}

// checkError wants a given error, or an AnswerError for nil, that can be printed.
func checkError(t *testing.T, name string, err, want error) {
	t.Helper()
	switch _, ok := errors.AsType[*clawhub.AnswerError](err); {
	case err == nil:
		t.Errorf("%s: no error", name)
	case want == nil && !ok:
		t.Errorf("%s: %v, want an AnswerError", name, err)
	case want != nil && !errors.Is(err, want):
		t.Errorf("%s: %v, want %v", name, err, want)
	case strings.ContainsAny(err.Error(), "\n\x1b") || len(err.Error()) > 600:
		t.Errorf("%s: the error cannot be printed: %q", name, err)
	}
}

func TestHugeAnswer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"skill":"`))
		for range 1 << 12 {
			if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<12)); err != nil || r.Context().Err() != nil {
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	_, err := open(t, s.URL).Resolve(t.Context(), refer(t, "demo"), "")
	if _, ok := errors.AsType[*transport.LimitError](err); !ok {
		t.Errorf("%v, want a LimitError", err)
	}
}

func TestHostileVersion(t *testing.T) {
	file := func(path string) string { return fmt.Sprintf(`{"path":%q,"size":1,"sha256":%q}`, path, sum) }
	version := func(files ...string) string {
		return `{"version":{"version":"1.0.0","files":[` + strings.Join(files, ",") + `]},"skill":{"slug":"demo"}}`
	}
	for name, test := range map[string]struct {
		body string
		want error
	}{
		"empty":                {"", transport.ErrEmpty},
		"a page":               {"<html>", transport.ErrWebPage},
		"nothing in it":        {"{}", nil},
		"null":                 {`{"version":null}`, source.ErrNotFound},
		"a text":               {`{"version":"1.0.0"}`, nil},
		"another version":      {`{"version":{"version":"6.6.6"}}`, nil},
		"another skill":        {`{"version":{"version":"1.0.0"},"skill":{"slug":"other"}}`, nil},
		"files are an object":  {`{"version":{"version":"1.0.0","files":{}}}`, nil},
		"a file is a text":     {version(`"SKILL.md"`), nil},
		"size is a text":       {version(`{"path":"SKILL.md","size":"1","sha256":"` + sum + `"}`), nil},
		"size is a fraction":   {version(`{"path":"SKILL.md","size":1.5,"sha256":"` + sum + `"}`), nil},
		"size is negative":     {version(`{"path":"SKILL.md","size":-1,"sha256":"` + sum + `"}`), nil},
		"size is too large":    {version(`{"path":"SKILL.md","size":1e30,"sha256":"` + sum + `"}`), nil},
		"sha256 is short":      {version(`{"path":"SKILL.md","size":1,"sha256":"e3b0"}`), nil},
		"sha256 is a number":   {version(`{"path":"SKILL.md","size":1,"sha256":1}`), nil},
		"path goes up":         {version(file("../x")), nil},
		"path goes up inside":  {version(file("a/../../x")), nil},
		"path is absolute":     {version(file("/etc/passwd")), nil},
		"path is empty":        {version(file("")), nil},
		"path with backslash":  {version(file(`a\\b`)), nil},
		"path with a NUL":      {version(`{"path":"a\u0000","size":1,"sha256":"` + sum + `"}`), nil},
		"a file twice":         {version(file("SKILL.md"), file("SKILL.md")), nil},
		"too many files":       {version(slicesOf(20_001, file)...), nil},
		"it is malicious":      {`{"version":{"version":"1.0.0","security":{"status":"malicious"}}}`, errBlocked},
		"nobody heard of that": {`{"version":{"version":"1.0.0","security":["?"],"files":7}}`, nil},
	} {
		_, err := open(t, handler(t, map[string]string{atSkill: good, atVersion: test.body})).Resolve(t.Context(), refer(t, "demo"), "")
		if test.want == errBlocked {
			if blocked, ok := errors.AsType[*source.BlockedError](err); !ok || blocked.Slug != "demo" {
				t.Errorf("%s: %v, want a BlockedError", name, err)
			}
			continue
		}
		checkError(t, name, err, test.want)
	}
}

var errBlocked = errors.New("a BlockedError")

func slicesOf(n int, file func(string) string) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = file(fmt.Sprint(i))
	}
	return list
}

// What the schema does not allow to be null or absent, and does no harm.
func TestNulls(t *testing.T) {
	for name, test := range map[string]struct {
		skill, version string
		want           source.Pin
	}{
		"all null": {
			`{"skill":{"slug":null,"tags":null,"stats":null,"displayName":null},"latestVersion":{"version":"1.0.0","changelog":null},` +
				`"owner":null,"metadata":null,"moderation":null}`,
			`{"version":{"version":null,"files":null,"security":null},"skill":null}`,
			source.Pin{Trust: source.FirstUse},
		},
		"all absent": {
			`{"skill":{},"latestVersion":{"version":"1.0.0"}}`, `{"version":{}}`, source.Pin{Trust: source.FirstUse},
		},
		"tags of all sorts": {
			`{"skill":{"slug":"demo","tags":["latest"]},"latestVersion":{"version":"1.0.0"},"owner":{"handle":null}}`,
			`{"version":{"version":"1.0.0","files":[]}}`, source.Pin{Trust: source.FirstUse},
		},
		"some digests": {
			good, `{"version":{"version":"1.0.0","files":[{"path":"SKILL.md","size":0,"sha256":"` + sum + `"},{"path":"x","size":null,"sha256":null}]}}`,
			source.Pin{Owner: "alice", Trust: source.FirstUse},
		},
		"digests in capitals": {
			good, `{"version":{"version":"1.0.0","files":[{"path":"SKILL.md","size":0,"sha256":"` + strings.ToUpper(sum) + `"}]}}`,
			source.Pin{Owner: "alice", Trust: source.FromRegistry, Files: []source.File{{Path: "SKILL.md", Digest: "sha256:" + sum}}},
		},
		"flags that are null": {
			`{"skill":{"slug":"demo"},"latestVersion":{"version":"1.0.0"},"moderation":{"isSuspicious":null,"isMalwareBlocked":null,"verdict":null,"reasonCodes":null}}`,
			`{"version":{"version":"1.0.0"}}`, source.Pin{Trust: source.FirstUse},
		},
		"suspicious, unsaid why": {
			`{"skill":{"slug":"demo"},"latestVersion":{"version":"1.0.0"},"moderation":{"verdict":"suspicious"}}`,
			`{"version":{"version":"1.0.0"}}`, source.Pin{Trust: source.FirstUse, Flagged: source.NoReason},
		},
		"suspicious by its scan": {
			good, `{"version":{"version":"1.0.0","security":{"status":"suspicious"}}}`,
			source.Pin{Owner: "alice", Trust: source.FirstUse, Flagged: "the scan of version 1.0.0 says that it is suspicious"},
		},
	} {
		r := open(t, handler(t, map[string]string{atSkill: test.skill, atVersion: test.version}))
		pin, err := r.Resolve(t.Context(), refer(t, "demo"), "")
		if err != nil || pin.Slug != "demo" || pin.Version != "1.0.0" || pin.Owner != test.want.Owner || pin.Trust != test.want.Trust ||
			pin.Flagged != test.want.Flagged || fmt.Sprint(pin.Files) != fmt.Sprint(test.want.Files) {
			t.Errorf("%s: %+v, %v", name, pin, err)
		}
	}
	// A server that has no such endpoint has no digests.
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != atSkill {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(good))
	}))
	t.Cleanup(s.Close)
	if pin, err := open(t, s.URL).Resolve(t.Context(), refer(t, "demo"), ""); err != nil || pin.Version != "1.0.0" || pin.Files != nil {
		t.Errorf("no endpoint for versions: %+v, %v", pin, err)
	}
}

func TestHostileLists(t *testing.T) {
	for name, body := range map[string]string{
		"items are absent":     `{}`,
		"items are an object":  `{"items":{}}`,
		"an item is a text":    `{"items":["1.0.0"]}`,
		"a version is a list":  `{"items":[{"version":["1.0.0"]}]}`,
		"the cursor is a list": `{"items":[],"nextCursor":[]}`,
		"it never ends":        `{"items":[{"version":"1.0.0"}],"nextCursor":"again"}`,
	} {
		_, err := open(t, handler(t, map[string]string{atSkill: good, atVersions: body})).Versions(t.Context(), refer(t, "demo"))
		checkError(t, name, err, nil)
	}
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n++; r.URL.Path {
		case atSkill:
			_, _ = w.Write([]byte(good))
		default:
			_, _ = fmt.Fprintf(w, `{"items":[{"version":"1.0.%d"}],"results":[],"nextCursor":"%d"}`, n, n)
		}
	}))
	t.Cleanup(s.Close)
	_, err := open(t, s.URL).Versions(t.Context(), refer(t, "demo"))
	if checkError(t, "always another page", err, nil); n > 60 {
		t.Errorf("%d requests for one list", n)
	}
	infos, err := open(t, handler(t, map[string]string{
		atSkill: good, atVersions: `{"items":[{"version":"2.0.0"},{"version":null},{"version":"a b"},{"version":"../x"},{"version":"2.0.0"},{"version":"odd"}],"nextCursor":null}`,
	})).Versions(t.Context(), refer(t, "demo"))
	if err != nil || fmt.Sprint(infos) != "[{1.0.0 [latest] false } {2.0.0 [] false } {odd [] false }]" {
		t.Errorf("odd versions: %v, %v", infos, err)
	}
}

func TestHostileSearch(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want error
	}{
		"empty":                {"", transport.ErrEmpty},
		"a page":               {"<html>", transport.ErrWebPage},
		"an error":             {`{"error":"x"}`, nil},
		"a list":               {`[]`, nil},
		"results are a text":   {`{"results":"none"}`, nil},
		"a result is a number": {`{"results":[1]}`, nil},
		"a slug is a number":   {`{"results":[{"slug":1}]}`, nil},
		"an owner is a text":   {`{"results":[{"slug":"a","owner":"b"}]}`, nil},
	} {
		_, err := open(t, handler(t, map[string]string{"/api/v1/search": test.body})).Search(t.Context(), "demo", 10)
		checkError(t, name, err, test.want)
	}
	hits, err := open(t, handler(t, map[string]string{"/api/v1/search": `{"results":[
		{"slug":"../x"},{"slug":"a","ownerHandle":"b/c"},{"slug":null},{},{"slug":"sh","source":"skills-sh"},
		{"slug":"a","ownerHandle":null,"owner":null,"summary":null,"version":"1 2"},
		{"slug":"demo","ownerHandle":null,"owner":{"handle":"alice"},"summary":"s","displayName":"D","version":"1.0.0","source":"clawhub"}
	]}`})).Search(t.Context(), "demo", 10)
	want := []source.Hit{{Slug: "demo", Owner: "alice", Name: "D", Version: "1.0.0", Description: "s"}, {Slug: "a"}}
	if err != nil || fmt.Sprint(hits) != fmt.Sprint(want) {
		t.Errorf("%+v, %v", hits, err)
	}
	if hits, err := open(t, handler(t, map[string]string{"/api/v1/search": `{"results":null}`})).Search(t.Context(), "demo", 10); err != nil || len(hits) != 0 {
		t.Errorf("null: %v, %v", hits, err)
	}
}

// Statuses and their bodies, for Resolve and for Fetch.
func TestStatuses(t *testing.T) {
	const ambiguous = `{"code":"AMBIGUOUS_SKILL_SLUG","message":"Choose.","matches":[` +
		`{"ownerHandle":"bob","slug":"demo"},{"ownerHandle":"../x","slug":"demo"},{"ownerHandle":null,"slug":"demo"},` +
		`{"ownerHandle":"eve","slug":"a b"},{"ownerHandle":"alice","slug":"demo","url":"javascript:x"}]}`
	many := `{"code":"AMBIGUOUS_SKILL_SLUG","matches":[` + strings.Repeat(`{"ownerHandle":"bob","slug":"demo"},`, 500) + `{}]}`
	for name, test := range map[string]struct {
		status int
		typ    string
		body   string
		want   error
	}{
		"not found":              {404, "text/plain", "Skill not found", source.ErrNotFound},
		"not found, in JSON":     {404, "application/json", `{"error":{"message":"No such skill"}}`, source.ErrNotFound},
		"not found, in a list":   {404, "application/json", `{"errors":[{"status":404,"message":"Skill not found"}]}`, source.ErrNotFound},
		"no such version":        {404, "text/plain", "Version not found", source.ErrNotFound},
		"a page":                 {404, "text/html", "<!doctype html><h1>No skill here</h1>", errEndpoint},
		"Go":                     {404, "text/plain", "404 page not found", errEndpoint},
		"Express":                {404, "text/plain", "Cannot GET /api/v1/skills/demo", errEndpoint},
		"Spring":                 {404, "application/json", `{"status":404,"error":"Not Found","path":"/api/v1/skills/demo"}`, errEndpoint},
		"Spring, newer":          {404, "application/json", `{"detail":"No static resource api/v1/skills/demo."}`, errEndpoint},
		"nothing":                {404, "", "", errEndpoint},
		"not allowed":            {405, "text/plain", "Method not allowed", errEndpoint},
		"not implemented":        {501, "text/plain", "", errEndpoint},
		"gone":                   {410, "text/plain", "Version is not available", source.ErrNotFound},
		"unauthorized":           {401, "text/plain", "Unauthorized", source.ErrAuth},
		"forbidden":              {403, "text/plain", "Forbidden", source.ErrAuth},
		"hidden":                 {403, "text/plain", "This skill was hidden by a moderator", source.ErrWithheld},
		"locked":                 {423, "text/plain", "Pending", source.ErrWithheld},
		"legal":                  {451, "text/plain", "", source.ErrWithheld},
		"malware":                {403, "text/plain", "Blocked:\x1b[2J malware", errBlocked},
		"malware, gone":          {410, "application/json", `{"message":"removed as malicious"}`, errBlocked},
		"bad":                    {400, "text/plain", "slug is\ninvalid", nil},
		"ambiguous":              {409, "application/json", ambiguous, errAmbiguous},
		"ambiguous, as text":     {409, "text/plain", fmt.Sprintf("%q", ambiguous), errAmbiguous},
		"ambiguous, after words": {400, "text/plain", "Uncaught: " + ambiguous, errAmbiguous},
		"ambiguous, cut":         {409, "application/json", many, errAmbiguous},
		"conflict":               {409, "text/plain", "Conflict", source.ErrAmbiguous},
	} {
		for what, ask := range map[string]func(r *clawhub.Registry) error{
			"Resolve": func(r *clawhub.Registry) error { _, err := r.Resolve(t.Context(), refer(t, "demo"), ""); return err },
			"Fetch": func(r *clawhub.Registry) error {
				sink := &sourcetest.Sink{Data: []byte("kept"), Tag: `"x"`}
				_, err := r.Fetch(t.Context(), source.Pin{Slug: "demo", Version: "1.0.0"}, sink)
				if string(sink.Bytes()) != "kept" {
					t.Errorf("%s: the sink was written to", name)
				}
				return err
			},
		} {
			err := ask(open(t, answer(t, test.status, test.typ, test.body)))
			checkStatus(t, name+", "+what, err, test.want)
		}
	}
}

var (
	errEndpoint  = errors.New("an EndpointError")
	errAmbiguous = errors.New("an AmbiguousError")
)

func checkStatus(t *testing.T, name string, err, want error) {
	t.Helper()
	switch want {
	case errEndpoint:
		if !isEndpoint(err) || errors.Is(err, source.ErrNotFound) || !strings.Contains(err.Error(), "does not speak the ClawHub API") {
			t.Errorf("%s: %v, want an EndpointError", name, err)
		}
	case errBlocked:
		if blocked, ok := errors.AsType[*source.BlockedError](err); !ok || strings.Contains(blocked.Reason, "\x1b") {
			t.Errorf("%s: %v, want a BlockedError", name, err)
		}
	case errAmbiguous:
		a, ok := errors.AsType[*source.AmbiguousError](err)
		if !ok || a.Slug != "demo" || len(a.Matches) < 2 || a.Owners()[len(a.Owners())-1] != "bob" {
			t.Errorf("%s: %v, want an AmbiguousError", name, err)
		}
	default:
		checkError(t, name, err, want)
	}
}

// An answer about the skill of another owner is not taken for the one asked for.
func TestAnotherOwner(t *testing.T) {
	r := open(t, handler(t, map[string]string{atSkill: good, atVersion: `{"version":{"version":"1.0.0"}}`}))
	_, err := r.Resolve(t.Context(), refer(t, "bob/demo"), "")
	if owner, ok := errors.AsType[*source.OwnerError](err); !ok || *owner != (source.OwnerError{Slug: "demo", Have: "bob", Now: "alice"}) {
		t.Errorf("%v, want an OwnerError", err)
	}
	if pin, err := r.Resolve(t.Context(), refer(t, "ALICE/demo"), ""); err != nil || pin.Owner != "alice" {
		t.Errorf("in capitals: %+v, %v", pin, err)
	}
	for _, rf := range []ref.Ref{{Slug: "../x"}, {Slug: ""}, {Slug: "a", Owner: "b/c"}, {Slug: "a", Owner: ".."}} {
		if _, err := r.Resolve(t.Context(), rf, ""); !errors.Is(err, source.ErrNotFound) {
			t.Errorf("Resolve of %+v: %v, want ErrNotFound", rf, err)
		}
		if _, err := r.Fetch(t.Context(), source.Pin{Slug: rf.Slug, Owner: rf.Owner}, new(sourcetest.Sink)); !errors.Is(err, source.ErrNotFound) {
			t.Errorf("Fetch of %+v: %v, want ErrNotFound", rf, err)
		}
	}
}

// What comes in place of an artifact, with status 200.
func TestHostileArtifact(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want error
	}{
		"empty":         {"", transport.ErrEmpty},
		"a page":        {"<!doctype html>" + strings.Repeat("x", 100_000), transport.ErrWebPage},
		"text":          {"no\x1b[2J", nil},
		"a SKILL.md":    {"---\nname: demo\n---\n", nil},
		"an error":      {`{"error":"x\n"}`, nil},
		"a handover":    {`{"sourceRef":"public-github","repo":"a\u001b/b"}`, source.ErrNotFound},
		"a long text":   {strings.Repeat("x", 1<<20), nil},
		"a RAR archive": {"Rar!\x1a\x07\x01\x00" + strings.Repeat("x", 1000), nil},
	} {
		var sink sourcetest.Sink
		_, err := open(t, answer(t, 200, "application/zip", test.body)).Fetch(t.Context(), source.Pin{Slug: "demo", Version: "1.0.0"}, &sink)
		checkError(t, name, err, test.want)
		if len(sink.Bytes()) != 0 {
			t.Errorf("%s: %d bytes are in the sink", name, len(sink.Bytes()))
		}
	}
}

// A registry sends on to another slug of its own, and only then it was renamed.
func TestFetchOfARenamed(t *testing.T) {
	s := serve(t)
	zip := s.Artifact("alice", "demo", "1.0.0")
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(zip) }))
	t.Cleanup(files.Close)
	for to, want := range map[string]string{
		files.URL + "/api/v1/download?slug=evil": "",
		files.URL + "/skills/evil":               "",
		"+/files/evil.zip":                       "",
		"+/api/v1/download?slug=demo&again=1":    "",
		"+/api/v1/download?slug=other&owner=bob": "other",
	} {
		var at string
		hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RequestURI() == "/api/v1/download?slug=demo&version=1.0.0" {
				http.Redirect(w, r, strings.Replace(to, "+", at, 1), http.StatusFound)
				return
			}
			_, _ = w.Write(zip)
		}))
		t.Cleanup(hub.Close)
		at = hub.URL
		receipt, err := open(t, hub.URL).Fetch(t.Context(), source.Pin{Slug: "demo", Version: "1.0.0"}, new(sourcetest.Sink))
		if err != nil || receipt.Slug != want {
			t.Errorf("to %s: slug %q, %v; want %q", to, receipt.Slug, err, want)
		}
	}
}
