package skill

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A document is front matter as YAML nodes, of which the root is a map, and which
// have no reading but one.
type document struct {
	frontMatter
	root     *yaml.Node
	repaired []Finding // values that were taken as text though YAML does not
}

// load takes a SKILL.md apart and decodes its front matter.
func load(data []byte) (*document, *SyntaxError) {
	front, fault := split(data)
	if fault != nil {
		return nil, fault
	}
	if looksTOML(front.yaml) {
		return nil, &SyntaxError{"front-matter-toml", 2, 1, "front matter is TOML, not YAML", "write name: value, not name = value"}
	}
	doc := &document{frontMatter: front}
	root, err := decode(front.yaml)
	if err != nil || splitText(root) {
		// Text with an unquoted colon is the one fault of YAML that is common, and
		// that has only one meaning. Any other is reported as it is.
		if text, repairs := repair(front.yaml); len(repairs) > 0 {
			if again, err2 := decode(text); err2 == nil && !splitText(again) {
				root, err, doc.repaired = again, nil, repairs
			}
		}
	}
	if err != nil {
		return nil, yamlFault(err, front.yaml)
	}
	if fault := checkRoot(root); fault != nil {
		return nil, fault
	}
	doc.root = root
	check := structure{}
	return doc, check.walk(root, 1)
}

// find returns the value of a key of the root as it stands there, or nil.
func (d *document) find(key string) *yaml.Node {
	for i := 0; i+1 < len(d.root.Content); i += 2 {
		if resolve(d.root.Content[i]).Value == key {
			return d.root.Content[i+1]
		}
	}
	return nil
}

// limits bounds what the YAML parser builds before we see any of it.
type limits struct{}

// CheckDepth fails where a list or a map is nested too deep.
func (limits) CheckDepth(depth int, _ *yaml.DepthContext) error {
	if depth > maxDepth {
		return errDepth
	}
	return nil
}

// CheckAlias never fails: aliases are counted, and never expanded.
func (limits) CheckAlias(_, _ int) error { return nil }

var errDepth = fmt.Errorf("nested deeper than %d", maxDepth)

// decode returns the root of the YAML document in front.
func decode(front []byte) (*yaml.Node, error) {
	var n yaml.Node
	if err := yaml.Load(front, &n, yaml.WithPlugin(limits{})); err != nil {
		return nil, err
	}
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		return n.Content[0], nil
	}
	return &n, nil
}

func checkRoot(root *yaml.Node) *SyntaxError {
	if root.Kind == yaml.MappingNode {
		return nil
	}
	fault := &SyntaxError{Rule: "front-matter-type", Line: max(root.Line, 1), Column: max(root.Column, 1),
		Fix: "write one key: value on a line"}
	switch {
	case root.Kind == yaml.SequenceNode:
		fault.Message = "front matter is a list, not a map of keys and values"
	case root.Kind == yaml.ScalarNode && root.Tag == "!!null" && root.Value == "":
		fault.Line, fault.Column = 1, 1
		fault.Rule, fault.Message, fault.Fix = "front-matter-empty", "front matter is empty", "add name: and description:"
	default:
		fault.Message = "front matter is plain text, not a map of keys and values"
	}
	return fault
}

// looksTOML says whether the first line of front matter assigns with = or opens
// a table. No map in YAML begins so.
func looksTOML(front []byte) bool {
	_, rest, ok := cutLine(front)
	for ok {
		var line []byte
		line, rest, ok = cutLine(rest)
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		key, _, assigns := bytes.Cut(line, []byte("="))
		key = bytes.TrimRight(key, " \t")
		if assigns && len(key) > 0 && !bytes.ContainsAny(key, " :'\"{[") {
			return true
		}
		return line[0] == '[' && line[len(line)-1] == ']' && !bytes.ContainsAny(line, ",: ")
	}
	return false
}

// A structure checks that nodes mean the same to every reader of YAML.
type structure struct{ aliases int }

func (c *structure) walk(n *yaml.Node, depth int) *SyntaxError {
	fault := func(rule, message, fix string) *SyntaxError {
		return &SyntaxError{rule, n.Line, n.Column, message, fix}
	}
	if depth > maxDepth+1 {
		return fault("depth", "front matter is "+errDepth.Error(), "flatten it")
	}
	if n.Style&yaml.TaggedStyle != 0 && !coreTag(n.Tag) {
		return fault("tag", "tag "+quote(n.Tag)+" is not allowed", "delete the tag")
	}
	switch {
	case n.Kind == yaml.AliasNode:
		if c.aliases++; c.aliases > maxAliases {
			return fault("aliases", fmt.Sprintf("front matter has more than %d aliases", maxAliases), "write the values out")
		}
		return nil
	case n.Kind == yaml.ScalarNode && n.Style&yaml.DoubleQuotedStyle != 0:
		return hiddenByEscape(n)
	case n.Kind == yaml.MappingNode:
		if fault := uniqueKeys(n); fault != nil {
			return fault
		}
	}
	for _, child := range n.Content {
		if fault := c.walk(child, depth+1); fault != nil {
			return fault
		}
	}
	return nil
}

// coreTag says whether an explicit tag changes nothing but the type of a value.
// Others make some readers decode it or build an object of it.
func coreTag(tag string) bool {
	switch tag {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq":
		return true
	}
	return false
}

