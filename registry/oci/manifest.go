package oci

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// Bounds of what a registry may make us do for one reference.
const (
	maxManifest = 4 << 20 // bytes, which is also what registries accept
	maxEntries  = 1000    // manifests in an index
	maxPlatform = 16      // manifests of one skill
	maxNesting  = 3       // of indexes
)

// The types of artifacts, configurations and layers that skills have. Those in
// use and not written here are accepted for their layer.
const (
	typeSkill      = "application/vnd.agentskills.skill.v1"
	typeConfig     = "application/vnd.agentskills.skill.config.v1+json"
	typeLayer      = "application/vnd.agentskills.skill.content.v1.tar+gzip"
	typeCollection = "application/vnd.agentskills.collection.v1"
	typeToolHive   = "dev.toolhive.skills.v1" // also of an index, of one skill for each platform
)

// The media types of manifests.
const (
	mediaManifest       = "application/vnd.oci.image.manifest.v1+json"
	mediaIndex          = "application/vnd.oci.image.index.v1+json"
	mediaDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	mediaDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	mediaImageConfig    = "application/vnd.oci.image.config.v1+json"
	mediaDockerConfig   = "application/vnd.docker.container.image.v1+json"
)

func isManifestType(mediaType string) bool {
	return mediaType == mediaManifest || mediaType == mediaDockerManifest || isIndexType(mediaType)
}

func isIndexType(mediaType string) bool {
	return mediaType == mediaIndex || mediaType == mediaDockerList
}

// A descriptor points to content. Its texts are untrusted.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	URLs         []string          `json:"urls"`
	ArtifactType string            `json:"artifactType"`
	Annotations  map[string]string `json:"annotations"`
	Platform     *struct {
		OS           string `json:"os"`
		Architecture string `json:"architecture"`
	} `json:"platform"`

	sum digest.Digest // checked, once it is chosen
}

// A manifest is that of an image, or an index of manifests.
type manifest struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType"`
	Config       descriptor        `json:"config"`
	Layers       []descriptor      `json:"layers"`
	Manifests    []descriptor      `json:"manifests"`
	Annotations  map[string]string `json:"annotations"`

	digest digest.Digest // of its bytes
	raw    []byte
}

// parseManifest reads a manifest that was sent as mediaType; "" if it does not
// say what it is elsewhere than in itself.
func parseManifest(data []byte, mediaType string) (*manifest, error) {
	m := &manifest{digest: digest.Of(data), raw: data}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, &AnswerError{Why: "the manifest is not the JSON of one"}
	}
	switch {
	case m.Layers != nil && m.Manifests != nil:
		// What it is would be up to the reader (CVE-2021-41190).
		return nil, &AnswerError{Why: "the manifest is that of an image and an index in one"}
	case mediaType == "" && m.MediaType == "" && m.Manifests != nil:
		mediaType = mediaIndex
	case mediaType == "" && m.MediaType == "":
		mediaType = mediaManifest
	}
	mediaType = cmp.Or(mediaType, m.MediaType)
	switch {
	case m.MediaType != "" && m.MediaType != mediaType:
		return nil, &AnswerError{Why: "the manifest was sent as " + quote(mediaType) + ", and calls itself " + quote(m.MediaType)}
	case !isManifestType(mediaType):
		return nil, &AnswerError{Why: "it is a " + quote(mediaType) + ", and no manifest"}
	case isIndexType(mediaType) && m.Layers != nil || !isIndexType(mediaType) && m.Manifests != nil:
		return nil, &AnswerError{Why: "the manifest is not what its type says"}
	case len(m.Manifests) > maxEntries:
		return nil, &AnswerError{Why: fmt.Sprintf("the index has more than %d entries", maxEntries)}
	}
	m.MediaType = mediaType
	return m, nil
}

// A NoSkillError says that what a reference leads to is there and is no skill
// that can be taken. It matches archive.ErrRefused.
type NoSkillError struct {
	Why string // safe to print
}

func (e *NoSkillError) Error() string { return "not a skill: " + e.Why }

// Is makes a NoSkillError match archive.ErrRefused.
func (*NoSkillError) Is(target error) bool { return target == archive.ErrRefused }

// A CollectionError says that a reference leads to several skills. It matches
// source.ErrAmbiguous.
type CollectionError struct {
	Skills []source.Listing // at least two; untrusted texts
}

