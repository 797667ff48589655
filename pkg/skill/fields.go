package skill

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

const (
	maxDescription   = 1024 // characters, by the specification
	maxCompatibility = 500  // characters, by the specification
)

// Keys whose value we act on. A merge key must not supply them: some readers
// follow it and some do not.
var (
	knownKeys     = []string{"name", "description", "license", "compatibility", "metadata", "allowed-tools", "version"}
	knownMetadata = []string{"version", "internal"}
)

// skill reads the keys of a document. Its findings are the faults that keep an
// agent from seeing the skill, or from seeing it under its name.
func (d *document) skill() (*Skill, []Finding, *SyntaxError) {
	s := &Skill{Body: d.body}
	findings := d.repaired
	report := func(rule string, n *yaml.Node, message, fix string) {
		findings = append(findings, Finding{rule, Error, FileName, n.Line, n.Column, message, fix})
	}
	var version string
	for i := 0; i+1 < len(d.root.Content); i += 2 {
		key, at := resolve(d.root.Content[i]).Value, d.root.Content[i+1]
		value := resolve(at)
		if value == nil {
			continue
		}
		switch key {
		case "name":
			s.Name = value.Value
			if fault := checkNameSafe(at, value); fault != nil {
				return nil, nil, fault
			}
			if isNumberOrBool(value) {
				report("name-type", at, fmt.Sprintf("name %s is a %s in YAML, not text", quote(s.Name), typeOf(value)), "put it in quotes")
			}
			if !ValidName(s.Name) {
				rule, message, fix := nameFault(s.Name)
				report(rule, at, message, fix)
			}
		case "description":
			s.Description = strings.TrimSpace(textOf(value))
			switch length := utf8.RuneCountInString(s.Description); {
			case value.Kind != yaml.ScalarNode || isNumberOrBool(value):
				report("description-type", at, "description is a "+typeOf(value)+", not text", "write it as text in quotes")
			case s.Description == "":
				report("description-missing", at, "description is empty, and agents do not offer a skill without one", "say what the skill does and when to use it")
			case length > maxDescription:
				report("description-length", at, fmt.Sprintf("description is %d characters, over the limit of %d", length, maxDescription), "shorten it")
			}
		case "license":
			s.License = strings.TrimSpace(textOf(value))
		case "compatibility":
			s.Compatibility = strings.TrimSpace(textOf(value))
		case "allowed-tools":
			s.AllowedTools, _ = tools(value)
		case "version":
			version = textOf(value)
		case "metadata":
			if fault := d.metadata(s, value); fault != nil {
				return nil, nil, fault
			}
		case "<<":
			if mergesKnown(at, knownKeys, 0) {
				return nil, nil, mergeFault(d.root.Content[i])
			}
		}
	}
	s.Version = firstVersion(version, s.Metadata["version"])
	start := &yaml.Node{Line: 1, Column: 1}
	if d.find("name") == nil {
		report("name-missing", start, "name is missing", "add name: with the name of the folder")
	}
	if d.find("description") == nil {
		report("description-missing", start, "description is missing, and agents do not offer a skill without one",
			"add description: with what the skill does and when to use it")
	}
	return s, findings, nil
}

func (d *document) metadata(s *Skill, n *yaml.Node) *SyntaxError {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	s.Metadata = make(map[string]string, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]).Value, resolve(n.Content[i+1])
		if key == "<<" && mergesKnown(value, knownMetadata, 0) {
			return mergeFault(n.Content[i])
		}
		if value != nil && value.Kind == yaml.ScalarNode {
			s.Metadata[key] = textOf(value)
		}
	}
	s.Internal = s.Metadata["internal"] == "true"
	return nil
}

func mergeFault(at *yaml.Node) *SyntaxError {
	return &SyntaxError{"merge-key", at.Line, at.Column,
		"merge key << supplies a key that some readers would not see", "write the keys out"}
}

// textOf returns a scalar as it is written, without quotes, and "" for null and
// for what is no scalar.
func textOf(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

func isNumberOrBool(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag != "!!str" && n.Tag != "!!null"
}

func typeOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.SequenceNode:
		return "list"
	case n.Kind == yaml.MappingNode:
		return "map"
	case n.Tag == "!!int" || n.Tag == "!!float":
		return "number"
	case n.Tag == "!!bool":
		return "boolean"
	case n.Tag == "!!timestamp":
		return "date"
	}
	return "text"
}

// tools reads allowed-tools: text with spaces or, against the specification,
// commas between the tools, or a list. What stands in brackets, as in
// Bash(git add:*), is one tool.
func tools(n *yaml.Node) (list []string, commas bool) {
	if n.Kind == yaml.SequenceNode {
		for _, c := range n.Content {
			if c = resolve(c); c != nil && textOf(c) != "" {
				list = append(list, textOf(c))
			}
		}
		return list, false
	}
	depth := 0
	list = strings.FieldsFunc(textOf(n), func(r rune) bool {
		switch r {
		case '(':
			depth++
		case ')':
			depth = max(depth-1, 0)
		case ' ', ',', '\t', '\n':
			commas = commas || depth == 0 && r == ','
			return depth == 0
		}
		return false
	})
	return list, commas
}

// firstVersion returns the first text that looks like a version.
func firstVersion(texts ...string) string {
	for _, s := range texts {
		if looksLikeVersion(s) {
			return s
		}
	}
	return ""
}

func looksLikeVersion(s string) bool {
	digits := strings.TrimPrefix(s, "v")
	if digits == "" || len(s) > 64 || digits[0] < '0' || digits[0] > '9' {
		return false
	}
	for _, c := range []byte(digits) {
		if c != '.' && c != '+' && c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}
