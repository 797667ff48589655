package site

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
)

// A Line is one version of a skill, in its index.
type Line struct {
	Version string   `json:"v"`
	Tree    string   `json:"h1,omitempty"`
	Zip     *Zip     `json:"zip,omitempty"`
	Summary string   `json:"desc,omitempty"`
	License string   `json:"license,omitempty"`
	Time    int64    `json:"t"` // seconds since 1970
	Log     int64    `json:"log"`
	Yanked  bool     `json:"yanked,omitempty"`
	Reason  string   `json:"reason,omitempty"` // why it is yanked
	Gone    bool     `json:"gone,omitempty"`   // it was deleted or removed: only its number is left
	Tags    []string `json:"tags,omitempty"`
}

// A Zip is an artifact.
type Zip struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

func (s *Site) index(ctx context.Context, n catalog.Name) (File, error) {
	k, err := s.Catalog.Find(ctx, n)
	if err != nil {
		return File{}, err
	}
	all, err := s.Catalog.AllVersions(ctx, k)
	if err != nil {
		return File{}, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for _, v := range all {
		if err := e.Encode(lineOf(k, v)); err != nil {
			return File{}, err
		}
	}
	return File{Data: b.Bytes(), Type: "application/x-ndjson", Cache: Minute}, nil
}

func lineOf(k meta.Skill, v meta.Version) Line {
	l := Line{Version: v.Version, Time: v.Created.Unix(), Log: v.Log}
	if catalog.Lost(v) {
		l.Gone = true
		return l
	}
	l.Tree, l.Zip, l.Summary, l.License = string(v.Tree), &Zip{v.Artifact.Hex(), v.Size}, v.Description, v.License
	if v.Yanked {
		l.Yanked, l.Reason = true, v.YankReason
	}
	for tag, number := range k.Tags {
		if number == v.Version {
			l.Tags = append(l.Tags, tag)
		}
	}
	slices.Sort(l.Tags)
	return l
}

// An Entry is a skill in the catalogue, or in the list of an owner.
type Entry struct {
	Owner   string `json:"owner,omitempty"`
	Slug    string `json:"name"`
	Version string `json:"version"`
	Summary string `json:"description"`
}

func (s *Site) owner(ctx context.Context, owner string) (File, error) {
	var answer struct {
		Skills []Entry `json:"skills"`
	}
	for k, err := range s.skills(ctx, owner) {
		if err != nil {
			return File{}, err
		}
		answer.Skills = append(answer.Skills, Entry{Slug: k.Slug, Version: k.Latest, Summary: k.Summary})
	}
	if answer.Skills == nil {
		return File{}, &catalog.NotFoundError{What: "owner", Name: owner}
	}
	return encoded(answer, Minute)
}

// skills yields the skills of an owner, or ("") of all, that have a version.
func (s *Site) skills(ctx context.Context, owner string) func(yield func(meta.Skill, error) bool) {
	return func(yield func(meta.Skill, error) bool) {
		for q := (meta.ListQuery{Owner: owner, Limit: 200}); ; {
			list, next, err := s.Catalog.List(ctx, q)
			if err != nil {
				yield(meta.Skill{}, err)
				return
			}
			for _, k := range list {
				if !yield(k, nil) {
					return
				}
			}
			if q.Cursor = next; next == "" {
				return
			}
		}
	}
}

// catalogue returns all skills, by owner and slug.
func (s *Site) catalogue(ctx context.Context, name string) (File, error) {
	switch name {
	case "head.json":
		size, err := s.Catalog.LogSize(ctx)
		if err != nil {
			return File{}, err
		}
		return encoded(map[string]any{"log_size": size, "names": "names.txt.zst", "snapshot": "full.ndjson.zst"}, Moment)
	case "names.txt.zst", "full.ndjson.zst":
	default:
		return File{}, &catalog.NotFoundError{What: "file", Name: "catalog/" + name}
	}
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))
	if err != nil {
		return File{}, err
	}
	e := json.NewEncoder(z)
	for k, err := range s.skills(ctx, "") {
		if err == nil && name == "names.txt.zst" {
			_, err = z.Write([]byte(k.Owner + "/" + k.Slug + "\n"))
		} else if err == nil {
			err = e.Encode(Entry{k.Owner, k.Slug, k.Latest, k.Summary})
		}
		if err != nil {
			return File{}, err
		}
	}
	if err := z.Close(); err != nil {
		return File{}, err
	}
	return File{Data: b.Bytes(), Type: "application/zstd", Cache: Minute}, nil
}

// A scope is whose skills an index of the RFC lists.
type scope struct {
	owner, slug string
	at          string // the path that the index is below
	featured    bool
}

const (
	schema         = "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
	maxListed      = 200 // of an owner; clients download all that is listed
	maxDescription = 1024
)

