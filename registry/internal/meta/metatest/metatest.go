// Package metatest holds databases of a registry to what package meta says of them.
package metatest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/registry/internal/meta"
)

// Run runs the suite. open returns a new, empty database, which is closed when the
// test ends.
func Run(t *testing.T, open func(t *testing.T) *meta.DB) {
	for name, test := range map[string]func(*testing.T, *suite){
		"users": users, "tokens": tokens, "devices": devices, "skills": skills, "versions": versions, "lists": lists, "search": search,
		"log": log, "generation": generation, "race": race, "rollback": rollback, "stars": stars,
	} {
		t.Run(name, func(t *testing.T) {
			s := &suite{t: t, DB: open(t), ctx: t.Context()}
			s.update(func(tx *meta.Tx) error {
				return errors.Join(tx.PutUser(s.ctx, meta.User{Handle: "alice", Created: day(1)}), tx.PutUser(s.ctx, meta.User{Handle: "bob", Created: day(2)}))
			})
			test(t, s)
		})
	}
}

type suite struct {
	*meta.DB
	t   *testing.T
	ctx context.Context //nolint:containedctx // that of the test
}

func (s *suite) update(f func(*meta.Tx) error) {
	s.t.Helper()
	if err := s.Update(s.ctx, f); err != nil {
		s.t.Fatal(err)
	}
}

func (s *suite) view(f func(*meta.Tx) error) {
	s.t.Helper()
	if err := s.View(s.ctx, f); err != nil {
		s.t.Fatal(err)
	}
}

func day(n int) time.Time { return time.Date(2026, 1, n, 1, 2, 3, 4000, time.UTC) }

