package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
)

// schema names the envelope. It changes when a field changes its meaning; new
// fields may come any time.
const schema = "skills.v1"

// An envelope is what every command prints with --json, whatever happened.
type envelope struct {
	Schema  string      `json:"schema"`
	Command string      `json:"command"`
	OK      bool        `json:"ok"` // the exit code is 0
	Result  any         `json:"result"`
	Errors  []explained `json:"errors"`
}

func (a *app) printEnvelope(command string, code int, out *answer, told []explained) {
	result := out.result
	if result == nil {
		result = struct{}{}
	}
	if told == nil {
		told = []explained{}
	}
	e := envelope{Schema: schema, Command: command, OK: code == exitDone, Result: result, Errors: told}
	if err := writeJSON(a.ui.Writer(), e); err != nil {
		panic(err) // a result that is no JSON is a fault of ours
	}
}

// writeJSON writes v, indented, with every character that a terminal should not
// be given as it is spelled out. A parser sees no difference.
func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	_, err := w.Write(spellOut(b.Bytes()))
	return err
}

func spellOut(text []byte) []byte {
	plain := true
	for _, c := range text {
		if c >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return text
	}
	out := make([]byte, 0, len(text)+len(text)/8)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '\n' || ui.Safe(r):
			out = append(out, text[:size]...)
		case r > 0xffff:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		text = text[size:]
	}
	return out
}
