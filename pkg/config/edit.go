package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/openskills-go/skills/pkg/internal/yamldoc"
)

// Set writes a setting to the file at path, which need not be there, and keeps
// everything else in it. The error is a *SettingError for a name or value that
// cannot be, or for a file that is already wrong.
func Set(path, name, value string) error {
	k, rest := lookup(name)
	if k == nil {
		return unknown(name)
	}
	var s Settings
	if err := k.put(&s, rest, value); err != nil {
		return &SettingError{Key: name, Why: err.Error()}
	}
	return edit(path, func(doc *yamldoc.Document) error {
		at := strings.Split(name, ".")
		switch k.Type {
		case "list":
			return doc.SetList(split(value), at...)
		case "command":
			return doc.SetList(s.CredentialCommand, at...)
		case "count", "bool", "duration", "size":
			return doc.SetWord(value, at...)
		}
		return doc.Set(value, at...)
	})
}

// Unset takes a setting out of the file at path, if it is there.
func Unset(path, name string) error {
	if k, _ := lookup(name); k == nil {
		return unknown(name)
	}
	return edit(path, func(doc *yamldoc.Document) error { return doc.Delete(strings.Split(name, ".")...) })
}

func edit(path string, change func(*yamldoc.Document) error) error {
	data, err := read(path)
	if err != nil {
		return err
	}
	if _, err := parse(data, path); err != nil {
		return err
	}
	doc, err := yamldoc.Parse(bytes.Clone(data))
	if err != nil {
		return settingError(path, err)
	}
	if err := change(doc); err != nil {
		return settingError(path, err)
	}
	if bytes.Equal(doc.Bytes(), data) {
		return nil
	}
	if _, err := parse(doc.Bytes(), path); err != nil {
		return err
	}
	return write(path, doc.Bytes())
}

// write replaces the file at path in one step. A link, as dotfile managers make
// them, stays, and what it leads to is replaced.
func write(path string, data []byte) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".config-*")
	if err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Chmod(mode), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write settings: %w", errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}