// hiddenByEscape refuses text that is hidden twice: as an escape sequence it is
// not in the bytes that a Scanner sees, and agents are given it decoded.
func hiddenByEscape(n *yaml.Node) *SyntaxError {
	var s Scanner
	_, _ = s.Write([]byte(n.Value))
	for _, h := range s.Findings() {
		if h.Block {
			return &SyntaxError{"hidden-text", n.Line, n.Column,
				fmt.Sprintf("value holds hidden text, %U and after", h.Rune), "delete it"}
		}
	}
	return nil
}

// uniqueKeys refuses a map with a key that is no text or that comes twice:
// readers differ in which of the two they take.
func uniqueKeys(n *yaml.Node) *SyntaxError {
	var seen map[string]bool
	if len(n.Content) > 2*16 { // comparing few keys is cheaper than a map
		seen = make(map[string]bool, len(n.Content)/2)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := resolve(n.Content[i])
		at := n.Content[i]
		if key == nil || key.Kind != yaml.ScalarNode {
			return &SyntaxError{"key-type", at.Line, at.Column, "key is not text", "write one key: value on a line"}
		}
		duplicate := seen[key.Value]
		if seen != nil {
			seen[key.Value] = true
		} else {
			for j := 0; j < i && !duplicate; j += 2 {
				duplicate = resolve(n.Content[j]).Value == key.Value
			}
		}
		if duplicate {
			return &SyntaxError{"duplicate-key", at.Line, at.Column, "key " + quote(key.Value) + " comes twice", "delete one of the two"}
		}
	}
	return nil
}

// resolve returns what an alias stands for, and any other node itself.
func resolve(n *yaml.Node) *yaml.Node {
	for range maxAliases {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

// mergesKnown says whether what follows a merge key supplies one of the known
// keys, directly or through merges of its own.
func mergesKnown(n *yaml.Node, known []string, depth int) bool {
	if depth > maxAliases {
		return true // a merge of itself
	}
	n = resolve(n)
	if n == nil {
		return false
	}
	if n.Kind == yaml.SequenceNode {
		return slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return mergesKnown(c, known, depth+1) })
	}
	if n.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := resolve(n.Content[i]).Value
		if slices.Contains(known, key) || key == "<<" && mergesKnown(n.Content[i+1], known, depth+1) {
			return true
		}
	}
	return false
}

// yamlFault explains an error of the YAML parser, whose words few authors know.
func yamlFault(err error, front []byte) *SyntaxError {
	const quoteIt = "put the value in quotes"
	fault := &SyntaxError{"yaml", 1, 1, "front matter is not valid YAML", "check quotes and indentation"}
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		return fault
	}
	mark := load.Mark
	what := load.Message
	if strings.Contains(what, "unexpected end of stream") && load.ContextMark.Line > 0 {
		mark = load.ContextMark // where the quote was opened, not where the text ran out
	}
	fault.Line, fault.Column = max(mark.Line, 1), max(mark.Column, 1)
	line := lineAt(front, fault.Line)
	indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]

	switch {
	case bytes.IndexByte(indent, '\t') >= 0:
		fault.Rule, fault.Message, fault.Fix = "tab", "tab in the indentation", "indent with spaces"
		fault.Column = bytes.IndexByte(indent, '\t') + 1
	case strings.Contains(what, "mapping values are not allowed"):
		fault.Message, fault.Fix = "colon inside unquoted text", quoteIt
	case strings.Contains(what, "single document"):
		fault.Message, fault.Fix = "front matter holds a second document", "delete lines that begin with ... or ---"
		fault.Line, fault.Column = secondDocument(front), 1
	case strings.Contains(what, "unexpected end of stream"):
		fault.Message, fault.Fix = "quote is not closed", `close it, and write a quote inside it as \" or ''`
	case strings.Contains(what, "cannot start any token"):
		fault.Message, fault.Fix = "value begins with a character that YAML reserves", quoteIt
	case strings.Contains(what, "unknown anchor"):
		fault.Message, fault.Fix = "value begins with *, an alias in YAML", quoteIt
	case strings.Contains(what, "did not find expected key"):
		fault.Message, fault.Fix = "text after a closed value, or a line with other indentation", "align the keys, and put the whole value in quotes"
	case strings.Contains(what, "expected <document start>"):
		fault.Message, fault.Fix = "line has another indentation than the keys above", "align the keys"
	case strings.Contains(what, "did not find expected ','"):
		fault.Message, fault.Fix = "bracket is not closed", "close it, or put the value in quotes"
	case strings.Contains(what, errDepth.Error()):
		fault.Rule, fault.Message, fault.Fix = "depth", "front matter is "+errDepth.Error(), "flatten it"
	default:
		if what = quote(what); len(what) > 2 {
			fault.Message += ": " + what[1:len(what)-1]
		}
	}
	return fault
}

func lineAt(data []byte, number int) []byte {
	var line []byte
	for range number {
		line, data, _ = cutLine(data)
	}
	return line
}

// secondDocument returns the line of the marker that ends the first document.
func secondDocument(front []byte) int {
	_, rest, ok := cutLine(front)
	for number := 2; ok; number++ {
		var line []byte
		line, rest, ok = cutLine(rest)
		if bytes.HasPrefix(line, []byte("...")) || bytes.HasPrefix(line, fence) {
			return number
		}
	}
	return 1
}
