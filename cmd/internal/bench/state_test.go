package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestChangedSeesEveryKindOfWrite(t *testing.T) {
	past := time.Now().Add(-time.Hour)
	for _, tc := range []struct {
		name  string
		write func(dir string) error
		want  []string
	}{
		{"nothing", func(string) error { return nil }, nil},
		{"other bytes, same size and time", func(dir string) error {
			name := filepath.Join(dir, "sub", "a")
			if err := os.WriteFile(name, []byte("y"), 0o644); err != nil {
				return err
			}
			return os.Chtimes(name, past, past)
		}, []string{"sub/a"}},
		{"same bytes, written again", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "sub", "a"), []byte("x"), 0o644)
		}, []string{"sub/a"}},
		{"a file that came and went", func(dir string) error {
			name := filepath.Join(dir, "sub", "b")
			if err := os.WriteFile(name, nil, 0o644); err != nil {
				return err
			}
			return os.Remove(name)
		}, []string{"sub"}},
		{"a mode", func(dir string) error {
			return os.Chmod(filepath.Join(dir, "sub", "a"), 0o600)
		}, []string{"sub/a"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			sub := filepath.Join(dir, "sub")
			if err := os.Mkdir(sub, 0o755); err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(sub, "a")
			if err := os.WriteFile(name, []byte("x"), 0o644); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{name, sub, dir} {
				if err := os.Chtimes(path, past, past); err != nil {
					t.Fatal(err)
				}
			}
			before, err := state(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := tc.write(dir); err != nil {
				t.Fatal(err)
			}
			after, err := state(dir)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, path := range changed(before, after) {
				rel, err := filepath.Rel(dir, path)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, filepath.ToSlash(rel))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("changed (-want +got):\n%s", diff)
			}
		})
	}
}
