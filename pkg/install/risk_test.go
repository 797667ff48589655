package install_test

import (
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/source"
)

func sumOf(sum [32]byte) digest.Digest { return digest.FromSum(sum) }

func risk(t *testing.T, o install.Outcome, want string) {
	t.Helper()
	if e := failsAs[*install.FlaggedError](t, o); e.Risk() != want || e.Reason != "it reads ~/.ssh" {
		t.Errorf("%+v, want the risk %q", e, want)
	}
}

func TestFlagged(t *testing.T) {
	b, h := withHub(t)
	h.put("alice", "pdf", "1.0.0").flagged = "it reads ~/.ssh\nand more"
	risk(t, b.install(install.Options{}, "pdf")[0], "alice/pdf@1.0.0")
	for _, not := range []string{"pdf@1.0.0", "alice/pdf", "bob/pdf@1.0.0", "alice/pdf@1.0", "", "*", "alice/pdf@1.0.0 "} {
		risk(t, b.install(install.Options{AcceptRisk: []string{not}}, "pdf")[0], "alice/pdf@1.0.0")
	}
	for _, asked := range h.asked {
		if strings.HasPrefix(asked, "fetch") {
			t.Errorf("it was fetched: %q", h.asked)
		}
	}
	if got := b.fetch("pdf"); got[0].Err == nil {
		t.Errorf("fetch: %+v", got)
	}
	got := b.one(b.install(install.Options{AcceptRisk: []string{"x/y@1", "alice/pdf@1.0.0"}}, "pdf"), install.Installed)
	if len(got.Warnings) != 1 || got.Warnings[0] != `"alice/pdf@1.0.0" is flagged by its registry: it reads ~/.ssh` {
		t.Errorf("warnings are %q", got.Warnings)
	}
	// It is what is installed: nothing to decide, and something to know.
	got = b.one(b.update(), install.Unchanged)
	if len(got.Warnings) != 1 || !strings.HasSuffix(got.Warnings[0], "; what is installed stays") {
		t.Errorf("warnings are %q", got.Warnings)
	}
	// What was accepted was that version.
	h.put("alice", "pdf", "1.1.0").flagged = "it reads ~/.ssh"
	risk(t, b.updateWith(install.Options{AcceptRisk: []string{"alice/pdf@1.0.0"}})[0], "alice/pdf@1.1.0")
	if got, err := b.Outdated(t.Context(), nil); err != nil || got[0].State != install.Flagged || got[0].Latest != "1.1.0" || got[0].Flagged == "" {
		t.Errorf("outdated: %+v, %v", got, err)
	}
	if info, err := b.Info(t.Context(), wants(t, "pdf@1.1.0")[0], install.Options{}); err != nil || len(info.Warnings) != 1 {
		t.Errorf("info: %+v, %v", info, err)
	}
	if b.locked("pdf").Version != "1.0.0" {
		t.Errorf("the lock has %+v", b.locked("pdf"))
	}
	b.sound()
}

func TestFlaggedWithoutAnOwner(t *testing.T) {
	b, h := withHub(t)
	h.put("", "pdf", "1.0.0").flagged = "it reads ~/.ssh"
	risk(t, b.install(install.Options{}, "pdf")[0], "pdf@1.0.0")
	b.one(b.install(install.Options{AcceptRisk: []string{"pdf@1.0.0"}}, "pdf"), install.Installed)
}

func TestBlocked(t *testing.T) {
	b, h := withHub(t)
	h.put("alice", "pdf", "1.0.0")
	b.one(b.install(install.Options{}, "pdf"), install.Installed)
	h.block = "pdf"
	all := install.Options{AcceptRisk: []string{"alice/pdf@1.0.0", "pdf@1.0.0"}, AcceptOwner: true, AcceptRename: true, Replace: true, OnEdit: install.OverwriteOnEdit}
	failsAs[*source.BlockedError](t, b.updateWith(all)[0])
	failsAs[*source.BlockedError](t, b.install(all, "pdf@^1.0.1")[0])
	if got, err := b.Outdated(t.Context(), nil); err != nil || got[0].State != install.Flagged || got[0].Err == nil {
		t.Errorf("outdated: %+v, %v", got, err)
	}
	b.sound()
}

