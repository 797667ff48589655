package server

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/registry/internal/blobs"
	"github.com/openskills-go/skills/registry/internal/meta"
)

// The files of a backup.
const (
	backupDB       = "registry.db"
	backupBlobs    = "blobs"
	backupManifest = "backup.json"
)

// A Backup says what is in one. It is written last: a folder without it is none.
type Backup struct {
	Schema   string        `json:"schema"` // skills-registry-backup/1
	Database digest.Digest `json:"database"`
	Versions int           `json:"versions"`
	Blobs    int           `json:"blobs"`
	Bytes    int64         `json:"bytes"` // of the blobs
}

const backupSchema = "skills-registry-backup/1"

// Backup copies the registry into a new folder while it is served: the database as
// of one moment, then every blob that it names, each verified. Blobs are there
// before the rows that name them, so that none is missing.
func (s *Server) Backup(ctx context.Context, dir string) (Backup, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return Backup{}, err
	}
	db := filepath.Join(dir, backupDB)
	if err := s.db.Backup(ctx, db); err != nil {
		return Backup{}, err
	}
	b := Backup{Schema: backupSchema}
	var err error
	if b.Database, err = sumFile(db); err != nil {
		return b, err
	}
	target, err := blobs.Open(ctx, blobs.Options{URL: fileURL(filepath.Join(dir, backupBlobs)), Cache: -1})
	if err != nil {
		return b, err
	}
	defer func() { _ = target.Close() }()
	copied, err := meta.Open(ctx, "sqlite://"+filepath.ToSlash(db))
	if err != nil {
		return b, err
	}
	if err := copyBlobs(ctx, copied, s.blobs, target, &b); err != nil {
		_ = copied.Close()
		return b, err
	}
	if err := copied.Close(); err != nil {
		return b, err
	}
	if b.Database, err = sumFile(db); err != nil {
		return b, err
	}
	data, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return b, err
	}
	return b, writeFlushed(filepath.Join(dir, backupManifest), append(data, '\n'))
}

// copyBlobs copies what the versions of a database consist of. Get verifies what it
// returns.
func copyBlobs(ctx context.Context, db *meta.DB, from, to *blobs.Store, b *Backup) error {
	seen := map[digest.Digest]bool{}
	return db.View(ctx, func(tx *meta.Tx) error {
		for v, err := range tx.AllVersions(ctx) {
			if err != nil {
				return err
			}
			b.Versions++
			for _, d := range []digest.Digest{v.Artifact, v.Manifest, v.Config, v.Layer} {
				if seen[d] {
					continue
				}
				seen[d] = true
				data, err := from.Get(ctx, d)
				if err != nil {
					return fmt.Errorf("copy %s: %w", d, err)
				}
				if err := to.Put(ctx, d, data); err != nil {
					return fmt.Errorf("copy %s: %w", d, err)
				}
				b.Blobs++
				b.Bytes += int64(len(data))
			}
		}
		return nil
	})
}

// Restore makes a registry of a backup: a new database at db, and its blobs in a
// store. Everything is verified first; a database that is there is not written over.
func Restore(ctx context.Context, backup, db, blobsURL string) (Backup, error) {
	var b Backup
	data, err := os.ReadFile(filepath.Join(backup, backupManifest))
	if errors.Is(err, fs.ErrNotExist) {
		return b, fmt.Errorf("%s is no backup, or one that did not come to its end", backup)
	}
	if err != nil {
		return b, err
	}
	if err := json.Unmarshal(data, &b); err != nil || b.Schema != backupSchema {
		return b, fmt.Errorf("%s is not a backup that this program knows", backup)
	}
	if _, err := os.Lstat(db); err == nil {
		return b, fmt.Errorf("%s is there already", db)
	}
	source := filepath.Join(backup, backupDB)
	content, err := os.ReadFile(source)
	if err != nil {
		return b, err
	}
	if got := digest.Of(content); got != b.Database {
		return b, fmt.Errorf("the database of the backup is damaged: %w", &digest.MismatchError{Want: b.Database, Got: got})
	}
	from, err := blobs.Open(ctx, blobs.Options{URL: fileURL(filepath.Join(backup, backupBlobs)), Cache: -1})
	if err != nil {
		return b, err
	}
	defer func() { _ = from.Close() }()
	to, err := blobs.Open(ctx, blobs.Options{URL: blobsURL, Cache: -1})
	if err != nil {
		return b, err
	}
	defer func() { _ = to.Close() }()
	// Under another name until its blobs are there.
	part := db + ".part"
	if err := writeFlushed(part, content); err != nil {
		return b, err
	}
	defer func() {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(part + suffix)
		}
	}()
	restored, err := meta.Open(ctx, "sqlite://"+filepath.ToSlash(part))
	if err != nil {
		return b, err
	}
	count := Backup{}
	err = errors.Join(copyBlobs(ctx, restored, from, to, &count), restored.Close())
	if err != nil {
		return b, err
	}
	if count.Versions != b.Versions || count.Blobs != b.Blobs {
		return b, fmt.Errorf("the backup has %d versions and %d blobs, and should have %d and %d", count.Versions, count.Blobs, b.Versions, b.Blobs)
	}
	return b, os.Rename(part, db)
}

func sumFile(path string) (digest.Digest, error) {
	data, err := os.ReadFile(path)
	return digest.FromSum(sha256.Sum256(data)), err
}

func fileURL(path string) string {
	path = filepath.ToSlash(path)
	if path != "" && path[0] != '/' {
		path = "/" + path // C:/…
	}
	return "file://" + path
}

func writeFlushed(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
