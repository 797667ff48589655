//go:build browser

package server_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/server"
)

// The pages, as Chromium shows them.

// startBrowser starts one browser for a test. A machine without it fails: what was
// not looked at proves nothing.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("there is no chromium: .ci/run browser installs it")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("lang", "en"), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// A tab is a page that is looked at, with what went wrong on it.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string // of the registry

	mu       sync.Mutex
	problems []string
	status   int64 // of the last document
}

func (b *site) open(t *testing.T, width int64) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.browser)
	t.Cleanup(cancel)
	p := &tab{t: t, ctx: ctx, url: b.url}
	note := func(format string, args ...any) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.problems = append(p.problems, fmt.Sprintf(format, args...))
	}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			note("a script failed: %s", e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			note("a script said %s", e.Type)
		case *log.EventEntryAdded:
			// That a page is not there is logged as well, and is told by its status.
			if !strings.Contains(e.Entry.Text, "the server responded with a status of 404") {
				note("the browser logged: %s: %s", e.Entry.Source, e.Entry.Text)
			}
		case *network.EventRequestWillBeSent:
			if u := e.Request.URL; !strings.HasPrefix(u, b.url+"/") && !strings.HasPrefix(u, "data:") {
				note("it asked for %s", u)
			}
		case *network.EventLoadingFailed:
			if !e.Canceled {
				note("a request failed: %s", e.ErrorText)
			}
		case *network.EventResponseReceived:
			if e.Type == network.ResourceTypeDocument {
				p.mu.Lock()
				p.status = e.Response.Status
				p.mu.Unlock()
			} else if e.Response.Status >= 400 {
				note("%s is %d", e.Response.URL, e.Response.Status)
			}
		case *page.EventJavascriptDialogOpening:
			note("a dialog opened: %s", e.Message)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	call(p, network.Enable, network.EnableParams{})
	call(p, log.Enable, cdp.Empty{})
	p.do(chromedp.EmulateViewport(width, 900))
	return p
}

func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// call runs a command of the DevTools protocol.
func call[P, R any](p *tab, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	result, err := chromedp.Call(p.ctx, command, params)
	if err != nil {
		p.t.Fatal(err)
	}
	return result
}

func (p *tab) visit(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.url + path))
}

// eval returns what an expression is on the page.
func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// clean fails if something went wrong on the pages so far.
func (p *tab) clean() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, problem := range p.problems {
		p.t.Error(problem)
	}
	p.problems = nil
}

func (p *tab) path() string {
	p.t.Helper()
	return eval[string](p, "location.pathname+location.search")
}

