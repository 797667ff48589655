package archivetest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A Vector is a recipe with what a reader must make of it. Its text begins with
// "== NAME"; before the recipe stand lines that say what is expected:
//
//	want accept
//	want refuse "part of the message"
//	tree MODE PATH [CONTENT]   a file that is written, in the order of paths
//	root PATH                  the folder that is taken; none: the top
//	dropped PATH               a file that is left out
//	option slug=S path=P entries=N unpacked=N file=N download=N headers=N
type Vector struct {
	Name    string // file name, slash, title
	Accept  bool
	Refusal string // part of the message
	Tree    []File
	Root    string
	Dropped []string
	Options map[string]string
	Recipe  string
}

// A File is expected in a tree.
type File struct {
	Path    string
	Mode    string
	Content string
	Any     bool // of content
}

// Vectors reads the vectors of all *.txt files in dir, in order.
func Vectors(t testing.TB, dir string) []Vector {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var all []Vector
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		base := strings.TrimSuffix(filepath.Base(name), ".txt")
		for _, part := range strings.Split("\n"+string(text), "\n== ")[1:] {
			v, err := parseVector(base, part)
			if err != nil {
				t.Fatalf("%s: %v", v.Name, err)
			}
			all = append(all, v)
		}
	}
	return all
}

func parseVector(file, text string) (Vector, error) {
	title, rest, _ := strings.Cut(text, "\n")
	v := Vector{Name: file + "/" + title, Options: map[string]string{}}
	wanted := false
	for rest != "" {
		line, after, _ := strings.Cut(rest, "\n")
		w, err := split(line)
		if err != nil {
			return v, err
		}
		if len(w.list) == 0 || strings.HasPrefix(line, "#") {
			rest = after
			continue
		}
		args := w.list[1:]
		switch verb := w.list[0].text; verb {
		case "want":
			wanted = true
			switch {
			case len(args) == 1 && args[0].text == "accept":
				v.Accept = true
			case len(args) == 2 && args[0].text == "refuse":
				v.Refusal = args[1].text
			default:
				return v, fmt.Errorf("bad line %s", line)
			}
		case "tree":
			if len(args) < 2 {
				return v, fmt.Errorf("bad line %s", line)
			}
			f := File{Mode: args[0].text, Path: args[1].text, Any: len(args) == 2}
			c, err := (&words{list: args[2:]}).content()
			if err != nil {
				return v, err
			}
			f.Content = string(c)
			v.Tree = append(v.Tree, f)
		case "root":
			v.Root = args[0].text
		case "dropped":
			v.Dropped = append(v.Dropped, args[0].text)
		case "option":
			w.list = args
			if v.Options, err = w.options(); err != nil {
				return v, err
			}
		default:
			v.Recipe = rest
			if !wanted {
				return v, fmt.Errorf("nothing is wanted")
			}
			return v, nil
		}
		rest = after
	}
	return v, fmt.Errorf("there is no recipe")
}
