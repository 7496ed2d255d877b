package pki_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// Why a certificate is refused, and which of the chain is at fault.
func TestBundleVerify(t *testing.T) {
	day := pkitest.Day
	over, early := pkitest.Left(-day), pkitest.Valid(pkitest.Now.Add(day), pkitest.Now.Add(90*day))
	usages := func(u ...x509.ExtKeyUsage) pkitest.Option {
		return func(c *x509.Certificate) { c.ExtKeyUsage = u }
	}
	onlyClients, onlyServers := usages(x509.ExtKeyUsageClientAuth), usages(x509.ExtKeyUsageServerAuth)
	pathLength := func(n int) pkitest.Option {
		return func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = n, n == 0 }
	}
	critical := func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
	}
	noCA := func(c *x509.Certificate) { c.IsCA = false }
	noCertSign := func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }
	constrained := func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"example"}
	}
	sha1 := func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }

	ca, other := pkitest.NewCA(t, "kubernetes"), pkitest.NewCA(t, "other")
	expired, renewed := pkitest.NewCA(t, "kubernetes", over), ca
	between := ca.Intermediate(t, "between")
	below := between.Intermediate(t, "below")
	expiredBetween, earlyBetween := ca.Intermediate(t, "between", over), ca.Intermediate(t, "between", early)
	forServers := ca.Intermediate(t, "between", onlyServers)
	short, long := pkitest.NewCA(t, "kubernetes", pathLength(0)), pkitest.NewCA(t, "kubernetes", pathLength(1))
	shortBetween, longBetween := short.Intermediate(t, "between"), long.Intermediate(t, "between")
	longBelow := longBetween.Intermediate(t, "below")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaCA := &pkitest.CA{Key: key}
	rsaCA.Certificate = rsaCA.Issue(t, pkitest.Authority("kubernetes"), pkitest.PublicKey(key.Public()))
	alice := func(signer *pkitest.CA, options ...pkitest.Option) *x509.Certificate {
		return signer.Issue(t, append([]pkitest.Option{pkitest.Client("alice")}, options...)...)
	}
	of := func(cas ...*pkitest.CA) []*x509.Certificate {
		var certs []*x509.Certificate
		for _, ca := range cas {
			certs = append(certs, ca.Certificate)
		}
		return certs
	}
	// A CA under a subject of other bytes, by the same key.
	spelled := func(der string) *pkitest.CA {
		cert := *ca.Certificate
		cert.RawSubject = []byte(der)
		return &pkitest.CA{Certificate: &cert, Key: ca.Key}
	}
	short1023 := &pkitest.CA{Certificate: other.Issue(t, pkitest.Authority("kubernetes"), pkitest.PublicKey(rsaOf(1023)))}
	none := (*pkitest.CA)(nil)
	leaf := &pkitest.CA{} // the certificate itself is at fault
	for _, tt := range []struct {
		name    string
		cert    *x509.Certificate
		sent    []*x509.Certificate
		anchors []*x509.Certificate
		want    pki.FaultKind
		culprit *pkitest.CA
		detail  string
	}{
		{"by a CA", alice(ca), nil, of(ca), "", none, ""},
		{"by one of two", alice(ca), nil, of(other, ca), "", none, ""},
		{"by an intermediate", alice(below), of(below, between), of(ca), "", none, ""},
		{"by a CA that was renewed", alice(ca), nil, of(expired, renewed), "", none, ""},
		{"over", alice(ca, over), nil, of(ca), pki.FaultLeaf, leaf, ""},
		{"not yet valid", alice(ca, early), nil, of(ca), pki.FaultLeaf, leaf, ""},
		{"for servers", alice(ca, onlyServers), nil, of(ca), pki.FaultLeaf, leaf, ""},
		{"over, as its CA", alice(ca, over), nil, of(expired), pki.FaultDates, expired, ""},
		{"its CA is over", alice(ca), nil, of(other, expired), pki.FaultDates, expired, ""},
		{"its intermediate is over", alice(between), of(expiredBetween), of(ca), pki.FaultDates, expiredBetween, ""},
		{"its intermediate is not yet valid", alice(between), of(earlyBetween), of(ca), pki.FaultDates, earlyBetween, ""},
		{"one over is nearer than two", alice(between), of(expiredBetween, between), of(expired), pki.FaultDates, expired, ""},
		{"the other order", alice(between), of(between, expiredBetween), of(expired), pki.FaultDates, expired, ""},
		{"its intermediate is for servers", alice(forServers), of(forServers), of(ca), pki.FaultUsage, forServers, `its CA "CN=between" may not issue it: the extended key usage of the CA lacks "client auth"`},
		{"its root is for servers", alice(ca), nil, of(pkitest.NewCA(t, "kubernetes", onlyServers)), pki.FaultUsage, pkitest.NewCA(t, "kubernetes", onlyServers), `its CA "CN=kubernetes" may not`}, // crypto/x509 asks the root too
		{"nobody of its CA's name", alice(ca), nil, of(other), pki.FaultMissing, leaf, `it is signed by "CN=kubernetes", which is missing`},
		{"its CA's name as a UTF8String", alice(spelled("0\x151\x130\x11\x06\x03U\x04\x03\x0c\x0akubernetes")), nil, of(other, ca), pki.FaultName, ca, "they differ in encoding, case or spaces"},
		{"its CA's name in other letters and spaces", alice(spelled("0\x171\x150\x13\x06\x03U\x04\x03\x0c\x0cKUBERNETES  ")), nil, of(ca), pki.FaultName, ca, `the subject of the CA "CN=kubernetes" is not`},
		{"its CA's name as a UTF8String, behind many others", alice(spelled("0\x151\x130\x11\x06\x03U\x04\x03\x0c\x0akubernetes")), nil, append(slices.Repeat(of(other), 100), of(ca)...), pki.FaultName, ca, "they differ in encoding, case or spaces"},
		{"its intermediate's name as a UTF8String", alice(spelled("0\x121\x100\x0e\x06\x03U\x04\x03\x0c\x07between")), of(between), of(ca), pki.FaultName, between, "they differ in encoding, case or spaces"},
		{"another name that begins so", alice(spelled("0\x161\x140\x12\x06\x03U\x04\x03\x0c\x0bkubernetesX")), nil, of(ca), pki.FaultMissing, leaf, "which is missing"},
		{"its intermediate was not sent", alice(between), nil, of(ca), pki.FaultMissing, leaf, `it is signed by "CN=between", which is missing`},
		{"above its intermediate, nobody", alice(between), of(between), of(other), pki.FaultMissing, between, `"CN=kubernetes", the issuer of "CN=between" in its chain, is missing`},
		{"its CA has another key", alice(ca), nil, of(ca.Impostor(t)), pki.FaultKey, nil, "different key"},
		{"its CA has a key that is too short", alice(ca), nil, of(short1023), pki.FaultAlgorithm, short1023, `its CA "CN=kubernetes" has an RSA key of 1023 bits`},
		{"its signer is no CA", alice(ca), nil, of(pkitest.NewCA(t, "kubernetes", noCA)), pki.FaultNoCA, pkitest.NewCA(t, "kubernetes", noCA), "basicConstraints without CA:TRUE"},
		{"its signer may not sign", alice(ca), nil, of(pkitest.NewCA(t, "kubernetes", noCertSign)), pki.FaultNoCA, pkitest.NewCA(t, "kubernetes", noCertSign), `key usage without "cert sign"`},
		{"a CA of that name, and one that is none", alice(ca), nil, of(pkitest.NewCA(t, "kubernetes", noCA), ca), "", none, ""},
		{"SHA-1", alice(rsaCA, sha1), nil, of(rsaCA), pki.FaultAlgorithm, leaf, "obsolete algorithm (SHA1-RSA)"},
		{"SHA-1 by another key", alice(rsaCA, sha1), nil, of(ca), pki.FaultKey, nil, "different key"},
		{"path length 0, nothing below", alice(short), nil, of(short), "", none, ""},
		{"path length 0, one below", alice(shortBetween), of(shortBetween), of(short), pki.FaultConstraint, short, "path length"},
		{"path length 1, one below", alice(longBetween), of(longBetween), of(long), "", none, ""},
		{"path length 1, two below", alice(longBelow), of(longBelow, longBetween), of(long), pki.FaultConstraint, long, "path length"},
		{"a critical extension", alice(ca, critical), nil, of(ca), pki.FaultConstraint, leaf, "it has an unknown critical extension (1.2.3.4)"},
		{"a critical extension of its CA", alice(ca), nil, of(pkitest.NewCA(t, "kubernetes", critical)), pki.FaultConstraint, pkitest.NewCA(t, "kubernetes", critical), `its CA "CN=kubernetes" has an unknown critical extension`},
		{"a name that its CA may not sign for", ca.Issue(t, pkitest.Client("alice"), func(c *x509.Certificate) { c.DNSNames = []string{"k8s.test"} }), nil,
			of(pkitest.NewCA(t, "kubernetes", constrained)), pki.FaultConstraint, nil, "does not permit its names"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pool, sent := x509.NewCertPool(), x509.NewCertPool()
			for _, c := range tt.anchors {
				pool.AddCert(c)
			}
			for _, c := range tt.sent {
				sent.AddCert(c)
			}
			_, err := tt.cert.Verify(x509.VerifyOptions{Roots: pool, Intermediates: sent, CurrentTime: pkitest.Now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
			fault := pki.NewBundle(tt.anchors).Verify(tt.cert, tt.sent, x509.ExtKeyUsageClientAuth, pkitest.Now)
			if (fault == nil) != (err == nil) {
				t.Fatalf("%+v, and crypto/x509 says: %v", fault, err)
			}
			if fault == nil {
				if tt.want != "" {
					t.Errorf("accepted, want %s", tt.want)
				}
				return
			}
			if fault.Kind != tt.want || !strings.Contains(fault.Detail, tt.detail) {
				t.Errorf("%s: %s, want %s: %s", fault.Kind, fault.Detail, tt.want, tt.detail)
			}
			want := tt.cert
			switch tt.culprit {
			case nil:
				return
			case leaf:
			default:
				want = tt.culprit.Certificate
			}
			if fault.Culprit == nil || string(fault.Culprit.RawTBSCertificate) != string(want.RawTBSCertificate) {
				t.Errorf("to blame is %v, want %v, which ends %s", fault.Culprit, want.Subject, want.NotAfter.Format(time.DateOnly))
			}
		})
	}
	// A pool that does not tell what is in it.
	pool := x509.NewCertPool()
	pool.AddCert(ca.Certificate)
	b := pki.PoolBundle(pool)
	if fault := b.Verify(alice(ca), nil, x509.ExtKeyUsageClientAuth, pkitest.Now); fault != nil || len(b.Anchors()) != 0 {
		t.Errorf("the system's roots: %+v", fault)
	}
	if fault := b.Verify(alice(other), nil, x509.ExtKeyUsageServerAuth, pkitest.Now); fault == nil || fault.Kind != pki.FaultMissing {
		t.Errorf("another's: %+v", fault)
	}
	// The use is said by its name.
	restricted := ca.Intermediate(t, "between", onlyClients)
	fault := pki.NewBundle(of(ca)).Verify(restricted.Issue(t, pkitest.Server("api", "api")), of(restricted), x509.ExtKeyUsageServerAuth, pkitest.Now)
	if fault == nil || fault.Kind != pki.FaultUsage || !strings.HasSuffix(fault.Detail, `lacks "server auth"`) {
		t.Errorf("a server by a CA for clients: %+v", fault)
	}
}