// picture keeps what is to be looked at, in SKILLS_SCREENSHOTS if that is set.
func (p *tab) picture(name string) {
	p.t.Helper()
	dir := os.Getenv("SKILLS_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// A site is a registry with skills, and the browser that looks at it.
type site struct {
	*server.Server
	url     string
	token   string // of alice
	browser context.Context
}

const hostileText = "---\nname: hostile\ndescription: \"<script>window.hit=1</script> <img src=x onerror=window.hit=1>\"\nlicense: \"<b>MIT</b>\"\n---\n" +
	"# Hostile <img src=x onerror=\"window.hit=1\">\n\n<script>window.hit=1</script>\n<style>body{display:none}</style>\n<iframe src=\"/\"></iframe>\n" +
	"<svg onload=\"window.hit=1\"><script>window.hit=1</script></svg>\n<a href=\"javascript:window.hit=1\" id=\"one\">one</a> [two](javascript:window.hit=1) " +
	"[three](data:text/html,<script>window.hit=1</script>)\n\n![remote](https://elsewhere.test/x.png)\n\n<form action=\"https://elsewhere.test\"><button>Send</button></form>\n" +
	"<div style=\"position:fixed;inset:0\" onclick=\"window.hit=1\" class=\"skip\">all over</div>\n\n<meta http-equiv=\"refresh\" content=\"0;url=https://elsewhere.test\">\n"

// newSite publishes what the pages show: the sample registry, versions that are
// yanked or old, a skill in Chinese, a hostile one.
func newSite(t *testing.T) *site {
	t.Helper()
	s, url := start(t)
	b := &site{Server: s, url: url, token: issue(t, s, "alice"), browser: startBrowser(t)}
	publish := func(slug, version string, files map[string]string) {
		t.Helper()
		d := server.Draft{Owner: "alice", Slug: slug, Version: version, Changelog: "What is new:\n- a thing", Files: map[string][]byte{}}
		for path, text := range files {
			d.Files[path] = []byte(text)
		}
		if _, err := s.Catalog().Publish(t.Context(), server.Operator(), d); err != nil {
			t.Fatal(err)
		}
	}
	sample, err := filepath.Glob("../../testdata/registry/*/SKILL.md")
	if err != nil || len(sample) == 0 {
		t.Fatalf("there is no sample registry: %v", err)
	}
	for _, path := range sample {
		d, err := server.ReadDraft(t.Context(), filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		d.Owner, d.Slug = "alice", strings.ReplaceAll(filepath.Base(filepath.Dir(path)), "@", "-")
		if d.Version == "" {
			d.Version = "1.0.0"
		}
		if _, err := s.Catalog().Publish(t.Context(), server.Operator(), d); err != nil {
			t.Fatal(err)
		}
	}
	publish("demo", "1.0.0", tree("one"))
	publish("demo", "1.1.0", tree("two"))
	publish("demo", "2.0.0", tree("three"))
	if err := s.Catalog().Yank(t.Context(), server.Operator(), catalog.Name{Owner: "alice", Slug: "demo"}, "2.0.0", "It loses the last page."); err != nil {
		t.Fatal(err)
	}
	if err := s.Catalog().Deprecate(t.Context(), server.Operator(), catalog.Name{Owner: "alice", Slug: "demo"}, "Use robust-shell."); err != nil {
		t.Fatal(err)
	}
	publish("hostile", "1.0.0", map[string]string{
		"SKILL.md": hostileText, "page.html": "<script>window.hit=1</script>", "image.svg": "<svg xmlns='http://www.w3.org/2000/svg' onload='window.hit=1'/>",
	})
	publish("zhongwen", "1.0.0", map[string]string{
		"SKILL.md": "---\nname: zhongwen\ndescription: 用于撰写与校对中文技术文档的技能，适合需要统一术语和标点的团队。\n---\n# 中文写作\n\n先列提纲，再写正文。每段只讲一件事。\n",
	})
	return b
}

// pages are all the pages that there are, with their status.
func sitePages() map[string]int64 {
	return map[string]int64{
		"/": 200, "/search": 200, "/search?q=shell": 200, "/search?q=qqqqqq": 200, "/skills": 200, "/alice": 200,
		"/alice/robust-shell": 200, "/alice/demo": 200, "/alice/demo/2.0.0": 200, "/alice/demo/1.0.0/files/SKILL.md": 200,
		"/alice/demo/1.0.0/files/scripts/run.sh": 200, "/alice/hostile": 200, "/alice/zhongwen": 200, "/cli/device": 200,
		"/nobody": 404, "/alice/nothing": 404, "/a/b/c/d/e": 404,
	}
}

// Every page loads without a fault or a request to elsewhere, fits a desk and a
// telephone, and can be read by everyone, in both languages, by day and by night.
func TestBrowserPages(t *testing.T) {
	b := newSite(t)
	for _, width := range []int64{1200, 390} {
		for _, scheme := range []string{"light", "dark"} {
			for _, prefix := range []string{"", "/zh"} {
				t.Run(fmt.Sprintf("%d%s%s", width, scheme, prefix), func(t *testing.T) {
					p := b.open(t, width)
					call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
					for path, status := range sitePages() {
						p.visit(prefix + path)
						p.inspect(prefix+path, status, prefix != "")
						p.picture(strings.Trim(strings.NewReplacer("/", "_", "?", "_").Replace(fmt.Sprintf("%s%s-%d-%s", prefix, path, width, scheme)), "_"))
					}
				})
			}
		}
	}
}

func (p *tab) inspect(path string, status int64, chinese bool) {
	p.t.Helper()
	p.mu.Lock()
	got := p.status
	p.mu.Unlock()
	if got != status {
		p.t.Errorf("%s is %d", path, got)
	}
	type look struct {
		Lang, Title    string
		Wide           int
		Headings       int
		Mains, Labels  int // of the latter, inputs without one
		Alts, Handlers int // images without a text; attributes that are scripts
		Low            []string
	}
	l := eval[look](p, lookScript)
	lang := "en"
	if chinese {
		lang = "zh-Hans"
	}
	if l.Lang != lang || l.Title == "" || l.Headings != 1 || l.Mains != 1 || l.Labels > 0 || l.Alts > 0 || l.Handlers > 0 {
		p.t.Errorf("%s: %+v", path, l)
	}
	if l.Wide > 0 {
		p.t.Errorf("%s is %d pixels wider than the screen", path, l.Wide)
	}
	for _, text := range l.Low {
		p.t.Errorf("%s: too little contrast: %s", path, text)
	}
	for _, n := range call(p, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		switch role := strings.Trim(string(n.Role.Value), `"`); role {
		case "link", "button", "textbox", "searchbox", "heading":
			if n.Name == nil || strings.Trim(string(n.Name.Value), `" `) == "" {
				p.t.Errorf("%s: a %s has no name", path, role)
			}
		}
	}
	p.clean()
}

// lookScript looks at a page: at its contrasts by WCAG 2.2, 1.4.3.
const lookScript = `(() => {
  const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const parse = text => { const m = text.match(/[\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
  const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > 0) return c; } return [255, 255, 255, 1]; };
  const low = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    const e = n.parentElement, s = getComputedStyle(e), box = e.getBoundingClientRect();
    if (!n.data.trim() || s.visibility != "visible" || box.width < 2 || box.right < 0) continue;
    const [a, b] = [light(parse(s.color)), light(ground(e))].sort((x, y) => y - x);
    const large = parseFloat(s.fontSize) >= 24 || parseFloat(s.fontSize) >= 18.66 && s.fontWeight >= 700;
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) low.push(ratio.toFixed(2) + " " + n.data.trim().slice(0, 40));
  }
  const all = q => [...document.querySelectorAll(q)];
  return {
    Lang: document.documentElement.lang, Title: document.title,
    Wide: document.documentElement.scrollWidth - innerWidth,
    Headings: all("h1").length, Mains: all("main").length,
    Labels: all("input:not([type=hidden])").filter(i => !i.labels.length).length,
    Alts: all("img:not([alt])").length,
    Handlers: all("*").filter(e => [...e.attributes].some(a => a.name.startsWith("on") || /^\s*javascript:/i.test(a.value))).length,
    Low: low,
  };
})()`
