package openskills

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/registry/internal/held"
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
	held.Sink
	other    bool // what is held was seen to be no archive
	repacked bool // Dst holds what we made of the answer
	zip      zipend.Watch
}

// newIntake returns the intake of a sink. What the sink holds already was
// passed through once, so it is an archive.
func newIntake(dst source.Sink) *intake {
	return &intake{Sink: held.Sink{Dst: dst, Passing: dst.Offset() > 0}}
}

func (in *intake) Restart(validator string) error {
	in.other, in.zip = false, zipend.Watch{}
	return in.Sink.Restart(validator)
}

// Ended reports whether what came has its end, as far as can be told: only of a
// zip that was seen from its beginning.
func (in *intake) Ended() bool { return !in.zip.Missing() }

func (in *intake) Write(p []byte) (int, error) {
	in.zip.See(p, in.Offset() == 0)
	if in.Passing {
		return in.Dst.Write(p)
	}
	if len(in.Held)+len(p) > maxHeld {
		return 0, &AnswerError{Status: http.StatusOK, Message: "more than 16 MiB that are no archive"}
	}
	if len(in.Held) == 0 && told(p) && isArchive(p) {
		// The usual case: what tells comes at once, and nothing need be held.
		in.Passing = true
		return in.Dst.Write(p)
	}
	in.Held = append(in.Held, p...)
	if in.other || !told(in.Held) {
		return len(p), nil
	}
	if !isArchive(in.Held) {
		in.other = true
		return len(p), nil
	}
	return len(p), in.Pass()
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
