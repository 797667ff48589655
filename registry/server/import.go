package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/skill"
)

// ReadDraft reads a skill that lies on the disk, a folder with a SKILL.md or an
// archive of one, as something to publish. Its slug is the name of the folder or
// file, which is another for each of several skills, if it can be one; else the name
// in the SKILL.md.
func ReadDraft(ctx context.Context, path string) (Draft, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Draft{}, err
	}
	d := Draft{}
	if info.IsDir() {
		if d.Files, d.Executable, err = readFolder(ctx, path); err != nil {
			return Draft{}, err
		}
	} else {
		if info.Size() > archive.DefaultLimits().Download {
			return Draft{}, fmt.Errorf("%s is larger than %d bytes", path, archive.DefaultLimits().Download)
		}
		if d.Archive, err = os.ReadFile(path); err != nil {
			return Draft{}, err
		}
	}
	base := strings.ToLower(filepath.Base(path))
	for _, suffix := range []string{".zip", ".tar.gz", ".tgz", ".tar"} {
		base = strings.TrimSuffix(base, suffix)
	}
	if d.Slug = base; !skill.ValidName(base) {
		if name := nameIn(ctx, d); skill.ValidName(name) {
			d.Slug = name
		}
	}
	return d, nil
}

// nameIn returns the name that the SKILL.md of a draft says, or "".
func nameIn(ctx context.Context, d Draft) string {
	data := d.Files[skill.FileName]
	if d.Archive != nil {
		r := strings.NewReader(string(d.Archive))
		data, _ = archive.ReadFile(ctx, io.NewSectionReader(r, 0, r.Size()), skill.FileName, archive.Options{Slug: d.Slug})
	}
	s, _, err := skill.Parse(data)
	if err != nil {
		return "" // it is said when it is published
	}
	return s.Name
}

// readFolder reads the files of a folder. What is no regular file is an error, and
// what a repository or a system keeps beside a skill is left out.
func readFolder(ctx context.Context, dir string) (map[string][]byte, map[string]bool, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = root.Close() }()
	files, x := map[string][]byte{}, map[string]bool{}
	total, limits := int64(0), archive.DefaultLimits()
	err = fs.WalkDir(root.FS(), ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if e.IsDir() {
			if name := e.Name(); path != "." && (name == ".git" || name == "__MACOSX" || name == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		if e.Name() == ".DS_Store" {
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is no regular file", path)
		}
		if total += info.Size(); total > limits.Unpacked || len(files) >= limits.Entries {
			return errors.New("the folder holds more than a skill may")
		}
		files[path], err = root.ReadFile(path)
		x[path] = info.Mode()&0o100 != 0
		return err
	})
	return files, x, err
}
