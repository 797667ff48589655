package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// A RenamedError says that a registry has a skill by another slug now. A name
// that silently becomes another is how somebody else's skill gets in: nothing is
// taken by its new name unless that was said to be right.
type RenamedError struct{ Registry, From, To string }

func (e *RenamedError) Error() string {
	return fmt.Sprintf("%s is called %s in %s now", quote(e.From), quote(e.To), e.Registry)
}

// A GoneError says that a registry has an installed skill no more. It matches
// what the registry said, which matches source.ErrNotFound.
type GoneError struct {
	Name, Registry string
	Err            error
}

func (e *GoneError) Error() string {
	return fmt.Sprintf("%s is gone from %s; what is installed stays", e.Name, e.Registry)
}

func (e *GoneError) Unwrap() error { return e.Err }

// upstream is what a source says of a skill beside its bytes.
type upstream struct {
	accept bool   // a new slug may take the place of the old one
	was    string // the slug whose place a new one took
	owner  string // the owner whose place a new one took
	doubts string // what the registry has against the version, which is taken or stays all the same
	now    string // the slug that the source has for what is restored by the old one
	yanked string // why the version that the lock has is yanked
	better string // why another skill should be used
	mirror string // that sent the artifact in place of the registry
}

// outcome returns the outcome of s, with what there is to say of its source.
func (s *step) outcome() Outcome {
	o := s.out
	var news []string
	if s.yanked != "" && s.entry != nil {
		text := (&version.YankedError{Version: s.entry.Version, Reason: s.yanked}).Error()
		if o.Action == Unchanged {
			text += "; what is installed stays"
		}
		news = append(news, text)
	}
	if s.was != "" && o.Err == nil {
		news = append(news, fmt.Sprintf("%s is called %s in %s now, and here as well", quote(s.was), quote(s.pin.Slug), s.pin.Registry))
	}
	if s.owner != "" && o.Err == nil {
		news = append(news, s.ownerNews())
	}
	if s.doubts != "" && o.Err == nil {
		text := s.doubts
		if o.Action == Unchanged && s.entry != nil {
			text += "; what is installed stays"
		}
		news = append(news, text)
	}
	if s.better != "" && o.Err == nil {
		news = append(news, "deprecated: "+s.better)
	}
	if s.mirror != "" && o.Err == nil {
		news = append(news, fmt.Sprintf("%s could not be reached; fetched from its mirror %s", s.pin.Registry, s.mirror))
	}
	if s.now != "" {
		news = append(news, fmt.Sprintf("%s is called %s in %s now; the lock keeps the old name", quote(s.pin.Slug), quote(s.now), s.pin.Registry))
	}
	for _, text := range news {
		if !slices.Contains(o.Warnings, text) {
			o.Warnings = slices.Concat(o.Warnings, []string{text})
		}
	}
	return o
}

// resolved takes in what the pin of s says of the skill.
func (e *Engine) resolved(st *state, s *step, o Options) error {
	s.accept = o.AcceptRename
	if s.route.Registry == "" {
		return nil
	}
	if err := s.rename(s.route.Ref.Slug, s.pin.Slug); err != nil {
		return err
	}
	if s.entry == nil {
		// By another spelling than the one that was asked for.
		s.entry = e.byIdentity(st, s.identity(), s.want.As)
	}
	if err := s.owned(o); err != nil {
		return err
	}
	if s.moves() {
		s.restate()
	}
	s.yanked, s.better = s.pin.Yanked, s.pin.Deprecated
	return s.doubted(o)
}

// heed takes in what the receipt of an artifact says of the skill. The artifact
// has the digest got, or is the one that the validators of the pin came with.
func (s *step) heed(receipt source.Receipt, got digest.Digest, modified bool) error {
	if receipt.Slug != "" && s.route.Registry != "" {
		if err := s.rename(s.pin.Slug, receipt.Slug); err != nil {
			return err
		}
	}
	if receipt.Yanked == "" {
		return nil
	}
	v := cmp.Or(s.pin.Version, receipt.Version)
	if s.entry == nil || modified && !s.exact && v != s.entry.Version && got != s.entry.Artifact {
		return &version.YankedError{Version: v, Reason: receipt.Yanked}
	}
	s.yanked = receipt.Yanked
	return nil
}

// rename makes s one of the skill's new slug, if it may be.
func (s *step) rename(from, to string) error {
	switch {
	case from == to:
		return nil
	case s.exact && !s.frozen:
		s.now = to
		return nil
	case s.frozen, !s.accept || !ref.ValidSlug(to):
		return &RenamedError{Registry: s.route.Registry, From: from, To: to}
	}
	s.was, s.pin.Slug = from, to
	s.restate()
	return nil
}

