package server_test

import (
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
