// These tests promise that nobody gets a serving certificate with a name or an
// address that is not its machine's, and that a kubelet gets the one it had.
package access

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
)

// Who asks, and for what besides names, has to be a kubelet's own.
func TestServingRequester(t *testing.T) {
	tests := []struct {
		name   string
		change []change
		want   string
	}{
		{"the node itself", byN1("n1", "10.0.0.1"), ""},
		{"no names", byN1(), "no DNS name and no IP address"},
		{"a URI beside them", byN1("n1", "spiffe://a/b"), "URIs or email"},
		{"an email address beside them", byN1("n1", "a@b.example"), "URIs or email"},
		{"no Node", byNode("n9", "n9"), `there is no Node "n9"`},
		{"for another node", append(byN1("n1"), subject("system:node:n2", "system:nodes")), `requests a certificate for "system:node:n2"`},
		{"by an administrator", append(byN1("n1"), by("root", "system:masters")), `requester "root" is not a node`},
		{"by a user of a node's name", append(byN1("n1"), by("system:node:n1")), "is not a node"},
		{"by nobody's node", append(byN1("n1"), by("system:node:", "system:nodes")), "is not a node"},
		{"a group more", append(byN1("n1"), subject("system:node:n1", "system:nodes", "system:masters")), "system:masters"},
		{"an attribute more", append(byN1("n1"), unit("n1")), "more attributes than a common name and a group"},
		{"an extension more", append(byN1("n1"), extension("2.5.29.19", []byte{0x30, 0x03, 0x01, 0x01, 0xff})), "requests extension 2.5.29.19"},
		{"a name of another kind", append(byN1(), extension("2.5.29.17", []byte{0x30, 0x08, 0x82, 0x02, 'n', '1', 0x88, 0x02, 0x2a, 0x03})), "neither DNS names nor IP addresses"},
		{"to be a client too", append(byN1("n1"), to(certificatesv1.KubeletServingSignerName, certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth, certificatesv1.UsageClientAuth)), `it has usage "client auth"`},
		{"at the clients' signer", append(byN1("n1"), clientWith(certificatesv1.UsageClientAuth)), "it is for signer kubernetes.io/kube-apiserver-client"},
		{"for ten years", append(byN1("n1"), life(3650*day)), "a lifetime of"},
		{"no request", append(byN1("n1"), garbage("x")), "it cannot be read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := newServingCluster(t, n1()).serving("n1", "n1", "10.0.0.1").findings(tt.change...)
			wantFinding(t, got, tt.want)
		})
	}
}

func unit(name string) change {
	return func(_ *certificatesv1.CertificateSigningRequest, r *x509.CertificateRequest, _ *crypto.Signer) {
		r.Subject.OrganizationalUnit = []string{name}
	}
}

func extension(id string, value []byte) change {
	return func(_ *certificatesv1.CertificateSigningRequest, r *x509.CertificateRequest, _ *crypto.Signer) {
		var oid asn1.ObjectIdentifier
		for _, part := range strings.Split(id, ".") {
			number, _ := strconv.Atoi(part)
			oid = append(oid, number)
		}
		r.ExtraExtensions = append(r.ExtraExtensions, pkix.Extension{Id: oid, Value: value})
	}
}