// adopt has a skill recorded by its new name or owner, though nothing else of it
// may have changed.
func (s *step) adopt(st *state, unchanged bool) {
	if unchanged && s.pin.Version == "" { // nothing came, since nothing was modified
		s.pin.Version, s.pin.Artifact, s.pin.Size = s.entry.Version, s.entry.Artifact, s.entry.Size
		s.pin.Tree, s.pin.Trust = s.entry.Tree, source.Level(s.entry.Trust)
	}
	if unchanged {
		s.pin.Known = source.Validators{}
	}
	if st.manifest == nil || s.listed != "" {
		return
	}
	if _, ok := st.manifest.Ref(s.entry.Name); ok {
		s.listed = s.want.Typed
	}
}

// withdrawn plans for an installed skill of which the source has nothing to
// offer any more, if that is what err says.
func (e *Engine) withdrawn(ctx context.Context, s *step, o Options, err error) *step {
	yanked, ok := errors.AsType[*version.YankedError](err)
	if ok && (accepts(s.route.Ref, s.entry.Version) || s.route.Ref.Query.Kind() == version.Tag) {
		if yanked.Version == "" || yanked.Version == s.entry.Version {
			s.yanked = yanked.Reason
			return e.planPresent(ctx, s, o)
		}
		e.askYanked(ctx, s)
		kept := e.planPresent(ctx, s, o)
		kept.warn(yanked.Error() + "; what is installed stays")
		return kept
	}
	if errors.Is(err, source.ErrNotFound) && s.entry.Registry != "" {
		err = &GoneError{Name: s.entry.Name, Registry: e.absolute(s.entry.Registry), Err: err}
	}
	return s.fail(err)
}

// askYanked finds out whether the version that an update leaves is yanked, from
// the list of versions or, where there is none, by asking whether the artifact is
// still what it was. What cannot be found out so is not worth a transfer.
func (e *Engine) askYanked(ctx context.Context, s *step) {
	if s.entry.Registry == "" || s.yanked != "" || s.ours || s.pin.Version == s.entry.Version {
		return
	}
	infos, err := s.route.Source.Versions(ctx, s.route.Ref)
	if err == nil {
		for _, v := range infos {
			if v.Version == s.entry.Version && v.Yanked {
				s.yanked = source.YankReason(v.Reason)
			}
		}
		return
	}
	if !errors.Is(err, source.ErrUnsupported) {
		return
	}
	p := e.pinOf(s.entry)
	seen, ok := e.remembered().Version(p.Registry, p.Owner, p.Slug, p.Locale, p.Version)
	if !ok || seen.Artifact != p.Artifact || seen.ETag == "" {
		return
	}
	p.Ref = s.route.Ref
	p.Known = source.Validators{ETag: seen.ETag, LastModified: seen.LastModified}
	receipt, err := s.route.Source.Fetch(ctx, p, noSink{})
	if err == nil || errors.Is(err, source.ErrNotModified) {
		s.yanked = receipt.Yanked
	}
}

var errNoSink = errors.New("nothing is taken")

// noSink takes no artifact: it is for questions that are answered without one.
type noSink struct{}

func (noSink) Write([]byte) (int, error) { return 0, errNoSink }
func (noSink) Offset() int64             { return 0 }
func (noSink) Validator() string         { return "" }
func (noSink) Restart(string) error      { return errNoSink }

// sameBytes holds a version that the registry promised to the files that it had
// when it was last seen: by the lock, which others may have written, and by the
// store, which all scopes share.
func (e *Engine) sameBytes(s *step) error {
	p := s.pin
	if p.Registry == "" || s.back != nil {
		return nil
	}
	changed := func(have digest.Digest) error {
		if have == p.Tree {
			return nil
		}
		return &VersionBytesError{Name: s.label(), Version: p.Version, Have: have, Got: p.Tree}
	}
	// What another owner calls by the same version is another release, even if the
	// files are all but the same: some registries write the owner into the artifact.
	if s.entry != nil && s.owner == "" && s.entry.Version == p.Version && s.entry.Locale == p.Locale {
		return changed(s.entry.Tree)
	}
	if seen, ok := e.remembered().Version(p.Registry, p.Owner, p.Slug, p.Locale, p.Version); ok {
		return changed(seen.Tree)
	}
	return nil
}
