package meta_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // to look at a file from outside

	"github.com/openskills-go/skills/registry/internal/meta"
	"github.com/openskills-go/skills/registry/internal/meta/metatest"
)

func open(t *testing.T, url string) *meta.DB {
	t.Helper()
	db, err := meta.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestSQLite(t *testing.T) {
	metatest.Run(t, func(t *testing.T) *meta.DB { return open(t, "sqlite://"+filepath.Join(t.TempDir(), "a b?#%.db")) })
}

func TestSQLiteInMemory(t *testing.T) {
	metatest.Run(t, func(t *testing.T) *meta.DB { return open(t, "sqlite://:memory:") })
}

// What was written is there when the file is opened again, and in a copy of it.
func TestSQLiteStays(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "registry.db")
	put := func(db *meta.DB, name string) error {
		return db.Update(t.Context(), func(tx *meta.Tx) error { return tx.PutSetting(t.Context(), name, []byte(name)) })
	}
	get := func(url, name string) error {
		return open(t, url).View(t.Context(), func(tx *meta.Tx) error { _, err := tx.Setting(t.Context(), name); return err })
	}
	db := open(t, "sqlite://"+path)
	if err := put(db, "a"); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "copy.db")
	if err := db.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if err := db.Backup(t.Context(), copied); err == nil {
		t.Error("a copy was written over")
	}
	if err := put(db, "b"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(get("sqlite://"+path, "a"), get("sqlite://"+path, "b"), get("sqlite://"+copied, "a")); err != nil {
		t.Error(err)
	}
	if err := get("sqlite://"+copied, "b"); !errors.Is(err, meta.ErrNotFound) {
		t.Error("the copy is no copy")
	}
}

func TestSQLiteRefuses(t *testing.T) {
	dir := t.TempDir()
	noise := filepath.Join(dir, "noise.db")
	if err := os.WriteFile(noise, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(dir, "newer.db")
	_ = open(t, "sqlite://"+newer).Close()
	raw, err := sql.Open("sqlite", newer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)`); err != nil {
		t.Fatal(err)
	}
	_ = raw.Close()
	for url, says := range map[string]string{
		"":                                  "neither",
		"mysql://x":                         "neither",
		"sqlite://relative.db":              "not absolute",
		"sqlite://" + dir + "/none/x.db":    "none",
		"sqlite://" + noise:                 "not a database",
		"sqlite://" + newer:                 "use a newer one",
		"postgres://u:secret@127.0.0.1:1/x": "reach PostgreSQL",
	} {
		db, err := meta.Open(t.Context(), url)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
		if err == nil {
			_ = db.Close()
		}
	}
}

// A context that has ended ends a transaction, and leaves the database whole.
func TestCancelled(t *testing.T) {
	db := open(t, "sqlite://"+filepath.Join(t.TempDir(), "x.db"))
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Update(ctx, func(tx *meta.Tx) error {
		if err := tx.PutSetting(ctx, "a", nil); err != nil {
			return err
		}
		cancel()
		return nil
	})
	if err == nil {
		t.Error("it was committed after the end")
	}
	err = db.View(t.Context(), func(tx *meta.Tx) error { _, err := tx.Setting(t.Context(), "a"); return err })
	if !errors.Is(err, meta.ErrNotFound) {
		t.Error(err)
	}
}
