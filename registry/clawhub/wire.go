package clawhub

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// What answers hold, as far as it is read here. A field that is absent or null
// has its zero value.

type versionAnswer struct {
	Version string `json:"version"`
	Files   []struct {
		Path   string `json:"path"`
		Size   int64  `json:"size"`
		SHA256 string `json:"sha256"`
	} `json:"files"`
	Security json.RawMessage `json:"security"` // of newer servers; of any shape

	// What registries of ours add, and others may have in another shape.
	Artifact json.RawMessage `json:"artifact"`
	Yanked   json.RawMessage `json:"yanked"`
}

// yankReason returns why a version is yanked; "" if it is not.
func (v *versionAnswer) yankReason() string { return reasonOf(v.Yanked) }

// reasonOf reads a text, or a yes without one.
func reasonOf(raw json.RawMessage) string {
	var text string
	var yes bool
	switch {
	case json.Unmarshal(raw, &text) == nil && text != "":
		return source.YankReason(text)
	case json.Unmarshal(raw, &yes) == nil && yes:
		return source.NoReason
	}
	return ""
}

// artifact completes a Pin by the digests of the artifact, if all of them are
// published.
func (v *versionAnswer) artifact(pin *source.Pin) {
	var a struct {
		SHA256 string `json:"sha256"`
		Size   int64  `json:"size"`
		Tree   string `json:"h1"`
	}
	if json.Unmarshal(v.Artifact, &a) != nil || a.Size <= 0 {
		return
	}
	sum, err := digest.Parse("sha256:" + a.SHA256)
	if err != nil {
		return
	}
	tree, err := digest.Parse(a.Tree)
	if err != nil || !strings.HasPrefix(a.Tree, "h1:") {
		return
	}
	pin.Artifact, pin.Size, pin.Tree, pin.Trust = sum, a.Size, tree, source.FromRegistry
}

type ownerAnswer struct {
	Handle      string `json:"handle"`
	DisplayName string `json:"displayName"`
}

type moderationAnswer struct {
	IsSuspicious     bool     `json:"isSuspicious"`
	IsMalwareBlocked bool     `json:"isMalwareBlocked"`
	Verdict          string   `json:"verdict"`
	ReasonCodes      []string `json:"reasonCodes"`
	Summary          string   `json:"summary"`
}

// reason is what a registry says of its doubts, in one line.
func (m *moderationAnswer) reason() string {
	parts := slices.DeleteFunc([]string{firstLine(m.Summary), strings.Join(m.ReasonCodes, ", ")}, func(s string) bool { return s == "" })
	return source.FlagReason(strings.Join(parts, ": "))
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(s)
}

// blocked and suspicious read both of the ways in which a verdict is given.
func (m *moderationAnswer) blocked() bool {
	return m != nil && (m.IsMalwareBlocked || strings.EqualFold(m.Verdict, "malicious"))
}

func (m *moderationAnswer) suspicious() bool {
	return m != nil && (m.IsSuspicious || strings.EqualFold(m.Verdict, "suspicious"))
}

type skillAnswer struct {
	Skill *struct {
		Slug string          `json:"slug"`
		Tags json.RawMessage `json:"tags"` // the schema leaves them open

		Deprecated json.RawMessage `json:"deprecated"` // of registries of ours
	} `json:"skill"`
	LatestVersion *versionAnswer    `json:"latestVersion"`
	Owner         *ownerAnswer      `json:"owner"`
	Moderation    *moderationAnswer `json:"moderation"`
}

// known returns the versions that the answer names, with their tags. What
// latestVersion says goes before what the tag says.
func (a *skillAnswer) known() []version.Info {
	tags := map[string]string{}
	var raw map[string]json.RawMessage
	if json.Unmarshal(a.Skill.Tags, &raw) == nil {
		for tag, value := range raw {
			var v string
			if json.Unmarshal(value, &v) == nil && validVersion(v) {
				tags[tag] = v
			}
		}
	}
	if a.LatestVersion != nil {
		tags[version.Latest] = a.LatestVersion.Version
	}
	byVersion := map[string][]string{}
	for tag, v := range tags {
		byVersion[v] = append(byVersion[v], tag)
	}
	infos := make([]version.Info, 0, len(byVersion))
	for v, tags := range byVersion {
		slices.Sort(tags)
		infos = append(infos, version.Info{Version: v, Tags: tags})
	}
	return infos
}

