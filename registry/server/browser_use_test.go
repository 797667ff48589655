//go:build browser

package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/openskills-go/skills/registry/api"
)

// A word is looked for, and the skill read, by the mouse.
func TestBrowserSearch(t *testing.T) {
	b := newSite(t)
	p := b.open(t, 1200)
	p.visit("/")
	p.do(chromedp.SendKeys("#q", "shell scripts"+kb.Enter), chromedp.WaitVisible(`main h1 q`))
	if got := p.path(); got != "/search?q=shell+scripts" {
		t.Errorf("at %s", got)
	}
	p.do(chromedp.Click(`//main//a[.="robust-shell"]`), chromedp.WaitVisible("#install"))
	if got := p.path(); got != "/alice/robust-shell" {
		t.Errorf("at %s", got)
	}
	p.do(chromedp.Click(`.files a`), chromedp.WaitVisible(".source"))
	if text := eval[string](p, `document.querySelector(".source").innerText`); !strings.Contains(text, "name: robust-shell") {
		t.Errorf("the file is %q", text)
	}
	p.do(chromedp.Click(`.crumbs a`), chromedp.WaitVisible(".cards"))
	if got := p.path(); got != "/alice" {
		t.Errorf("at %s", got)
	}
	p.visit("/search?q=zhong")
	p.do(chromedp.SetValue("#q", "中文技术"), chromedp.SendKeys("#q", kb.Enter), chromedp.WaitVisible(`//main//a[.="zhongwen"]`))
	p.clean()
}

// The same by the keyboard alone: where one is can be seen at each step.
func TestBrowserKeyboard(t *testing.T) {
	b := newSite(t)
	p := b.open(t, 1200)
	p.visit("/alice/robust-shell")
	var seen []string
	for range 60 {
		p.do(chromedp.KeyEvent(kb.Tab))
		at := eval[struct {
			Name    string
			Outline string
			Inside  bool
		}](p, `(() => { const e = document.activeElement; if (e == document.body) return {Name: ""}; const s = getComputedStyle(e), box = e.getBoundingClientRect();
			return {Name: e.id || e.className || e.innerText, Outline: s.outlineStyle + " " + s.outlineWidth, Inside: box.left >= 0 && box.width > 0}; })()`)
		if at.Name == "" || len(seen) > 0 && at.Name == seen[0] {
			break // the end of the page, after which it begins anew
		}
		if strings.HasPrefix(at.Outline, "none") || strings.HasSuffix(at.Outline, " 0px") || !at.Inside {
			t.Errorf("nobody sees that the focus is on %q: %+v", at.Name, at)
		}
		seen = append(seen, at.Name)
	}
	for _, want := range []string{"skip", "q", "copy"} {
		if !strings.Contains("\n"+strings.Join(seen, "\n")+"\n", "\n"+want+"\n") {
			t.Errorf("Tab never comes to %s: %q", want, seen)
		}
	}
	p.visit("/")
	p.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter)) // over the header
	if got := eval[string](p, "location.hash"); got != "#main" {
		t.Errorf("the first link leads to %q", got)
	}
	p.clean()
}

// The button copies the command, and says so.
func TestBrowserCopy(t *testing.T) {
	b := newSite(t)
	p := b.open(t, 1200)
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.CallBrowser(p.ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted, Origin: b.url,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	p.visit("/alice/robust-shell")
	p.do(chromedp.Click("button.copy"), chromedp.WaitVisible(`//button[.="Copied"]`))
	got := eval[string](p, `navigator.clipboard.readText()`)
	shown := eval[string](p, `document.querySelector(".command code").textContent`)
	if want := "skills install alice/robust-shell --registry clawhub+" + b.url; got != want || shown != want {
		t.Errorf("copied %q, shown is %q", got, shown)
	}
	p.do(chromedp.WaitVisible(`//button[.="Copy"]`))
	p.clean()
}

// Without scripts everything but the copying works.
func TestBrowserWithoutScript(t *testing.T) {
	b := newSite(t)
	p := b.open(t, 1200)
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	p.visit("/")
	p.do(chromedp.SendKeys("#q", "robust"+kb.Enter), chromedp.WaitVisible(`main h1 q`), chromedp.Click(`//main//a[.="robust-shell"]`), chromedp.WaitVisible("#install"))
	p.do(chromedp.WaitNotVisible("button.copy"))
	p.do(chromedp.Click("details summary"), chromedp.WaitVisible(`//code[contains(.,"oras pull")]`))
	p.do(chromedp.Click(`.files a`), chromedp.WaitVisible(".source"))
	p.visit("/cli/device")
	p.do(chromedp.SendKeys("#code", "ABCD-EFGH"+kb.Enter), chromedp.WaitVisible(`[role=alert]`))
	p.clean()
}

// What is in a skill does nothing on its pages, and what it has as HTML and SVG is
// never shown as such.
func TestBrowserHostile(t *testing.T) {
	b := newSite(t)
	p := b.open(t, 1200)
	for _, path := range []string{"/alice/hostile", "/search?q=hostile", "/alice", "/alice/hostile/1.0.0/files/SKILL.md", "/alice/hostile/1.0.0/files/page.html", "/alice/hostile/1.0.0/files/image.svg"} {
		p.visit(path)
		if eval[bool](p, "'hit' in window") {
			t.Errorf("a script ran on %s", path)
		}
		if hidden := eval[bool](p, "getComputedStyle(document.body).display=='none'"); hidden {
			t.Errorf("a style of the skill acts on %s", path)
		}
	}
	p.visit("/alice/hostile")
	if n := eval[int](p, "document.querySelectorAll('.prose script,.prose style,.prose iframe,.prose form,.prose svg,.prose meta,.prose [style],.prose [class=skip],.prose a[href^=javascript],.prose a[href^=data]').length"); n > 0 {
		t.Errorf("%d elements that may not be there are", n)
	}
	if got := p.path(); got != "/alice/hostile" {
		t.Errorf("it led to %s", got)
	}
	p.clean()
	for _, path := range []string{"/alice/hostile/1.0.0/files/page.html?raw", "/alice/hostile/1.0.0/files/image.svg?raw"} {
		resp, err := http.Get(b.url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment") || strings.Contains(kind, "html") || strings.Contains(kind, "svg") ||
			resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, resp.Header)
		}
	}
}

