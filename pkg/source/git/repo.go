package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/openskills-go/skills/pkg/transport"
)

const (
	// Skills are small, and most repositories of skills are: one fetch of all of
	// it is the fastest then, and serves every skill. Files above this size wait
	// until they are needed all the same.
	eagerFile = "1m"
	// sizeFactor is how much larger than an artifact a repository may be.
	sizeFactor = 4
)

// A repo is one repository, by its address. A bare one on disk holds what was
// fetched of it.
type repo struct {
	s    *Source
	url  string        // as it was asked for
	turn chan struct{} // whoever has sent asks the server and writes; the fields below are his

	list    *refList
	listErr error
	at      string // where the repository is: url, unless it moved
	plain   bool   // the server cannot be asked for files
	commits map[string]*commit
	dir     string // what is fetched goes here; "" while nothing was

	mu sync.Mutex // of the dir of every commit
}

// A commit is what was fetched of one.
type commit struct {
	id      string
	err     error    // of the attempt to fetch it
	lacks   bool     // files may have been left out
	archive *tarball // instead of what follows
	asked   int      // how often such were fetched
	dir     string   // see folderOf

	turn    chan struct{} // whoever has sent reads and sets what follows
	listed  bool
	entries []entry           // nil if there are too many to hold
	reads   int               // how often files were asked for
	held    map[string][]byte // files by id, see hold
}

func newRepo(s *Source, url string) *repo {
	return &repo{s: s, url: url, at: url, turn: make(chan struct{}, 1), commits: make(map[string]*commit)}
}

// enter waits for the turn of the caller, who must leave.
func (p *repo) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case p.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *repo) leave() { <-p.turn }

// offline is an error if the repository must not be asked.
func (p *repo) offline() error {
	if p.s.o.Offline && !strings.HasPrefix(p.url, "file:") {
		return &transport.OfflineError{URL: p.url}
	}
	return nil
}

// folderOf returns where a commit is on disk. It may become another while it is
// read; what was there stays.
func (p *repo) folderOf(c *commit) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return c.dir
}

// refs returns the branches and tags. They are asked for once.
func (p *repo) refs(ctx context.Context) (*refList, error) {
	if err := p.enter(ctx); err != nil {
		return nil, err
	}
	defer p.leave()
	return p.refsNow(ctx)
}

// refsNow is refs for whoever has the turn.
func (p *repo) refsNow(ctx context.Context) (*refList, error) {
	if p.list != nil || p.listErr != nil {
		return p.list, p.listErr
	}
	if err := p.offline(); err != nil {
		return nil, err
	}
	ask := p.s.listRefs
	if p.gitless() {
		ask = func(ctx context.Context, _ string) (*refList, error) { return p.listRefsByHTTP(ctx) }
	}
	list, err := ask(ctx, p.at)
	if errors.Is(err, errRedirect) {
		if err = p.moved(ctx, err); err == nil {
			list, err = ask(ctx, p.at)
		}
	}
	if err != nil && giveUp(err) {
		return nil, err
	}
	p.list, p.listErr = list, err
	if list != nil {
		list.repo = p.url
	}
	return list, err
}

// moved finds out where the server sends who asks for the repository. Git does
// not follow: it would ask whatever host it is told. The transport does, under
// its guards, and only the same host is believed to have the same repository.
func (p *repo) moved(ctx context.Context, err error) error {
	if p.s.o.Client == nil || p.at != p.url {
		return &MovedError{Repo: p.url}
	}
	answer, getErr := p.s.o.Client.Get(ctx, p.url+refsService, transport.GetOptions{Accept: "*/*", Limit: maxRefs})
	if getErr != nil {
		return fmt.Errorf("%w: %w", &MovedError{Repo: p.url}, getErr)
	}
	to, ok := strings.CutSuffix(answer.URL, refsService)
	switch {
	case !ok || to == p.url:
		return err
	case !sameHost(p.url, to):
		return &MovedError{Repo: p.url, To: to}
	}
	p.at = to
	return nil
}