func TestFiles(t *testing.T) {
	type list = []source.File
	change := func(f func(*source.File)) func(list) list {
		return func(l list) list {
			f(&l[1])
			return l
		}
	}
	other := digest.Of([]byte("other"))
	for _, test := range []struct {
		name, path, why string
		files           func(list) list
	}{
		{"missing", "gone.md", "is missing", func(l list) list { return append(l, source.File{Path: "gone.md", Digest: other}) }},
		{"extra", "bin/run.sh", "is not listed", func(l list) list { return l[:1] }},
		{"other bytes", "bin/run.sh", "has other bytes", change(func(f *source.File) { f.Digest = other })},
		{"other size", "bin/run.sh", "has 10 bytes and not 9", change(func(f *source.File) { f.Size-- })},
		{"negative size", "bin/run.sh", "has 10 bytes and not -1", change(func(f *source.File) { f.Size = -1 })},
		{"no digest", "bin/run.sh", "is listed without a digest", change(func(f *source.File) { f.Digest = "" })},
		{"tree digest", "bin/run.sh", "is listed without a digest", change(func(f *source.File) { f.Digest = digest.OfTree(nil) })},
		{"empty list", "SKILL.md", "is not listed", func(list) list { return list{} }},
		{"twice", "SKILL.md", "is listed twice", func(l list) list { return append(l, l[0]) }},
		{"twice, other bytes", "SKILL.md", "is listed twice", func(l list) list {
			return append(l, source.File{Path: "SKILL.md", Size: l[0].Size, Digest: other})
		}},
		{"only _meta.json", "SKILL.md", "is not listed", func(list) list {
			return list{{Path: "_meta.json", Size: 2, Digest: digest.Of([]byte("{}"))}}
		}},
		{"other _meta.json", "_meta.json", "has other bytes", func(l list) list {
			return append(l, source.File{Path: "_meta.json", Size: 2, Digest: other})
		}},
		{"no path", "", "is missing", func(l list) list { return append(l, source.File{Digest: other}) }},
		{"up", "../SKILL.md", "is missing", change(func(f *source.File) { f.Path = "../SKILL.md" })},
		{"absolute", "/bin/run.sh", "is missing", change(func(f *source.File) { f.Path = "/bin/run.sh" })},
		{"backslash", `bin\run.sh`, "is missing", change(func(f *source.File) { f.Path = `bin\run.sh` })},
		{"dot", "./bin/run.sh", "is missing", change(func(f *source.File) { f.Path = "./bin/run.sh" })},
		{"case", "BIN/run.sh", "is missing", change(func(f *source.File) { f.Path = "BIN/run.sh" })},
		{"folder", "bin", "is missing", func(l list) list { return append(l, source.File{Path: "bin", Digest: other}) }},
		{"control", "\x1b[2J" + strings.Repeat("x", 1000), "is missing", change(func(f *source.File) { f.Path = "\x1b[2J" + strings.Repeat("x", 1000) })},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, h := withHub(t)
			h.put("alice", "pdf", "1.0.0").files = test.files
			e := failsAs[*install.FilesError](t, b.install(install.Options{}, "pdf")[0])
			if e.Path != test.path || e.Why != test.why {
				t.Errorf("%q %s, want %q %s", e.Path, e.Why, test.path, test.why)
			}
			if text := e.Error(); len(text) > 250 || strings.Contains(text, "\x1b") {
				t.Errorf("it says %q", text)
			}
			if b.body("claude-code", "pdf") != "" {
				t.Error("it is installed")
			}
		})
	}
}

func TestFilesThatMatch(t *testing.T) {
	b, h := withHub(t)
	h.put("alice", "pdf", "1.0.0").files = func(l []source.File) []source.File { return l }
	if got := b.one(b.install(install.Options{}, "pdf"), install.Installed); got.Trust != source.FromRegistry {
		t.Errorf("trust is %s", got.Trust)
	}
	if got := b.locked("pdf"); got.Trust != string(source.FromRegistry) {
		t.Errorf("the lock has %+v", got)
	}
	// An update is held to its own list.
	h.put("alice", "pdf", "1.1.0").files = func(l []source.File) []source.File { return l[:1] }
	failsAs[*install.FilesError](t, b.update()[0])
	// A system's own files are no skill's, and what is listed of them is not missed.
	h.put("alice", "pdf", "1.2.0").files = func(l []source.File) []source.File { return l }
	b.one(b.update(), install.Updated)
	b.sound()
}
