package wellknown

import (
	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/registry/internal/held"
)

// tellSize is how many bytes tell an archive from all else.
const tellSize = 512

// An intake is the transport.Sink in front of a source.Sink. It holds what came in
// memory until the first bytes tell what it is, passes archives through, and keeps
// anything else. It hashes all of it.
type intake struct {
	held.Sink
	other   bool // what is held was seen to be no archive
	hash    *digest.Hasher
	partial bool // Dst held a beginning that was not hashed
}

// newIntake returns the intake of a sink. What the sink holds already was passed
// through once, unless what is to come is packed: then it is nothing to build on.
func newIntake(dst source.Sink, afresh bool) *intake {
	begun := dst.Offset() > 0 && !afresh
	return &intake{Sink: held.Sink{Dst: dst, Passing: begun}, partial: begun, hash: digest.NewHasher()}
}

func (in *intake) Restart(validator string) error {
	in.other, in.partial = false, false
	in.hash.Reset()
	return in.Sink.Restart(validator)
}

func (in *intake) Write(p []byte) (int, error) {
	_, _ = in.hash.Write(p)
	if in.Passing {
		return in.Dst.Write(p)
	}
	if in.other && len(in.Held)+len(p) > skill.MaxSize {
		_, err := archive.Detect(in.Held[:min(len(in.Held), tellSize)])
		return 0, err
	}
	in.Held = append(in.Held, p...)
	if in.other || len(in.Held) < tellSize {
		return len(p), nil
	}
	if _, err := archive.Detect(in.Held[:tellSize]); err != nil {
		in.other = true
		if len(in.Held) > skill.MaxSize {
			return 0, err
		}
		return len(p), nil
	}
	return len(p), in.Pass()
}

// end is called when all has come.
func (in *intake) end() error {
	if in.Passing || in.other {
		return nil
	}
	if _, err := archive.Detect(in.Held); err != nil {
		return nil //nolint:nilerr // it is no archive, and need not be one
	}
	return in.Pass()
}

// digest returns that of all that came, or "" if not all of it came this way.
func (in *intake) digest() digest.Digest {
	if in.partial {
		return ""
	}
	return in.hash.Digest()
}