type listed struct {
	Name        string   `json:"name"`
	Type        string   `json:"type,omitempty"`
	Description string   `json:"description"`
	URL         string   `json:"url,omitempty"`
	Digest      string   `json:"digest,omitempty"`
	Version     string   `json:"version,omitempty"`
	Tree        string   `json:"h1,omitempty"`
	Size        int64    `json:"size,omitempty"`
	Files       []string `json:"files,omitempty"`
}

// wellKnown returns an index of the RFC, or a file that one of version 0.1.0 lists.
func (s *Site) wellKnown(ctx context.Context, in scope, path string) (File, error) {
	missing := &catalog.NotFoundError{What: "file", Name: path}
	rest, old := strings.CutPrefix(path, ".well-known/skills/")
	if !old && path != ".well-known/agent-skills/index.json" {
		return File{}, missing
	}
	skills, err := s.scoped(ctx, in)
	if err != nil {
		return File{}, err
	}
	if len(skills) == 0 || len(skills) > maxListed {
		return File{}, missing
	}
	if old && rest != "index.json" {
		name, file, _ := strings.Cut(rest, "/")
		i := slices.IndexFunc(skills, func(k meta.Skill) bool { return k.Slug == name })
		if i < 0 {
			return File{}, missing
		}
		v, err := s.Catalog.Select(ctx, skills[i], catalog.Want{})
		if err != nil {
			return File{}, err
		}
		data, f, err := s.Catalog.File(ctx, v, file)
		return File{Data: data, Type: plain(f.ContentType), Cache: Revisit}, err
	}
	answer := struct {
		Schema string   `json:"$schema,omitempty"`
		Skills []listed `json:"skills"`
	}{}
	if !old {
		answer.Schema = schema
	}
	for _, k := range skills {
		l, err := s.list(ctx, in, k, old)
		if err != nil {
			return File{}, err
		}
		answer.Skills = append(answer.Skills, l)
	}
	f, err := encoded(answer, Revisit)
	f.Type = "application/json"
	return f, err
}

// plain is a type that no browser runs.
func plain(kind string) string {
	if strings.HasPrefix(kind, "text/") && kind != "text/html" && kind != "text/javascript" {
		return kind + "; charset=utf-8"
	}
	return typeData
}

func (s *Site) scoped(ctx context.Context, in scope) (skills []meta.Skill, err error) {
	names := []catalog.Name{{Owner: in.owner, Slug: in.slug}}
	if in.featured {
		names = nil
		for _, f := range s.Featured {
			owner, slug, _ := strings.Cut(f, "/")
			names = append(names, catalog.Name{Owner: owner, Slug: slug})
		}
	} else if in.slug == "" {
		for k, err := range s.skills(ctx, in.owner) {
			if err != nil {
				return nil, err
			}
			if skills = append(skills, k); len(skills) > maxListed {
				break
			}
		}
		return skills, nil
	}
	for _, n := range names {
		k, err := s.Catalog.Find(ctx, n)
		if err != nil && !in.featured {
			return nil, err
		}
		if err == nil && k.Latest != "" {
			skills = append(skills, k)
		}
	}
	return skills, nil
}

func (s *Site) list(ctx context.Context, in scope, k meta.Skill, old bool) (listed, error) {
	v, err := s.Catalog.Select(ctx, k, catalog.Want{})
	if err != nil {
		return listed{}, err
	}
	l := listed{Name: k.Slug, Description: strings.ToValidUTF8(v.Description[:min(len(v.Description), maxDescription)], "")}
	files, err := s.Catalog.Files(ctx, v)
	if err != nil {
		return listed{}, err
	}
	if old {
		for _, f := range files {
			l.Files = append(l.Files, f.Path)
		}
		return l, nil
	}
	// Up to the root of the site, relative, so that it may be anywhere.
	up := "../../" + strings.Repeat("../", strings.Count(in.at, "/")+1)
	if in.at == "" {
		up = "../../"
	}
	l.Version, l.Tree = v.Version, string(v.Tree)
	if l.Type = "archive"; len(files) == 1 {
		l.Type, l.URL, l.Digest, l.Size = "skill-md", up+k.Owner+"/"+k.Slug+"/"+v.Version+"/SKILL.md", string(files[0].Digest), files[0].Size
		return l, nil
	}
	l.URL, l.Digest, l.Size = up+k.Owner+"/"+k.Slug+"/"+v.Version+".zip", string(v.Artifact), v.Size
	return l, nil
}

// Listed returns the paths, relative to it, that an index of version 0.1.0 names.
func Listed(index File) (paths []string, err error) {
	var answer struct {
		Skills []listed `json:"skills"`
	}
	if err := json.Unmarshal(index.Data, &answer); err != nil {
		return nil, err
	}
	for _, l := range answer.Skills {
		for _, f := range l.Files {
			paths = append(paths, l.Name+"/"+f)
		}
	}
	return paths, nil
}
