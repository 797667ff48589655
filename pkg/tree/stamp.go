package tree

// A Stamp stands for a file as it was at one moment: its file system and inode, its
// size, and when it was changed last. The kernel sets the latter at each write and
// each change of owner, mode or links, to the time it is then, and no one can set
// it to another; a rename of a folder above the file leaves it as it is. So a path
// that has the Stamp of a file that was written leads to that very file, with the
// bytes that were written to it. The zero value stands for no file.
//
// Nothing is concluded from two Stamps that differ: some file systems answer with
// other numbers for one file as time goes by.
type Stamp struct {
	known            bool
	dev, ino         uint64
	size             int64
	changed, written int64 // in nanoseconds
}

// StampOf returns the Stamp of a file that a Writer created and that is open still,
// or the zero value where there is none to be had.
func StampOf(f any) Stamp {
	if s, ok := f.(interface{ stamp() Stamp }); ok {
		return s.stamp()
	}
	return Stamp{}
}

// At reports whether path leads to the file that s stands for: through no link at
// its end, to a regular file, unchanged.
func (s Stamp) At(path string) bool { return s.known && s == stampAt(path) }
