package wellknown

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
)

const (
	maxFiles = 1000 // of one skill
	maxPath  = 1024 // bytes
	atOnce   = 4    // files of one skill that are fetched at a time
)

// readLoose reads an entry of version 0.1, or says why it cannot be used. The
// files are in a folder beside the index that is called like the skill.
func (x *index) readLoose(it item) (*entry, string) {
	e, why := newEntry(it)
	if why != "" {
		return nil, why
	}
	e.kind = loose
	if json.Unmarshal(it["files"], &e.files) != nil {
		return nil, "its files are no list of texts"
	}
	if len(e.files) > maxFiles {
		return nil, fmt.Sprintf("it has %d files, and at most %d are fetched", len(e.files), maxFiles)
	}
	for i, name := range e.files {
		name = strings.TrimPrefix(name, "./")
		if why := badPath(name); why != "" {
			return nil, "its file " + quote(name) + " " + why
		}
		e.files[i] = name
	}
	slices.Sort(e.files)
	e.files = slices.Compact(e.files)
	main := slices.IndexFunc(e.files, isSkillFile)
	if main < 0 {
		return nil, "it has no " + skill.FileName + " among its files"
	}
	e.url = x.fileURL(e, e.files[main])
	return e, ""
}

func isSkillFile(name string) bool { return strings.EqualFold(name, skill.FileName) }

// badPath says why a path must not be asked for, or "". What else is wrong with
// one, packing it says.
func badPath(name string) string {
	switch {
	case name == "":
		return "is empty"
	case len(name) > maxPath:
		return "is too long"
	case strings.HasPrefix(name, "/"):
		return "is absolute"
	case strings.Contains(name, `\`), !utf8.ValidString(name), strings.ContainsFunc(name, unicode.IsControl):
		return "has characters that no path should have"
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return "leads elsewhere"
		}
	}
	return ""
}

// fileURL returns the address of a file.
func (x *index) fileURL(e *entry, name string) string {
	return x.url.ResolveReference(&url.URL{Path: e.name + "/" + name}).String()
}

// fetchLoose fetches the files of an entry, all of them or none, and packs them.
func (r *Registry) fetchLoose(ctx context.Context, x *index, e *entry, dst source.Sink) (source.Receipt, error) {
	bodies := make([]fileSink, len(e.files))
	all := &budget{limit: r.limits.Download}
	g, groupCtx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, name := range e.files {
		bodies[i].all = all
		g.Go(func() error {
			_, err := r.client.Download(groupCtx, x.fileURL(e, name), transport.GetOptions{
				Limit: min(r.limits.File, r.limits.Download), Via: r.base.String(), RefusePages: !isPage(name),
			}, &bodies[i])
			if err != nil {
				return fmt.Errorf("file %s: %w", quote(name), meaning(err))
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return source.Receipt{}, err
	}
	files := make(map[string][]byte, len(e.files))
	for i, name := range e.files {
		if isSkillFile(name) {
			name = skill.FileName
		}
		if _, twice := files[name]; twice {
			return source.Receipt{}, &archive.UnsafeError{Entry: name, Why: "occurs twice"}
		}
		files[name] = bodies[i].data
	}
	return source.Receipt{URL: e.url, Version: e.version, Repacked: true}, pack(ctx, dst, files)
}

// isPage reports whether a file may be a web page for good reason.
func isPage(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".html", ".htm", ".xhtml", ".svg", ".xml":
		return true
	}
	return false
}

// pack makes an archive of files in dst, in place of what was there.
func pack(ctx context.Context, dst source.Sink, files map[string][]byte) error {
	if err := dst.Restart(""); err != nil {
		return fmt.Errorf("write artifact: %w", err)
	}
	_, err := archive.PackFiles(ctx, dst, files)
	return err
}

// A budget is what the files of a skill may come to together.
type budget struct {
	limit int64
	used  atomic.Int64
}

// A fileSink holds one of several files.
type fileSink struct {
	data []byte
	tag  string
	all  *budget
}

func (s *fileSink) Write(p []byte) (int, error) {
	if used := s.all.used.Add(int64(len(p))); used > s.all.limit {
		return 0, &archive.LimitError{What: "bytes of files", Limit: s.all.limit, Got: used, Flag: "--max-download"}
	}
	s.data = append(s.data, p...)
	return len(p), nil
}

func (s *fileSink) Offset() int64     { return int64(len(s.data)) }
func (s *fileSink) Validator() string { return s.tag }

func (s *fileSink) Restart(validator string) error {
	s.all.used.Add(-int64(len(s.data)))
	s.data, s.tag = nil, validator
	return nil
}
