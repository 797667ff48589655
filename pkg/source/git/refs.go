package git

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
)

const (
	maxRefs    = 64 << 20 // bytes of a list of them: large repositories show each merge request
	maxRefName = 1 << 10
	maxKept    = 200_000

	headsPrefix = "refs/heads/"
	tagsPrefix  = "refs/tags/"
)

// A refList is what a repository has by name.
type refList struct {
	repo    string
	head    string            // the commit that HEAD is; "" if it is empty
	commits map[string]string // by the whole name of a branch or tag; of a tag what it is on
}

// listRefs asks a repository for its branches and tags.
func (s *Source) listRefs(ctx context.Context, url string) (*refList, error) {
	refs := &refList{repo: url, commits: make(map[string]string)}
	err := s.run(ctx, command{
		args: []string{"ls-remote", "--quiet", "--", url}, protocols: protocolOf(url), url: url,
		read: func(out *bufio.Reader) error { return refs.read(out) },
	})
	if err != nil {
		return nil, err
	}
	return refs, nil
}

// read reads lines of an id, a tab and a name.
func (l *refList) read(out io.Reader) error {
	total := 0
	lines := bufio.NewScanner(out)
	lines.Buffer(make([]byte, 0, maxRefName), 64<<10)
	for lines.Scan() {
		if total += len(lines.Bytes()); total > maxRefs || len(l.commits) > maxKept {
			return &transport.LimitError{URL: l.repo, Limit: maxRefs, Got: -1}
		}
		id, name, _ := strings.Cut(lines.Text(), "\t")
		l.add(id, name)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read refs of %.200q: %w", l.repo, err)
	}
	return nil
}

// add takes a branch or tag. Of an annotated tag there is a second line, with
// what it is on.
func (l *refList) add(id, name string) {
	if !isCommit(id) {
		return
	}
	name, _ = strings.CutSuffix(name, "^{}")
	switch {
	case name == "HEAD":
		l.head = id
	case strings.HasPrefix(name, headsPrefix), strings.HasPrefix(name, tagsPrefix):
		if soundName(name) {
			l.commits[name] = id
		}
	}
}

// soundName reports whether git would let anyone make a ref of that name. A
// server can show any.
func soundName(s string) bool {
	if len(s) > maxRefName || strings.Contains(s, "..") || strings.Contains(s, "@{") || strings.ContainsAny(s, " ~^:?*[\\\x7f") {
		return false
	}
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' })
}

// pick returns the commit that r means, and its version if a version tag was
// asked for.
func (l *refList) pick(r ref.Ref, current string) (commit, v string, err error) {
	if len(l.commits) == 0 && l.head == "" {
		return "", "", &RevError{Repo: l.repo, Rev: "HEAD", Why: "is not there: the repository is empty"}
	}
	if r.Rev == "" && r.Query.Kind() == version.Any {
		return l.pickHead()
	}
	if r.Rev != "" {
		for _, name := range []string{r.Rev, "refs/" + r.Rev, tagsPrefix + r.Rev, headsPrefix + r.Rev} {
			if commit, ok := l.commits[name]; ok {
				return commit, l.versionOf(r, name), nil
			}
		}
	}
	tags := l.versions(r)
	switch {
	case r.Rev == "HEAD":
		return l.pickHead()
	case r.Rev == version.Latest, r.Query.Kind() == version.Tag && r.Query.String() == version.Latest:
		return l.pickLatest(tags)
	case r.Rev != "" && len(r.Rev) >= 4 && isHex(r.Rev):
		return "", "", &RevError{Repo: l.repo, Rev: r.Rev, Why: "is no branch or tag; of a commit all 40 hexadecimal digits are needed"}
	case r.Rev != "":
		return "", "", &RevError{Repo: l.repo, Rev: r.Rev, Why: "is no branch or tag"}
	}
	picked, err := version.Select(r.Query, infosOf(tags), current)
	if err != nil {
		return "", "", fmt.Errorf("pick a version of %.200q: %w", l.repo, err)
	}
	return l.commits[tags[picked.Version]], picked.Version, nil
}

func (l *refList) pickHead() (commit, v string, err error) {
	if l.head == "" {
		return "", "", &RevError{Repo: l.repo, Rev: "HEAD", Why: "is not there; name a branch or tag"}
	}
	return l.head, "", nil
}

// pickLatest takes the highest release, or HEAD if there is none.
func (l *refList) pickLatest(tags map[string]string) (commit, v string, err error) {
	highest := ""
	for v := range tags {
		if !strings.Contains(strings.Split(v, "+")[0], "-") && (highest == "" || version.Compare(v, highest) > 0) {
			highest = v
		}
	}
	if highest == "" {
		return l.pickHead()
	}
	return l.commits[tags[highest]], highest, nil
}

// versionOf is the version that a ref stands for, if it is a version tag.
func (l *refList) versionOf(r ref.Ref, name string) string {
	for v, tag := range l.versions(r) {
		if tag == name {
			return v
		}
	}
	return ""
}

// versions returns the tags that are versions of the skill that r means, by
// version. Where tags begin with its name (pdf/v1.2.3) no others count: those are
// versions of something else.
func (l *refList) versions(r ref.Ref) map[string]string {
	var prefixes []string
	if r.Subdir != "" {
		prefixes = append(prefixes, r.Subdir+"/")
	}
	if slug := slugOf(r); slug != "" && slug != r.Subdir {
		prefixes = append(prefixes, slug+"/")
	}
	for _, prefix := range append(prefixes, "") {
		tags := make(map[string]string)
		for name := range l.commits {
			tag, ok := strings.CutPrefix(name, tagsPrefix+prefix)
			v := strings.TrimPrefix(tag, "v")
			if !ok || !version.Valid(v) {
				continue
			}
			tags[v] = max(tags[v], name) // of v1.2.3 and 1.2.3 the former
		}
		if len(tags) > 0 {
			return tags
		}
	}
	return nil
}

func infosOf(tags map[string]string) []version.Info {
	infos := make([]version.Info, 0, len(tags))
	for v := range tags {
		infos = append(infos, version.Info{Version: v})
	}
	return infos
}

// namesOf returns the refs that are at a commit, sorted.
func (l *refList) namesOf(commit string) []string {
	var names []string
	for name, id := range l.commits {
		if id == commit {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// protocolOf is what git may speak to reach a repository.
func protocolOf(url string) string {
	if strings.HasPrefix(url, "file:") {
		return "file"
	}
	return "https:ssh"
}
