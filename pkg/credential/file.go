package credential

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

const (
	maxFile   = 1 << 20
	lockTime  = 10 * time.Second
	lockEvery = 20 * time.Millisecond
)

// FileName is what the file is called, in the folder of the settings.
const FileName = "credentials.json"

// file is what a login left: tokens, or that they are in the keyring.
type file struct {
	Version     int              `json:"version"`
	Credentials map[string]entry `json:"credentials"` // by origin
}

// An entry holds a token, or says that the keyring does.
type entry struct {
	Token   string `json:"token,omitempty"`
	Keyring bool   `json:"keyring,omitempty"`
}

// A FileError says that the file cannot be used. It repeats nothing of it.
type FileError struct {
	Path string
	Err  error
}

func (e *FileError) Error() string { return e.Path + ": " + e.Err.Error() }
func (e *FileError) Unwrap() error { return e.Err }

// ErrNoFolder says that there is no folder for the file.
var ErrNoFolder = errors.New("there is no folder to keep a token in")

func (s *Store) read() (file, error) {
	empty := file{Version: 1, Credentials: map[string]entry{}}
	if s.Path == "" {
		return empty, nil
	}
	info, err := os.Stat(s.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return empty, nil
	case err != nil:
		return file{}, fmt.Errorf("read credentials: %w", err)
	case !info.Mode().IsRegular():
		return file{}, &FileError{s.Path, errors.New("it is no regular file")}
	case info.Size() > maxFile:
		return file{}, &FileError{s.Path, fmt.Errorf("it is larger than %d bytes", maxFile)}
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		s.warnf("%s can be read by others: chmod 600 %s", s.Path, s.Path)
	}
	f, err := os.Open(s.Path)
	if err != nil {
		return file{}, fmt.Errorf("read credentials: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return file{}, fmt.Errorf("read credentials: %w", err)
	}
	return parse(data, s.Path)
}

func parse(data []byte, path string) (file, error) {
	var f file
	switch err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\ufeff")), &f); {
	case err != nil:
		// What encoding/json says may repeat a part of the file.
		return file{}, &FileError{path, errors.New("it is not the JSON that skills login writes")}
	case f.Version > 1:
		return file{}, &FileError{path, errors.New("a newer version of this program wrote it")}
	case f.Version < 1:
		return file{}, &FileError{path, errors.New("it is not the JSON that skills login writes")}
	}
	if f.Credentials == nil {
		f.Credentials = map[string]entry{}
	}
	return f, nil
}

// edit changes the file under its lock, in one step. A file that would hold
// nothing is taken away.
func (s *Store) edit(ctx context.Context, change func(*file)) error {
	if s.Path == "" {
		return ErrNoFolder
	}
	path := s.Path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a link, as dotfile managers make them, stays
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	timed, cancel := context.WithTimeout(ctx, lockTime)
	defer cancel()
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(timed, lockEvery); err != nil {
		if ctx.Err() == nil && timed.Err() != nil {
			err = errors.New("another skills login holds it")
		}
		return fmt.Errorf("lock %s: %w", path, err)
	}
	defer func() { _ = lock.Unlock() }()

	f, err := s.read()
	if err != nil {
		return err
	}
	change(&f)
	if len(f.Credentials) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return replace(path, append(data, '\n'))
}

// replace writes the file, which only its owner can read at any moment.
func replace(path string, data []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".credentials-*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}
