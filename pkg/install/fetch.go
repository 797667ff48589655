package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/store"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/tree"
	"github.com/openskills-go/skills/pkg/version"
)

// An artifact is open, and has the digest that it should have.
type artifact struct {
	io.ReaderAt
	size   int64
	digest digest.Digest
	io.Closer
	fresh *store.Writer // not in the store yet; nil if it came from there
}

// keep puts an artifact that was found to be good into the store.
func (e *Engine) keep(a *artifact, s *step) {
	if a.fresh == nil {
		return
	}
	if err := a.fresh.Commit(); err != nil {
		// A store that cannot be written costs a fetch the next time, no more. One
		// that is read-only cannot be for any other skill either.
		e.mu.Lock()
		told := e.unkept
		e.unkept = true
		e.mu.Unlock()
		if !told {
			s.warn("what was fetched is not kept for later: " + err.Error())
		}
	}
}

// obtain returns the artifact that s needs: from planning, from the store, or
// from the source.
func (e *Engine) obtain(ctx context.Context, s *step) (*artifact, error) {
	if s.body == nil {
		if a, ok := e.stored(s); ok {
			return a, nil
		}
		if s.back != nil {
			return nil, &NotStoredError{Name: s.out.Name, Version: s.pin.Version, Artifact: s.pin.Artifact}
		}
		if err := e.bring(ctx, s); err != nil {
			if a, ok := e.seen(s, err); ok {
				return a, nil
			}
			return nil, err
		}
	}
	body := s.body
	s.body = nil
	return &artifact{ReaderAt: body, size: body.Offset(), digest: body.Digest(), Closer: body, fresh: body}, nil
}

// stored looks into the store for the artifact of a pin, or for another one of
// the same tree.
func (e *Engine) stored(s *step) (*artifact, bool) {
	if s.pin.Artifact == "" {
		return nil, false
	}
	like := digest.Digest("")
	if s.exact || s.back != nil {
		like = s.pin.Tree
	}
	a, err := e.openStored(s.pin.Artifact, like)
	if err != nil {
		return nil, false
	}
	return &artifact{ReaderAt: a, size: a.Size, digest: a.Digest, Closer: a}, true
}

// openStored opens an artifact of the store, or another one of the same tree if
// that is named.
func (e *Engine) openStored(d, like digest.Digest) (*store.Artifact, error) {
	a, err := e.Store.Open(d)
	if err != nil && like != "" {
		if other, ok := e.remembered().Artifact(like); ok {
			a, err = e.Store.Open(other)
		}
	}
	return a, err
}

// remembered returns the store's index, read once.
func (e *Engine) remembered() *store.Index {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.index == nil {
		index, err := e.Store.Records()
		if err != nil {
			index = &store.Index{}
		}
		e.index = index
	}
	return e.index
}

// fetch transfers the artifact of s into s.body and checks it against whatever
// digests there are.
func (e *Engine) fetch(ctx context.Context, s *step) error {
	if s.route.Source == nil {
		if err := e.sourceOf(s); err != nil {
			return err
		}
	}
	body := e.newBody()
	receipt, err := s.route.Source.Fetch(ctx, s.pin, &meter{Sink: body, engine: e, name: s.label()})
	s.mirror = receipt.Mirror
	if err == nil {
		err = s.check(body.Digest(), receipt)
	}
	if modified := !errors.Is(err, source.ErrNotModified); err == nil || !modified {
		err = cmp.Or(s.heed(receipt, body.Digest(), modified), err)
	}
	if err != nil {
		return errors.Join(err, body.Close())
	}
	s.body = body
	s.pin.Artifact, s.pin.Size = body.Digest(), body.Offset()
	s.pin.Known = receipt.Validators
	if s.pin.Version == "" && version.Valid(receipt.Version) {
		s.pin.Version = receipt.Version
	}
	return nil
}

// newBody returns what takes one artifact, as large as one may be.
func (e *Engine) newBody() *store.Writer {
	limit := e.Limits.Download
	if limit <= 0 {
		limit = archive.DefaultLimits().Download
	}
	return e.Store.Create(limit, func(limit, got int64) error {
		return &archive.LimitError{What: "artifact size", Limit: limit, Got: got, Flag: "--max-download"}
	})
}