// snapshot returns what a commit holds.
func (p *repo) snapshot(ctx context.Context, id string) (snapshot, error) {
	c, err := p.commit(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case c.archive != nil:
		return c.archive, nil
	}
	return checkout{p, c}, nil
}

// commit returns a commit that is on disk. It is fetched once, whoever asks.
func (p *repo) commit(ctx context.Context, id string) (*commit, error) {
	if err := p.enter(ctx); err != nil {
		return nil, err
	}
	defer p.leave()
	if c := p.commits[id]; c != nil {
		return c, c.err
	}
	if err := p.offline(); err != nil {
		return nil, err
	}
	c := &commit{id: id, turn: make(chan struct{}, 1)}
	if p.gitless() {
		c.archive, c.err = p.download(ctx, id)
	} else {
		c.err = p.obtain(ctx, c)
	}
	if c.err != nil && giveUp(c.err) {
		return nil, c.err
	}
	p.commits[id] = c
	return c, c.err
}

// obtain fetches a commit: by its id, else by a name that is at it, else with all
// history.
func (p *repo) obtain(ctx context.Context, c *commit) error {
	if err := p.init(ctx, len(c.id)); err != nil {
		return err
	}
	err := p.shallow(ctx, c, c.id)
	if errors.Is(err, errRedirect) {
		if err = p.moved(ctx, err); err == nil {
			err = p.shallow(ctx, c, c.id)
		}
	}
	if errors.Is(err, errRefused) {
		list, listErr := p.refsNow(ctx)
		if listErr != nil {
			return listErr
		}
		for _, name := range list.namesOf(c.id) {
			if err = p.shallow(ctx, c, name); !errors.Is(err, errRefused) {
				break
			}
		}
	}
	if errors.Is(err, errRefused) || errors.Is(err, errDumb) {
		c.lacks = true
		err = p.fetch(ctx, fetching{
			filter: "blob:none", limit: p.limit(),
			refs: []string{"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"},
		})
	}
	if err != nil {
		return err
	}
	if err := p.check(ctx, c.id); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c.dir = p.dir
	return nil
}

// shallow fetches a commit without its history: with its files if they are few.
func (p *repo) shallow(ctx context.Context, c *commit, name string) error {
	c.lacks = !p.plain
	if p.plain || p.s.o.Eager > 0 {
		f := fetching{depth: true, filter: "blob:limit=" + eagerFile, limit: min(p.s.o.Eager, p.limit()), soft: true, refs: []string{name}}
		if p.plain {
			f.limit, f.soft = p.limit(), false
		}
		err := p.fetch(ctx, f)
		over, ok := errors.AsType[*transport.LimitError](err)
		if !ok || p.plain || over.Got > p.limit() { // of the last, all that there is to come has come
			return err
		}
	}
	return p.fetch(ctx, fetching{depth: true, filter: "blob:none", limit: p.limit(), refs: []string{name}})
}

func (p *repo) limit() int64 { return sizeFactor * p.s.o.Limits.Download }

// check sees to it that what was fetched is the commit that was asked for, and is
// one at all: the id can be that of a tag.
func (p *repo) check(ctx context.Context, id string) error {
	var got string
	err := p.s.run(ctx, command{
		args: []string{"cat-file", "--batch-check"}, stdin: id + "\n", dir: p.dir, url: p.url,
		read: func(out *bufio.Reader) error {
			line, err := out.ReadString('\n')
			got = strings.TrimSpace(line)
			return err
		},
	})
	if err != nil {
		return err
	}
	if !strings.HasPrefix(got, id+" commit ") {
		return &RevError{Repo: p.url, Rev: id, Why: "is no commit of it"}
	}
	return nil
}

// A fetching is one fetch.
type fetching struct {
	depth  bool   // none but the newest commit
	filter string // what is left out; "" is nothing
	limit  int64
	soft   bool     // what came to its end may be larger
	refs   []string // ids, names and refspecs
}

