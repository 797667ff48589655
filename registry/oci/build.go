package oci

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/tree"
	"github.com/openskills-go/skills/pkg/version"
)

// An artifact is a skill as it is pushed: three blobs, of which the manifest
// names the others. Equal files make equal bytes.
type artifact struct {
	name, version string
	tree          tree.Tree

	config, layer, manifest []byte
}

// A settings blob is the configuration of an artifact.
type settings struct {
	SchemaVersion string            `json:"schemaVersion"`
	Name          string            `json:"name"`
	Version       string            `json:"version,omitempty"`
	Description   string            `json:"description"`
	License       string            `json:"license,omitempty"`
	Compatibility string            `json:"compatibility,omitempty"`
	AllowedTools  []string          `json:"allowedTools"`
	Metadata      map[string]string `json:"metadata"`
}

// A pushed manifest has its fields in the order of the specification.
type pushedManifest struct {
	SchemaVersion int                `json:"schemaVersion"`
	MediaType     string             `json:"mediaType"`
	ArtifactType  string             `json:"artifactType"`
	Config        pushedDescriptor   `json:"config"`
	Layers        []pushedDescriptor `json:"layers"`
	Annotations   map[string]string  `json:"annotations"`
}

type pushedDescriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      digest.Digest     `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

func describe(mediaType string, data []byte) pushedDescriptor {
	return pushedDescriptor{MediaType: mediaType, Digest: digest.Of(data), Size: int64(len(data))}
}

// describeFolder describes a layer that is a folder, in the words by which oras pull
// makes one of it.
func describeFolder(name string, data []byte) pushedDescriptor {
	d := describe(typeLayer, data)
	d.Annotations = map[string]string{"org.opencontainers.image.title": name, "io.deis.oras.content.unpack": "true"}
	return d
}

// A NameError says that a skill cannot be pushed by the name that it has.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return "the name " + quote(e.Name) + " in SKILL.md is not valid"
}

// build makes the blobs of the skill in fsys but for the manifest, which needs to
// know the version.
func build(ctx context.Context, fsys fs.FS, limit int64) (*artifact, *skill.Skill, error) {
	// What Pack refuses no one could install.
	packed, err := archive.Pack(ctx, io.Discard, fsys)
	if err != nil {
		return nil, nil, fmt.Errorf("pack: %w", err)
	}
	parsed, _, err := skill.Parse(packed.Skill)
	if err != nil {
		return nil, nil, fmt.Errorf("read SKILL.md: %w", err)
	}
	if !skill.ValidName(parsed.Name) {
		return nil, nil, &NameError{Name: parsed.Name}
	}
	a := &artifact{name: parsed.Name, tree: packed.Tree}
	if v := strings.TrimPrefix(parsed.Version, "v"); version.Valid(v) {
		a.version = v
	}
	var layer bytes.Buffer
	if err := writeLayer(ctx, &layer, disk{fsys}, packed, a.name); err != nil {
		return nil, nil, fmt.Errorf("pack: %w", err)
	}
	a.layer = layer.Bytes()
	if size := int64(len(a.layer)); size > limit {
		return nil, nil, &archive.LimitError{What: "artifact", Got: size, Limit: limit}
	}
	return a, parsed, nil
}

// writeLayer writes the files below a folder of the skill's name, as a tar.gz
// that depends on nothing else.
func writeLayer(ctx context.Context, w io.Writer, fsys opener, packed *archive.Result, name string) error {
	files := map[string]*tree.File{} // by name in the tar; nil for a folder
	for i, f := range packed.Tree.Files {
		at := name + "/" + f.Path
		files[at] = &packed.Tree.Files[i]
		for dir := path.Dir(at); dir != "."; dir = path.Dir(dir) {
			files[dir+"/"] = nil
		}
	}
	compressed := gzip.NewWriter(w)
	out := tar.NewWriter(compressed)
	for _, at := range slices.Sorted(maps.Keys(files)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		h := &tar.Header{Typeflag: tar.TypeDir, Name: at, Mode: 0o755, ModTime: time.Unix(0, 0)}
		f := files[at]
		if f != nil {
			h.Typeflag, h.Mode, h.Size = tar.TypeReg, int64(f.Mode.Perm()), f.Size
		}
		if err := out.WriteHeader(h); err != nil {
			return err
		}
		if f == nil {
			continue
		}
		if err := writeFile(out, fsys, path.Join(packed.Root, f.Path), f); err != nil {
			return fmt.Errorf("read %s: %w", quote(f.Path), err)
		}
	}
	return errors.Join(out.Close(), compressed.Close())
}

var errChanged = errors.New("file changed while it was packed")

func writeFile(w io.Writer, fsys opener, name string, want *tree.File) error {
	f, err := fsys.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, h), io.LimitReader(f, want.Size))
	if err != nil {
		return err
	}
	var one [1]byte
	if more, _ := f.Read(one[:]); more > 0 || n != want.Size || [32]byte(h.Sum(nil)) != want.Sum {
		return errChanged
	}
	return nil
}

// finish adds the configuration and the manifest.
func (a *artifact) finish(s *skill.Skill, o PushOptions) error {
	config := settings{
		SchemaVersion: "1", Name: s.Name, Version: a.version, Description: s.Description, License: s.License,
		Compatibility: s.Compatibility, AllowedTools: s.AllowedTools, Metadata: s.Metadata,
	}
	if config.AllowedTools == nil {
		config.AllowedTools = []string{}
	}
	if config.Metadata == nil {
		config.Metadata = map[string]string{}
	}
	created := o.Created
	if created.IsZero() {
		created = time.Unix(0, 0)
	}
	annotations := map[string]string{
		"org.opencontainers.image.created":     created.UTC().Format(time.RFC3339),
		"org.opencontainers.image.title":       s.Name,
		"org.opencontainers.image.version":     a.version,
		"org.opencontainers.image.description": s.Description,
		"org.opencontainers.image.licenses":    s.License,
		"org.opencontainers.image.source":      o.Source,
		"org.opencontainers.image.revision":    o.Revision,
		"io.agentskills.skill.name":            s.Name,
		"io.agentskills.skill.compatibility":   s.Compatibility,
	}
	maps.DeleteFunc(annotations, func(_, v string) bool { return v == "" })
	var err error
	if a.config, err = encode(config); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	a.manifest, err = encode(pushedManifest{
		SchemaVersion: 2, MediaType: mediaManifest, ArtifactType: typeSkill, Config: describe(typeConfig, a.config),
		Layers: []pushedDescriptor{describeFolder(a.name, a.layer)}, Annotations: annotations,
	})
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return nil
}

// encode is JSON without the escapes that are for web pages.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