// seen returns the artifact that this store saw last for a skill that is new to
// the lock. It is what "offline" can mean for a registry that is always asked for
// the newest; whether there is something newer than what is installed cannot be
// told like this.
func (e *Engine) seen(s *step, err error) (*artifact, bool) {
	if !errors.Is(err, transport.ErrOffline) || s.pin.Artifact != "" || s.entry != nil {
		return nil, false
	}
	r, ok := e.remembered().Latest(s.pin.Registry, s.pin.Owner, s.pin.Slug, s.pin.Locale)
	if !ok {
		return nil, false
	}
	s.pin.Artifact = r.Artifact
	return e.stored(s)
}

// check compares the digest of what came with what the source, the registry and
// the lock say. Where no one but us ever named a digest, or the source says that
// it is not to stay, the same tree may be packed anew: then the tree decides.
func (s *step) check(got digest.Digest, receipt source.Receipt) error {
	what := "the artifact of " + s.label()
	if receipt.Mirror != "" {
		what += " from the mirror " + receipt.Mirror
	}
	if receipt.Artifact != "" && receipt.Artifact != got {
		return &digest.MismatchError{What: what, Want: receipt.Artifact, Got: got}
	}
	anew := s.exact && (s.pin.Trust == source.FirstUse || receipt.Repacked)
	if s.pin.Artifact != "" && s.pin.Artifact != got && !anew {
		return &digest.MismatchError{What: what, Want: s.pin.Artifact, Got: got}
	}
	if receipt.Repacked && s.exact {
		return nil // the tree of the lock is what it was
	}
	s.pin.Trust = source.FirstUse
	if receipt.Artifact != "" || (s.pin.Artifact != "" || s.pin.Tree != "") && !s.exact {
		// A tree that the registry published is compared when it is unpacked.
		s.pin.Trust = source.FromRegistry
	}
	return nil
}

// sourceOf routes a step that was planned from the lock alone.
func (e *Engine) sourceOf(s *step) error {
	if s.pin.Registry != "" {
		src, err := e.Source.At(s.pin.Registry)
		if err != nil {
			return err
		}
		s.route = source.Route{Source: src, Registry: s.pin.Registry}
		s.pin.Ref = ref.Ref{Slug: s.pin.Slug, Owner: s.pin.Owner, Locale: s.pin.Locale}
		s.route.Ref = s.pin.Ref
		return nil
	}
	r, err := ref.Parse(s.entry.Ref)
	if err != nil {
		return fmt.Errorf("reference in the lock: %w", err)
	}
	s.route, err = e.direct(r, s.pin.URL)
	s.pin.Ref = s.route.Ref
	return err
}

// label is what a step is called in messages.
func (s *step) label() string {
	switch {
	case s.out.Name != "":
		return s.out.Name
	case s.pin.Slug != "":
		return s.pin.Slug
	}
	return s.want.Typed
}

// contents is what an artifact was found to hold.
type contents struct {
	*archive.Result
	skill    *skill.Skill
	findings []skill.Finding
}

// unpack checks an artifact whole and writes its tree to dst, if that is not
// nil. It fills in what only the artifact could tell.
func (e *Engine) unpack(ctx context.Context, s *step, a *artifact, dst tree.Writer, o Options) (*contents, error) {
	scan := hiddenScan{}
	options := archive.Options{Limits: e.Limits, Slug: s.pin.Slug, Path: s.path, Tap: scan.tap}
	result, err := archive.Unpack(ctx, a, a.size, dst, options)
	if err != nil {
		return nil, err
	}
	if err := scan.judge(s, o); err != nil {
		return nil, err
	}
	sk, findings, err := skill.Parse(result.Skill)
	if err != nil {
		return nil, err
	}
	for _, f := range findings {
		s.out.Warnings = append(s.out.Warnings, f.String())
	}
	got := result.Tree.Digest()
	if s.pin.Tree != "" && s.pin.Tree != got {
		return nil, &digest.MismatchError{What: "the tree of " + s.label(), Want: s.pin.Tree, Got: got}
	}
	if err := checkFiles(s, &result.Tree, result.Dropped); err != nil {
		return nil, err
	}
	s.pin.Tree, s.pin.Artifact, s.pin.Size = got, a.digest, a.size
	return &contents{Result: result, skill: sk, findings: findings}, e.settle(s, sk)
}

