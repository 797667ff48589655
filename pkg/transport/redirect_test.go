package transport

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func to(location string) reply { return status("302 Found", "moved", "Location: "+location) }

func TestRedirects(t *testing.T) {
	for _, test := range []struct {
		name    string
		from    string // "" is http://registry.test/x
		replies []reply
		refused string // part of the reason; "": it works
		hosts   string // asked, in order
	}{
		{name: "followed", replies: []reply{to("/y"), ok("{}")}, hosts: "registry.test registry.test"},
		{name: "all kinds", replies: []reply{
			status("301 x", "", "Location: a"), status("303 x", "", "Location: b"), status("307 x", "", "Location: c"), status("308 x", "", "Location: d"), ok("{}"),
		}, hosts: "registry.test registry.test registry.test registry.test registry.test"},
		{name: "elsewhere", replies: []reply{to("http://cdn.test/y"), ok("{}")}, hosts: "registry.test cdn.test"},
		{name: "without a scheme", replies: []reply{to("//cdn.test/y"), ok("{}")}, hosts: "registry.test cdn.test"},
		{name: "ten", replies: append(repeat(to("/y"), 10), ok("{}")), hosts: strings.TrimSpace(strings.Repeat("registry.test ", 11))},
		{name: "eleven", replies: append(repeat(to("/y"), 11), ok("{}")), refused: "more than 10"},
		{name: "a loop", replies: []reply{to("/x")}, refused: "more than 10"},
		{name: "a body without end", replies: []reply{endless("HTTP/1.1 302 x\r\nLocation: /y\r\n\r\n", "xxxxxxxx", 0), ok("{}")}, hosts: "registry.test registry.test"},
		{name: "no location", replies: []reply{status("302 Found", "")}, refused: "no location"},
		{name: "empty location", replies: []reply{to("")}, refused: "no location"},
		{name: "two locations", replies: []reply{status("302 Found", "", "Location: /a", "Location: /b")}, refused: "several"},
		{name: "a location that is none", replies: []reply{to("http://[::1")}, refused: "parsed"},
		{name: "control characters", replies: []reply{to("/\x1b[2J")}, refused: "malformed"},
		{name: "to a file", replies: []reply{to("file:///etc/passwd")}, refused: "neither http nor https"},
		{name: "to ftp", replies: []reply{to("ftp://cdn.test/x")}, refused: "neither http nor https"},
		{name: "to data", replies: []reply{to("data:application/zip;base64,UEs=")}, refused: "neither http nor https"},
		{name: "to a socket", replies: []reply{to("unix:///run/docker.sock")}, refused: "neither http nor https"},
		{name: "to no host", replies: []reply{to("http:///x")}, refused: "no host"},
		{name: "to an opaque URL", replies: []reply{to("http:x")}, refused: "no host"},
		{name: "with a password", replies: []reply{to("http://me:hunter2@cdn.test/x")}, refused: "user name"},
		{name: "with a user", replies: []reply{to("http://registry.test@cdn.test/x")}, refused: "user name"},
		{name: "to loopback", replies: []reply{to("http://127.0.0.1:8080/x")}, refused: "loopback"},
		{name: "to loopback by name", replies: []reply{to("http://localhost:8080/x")}, refused: "loopback"},
		{name: "to loopback by a number", replies: []reply{to("http://2130706433/x")}, refused: "no usual address"},
		{name: "to loopback in hex", replies: []reply{to("http://0x7f000001/x")}, refused: "no usual address"},
		{name: "to loopback in short", replies: []reply{to("http://127.1/x")}, refused: "no usual address"},
		{name: "to loopback in IPv6", replies: []reply{to("http://[::ffff:127.0.0.1]/x")}, refused: "loopback"},
		{name: "to a private address", replies: []reply{to("http://192.168.1.1/x")}, refused: "private"},
		{name: "to a metadata service", replies: []reply{to("http://169.254.169.254/latest/meta-data")}, refused: "link-local"},
		{name: "to a metadata service by name", replies: []reply{to("http://metadata.google.internal/x")}, refused: "metadata"},
		{name: "to anybody", replies: []reply{to("http://0.0.0.0/x")}, refused: "unspecified"},
		{name: "from private to private", from: "http://10.0.0.1/x", replies: []reply{to("http://10.0.0.2:81/y"), ok("{}")}, hosts: "10.0.0.1 10.0.0.2:81"},
		{name: "from private to metadata", from: "http://10.0.0.1/x", replies: []reply{to("http://169.254.169.254/")}, refused: "link-local"},
		{name: "from private to public", from: "http://localhost/x", replies: []reply{to("http://cdn.test/"), ok("{}")}, hosts: "localhost cdn.test"},
		{name: "public IPv6", from: "http://[2001:4860::1]:81/x", replies: []reply{ok("{}")}, hosts: "[2001:4860::1]:81"},
	} {
		t.Run(test.name, func(t *testing.T) {
			onWire(t, test.replies, func(w *wire) {
				t := w.t
				if test.from == "" {
					test.from = "http://registry.test/x"
				}
				_, err := w.client(Options{}).Get(t.Context(), test.from, GetOptions{})
				checkText(t, err)
				if test.refused != "" {
					if err == nil || !strings.Contains(err.Error(), test.refused) {
						t.Errorf("error is %v", err)
					}
					for _, address := range w.addresses() {
						if address != "registry.test:80" && address != "10.0.0.1:80" {
							t.Errorf("dialed %q", address)
						}
					}
					return
				}
				var hosts []string
				for _, r := range w.asked() {
					hosts = append(hosts, r.Host)
				}
				if got := strings.Join(hosts, " "); err != nil || got != test.hosts {
					t.Errorf("asked %q, error %v", got, err)
				}
			})
		})
	}
}

