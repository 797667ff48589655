package web

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Whatever a SKILL.md says, its page holds nothing that runs, loads or leads elsewhere
// than a link may.
func FuzzMarkdown(f *testing.F) {
	for _, text := range []string{
		"# Title\n\n[a](b.md) ![c](https://example.com/x.png) `d`", "<script>x</script>", "[x](javascript:y)", "[x](\x01java\nscript:y)", "<a href=\"&#106;avascript:x\">",
		"[x]: <data:text/html,y>\n[x]", "<svg/onload=x>", "| a |\n|--|\n| <img src=x onerror=y> |", "<http://a b=c onclick=d>", "1. x\n   > - ~~y~~\n\n```js\n</code>", "- [ ] todo", "http://a.b/'onmouseover=x", "[^1]\n\n[^1]: n", "***[",
	} {
		f.Add(text)
	}
	m := newMarkdown()
	f.Fuzz(func(t *testing.T, text string) {
		out := string(m.convert([]byte(text), "/alice/demo/1.0.0/files/"))
		z := html.NewTokenizer(strings.NewReader(out))
		for z.Next() != html.ErrorToken {
			token := z.Token()
			switch token.Type {
			case html.CommentToken, html.DoctypeToken:
				t.Fatalf("%q becomes %q", text, out)
			case html.StartTagToken, html.SelfClosingTagToken:
			default:
				continue
			}
			if !strings.Contains(" a p br hr h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong del table thead tbody tr th td ", " "+token.Data+" ") {
				t.Fatalf("%q becomes %q, which has the element %s", text, out, token.Data)
			}
			for _, a := range token.Attr {
				switch a.Key {
				case "href":
					at := strings.ToLower(a.Val)
					scheme, _, ok := strings.Cut(at, ":")
					if ok && !strings.ContainsAny(scheme, "/?#") && scheme != "http" && scheme != "https" && scheme != "mailto" {
						t.Fatalf("%q becomes a link to %q", text, a.Val)
					}
				case "rel", "start", "align":
				default:
					t.Fatalf("%q becomes %q, which has the attribute %s", text, out, a.Key)
				}
			}
		}
	})
}
