package config

import (
	"errors"
	"strings"

	"github.com/openskills-go/skills/pkg/internal/yamldoc"
)

const maxWords = 100

// SplitCommand returns the program and the arguments in a line. Blanks separate
// them, unless they stand between quotes of either kind; nothing else has a
// meaning, so that paths of Windows are themselves. There is no shell.
func SplitCommand(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false
	quoted := rune(0)
	for _, c := range line {
		switch {
		case c < ' ' && c != '\t' || c == 0x7f:
			return nil, errors.New("must not hold control characters")
		case quoted != 0 && c == quoted:
			quoted = 0
		case quoted == 0 && (c == '"' || c == '\''):
			quoted, inWord = c, true
		case quoted == 0 && (c == ' ' || c == '\t'):
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			inWord = true
			word.WriteRune(c)
		}
	}
	if quoted != 0 {
		return nil, errors.New("has a quote that does not end")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, checkCommand(words)
}

func checkCommand(words []string) error {
	if len(words) == 0 || words[0] == "" || len(words) > maxWords {
		return errors.New("must be a program and its arguments")
	}
	return nil
}

// joinCommand is the inverse of SplitCommand.
func joinCommand(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quoteWord(w)
	}
	return strings.Join(quoted, " ")
}

func quoteWord(w string) string {
	if w != "" && !strings.ContainsAny(w, " \t'\"") {
		return w
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(w, '"')
		if i < 0 {
			b.WriteString(`"` + w + `"`)
			return b.String()
		}
		b.WriteString(`"` + w[:i] + `"'"'`)
		w = w[i+1:]
	}
}

// flatCommand returns a list as the line that means it.
func flatCommand(v *yamldoc.Value) (string, error) {
	var words []string
	for i := range v.Items {
		if v.Items[i].Kind != yamldoc.Text {
			return "", errors.New("must be a list of texts")
		}
		words = append(words, v.Items[i].Text)
	}
	return joinCommand(words), checkCommand(words)
}