// fetch brings objects into the repository. What a filter left out is known to
// git by the remote that promised it, so there is one. It has its address from the
// environment, where git looks for no option.
func (p *repo) fetch(ctx context.Context, f fetching) error {
	settings := []setting{{"remote.origin.url", p.at}, {"remote.origin.tagOpt", "--no-tags"}, {"fetch.negotiationAlgorithm", "noop"}}
	args := []string{"fetch", "--progress", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-maintenance", "--stdin"}
	if f.depth {
		args = append(args, "--depth=1")
	}
	if f.filter != "" && !p.plain {
		args = append(args, "--filter="+f.filter)
		settings = append(settings, setting{"remote.origin.promisor", "true"}, setting{"remote.origin.partialclonefilter", f.filter})
	}
	before := sizeOf(p.dir)
	err := p.s.run(ctx, command{
		args: append(args, "origin"), dir: p.dir, protocols: protocolOf(p.at), url: p.url,
		settings: settings, stdin: strings.Join(f.refs, "\n") + "\n", limit: f.limit,
	})
	if err != nil {
		p.sweep()
		return err
	}
	most := f.limit
	if f.soft {
		most = p.limit() // what came in spite of the other need not come again
	}
	if grown := sizeOf(p.dir) - before; grown > most {
		return &transport.LimitError{URL: p.url, Limit: most, Got: grown} // faster than anyone looked
	}
	return nil
}

// sweep deletes what a fetch that was killed left behind.
func (p *repo) sweep() {
	left, _ := filepath.Glob(filepath.Join(p.dir, "objects", "pack", "tmp_*"))
	locks, _ := filepath.Glob(filepath.Join(p.dir, "*.lock"))
	for _, file := range append(left, locks...) {
		_ = os.Remove(file)
	}
}

// again begins the repository anew, for a server that left files out and does not
// hand them out by their ids.
func (p *repo) again(ctx context.Context, c *commit) error {
	if !p.plain {
		p.plain, p.dir = true, ""
	}
	return p.obtain(ctx, c)
}

// need fetches those of the files of a commit that were left out: at first the
// given ones, and when it is asked a second time those of all skills.
func (p *repo) need(ctx context.Context, c *commit, ids []string) error {
	if err := p.enter(ctx); err != nil {
		return err
	}
	defer p.leave()
	if !c.lacks {
		return nil
	}
	missing, err := p.missing(ctx, c, ids)
	if err != nil || len(missing) == 0 {
		return err
	}
	if p.plain {
		return p.again(ctx, c)
	}
	if c.asked++; c.asked > 1 {
		all, err := checkout{p, c}.blobsOfSkills(ctx)
		if err == nil {
			all, err = p.missing(ctx, c, all)
		}
		if err != nil {
			return err
		}
		missing = append(missing, all...)
		slices.Sort(missing)
		missing = slices.Compact(missing)
	}
	err = p.fetch(ctx, fetching{filter: "blob:none", limit: p.limit(), refs: missing})
	if errors.Is(err, errRefused) {
		return p.again(ctx, c)
	}
	return err
}

// missing returns those of ids that are not on disk.
func (p *repo) missing(ctx context.Context, c *commit, ids []string) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var missing []string
	seen := make(map[string]bool)
	err := p.s.run(ctx, command{
		args: []string{"cat-file", "--batch-check"}, stdin: strings.Join(ids, "\n") + "\n", dir: p.folderOf(c), url: p.url,
		read: func(out *bufio.Reader) error {
			for {
				line, err := out.ReadString('\n')
				if err == io.EOF {
					return nil
				} else if err != nil {
					return fmt.Errorf("read objects: %w", err)
				}
				if id, ok := strings.CutSuffix(line, " missing\n"); ok && !seen[id] {
					seen[id] = true
					missing = append(missing, id)
				}
			}
		},
	})
	return missing, err
}
