package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

func TestReferenceIsCurrent(t *testing.T) {
	const dir = "../../../../docs/cli"
	pages, err := reference(commands())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, p := range pages {
		want[p.name] = string(p.data)
	}
	got := map[string]string{}
	names, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got[filepath.Base(name)] = string(data)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/cli is not what the commands say; run make docs (-commands +docs):\n%s", diff)
	}
}

func TestWhatIsGeneratedIsReproducible(t *testing.T) {
	for name, make := range map[string]func(*cobra.Command) ([]page, error){"man": manual, "completions": completions} {
		t.Run(name, func(t *testing.T) {
			one, err := make(commands())
			if err != nil {
				t.Fatal(err)
			}
			two, err := make(commands())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(one, two, cmp.AllowUnexported(page{})); diff != "" {
				t.Errorf("two runs differ:\n%s", diff)
			}
			for _, p := range one {
				if len(p.data) == 0 {
					t.Errorf("%s is empty", p.name)
				}
			}
		})
	}
}

func TestManPagesCarryNoDate(t *testing.T) {
	pages, err := manual(commands())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		first, _, _ := bytes.Cut(p.data, []byte("\n.SH"))
		if strings.Contains(string(first), "0001") {
			t.Errorf("%s begins with %q", p.name, first)
		}
	}
}

func TestReplaceDropsPagesOfCommandsThatAreGone(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"gone.md", "kept.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := replace(dir, ".md", []page{{"here.md", []byte("x\n")}}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff([]string{"here.md", "kept.txt"}, got); diff != "" {
		t.Errorf("folder (-want +got):\n%s", diff)
	}
}
