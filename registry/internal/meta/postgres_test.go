//go:build postgres

package meta_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // to make databases

	"github.com/openskills-go/skills/registry/internal/meta"
	"github.com/openskills-go/skills/registry/internal/meta/metatest"
)

var databases atomic.Int64

// newDatabase makes a database for a test, and returns its address. A machine
// without a server fails: what was not run proves nothing.
func newDatabase(t *testing.T) string {
	t.Helper()
	address := os.Getenv("SKILLS_POSTGRES")
	if address == "" {
		t.Fatal("SKILLS_POSTGRES is not set: .ci/run postgres starts a server and sets it")
	}
	admin, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("skills_%d_%d", time.Now().UnixNano(), databases.Add(1))
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil { // it is of digits
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func TestPostgres(t *testing.T) {
	metatest.Run(t, func(t *testing.T) *meta.DB { return open(t, newDatabase(t)) })
}

// Processes that start at the same time bring the tables up to date once.
func TestPostgresStartsTogether(t *testing.T) {
	address := newDatabase(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			db, err := meta.Open(t.Context(), address)
			if err != nil {
				t.Error(err)
				return
			}
			_ = db.Close()
		})
	}
	wg.Wait()
}
