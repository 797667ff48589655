package static

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// Bounds of what is read, in bytes. An index of a skill has some 300 a version; a
// catalogue of a million skills has 62 MB, and 316 MB unpacked.
const (
	maxConfig    = 64 << 10
	maxIndex     = 16 << 20
	maxCatalogue = 128 << 20
	maxUnpacked  = 512 << 20
	maxLine      = 1 << 20
)

func wrong(why string) *AnswerError { return &AnswerError{Why: why} }

// parseConfig reads config.json. The addresses in it are below base unless they say
// otherwise; each ends in a slash.
func parseConfig(data []byte, base string) (*config, error) {
	c := &config{Index: "index/", Blobs: "blobs/", Catalog: "catalog/"}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, wrong("it is no configuration: " + typeError(err))
	}
	switch {
	case c.Protocol == Protocol:
	case strings.HasPrefix(c.Protocol, "skills-registry/"):
		return nil, &VersionError{Protocol: c.Protocol}
	default:
		return nil, fmt.Errorf("%w: there is a config.json of something else", source.ErrNotFound)
	}
	from, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	for _, address := range []*string{&c.Index, &c.Blobs, &c.Catalog} {
		u, err := from.Parse(*address)
		switch {
		case err != nil || len(*address) > 2000:
			return nil, wrong("an address in it is none")
		case u.Scheme != "https" && u.Scheme != from.Scheme || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Host == "":
			return nil, wrong("an address in it is not one that a registry may have")
		case strings.Contains(u.EscapedPath(), "%2e") || strings.Contains(u.EscapedPath(), "%2E"):
			return nil, wrong("an address in it is written strangely")
		}
		if *address = u.String(); !strings.HasSuffix(*address, "/") {
			*address += "/"
		}
	}
	return c, nil
}

// typeError says what is wrong with JSON, without what it says.
func typeError(err error) string {
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		value, _, _ := strings.Cut(kind.Value, " ")
		return kind.Field + " is of another type, " + value
	}
	return "it cannot be read as JSON"
}

// A release is one version in an index.
type release struct {
	version.Info
	artifact digest.Digest
	size     int64
	tree     digest.Digest
}

// parseIndex reads the versions of a skill. What was deleted is left out; a version
// that stands there twice is as its last line has it, since lines are added at the end.
func parseIndex(data []byte) ([]release, error) {
	var all []release
	at := map[string]int{}
	err := eachLine(bytes.NewReader(data), func(line []byte) error {
		var l struct {
			Version string `json:"v"`
			Tree    string `json:"h1"`
			Zip     *struct {
				SHA256 string `json:"sha256"`
				Size   int64  `json:"size"`
			} `json:"zip"`
			Yanked bool     `json:"yanked"`
			Reason string   `json:"reason"`
			Gone   bool     `json:"gone"`
			Tags   []string `json:"tags"`
		}
		if err := json.Unmarshal(line, &l); err != nil {
			return wrong(typeError(err))
		}
		if !version.Valid(l.Version) {
			return wrong("it is about no version")
		}
		r := release{Info: version.Info{Version: l.Version, Tags: l.Tags, Yanked: l.Yanked}}
		if l.Yanked {
			r.Reason = source.YankReason(l.Reason)
		}
		i, seen := at[l.Version]
		if !seen {
			i = len(all)
			all = append(all, release{})
			at[l.Version] = i
		}
		if l.Gone {
			all[i] = release{}
			return nil
		}
		if l.Zip == nil || l.Zip.Size <= 0 {
			return wrong("version " + l.Version + " has no artifact")
		}
		var err error
		if r.artifact, err = digest.Parse("sha256:" + strings.ToLower(l.Zip.SHA256)); err != nil {
			return wrong("version " + l.Version + " has no sha256 that is one")
		}
		if r.tree, err = digest.Parse(l.Tree); err != nil || !strings.HasPrefix(l.Tree, "h1:") {
			return wrong("version " + l.Version + " has no h1 that is one")
		}
		r.size = l.Zip.Size
		all[i] = r
		return nil
	})
	if err != nil {
		return nil, err
	}
	there := all[:0]
	for _, r := range all {
		if r.Version != "" {
			there = append(there, r)
		}
	}
	return there, nil
}

// A catalogue is all skills of a registry, sorted by slug.
type catalogue struct {
	skills []listed
}

type listed struct {
	Owner   string `json:"owner"`
	Slug    string `json:"name"`
	Version string `json:"version"`
	Summary string `json:"description"`
}

// parseCatalogue reads the catalogue, which is compressed. What no reference can name
// is left out.
func parseCatalogue(data []byte) (*catalogue, error) {
	z, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return nil, wrong("it is not compressed as it should be")
	}
	defer z.Close()
	c := &catalogue{}
	err = eachLine(io.LimitReader(z, maxUnpacked+1), func(line []byte) error {
		var l listed
		if err := json.Unmarshal(line, &l); err != nil {
			return wrong(typeError(err))
		}
		if ref.ValidSlug(l.Owner) && ref.ValidSlug(l.Slug) {
			if !version.Valid(l.Version) {
				l.Version = ""
			}
			c.skills = append(c.skills, l)
		}
		return nil
	})
	return c, err
}

// eachLine calls f for each line, which must be whole.
func eachLine(r io.Reader, f func([]byte) error) error {
	number, total := 0, int64(0)
	in := newLines(r)
	for {
		line, err := in.next()
		number++
		if total += int64(len(line)) + 1; err == nil && total > maxUnpacked {
			err = wrong("it is larger than it may be")
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && len(bytes.TrimSpace(line)) > 0 {
			err = f(line)
		}
		if e, ok := errors.AsType[*AnswerError](err); ok {
			e.Line = number
			return e
		}
		if err != nil {
			return &AnswerError{Line: number, Why: "it cannot be read: it is damaged or ends too soon"}
		}
	}
}
