package lockfile

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/version"
)

// ErrNoConflict says that a lock has no conflict markers.
var ErrNoConflict = errors.New("lock has no merge conflict")

// A Verdict is what the manifest says about an entry of the lock.
type Verdict int

const (
	Unlisted Verdict = iota // it wants no skill of that name
	Refused                 // it wants that name by a reference that the entry does not satisfy
	Accepted                // the entry is what it wants
)

// A Side says which side of a merge conflict was taken.
type Side string

const (
	Ours    Side = "ours"    // what stood above the =======
	Theirs  Side = "theirs"  // what stood below it
	Both    Side = "both"    // one skill on both sides: what they say of it was united
	Neither Side = "neither" // it is in the lock no more, or could not be decided
)

func (s Side) name() string {
	if s == Ours {
		return "our"
	}
	return "their"
}

// A Decision is what Resolve made of something that the sides do not agree about.
type Decision struct {
	Name   string // of the skill; "" for what the lock says of itself
	Ours   *Skill // nil if it is not there
	Theirs *Skill
	Took   Side
	Why    string
	Err    error // a *ClashError or *DigestError if it could not be decided
}

// A ClashError says that the sides have two skills under one name, between which
// nobody but a person can choose.
type ClashError struct {
	Name         string
	Ours, Theirs string // what they are: "pdf of https://openskills.cc"
}

func (e *ClashError) Error() string {
	return fmt.Sprintf("%s is %s on our side and %s on theirs", quote(e.Name), quote(e.Ours), quote(e.Theirs))
}

// A DigestError says that the sides have one version with two digests. One of
// them is not what was published as that version, or what is published changes.
type DigestError struct {
	Name, Version string
	Ours, Theirs  digest.Digest
}

func (e *DigestError) Error() string {
	return fmt.Sprintf("version %s of %s is %s on our side and %s on theirs", quote(e.Version), quote(e.Name), e.Ours, e.Theirs)
}

// Merge merges the two sides of a lock and what they have both come from, which may
// be nil, skill by skill, and says how it decided wherever they differ. Judge says what
// the manifest makes of an entry; it is nil where there is no manifest.
//
// What only one side has stays if the manifest lists it; without a manifest it
// stays, unless the other side is known to have removed it. Of two versions the
// one stays that the manifest accepts, then the pinned one, then the one that is
// known to have changed, then the higher one. Agents and folders are united.
//
// The error is a *SideError where a side is no lock. Where skills could not be decided
// it has the Err of each, and the decisions are there without a Lock.
func Merge(base, ours, theirs []byte, judge func(*Skill) Verdict) (*Lock, []Decision, error) {
	m := &merge{judge: judge}
	var err error
	if m.ours, err = Parse(ours); err != nil {
		return nil, nil, &SideError{Ours, err}
	}
	if m.theirs, err = Parse(theirs); err != nil {
		return nil, nil, &SideError{Theirs, err}
	}
	if m.base, err = Parse(base); err != nil {
		m.base = nil // it is a help, and without it things are merged as well
	}
	return m.run()
}

// Resolve is Merge for the sides that version control left in a lock with conflict
// markers. They are not always what was there before: of lines that only one side
// changed each side has those. Where that can be seen the error is a *MixedError, and
// it is a *MarkerError where there are no two sides. Without a marker it is
// ErrNoConflict or one of those of Parse.
func Resolve(data []byte, judge func(*Skill) Verdict) (*Lock, []Decision, error) {
	if len(data) > maxSize {
		return nil, nil, ErrTooLarge
	}
	if markerLine(data) == 0 {
		_, err := Parse(data)
		if err == nil {
			err = ErrNoConflict
		}
		return nil, nil, err
	}
	m := &merge{judge: judge}
	var err error
	if m.ours, m.base, m.theirs, err = split(data); err != nil {
		return nil, nil, err
	}
	return m.run()
}

type merge struct {
	ours, theirs *Lock
	base         *Lock // nil if it is not known
	judge        func(*Skill) Verdict
	out          *Lock
	decisions    []Decision
}

func (m *merge) run() (*Lock, []Decision, error) {
	m.out = New()
	m.lock()
	names := maps.Clone(m.ours.Skills)
	maps.Copy(names, m.theirs.Skills)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		m.skill(name)
	}
	var errs []error
	for _, d := range m.decisions {
		errs = append(errs, d.Err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, m.decisions, err
	}
	return m.out, m.decisions, nil
}

// lock merges what the sides say besides skills.
func (m *merge) lock() {
	var before []field
	if m.base != nil {
		before = m.base.extra
	}
	merged, unsure := mergeFields(m.ours.extra, m.theirs.extra, before)
	m.out.extra = merged
	for _, key := range unsure {
		m.decisions = append(m.decisions, Decision{Took: Ours, Why: "the field " + quote(key) + " is not known to this program"})
	}
}

