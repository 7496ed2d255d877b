package scan_test

import (
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// Certificates and chains of every kind, good, bad and odd.
func TestCertificatesAreJudgedAsComponentsDo(t *testing.T) {
	from := func(start, end time.Duration) pkitest.Option {
		return pkitest.Valid(pkitest.Now.Add(start), pkitest.Now.Add(end))
	}
	to := func(year int, month time.Month, day, hour, minute, second int) pkitest.Option {
		return pkitest.Valid(pkitest.Now.Add(-pkitest.Day), time.Date(year, month, day, hour, minute, second, 0, time.UTC))
	}
	never := to(9999, 12, 31, 23, 59, 59)
	unknown := func(critical bool) pkitest.Option {
		return func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: critical, Value: []byte{5, 0}}}
		}
	}
	odd := func(c *x509.Certificate) {
		c.ExtKeyUsage, c.UnknownExtKeyUsage = nil, []asn1.ObjectIdentifier{{1, 2, 3}}
	}
	shallow := func(c *x509.Certificate) { c.MaxPathLenZero = true }
	excluding := func(c *x509.Certificate) { c.ExcludedDNSDomains = []string{"kubernetes"} }
	network := func(c *x509.Certificate) {
		_, only, _ := net.ParseCIDR("127.0.0.0/8")
		c.PermittedIPRanges = []*net.IPNet{only}
	}
	own := func(x *tree) *x509.Certificate {
		cert := (&pkitest.CA{Key: pkitest.Key(kubeAPIServer)}).Issue(x.t, apiNames())
		x.write(apiFile, pki.EncodeCertificates(cert))
		return cert
	}
	small, smallest := rsaOf(t, 1024), rsaOf(t, 768)
	const alike = "they differ in encoding, case or spaces"
	for _, n := range []neighbor{
		{name: "healthy", spoil: func(*tree) {}},

		{name: "a CA that is not yet valid", spoil: authority(from(pkitest.Day, 99*pkitest.Day)), want: "is valid only"},
		{name: "a CA that expired", spoil: authority(pkitest.Left(-pkitest.Day)), want: "expired 24h ago"},
		{name: "a CA with its dates the wrong way round", spoil: authority(from(pkitest.Day, -pkitest.Day)), want: "is never valid"},
		{name: "a CA without an end", spoil: authority(never)},
		{name: "a CA in its last second", spoil: authority(from(-pkitest.Day, 0))},
		{name: "a CA with an expired stranger beside it", spoil: func(x *tree) {
			x.edit(caFile, func(data []byte) []byte {
				return append(data, pkitest.NewCA(x.t, "old", pkitest.Left(-pkitest.Day)).PEM()...)
			})
		}},
		{name: "a CA in the stranger's place", spoil: func(x *tree) { x.write(caFile, pkitest.NewCA(x.t, "old", pkitest.Left(-pkitest.Day)).PEM()) }},
		{name: "a CA without path length", spoil: authority(shallow)},
		{name: "a CA for clients", spoil: authority(use(clientAuth)), want: `the extended key usage of the CA lacks "server auth"`},
		{name: "a CA for servers", spoil: authority(use(serverAuth)), want: `the extended key usage of the CA lacks "client auth"`},
		{name: "a CA for both", spoil: authority(use(clientAuth, serverAuth))},
		{name: "a CA for an unknown use", spoil: authority(odd)},
		{name: "a CA that excludes a name", spoil: authority(excluding), want: "does not permit its names"},
		{name: "a CA that permits other names", spoil: authority(func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"example"} }), want: "does not permit its names"},
		{name: "a CA that permits other addresses", spoil: authority(network), want: "does not permit its names"},
		{name: "a CA with a critical extension", spoil: authority(unknown(true)), want: "unknown critical extension"},
		{name: "a CA with another extension", spoil: authority(unknown(false))},
		{name: "a CA without basicConstraints", spoil: authority(func(c *x509.Certificate) { c.BasicConstraintsValid, c.IsCA = false, false }), want: "is not a CA certificate"},
		{name: "a CA without key usages", spoil: authority(func(c *x509.Certificate) { c.KeyUsage = 0 })},
		{name: "a CA for revocation lists", spoil: authority(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }), want: "may not sign certificates"},

		{name: "an issuer in the CA's own bytes", spoil: spelled("\x13\x0akubernetes")},
		{name: "an issuer as UTF8String", spoil: spelled("\x0c\x0akubernetes"), want: alike},
		{name: "an issuer as BMPString", spoil: spelled("\x1e\x14\x00k\x00u\x00b\x00e\x00r\x00n\x00e\x00t\x00e\x00s"), want: alike},
		{name: "an issuer in other letters", spoil: spelled("\x13\x0aKubernetes"), want: alike},
		{name: "an issuer with a space", spoil: spelled("\x13\x0bkubernetes "), want: alike},
		{name: "another issuer", spoil: spelled("\x13\x0bkubernetes2"), want: "which is missing"},

		{name: "valid in a minute", spoil: api(from(time.Minute, pkitest.Day*99)), want: "is valid only from"},
		{name: "in its first second", spoil: api(from(0, pkitest.Day*99))},
		{name: "in its last second", spoil: api(from(-pkitest.Day, 0))},
		{name: "after its last second", spoil: api(from(-pkitest.Day, -time.Second)), want: "expired"},
		{name: "dates the wrong way round", spoil: api(from(-pkitest.Day, -2*pkitest.Day)), want: "is never valid"},
		{name: "to the end of UTCTime", spoil: api(to(2049, 12, 31, 23, 59, 59))},
		{name: "to GeneralizedTime", spoil: api(to(2050, 1, 1, 0, 0, 0))},
		{name: "without an end", spoil: api(never)},

		{name: "an intermediate", spoil: between()},
		{name: "an intermediate that expired", spoil: between(pkitest.Left(-pkitest.Day)), want: "apiserver.crt#2, expired"},
		{name: "an intermediate that is not yet valid", spoil: between(from(pkitest.Day, 99*pkitest.Day)), want: "is valid only in"},
		{name: "an intermediate for clients", spoil: between(use(clientAuth)), want: `lacks "server auth"`},
		{name: "an intermediate that is no CA", spoil: between(func(c *x509.Certificate) { c.IsCA = false }), want: "is not a CA certificate"},
		{name: "an intermediate that excludes a name", spoil: between(excluding), want: "does not permit its names"},
		{name: "an intermediate where none may be", spoil: func(x *tree) { authority(shallow)(x); between()(x) }, want: "path length"},
		{name: "an intermediate that expired, and a fresh one behind it", spoil: func(x *tree) {
			between(pkitest.Left(-pkitest.Day))(x)
			x.edit(apiFile, func(data []byte) []byte { return append(data, x.cas[caFile].Intermediate(x.t, "middle").PEM()...) })
		}},
		{name: "an intermediate that nothing needs, and that expired", spoil: func(x *tree) {
			x.edit(apiFile, func(data []byte) []byte {
				return append(data, x.cas[caFile].Intermediate(x.t, "middle", pkitest.Left(-pkitest.Day)).PEM()...)
			})
		}},
		{name: "an intermediate that is missing", spoil: func(x *tree) {
			x.cas["mid"] = x.cas[caFile].Intermediate(x.t, "middle")
			x.leaf(apiFile, "mid", apiNames())
		}, want: `"CN=middle", which is missing`},
		{name: "an intermediate that only the API server trusts", spoil: func(x *tree) {
			between()(x)
			x.write(caFile, slices.Concat(x.cas[caFile].PEM(), x.cas["mid"].PEM()))
			x.leaf(apiFile, "mid", apiNames())
		}, want: `"CN=middle", which is missing`},
		{name: "a client's intermediate that is missing", spoil: func(x *tree) {
			between()(x)
			x.leaf(confFile, "mid", pkitest.Client("system:kube-scheduler"))
		}, want: `"CN=middle", which is missing`},

		{name: "cross-signed", spoil: crossed(true)},
		{name: "cross-signed, and not presented", spoil: crossed(false), want: "has a different key"},
		{name: "cross-signed, and that expired", spoil: crossed(true, pkitest.Left(-pkitest.Day)), want: "apiserver.crt#2, expired"},

		{name: "P-224", spoil: served(keyOf(t, elliptic.P224())), want: "P-224, which TLS 1.3 does not support"},
		{name: "P-256", spoil: served(keyOf(t, elliptic.P256()))},
		{name: "P-521", spoil: served(keyOf(t, elliptic.P521()))},
		{name: "RSA 1024", spoil: served(small)},
		{name: "RSA 768", spoil: served(smallest), want: "refuses RSA keys of less than 1024"},
		{name: "a client with P-224", spoil: held(keyOf(t, elliptic.P224())), want: "P-224, which TLS 1.3 does not support"},
		{name: "a client with RSA 768", spoil: held(smallest), want: "refuses RSA keys of less than 1024"},
		{name: "a CA with P-224", spoil: signing(keyOf(t, elliptic.P224()))},
		{name: "a CA with RSA 1024", spoil: signing(small)},
		{name: "a CA with RSA 768", spoil: func(x *tree) {
			x.t.Setenv("GODEBUG", "rsa1024min=0")
			signing(smallest)(x)
			x.t.Setenv("GODEBUG", "")
		}, want: "refuses RSA keys of less than 1024"},
		{name: "signed with RSA-PSS", spoil: signing(small, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA256WithRSAPSS })},
		{name: "signed with SHA-1", spoil: signing(small, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }), want: "obsolete algorithm (SHA1-RSA)"},

		{name: "an IPv4 address mapped to IPv6", spoil: api(named(name(7, net.ParseIP("127.0.0.1").To16())))},
		{name: "an address as a name", spoil: api(named(name(2, []byte("127.0.0.1")))), want: "as a DNS name"},
		{name: "a name with a dot behind it", spoil: api(named(name(2, []byte("127.0.0.1.")))), want: "does not name 127.0.0.1"},
		{name: "only a URI", spoil: api(named(name(6, []byte("spiffe://a/b")))), want: "has no DNS name and no IP address"},
		{name: "only an e-mail address", spoil: api(named(name(1, []byte("a@b.example")))), want: "has no DNS name and no IP address"},
		{name: "names, and none of them", spoil: api(named()), want: "has no subject alternative names"},

		{name: "any usage", spoil: api(use(x509.ExtKeyUsageAny))},
		{name: "no usage", spoil: api(use())},
		{name: "an unknown usage", spoil: api(odd), want: `lacks the extended key usage "server auth"`},
		{name: "for clients", spoil: api(use(clientAuth)), want: `lacks the extended key usage "server auth"`},
		{name: "a client for servers", spoil: func(x *tree) {
			x.leaf(confFile, caFile, pkitest.Client("system:kube-scheduler"), use(serverAuth))
		}, want: `lacks the extended key usage "client auth"`},
		{name: "CA:TRUE", spoil: api(func(c *x509.Certificate) { c.IsCA = true })},
		{name: "a critical extension", spoil: api(unknown(true)), want: "unknown critical extension"},
		{name: "a serial number of 26 bytes", spoil: api(func(c *x509.Certificate) { c.SerialNumber = new(big.Int).Lsh(big.NewInt(1), 200) })},
		{name: "the CA itself", spoil: func(x *tree) {
			x.write(apiFile, x.cas[caFile].PEM())
			x.write(apiKey, keyPEM(x.t, "kubernetes"))
		}, want: "has no subject alternative names"},
		{name: "self-signed", spoil: func(x *tree) { own(x) }, want: "which is missing"},
		{name: "self-signed, and trusted everywhere", spoil: func(x *tree) {
			bundle := slices.Concat(x.cas[caFile].PEM(), pki.EncodeCertificates(own(x)))
			x.write(caFile, bundle)
			for _, conf := range []string{confDir + "admin.conf", confFile} {
				x.edit(conf, replace(base64.StdEncoding.EncodeToString(x.cas[caFile].PEM()), base64.StdEncoding.EncodeToString(bundle)))
			}
		}},
	} {
		n.hold(t, makePlane)
	}
	// Beyond the API server.
	for _, n := range []neighbor{
		{name: "all of kubeadm's", spoil: func(*tree) {}},
		{name: "the front proxy's client of the cluster's CA", spoil: func(x *tree) {
			x.leaf(pkiDir+"front-proxy-client.crt", caFile, pkitest.Client("front-proxy-client"))
		}, want: "which is missing"},
		{name: "etcd's client of the cluster's CA", spoil: func(x *tree) {
			x.leaf(pkiDir+"apiserver-etcd-client.crt", caFile, pkitest.Client("kube-apiserver-etcd-client"))
		}, want: "which is missing"},
		{name: "an etcd peer that is only a server", spoil: func(x *tree) {
			x.leaf(pkiDir+"etcd/peer.crt", pkiDir+"etcd/ca.crt", pkitest.Server("cp-1", "cp-1", "127.0.0.1"))
		}, want: `lacks the extended key usage "client auth"`},
		{name: "an etcd CA for servers", spoil: func(x *tree) {
			x.cas[pkiDir+"etcd/ca.crt"] = pkitest.NewCA(x.t, "etcd-ca", use(serverAuth))
			x.ca(pkiDir+"etcd/ca.crt", "etcd-ca")
		}, want: `etcd-peer chain-broken`},
	} {
		n.hold(t, func(x *tree) { makeKubeadm(x) })
	}
}
