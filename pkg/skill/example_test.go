package skill_test

import (
	"fmt"

	"github.com/openskills-go/skills/pkg/skill"
)

func ExampleParse() {
	s, findings, err := skill.Parse([]byte(`---
name: pdf
description: Use when: the user has a PDF.
metadata:
  version: 1.0
---
Read the file.
`))
	fmt.Println(s.Name, s.Version, err)
	for _, f := range findings {
		fmt.Println(f.Severity, f)
	}
	// Output:
	// pdf 1.0 <nil>
	// warning SKILL.md:3:22: colon inside unquoted text (fix: put the value of description in quotes)
}

func ExampleValidate() {
	for _, f := range skill.Validate("pdf-tools", []byte("---\nname: PDF_Tools\n---\nRead the file.\n")) {
		fmt.Println(f)
	}
	// Output:
	// SKILL.md:1:1: description is missing, and agents do not offer a skill without one (fix: add description: with what the skill does and when to use it)
	// SKILL.md:2:7: name "PDF_Tools" has characters other than a-z, 0-9 and - (fix: name: pdf-tools)
}

func ExampleScanner() {
	var s skill.Scanner
	_, _ = fmt.Fprint(&s, "Read the page.\U000e0063\U000e0075\U000e0072\U000e006c")
	for _, h := range s.Findings() {
		fmt.Println(h.Block, h)
	}
	// Output:
	// true U+E0063 at byte 14 and 3 more: invisible tag characters that spell "curl"
}
