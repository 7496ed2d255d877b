package inventory_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// authority is a CA of the generated world.
type authority struct {
	name string
	key  int // in the pool
	cert *x509.Certificate
}

// forge makes chains at random, good and bad, of few names and few keys, so that
// they meet: rotations, cross-signatures, namesakes.
type forge struct {
	t    *testing.T
	r    *rand.Rand
	now  time.Time
	keys []*ecdsa.PrivateKey
	n    int64
}

func (f *forge) chance(percent int) bool { return f.r.IntN(100) < percent }

// life is in date as a rule, and else over, or to come.
func (f *forge) life(c *x509.Certificate) {
	day := 24 * time.Hour
	c.NotBefore, c.NotAfter = f.now.Add(-100*day), f.now.Add(1000*day)
	switch f.r.IntN(12) {
	case 0:
		c.NotAfter = f.now.Add(-day)
	case 1:
		c.NotBefore = f.now.Add(day)
	case 2:
		c.NotAfter = f.now.Add(day)
	}
}

func (f *forge) sign(c *x509.Certificate, key int, signer *x509.Certificate, signerKey int) *x509.Certificate {
	f.t.Helper()
	f.n++
	c.SerialNumber = big.NewInt(f.n)
	if signer == nil {
		signer = c
	}
	if f.chance(10) { // without key identifiers
		c.SubjectKeyId, c.AuthorityKeyId = nil, nil
	}
	der, err := x509.CreateCertificate(crand.Reader, c, signer, &f.keys[key].PublicKey, f.keys[signerKey])
	if err != nil {
		f.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		f.t.Fatal(err)
	}
	return cert
}

func (f *forge) authority(name string, key int, by *authority) *authority {
	c := &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	f.life(c)
	switch f.r.IntN(24) {
	case 0:
		c.IsCA = false
	case 1:
		c.KeyUsage = x509.KeyUsageDigitalSignature
	case 2:
		c.KeyUsage = 0
	case 3:
		c.MaxPathLen, c.MaxPathLenZero = 0, true
	case 4:
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case 5:
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	case 6:
		c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"example"}, true
	case 7:
		c.ExcludedDNSDomains = []string{"example"}
	case 8:
		_, network, _ := net.ParseCIDR("10.0.0.0/8")
		c.ExcludedIPRanges = []*net.IPNet{network}
	case 9:
		c.BasicConstraintsValid, c.IsCA = false, false
	}
	if by == nil {
		return &authority{name, key, f.sign(c, key, nil, key)}
	}
	return &authority{name, key, f.sign(c, key, by.cert, by.key)}
}

func (f *forge) leaf(by *authority) *x509.Certificate {
	c := &x509.Certificate{Subject: pkix.Name{CommonName: "leaf"}, KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	f.life(c)
	switch f.r.IntN(8) {
	case 0:
	case 1:
		c.DNSNames = []string{"10.0.0.1"} // an IP address as a name
	case 2:
		c.DNSNames = []string{"*.example"}
	default:
		c.DNSNames, c.IPAddresses = []string{"api.example"}, []net.IP{net.IPv4(10, 0, 0, 1)}
	}
	switch f.r.IntN(8) {
	case 0:
		c.ExtKeyUsage = c.ExtKeyUsage[:1]
	case 1:
		c.ExtKeyUsage = c.ExtKeyUsage[1:]
	case 2:
		c.ExtKeyUsage = nil
	case 3:
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
	}
	if f.chance(10) {
		c.IsCA = true
	}
	if f.chance(3) {
		c.Subject.CommonName = "root-a" // as a CA is called
	}
	key := f.r.IntN(len(f.keys))
	if by == nil {
		return f.sign(c, key, nil, key)
	}
	return f.sign(c, key, by.cert, by.key)
}

// world returns a leaf, what is sent behind it, and what is trusted.
func (f *forge) world() (leaf *x509.Certificate, sent, trusted []*x509.Certificate) {
	var roots, between []*authority
	for range 1 + f.r.IntN(3) {
		roots = append(roots, f.authority([]string{"root-a", "root-b"}[f.r.IntN(2)], f.r.IntN(3), nil))
	}
	if f.chance(15) { // crossed: a root's name and key, signed by another
		old := roots[f.r.IntN(len(roots))]
		between = append(between, f.authority(old.name, old.key, roots[f.r.IntN(len(roots))]))
	}
	for range f.r.IntN(3) {
		by := roots[f.r.IntN(len(roots))]
		if len(between) > 0 && f.chance(40) {
			by = between[f.r.IntN(len(between))]
		}
		between = append(between, f.authority([]string{"mid-a", "mid-b"}[f.r.IntN(2)], 3+f.r.IntN(3), by))
	}
	all := append(append([]*authority{}, roots...), between...)
	by := all[f.r.IntN(len(all))]
	if len(between) > 0 && f.chance(60) {
		by = between[len(between)-1]
	}
	if f.chance(5) {
		by = nil
	}
	leaf = f.leaf(by)
	for _, ca := range between {
		if f.chance(85) {
			sent = append(sent, ca.cert)
		}
	}
	for _, ca := range roots {
		if f.chance(10) {
			sent = append(sent, ca.cert)
		}
		if f.chance(80) {
			trusted = append(trusted, ca.cert)
		}
	}
	for _, ca := range between {
		if f.chance(8) {
			trusted = append(trusted, ca.cert)
		}
	}
	if f.chance(4) {
		trusted = append(trusted, leaf)
	}
	f.r.Shuffle(len(sent), func(i, j int) { sent[i], sent[j] = sent[j], sent[i] })
	f.r.Shuffle(len(trusted), func(i, j int) { trusted[i], trusted[j] = trusted[j], trusted[i] })
	return leaf, sent, trusted
}

// way is a way in which a certificate is seen and verified.
type way struct {
	name    string
	leaf    inventory.Sighting
	trust   inventory.Sighting
	usage   x509.ExtKeyUsage
	address string
}

func ways() []way {
	file := func(place catalog.Place, row, where string) inventory.Sighting {
		return inventory.Sighting{Location: inventory.Location{Source: "files", Where: where}, Place: place, Row: row, Name: where, Owner: "/copy"}
	}
	seen := func(place catalog.Place, where, address string) inventory.Sighting {
		return inventory.Sighting{Location: inventory.Location{Source: "endpoint", Where: where}, Place: place, Name: where, Address: address}
	}
	served := func(address string, who catalog.Place) inventory.Sighting {
		s := seen(catalog.APIServerEndpoint, address, address)
		s.Server, s.For = "192.0.2.1:6443", []catalog.Place{who}
		return s
	}
	context := seen(catalog.KubeconfigCA, "dev#ca", "10.0.0.1")
	context.Server = "192.0.2.1:6443"
	return []way{
		{"a kubeconfig's server", served("10.0.0.1", catalog.KubeconfigCA), context, x509.ExtKeyUsageServerAuth, "10.0.0.1"},
		{"pods' server", served("api.example", catalog.RootCA), seen(catalog.RootCA, "kube-root-ca.crt", ""), x509.ExtKeyUsageServerAuth, "api.example"},
		{"a client", seen(catalog.KubeconfigClient, "dev#client", ""), seen(catalog.ClientCA, "client-ca-file", ""), x509.ExtKeyUsageClientAuth, ""},
		{"a server's file", file(catalog.LeafFile, "apiserver", "apiserver.crt"), file(catalog.ServerCAFile, "ca", "ca.crt"), x509.ExtKeyUsageServerAuth, ""},
		{"a client's file", file(catalog.LeafFile, "admin", "admin.crt"), file(catalog.ClientCAFile, "ca", "ca.crt"), x509.ExtKeyUsageClientAuth, ""},
	}
}

// refusedByGo says why the components of Kubernetes refuse leaf, nil if they do
// not.
func refusedByGo(w way, leaf *x509.Certificate, sent, trusted []*x509.Certificate, now time.Time) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range trusted {
		roots.AddCert(c)
	}
	for _, c := range sent {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{w.usage}, DNSName: w.address})
	if err == nil && w.usage == x509.ExtKeyUsageServerAuth && len(leaf.DNSNames)+len(leaf.IPAddresses) == 0 {
		return fmt.Errorf("no name can be verified") // whichever it is
	}
	return err
}