// settle gives s the version and the name that the skill itself says it has, as
// far as nothing else has said them.
func (e *Engine) settle(s *step, sk *skill.Skill) error {
	if s.pin.Version == "" || s.ours {
		s.ours = true
		s.pin.Version = version.FromTree(s.pin.Tree)
		if version.Valid(sk.Version) {
			s.pin.Version = sk.Version
		}
		q := s.route.Ref.Query
		if !s.exact && q.Kind() != version.Any && q.String() != version.Latest && !q.Match(s.pin.Version) {
			return &version.NoMatchError{Query: q, Have: []string{s.pin.Version}}
		}
	} else if err := e.sameBytes(s); err != nil {
		return err
	}
	name := s.out.Name
	if name == "" {
		name = sk.Name
	}
	if !skill.ValidName(name) {
		name = s.pin.Slug
	}
	if !skill.ValidName(name) {
		return &NameError{Slug: s.pin.Slug, Name: sk.Name}
	}
	warnings := s.out.Warnings
	e.describe(s)
	s.out.Name, s.out.Warnings = name, warnings
	return nil
}

// peek finds out whether what the pin of s means is what the lock has. Where the
// pin has neither a version nor the digest that the lock has, that takes a fetch.
func (e *Engine) peek(ctx context.Context, s *step, o Options) (unchanged bool, err error) {
	p, entry := &s.pin, s.entry
	if p.Revision != "" && entry.Revision != "" {
		return e.peekRevision(ctx, s, o)
	}
	if p.Version != "" {
		if p.Version != entry.Version || p.Locale != entry.Locale {
			return false, nil
		}
		if p.Tree != "" && p.Tree != entry.Tree {
			return false, &VersionBytesError{Name: entry.Name, Version: entry.Version, Have: entry.Tree, Got: p.Tree}
		}
		if p.Tree == "" && p.Artifact != "" && p.Artifact != entry.Artifact {
			return false, &VersionBytesError{Name: entry.Name, Version: entry.Version, Have: entry.Artifact, Got: p.Artifact}
		}
		return true, nil
	}
	published := p.Artifact != "" || p.Tree != ""
	if p.Locale == entry.Locale && published && (p.Artifact == entry.Artifact || p.Tree == entry.Tree) {
		return true, nil
	}
	seen, ok := e.remembered().Latest(p.Registry, p.Owner, p.Slug, p.Locale)
	if ok && seen.Artifact == entry.Artifact && !published {
		p.Known = source.Validators{ETag: seen.ETag, LastModified: seen.LastModified}
	}
	s.out.Name = entry.Name
	err = e.look(ctx, s, o)
	if errors.Is(err, source.ErrNotModified) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	s.out.Warnings = nil
	if s.pin.Tree == entry.Tree {
		return true, s.drop()
	}
	return false, nil
}

// look fetches the artifact of s and checks it, for what only it can tell. It
// stays with s, and out of the store.
func (e *Engine) look(ctx context.Context, s *step, o Options) error {
	if err := e.fetch(ctx, s); err != nil {
		return err
	}
	a := &artifact{ReaderAt: s.body, size: s.body.Offset(), digest: s.body.Digest()}
	c, err := e.unpack(ctx, s, a, nil, o)
	if err != nil {
		return errors.Join(err, s.drop())
	}
	if o.DryRun {
		e.survey(ctx, s, c)
	}
	return nil
}

// meter tells the engine of bytes as they pass.
type meter struct {
	source.Sink
	engine *Engine
	name   string
}

func (m *meter) Write(p []byte) (int, error) {
	n, err := m.Sink.Write(p)
	m.engine.tell(Event{Kind: Fetching, Name: m.name, Bytes: int64(n)})
	return n, err
}

func (e *Engine) tell(ev Event) {
	if e.OnEvent == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.OnEvent(ev)
}

// hiddenScan looks for hidden text in every file of an artifact.
type hiddenScan struct {
	files []*hiddenFile
}

type hiddenFile struct {
	path string
	skill.Scanner
}

func (h *hiddenScan) tap(path string) io.Writer {
	f := &hiddenFile{path: path}
	h.files = append(h.files, f)
	return f
}

func (h *hiddenScan) judge(s *step, o Options) error {
	for _, f := range h.files {
		findings := f.Findings()
		if !o.AllowHiddenText {
			refused := slices.DeleteFunc(slices.Clone(findings), func(h skill.Hidden) bool { return !h.Block })
			if len(refused) > 0 {
				return &HiddenTextError{Name: s.label(), File: f.path, Findings: refused}
			}
		}
		for _, hidden := range findings {
			s.out.Warnings = append(s.out.Warnings, fmt.Sprintf("hidden text in %s: %s", quote(f.path), hidden))
		}
	}
	return nil
}
