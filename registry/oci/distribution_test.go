//go:build registries

package oci_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/sourcetest"
	"github.com/openskills-go/skills/registry/oci"
)

// startDistribution runs the registry of SKILLS_DISTRIBUTION, the program of the
// distribution project, on a port of this machine, and returns its host.
func startDistribution(t *testing.T) string {
	t.Helper()
	program := os.Getenv("SKILLS_DISTRIBUTION")
	if program == "" {
		t.Fatal("SKILLS_DISTRIBUTION must name the registry program of github.com/distribution/distribution/v3; .ci/run registries builds it")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: info, formatter: json}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: \"127.0.0.1:0\"}\n", filepath.Join(dir, "data"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "serve", config)
	cmd.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = cmd.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	listening := regexp.MustCompile(`listening on (127\.0\.0\.1:\d+)`)
	said := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said += lines.Text() + "\n"
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			go func() {
				for lines.Scan() { // it must not block on what nobody reads
				}
			}()
			return found[1]
		}
	}
	t.Fatalf("it does not listen:\n%s", said)
	return ""
}

// What the registry in memory takes and gives, the one that most others are made
// of does, too.
func TestDistribution(t *testing.T) {
	host := startDistribution(t)
	at := func(name string) ref.Ref {
		r, err := ref.Parse("oci://" + host + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	src := open(t)
	var last *oci.Pushed
	for _, tag := range []string{"1.0.0", "1.1.0_build.7", "2.0.0-rc.1", "latest"} {
		var err error
		if last, err = src.Push(t.Context(), files(skillText+tag), at("o/pdf:"+tag), oci.PushOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := src.Push(t.Context(), files(skillText), at("o/pdf:1.0.0"), oci.PushOptions{}); !isA[*oci.TagTakenError](err) {
		t.Errorf("a tag that is taken: %v", err)
	}
	if again, err := src.Push(t.Context(), files(skillText+"latest"), at("o/pdf:latest"), oci.PushOptions{}); err != nil || !again.Unchanged {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	if moved, err := src.Push(t.Context(), files(skillText+"1"), at("o/pdf:1.0.0"), oci.PushOptions{ReplaceTag: true}); err != nil || moved.Replaced == "" {
		t.Errorf("a tag that moves: %+v, %v", moved, err)
	}
	sourcetest.Run(t, func(t *testing.T) source.Source { return open(t) }, sourcetest.Expect{
		Found: at("o/pdf"), Name: "pdf", Tree: last.Tree,
		Versioned: at("o/pdf"), Versions: []string{"1.0.0", "1.1.0+build.7", "2.0.0-rc.1"},
		Picks:   map[string]string{"^1": "1.1.0+build.7", "1.0.0": "1.0.0", "^3": ""},
		Missing: at("o/none"), Foreign: ref.Ref{Kind: ref.Dir, Path: "x"},
	})

	// The forms of others, and a collection, as they are pushed by oras.
	s := &server{t: t, host: host}
	flat := gz(tarOf(t, "", skillText))
	shared := s.push("o/toolhive", mediaLayer, flat)
	var entries []item
	for _, arch := range []string{"amd64", "arm64"} {
		m := s.skill("o/toolhive", "dev.toolhive.skills.v1", mediaImage, []item{shared}, map[string]string{"arch": arch})
		entries = append(entries, with(m, "platform", item{"os": "linux", "architecture": arch}))
	}
	s.pushJSON("o/toolhive", mediaIndex, item{"artifactType": "dev.toolhive.skills.v1", "manifests": entries}, "latest")
	if p, err := src.Resolve(t.Context(), at("o/toolhive"), ""); err != nil || p.Size != int64(len(flat)) {
		t.Errorf("ToolHive's index: %+v, %v", p, err)
	}
	one, two := s.usual("o/many", skillText+"1"), s.usual("o/many", skillText+"2")
	s.pushJSON("o/many", mediaIndex, item{"artifactType": "application/vnd.agentskills.collection.v1", "manifests": []item{one, two}}, "latest")
	list, err := src.List(t.Context(), at("o/many"))
	if err != nil || len(list) != 2 {
		t.Fatalf("a collection: %+v, %v", list, err)
	}
	if p, err := src.Resolve(t.Context(), list[0].Ref, ""); err != nil {
		t.Errorf("one of a collection: %v", err)
	} else if _, err := src.Fetch(t.Context(), p, new(sourcetest.Sink)); err != nil {
		t.Errorf("one of a collection: %v", err)
	}
	if _, err := src.Resolve(t.Context(), at("o/many"), ""); !errors.Is(err, source.ErrAmbiguous) {
		t.Errorf("all of a collection: %v", err)
	}
}