// Who signed is found by the signature, the likeliest first, and of very many
// only the likeliest are tried.
func TestSigners(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	alice := ca.Issue(t, pkitest.Client("alice"))
	withID := func(id ...byte) pkitest.Option { return func(c *x509.Certificate) { c.SubjectKeyId = id } }
	same, unlike := ca.Certificate, pkitest.NewCA(t, "kubernetes", withID(1), pkitest.ValidFor(pkitest.Day)).Certificate
	got, _ := pki.Signers(alice, []*x509.Certificate{unlike, ca.Impostor(t).Certificate, same})
	if len(got) != 2 || got[0] != same || got[1] != unlike {
		t.Errorf("signers: %d, want the one with the key identifier, then the other of that key", len(got))
	}
	// As crypto/x509 does: those with the key identifier, those without one, others.
	without, another := *same, *same
	without.SubjectKeyId, another.SubjectKeyId = nil, []byte{7}
	unnamed := *alice
	unnamed.AuthorityKeyId = nil
	for _, tt := range []struct{ of, first, second, third *x509.Certificate }{
		{alice, same, &without, &another},
		{&unnamed, &without, &another, same}, // those that tell as they were
	} {
		got, _ := pki.Signers(tt.of, []*x509.Certificate{&another, &without, same})
		if !slices.Equal(got, []*x509.Certificate{tt.first, tt.second, tt.third}) {
			t.Errorf("the order of %d signers is another", len(got))
		}
	}
	// Seven and eight others before it: the eighth key is the last that is tried.
	for others, found := range map[int]int{7: 1, 8: 0} {
		left := 1 - found
		var all []*x509.Certificate
		for i := range others {
			key := pkitest.Key("other " + string(rune('a'+i)))
			all = append(all, (&pkitest.CA{Key: key}).Issue(t, pkitest.Authority("kubernetes"), withID(9, byte(i)), pkitest.PublicKey(key.Public())))
		}
		if got, untried := pki.Signers(alice, append(all, unlike)); len(got) != found || untried != left {
			t.Errorf("behind %d others: %d signers, want %d, and %d untried", others, len(got), found, untried)
		}
		if got, _ := pki.Signers(alice, append(all, unlike, same)); len(got) == 0 || got[0] != same {
			t.Errorf("behind %d others, with the key identifier: %d signers", others, len(got))
		}
	}
}

