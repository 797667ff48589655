package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/openskills-go/skills/pkg/target"
)

// saveLock writes the lock, flushed like all that it names. Nothing is written
// that is the same already. After an error the old lock stands.
func (e *Engine) saveLock(st *state, dirs []string) error {
	// What cannot be listed is found out while all of it can still be undone.
	if st.manifest != nil {
		if err := st.manifest.AddAll(st.listing); err != nil {
			return err
		}
		st.listing = nil
	}
	data := st.lock.Bytes()
	old, err := os.ReadFile(e.Scope.Lock)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if string(old) == string(data) {
		return nil
	}
	return writeFile(e.Scope.Lock, data, func() error { return target.Flush(dirs) })
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

func (e *Engine) saveManifest(st *state) error {
	if st.manifest == nil {
		return nil
	}
	old, err := os.ReadFile(e.Scope.Manifest)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if string(old) == string(st.manifest.Bytes()) {
		return nil
	}
	return writeFile(e.Scope.Manifest, st.manifest.Bytes(), nil)
}

// writeFile puts data at path by a rename, so that no one reads half of it. What
// is to be done between the two, such as a flush, is before. The temporary
// file is always a new one: a project may come with a link of that name.
func writeFile(path string, data []byte, before func() error) error {
	temp := path + ".tmp"
	f, err := create(temp)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Close())
	if err == nil && before != nil {
		err = before()
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(temp))
	}
	return nil
}

// create makes a file in the place of what a killed process may have left.
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
