package static

import (
	"bufio"
	"errors"
	"io"
)

// lines reads what ends in a newline, and bounds how long that may be.
type lines struct{ in *bufio.Reader }

func newLines(r io.Reader) *lines { return &lines{bufio.NewReaderSize(r, 64<<10)} }

// next returns a line without its newline, valid until the next call. The error is
// io.EOF after the last one.
func (l *lines) next() ([]byte, error) {
	line, err := l.in.ReadSlice('\n')
	if err == nil {
		return line[:len(line)-1], nil
	}
	if errors.Is(err, io.EOF) && len(line) == 0 {
		return nil, io.EOF
	}
	long := append([]byte(nil), line...)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = l.in.ReadSlice('\n')
		if long = append(long, line...); len(long) > maxLine {
			return nil, wrong("the line is longer than it may be")
		}
	}
	if errors.Is(err, io.EOF) {
		return nil, wrong("it ends in the middle of a line")
	}
	if err != nil {
		return nil, err
	}
	return long[:len(long)-1], nil
}
