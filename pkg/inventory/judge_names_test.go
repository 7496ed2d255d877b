package inventory_test

import (
	"crypto/x509"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// A kubelet is reached by its node's address, with names as crypto/x509 takes them;
// what it presents may be another node's.
func TestKubeletNames(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	of := func(node string, names ...string) *x509.Certificate {
		return ca.Issue(t, pkitest.Server("system:node:"+node, names...))
	}
	at := func(place catalog.Place, row, address string, cert *x509.Certificate) inventory.Sighting {
		s := at(place, "w1", row, cert)
		s.Address = address
		return s
	}
	port := func(address string, cert *x509.Certificate) inventory.Sighting {
		return at(catalog.KubeletPort, "", address, cert)
	}
	file := func(cert *x509.Certificate) inventory.Sighting {
		return at(catalog.LeafFile, "kubelet-server", "", cert)
	}
	asName := func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "10.0.0.1") }
	own := (&pkitest.CA{Key: pkitest.Key("w9")}).Issue(t, pkitest.Server("w9", "w9"))
	nowhere := file(of("w9", "w9"))
	nowhere.Node = ""
	const lacks, another = "does not name 10.0.0.1, its node's address", "is not for node w1: it has neither the name of the node nor its address"
	for _, tt := range []struct {
		name string
		seen inventory.Sighting
		want inventory.Severity // "" for nothing
		said string
	}{
		{"its name and address", port("10.0.0.1", of("w1", "w1", "10.0.0.1")), "", ""},
		{"its address alone", port("10.0.0.1", of("w1", "10.0.0.1")), "", ""},
		{"its address, under a name that it had before", port("10.0.0.1", of("w0", "w0", "10.0.0.1")), "", ""},
		{"its name alone", port("10.0.0.1", of("w1", "w1")), inventory.Warning, lacks},
		{"its name, and an address that it had before", port("10.0.0.1", of("w1", "w1", "10.0.0.9")), inventory.Warning, lacks},
		{"an address that it had before", port("10.0.0.1", of("w1", "10.0.0.9")), inventory.Warning, lacks},
		{"its address as a name", port("10.0.0.1", ca.Issue(t, pkitest.Server("system:node:w1", "w1"), asName)), inventory.Warning, "as a DNS name"},
		{"another node's", port("10.0.0.1", of("w9", "w9", "10.0.0.9")), inventory.Critical, another + " 10.0.0.1; its subject is CN=system:node:w9"},
		{"another node's, whose name begins so", port("10.0.0.1", of("w10", "w10")), inventory.Critical, another},
		{"no names", port("10.0.0.1", of("w1")), inventory.Critical, "has no subject alternative names"},
		{"no address is known, and its name", port("", of("w1", "w1")), "", ""},
		{"no address is known, and another's name", port("", of("w9", "w9")), inventory.Critical, another + "; its subject"},
		{"an IPv6 address", port("fd00::1", of("w1", "w1", "fd00::1")), "", ""},
		{"another IPv6 address", port("fd00::1", of("w1", "w1", "fd00::2")), inventory.Warning, "does not name fd00::1"},
		{"self-signed, whatever it says", port("10.0.0.1", own), "", ""},
		{"a file with its name", file(of("w1", "w1")), "", ""},
		{"a file with its address", file(of("w1", "10.0.0.1")), "", ""},
		{"a file with another name of the machine", file(of("w1", "ip-10-0-0-1.internal")), "", ""},
		{"a file of another node", file(of("w9", "w9", "10.0.0.9")), inventory.Critical, another + "; its subject is CN=system:node:w9"},
		{"a file of a node, of an unknown one", nowhere, "", ""},
		{"a self-signed file", file(own), "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := judge(t, pkitest.Now, tt.seen)
			var got inventory.Severity
			var said string
			for _, f := range e.Findings {
				if f.Code == inventory.CodeSANMismatch {
					got, said = f.Severity, f.Message
				}
			}
			if got != tt.want || !strings.Contains(said, tt.said) {
				t.Errorf("got %q: %s", got, said)
			}
		})
	}
}
