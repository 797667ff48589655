package registry_test

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/version"
)

// The sample registry is what people see first: its skills hold the whole
// specification, and its scripts can be run.
func TestSample(t *testing.T) {
	const most = 120_000
	var size int64
	skills := 0
	err := fs.WalkDir(os.DirFS(sample), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path.Join(sample, name))
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		size += int64(len(data))
		switch {
		case path.Base(name) == skill.FileName:
			skills++
			checkSample(t, name, data)
		case strings.HasPrefix(string(data), "#!") != (info.Mode()&0o100 != 0):
			t.Errorf("%s begins like a script or can be run, but not both", name)
		}
		if !strings.HasSuffix(string(data), "\n") {
			t.Errorf("%s does not end with a line", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if skills < 12 || size > most {
		t.Errorf("%d skills in %d bytes", skills, size)
	}
}

func checkSample(t *testing.T, name string, data []byte) {
	t.Helper()
	parsed, _, err := skill.Parse(data)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	for _, f := range skill.Validate(parsed.Name, data) {
		t.Errorf("%s: %v", name, f)
	}
	dir := path.Dir(name)
	if version.Valid(path.Base(dir)) {
		dir = path.Dir(dir)
	}
	slug, _, _ := strings.Cut(dir, "@")
	if !strings.HasSuffix(slug, parsed.Name) {
		t.Errorf("%s: the slug %s does not end with the name %s", name, slug, parsed.Name)
	}
	// What a skill tells an agent to read must be there.
	for word := range strings.FieldsFuncSeq(string(data), func(c rune) bool { return strings.ContainsRune(" `\n(),:;。，", c) }) {
		folder, _, ok := strings.Cut(word, "/")
		if !ok || folder != "references" && folder != "scripts" && folder != "assets" {
			continue
		}
		if _, err := os.Stat(path.Join(sample, path.Dir(name), word)); err != nil {
			t.Errorf("%s: names %s, which is not there", name, word)
		}
	}
}
