// Package bundle reads and writes bundles: one file with a lock, the manifest
// beside it, and every artifact that the lock names, for machines without a
// network. A bundle is a zip whose members are stored as they are; equal contents
// are equal bytes.
//
//	bundle.json               {"bundleVersion":1}
//	skills.lock
//	skills.yaml               if there is one
//	artifacts/sha256/<hex>    sorted
//
// A reader takes nothing else: every byte of the file has to be accounted for, and
// an artifact counts only with the digest that it is asked for by.
package bundle

import (
	"fmt"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/manifest"
)

const (
	// Name is the file's usual name.
	Name = "skills.bundle"
	// Version is the bundleVersion that this package writes, and the newest that it
	// reads.
	Version = 1

	// MaxSize bounds a bundle: larger ones would need another form of zip.
	MaxSize = 4<<30 - 1

	maxMembers  = 20_000 + 3 // as many skills as a lock has room for
	maxHeader   = 8 << 20
	maxLock     = 16 << 20
	maxManifest = 1 << 20

	headName     = "bundle.json"
	lockName     = lockfile.Name
	manifestName = manifest.Name
	artifacts    = "artifacts/sha256/"
)

// A FormatError says that a file is no bundle, or is damaged.
type FormatError struct{ Why string }

func (e *FormatError) Error() string { return "not a usable bundle: " + e.Why }

// A NewerError says that a newer program wrote the bundle.
type NewerError struct {
	Have int64 // bundleVersion of the file
	Know int64 // newest bundleVersion that this program reads
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("bundleVersion is %d, the newest known is %d", e.Have, e.Know)
}

// A SizeError says that what is to be bundled is more than a bundle can hold.
type SizeError struct {
	What       string
	Got, Limit int64
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("a bundle of %d %s, the limit is %d", e.Got, e.What, e.Limit)
}

// Contents are what is in a bundle.
type Contents struct {
	Lock     *lockfile.Lock
	Manifest []byte // nil if there is none
	// Instead names the artifact that is in the bundle in place of one that the lock
	// names: the same files, packed in another way.
	Instead map[digest.Digest]digest.Digest
}

// Artifacts returns the digests of the artifacts that the bundle holds, sorted.
func (c *Contents) Artifacts() []digest.Digest {
	var all []digest.Digest
	for _, s := range c.Lock.Skills {
		all = append(all, c.stored(s.Artifact))
	}
	return unique(all)
}

// stored returns the artifact that stands for d.
func (c *Contents) stored(d digest.Digest) digest.Digest {
	if other, ok := c.Instead[d]; ok {
		return other
	}
	return d
}

// head is what is in bundle.json. Fields that are not known are passed over.
type head struct {
	Version int64                           `json:"bundleVersion"`
	Instead map[digest.Digest]digest.Digest `json:"instead,omitempty"`
}
