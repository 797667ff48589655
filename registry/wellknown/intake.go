package wellknown

import (
	"fmt"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
)

// tellSize is how many bytes tell an archive from all else.
const tellSize = 512

// An intake is the transport.Sink in front of a source.Sink. It holds what came in
// memory until the first bytes tell what it is, passes archives through, and keeps
// anything else. It hashes all of it.
type intake struct {
	dst     source.Sink
	held    []byte
	passing bool
	other   bool // what is held was seen to be no archive
	hash    *digest.Hasher
	partial bool // dst held a beginning that was not hashed
}

// newIntake returns the intake of a sink. What the sink holds already was passed
// through once, unless what is to come is packed: then it is nothing to build on.
func newIntake(dst source.Sink, afresh bool) *intake {
	begun := dst.Offset() > 0 && !afresh
	return &intake{dst: dst, passing: begun, partial: begun, hash: digest.NewHasher()}
}

func (in *intake) Offset() int64 {
	if in.passing {
		return in.dst.Offset()
	}
	return int64(len(in.held))
}

func (in *intake) Validator() string { return in.dst.Validator() }

func (in *intake) Restart(validator string) error {
	in.held, in.passing, in.other, in.partial = nil, false, false, false
	in.hash.Reset()
	return in.dst.Restart(validator)
}

func (in *intake) Write(p []byte) (int, error) {
	_, _ = in.hash.Write(p)
	if in.passing {
		return in.dst.Write(p)
	}
	if in.other && len(in.held)+len(p) > skill.MaxSize {
		_, err := archive.Detect(in.held[:min(len(in.held), tellSize)])
		return 0, err
	}
	in.held = append(in.held, p...)
	if in.other || len(in.held) < tellSize {
		return len(p), nil
	}
	if _, err := archive.Detect(in.held[:tellSize]); err != nil {
		in.other = true
		if len(in.held) > skill.MaxSize {
			return 0, err
		}
		return len(p), nil
	}
	return len(p), in.pass()
}

// end is called when all has come.
func (in *intake) end() error {
	if in.passing || in.other {
		return nil
	}
	if _, err := archive.Detect(in.held); err != nil {
		return nil //nolint:nilerr // it is no archive, and need not be one
	}
	return in.pass()
}

// pass hands on what was held.
func (in *intake) pass() error {
	held := in.held
	in.held, in.passing = nil, true
	if _, err := in.dst.Write(held); err != nil {
		return fmt.Errorf("write artifact: %w", err)
	}
	return nil
}

// digest returns that of all that came, or "" if not all of it came this way.
func (in *intake) digest() digest.Digest {
	if in.partial {
		return ""
	}
	return in.hash.Digest()
}