// latest returns the version that the registry recommends, or "".
func (a *skillAnswer) latest() string {
	if a.LatestVersion == nil {
		return ""
	}
	return a.LatestVersion.Version
}

// validVersion reports whether a text can be a version: something that can stand
// in a lock, on a line and after an @.
func validVersion(s string) bool {
	const most = 128
	if s == "" || len(s) > most {
		return false
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' || strings.IndexByte(`/\@"'<>|`, c) >= 0 {
			return false
		}
	}
	return true
}

// files returns the files that a version publishes, or nil if it does not
// publish all their digests: a part of them proves nothing.
func (v *versionAnswer) files(address string, most int) ([]source.File, error) {
	if len(v.Files) > most {
		return nil, wrong(address, "it lists more files than a skill may have")
	}
	var files []source.File
	seen := make(map[string]bool, len(v.Files))
	complete := true
	for _, f := range v.Files {
		if f.Path == "" || f.Path != path.Clean(f.Path) || strings.HasPrefix(f.Path, "/") || f.Path == ".." ||
			strings.HasPrefix(f.Path, "../") || strings.ContainsAny(f.Path, "\\\x00") || f.Size < 0 {
			return nil, wrong(address, "it lists a file that no skill can have: "+quote(f.Path))
		}
		if seen[f.Path] {
			return nil, wrong(address, "it lists a file twice: "+quote(f.Path))
		}
		seen[f.Path] = true
		if f.SHA256 == "" {
			complete = false
			continue
		}
		sum, err := digest.Parse("sha256:" + strings.ToLower(strings.TrimPrefix(f.SHA256, "sha256:")))
		if err != nil {
			return nil, wrong(address, "the sha256 of a file is none: "+quote(f.SHA256))
		}
		files = append(files, source.File{Path: f.Path, Size: f.Size, Digest: sum})
	}
	if !complete {
		return nil, nil
	}
	return files, nil
}

// scan returns what the registry found in this version: clean, suspicious,
// malicious, another word, or "".
func (v *versionAnswer) scan() string {
	var s struct {
		Status string `json:"status"`
	}
	_ = json.Unmarshal(v.Security, &s) // of another shape, it says nothing
	return strings.ToLower(s.Status)
}

// check holds an answer about a skill to what was asked for, and returns the name
// by which the registry has the skill.
func (a *skillAnswer) check(asked skillName, address string) (skillName, error) {
	if a.Skill == nil {
		e := wrong(address, "it holds no skill")
		e.Err = source.ErrNotFound
		return skillName{}, e
	}
	name := asked
	if a.Skill.Slug != "" {
		if name.slug = a.Skill.Slug; !ref.ValidSlug(name.slug) {
			return skillName{}, wrong(address, "the skill has a slug that none can have: "+quote(name.slug))
		}
	}
	if a.Owner != nil && a.Owner.Handle != "" {
		if name.owner = a.Owner.Handle; !ref.ValidSlug(name.owner) {
			return skillName{}, wrong(address, "the skill has an owner that no reference can name: "+quote(name.owner))
		}
	}
	if asked.owner != "" && !strings.EqualFold(asked.owner, name.owner) {
		return skillName{}, &source.OwnerError{Slug: asked.slug, Have: asked.owner, Now: name.owner}
	}
	if a.Moderation.blocked() {
		return skillName{}, &source.BlockedError{Slug: name.slug, Reason: a.Moderation.reason()}
	}
	if v := a.LatestVersion; v != nil && !validVersion(v.Version) {
		return skillName{}, wrong(address, "its latest version is none: "+quote(v.Version))
	}
	return name, nil
}
