package skill

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxBodyLines is what the specification recommends for the instructions.
const maxBodyLines = 500

// Validate holds a SKILL.md to the whole specification, and returns its faults in
// the order of the file. The name of the folder that it is in is not checked if
// dirName is "".
func Validate(dirName string, data []byte) []Finding {
	v := validator{data: data}
	v.hiddenText()
	if doc, fault := load(data); fault != nil {
		v.findings = append(v.findings, fault.finding())
	} else if s, findings, fault := doc.skill(); fault != nil {
		v.findings = append(v.findings, fault.finding())
	} else {
		v.findings = append(v.findings, findings...)
		v.document(doc)
		v.folder(doc, s.Name, dirName)
	}
	slices.SortStableFunc(v.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return v.findings
}

type validator struct {
	data     []byte
	findings []Finding
}

func (v *validator) report(severity Severity, rule string, n *yaml.Node, message, fix string) {
	v.findings = append(v.findings, Finding{rule, severity, FileName, n.Line, n.Column, message, fix})
}

// hiddenText reports what a Scanner finds.
func (v *validator) hiddenText() {
	v.findings = append(v.findings, ValidateFile(FileName, v.data)...)
}

// ValidateFile returns what is wrong with the bytes of any file of a skill, by its
// slash path: text that people do not see, which an install refuses or warns of.
func ValidateFile(path string, data []byte) []Finding {
	var s Scanner
	_, _ = s.Write(data)
	var findings []Finding
	for _, h := range s.Findings() {
		severity := Warning
		if h.Block {
			severity = Error
		}
		line, column := position(data, int(h.Offset))
		findings = append(findings, Finding{"hidden-text", severity, path, line, column, h.String(), "delete it"})
	}
	return findings
}

// document reports what breaks the specification without changing whether and
// how an agent sees the skill; the rest is reported by document.skill.
func (v *validator) document(doc *document) {
	start := &yaml.Node{Line: 1, Column: 1}
	if doc.bom {
		v.report(Warning, "byte-order-mark", start, "file begins with a byte order mark, behind which some agents see no front matter", "save it without")
	}
	if i := bytes.Index(doc.yaml[len(fence):], fence); i >= 0 {
		line, column := position(doc.yaml, len(fence)+i)
		v.report(Warning, "front-matter-dashes", &yaml.Node{Line: line, Column: column},
			"front matter holds ---, where some agents end it", "use another dash")
	}
	for i := 0; i+1 < len(doc.root.Content); i += 2 {
		key, value := doc.root.Content[i], resolve(doc.root.Content[i+1])
		if value != nil {
			v.field(resolve(key).Value, key, doc.root.Content[i+1], value)
		}
	}
	body := bytes.TrimSpace(doc.body)
	if len(body) == 0 {
		v.report(Warning, "body-empty", start, "no instructions follow the front matter", "write them")
	}
	if lines := bytes.Count(body, []byte("\n")) + 1; lines > maxBodyLines {
		v.report(Warning, "body-length", start, fmt.Sprintf("instructions are %d lines, over the %d that the specification recommends", lines, maxBodyLines),
			"move details into files of their own, under references/")
	}
}

// folder checks that the name is that of the folder. A name that is not valid is
// reported already.
func (v *validator) folder(doc *document, name, dirName string) {
	if dirName == "" || name == dirName || !ValidName(name) {
		return
	}
	at := doc.find("name")
	fix := "rename the folder to " + name
	if ValidName(dirName) {
		fix += ", or write name: " + dirName
	}
	v.report(Error, "name-folder", at, "name "+quote(name)+" is not that of the folder, "+quote(dirName), fix)
}

// field checks one key, at key, whose value stands at at and is value.
func (v *validator) field(name string, key, at, value *yaml.Node) {
	switch name {
	case "name": // document.skill checks it
	case "description": // it checks this too, but not what YAML did not give it
		if at.LineComment != "" && value.Style == 0 {
			v.report(Warning, "description-comment", at, "description ends before a #, which begins a comment", "put it in quotes")
		}
	case "license":
		v.text(name, at, value)
	case "compatibility":
		v.text(name, at, value)
		if n := utf8.RuneCountInString(textOf(value)); n > maxCompatibility {
			v.report(Error, "compatibility-length", at, fmt.Sprintf("compatibility is %d characters, over the limit of %d", n, maxCompatibility), "shorten it")
		}
	case "allowed-tools":
		const fix = "write the tools on one line, with spaces between them"
		if value.Kind != yaml.ScalarNode || isNumberOrBool(value) {
			v.report(Error, "allowed-tools-type", at, "allowed-tools is a "+typeOf(value)+", not text", fix)
		} else if _, commas := tools(value); commas {
			v.report(Warning, "allowed-tools-comma", at, "allowed-tools has commas between the tools", fix)
		}
	case "metadata":
		v.metadata(at, value)
	default:
		fix := "put it under metadata"
		if near := strings.ReplaceAll(strings.ToLower(name), "_", "-"); near != name && slices.Contains(knownKeys, near) {
			fix = "write " + near
		}
		v.report(Warning, "unknown-key", key, "key "+quote(name)+" is not in the specification", fix)
	}
}

func (v *validator) text(name string, at, value *yaml.Node) {
	switch {
	case value.Kind != yaml.ScalarNode || isNumberOrBool(value):
		v.report(Error, name+"-type", at, name+" is a "+typeOf(value)+", not text", "write it as text in quotes")
	case strings.TrimSpace(textOf(value)) == "":
		v.report(Error, name+"-empty", at, name+" is empty", "delete it")
	}
}

// metadata checks that it maps text to text. Values without quotes that YAML
// takes for numbers are common, and read as text by most agents.
func (v *validator) metadata(at, value *yaml.Node) {
	if value.Kind != yaml.MappingNode {
		v.report(Error, "metadata-type", at, "metadata is not a map", "write one key: value on a line, indented")
		return
	}
	for i := 0; i+1 < len(value.Content); i += 2 {
		key, at, value := value.Content[i], value.Content[i+1], resolve(value.Content[i+1])
		switch {
		case value == nil:
		case value.Kind != yaml.ScalarNode:
			v.report(Error, "metadata-type", at, "metadata "+quote(resolve(key).Value)+" is a "+typeOf(value)+", not text", "write it as text in quotes")
		case isNumberOrBool(value):
			v.report(Warning, "metadata-type", at, "metadata "+quote(resolve(key).Value)+" is a "+typeOf(value)+" in YAML, not text", "put it in quotes")
		}
	}
}