func wantFinding(t *testing.T, got, want string) {
	t.Helper()
	if want == "" && got != "" || !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What a Node may never have is refused though the Node lists it, its kubelet
// serves with it already, and everything is allowed.
func TestServingNever(t *testing.T) {
	tests := []struct{ name, want string }{
		{"127.0.0.1", "is a loopback address"},
		{"127.8.9.1", "is a loopback address"},
		{"::1", "is a loopback address"},
		{"::ffff:127.0.0.1", "is a loopback address"},
		{"169.254.169.254", "is a link-local address"},
		{"::ffff:169.254.0.1", "is a link-local address"},
		{"fe80::1", "is a link-local address"},
		{"0.0.0.0", "is the unspecified address"},
		{"::", "is the unspecified address"},
		{"0.1.2.3", "RFC 1122"},
		{"224.0.0.1", "is a multicast address"},
		{"ff02::1", "is a multicast address"},
		{"ff01::1", "is a multicast address"},
		{"255.255.255.255", "is not a unicast address"},
		{"240.0.0.1", "is a reserved address"},
		{"::10.0.0.1", "written as IPv6"},
		{"64:ff9b::10.96.0.1", "written as IPv6"},

		{"10.96.0.1", "is in the Service CIDR 10.96.0.0/16"},
		{"::ffff:10.96.0.1", "is in the Service CIDR 10.96.0.0/16"},
		{"fd96::1", "is in the Service CIDR fd96::/112"},
		{"10.98.0.200", "is in the Service CIDR 10.98.0.0/24"},
		{"10.97.3.4", "is in the Service CIDR 10.97.0.0/16"},
		{"fd97::1", "is in the Service CIDR fd97::/112"},
		{"10.99.0.1", "is the address of Service default/kubernetes"},
		{"fd99::1", "is the address of Service default/kubernetes"},

		{"10.0.0.100", `is an address of Node "cp" too`},
		{"10.0.0.100", "is an API server's (EndpointSlice of default/kubernetes)"},
		{"10.0.0.101", "is an API server's (EndpointSlice of default/kubernetes)"},
		{"10.0.0.2", `is an address of Node "n2" too`},
		{"10.0.0.22", `is an address of Node "n2" too`},
		{"192.0.2.7", "is in the certificate of the API server"},
		{"192.0.2.8", "is the API server of your kubeconfig"},

		{"n2", `is a name of Node "n2" too`},
		{"cp", `is a name of Node "cp" too`},
		{"CP", `is a name of Node "cp" too`},
		{"n2.example.com", `is a name of Node "n2" too`},
		{"lb.example.com", "is the API server of your kubeconfig"},
		{"LB.example.com", "is the API server of your kubeconfig"},
		{"api.example.com", "is in the certificate of the API server"},

		{"kubernetes", "is a name of the API server"},
		{"Kubernetes", "is a name of the API server"},
		{"kubernetes.default", "is a name of the API server"},
		{"kubernetes.default.svc", "is a name of the API server"},
		{"kubernetes.default.svc.cluster.local", "is a name of the API server"},
		{"kubernetes-api", "is a name of the API server"},
		{"localhost", "is a loopback name"},
		{"LocalHost", "is a loopback name"},
		{"localhost.localdomain", "is a loopback name"},
		{"a.localhost", "is a loopback name"},
		{"ip6-localhost", "is a loopback name"},
		{"ip6-loopback", "is a loopback name"},
		{"vault.vault.svc", "is a name of a Service"},
		{"vault.vault.SVC.example.com", "is a name of a Service"},
		{"svc", "is a name of a Service"},
		{"a.cluster.local", "in the cluster's own domain"},
		{"a.k8s.example.com", "in the cluster's own domain"},

		{"*", "is a wildcard"},
		{"*.example.com", "is a wildcard"},
		{"n1*", "is a wildcard"},
		{"n1.", "ends in a dot"},
		{"localhost.", "ends in a dot"},
		{"kubernetes.default.svc.", "ends in a dot"},
		{"n1_a", "is not a valid DNS name"},
		{"n1 ", "is not a valid DNS name"},
		{"n1\x00.example.com", "is not a valid DNS name"},
		{"a..example.com", "is not a valid DNS name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newServingCluster(t, n1(tt.name)).serving("n1", "n1", "10.0.0.1", tt.name)
			c.gate.Limits = everythingAllowed(t)
			for _, asked := range [][]change{byN1(tt.name), byN1("n1", "10.0.0.1", tt.name)} {
				got := c.findings(asked...)
				if !strings.Contains(got, tt.want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}
			// Nor a first one.
			delete(c.serves, "n1")
			if got := c.findings(byN1(tt.name)...); !strings.Contains(got, tt.want) {
				t.Errorf("the first certificate: got %q, want %q", got, tt.want)
			}
			// And what else it asks for is not what is refused.
			if got := c.serving("n1", "n1", "10.0.0.1").findings(byN1("n1", "10.0.0.1")...); got != "" {
				t.Errorf("without it: %q", got)
			}
		})
	}
}

// everythingAllowed are limits that do not limit.
func everythingAllowed(t *testing.T) ServingLimits {
	t.Helper()
	limits := ServingLimits{New: true, CIDRs: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
	for _, text := range []string{"*", "*.*", "*.*.*", "*.*.*.*", "*.*.*.*.*", "{node}*"} {
		pattern, err := ParseDNSPattern(text)
		if err != nil {
			t.Fatal(err)
		}
		limits.DNS = append(limits.DNS, pattern)
	}
	return limits
}

// An IP address as a DNS name is neither.
func TestServingAddressAsName(t *testing.T) {
	for _, name := range []string{"10.0.0.1", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "::1", "[::1]", "fe80::1%eth0", "n1.1"} {
		t.Run(name, func(t *testing.T) {
			c := newServingCluster(t, n1())
			c.gate.Limits = everythingAllowed(t)
			asked := append(byN1("10.0.0.1"), func(_ *certificatesv1.CertificateSigningRequest, r *x509.CertificateRequest, _ *crypto.Signer) {
				r.DNSNames = append(r.DNSNames, name)
			})
			wantFinding(t, c.findings(asked...), "is an IP address, written as a DNS name")
		})
	}
}

// A Node may be called what it likes, but for the names of others.
func TestServingOwnName(t *testing.T) {
	for name, want := range map[string]string{
		"n7": "", "kubernetes-worker-1": "", "localhost-1": "", "n7.k8s.example.com": "", "svc-1.svc-lab.example.com": "",
		"kubernetes": "the API server", "kubernetes.default.svc": "the API server", "kubernetes.default": "the API server", "localhost": "loopback name",
		"grafana.monitoring.svc": "a Service", "api.example.com": "the certificate of the API server", "lb.example.com": "your kubeconfig", "a.cluster.local": "own domain", "n2.example.com": `a name of Node "n2" too`, "cp.internal": `a name of Node "cp" too`,
	} {
		t.Run(name, func(t *testing.T) {
			c := newServingCluster(t, node(name, at(corev1.NodeHostName, name), at(corev1.NodeInternalIP, "10.0.0.7")))
			c.gate.Limits = everythingAllowed(t)
			wantFinding(t, c.findings(byNode(name, name, "10.0.0.7")...), want)
		})
	}
}

// What a Node says of itself counts within what was allowed, and only then.
func TestServingLimits(t *testing.T) {
	tests := []struct {
		name   string
		asked  []string
		dns    []string
		cidrs  []string
		served []string
		want   string
	}{
		{"a name of its own that it was not given", []string{"n1.internal"}, nil, nil, nil, `DNS name "n1.internal" is reported by Node "n1"`},
		{"a name by a pattern", []string{"n1.internal"}, []string{"*.internal"}, nil, nil, ""},
		{"in capitals", []string{"N1.Internal"}, []string{"*.INTERNAL"}, nil, nil, ""},
		{"a name by its placeholder", []string{"n1.internal"}, []string{"{node}.internal"}, nil, nil, ""},
		{"a pattern of one label more", []string{"n1.internal"}, []string{"*.*.internal"}, nil, nil, "is reported by"},
		{"a star is one label", []string{"n1.internal"}, []string{"*"}, nil, nil, "is reported by"},
		{"a name by a pattern that it does not list", []string{"n3.internal"}, []string{"*.internal"}, nil, nil, `is not one of Node "n1"`},
		{"another's placeholder", []string{"n1.internal"}, []string{"x{node}.internal"}, nil, nil, "is reported by"},
		{"a name that is served already", []string{"n1.internal"}, nil, nil, []string{"n1.internal"}, "is reported by"},
		{"its own name", []string{"n1"}, nil, nil, nil, ""},
		{"its own name in capitals", []string{"N1"}, nil, nil, nil, ""},
		{"both of its addresses", []string{"10.0.0.1", "fd00::1"}, nil, nil, nil, ""},
		{"another address", []string{"10.0.0.3"}, nil, nil, nil, `IP address 10.0.0.3 is not one of Node "n1"`},
		{"an address that is listed as a name", []string{"10.0.0.9"}, nil, nil, nil, "IP address 10.0.0.9 is not one of"},
		{"an address in the nodes' network", []string{"10.0.0.1"}, nil, []string{"10.0.0.0/24"}, nil, ""},
		{"one of the two outside of it", []string{"10.0.0.1", "fd00::1"}, nil, []string{"10.0.0.0/24"}, nil, "IP address fd00::1 is outside --allow-cidr"},
		{"outside of it, and served already", []string{"10.0.0.1"}, nil, []string{"10.1.0.0/24"}, []string{"10.0.0.1"}, "outside --allow-cidr"},
		{"two networks", []string{"10.0.0.1", "fd00::1"}, nil, []string{"10.0.0.0/24", "fd00::/64"}, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newServingCluster(t, n1())
			if tt.served != nil {
				c.serving("n1", tt.served...)
			}
			c.gate.Limits.New = true
			for _, text := range tt.dns {
				pattern, err := ParseDNSPattern(text)
				if err != nil {
					t.Fatal(err)
				}
				c.gate.Limits.DNS = append(c.gate.Limits.DNS, pattern)
			}
			for _, text := range tt.cidrs {
				network, err := ParseNodeNetwork(text)
				if err != nil {
					t.Fatal(err)
				}
				c.gate.Limits.CIDRs = append(c.gate.Limits.CIDRs, network)
			}
			wantFinding(t, c.findings(byN1(tt.asked...)...), tt.want)
		})
	}
}

func TestServingPatternsThatMeanNothing(t *testing.T) {
	for _, text := range []string{"", "kubernetes", "kubernetes.default.svc", "localhost", "a.svc", "a.cluster.local", "[a-z].example.com", "a b", "*.example.com.", "10.0.0.1", "{nodes}.example.com"} {
		if _, err := ParseDNSPattern(text); err == nil {
			t.Errorf("pattern %q was taken", text)
		}
	}
	for _, text := range []string{"", "10.0.0.1", "10.0.0.0/33", "::ffff:10.0.0.0/104", "nodes"} {
		if _, err := ParseNodeNetwork(text); err == nil {
			t.Errorf("network %q was taken", text)
		}
	}
}
