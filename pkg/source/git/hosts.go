package git

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
)

// A Host makes archives of commits.
//
// They are what is left where git is missing, and no more than that: an archive is
// the whole repository even if one skill is wanted, attributes can leave files out
// of it or change them, and of a host that has none nothing can be had.
type Host struct {
	// Repositories begins the addresses of its repositories.
	Repositories string
	// Archive is the address of a .tar.gz, in which {path} stands for what follows
	// Repositories, {name} for the last part of that, {commit} for the id.
	Archive string
}

// DefaultHosts returns the hosts that are known.
func DefaultHosts() []Host {
	return []Host{
		{"https://github.com/", "https://codeload.github.com/{path}/tar.gz/{commit}"},
		{"https://gitlab.com/", "https://gitlab.com/{path}/-/archive/{commit}/{name}.tar.gz"},
		{"https://codeberg.org/", "https://codeberg.org/{path}/archive/{commit}.tar.gz"},
	}
}

// archiveOf returns the address of the archive of a commit, or "" if the host of
// the repository is not known to make one.
func (s *Source) archiveOf(repo, commit string) string {
	for _, h := range s.o.Hosts {
		path, ok := strings.CutPrefix(repo, h.Repositories)
		path = strings.TrimSuffix(path, ".git")
		if ok && path != "" {
			name := path[strings.LastIndexByte(path, '/')+1:]
			return strings.NewReplacer("{path}", path, "{name}", name, "{commit}", commit).Replace(h.Archive)
		}
	}
	return ""
}

// gitless reports whether a repository is to be reached without git.
func (p *repo) gitless() bool {
	if p.s.o.Client == nil || p.s.archiveOf(p.url, "x") == "" {
		return false
	}
	if p.s.o.Archives {
		return true
	}
	_, err := p.s.tool()
	return err != nil
}

// listRefsByHTTP asks for the branches and tags as git of the first protocol does
// (gitprotocol-http).
func (p *repo) listRefsByHTTP(ctx context.Context) (*refList, error) {
	answer, err := p.s.o.Client.Get(ctx, p.url+refsService, transport.GetOptions{Accept: "*/*", Limit: maxRefs})
	if err != nil {
		return nil, source.FromTransport(err)
	}
	if to, ok := strings.CutSuffix(answer.URL, refsService); !ok || !sameHost(p.url, to) {
		return nil, &MovedError{Repo: p.url, To: to}
	}
	refs := &refList{repo: p.url, commits: make(map[string]string)}
	for rest := answer.Body; len(rest) > 0; {
		n, err := strconv.ParseUint(string(rest[:min(len(rest), 4)]), 16, 16)
		switch {
		case err != nil || int(n) > len(rest) || n > 0 && n < 4:
			return nil, &CommandError{Op: "ls-remote", Repo: p.url, Text: "the server does not answer as one of git does", Err: source.ErrUnsupported}
		case n == 0:
			rest = rest[4:]
			continue
		}
		line, _, _ := strings.Cut(string(rest[4:n]), "\x00") // after it is what the server can do
		line = strings.TrimSuffix(line, "\n")
		if text, failed := strings.CutPrefix(line, "ERR "); failed {
			return nil, &CommandError{Op: "ls-remote", Repo: p.url, Text: strings.Join(lines(text), " "), Err: source.ErrNotFound}
		}
		if id, name, ok := strings.Cut(line, " "); ok {
			refs.add(id, name)
		}
		if rest = rest[n:]; len(refs.commits) > maxKept {
			return nil, &transport.LimitError{URL: p.url, Limit: maxRefs, Got: -1}
		}
	}
	return refs, nil
}

const refsService = "/info/refs?service=git-upload-pack"

// sameHost reports whether two addresses are of one host, and the second names no
// user.
func sameHost(a, b string) bool {
	from, err1 := url.Parse(a)
	to, err2 := url.Parse(b)
	return err1 == nil && err2 == nil && from.Scheme == to.Scheme && from.Host == to.Host && to.User == nil
}

// download returns the archive of a commit.
func (p *repo) download(ctx context.Context, id string) (*tarball, error) {
	root, err := p.s.root()
	if err != nil {
		return nil, err
	}
	sink, err := newFileSink(root)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sink.f.Close() }()
	from := p.s.archiveOf(p.url, id)
	if _, err = p.s.o.Client.Download(ctx, from, transport.GetOptions{Limit: p.s.o.Limits.Download, RefusePages: true}, sink); err != nil {
		return nil, source.FromTransport(err)
	}
	t := &tarball{repo: p.url, file: sink.f.Name(), id: id, most: sizeFactor * p.s.o.Limits.Unpacked}
	if err := t.index(ctx); err != nil {
		return nil, fmt.Errorf("read %.200q: %w", from, err)
	}
	return t, nil
}