// rsaOf is a key of so many bits, without its private half.
func rsaOf(bits uint) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537}
}

func TestMaySign(t *testing.T) {
	sound := x509.Certificate{Version: 3, BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign, PublicKeyAlgorithm: x509.Ed25519, PublicKey: pkitest.Key("a").Public()}
	for _, tt := range []struct {
		name   string
		change func(*x509.Certificate)
		want   bool
	}{
		{"a CA", func(*x509.Certificate) {}, true},
		{"no key usage", func(c *x509.Certificate) { c.KeyUsage = 0 }, true},
		{"another key usage", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }, false},
		{"cert sign and another", func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCRLSign }, true},
		{"CA:FALSE", func(c *x509.Certificate) { c.IsCA = false }, false},
		{"no basic constraints", func(c *x509.Certificate) { c.BasicConstraintsValid, c.IsCA = false, false }, false},
		{"version 1, which has none", func(c *x509.Certificate) { c.Version, c.BasicConstraintsValid, c.IsCA, c.KeyUsage = 1, false, false, 0 }, true},
		{"an unknown algorithm", func(c *x509.Certificate) { c.PublicKeyAlgorithm = x509.UnknownPublicKeyAlgorithm }, false},
		{"no key", func(c *x509.Certificate) { c.PublicKey = nil }, false},
		{"RSA of 1024 bits", func(c *x509.Certificate) { c.PublicKey = rsaOf(1024) }, true},
		{"RSA of 1023 bits", func(c *x509.Certificate) { c.PublicKey = rsaOf(1023) }, false},
	} {
		c := sound
		tt.change(&c)
		if ok, why := pki.MaySign(&c); ok != tt.want || ok != (why == "") {
			t.Errorf("%s: %v, %q, want %v", tt.name, ok, why, tt.want)
		}
	}
}
