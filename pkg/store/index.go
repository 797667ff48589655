package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/openskills-go/skills/pkg/digest"
)

// A Record is what a line of the index says: that a registry served an artifact
// for a skill, and what is in it.
type Record struct {
	Registry     string
	Owner        string
	Slug         string
	Locale       string
	Version      string
	Artifact     digest.Digest
	Tree         digest.Digest
	ETag         string
	LastModified string
}

const fields = 9

// indexLimit bounds the index; past it only the last half of that is kept.
const indexLimit = 16 << 20

func (r Record) key() string {
	return strings.Join([]string{r.Registry, r.Owner, r.Slug, r.Locale, r.Version}, "\t")
}

func (r Record) line() string {
	return r.key() + "\t" + strings.Join([]string{string(r.Artifact), string(r.Tree), r.ETag, r.LastModified}, "\t") + "\n"
}

func (s *Store) index() string { return filepath.Join(s.dir, "index.tsv") }

// Remember adds records to the index in one write, after which other processes
// see all of them. A record with a tab or a line break in it is left out. When
// the index has grown large its older part is dropped, and with it perhaps what
// another process adds in that moment.
func (s *Store) Remember(records []Record) error {
	var b bytes.Buffer
	for _, r := range records {
		line := r.line()
		if strings.Count(line, "\t") == fields-1 && strings.IndexByte(line, '\n') == len(line)-1 {
			b.WriteString(line)
		}
	}
	if b.Len() == 0 || s.dir == "" {
		return nil
	}
	f, err := os.OpenFile(s.index(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	_, err = f.Write(b.Bytes())
	info, serr := f.Stat()
	if err := errors.Join(err, serr, f.Close()); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	if info.Size() > indexLimit {
		return s.shorten()
	}
	return nil
}

// shorten replaces an index that is too long by what is read of it.
func (s *Store) shorten() error {
	data, err := s.readIndex()
	if err != nil {
		return err
	}
	f, err := s.temporaryFile()
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.index())
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("shorten index: %w", err)
	}
	return nil
}

// readIndex returns the lines of the index, of one that is too long the last.
func (s *Store) readIndex() ([]byte, error) {
	f, err := os.Open(s.index())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	from := int64(0)
	if info.Size() > indexLimit {
		from = info.Size() - indexLimit/2
	}
	data := make([]byte, info.Size()-from)
	n, err := f.ReadAt(data, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read index: %w", err)
	}
	data = data[:n]
	if from > 0 {
		// What the first line lacks might make another record of it.
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	return data, nil
}

// Records returns the index, in which a later record about the same version of
// the same skill replaces an earlier one. Lines that are damaged are passed
// over. A store without an index remembers nothing.
func (s *Store) Records() (*Index, error) {
	if s.dir == "" {
		return &Index{}, nil
	}
	data, err := s.readIndex()
	if err != nil {
		return nil, err
	}
	x := &Index{byKey: map[string]Record{}, byTree: map[digest.Digest]digest.Digest{}, latest: map[string]Record{}}
	for line := range bytes.Lines(data) {
		x.add(string(line))
	}
	return x, nil
}

// An Index is what a store remembers. The zero value remembers nothing.
type Index struct {
	byKey  map[string]Record
	latest map[string]Record
	byTree map[digest.Digest]digest.Digest
}

func (x *Index) add(line string) {
	f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
	if len(f) != fields || !strings.HasSuffix(line, "\n") {
		return
	}
	artifact, aerr := digest.Parse(f[5])
	tree, terr := digest.Parse(f[6])
	if aerr != nil || terr != nil {
		return
	}
	r := Record{f[0], f[1], f[2], f[3], f[4], artifact, tree, f[7], f[8]}
	x.byKey[r.key()] = r
	r.Version = ""
	x.latest[r.key()] = r
	x.byTree[tree] = artifact
}

// Version returns what was seen for one version of a skill.
func (x *Index) Version(registry, owner, slug, locale, version string) (Record, bool) {
	r, ok := x.byKey[Record{Registry: registry, Owner: owner, Slug: slug, Locale: locale, Version: version}.key()]
	return r, ok
}

// Latest returns what was seen last for a skill, whatever its version; the
// Version of the record is empty.
func (x *Index) Latest(registry, owner, slug, locale string) (Record, bool) {
	r, ok := x.latest[Record{Registry: registry, Owner: owner, Slug: slug, Locale: locale}.key()]
	return r, ok
}

// Artifact returns the artifact in which a tree was seen last.
func (x *Index) Artifact(tree digest.Digest) (digest.Digest, bool) {
	d, ok := x.byTree[tree]
	return d, ok
}
