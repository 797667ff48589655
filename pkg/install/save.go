package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/openskills-go/skills/pkg/target"
)

// save writes the lock, flushed like all that it names, and then the manifest.
// Nothing is written that is the same already. Both are written out before
// either takes its place, so that a full disk leaves the old ones. Saved says
// whether the lock is the new one: then what an error left undone is for the next
// process, which finds the journal. The places are folders in which names changed.
func (e *Engine) save(st *state, places []string) (saved bool, err error) {
	var lock, list *pending
	defer func() { err = errors.Join(err, lock.drop(), list.drop()) }()
	// A lock that names nothing is not begun.
	if st.locked || len(st.lock.Skills) > 0 {
		if lock, err = prepare(e.Scope.Lock, st.lock.Bytes()); err != nil {
			return false, err
		}
	}
	if st.manifest != nil {
		if err := st.manifest.AddAll(st.listing); err != nil {
			return false, err
		}
		st.listing = nil
		if list, err = prepare(e.Scope.Manifest, st.manifest.Bytes()); err != nil {
			return false, err
		}
	}
	if lock != nil {
		if err := target.Flush(nil, append(slices.Clone(places), lock.temp)); err != nil {
			return false, err
		}
	}
	if err := lock.commit(); err != nil {
		return false, err
	}
	return true, list.commit()
}

// endJournal removes the journal, last of all: until then the next process that
// finds it does what this one leaves undone.
func (e *Engine) endJournal() error {
	err := os.Remove(e.journalPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// writeFile puts data at path by a rename, so that no one reads half of it.
func writeFile(path string, data []byte) error {
	p, err := prepare(path, data)
	if err != nil {
		return err
	}
	return errors.Join(p.commit(), p.drop())
}

// unfinished returns the files that are being written, or that killed processes
// were writing.
func (e *Engine) unfinished() []string {
	var temps []string
	for _, path := range []string{e.Scope.Lock, e.Scope.Manifest, e.journalPath()} {
		if info, err := os.Lstat(path + tempSuffix); path != "" && err == nil && info.Mode().IsRegular() {
			temps = append(temps, path+tempSuffix)
		}
	}
	return temps
}

const tempSuffix = ".tmp"

// A pending file is written out and has not taken its place yet. A nil one does
// nothing.
type pending struct{ temp, path string }

// prepare writes data beside path; it returns nil if path has it already.
func prepare(path string, data []byte) (*pending, error) {
	old, err := os.ReadFile(path)
	if err == nil && string(old) == string(data) {
		return nil, nil //nolint:nilnil // nothing to do is no error
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	p := &pending{temp: path + tempSuffix, path: path}
	f, err := create(p.temp)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("write %s: %w", path, err), p.drop())
	}
	return p, nil
}

func (p *pending) commit() error {
	if p == nil {
		return nil
	}
	if err := os.Rename(p.temp, p.path); err != nil {
		return fmt.Errorf("write %s: %w", p.path, err)
	}
	p.temp = ""
	return nil
}

func (p *pending) drop() error {
	if p == nil || p.temp == "" {
		return nil
	}
	return os.Remove(p.temp)
}

// create makes a new file in the place of what a killed process may have left: a
// project may come with a link of that name.
func create(path string) (*os.File, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := os.OpenFile(path, flags, 0o644)
	if !errors.Is(err, fs.ErrExist) {
		return f, err
	}
	if err := os.Remove(path); err != nil {
		return nil, err
	}
	return os.OpenFile(path, flags, 0o644)
}
