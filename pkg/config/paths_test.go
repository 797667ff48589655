package config

import (
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/adrg/xdg"
	"github.com/google/go-cmp/cmp"
)

// processEnv gives the process a home and no XDG variables for one test.
func processEnv(t *testing.T, home string) {
	t.Helper()
	for _, name := range []string{"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	xdg.Reload()
	t.Cleanup(xdg.Reload)
}

func TestFindPathsSkillsHome(t *testing.T) {
	home := abs(t, "one place")
	got, err := FindPaths(environ(map[string]string{"SKILLS_HOME": home}))
	if err != nil {
		t.Fatal(err)
	}
	want := Paths{
		Config: filepath.Join(home, "config"), Data: filepath.Join(home, "data"),
		State: filepath.Join(home, "state"), Cache: filepath.Join(home, "cache"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, relative := range []string{".", "x", "~/x"} {
		p, err := FindPaths(environ(map[string]string{"SKILLS_HOME": relative}))
		var env *EnvError
		if !errors.As(err, &env) || env.Variable != "SKILLS_HOME" || p != (Paths{}) {
			t.Errorf("SKILLS_HOME=%s: got %+v, %v", relative, p, err)
		}
	}
}

func TestFindPathsXDG(t *testing.T) {
	home := filepath.Join(t.TempDir(), "a home with spaces")
	processEnv(t, home)
	vars := map[string]string{"HOME": home, "USERPROFILE": home, "XDG_CONFIG_HOME": abs(t, "conf"), "XDG_DATA_HOME": "relative"}
	p, err := FindPaths(environ(vars))
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(abs(t, "conf"), "skills"); p.Config != want {
		t.Errorf("config is %s, want %s", p.Config, want)
	}
	for _, dir := range []string{p.Data, p.State, p.Cache} {
		if !filepath.IsAbs(dir) || filepath.Base(dir) != "skills" {
			t.Errorf("%q is not a folder of this program", dir)
		}
	}
	if runtime.GOOS == "linux" {
		want := Paths{Config: p.Config, Data: home + "/.local/share/skills", State: home + "/.local/state/skills", Cache: home + "/.cache/skills"}
		if diff := cmp.Diff(want, p); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		// Another home than that of the process.
		vars["HOME"] = "/other"
		if p, err := FindPaths(environ(vars)); err != nil || p.Data != "/other/.local/share/skills" {
			t.Errorf("another home: got %s, %v", p.Data, err)
		}
	}
}

// Without a home nothing is put into the root or the current folder.
func TestFindPathsWithoutHome(t *testing.T) {
	for _, home := range []string{"", ".", "relative/home", "~"} {
		t.Run(home, func(t *testing.T) {
			processEnv(t, home)
			vars := map[string]string{"HOME": home, "USERPROFILE": home, "XDG_CACHE_HOME": abs(t, "cache")}
			p, err := FindPaths(environ(vars))
			if !errors.Is(err, ErrNoHome) || !strings.Contains(err.Error(), "HOME") && runtime.GOOS != "windows" {
				t.Errorf("got %v", err)
			}
			if want := (Paths{Cache: filepath.Join(abs(t, "cache"), "skills")}); p != want {
				t.Errorf("got %+v, want %+v", p, want)
			}
			for _, path := range []string{p.Settings(), p.Manifest(), p.Lock(), p.Store(), p.Backups()} {
				if path != "" {
					t.Errorf("%q would be in the current folder", path)
				}
			}
			if p.HTTP() == "" {
				t.Error("a folder that is known is missing")
			}
			delete(vars, "XDG_CACHE_HOME")
			vars["SKILLS_HOME"] = abs(t, "one")
			if _, err := FindPaths(environ(vars)); err != nil {
				t.Errorf("SKILLS_HOME needs no home, but: %v", err)
			}
		})
	}
}
