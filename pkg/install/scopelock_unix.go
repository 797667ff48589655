//go:build !windows

package install

import (
	"os"

	"github.com/gofrs/flock"
)

func scopeLock(root string) *flock.Flock { return flock.New(root, flock.SetFlag(os.O_RDONLY)) }