func repeat(r reply, n int) []reply {
	rs := make([]reply, n)
	for i := range rs {
		rs[i] = r
	}
	return rs
}

// A token goes to the origin it is for, and does not come back after it was
// dropped.
func TestTokenStaysHome(t *testing.T) {
	for _, test := range []struct {
		name string
		via  string
		hops []string
		want string // y or n for each request
	}{
		{"same origin", "", []string{"/y", "http://localhost/z"}, "yyy"},
		{"default port spelled out", "", []string{"http://localhost:80/y"}, "yy"},
		{"another case", "", []string{"http://LOCALHOST/y"}, "yy"},
		{"another port", "", []string{"http://localhost:8080/y"}, "yn"},
		{"another host", "", []string{"http://cdn.test/y"}, "yn"},
		{"a host below", "", []string{"http://cdn.localhost/y"}, "yn"},
		{"there and back", "", []string{"http://cdn.test/y", "http://localhost/x"}, "ynn"},
		{"named by the same origin", "http://localhost/api", nil, "y"},
		{"named by another origin", "http://other.localhost/api", nil, "n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var replies []reply
			for _, hop := range test.hops {
				replies = append(replies, to(hop))
			}
			onWire(t, append(replies, ok("{}")), func(w *wire) {
				t := w.t
				if _, err := w.client(Options{}).Get(t.Context(), "http://localhost/x", GetOptions{Token: "s3cret", Via: test.via}); err != nil {
					t.Fatal(err)
				}
				got := ""
				for _, r := range w.asked() {
					if r.Header.Get("Authorization") != "" {
						got += "y"
					} else {
						got += "n"
					}
					if r.Header.Get("Referer") != "" || r.Header.Get("Cookie") != "" {
						t.Errorf("header is %v", r.Header)
					}
				}
				if got != test.want {
					t.Errorf("sent %s, want %s", got, test.want)
				}
			})
		})
	}
}

// What a caller may not ask for, or may not on behalf of a server.
func TestRefusedURLs(t *testing.T) {
	for _, test := range []struct{ url, via, want string }{
		{"", "", "neither http nor https"},
		{"registry.test/x", "", "neither http nor https"},
		{"file:///etc/passwd", "", "neither http nor https"},
		{"http://", "", "no host"},
		{"http:registry.test", "", "no host"},
		{"http://me:hunter2@registry.test/", "", "user name"},
		{"http://me:hunter2@registry.test/%zz", "", "parsed"},
		{"http://registry.test/\x00?token=hunter2", "", "parsed"},
		{"http://169.254.169.254/", "", "link-local"},
		{"http://[fe80::1%25eth0]/", "", "link-local"},
		{"http://[fd00:ec2::254]/", "", "metadata"},
		{"http://224.0.0.1/", "", "multicast"},
		{"http://0/", "", "no usual address"},
		{"http://127.0.0.1/", "http://registry.test/", "loopback"},
		{"http://cdn.test/", "https://registry.test/", "leaves https"},
		{"http://cdn.test/", "ftp://registry.test/", "neither"},
	} {
		w := &wire{t: t}
		_, err := w.client(Options{}).Get(t.Context(), test.url, GetOptions{Via: test.via})
		checkText(t, err)
		if err == nil || !strings.Contains(err.Error(), test.want) || len(w.addresses()) > 0 {
			t.Errorf("%q by %q: %v, dialed %q", test.url, test.via, err, w.addresses())
		}
	}
}

// Behind a proxy, which resolves the names itself, addresses in URLs still count.
func TestAddressesBehindAProxy(t *testing.T) {
	for _, location := range []string{"http://127.0.0.1/x", "http://10.1.1.1/x", "http://169.254.169.254/", "http://localhost/", "http://2130706433/"} {
		onWire(t, []reply{to(location)}, func(w *wire) {
			t := w.t
			proxy := &url.URL{Scheme: "http", Host: "127.0.0.1:3128"}
			c := w.client(Options{Proxy: func(r *http.Request) (*url.URL, error) { return proxy, nil }})
			_, err := c.Get(t.Context(), "http://registry.test/x", GetOptions{})
			if err == nil || len(w.asked()) != 1 || strings.Join(w.addresses(), " ") != "127.0.0.1:3128" {
				t.Errorf("%s: error %v, dialed %q", location, err, w.addresses())
			}
		})
	}
}
