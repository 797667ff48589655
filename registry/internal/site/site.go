// Package site is a registry as files: what a server answers to those who only
// read, and what any web server, bucket or folder is a registry with.
//
//	config.json                                   what this is
//	index/{2}/{2}/{owner}/{slug}.ndjson           the versions of a skill, oldest first
//	blobs/sha256/{2}/{hex} [.proof]               artifacts, and the proof that the log has them
//	{owner}/{slug}/{version}.zip, …/SKILL.md      the same by name
//	{owner}[/{slug}]/.well-known/agent-skills/…   the Agent Skills Discovery RFC, 0.2.0
//	{owner}@{slug}/.well-known/…                  the same
//	…/.well-known/skills/…                        the same, 0.1.0
//	owners/{2}/{owner}.json                       the skills of an owner
//	catalog/names.txt.zst, full.ndjson.zst        all skills
//	catalog/head.json                             of what state of the log that is
//	log/checkpoint, log/tile/…                    the log of what was published
//
// {2}/{2} are the first four digits of the SHA-256 of the owner, in hexadecimal.
// There is no index for searches: the catalogue is read once and searched by
// whoever has it.
package site

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/translog"
)

// Protocol names this layout in config.json.
const Protocol = "skills-registry/1"

// How long an answer may be kept without asking again.
const (
	Forever = "public, max-age=31536000, immutable" // its name is its digest
	Minute  = "public, max-age=60, stale-while-revalidate=600"
	Moment  = "public, max-age=5"
	Revisit = "no-cache"
)

// A File is one of a site.
type File struct {
	Data  []byte
	Blob  digest.Digest // instead of Data: this one
	Type  string
	Cache string
	Skill int64 // whose artifact it is; 0 if it is none
}

// A Site is a registry as files. Its methods may be called at once.
type Site struct {
	Catalog  *catalog.Catalog
	Log      *translog.Log
	Name     string
	Featured []string // owner/slug of the skills in the index of the whole registry; none: there is no such index
}

const (
	typeJSON = "application/json; charset=utf-8"
	typeText = "text/plain; charset=utf-8"
	typeZip  = "application/zip"
	typeMark = "text/markdown; charset=utf-8"
	typeData = "application/octet-stream"
)

// Render returns the file with a path. Its error is one of package catalog.
func (s *Site) Render(ctx context.Context, path string) (File, error) {
	missing := &catalog.NotFoundError{What: "file", Name: path}
	first, rest, _ := strings.Cut(path, "/")
	switch first {
	case "config.json":
		if rest == "" {
			return s.config(ctx)
		}
	case "index":
		parts := strings.Split(rest, "/")
		if len(parts) == 4 && IndexPath(parts[2], strings.TrimSuffix(parts[3], ".ndjson")) == path {
			return s.index(ctx, catalog.Name{Owner: parts[2], Slug: strings.TrimSuffix(parts[3], ".ndjson")})
		}
	case "blobs":
		return s.blob(ctx, path)
	case "owners":
		if owner, ok := strings.CutSuffix(rest[strings.LastIndexByte(rest, '/')+1:], ".json"); ok && OwnerPath(owner) == path {
			return s.owner(ctx, owner)
		}
	case "catalog":
		return s.catalogue(ctx, rest)
	case "log":
		return s.log(ctx, rest)
	case ".well-known":
		if len(s.Featured) > 0 {
			return s.wellKnown(ctx, scope{featured: true}, path)
		}
	default:
		return s.owned(ctx, path)
	}
	return File{}, missing
}

