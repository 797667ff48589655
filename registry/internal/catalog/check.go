package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/tree"
	"github.com/openskills-go/skills/registry/internal/fingerprint"
	"github.com/openskills-go/skills/registry/internal/meta"
	"github.com/openskills-go/skills/registry/oci"
)

// A bundle is the files of a draft, checked and in every form that the registry
// serves.
type bundle struct {
	skill *skill.Skill
	files []meta.File
	tree  digest.Digest
	size  int64 // of all files
	data  map[string][]byte

	artifact                []byte
	image                   *oci.Image
	fingerprint, textFinger string
}

// check holds a draft to what every client will hold it to, and packs it.
func (c *Catalog) check(ctx context.Context, d Draft) (*bundle, error) {
	files, x := d.Files, d.Executable
	if d.Archive != nil {
		taken := taken{files: map[string][]byte{}, x: map[string]bool{}}
		_, err := archive.Unpack(ctx, bytes.NewReader(d.Archive), int64(len(d.Archive)), &taken, archive.Options{Limits: c.limits, Slug: d.Slug})
		if err != nil {
			return nil, refused("archive", err)
		}
		files, x = taken.files, taken.x
	}
	// At the root, and nowhere else: what was packed here is what unpacks there.
	if _, ok := files[skill.FileName]; !ok {
		return nil, &InvalidError{What: "files", Faults: []string{"there is no SKILL.md at the top"}}
	}
	var b bytes.Buffer
	packed, err := archive.PackModes(ctx, &b, files, x, c.limits)
	if err != nil {
		return nil, refused("files", err)
	}
	if packed.Root != "" {
		return nil, &InvalidError{What: "files", Faults: []string{"they are in a folder of their own"}}
	}
	// The same check that a client makes, of the very bytes that it gets.
	again, err := archive.Unpack(ctx, bytes.NewReader(b.Bytes()), int64(b.Len()), nil, archive.Options{Limits: c.limits})
	if err != nil {
		return nil, refused("files", err)
	}
	out := &bundle{artifact: b.Bytes(), tree: digestOf(packed.Tree)}
	if digestOf(again.Tree) != out.tree {
		return nil, errors.New("pack files: what unpacks is not what was packed")
	}
	if out.skill, err = checkSkill(packed.Skill); err != nil {
		return nil, err
	}
	out.data = make(map[string][]byte, len(packed.Tree.Files))
	for _, f := range packed.Tree.Files {
		if hidden := hiddenIn(files[f.Path]); hidden != "" {
			return nil, &InvalidError{What: f.Path, Faults: []string{"holds text that people do not see: " + hidden}}
		}
		out.data[f.Path] = files[f.Path]
		out.size += f.Size
		out.files = append(out.files, meta.File{
			Path: f.Path, Size: f.Size, Digest: digest.FromSum(f.Sum), ContentType: contentType(f.Path), Executable: f.Mode&0o100 != 0,
		})
	}
	out.fingerprint, out.textFinger = fingerprint.Of(out.data), fingerprint.OfText(out.data)
	return out, nil
}

func digestOf(t tree.Tree) digest.Digest {
	files := make([]digest.File, len(t.Files))
	for i, f := range t.Files {
		files[i] = digest.File{Path: f.Path, Sum: f.Sum}
	}
	return digest.OfTree(files)
}

// checkSkill reads the SKILL.md as strictly as clients do, and wants what indexes
// of skills must say.
func checkSkill(data []byte) (*skill.Skill, error) {
	s, _, err := skill.Parse(data)
	if err != nil {
		return nil, &InvalidError{What: skill.FileName, Faults: []string{err.Error()}}
	}
	if hidden := hiddenIn(data); hidden != "" {
		return nil, &InvalidError{What: skill.FileName, Faults: []string{"holds text that people do not see: " + hidden}}
	}
	var faults []string
	if strings.TrimSpace(s.Name) == "" {
		faults = append(faults, "has no name")
	}
	if strings.TrimSpace(s.Description) == "" {
		faults = append(faults, "has no description")
	}
	if faults != nil {
		return nil, &InvalidError{What: skill.FileName, Faults: faults}
	}
	return s, nil
}

// refused makes the error about what was sent one of this package. What went wrong
// here stays what it is.
func refused(what string, err error) error {
	if errors.Is(err, archive.ErrRefused) {
		return &InvalidError{What: what, Faults: []string{err.Error()}, Err: err}
	}
	return fmt.Errorf("check %s: %w", what, err)
}

// contentType tells the type of a file by its name alone, and not by the tables of
// the system, so that it is the same everywhere.
func contentType(name string) string {
	ext := strings.ToLower(path.Ext(name))
	for kind, list := range map[string]string{
		"text/markdown":    " .md .markdown ",
		"text/plain":       " .txt .py .sh .bash .rb .go .rs .ts .tsx .jsx .toml .ini .cfg .sql .lua .pl .r .c .h .cpp .java ",
		"application/yaml": " .yaml .yml ",
		"application/json": " .json ",
		"text/csv":         " .csv ",
		"text/html":        " .html .htm ",
		"text/css":         " .css ",
		"text/javascript":  " .js .mjs .cjs ",
		"application/xml":  " .xml .xsd ",
		"image/svg+xml":    " .svg ",
		"image/png":        " .png ",
		"image/jpeg":       " .jpg .jpeg ",
		"image/gif":        " .gif ",
		"image/webp":       " .webp ",
		"application/pdf":  " .pdf ",
	} {
		if ext != "" && strings.Contains(list, " "+ext+" ") {
			return kind
		}
	}
	return "application/octet-stream"
}

// taken is the tree that an archive holds, in memory. The limits of the archive
// bound it.
type taken struct {
	files map[string][]byte
	x     map[string]bool
}

func (t *taken) Mkdir(string) error { return nil }

func (t *taken) Create(path string, mode fs.FileMode) (io.WriteCloser, error) {
	t.x[path] = mode&0o100 != 0
	return &takenFile{tree: t, path: path}, nil
}

type takenFile struct {
	bytes.Buffer
	tree *taken
	path string
}

func (f *takenFile) Close() error {
	f.tree.files[f.path] = f.Bytes()
	return nil
}
