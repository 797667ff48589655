// Package held is what clients of registries put between a download and a sink:
// until the first bytes tell what an answer is, it is held in memory.
package held

import (
	"fmt"

	"github.com/openskills-go/skills/pkg/source"
)

// A Sink is the part of a transport.Sink that does not depend on what is told:
// a client embeds it and writes Write.
type Sink struct {
	Dst     source.Sink
	Held    []byte // what came, while nothing is passed through
	Passing bool   // to Dst
}

// Offset returns how many bytes came.
func (s *Sink) Offset() int64 {
	if s.Passing {
		return s.Dst.Offset()
	}
	return int64(len(s.Held))
}

// Validator returns that of the sink.
func (s *Sink) Validator() string { return s.Dst.Validator() }

// Restart drops what came.
func (s *Sink) Restart(validator string) error {
	s.Held, s.Passing = nil, false
	return s.Dst.Restart(validator)
}

// Pass hands on what was held; whatever follows goes through.
func (s *Sink) Pass() error {
	held := s.Held
	s.Held, s.Passing = nil, true
	if _, err := s.Dst.Write(held); err != nil {
		return fmt.Errorf("write artifact: %w", err)
	}
	return nil
}
