package transport

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestReachOf(t *testing.T) {
	for _, test := range []struct {
		want  reach
		addrs string
	}{
		{anywhere, "1.1.1.1 8.8.8.8 172.15.255.255 172.32.0.0 100.63.255.255 100.128.0.0 192.167.255.255 198.17.255.255 2606:4700::1111 ::ffff:1.1.1.1 64:ff9b::101:101 2002:101:101::"},
		{userOnly, "127.0.0.1 127.255.255.255 10.0.0.1 172.16.0.1 172.31.255.255 192.168.0.1 100.64.0.1 198.18.0.1 192.0.0.1 ::1 fd12::1 fc00::1 fec0::1 ::ffff:10.0.0.1 ::10.0.0.1 64:ff9b::7f00:1 2002:a00:1::"},
		{nowhere, "0.0.0.0 0.1.2.3 169.254.169.254 169.254.0.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 100.100.100.200 168.63.129.16 192.0.0.192 :: fe80::1 fe80::1%eth0 ff02::1 fd00:ec2::254 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::"},
	} {
		for addr := range strings.FieldsSeq(test.addrs) {
			if got, why := reachOf(netip.MustParseAddr(addr)); got != test.want {
				t.Errorf("%s: reach %d (%s), want %d", addr, got, why, test.want)
			}
		}
	}
}

// A name that stood for a public address does not become a private one. A name
// that was private from the beginning is a company's registry.
func TestRebinding(t *testing.T) {
	g := guard{public: make(map[string]bool)}
	for _, test := range []struct {
		host, addr string
		ok         bool
	}{
		{"registry.test", "93.184.216.34", true},
		{"registry.test", "127.0.0.1", false},
		{"Registry.TEST", "10.0.0.1", false},
		{"registry.test", "169.254.169.254", false},
		{"registry.test", "93.184.216.35", true},
		{"inner.test", "10.0.0.1", true},
		{"inner.test", "10.0.0.2", true},
		{"inner.test", "0.0.0.0", false},
	} {
		if err := g.allowNamed(test.host, netip.MustParseAddr(test.addr)); (err == nil) != test.ok {
			t.Errorf("%s at %s: %v", test.host, test.addr, err)
		}
	}
	if g.isPrivate("registry.test") || !g.isPrivate("INNER.test") || g.isPrivate("unknown.test") {
		t.Error("a host is remembered wrongly")
	}
}

// names answers every DNS question for an IPv4 address with addr, over TCP in
// memory.
func names(addr string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			for {
				var size [2]byte
				if _, err := io.ReadFull(far, size[:]); err != nil {
					return
				}
				m := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(far, m); err != nil {
					return
				}
				// The header is 12 bytes, then the name, its type and class.
				end := 12
				for m[end] != 0 {
					end += int(m[end]) + 1
				}
				isA := m[end+2] == 1
				m = slices.Clone(m[:end+5])
				m[2], m[3] = 0x84, 0x00                       // an answer, with authority
				copy(m[4:12], []byte{0, 1, 0, 0, 0, 0, 0, 0}) // one question, no answers
				if isA {
					m[7] = 1
					ip := netip.MustParseAddr(addr).As4()
					m = append(m, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4)
					m = append(m, ip[:]...)
				}
				if _, err := far.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...)); err != nil {
					return
				}
			}
		}()
		return near, nil
	}}
}

// What a name resolves to decides, on real connections.
func TestGuardOnConnect(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = io.WriteString(w, "{}")
	}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())

	for _, test := range []struct {
		name string
		addr string // of every name
		via  string
		want func(error) bool
	}{
		{name: "the user's own private host", addr: "127.0.0.1"},
		{name: "a private host that a public one names", addr: "127.0.0.1", via: "http://registry.example/",
			want: is(func(e *AddressError) bool { return e.Host == "inner.example" && e.Addr.IsLoopback() })},
		{name: "a private host that a private one names", addr: "127.0.0.1", via: "http://127.0.0.1/"},
		{name: "a metadata service", addr: "169.254.169.254", want: is[*AddressError]()},
		{name: "everybody", addr: "0.0.0.0", want: is[*AddressError]()},
		{name: "multicast", addr: "224.0.0.1", want: is[*AddressError]()},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked = 0
			c, err := New(Options{Proxy: direct, resolver: names(test.addr)})
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseIdleConnections()
			_, err = c.Get(t.Context(), "http://inner.example:"+port+"/", GetOptions{Via: test.via})
			checkText(t, err)
			if test.want == nil && (err != nil || asked != 1) || test.want != nil && (err == nil || !test.want(err) || asked != 0) {
				t.Errorf("asked %d times, error %T %v", asked, err, err)
			}
		})
	}
}

// A connection that one request may use is not lent to one that may not.
func TestPoolsAreApart(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = io.WriteString(w, "{}")
	}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	c, err := New(Options{Proxy: direct, resolver: names("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	inner := "http://inner.example:" + port + "/"
	if _, err := c.Get(t.Context(), inner, GetOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), inner, GetOptions{Via: "http://registry.example/"}); !is[*AddressError]()(err) || asked != 1 {
		t.Errorf("asked %d times, error %v", asked, err)
	}
}

// The environment of this test names a proxy (TestMain). Loopback is not asked
// through it.
func TestProxyFromEnvironment(t *testing.T) {
	c, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	resp, err := c.Get(t.Context(), "http://registry.test/x?q=1", GetOptions{})
	if err != nil || string(resp.Body) != `{"proxied":"http://registry.test/x?q=1","auth":"Basic dXNlcjpodW50ZXIy"}` {
		t.Errorf("answer is %+v, error %v", resp, err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `"direct"`) }))
	defer server.Close()
	if resp, err := c.Get(t.Context(), server.URL, GetOptions{}); err != nil || string(resp.Body) != `"direct"` {
		t.Errorf("answer is %+v, error %v", resp, err)
	}
}

// Proxies that refuse are named, without the password that they were asked with.
func TestProxyFaults(t *testing.T) {
	proxy := &url.URL{Scheme: "http", Host: "proxy.test:3128", User: url.UserPassword("me", "hunter2")}
	through := func(*http.Request) (*url.URL, error) { return proxy, nil }
	for _, test := range []struct {
		name     string
		url      string
		reply    reply
		want     func(error) bool
		requests int
	}{
		{"407 to CONNECT", "https://registry.test/", status("407 Who are you", ""), is(func(e *ProxyError) bool { return e.Status == 407 && e.Proxy == "proxy.test:3128" }), 1},
		{"403 to CONNECT", "https://registry.test/", status("403 No", ""), is(func(e *ProxyError) bool { return e.Status == 403 }), 1},
		{"407 to GET", "http://registry.test/", status("407 x", ""), is(func(e *ProxyError) bool { return e.Status == 407 }), 1},
		{"502 to GET", "http://registry.test/", status("502 x", ""), hasStatus(502), 4},
		{"silence to CONNECT", "https://registry.test/", silent(""), is[*StalledError](), 4},
		{"header without end", "https://registry.test/", endless("HTTP/1.1 200 x\r\n", "X: "+strings.Repeat("x", 4096)+"\r\n", 0), is[*NetworkError](), 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			onWire(t, []reply{test.reply}, func(w *wire) {
				t := w.t
				_, err := w.client(Options{Proxy: through}).Get(t.Context(), test.url, GetOptions{})
				checkText(t, err)
				if err == nil || !test.want(err) || len(w.asked()) != test.requests {
					t.Errorf("%d requests, error %T %v", len(w.asked()), err, err)
				}
			})
		})
	}
}