func (m *merge) skill(name string) {
	ours, theirs, base := m.ours.find(name), m.theirs.find(name), m.base.find(name)
	d := Decision{Name: name, Ours: ours, Theirs: theirs}
	var kept *Skill
	switch {
	case ours == nil:
		kept = m.one(&d, Theirs, theirs, base)
	case theirs == nil:
		kept = m.one(&d, Ours, ours, base)
	case ours.Equal(*theirs):
		m.out.Skills[name] = ours.clone()
		return
	default:
		kept = m.both(&d, base)
	}
	if kept != nil {
		if err := m.out.Put(*kept); err != nil { // united lists may be too long
			d.Took, d.Err = Neither, err
		}
	}
	m.decisions = append(m.decisions, d)
}

func (l *Lock) find(name string) *Skill {
	if l == nil {
		return nil
	}
	s, ok := l.Skills[name]
	if !ok {
		return nil
	}
	return &s
}

// one decides about a skill that only one side has.
func (m *merge) one(d *Decision, side Side, s, base *Skill) *Skill {
	d.Took = side
	switch {
	case m.judge == nil && base != nil && base.Equal(*s):
		d.Took, d.Why = Neither, "the other side removed it"
		return nil
	case m.judge == nil:
		d.Why = "the other side does not have it"
		return s
	}
	switch m.judge(s) {
	case Unlisted:
		d.Took, d.Why = Neither, "skills.yaml does not list it"
		return nil
	case Refused:
		d.Why = "skills.yaml lists it, in another version: skills install brings that"
	case Accepted:
		d.Why = "skills.yaml lists it"
	}
	return s
}

// both decides about a skill that the sides have in two ways.
func (m *merge) both(d *Decision, base *Skill) *Skill {
	if d.Ours.is(d.Theirs) {
		d.Took, d.Why = Both, "one skill: what the sides say of it is united"
		return m.unite(d.Ours, d.Theirs, base)
	}
	m.choose(d, base)
	switch d.Took {
	case Ours:
		return m.place(d.Ours.clone(), d.Theirs, base)
	case Theirs:
		return m.place(d.Theirs.clone(), d.Ours, base)
	case Both, Neither:
	}
	return nil
}

// is reports whether two entries mean the same artifact of the same skill.
func (s *Skill) is(t *Skill) bool {
	return s.source() == t.source() && s.Locale == t.Locale && s.Version == t.Version && s.Artifact == t.Artifact && s.Tree == t.Tree
}

// source says where a skill is from, for people.
func (s *Skill) source() string {
	switch {
	case s.Registry == "":
		return s.URL
	case s.Owner != "":
		return s.Owner + "/" + s.Slug + " of " + s.Registry
	}
	return s.Slug + " of " + s.Registry
}

// choose takes one of two different entries, by the first rule that tells them
// apart.
func (m *merge) choose(d *Decision, base *Skill) {
	ours, theirs := d.Ours, d.Theirs
	if m.judge != nil {
		a, b := m.judge(ours) == Accepted, m.judge(theirs) == Accepted
		if a != b {
			d.take(a, "skills.yaml accepts only this one")
			return
		}
	}
	if (ours.Pin != nil) != (theirs.Pin != nil) && (base == nil || base.Pin == nil) {
		d.take(ours.Pin != nil, "it is pinned")
		return
	}
	if base != nil && ours.is(base) != theirs.is(base) {
		d.take(theirs.is(base), "only this side changed it")
		return
	}
	switch {
	case ours.source() != theirs.source():
		d.clash(&ClashError{d.Name, ours.source(), theirs.source()})
	case ours.Locale != theirs.Locale:
		d.clash(&ClashError{d.Name, "in the language " + ours.Locale, "in the language " + theirs.Locale})
	case ours.Version == theirs.Version:
		d.sameVersion()
	case version.FromTree(ours.Tree) == ours.Version && version.FromTree(theirs.Tree) == theirs.Version:
		// Any, as long as it is the same for everyone who merges.
		d.take(version.Compare(ours.Version, theirs.Version) > 0, "it has no versions that could be compared: skills update brings the newest")
	default:
		d.take(version.Compare(ours.Version, theirs.Version) > 0, "it is the higher version")
	}
}