func want(t *testing.T, err, is error) {
	t.Helper()
	if !errors.Is(err, is) {
		t.Errorf("the error is %v, want %v", err, is)
	}
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func users(t *testing.T, s *suite) {
	eve := meta.User{Handle: "eve", Name: "Eve ' \" \\ % 名", Role: meta.Moderator, Created: day(3)}
	s.update(func(tx *meta.Tx) error { return tx.PutUser(s.ctx, eve) })
	eve.Disabled = true
	s.update(func(tx *meta.Tx) error { return tx.PutUser(s.ctx, eve) })
	s.update(func(tx *meta.Tx) error {
		return errors.Join(
			tx.PutOwner(s.ctx, meta.Owner{Handle: "acme", Kind: meta.Org, Created: day(4)}),
			tx.PutMember(s.ctx, meta.Member{Owner: "acme", User: "eve", Role: meta.Publisher}),
			tx.PutMember(s.ctx, meta.Member{Owner: "acme", User: "eve", Role: meta.Admin}),
			tx.PutMember(s.ctx, meta.Member{Owner: "acme", User: "alice", Role: meta.Publisher}))
	})
	s.view(func(tx *meta.Tx) error {
		got, err := tx.User(s.ctx, "eve")
		same(t, got, eve)
		_, missing := tx.User(s.ctx, "nobody")
		want(t, missing, meta.ErrNotFound)
		all, err2 := tx.Users(s.ctx)
		if len(all) != 3 || all[2].Handle != "eve" {
			t.Errorf("%+v", all)
		}
		owner, err3 := tx.Owner(s.ctx, "eve")
		same(t, owner, meta.Owner{Handle: "eve", Name: eve.Name, Kind: meta.Person, Created: day(3)})
		members, err4 := tx.Members(s.ctx, "acme")
		same(t, members, []meta.Member{{Owner: "acme", User: "alice", Role: meta.Publisher}, {Owner: "acme", User: "eve", Role: meta.Admin}})
		owners, err5 := tx.OwnersOf(s.ctx, "eve")
		if len(owners) != 1 || owners[0].Handle != "acme" {
			t.Errorf("%+v", owners)
		}
		return errors.Join(err, err2, err3, err4, err5)
	})
	s.update(func(tx *meta.Tx) error { return tx.DeleteMember(s.ctx, "acme", "eve") })
	want(t, s.Update(s.ctx, func(tx *meta.Tx) error { return tx.DeleteMember(s.ctx, "acme", "eve") }), meta.ErrNotFound)
	if err := s.Update(s.ctx, func(tx *meta.Tx) error {
		return tx.PutMember(s.ctx, meta.Member{Owner: "acme", User: "nobody", Role: meta.Admin})
	}); err == nil {
		t.Error("someone who is not there became a member")
	}
}

func tokens(t *testing.T, s *suite) {
	token := meta.Token{ID: "1", Hash: [32]byte{1, 0, 255}, User: "alice", Label: "ci", Scopes: []string{"publish"}, Created: day(1), Expires: day(9)}
	s.update(func(tx *meta.Tx) error { return tx.CreateToken(s.ctx, token) })
	want(t, s.Update(s.ctx, func(tx *meta.Tx) error { return tx.CreateToken(s.ctx, token) }), meta.ErrExists)
	other := meta.Token{ID: "2", Hash: [32]byte{2}, User: "bob", Created: day(2)}
	s.update(func(tx *meta.Tx) error {
		return errors.Join(tx.CreateToken(s.ctx, other), tx.TouchToken(s.ctx, "1", day(5)), tx.TouchToken(s.ctx, "1", day(4)), tx.RevokeToken(s.ctx, "1", day(6)), tx.RevokeToken(s.ctx, "1", day(7)))
	})
	want(t, s.Update(s.ctx, func(tx *meta.Tx) error { return tx.RevokeToken(s.ctx, "3", day(6)) }), meta.ErrNotFound)
	token.Used, token.Revoked = day(5), day(6)
	s.view(func(tx *meta.Tx) error {
		got, user, err := tx.TokenByHash(s.ctx, token.Hash)
		same(t, got, token)
		if user.Handle != "alice" {
			t.Errorf("it is of %+v", user)
		}
		_, _, missing := tx.TokenByHash(s.ctx, [32]byte{3})
		want(t, missing, meta.ErrNotFound)
		all, err2 := tx.Tokens(s.ctx, "")
		if len(all) != 2 || all[0].ID != "2" {
			t.Errorf("%+v", all)
		}
		of, err3 := tx.Tokens(s.ctx, "alice")
		same(t, of, []meta.Token{token})
		return errors.Join(err, err2, err3)
	})
}

func devices(t *testing.T, s *suite) {
	d := meta.Device{Hash: [32]byte{1}, UserCode: "BCDF-GHJK", Scopes: []string{"publish"}, Label: "l", Status: meta.DevicePending, Created: day(1), Expires: day(2)}
	s.update(func(tx *meta.Tx) error { return tx.PutDevice(s.ctx, d) })
	twin := d
	twin.Hash = [32]byte{2}
	want(t, s.Update(s.ctx, func(tx *meta.Tx) error { return tx.PutDevice(s.ctx, twin) }), meta.ErrExists)
	d.Status, d.User, d.Polled = meta.DeviceApproved, "alice", day(1)
	s.update(func(tx *meta.Tx) error { return tx.PutDevice(s.ctx, d) })
	s.view(func(tx *meta.Tx) error {
		got, err := tx.Device(s.ctx, d.Hash)
		same(t, got, d)
		got, err2 := tx.DeviceByUserCode(s.ctx, d.UserCode)
		same(t, got, d)
		return errors.Join(err, err2)
	})
	s.update(func(tx *meta.Tx) error { return tx.DeleteDevicesBefore(s.ctx, day(2)) })
	s.view(func(tx *meta.Tx) error { _, err := tx.Device(s.ctx, d.Hash); return err })
	s.update(func(tx *meta.Tx) error { return tx.DeleteDevicesBefore(s.ctx, day(3)) })
	want(t, s.View(s.ctx, func(tx *meta.Tx) error { _, err := tx.Device(s.ctx, d.Hash); return err }), meta.ErrNotFound)
}

func skill(owner, slug string) meta.Skill {
	return meta.Skill{Owner: owner, Slug: slug, Name: slug, Latest: "1.0.0", Tags: map[string]string{"latest": "1.0.0"}, Created: day(1), Updated: day(2)}
}

func (s *suite) create(k meta.Skill) meta.Skill {
	s.t.Helper()
	s.update(func(tx *meta.Tx) (err error) {
		if k.ID, err = tx.CreateSkill(s.ctx, k); err != nil {
			return err
		}
		return tx.Index(s.ctx, k.ID, meta.Text{Slug: k.Slug, Name: k.Name, Summary: k.Summary, Topics: k.Topics})
	})
	return k
}

func skills(t *testing.T, s *suite) {
	k := skill("alice", "pdf")
	k.Summary, k.Topics = "a\x01' -- ; \U0001F600", []string{"x y"}
	k = s.create(k)
	want(t, s.Update(s.ctx, func(tx *meta.Tx) error { _, err := tx.CreateSkill(s.ctx, k); return err }), meta.ErrExists)
	k.Deprecated, k.Deleted, k.Removed, k.Tags = "use other", day(5), "bad", map[string]string{"beta": "2"}
	s.update(func(tx *meta.Tx) error { return tx.UpdateSkill(s.ctx, k) })
	want(t, s.Update(s.ctx, func(tx *meta.Tx) error { return tx.UpdateSkill(s.ctx, meta.Skill{ID: 999}) }), meta.ErrNotFound)
	s.create(skill("bob", "pdf"))
	s.view(func(tx *meta.Tx) error {
		found, err := tx.Skills(s.ctx, "alice", "pdf")
		same(t, found, []meta.Skill{k})
		both, err2 := tx.Skills(s.ctx, "", "pdf")
		if len(both) != 2 || both[1].Owner != "bob" {
			t.Errorf("%+v", both)
		}
		flat, err3 := tx.Flat(s.ctx, "bob-pdf")
		if len(flat) != 1 || flat[0].Owner != "bob" {
			t.Errorf("%+v", flat)
		}
		none, err4 := tx.Skills(s.ctx, "alice' OR 1=1 --", "pdf")
		if len(none) != 0 {
			t.Errorf("%+v", none)
		}
		count, _, _, err5 := tx.Count(s.ctx)
		if count != 1 {
			t.Errorf("%d skills are there", count)
		}
		return errors.Join(err, err2, err3, err4, err5)
	})
}

func versions(t *testing.T, s *suite) {
	k := s.create(skill("alice", "pdf"))
	v := meta.Version{
		Skill: k.ID, Version: "1.0.0", Changelog: "c", License: "MIT", Description: "d", Artifact: digest.Of([]byte("a")), Size: 1 << 40, Tree: "h1:x", Count: 2,
		Unpacked: 3, Fingerprint: "f", TextFingerprint: "t", Manifest: digest.Of([]byte("m")), Config: digest.Of([]byte("c")), Layer: digest.Of([]byte("l")),
		Publisher: "alice", Created: day(3), Log: 7,
	}
	files := []meta.File{{Path: "SKILL.md", Size: 1, Digest: v.Artifact, ContentType: "text/markdown"}, {Path: "ü/x", Executable: true}}
	s.update(func(tx *meta.Tx) (err error) { v.ID, err = tx.CreateVersion(s.ctx, v, files); return err })
	want(t, s.Update(s.ctx, func(tx *meta.Tx) error { _, err := tx.CreateVersion(s.ctx, v, files); return err }), meta.ErrExists)
	second := v
	second.Version, second.Artifact = "0.9.0", digest.Of([]byte("b"))
	s.update(func(tx *meta.Tx) (err error) { second.ID, err = tx.CreateVersion(s.ctx, second, nil); return err })
	s.view(func(tx *meta.Tx) error {
		got, err := tx.Versions(s.ctx, k.ID)
		same(t, got, []meta.Version{v, second})
		one, err2 := tx.Version(s.ctx, k.ID, "1.0.0")
		same(t, one, v)
		_, missing := tx.Version(s.ctx, k.ID, "1.0")
		want(t, missing, meta.ErrNotFound)
		list, err3 := tx.Files(s.ctx, v.ID)
		same(t, list, files)
		byManifest, err4 := tx.VersionByManifest(s.ctx, k.ID, v.Manifest)
		same(t, byManifest, v)
		_, missing = tx.VersionByManifest(s.ctx, k.ID+1, v.Manifest)
		want(t, missing, meta.ErrNotFound)
		var all []meta.Version
		for v, err := range tx.AllVersions(s.ctx) {
			if err != nil {
				return err
			}
			all = append(all, v)
		}
		same(t, all, []meta.Version{v, second})
		return errors.Join(err, err2, err3, err4)
	})
	served := func(d digest.Digest) (ok bool) {
		s.view(func(tx *meta.Tx) (err error) { ok, err = tx.Served(s.ctx, d); return err })
		return ok
	}
	for _, d := range []digest.Digest{v.Artifact, v.Manifest, v.Config, v.Layer} {
		if !served(d) {
			t.Errorf("%s is not served", d)
		}
	}
	v.Yanked, v.YankReason, v.Deleted = true, "r", day(8)
	s.update(func(tx *meta.Tx) error { return tx.UpdateVersion(s.ctx, v) })
	if served(v.Artifact) || !served(v.Layer) || served(digest.Of(nil)) {
		t.Error("what is served is not what is to be had")
	}
	s.view(func(tx *meta.Tx) error { got, err := tx.Version(s.ctx, k.ID, "1.0.0"); same(t, got, v); return err })
}

func log(t *testing.T, s *suite) {
	s.update(func(tx *meta.Tx) error {
		for i := range 5 {
			if n, err := tx.AppendLog(s.ctx, fmt.Sprint("line ", i)); err != nil || n != int64(i) {
				t.Errorf("%d, %v", n, err)
			}
		}
		return tx.AddLogHashes(s.ctx, 0, [][32]byte{{1}, {2}, {3}})
	})
	want(t, s.Update(s.ctx, func(tx *meta.Tx) error { return tx.AddLogHashes(s.ctx, 2, [][32]byte{{9}}) }), meta.ErrExists)
	s.update(func(tx *meta.Tx) error {
		for i := range 3 {
			if err := tx.AddEvent(s.ctx, meta.Event{Time: day(1), Action: fmt.Sprint(i), User: "alice", Detail: "\"'"}); err != nil {
				return err
			}
		}
		return tx.PutSetting(s.ctx, "key", []byte{0, 255})
	})
	want(t, s.Update(s.ctx, func(tx *meta.Tx) error { return tx.PutSetting(s.ctx, "key", []byte{1}) }), meta.ErrExists)
	s.view(func(tx *meta.Tx) error {
		lines, err := tx.Log(s.ctx, 3, 10)
		same(t, lines, []string{"line 3", "line 4"})
		size, err2 := tx.LogSize(s.ctx)
		hashes, err3 := tx.LogHashes(s.ctx, []int64{2, 0})
		same(t, hashes, [][32]byte{{3}, {1}})
		_, missing := tx.LogHashes(s.ctx, []int64{7})
		want(t, missing, meta.ErrNotFound)
		value, err4 := tx.Setting(s.ctx, "key")
		same(t, value, []byte{0, 255})
		_, missing = tx.Setting(s.ctx, "none")
		want(t, missing, meta.ErrNotFound)
		events, err5 := tx.Events(s.ctx, 0, 2)
		if size != 5 || len(events) != 2 || events[0].Action != "2" {
			t.Errorf("%d, %+v", size, events)
		}
		older, err6 := tx.Events(s.ctx, events[1].ID, 2)
		if len(older) != 1 || older[0].Action != "0" {
			t.Errorf("%+v", older)
		}
		return errors.Join(err, err2, err3, err4, err5, err6)
	})
}

func generation(t *testing.T, s *suite) {
	now := func() int64 {
		n, err := s.Generation(s.ctx)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := now()
	k := s.create(skill("alice", "pdf"))
	after := now()
	if after == before {
		t.Error("a write is not seen")
	}
	s.view(func(tx *meta.Tx) error { _, err := tx.Skills(s.ctx, "", "pdf"); return err })
	s.update(func(tx *meta.Tx) error {
		return errors.Join(tx.CountDownloads(s.ctx, map[int64]int64{k.ID: 3}), tx.TouchToken(s.ctx, "x", day(1)))
	})
	if now() != after {
		t.Error("what does not count was counted")
	}
	s.view(func(tx *meta.Tx) error {
		got, err := tx.SkillByID(s.ctx, k.ID)
		if got.Downloads != 3 {
			t.Errorf("%d downloads", got.Downloads)
		}
		return err
	})
}

var errStop = errors.New("stop")

func rollback(t *testing.T, s *suite) {
	before, _ := s.Generation(s.ctx)
	want(t, s.Update(s.ctx, func(tx *meta.Tx) error {
		if _, err := tx.CreateSkill(s.ctx, skill("alice", "pdf")); err != nil {
			return err
		}
		return errStop
	}), errStop)
	func() {
		defer func() { _ = recover() }()
		_ = s.Update(s.ctx, func(tx *meta.Tx) error {
			_, _ = tx.CreateSkill(s.ctx, skill("alice", "pdf"))
			panic("stop")
		})
	}()
	s.view(func(tx *meta.Tx) error {
		found, err := tx.Skills(s.ctx, "", "pdf")
		if len(found) != 0 {
			t.Errorf("%+v is there", found)
		}
		return err
	})
	if after, _ := s.Generation(s.ctx); after != before {
		t.Error("what did not happen was counted")
	}
	s.create(skill("alice", "pdf")) // the database works still
}

// Of many who write the same version one wins; numbers of the log have no gaps.
func race(t *testing.T, s *suite) {
	k := s.create(skill("alice", "pdf"))
	var wg sync.WaitGroup
	errs, numbers := make([]error, 8), make([]int64, 8)
	for i := range errs {
		wg.Go(func() {
			errs[i] = s.Update(s.ctx, func(tx *meta.Tx) (err error) {
				if _, err := tx.Skills(s.ctx, "alice", "pdf"); err != nil {
					return err
				}
				_, err = tx.CreateVersion(s.ctx, meta.Version{Skill: k.ID, Version: "1.0.0"}, nil)
				return err
			})
			if err := s.Update(s.ctx, func(tx *meta.Tx) (err error) { numbers[i], err = tx.AppendLog(s.ctx, "x"); return err }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			want(t, err, meta.ErrExists)
		}
	}
	slices.Sort(numbers)
	if won != 1 || !slices.Equal(numbers, []int64{0, 1, 2, 3, 4, 5, 6, 7}) {
		t.Errorf("%d won; the log has %v", won, numbers)
	}
}

func stars(t *testing.T, s *suite) {
	k := s.create(skill("alice", "pdf"))
	var news []bool
	s.update(func(tx *meta.Tx) error {
		news = nil
		for _, do := range []func(context.Context, string, int64) (bool, error){tx.Star, tx.Star, tx.Unstar, tx.Unstar, tx.Star} {
			isNews, err := do(s.ctx, "bob", k.ID)
			if err != nil {
				return err
			}
			news = append(news, isNews)
		}
		return nil
	})
	same(t, news, []bool{true, false, true, false, true})
	s.view(func(tx *meta.Tx) error {
		got, err := tx.SkillByID(s.ctx, k.ID)
		if got.Stars != 1 {
			t.Errorf("%d stars", got.Stars)
		}
		return err
	})
}
