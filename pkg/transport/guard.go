package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
)

// A reach says from where an address may be asked for.
type reach int

const (
	anywhere reach = iota // a public address
	userOnly              // an address of this machine or network: only if the user named it, or a host like it
	nowhere               // an address that no registry is at
)

// A guard looks at the addresses that names resolve to at the only moment when
// they cannot change any more: when the connection is made.
type guard struct {
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	resolver *net.Resolver

	mu     sync.Mutex
	public map[string]bool // by host: whether its first address was a public one
}

// dialNamed connects to a host that the user named. It may be a private one,
// unless it was public before: that is how DNS rebinding looks.
func (g *guard) dialNamed(ctx context.Context, network, address string) (net.Conn, error) {
	return g.connect(ctx, network, address, g.allowNamed)
}

// dialPublic connects to a host that a server named.
func (g *guard) dialPublic(ctx context.Context, network, address string) (net.Conn, error) {
	return g.connect(ctx, network, address, allowPublic)
}

// dialProxy connects to the proxy, which the user chose, wherever it is.
func (g *guard) dialProxy(ctx context.Context, network, address string) (net.Conn, error) {
	return g.connect(ctx, network, address, func(string, netip.Addr) error { return nil })
}

func (g *guard) connect(ctx context.Context, network, address string, allow func(host string, ip netip.Addr) error) (net.Conn, error) {
	if g.dial != nil {
		return g.dial(ctx, network, address)
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{
		Timeout:   connectTime,
		KeepAlive: -1, // the watch notices what keep-alive probes would, and sooner
		Resolver:  g.resolver,
		Control: func(_, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			return allow(host, at.Addr())
		},
	}
	return d.DialContext(ctx, network, address)
}

func (g *guard) allowNamed(host string, ip netip.Addr) error {
	r, why := reachOf(ip)
	if r == nowhere {
		return &AddressError{Host: clip(host, clipName), Addr: ip, Why: why}
	}
	host = strings.ToLower(host)
	g.mu.Lock()
	defer g.mu.Unlock()
	public, seen := g.public[host]
	if !seen {
		g.public[host] = r == anywhere
	}
	if seen && public && r == userOnly {
		return &AddressError{Host: clip(host, clipName), Addr: ip, Why: why + ", and the name stood for a public address before"}
	}
	return nil
}

func allowPublic(host string, ip netip.Addr) error {
	if r, why := reachOf(ip); r != anywhere {
		return &AddressError{Host: clip(host, clipName), Addr: ip, Why: why}
	}
	return nil
}

// isPrivate says whether the user named this host and it turned out private.
func (g *guard) isPrivate(host string) bool {
	if ip, ok, _ := literal(host); ok {
		r, _ := reachOf(ip)
		return r == userOnly
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	public, seen := g.public[strings.ToLower(host)]
	return seen && !public
}

// route picks the connections that a request may use, given the host that the
// user named. What stands in a URL is checked here, since behind a proxy nothing
// else sees it.
func (c *Client) route(req *http.Request, first *url.URL) (*http.Transport, error) {
	host := req.URL.Hostname()
	trusted := strings.EqualFold(host, first.Hostname()) || c.guard.isPrivate(first.Hostname())
	ip, isLiteral, why := literal(host)
	if why != "" {
		return nil, &URLError{URL: place(req.URL), Why: why}
	}
	if isLiteral {
		if r, why := reachOf(ip); r == nowhere || r == userOnly && !trusted {
			return nil, &AddressError{Host: clip(host, clipName), Addr: ip, Why: why}
		}
	}
	proxy, err := c.proxy(req)
	switch {
	case err != nil:
		return nil, err
	case proxy != nil:
		return c.proxied, nil
	case trusted:
		return c.named, nil
	}
	return c.public, nil
}

func (c *Client) proxyName(req *http.Request) string {
	if u, err := c.proxy(req); err == nil && u != nil {
		return clip(u.Host, clipName)
	}
	return clip(req.URL.Host, clipName)
}

// literal returns the address that a host of a URL is without asking anyone. A
// number that is an address only to some (2130706433, 0x7f.1, 127.1) is refused,
// and so are the names of metadata services.
func literal(host string) (ip netip.Addr, ok bool, refuse string) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip, true, ""
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), true, ""
	}
	if host == "metadata.google.internal" || host == "metadata.goog" {
		return ip, false, "names a metadata service"
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "" || strings.HasPrefix(last, "0x") || strings.Trim(last, "0123456789") == "" {
		return ip, false, "names a host by a number that is no usual address"
	}
	return ip, false, ""
}

// block is a range of addresses that is not public, and why.
type block struct {
	bits  netip.Prefix
	reach reach
	why   string
}

// reachOf classifies an address. The IPv4 address inside an IPv6 one counts.
func reachOf(ip netip.Addr) (reach, string) {
	ip = embedded(ip.Unmap().WithZone(""))
	switch {
	case ip.IsUnspecified():
		return nowhere, "it is the unspecified address"
	case ip.IsMulticast():
		return nowhere, "it is a multicast address"
	case ip.IsLinkLocalUnicast():
		return nowhere, "it is a link-local address"
	case ip.IsLoopback():
		return userOnly, "it is a loopback address"
	}
	for _, b := range specialBlocks() {
		if b.bits.Contains(ip) {
			return b.reach, b.why
		}
	}
	if ip.IsPrivate() {
		return userOnly, "it is a private address"
	}
	return anywhere, ""
}

// specialBlocks are those that net/netip has no word for (IANA's special-purpose
// registries), and where clouds answer with credentials.
func specialBlocks() []block {
	v4 := func(a, b, c, d byte, bits int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{a, b, c, d}), bits)
	}
	v6 := func(first ...byte) netip.Addr {
		var a [16]byte
		copy(a[:], first)
		return netip.AddrFrom16(a)
	}
	const metadata, reserved, private = "it is a metadata service", "it is a reserved address", "it is a private address"
	amazon := v6(0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54)
	return []block{
		{netip.PrefixFrom(amazon, 128), nowhere, metadata},
		{v4(100, 100, 100, 200, 32), nowhere, metadata},
		{v4(168, 63, 129, 16, 32), nowhere, metadata},
		{v4(192, 0, 0, 192, 32), nowhere, metadata},
		{v4(0, 0, 0, 0, 8), nowhere, reserved},
		{v4(240, 0, 0, 0, 4), nowhere, reserved},
		{v4(100, 64, 0, 0, 10), userOnly, private},
		{v4(192, 0, 0, 0, 24), userOnly, private},
		{v4(198, 18, 0, 0, 15), userOnly, private},
		{netip.PrefixFrom(v6(0xfe, 0xc0), 10), userOnly, private},
	}
}

// embedded returns the IPv4 address that a translating network would send to.
func embedded(ip netip.Addr) netip.Addr {
	if !ip.Is6() {
		return ip
	}
	b := ip.As16()
	switch {
	case b[0] == 0x20 && b[1] == 0x02: // 6to4
		return netip.AddrFrom4([4]byte(b[2:6]))
	case [12]byte(b[:12]) == [12]byte{0x00, 0x64, 0xff, 0x9b}, // NAT64
		[12]byte(b[:12]) == [12]byte{} && !ip.IsLoopback() && !ip.IsUnspecified(): // IPv4-compatible
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return ip
}

// isTLS says whether err is a handshake that failed, not one that broke off.
func isTLS(err error) bool {
	var verification *tls.CertificateVerificationError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &alert) || errors.As(err, &record) || errors.As(err, &invalid)
}
