package access

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// NodePlaceholder stands, in a DNSPattern, for the name of the Node that asks.
const NodePlaceholder = "{node}"

// DNSPattern says which DNS names, beside its own name, a Node may have.
type DNSPattern struct{ text string }

// ParseDNSPattern reads a pattern: `*` and `?` stand for characters within one
// label, as in a certificate, and NodePlaceholder for the Node's name. A name
// that no Node may have is an error.
func ParseDNSPattern(text string) (DNSPattern, error) {
	pattern := strings.ToLower(text)
	example := strings.NewReplacer(NodePlaceholder, "node", "*", "a", "?", "a").Replace(pattern)
	switch {
	case !strings.ContainsAny(pattern, "*?") && !strings.Contains(pattern, NodePlaceholder) && nameForm(pattern) == "" && reservedName(pattern, false) != "":
		return DNSPattern{}, hint.New(fmt.Sprintf("--allow-dns %q: the name %s", text, reservedName(pattern, false)),
			"no flag allows it; use approve NAME to decide about one request")
	case nameForm(example) != "":
		return DNSPattern{}, hint.New(fmt.Sprintf("--allow-dns %q is not a pattern of DNS names", text),
			"use a pattern such as '"+NodePlaceholder+".example.com' or '*.compute.example.com': * stands for characters within one label")
	}
	return DNSPattern{pattern}, nil
}

// matches reports whether a Node may have name, as foldName writes it.
func (p DNSPattern) matches(name, node string) bool {
	labels := func(text string) string { return strings.ReplaceAll(text, ".", "/") }
	ok, err := path.Match(labels(strings.ReplaceAll(p.text, NodePlaceholder, foldName(node))), labels(name))
	return ok && err == nil
}

// ParseNodeNetwork reads a range of addresses of nodes.
func ParseNodeNetwork(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err == nil && prefix.Addr().Is4In6() {
		err = errors.New("an IPv4 range written as IPv6")
	}
	if err != nil {
		return netip.Prefix{}, hint.Wrap(fmt.Errorf("--allow-cidr %q is not a CIDR: %w", text, err),
			"use a CIDR such as 10.20.0.0/16 or fd00:20::/64")
	}
	return prefix.Masked(), nil
}

// foldName writes a DNS name as it is compared: verifiers ignore case.
func foldName(name string) string { return strings.ToLower(name) }

// nameForm says why a kubelet cannot have a DNS name that is written like this,
// or "".
func nameForm(name string) string {
	labels := strings.Split(foldName(name), ".")
	switch {
	case strings.Contains(name, "*"):
		return "is a wildcard"
	case len(name) > 1 && strings.HasSuffix(name, "."):
		return "ends in a dot"
	case isAddress(name) || isNumber(labels[len(labels)-1]):
		// Programs read such a host as an IPv4 address (WHATWG URL, "ends in a
		// number"): 127.1, 0x7f000001, 2130706433.
		return "is an IP address, written as a DNS name"
	case len(validation.IsDNS1123Subdomain(foldName(name))) > 0:
		return "is not a valid DNS name"
	}
	return ""
}

func isAddress(text string) bool {
	_, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return err == nil
}

func isNumber(label string) bool {
	digits, set := label, "0123456789"
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		digits, set = hex, set+"abcdef"
	}
	return label != "" && strings.Trim(digits, set) == ""
}

// reservedName says why no kubelet may have a DNS name, whatever else is
// allowed, or "". A Node's own name is held against the very names that pods and
// clients use; any other against all that look like them.
func reservedName(name string, own bool) string {
	name = foldName(name)
	labels := strings.Split(name, ".")
	last := labels[len(labels)-1]
	switch {
	case labels[0] == "kubernetes" || !own && strings.HasPrefix(name, "kubernetes"):
		return "is a name of the API server"
	case slices.Contains(labels, "localhost") || last == "localdomain" || name == "ip6-localhost" || name == "ip6-loopback",
		!own && strings.HasPrefix(name, "localhost"):
		return "is a loopback name"
	case name == "svc" || slices.Contains(labels[1:], "svc") || !own && strings.Contains(name, ".svc"):
		return "is a name of a Service"
	case name == clusterDomain || strings.HasSuffix(name, "."+clusterDomain):
		return "is a name in the cluster's own domain"
	}
	return ""
}

// clusterDomain is the domain of Services and pods by default.
const clusterDomain = "cluster.local"

// reservedNetworks are no machine's own addresses, though netip calls them
// global unicast.
var reservedNetworks = []struct {
	netip.Prefix
	is string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "is an address of this network (RFC 1122)"},
	{netip.MustParsePrefix("240.0.0.0/4"), "is a reserved address (RFC 1112)"},
	{netip.MustParsePrefix("::/96"), "is an IPv4 address written as IPv6 (RFC 4291)"},
	{netip.MustParsePrefix("64:ff9b::/96"), "is an IPv4 address written as IPv6 (RFC 6052)"},
}

// reservedAddress says why no kubelet may have an address, whatever else is
// allowed, or "". address is unmapped.
func reservedAddress(address netip.Addr) string {
	switch {
	case address.IsUnspecified():
		return "is the unspecified address"
	case address.IsLoopback():
		return "is a loopback address"
	case address.IsLinkLocalUnicast():
		return "is a link-local address"
	case address.IsMulticast():
		return "is a multicast address"
	case !address.IsGlobalUnicast():
		return "is not a unicast address"
	}
	for _, network := range reservedNetworks {
		if network.Contains(address) {
			return network.is
		}
	}
	return ""
}

// comparableAddress returns an address in the form in which it is compared: IPv4 as
// IPv4, without a zone.
func comparableAddress(text string) (netip.Addr, bool) {
	address, err := netip.ParseAddr(text)
	return address.Unmap().WithZone(""), err == nil
}

// subjectAltName is the extension with the names, and these are its tags for
// them (RFC 5280, section 4.2.1.6).
var subjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

const (
	tagEmail   = 1
	tagDNSName = 2
	tagURI     = 6
	tagIP      = 7
)

// extensionFault says what is asked for beside the names that are judged, or
// "". The cluster's own signer leaves it out; another one may not.
func extensionFault(parsed *x509.CertificateRequest) string {
	for _, extension := range parsed.Extensions {
		if !extension.Id.Equal(subjectAltName) {
			return "it requests extension " + extension.Id.String()
		}
		var names []asn1.RawValue
		if rest, err := asn1.Unmarshal(extension.Value, &names); err != nil || len(rest) > 0 {
			return "its subject alternative names cannot be read"
		}
		for _, name := range names {
			switch name.Tag {
			case tagEmail, tagDNSName, tagURI, tagIP:
			default:
				return "it has subject alternative names that are neither DNS names nor IP addresses"
			}
		}
	}
	return ""
}
