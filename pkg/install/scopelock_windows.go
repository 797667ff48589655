package install

import (
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/openskills-go/skills/pkg/digest"
)

// scopeLock is a file elsewhere, since Windows cannot lock a folder.
func scopeLock(root string) *flock.Flock {
	name := "skills-" + digest.Of([]byte(root)).Short() + ".lock"
	return flock.New(filepath.Join(os.TempDir(), name))
}
