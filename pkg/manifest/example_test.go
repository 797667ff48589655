package manifest_test

import (
	"fmt"

	"github.com/openskills-go/skills/pkg/manifest"
)

func ExampleManifest_Add() {
	m, err := manifest.Parse([]byte("# for the API work\nskills:\n  pdf: acme:pdf   # 2.0 needs another licence\n"))
	if err != nil {
		panic(err)
	}
	if err := m.Add("pdf", "acme:pdf@^1.2"); err != nil {
		panic(err)
	}
	if err := m.Add("backend-architect", "sickn33-skills-backend-architect"); err != nil {
		panic(err)
	}
	fmt.Print(string(m.Bytes()))
	// Output:
	// # for the API work
	// skills:
	//   pdf: acme:pdf@^1.2   # 2.0 needs another licence
	//   backend-architect: sickn33-skills-backend-architect
}
