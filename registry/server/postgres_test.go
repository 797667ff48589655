//go:build postgres

package server_test

import (
	"database/sql"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // to make a database

	"github.com/openskills-go/skills/registry/api"
	"github.com/openskills-go/skills/registry/server"
)

// serve serves another server until the test ends.
func serve(t *testing.T, s *server.Server) string {
	t.Helper()
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return web.URL
}

// Two processes on one PostgreSQL and one place of blobs are one registry: of two
// that publish one version one wins, and both serve it.
func TestPostgresTwoServers(t *testing.T) {
	address := os.Getenv("SKILLS_POSTGRES")
	if address == "" {
		t.Fatal("SKILLS_POSTGRES is not set: .ci/run postgres starts a server and sets it")
	}
	admin, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	name := fmt.Sprintf("server_%d", time.Now().UnixNano())
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil { // it is of digits
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	dir := t.TempDir()
	one, first := start(t, func(o *server.Options) { o.DB, o.Blobs = u.String(), "file://"+dir })
	token := issue(t, one, "alice")
	second, err := server.Open(t.Context(), server.Options{DB: u.String(), Blobs: "file://" + dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = second.Close() })
	base := serve(t, second)
	clients := []*client{{t, first, token}, {t, base, token}}
	for round := range 10 {
		var wg sync.WaitGroup
		var answers [2]answer
		for i, c := range clients {
			wg.Go(func() {
				answers[i] = c.form(fmt.Sprintf(`{"slug":"demo","version":"1.0.%d"}`, round), tree(fmt.Sprint("of ", i, round)))
			})
		}
		wg.Wait()
		won := map[int]int{}
		for _, a := range answers {
			won[a.status]++
		}
		if won[200] != 1 || won[409] != 1 {
			t.Errorf("round %d: %d %s, %d %s", round, answers[0].status, answers[0].body, answers[1].status, answers[1].body)
		}
	}
	for _, c := range clients {
		for round := range 10 {
			if a := c.get(fmt.Sprintf("/api/v1/download?slug=demo&version=1.0.%d", round)); a.status != 200 {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
	}
	if a := into[api.Versions](t, clients[1].get("/api/v1/skills/demo/versions")); len(a.Items) != 10 {
		t.Errorf("%d versions", len(a.Items))
	}
	if lines, err := one.Catalog().Log(t.Context(), 0, 100); err != nil || len(lines) != 10 {
		t.Errorf("%d lines, %v", len(lines), err)
	}
}