// Whoever verifies certificates in Kubernetes does so by crypto/x509, so that what
// is said of a chain has to be what Go says of it: of thousands made at random,
// with today's dates. SEED repeats a run.
func TestVerdictsAgreeWithGo(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	cases := 800
	if testing.Short() {
		cases = 100
	}
	f := &forge{t: t, r: rand.New(rand.NewPCG(seed, 1)), now: time.Now().Truncate(time.Second)}
	for range 6 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		f.keys = append(f.keys, key)
	}
	accepted, refused := 0, 0
	for i := range cases {
		leaf, sent, trusted := f.world()
		if len(trusted) == 0 {
			continue
		}
		for _, w := range ways() {
			want := refusedByGo(w, leaf, sent, trusted, f.now)
			if want == nil {
				accepted++
			} else {
				refused++
			}
			e := verdictOn(w, leaf, sent, trusted, f.now)
			if got := e.Status == inventory.Expired || e.Status == inventory.Invalid; got != (want != nil) {
				t.Errorf("SEED=%d, case %d, %s: Go says %v, and this program %s: %+v\n%s", seed, i, w.name, want, e.Status, e.Findings, drawn(leaf, sent, trusted))
			}
		}
		if t.Failed() {
			return
		}
	}
	if accepted < cases/2 || refused < cases/2 {
		t.Errorf("SEED=%d: of %d cases only %d were accepted, and %d refused: it is no test of the other", seed, cases, accepted, refused)
	}
}

// verdictOn is what this program says of leaf.
func verdictOn(w way, leaf *x509.Certificate, sent, trusted []*x509.Certificate, now time.Time) inventory.Entry {
	found := inventory.Collector{Now: now}
	s := w.leaf
	s.Certificate, s.Intermediates = leaf, sent
	found.See(s)
	for _, ca := range trusted {
		s := w.trust
		s.Certificate = ca
		found.See(s)
	}
	for _, e := range found.Inventory(inventory.Cluster{}).Items {
		if e.SHA256 == fingerprint(leaf) {
			return e
		}
	}
	return inventory.Entry{}
}

// drawn shows a world to a person.
func drawn(leaf *x509.Certificate, sent, trusted []*x509.Certificate) string {
	var out strings.Builder
	for _, group := range []struct {
		name  string
		certs []*x509.Certificate
	}{{"leaf", []*x509.Certificate{leaf}}, {"sent", sent}, {"trusted", trusted}} {
		for _, c := range group.certs {
			fmt.Fprintf(&out, "  %s: %s by %s, key %x, CA %t/%t, usage %b, ext %v, path %d, %s to %s, names %v %v, %s\n", group.name, c.Subject, c.Issuer,
				c.RawSubjectPublicKeyInfo[len(c.RawSubjectPublicKeyInfo)-4:], c.BasicConstraintsValid, c.IsCA, c.KeyUsage, c.ExtKeyUsage, c.MaxPathLen,
				c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly), c.DNSNames, c.IPAddresses, fingerprint(c)[:8])
		}
	}
	return out.String()
}

func fingerprint(c *x509.Certificate) string { return fmt.Sprintf("%x", sha256.Sum256(c.Raw)) }
