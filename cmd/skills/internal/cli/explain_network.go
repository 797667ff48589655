package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry"
	"github.com/openskills-go/skills/registry/clawhub"
	"github.com/openskills-go/skills/registry/oci"
	"github.com/openskills-go/skills/registry/openskills"
	"github.com/openskills-go/skills/registry/static"
	"github.com/openskills-go/skills/registry/wellknown"
)

// networkRules are about servers, the way to them, and their addresses.
func networkRules() []rule {
	return []rule{
		{Code{"offline", exitUnreachable, true, "it needs the network, and --offline is set"},
			is(transport.ErrOffline, "without --offline, or SKILLS_OFFLINE, it would be fetched")},
		{Code{"rate_limited", exitUnreachable, true, "the registry wants us to wait longer than --max-wait"},
			as(func(e *transport.WaitError) string { return busy(e.Err) })},
		{Code{"stalled", exitUnreachable, true, "no bytes came for the time that --timeout says"},
			as(saying[*transport.StalledError]("try again; --timeout allows slower ones"))},
		{Code{"web_page", exitUnreachable, false, "the server answered with a web page: a login, a captive portal, or no registry"},
			is(transport.ErrWebPage, "is this the address of a registry? A network that wants a login answers like this, too")},
		{Code{"redirect", exitUnreachable, false, "the server sends us where we do not go"},
			as(saying[*transport.RedirectError](""))},
		{Code{"too_large", exitRefused, false, ""},
			as(saying[*transport.LimitError]("if you trust it, raise the limit: --max-download"))},
		{Code{"bad_request", exitUnreachable, false, "the server does not accept what was asked"},
			func(err error) (string, bool) {
				e, ok := errors.AsType[*transport.StatusError](err)
				return "", ok && !e.Retryable()
			}},
		{Code{"bad_answer", exitUnreachable, true, "the server answered with an error, or with something that is no skill"},
			as(saying[*transport.StatusError](""))},
		{Code{"bad_answer", exitUnreachable, true, ""},
			as(saying[*transport.HeaderError](""))},
		{Code{"bad_answer", exitUnreachable, true, ""},
			is(transport.ErrNotJSON, "is this the address of a registry?")},
		{Code{"bad_answer", exitUnreachable, true, ""},
			is(transport.ErrEmpty, "is this the address of a registry?")},
		{Code{"bad_answer", exitUnreachable, true, ""},
			as(saying[*openskills.AnswerError]("is this the address of a registry?"))},
		{Code{"bad_answer", exitUnreachable, true, ""},
			as(saying[*wellknown.SchemaError]("a newer skills may know it"))},
		{Code{"bad_answer", exitUnreachable, true, ""},
			as(saying[*wellknown.IndexError]("tell the site"))},
		{Code{"bad_answer", exitUnreachable, true, ""},
			as(saying[*static.ProtocolError]("a newer skills may know it"))},
		{Code{"bad_answer", exitUnreachable, true, ""},
			as(saying[*static.FormatError]("is this the address of a registry? If it is, tell its operators"))},
		{Code{"bad_answer", exitUnreachable, true, ""},
			as(saying[*oci.AnswerError]("is this the address of an OCI registry?"))},
		{Code{"bad_answer", exitUnreachable, true, ""},
			as(saying[*clawhub.AnswerError]("is this the address of a registry?"))},
		{Code{"bad_address", exitUsage, false, "an address that is not asked"},
			as(saying[*transport.URLError](""))},
		{Code{"bad_address", exitUsage, false, ""},
			is(openskills.ErrURL, "an address begins with https://")},
		{Code{"bad_address", exitUsage, false, ""},
			is(wellknown.ErrURL, "an address begins with https:// or wellknown+https://")},
		{Code{"bad_address", exitUsage, false, ""},
			is(clawhub.ErrURL, "an address begins with https://")},
		{Code{"bad_address", exitUsage, false, ""},
			is(static.ErrURL, "an address begins with https:// or static+https://")},
		{Code{"bad_address", exitUsage, false, ""},
			is(registry.ErrUnknownProtocol, "an address begins with https://")},
		{Code{"address_refused", exitUnreachable, false, "a host on the web leads into a private network"},
			as(saying[*transport.AddressError](""))},
		{Code{"proxy", exitUnreachable, true, "the proxy does not let us through"},
			as(saying[*transport.ProxyError]("the proxy is that of HTTPS_PROXY or HTTP_PROXY"))},
		{Code{"tls", exitUnreachable, false, "the server's certificate is not trusted"},
			func(err error) (string, bool) {
				_, verify := errors.AsType[*tls.CertificateVerificationError](err)
				_, authority := errors.AsType[x509.UnknownAuthorityError](err)
				return "a company's own certificate authority is added with SKILLS_CA_FILE", verify || authority
			}},
		{Code{"dns", exitUnreachable, true, "the host's name cannot be resolved"},
			as(func(e *net.DNSError) string {
				return fmt.Sprintf("is %s right, and are you online?", e.Name)
			})},
		{Code{"unreachable", exitUnreachable, true, "the host cannot be reached"},
			as(saying[*transport.NetworkError](hintOnline))},
	}
}
