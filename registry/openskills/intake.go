package openskills

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/registry/internal/zipend"
)

const (
	// tellSize is how many bytes tell an archive from all else, gzipSize those of
	// a gzip stream, which has to be unpacked to see whether it is one.
	tellSize = 512
	gzipSize = 4 << 10
	// maxHeld bounds an answer that is no archive.
	maxHeld = 16 << 20
)

// An intake is the transport.Sink in front of a source.Sink. It holds an answer
// in memory until the first bytes tell what it is, passes archives through, and
// keeps the rest for finish.
type intake struct {
	dst      source.Sink
	held     []byte
	passing  bool
	other    bool // what is held was seen to be no archive
	repacked bool // dst holds what we made of the answer
	zip      zipend.Watch
}

// newIntake returns the intake of a sink. What the sink holds already was
// passed through once, so it is an archive.
func newIntake(dst source.Sink) *intake { return &intake{dst: dst, passing: dst.Offset() > 0} }

func (in *intake) Offset() int64 {
	if in.passing {
		return in.dst.Offset()
	}
	return int64(len(in.held))
}

func (in *intake) Validator() string { return in.dst.Validator() }

func (in *intake) Restart(validator string) error {
	in.held, in.passing, in.other, in.zip = nil, false, false, zipend.Watch{}
	return in.dst.Restart(validator)
}

// Ended reports whether what came has its end, as far as can be told: only of a
// zip that was seen from its beginning.
func (in *intake) Ended() bool { return !in.zip.Missing() }

func (in *intake) Write(p []byte) (int, error) {
	in.zip.See(p, in.Offset() == 0)
	if in.passing {
		return in.dst.Write(p)
	}
	if len(in.held)+len(p) > maxHeld {
		return 0, &AnswerError{Status: http.StatusOK, Message: "more than 16 MiB that are no archive"}
	}
	if len(in.held) == 0 && told(p) && isArchive(p) {
		// The usual case: what tells comes at once, and nothing need be held.
		in.passing = true
		return in.dst.Write(p)
	}
	in.held = append(in.held, p...)
	if in.other || !told(in.held) {
		return len(p), nil
	}
	if !isArchive(in.held) {
		in.other = true
		return len(p), nil
	}
	return len(p), in.pass()
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

// told reports whether head is enough to say what it begins.
func told(head []byte) bool {
	if isGzip(head) {
		return len(head) >= gzipSize
	}
	return len(head) >= tellSize
}

func isGzip(head []byte) bool { return bytes.HasPrefix(head, []byte("\x1f\x8b")) }

// isArchive reports whether an answer is one, given its beginning or all of it.
// A gzip stream is taken for one unless a SKILL.md is in it: what else can be
// wrong with it, unpacking it says best.
func isArchive(head []byte) bool {
	format, err := archive.Detect(head[:min(len(head), tellSize)])
	if err != nil {
		return false
	}
	if format != archive.TarGz {
		return true
	}
	zr, err := gzip.NewReader(bytes.NewReader(head))
	if err != nil {
		return true
	}
	inner := make([]byte, tellSize)
	n, _ := io.ReadFull(zr, inner)
	return !isMarkdown(inner[:n])
}
