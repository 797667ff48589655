package foreign_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/openskills-go/skills/pkg/foreign"
)

// fuzz reads whatever the fuzzer makes up as the file called name.
func fuzz(f *testing.F, name string, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	path := filepath.Join(f.TempDir(), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		entries, err := foreign.Read(path)
		if err != nil && entries != nil {
			t.Error("entries, and an error besides")
		}
		checkEntries(t, entries)
	})
}

func FuzzVercelProject(f *testing.F) {
	fuzz(f, "skills-lock.json",
		`{"version":1,"skills":{"A b":{"source":"o/r","sourceType":"github","skillPath":"s/SKILL.md","ref":"v1","computedHash":"x"}}}`,
		`{"version":1,"skills":{"a":{"source":"h","sourceUrl":"https://h","sourceType":"well-known"},"..":{}}}`)
}

func FuzzVercelUser(f *testing.F) {
	fuzz(f, ".agents/.skill-lock.json",
		`{"version":3,"skills":{"a":{"source":"o/r","sourceType":"git","sourceUrl":"https://h/o/r.git","skillPath":"../x/SKILL.md"}}}`)
}

func FuzzClawhub(f *testing.F) {
	fuzz(f, ".clawhub/lock.json", `{"version":1,"skills":{"@bob/x":{"version":"1"},"y":{"ownerHandle":"o","sourceKind":"skills-sh"}}}`)
}

func FuzzAPM(f *testing.F) {
	fuzz(f, "apm.lock.yaml",
		"lockfile_version: \"1\"\ndependencies:\n  - repo_url: o/r\n    host: h\n    virtual_path: a/b\n    deployed_files:\n      - .x/skills/a/SKILL.md\n",
		"lockfile_version: 2\ndependencies: []\nlocal_deployed_files: [skills/x, ../y]\n")
}

func FuzzSkillfish(f *testing.F) {
	fuzz(f, "skillfish.json", `{"version":1,"skills":["o/r","o/r@v1/a/b","o/r/..","x"]}`)
}
