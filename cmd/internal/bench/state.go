package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// An entry is what a write would change about a file or folder.
type entry struct {
	mode  fs.FileMode
	size  int64
	wrote time.Time
	sum   [sha256.Size]byte
}

// state reads everything below dirs.
func state(dirs ...string) (map[string]entry, error) {
	all := map[string]entry{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			e := entry{mode: info.Mode(), size: info.Size(), wrote: info.ModTime()}
			if info.Mode().IsRegular() {
				data, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				e.sum = sha256.Sum256(data)
			}
			all[name] = e
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read what is installed: %w", err)
		}
	}
	return all, nil
}

// changed lists the paths that differ between two states, sorted.
func changed(before, after map[string]entry) []string {
	paths := map[string]bool{}
	for name, e := range before {
		if after[name] != e {
			paths[name] = true
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			paths[name] = true
		}
	}
	return slices.Sorted(maps.Keys(paths))
}
