package translog

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/openskills-go/skills/registry/internal/meta"
)

const (
	height     = 8
	full       = 1 << height // entries in a tile
	keySetting = "log-key"
)

// ErrNone matches the error about a part of the log that there is not.
var ErrNone = errors.New("the log has no such part")

// A Log is the log of a registry as it is published. Its methods may be called at
// once.
type Log struct {
	DB     *meta.DB
	Origin string // names the log: host/skills-log
}

// Key returns what checkpoints are verified with. The key that they are signed with
// is made when it is first needed, and never leaves the database.
func (l *Log) Key(ctx context.Context) (verifier string, err error) {
	_, verifier, err = l.keys(ctx)
	return verifier, err
}

func (l *Log) keys(ctx context.Context) (signer, verifier string, err error) {
	var value []byte
	read := func() error {
		return l.DB.View(ctx, func(tx *meta.Tx) (err error) {
			value, err = tx.Setting(ctx, keySetting)
			return err
		})
	}
	if err = read(); errors.Is(err, meta.ErrNotFound) {
		s, v, err := note.GenerateKey(rand.Reader, l.Origin)
		if err != nil {
			return "", "", fmt.Errorf("make key of log: %w", err)
		}
		err = l.DB.Update(ctx, func(tx *meta.Tx) error { return tx.PutSetting(ctx, keySetting, []byte(s+"\n"+v)) })
		if err != nil && !errors.Is(err, meta.ErrExists) {
			return "", "", err
		}
		if err := read(); err != nil {
			return "", "", err
		}
	} else if err != nil {
		return "", "", err
	}
	signer, verifier, _ = strings.Cut(string(value), "\n")
	return signer, verifier, nil
}

// Checkpoint returns the signed state of the log (c2sp.org/tlog-checkpoint).
func (l *Log) Checkpoint(ctx context.Context) ([]byte, error) {
	signer, _, err := l.keys(ctx)
	if err != nil {
		return nil, err
	}
	var out []byte
	err = l.DB.View(ctx, func(tx *meta.Tx) error {
		size, err := tx.LogSize(ctx)
		if err != nil {
			return err
		}
		out, err = sign(ctx, tx, signer, size)
		return err
	})
	return out, err
}

func sign(ctx context.Context, tx *meta.Tx, signer string, size int64) ([]byte, error) {
	s, err := note.NewSigner(signer)
	if err != nil {
		return nil, fmt.Errorf("read key of log: %w", err)
	}
	root, err := tlog.TreeHash(size, Hashes(ctx, tx))
	if err != nil {
		return nil, fmt.Errorf("hash log: %w", err)
	}
	text := s.Name() + "\n" + strconv.FormatInt(size, 10) + "\n" + base64.StdEncoding.EncodeToString(root[:]) + "\n"
	return note.Sign(&note.Note{Text: text}, s)
}

// Tile returns a tile of hashes or a bundle of entries by its path: L/N, L/N.p/W,
// entries/N, entries/N.p/W, where a number above 999 is x001/234
// (c2sp.org/tlog-tiles). A part of one that has grown since is served too.
func (l *Log) Tile(ctx context.Context, path string) (data []byte, err error) {
	level, rest, _ := strings.Cut(path, "/")
	bundle := level == "entries"
	if bundle {
		level = "0"
	}
	t, err := tlog.ParseTilePath("tile/" + strconv.Itoa(height) + "/" + level + "/" + rest)
	if err != nil {
		return nil, ErrNone
	}
	err = l.DB.View(ctx, func(tx *meta.Tx) error {
		size, err := tx.LogSize(ctx)
		if err != nil {
			return err
		}
		// How many hashes the log has at this level.
		if have := size >> (height * t.L); t.N*full+int64(t.W) > have {
			return ErrNone
		}
		if !bundle {
			data, err = tlog.ReadTileData(t, Hashes(ctx, tx))
			return err
		}
		lines, err := tx.Log(ctx, t.N*full, t.W)
		for _, line := range lines {
			data = binary.BigEndian.AppendUint16(data, uint16(len(line)+1)) // lines are bounded by what they are made of
			data = append(append(data, line...), '\n')
		}
		return err
	})
	return data, err
}

// Proof returns the proof that the log has the line with a number
// (c2sp.org/tlog-proof).
func (l *Log) Proof(ctx context.Context, number int64) ([]byte, error) {
	signer, _, err := l.keys(ctx)
	if err != nil {
		return nil, err
	}
	var out []byte
	err = l.DB.View(ctx, func(tx *meta.Tx) error {
		size, err := tx.LogSize(ctx)
		if err != nil {
			return err
		}
		if number < 0 || number >= size {
			return ErrNone
		}
		proof, err := tlog.ProveRecord(size, number, Hashes(ctx, tx))
		if err != nil {
			return fmt.Errorf("prove record: %w", err)
		}
		checkpoint, err := sign(ctx, tx, signer, size)
		if err != nil {
			return err
		}
		out = fmt.Appendf(nil, "c2sp.org/tlog-proof@v1\nindex %d\n", number)
		for _, h := range proof {
			out = fmt.Appendln(out, base64.StdEncoding.EncodeToString(h[:]))
		}
		out = append(append(out, '\n'), checkpoint...)
		return nil
	})
	return out, err
}

// Tiles yields the paths of all tiles and bundles that a log of some size has.
func Tiles(size int64) (paths []string) {
	for level := 0; size>>(height*level) > 0; level++ {
		n := size >> (height * level)
		for at := int64(0); at*full < n; at++ {
			t := tlog.Tile{H: height, L: level, N: at, W: int(min(full, n-at*full))}
			path := strings.TrimPrefix(t.Path(), "tile/"+strconv.Itoa(height)+"/")
			paths = append(paths, path)
			if level == 0 {
				paths = append(paths, "entries/"+strings.TrimPrefix(path, "0/"))
			}
		}
	}
	return paths
}