// sameVersion decides between two artifacts of one version. A registry that never
// named a digest may pack the same files anew each time; anything else is not what
// a version is.
func (d *Decision) sameVersion() {
	const named = "registry" // a source.Level
	ours, theirs := d.Ours, d.Theirs
	switch {
	case ours.Tree != theirs.Tree:
		d.clash(&DigestError{d.Name, ours.Version, ours.Tree, theirs.Tree})
	case ours.Trust == named && theirs.Trust == named:
		d.clash(&DigestError{d.Name, ours.Version, ours.Artifact, theirs.Artifact})
	case ours.Trust == named || theirs.Trust == named:
		d.take(ours.Trust == named, "its digest is the registry's, and the files are the same")
	default:
		d.take(ours.Artifact < theirs.Artifact, "the files are the same")
	}
}

func (d *Decision) take(ours bool, why string) {
	d.Took, d.Why = Theirs, why
	if ours {
		d.Took = Ours
	}
}

func (d *Decision) clash(err error) { d.Took, d.Err = Neither, err }

// unite merges two entries that mean the same artifact.
func (m *merge) unite(ours, theirs, base *Skill) *Skill {
	s := ours.clone()
	before := &Skill{}
	if base != nil {
		before = base
	}
	if s.Trust == "" || theirs.Trust == "registry" {
		s.Trust = theirs.Trust
	}
	s.Size = max(ours.Size, theirs.Size)
	s.Ref = m.ref(ours, theirs, before.Ref)
	s.URL = three(ours.URL, theirs.URL, before.URL)
	s.Revision = three(ours.Revision, theirs.Revision, before.Revision)
	if pinText(ours.Pin) == pinText(before.Pin) && (base != nil || ours.Pin == nil) {
		s.Pin = theirs.clone().Pin
	}
	s.extra, _ = mergeFields(ours.extra, theirs.extra, before.extra)
	return m.place(s, theirs, base)
}

// ref returns the reference of an entry that was asked for in two ways: the one
// that the manifest has.
func (m *merge) ref(ours, theirs *Skill, before string) string {
	if m.judge != nil {
		// As only the references differ, only they can make a difference here.
		if a, b := m.judge(ours), m.judge(theirs); a != b && b == Accepted {
			return theirs.Ref
		} else if a != b {
			return ours.Ref
		}
	}
	return three(ours.Ref, theirs.Ref, before)
}

// place gives s, a copy of one side, the places of both.
func (m *merge) place(s Skill, other, base *Skill) *Skill {
	if base == nil {
		s.Agents, s.Dirs = union(s.Agents, other.Agents, nil), union(s.Dirs, other.Dirs, nil)
		// To be out of the agents' sight is said outright, and to be in it is not.
		s.Disabled = s.Disabled || other.Disabled
		return &s
	}
	agents, dirs := union(s.Agents, other.Agents, base.Agents), union(s.Dirs, other.Dirs, base.Dirs)
	if len(agents)+len(dirs) == 0 {
		agents, dirs = union(s.Agents, other.Agents, nil), union(s.Dirs, other.Dirs, nil)
	}
	s.Agents, s.Dirs = agents, dirs
	s.Disabled = three(s.Disabled, other.Disabled, base.Disabled)
	s.Placement = three(s.Placement, other.Placement, base.Placement)
	if base.Pin != nil && other.Pin == nil {
		s.Pin = nil
	}
	return &s
}

// three returns what a three-way merge makes of a value: the one that changed, and
// a if both did.
func three[T comparable](a, b, before T) T {
	if a == before {
		return b
	}
	return a
}

// union returns what is in a or b, sorted, without what was before and one of
// them took out.
func union(a, b, before []string) []string {
	both := slices.Concat(a, b)
	both = slices.DeleteFunc(both, func(v string) bool {
		return slices.Contains(before, v) && !(slices.Contains(a, v) && slices.Contains(b, v))
	})
	slices.Sort(both)
	return slices.Compact(both)
}

func pinText(p *Pin) string {
	s := Skill{Pin: p}
	return string(s.append(nil))
}

// mergeFields merges unknown fields. Of those that both changed, ours stay, and
// their keys are returned.
func mergeFields(ours, theirs, before []field) (merged []field, unsure []string) {
	find := func(in []field, key string) []byte {
		for _, f := range in {
			if f.key == key {
				return f.value
			}
		}
		return nil
	}
	keys := map[string]bool{}
	for _, f := range slices.Concat(ours, theirs) {
		keys[f.key] = true
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		a, b, was := find(ours, key), find(theirs, key), find(before, key)
		value := a
		switch {
		case bytes.Equal(a, b), b == nil && was == nil:
		case a == nil && was == nil, bytes.Equal(a, was):
			value = b
		case !bytes.Equal(b, was):
			unsure = append(unsure, key)
		}
		if value != nil {
			merged = append(merged, field{key, value})
		}
	}
	return merged, unsure
}
