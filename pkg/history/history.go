// Package history remembers how the lock of a scope changed: every apply that
// changed it is a generation, with the entries before and after. It stands in
// the user's state folder, a folder a scope and a file a generation, and holds
// what is needed to go back, except for the artifacts, which the store has.
package history

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/lockfile"
)

const (
	// Kept is how many generations of a scope are remembered.
	Kept = 50
	// maxSize bounds what is read of one: two locks.
	maxSize = 32 << 20

	suffix = ".json"
)

// ErrNone says that a scope has no generation of that number.
var ErrNone = errors.New("no such generation")

// A Generation is one change of a lock.
type Generation struct {
	Number  int       // counted from 1, without gaps
	Time    time.Time // of the change
	Command string    // that made it, such as "update"
	Lock    string    // path of the lock
	// Before and After have the skills that changed, and no others. One that is
	// missing in Before was installed, in After removed.
	Before, After *lockfile.Lock
}

// Names returns the names of the skills that changed, sorted.
func (g *Generation) Names() []string {
	names := append(g.Before.Names(), g.After.Names()...)
	slices.Sort(names)
	return slices.Compact(names)
}

// A Log is the history of one scope. Its writers hold the lock of the scope; it
// may be read at any time.
type Log struct {
	dir  string
	lock string
}

// Open returns the history of the scope whose lock is at the absolute path lock,
// in the folder root, which holds those of all scopes. Nothing is read or made. The
// one in "" remembers nothing.
func Open(root, lock string) *Log {
	if root == "" {
		return &Log{}
	}
	sum := sha256.Sum256([]byte(lock))
	return &Log{dir: filepath.Join(root, hex.EncodeToString(sum[:8])), lock: lock}
}

// wire is a generation in its file.
type wire struct {
	Generation int             `json:"generation"`
	Time       time.Time       `json:"time"`
	Command    string          `json:"command"`
	Lock       string          `json:"lock"`
	Before     json.RawMessage `json:"before"`
	After      json.RawMessage `json:"after"`
}

// Next returns the number that the next generation will have.
func (l *Log) Next() (int, error) {
	numbers, err := l.numbers()
	if err != nil || len(numbers) == 0 {
		return 1, err
	}
	return numbers[len(numbers)-1] + 1, nil
}

// Append adds a generation, and forgets those that are too old. A generation that
// is there already is left alone: whoever finishes an interrupted run cannot know
// how far that came.
func (l *Log) Append(g Generation) error {
	if l.dir == "" {
		return nil
	}
	if g.Number < 1 {
		return fmt.Errorf("write history: generation %d: %w", g.Number, ErrNone)
	}
	path := l.path(g.Number)
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	data, err := json.Marshal(wire{g.Number, g.Time.UTC().Truncate(time.Second), g.Command, l.lock, g.Before.Bytes(), g.After.Bytes()})
	if err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	// A name that numbers passes over; what a killed process left is overwritten.
	temp := path + ".tmp"
	err = write(temp, append(data, '\n'))
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp)
		return fmt.Errorf("write history: %w", err)
	}
	return l.forget()
}

// write writes a file and flushes it: one that has its name and not its bytes when
// the power goes would keep all others from being read.
func write(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

func (l *Log) forget() error {
	numbers, err := l.numbers()
	if err != nil {
		return err
	}
	for _, n := range numbers[:max(0, len(numbers)-Kept)] {
		if err := os.Remove(l.path(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("forget history: %w", err)
		}
	}
	return nil
}

func (l *Log) path(number int) string {
	return filepath.Join(l.dir, fmt.Sprintf("%08d%s", number, suffix))
}

// numbers returns which generations there are, oldest first.
func (l *Log) numbers() ([]int, error) {
	if l.dir == "" {
		return nil, nil
	}
	return numbersIn(l.dir)
}

func numbersIn(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	var numbers []int
	for _, e := range entries {
		text, ok := strings.CutSuffix(e.Name(), suffix)
		n, err := strconv.Atoi(text)
		if ok && err == nil && n > 0 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// Generations returns what is remembered, oldest first. One that cannot be read
// is an error that names its file.
func (l *Log) Generations() ([]Generation, error) {
	numbers, err := l.numbers()
	if err != nil {
		return nil, err
	}
	all := make([]Generation, 0, len(numbers))
	for _, n := range numbers {
		g, err := read(l.path(n))
		if errors.Is(err, fs.ErrNotExist) {
			continue // forgotten meanwhile
		}
		if err != nil {
			return nil, err
		}
		g.Number = n
		all = append(all, g)
	}
	return all, nil
}

func read(path string) (Generation, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Generation{}, fmt.Errorf("read history: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxSize {
		return Generation{}, &DamagedError{Path: path, Err: errors.New("no file of ours")}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Generation{}, fmt.Errorf("read history: %w", err)
	}
	var w wire
	if err := json.Unmarshal(data, &w); err != nil {
		return Generation{}, &DamagedError{Path: path, Err: err}
	}
	g := Generation{Number: w.Generation, Time: w.Time, Command: w.Command, Lock: w.Lock}
	if g.Before, err = lockfile.Parse(w.Before); err == nil {
		g.After, err = lockfile.Parse(w.After)
	}
	if err != nil {
		return Generation{}, &DamagedError{Path: path, Err: err}
	}
	return g, nil
}

// A DamagedError says that a generation cannot be read.
type DamagedError struct {
	Path string
	Err  error
}

func (e *DamagedError) Error() string { return fmt.Sprintf("history %s: %v", e.Path, e.Err) }
func (e *DamagedError) Unwrap() error { return e.Err }

// Needed returns the artifacts that the last n generations of every scope below
// root name, sorted: what it takes to go back. A scope whose folder is gone needs
// nothing. A generation that cannot be read is an error, since what it needs is
// not known.
func Needed(root string, n int) ([]digest.Digest, error) {
	if root == "" {
		return nil, nil
	}
	scopes, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	var needed []digest.Digest
	for _, scope := range scopes {
		log := &Log{dir: filepath.Join(root, scope.Name())}
		numbers, err := log.numbers()
		if err != nil {
			return nil, err
		}
		for _, number := range numbers[max(0, len(numbers)-n):] {
			g, err := read(log.path(number))
			if err != nil {
				return nil, err
			}
			if _, err := os.Stat(filepath.Dir(g.Lock)); errors.Is(err, fs.ErrNotExist) {
				break
			}
			for _, lock := range []*lockfile.Lock{g.Before, g.After} {
				for _, s := range lock.Skills {
					needed = append(needed, s.Artifact)
				}
			}
		}
	}
	slices.Sort(needed)
	return slices.Compact(needed), nil
}

// StateAfter returns what the skill called name was after generation number, of
// generations oldest first, given what it is now. Ok says whether it was there.
func StateAfter(all []Generation, number int, name string, now *lockfile.Skill) (s lockfile.Skill, ok bool) {
	for _, g := range all {
		if g.Number <= number {
			continue
		}
		_, was := g.Before.Skills[name]
		_, is := g.After.Skills[name]
		if was || is {
			return g.Before.Skills[name], was
		}
	}
	if now == nil {
		return lockfile.Skill{}, false
	}
	return *now, true
}
