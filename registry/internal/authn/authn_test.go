package authn_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openskills-go/skills/registry/internal/authn"
	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
)

type desk struct {
	*authn.Desk
	db  *meta.DB
	now time.Time
}

func open(t *testing.T) *desk {
	t.Helper()
	db, err := meta.Open(t.Context(), "sqlite://:memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	d := &desk{db: db, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	d.Desk = authn.New(db, func() time.Time { return d.now })
	err = db.Update(t.Context(), func(tx *meta.Tx) error {
		return errors.Join(tx.PutUser(t.Context(), meta.User{Handle: "alice", Role: meta.Plain}), tx.PutUser(t.Context(), meta.User{Handle: "root2", Role: meta.Admin}))
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTokens(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	text, token, err := d.Issue(ctx, catalog.Operator(), authn.Request{User: "alice", Label: "ci", Life: time.Hour})
	if err != nil || !regexp.MustCompile(`^skl_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}$`).MatchString(text) {
		t.Fatalf("%q, %v", text, err)
	}
	a, err := d.Actor(ctx, text)
	if err != nil || a.User != "alice" || a.Role != meta.Plain || !a.Has(catalog.ScopePublish) || !a.Has(catalog.ScopeRead) || a.Has(catalog.ScopeAdmin) || a.Token != token.ID {
		t.Errorf("%+v, %v", a, err)
	}
	var kept []meta.Token
	_ = d.db.View(ctx, func(tx *meta.Tx) (err error) { kept, err = tx.Tokens(ctx, ""); return err })
	if len(kept) != 1 || !kept[0].Used.Equal(d.now) {
		t.Errorf("%+v", kept)
	}
	for _, bad := range []string{"", "skl_", text + "x", text[1:], strings.ToUpper(text), text[:len(text)-1] + "~", "skd_" + text[4:], strings.Repeat("a", 1<<16)} {
		if _, err := d.Actor(ctx, bad); !errors.Is(err, authn.ErrUnauthorized) {
			t.Errorf("%.60q: %v", bad, err)
		}
	}
	d.now = d.now.Add(time.Hour) // also one that is believed expires on time
	if _, err := d.Actor(ctx, text); !errors.Is(err, authn.ErrUnauthorized) {
		t.Errorf("it is expired: %v", err)
	}
}

func TestRevoked(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	text, token, err := d.Issue(ctx, catalog.Operator(), authn.Request{User: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := d.Actor(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	other := authn.New(d.db, func() time.Time { return d.now }) // another process
	if _, err := other.Actor(ctx, text); err != nil {
		t.Fatal(err)
	}
	mallory := catalog.Actor{User: "mallory", Scopes: []string{catalog.ScopeAdmin}}
	if err := d.Revoke(ctx, mallory, token.ID); err == nil {
		t.Error("another's token was revoked")
	}
	if err := d.Revoke(ctx, a, token.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Actor(ctx, text); !errors.Is(err, authn.ErrUnauthorized) {
		t.Errorf("it is revoked: %v", err)
	}
	d.now = d.now.Add(5 * time.Second)
	if _, err := other.Actor(ctx, text); !errors.Is(err, authn.ErrUnauthorized) {
		t.Errorf("it is revoked elsewhere: %v", err)
	}
}

func TestDisabledUser(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	text, _, err := d.Issue(ctx, catalog.Operator(), authn.Request{User: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	err = d.db.Update(ctx, func(tx *meta.Tx) error {
		return tx.PutUser(ctx, meta.User{Handle: "alice", Role: meta.Plain, Disabled: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Actor(ctx, text); !errors.Is(err, authn.ErrUnauthorized) {
		t.Error(err)
	}
}

// Nobody gives more than they have.
func TestScopes(t *testing.T) {
	d := open(t)
	alice := catalog.Actor{User: "alice", Role: meta.Plain, Scopes: []string{catalog.ScopePublish}}
	for name, test := range map[string]struct {
		by   catalog.Actor
		r    authn.Request
		fine bool
	}{
		"own":       {alice, authn.Request{User: "alice", Scopes: []string{"read"}}, true},
		"more":      {alice, authn.Request{User: "alice", Scopes: []string{"admin"}}, false},
		"another's": {alice, authn.Request{User: "root2"}, false},
		"anonymous": {catalog.Actor{}, authn.Request{User: "alice"}, false},
		"unknown":   {catalog.Operator(), authn.Request{User: "alice", Scopes: []string{"all"}}, false},
		"nobody":    {catalog.Operator(), authn.Request{User: "nobody"}, false},
		"past":      {catalog.Operator(), authn.Request{User: "alice", Life: -time.Second}, false},
		"label":     {catalog.Operator(), authn.Request{User: "alice", Label: "a\x1b[2J"}, false},
		"operator":  {catalog.Operator(), authn.Request{User: "root2", Scopes: []string{"admin"}}, true},
	} {
		if _, _, err := d.Issue(t.Context(), test.by, test.r); (err == nil) != test.fine {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.Tokens(t.Context(), alice, "root2"); err == nil {
		t.Error("the tokens of another are shown")
	}
}

func TestLogin(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	alice := catalog.Actor{User: "alice", Role: meta.Plain, Scopes: []string{catalog.ScopePublish}}
	begin := func() authn.Login {
		l, err := d.Begin(ctx, []string{"admin", "publish", "nonsense"}, "laptop\n")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	redeem := func(l authn.Login) error { _, _, err := d.Redeem(ctx, l.DeviceCode); return err }
	is := func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	l := begin()
	if !regexp.MustCompile(`^[B-Z]{4}-[B-Z]{4}$`).MatchString(l.UserCode) {
		t.Error(l.UserCode)
	}
	is(redeem(l), authn.ErrPending)
	is(redeem(l), authn.ErrSlowDown)
	d.now = d.now.Add(5 * time.Second)
	is(redeem(l), authn.ErrPending)
	is(d.Decide(ctx, alice, "BBBB-BBBB", true), meta.ErrNotFound)
	if err := d.Decide(ctx, catalog.Actor{}, l.UserCode, true); err == nil {
		t.Error("someone without a name approved")
	}
	if p, err := d.Pending(ctx, strings.ToLower(strings.ReplaceAll(l.UserCode, "-", " "))); err != nil || p.Label != "laptop" {
		t.Errorf("%+v, %v", p, err)
	}
	if err := d.Decide(ctx, alice, l.UserCode, true); err != nil {
		t.Fatal(err)
	}
	is(d.Decide(ctx, alice, l.UserCode, false), meta.ErrNotFound)
	text, token, err := d.Redeem(ctx, l.DeviceCode)
	if err != nil || token.User != "alice" || !slices.Equal(token.Scopes, []string{"publish"}) {
		t.Fatalf("%+v, %v", token, err)
	}
	if a, err := d.Actor(ctx, text); err != nil || a.User != "alice" {
		t.Errorf("%+v, %v", a, err)
	}
	is(redeem(l), authn.ErrExpired) // once
	denied := begin()
	if err := d.Decide(ctx, alice, denied.UserCode, false); err != nil {
		t.Fatal(err)
	}
	is(redeem(denied), authn.ErrDenied)
	late := begin()
	d.now = d.now.Add(10 * time.Minute)
	is(d.Decide(ctx, alice, late.UserCode, true), meta.ErrNotFound)
	is(redeem(late), authn.ErrExpired)
	is(redeem(authn.Login{DeviceCode: "skd_nonsense"}), authn.ErrExpired)
}

func TestLimiter(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := authn.NewLimiter(60, func() time.Time { return now })
	for i := range 60 {
		if v := l.Allow("a"); !v.OK || v.Limit != 60 || v.Remaining != 59-i {
			t.Fatalf("%d: %+v", i, v)
		}
	}
	v := l.Allow("a")
	if v.OK || v.RetryAfter != time.Second || v.Reset != time.Minute || v.Remaining != 0 {
		t.Errorf("%+v", v)
	}
	if v := l.Allow("b"); !v.OK {
		t.Error("another pays for it")
	}
	now = now.Add(time.Second)
	if v := l.Allow("a"); !v.OK {
		t.Errorf("%+v", v)
	}
	if v := authn.NewLimiter(-1, time.Now).Allow("a"); !v.OK || v.Limit != 0 {
		t.Errorf("%+v", v)
	}
}