func (e *CollectionError) Error() string {
	const most = 10
	names := make([]string, 0, most)
	for _, l := range e.Skills[:min(len(e.Skills), most)] {
		names = append(names, quote(l.Name))
	}
	more := ""
	if len(e.Skills) > most {
		more = ", ..."
	}
	return fmt.Sprintf("it is a collection of %d skills: %s%s", len(e.Skills), strings.Join(names, ", "), more)
}

// Is makes a CollectionError match source.ErrAmbiguous.
func (*CollectionError) Is(target error) bool { return target == source.ErrAmbiguous }

// entries returns the manifests of an index that may be skills: none of the
// attestations that build tools put beside them.
func (m *manifest) entries() []descriptor {
	return slices.DeleteFunc(slices.Clone(m.Manifests), func(d descriptor) bool {
		return !isManifestType(d.MediaType) || d.Annotations["vnd.docker.reference.type"] != "" ||
			d.Platform != nil && d.Platform.OS == "unknown"
	})
}

// isCollection says whether m is an index of several skills, and not of one skill
// for several platforms.
func (m *manifest) isCollection() bool {
	if !isIndexType(m.MediaType) {
		return false
	}
	switch m.ArtifactType {
	case typeCollection:
		return true
	case typeToolHive:
		return false
	}
	entries := m.entries()
	return len(entries) > 1 && slices.ContainsFunc(entries, func(d descriptor) bool { return d.Platform == nil })
}

// listings returns the skills of a collection.
func (m *manifest) listings(r ref.Ref) ([]source.Listing, error) {
	var list []source.Listing
	for _, d := range m.entries() {
		sum, err := d.checked()
		if err != nil {
			return nil, err
		}
		one := r
		one.Rev, one.Query = string(sum), version.Query{}
		name := nameIn(d.Annotations)
		if name == "" {
			name = cmp.Or(refName(d.Annotations), sum.Short())
		}
		list = append(list, source.Listing{Ref: one, Name: name, Description: descriptionIn(d.Annotations)})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("the collection is empty: %w", source.ErrNotFound)
	}
	return list, nil
}

// checked returns the digest of a descriptor, which must be a sha256.
func (d descriptor) checked() (digest.Digest, error) {
	sum, err := digest.Parse(d.Digest)
	if err != nil || sum.Hex() == "" {
		return "", &AnswerError{Why: "a descriptor has no sha256 digest: " + quote(d.Digest)}
	}
	if d.Size < 0 {
		return "", &AnswerError{Why: fmt.Sprintf("a descriptor has a size of %d", d.Size)}
	}
	return sum, nil
}

// choose returns the manifest of the one skill that m stands for, and its layer.
func choose(ctx context.Context, repo repository, r ref.Ref, m *manifest) (*manifest, descriptor, error) {
	for depth := 0; isIndexType(m.MediaType); depth++ {
		entries := m.entries()
		switch {
		case depth >= maxNesting:
			return nil, descriptor{}, &NoSkillError{Why: "its index leads to an index, again and again"}
		case len(entries) == 0:
			return nil, descriptor{}, &NoSkillError{Why: "its index has no manifest of a skill"}
		case len(entries) > 1 && m.isCollection():
			list, err := m.listings(r)
			if err != nil {
				return nil, descriptor{}, err
			}
			return nil, descriptor{}, &CollectionError{Skills: list}
		case len(entries) > 1:
			return choosePlatform(ctx, repo, entries)
		}
		next, err := entry(ctx, repo, entries[0])
		if err != nil {
			return nil, descriptor{}, err
		}
		m = next
	}
	layer, err := m.layer()
	return m, layer, err
}