// owned returns what is below an owner.
func (s *Site) owned(ctx context.Context, path string) (File, error) {
	missing := &catalog.NotFoundError{What: "file", Name: path}
	if before, after, ok := strings.Cut(path, "/.well-known/"); ok {
		owner, slug, both := strings.Cut(before, "@")
		if !both {
			owner, slug, both = strings.Cut(before, "/")
		}
		if owner == "" || both && slug == "" || strings.Contains(slug, "/") {
			return File{}, missing
		}
		return s.wellKnown(ctx, scope{owner: owner, slug: slug, at: before}, ".well-known/"+after)
	}
	parts := strings.Split(path, "/")
	var number string
	switch {
	case len(parts) == 3 && strings.HasSuffix(parts[2], ".zip"):
		number = strings.TrimSuffix(parts[2], ".zip")
	case len(parts) == 4 && parts[3] == "SKILL.md":
		number = parts[2]
	default:
		return File{}, missing
	}
	k, err := s.Catalog.Find(ctx, catalog.Name{Owner: parts[0], Slug: parts[1]})
	if err != nil {
		return File{}, err
	}
	v, err := s.Catalog.Select(ctx, k, catalog.Want{Version: number})
	if err != nil {
		return File{}, err
	}
	if len(parts) == 3 {
		return File{Blob: v.Artifact, Type: typeZip, Cache: Revisit, Skill: k.ID}, nil
	}
	data, _, err := s.Catalog.File(ctx, v, "SKILL.md")
	return File{Data: data, Type: typeMark, Cache: Revisit}, err
}

func shard(owner string) (string, string) {
	sum := sha256.Sum256([]byte(owner))
	text := hex.EncodeToString(sum[:2])
	return text[:2], text[2:]
}

// IndexPath is where the versions of a skill are.
func IndexPath(owner, slug string) string {
	a, b := shard(owner)
	return "index/" + a + "/" + b + "/" + owner + "/" + slug + ".ndjson"
}

// OwnerPath is where the skills of an owner are.
func OwnerPath(owner string) string {
	a, _ := shard(owner)
	return "owners/" + a + "/" + owner + ".json"
}

// BlobPath is where a blob is.
func BlobPath(d digest.Digest) string { return "blobs/sha256/" + d.Hex()[:2] + "/" + d.Hex() }

func (s *Site) blob(ctx context.Context, path string) (File, error) {
	name, proof := strings.CutSuffix(path[strings.LastIndexByte(path, '/')+1:], ".proof")
	d, err := digest.Parse("sha256:" + name)
	if err != nil || BlobPath(d) != strings.TrimSuffix(path, ".proof") {
		return File{}, &catalog.NotFoundError{What: "blob", Name: path}
	}
	v, err := s.Catalog.ByArtifact(ctx, d)
	if err != nil {
		return File{}, err
	}
	if !proof {
		return File{Blob: d, Type: typeZip, Cache: Forever, Skill: v.Skill}, nil
	}
	data, err := s.Log.Proof(ctx, v.Log)
	return File{Data: data, Type: typeText, Cache: Minute}, err
}

func (s *Site) config(ctx context.Context) (File, error) {
	key, err := s.Log.Key(ctx)
	if err != nil {
		return File{}, err
	}
	type log struct {
		Origin string `json:"origin"`
		Key    string `json:"vkey"`
		URL    string `json:"url"`
	}
	return encoded(struct {
		Protocol string `json:"protocol"`
		Name     string `json:"name"`
		Index    string `json:"index"`
		Blobs    string `json:"blobs"`
		Owners   string `json:"owners"`
		Catalog  string `json:"catalog"`
		Log      log    `json:"log"`
		Auth     bool   `json:"auth"`
	}{Protocol, s.Name, "index/", "blobs/", "owners/", "catalog/", log{s.Log.Origin, key, "log/"}, false}, Minute)
}

func encoded(v any, cache string) (File, error) {
	data, err := json.Marshal(v)
	return File{Data: append(data, '\n'), Type: typeJSON, Cache: cache}, err
}

func (s *Site) log(ctx context.Context, path string) (File, error) {
	f := File{Type: typeText, Cache: Moment}
	var err error
	if tile, ok := strings.CutPrefix(path, "tile/"); ok {
		if f.Type, f.Cache = typeData, Minute; !strings.Contains(tile, ".p/") {
			f.Cache = Forever // it is full
		}
		f.Data, err = s.Log.Tile(ctx, tile)
	} else if path == "checkpoint" {
		f.Data, err = s.Log.Checkpoint(ctx)
	} else {
		err = translog.ErrNone
	}
	if errors.Is(err, translog.ErrNone) {
		err = &catalog.NotFoundError{What: "file", Name: "log/" + path}
	}
	return f, err
}
