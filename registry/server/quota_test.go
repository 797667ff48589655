package server_test

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/registry/api"
	"github.com/openskills-go/skills/registry/server"
)

// Who uploads without publishing fills no disk: what is too much is refused, for an
// hour, and for that user alone.
func TestUploadQuota(t *testing.T) {
	var later atomic.Int64
	s, base := start(t, func(o *server.Options) {
		o.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	})
	s.LimitStaged(100)
	upload := func(c *client, text string) answer {
		t.Helper()
		ask := api.UploadRequest{Path: "a.md", Size: int64(len(text)), SHA256: digest.Of([]byte(text)).Hex()}
		ticket := into[api.UploadTicket](t, c.do("POST", "/api/v1/skills/-/upload-url", ask))
		return c.do("POST", ticket.URL, text)
	}
	alice, bob := &client{t, base, issue(t, s, "alice")}, &client{t, base, issue(t, s, "bob")}
	forty := "0123456789012345678901234567890123456789"
	for i, want := range []int{200, 200, 429} {
		if a := upload(alice, forty); a.status != want || want == 429 && a.header.Get("Retry-After") == "" {
			t.Errorf("upload %d: %d %s %v", i, a.status, a.body, a.header)
		}
	}
	other := &client{t, base, issue(t, s, "alice")} // another token of hers
	if a := upload(other, forty); a.status != 429 {
		t.Errorf("by another token: %d", a.status)
	}
	if a := upload(bob, forty); a.status != 200 {
		t.Errorf("bob pays for alice: %d", a.status)
	}
	later.Store(int64(time.Hour))
	if a := upload(alice, forty); a.status != 200 {
		t.Errorf("an hour later: %d", a.status)
	}
}

// Of a proxy that is trusted it is believed whom it asks for, and of nobody else; what
// comes before the last address that is not trusted may be made up.
func TestTrustedProxy(t *testing.T) {
	_, base := start(t, func(o *server.Options) {
		o.Rates = server.Rates{Read: 1}
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	})
	anyone := &client{t, base, ""}
	for _, test := range []struct {
		forwarded string
		want      int
	}{
		{"203.0.113.1", 200},
		{"203.0.113.1", 429},
		{"203.0.113.2", 200},
		{"203.0.113.9, 203.0.113.2", 429},         // the first is what the second says
		{"203.0.113.3, 10.0.0.1", 200},            // through two proxies of ours
		{"203.0.113.3, 10.0.0.2, 127.0.0.9", 429}, // and through others
		{"nonsense, 203.0.113.3", 429},
		{"", 200}, // the proxy itself
		{"", 429},
		{"nonsense", 429},
	} {
		var header []string
		if test.forwarded != "" {
			header = []string{"X-Forwarded-For", test.forwarded}
		}
		if a := anyone.get("/api/v1/skills", header...); a.status != test.want {
			t.Errorf("%q: %d, want %d", test.forwarded, a.status, test.want)
		}
	}
}

// A skill of many files is one publish, however many uploads it takes.
func TestUploadsAreNoWrites(t *testing.T) {
	s, base := start(t, func(o *server.Options) { o.Rates = server.Rates{Write: 2} })
	alice := &client{t, base, issue(t, s, "alice")}
	files := tree("one")
	for i := range 5 {
		files[fmt.Sprintf("references/%d.md", i)] = "x"
	}
	into[api.Published](t, alice.upload("demo", "1.0.0", files)) // 18 requests, and one
	if a := alice.upload("demo", "1.0.1", map[string]string{}); a.status == 429 {
		t.Errorf("a second publish is %d", a.status)
	}
	if a := alice.do("POST", "/api/v1/skills", "{}"); a.status != 429 {
		t.Errorf("a third is %d", a.status)
	}
	ticket := api.UploadRequest{Path: "a", Size: 1, SHA256: digest.Of(nil).Hex()}
	for range 4 {
		if a := alice.do("POST", "/api/v1/skills/-/upload-url", ticket); a.status == 429 {
			return
		}
	}
	t.Error("uploads have no limit")
}