// choosePlatform takes the first of the manifests for several platforms, if they
// all have one layer: on every machine the skill is then the same. Else it takes
// the one for this machine.
func choosePlatform(ctx context.Context, repo repository, entries []descriptor) (*manifest, descriptor, error) {
	if len(entries) > maxPlatform {
		return nil, descriptor{}, &NoSkillError{Why: fmt.Sprintf("its index is of more than %d platforms", maxPlatform)}
	}
	var first, ours *manifest
	var firstLayer, ourLayer descriptor
	agree := true
	for _, d := range entries {
		m, err := entry(ctx, repo, d)
		if err != nil {
			return nil, descriptor{}, err
		}
		if isIndexType(m.MediaType) {
			return nil, descriptor{}, &NoSkillError{Why: "its index of platforms leads to an index"}
		}
		layer, err := m.layer()
		if err != nil {
			return nil, descriptor{}, err
		}
		if first == nil {
			first, firstLayer = m, layer
		}
		agree = agree && layer.sum == firstLayer.sum && layer.Size == firstLayer.Size
		if ours == nil && d.Platform != nil && d.Platform.OS == runtime.GOOS && d.Platform.Architecture == runtime.GOARCH {
			ours, ourLayer = m, layer
		}
	}
	switch {
	case agree:
		return first, firstLayer, nil
	case ours != nil:
		return ours, ourLayer, nil
	}
	return nil, descriptor{}, &NoSkillError{Why: "it differs from platform to platform, and none of them is " + runtime.GOOS + "/" + runtime.GOARCH}
}

func entry(ctx context.Context, repo repository, d descriptor) (*manifest, error) {
	sum, err := d.checked()
	if err != nil {
		return nil, err
	}
	if d.Size > maxManifest {
		return nil, &AnswerError{Why: fmt.Sprintf("a manifest of %d bytes is over the limit of %d", d.Size, int64(maxManifest))}
	}
	m, err := repo.manifest(ctx, string(sum))
	if err != nil {
		return nil, err
	}
	if d.Size != int64(len(m.raw)) {
		return nil, &AnswerError{Why: fmt.Sprintf("a manifest has %d bytes, and its index says %d", len(m.raw), d.Size)}
	}
	return m, nil
}

// layer returns the layer of an image manifest that is the archive of the skill:
// the first that is one. Of the layers of a plain image each is only a part.
func (m *manifest) layer() (descriptor, error) {
	var archives []descriptor
	for _, d := range m.Layers {
		if isArchiveType(d.MediaType) {
			archives = append(archives, d)
		}
	}
	isImage := m.ArtifactType == "" && (m.Config.MediaType == mediaImageConfig || m.Config.MediaType == mediaDockerConfig)
	switch {
	case len(archives) == 0:
		what := quote(cmp.Or(m.ArtifactType, m.Config.MediaType))
		return descriptor{}, &NoSkillError{Why: "it is a " + what + " without a layer that is a tar or tar.gz"}
	case isImage && len(m.Layers) > 1:
		return descriptor{}, &NoSkillError{Why: fmt.Sprintf("it is an image of %d layers, and a skill is one: build it from scratch with a single COPY", len(m.Layers))}
	}
	d := archives[0]
	if len(d.URLs) > 0 {
		return descriptor{}, &NoSkillError{Why: "its layer is kept elsewhere than in the registry"}
	}
	var err error
	d.sum, err = d.checked()
	return d, err
}

func isArchiveType(mediaType string) bool {
	mediaType = strings.ToLower(mediaType)
	for _, ending := range []string{"tar+gzip", "tar.gzip", ".tar", "+tar", "/x-tar", "/gzip", "/x-gzip"} {
		if strings.HasSuffix(mediaType, ending) {
			return true
		}
	}
	return false
}

func first(annotations map[string]string, keys ...string) string {
	for _, k := range keys {
		if v := strings.TrimSpace(annotations[k]); v != "" {
			return v
		}
	}
	return ""
}

func nameIn(annotations map[string]string) string {
	return first(annotations, "io.agentskills.skill.name", "dev.toolhive.skills.name", "org.agent.skill.name")
}

// refName returns the name in what skills-oci notes of an entry: the reference
// that it was made from.
func refName(annotations map[string]string) string {
	name := first(annotations, "io.agentskills.skill.ref", "org.opencontainers.image.ref.name")
	name = name[strings.LastIndexByte(name, '/')+1:]
	if i := strings.IndexAny(name, ":@"); i >= 0 {
		name = name[:i]
	}
	return name
}

func descriptionIn(annotations map[string]string) string {
	return first(annotations, "org.opencontainers.image.description", "dev.toolhive.skills.description", "org.agent.skill.description")
}

func annotatedVersion(annotations map[string]string) string {
	v := first(annotations, "org.opencontainers.image.version", "dev.toolhive.skills.version", "org.agent.skill.version", "io.agentskills.skill.version")
	if v = strings.TrimPrefix(v, "v"); !version.Valid(v) {
		return ""
	}
	return v
}
