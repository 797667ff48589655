package source

import (
	"context"

	"github.com/openskills-go/skills/pkg/ref"
)

// A Recognizer is a Source that knows versions by their files.
type Recognizer interface {
	// Recognize returns the version of the skill r that has these files, whatever
	// version r asks for; "" if there is none, or if the source cannot tell.
	Recognize(ctx context.Context, r ref.Ref, files []File) (string, error)
}