// Of a version that nobody gets anew there is no command to install it.
func TestBrowserYanked(t *testing.T) {
	b := newSite(t)
	p := b.open(t, 1200)
	p.visit("/alice/demo/2.0.0")
	p.do(chromedp.WaitVisible(`//p[contains(@class,"notice")][contains(.,"It loses the last page.")]`))
	if n := eval[int](p, `document.querySelectorAll(".command").length`); n > 0 {
		t.Errorf("it has %d commands", n)
	}
	p.visit("/alice/demo")
	p.do(chromedp.WaitVisible(`//span[contains(@class,"version")][.="1.1.0"]`), chromedp.WaitVisible("#install"))
	p.clean()
}

// The page of the other language is the same page.
func TestBrowserLanguage(t *testing.T) {
	b := newSite(t)
	p := b.open(t, 1200)
	p.visit("/search?q=shell")
	p.do(chromedp.Click(`//nav/a[.="中文"]`), chromedp.WaitVisible(`//nav/a[.="English"]`))
	if got := p.path(); got != "/zh/search?q=shell" {
		t.Errorf("at %s", got)
	}
	p.do(chromedp.Click(`//main//a[.="robust-shell"]`), chromedp.WaitVisible("#install"))
	if got := p.path(); got != "/zh/alice/robust-shell" {
		t.Errorf("at %s", got)
	}
	p.do(chromedp.Click(`//nav/a[.="English"]`), chromedp.WaitVisible(`//nav/a[.="中文"]`))
	if got := p.path(); got != "/alice/robust-shell" {
		t.Errorf("at %s", got)
	}
	p.clean()
}

// A program asks to act as alice, who approves it on the page.
func TestBrowserDeviceLogin(t *testing.T) {
	b := newSite(t)
	begin := func() api.DeviceCode {
		anyone := &client{t, b.url, ""}
		return into[api.DeviceCode](t, anyone.do("POST", "/api/cli/device/code", map[string]string{"scope": "read write", "label": "<b>skills</b>"}))
	}
	poll := func(code string) answer {
		anyone := &client{t, b.url, ""}
		return anyone.do("POST", "/api/cli/device/token", map[string]string{"device_code": code})
	}
	p := b.open(t, 390)
	login := begin()
	p.visit("/cli/device")
	p.do(chromedp.SendKeys("#code", strings.ToLower(login.UserCode)+kb.Enter), chromedp.WaitVisible("#token"))
	p.inspect("the login", 200, false)
	p.picture("device-asked")
	p.do(chromedp.SendKeys("#token", "skl_wrong"), chromedp.Click(`//button[.="Approve"]`), chromedp.WaitVisible(`[role=alert]`))
	p.do(chromedp.SendKeys("#token", b.token), chromedp.Click(`//button[.="Approve"]`), chromedp.WaitVisible(`[role=status]`))
	p.picture("device-approved")
	var token api.DeviceToken
	if a := poll(login.DeviceCode); json.Unmarshal([]byte(a.body), &token) != nil || token.AccessToken == "" {
		t.Errorf("the program gets %d %s", a.status, a.body)
	}

	login = begin()
	p.visit(strings.TrimPrefix(login.VerificationURIComplete, b.url))
	p.do(chromedp.SendKeys("#token", b.token), chromedp.Click(`//button[.="Deny"]`), chromedp.WaitVisible(`[role=status]`))
	if a := poll(login.DeviceCode); !strings.Contains(a.body, "access_denied") {
		t.Errorf("the program gets %d %s", a.status, a.body)
	}
}
