package archive

import "cmp"

// Limits bound what an artifact may make us do. A zero field means the default:
// a limit can be raised but not turned off. Sizes are bytes. Declared sizes are
// held against them before anything is written, produced bytes after.
type Limits struct {
	Download   int64 // the artifact
	Unpacked   int64 // all its files, those that are not taken included
	File       int64 // one file
	Skill      int64 // SKILL.md
	Entries    int   // files and folders
	Path       int   // bytes of one path
	Component  int   // bytes of one part of a path
	Depth      int   // parts of one path
	TarHeaders int64 // all that is not file content: tar headers, zip directory
}

// DefaultLimits returns the limits that zero fields stand for. They are many
// times what published skills need.
func DefaultLimits() Limits {
	return Limits{
		Download:   64 << 20,
		Unpacked:   100 << 20,
		File:       50 << 20,
		Skill:      1 << 20,
		Entries:    5000,
		Path:       1024,
		Component:  200,
		Depth:      32,
		TarHeaders: 16 << 20,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	return Limits{
		Download:   positive(l.Download, d.Download),
		Unpacked:   positive(l.Unpacked, d.Unpacked),
		File:       positive(l.File, d.File),
		Skill:      positive(l.Skill, d.Skill),
		Entries:    positive(l.Entries, d.Entries),
		Path:       positive(l.Path, d.Path),
		Component:  positive(l.Component, d.Component),
		Depth:      positive(l.Depth, d.Depth),
		TarHeaders: positive(l.TarHeaders, d.TarHeaders),
	}
}

func positive[T cmp.Ordered](n, otherwise T) T {
	var zero T
	if n > zero {
		return n
	}
	return otherwise
}

// The flags of the program that raise a limit.
const (
	flagDownload = "--max-download"
	flagUnpacked = "--max-unpacked"
	flagFile     = "--max-file"
	flagEntries  = "--max-entries"
)

// maxTrailer is how many zero bytes may follow the end of a tar, which is
// written in blocks of a size that the writer chooses.
const maxTrailer = 1 << 20

// maxMembers is how many gzip streams may follow each other in one file. Tools
// that compress in parallel make one for each 64 KiB or more.
const maxMembers = 10_000
