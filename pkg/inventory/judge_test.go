// These tests promise what is found wrong with a certificate, what is not, and
// what an inventory makes of many reports.
package inventory_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// client is cert as a kubeconfig's client certificate.
func client(cert *x509.Certificate, intermediates ...*x509.Certificate) inventory.Sighting {
	return inventory.Sighting{
		Location: inventory.Location{Source: "kubeconfig", Where: "dev#client-certificate"}, Name: "kubeconfig/dev#client-certificate",
		Place: catalog.KubeconfigClient, Certificate: cert, Intermediates: intermediates,
	}
}

// server is cert as what an API server presents to those who ask for address.
func server(cert *x509.Certificate, address string, intermediates ...*x509.Certificate) inventory.Sighting {
	return inventory.Sighting{
		Location: inventory.Location{Source: "endpoint", Where: address + ":6443"}, Name: address + ":6443",
		Place: catalog.APIServerEndpoint, Certificate: cert, Intermediates: intermediates, Address: address,
	}
}

// anchor is ca as what is trusted at place.
func anchor(place catalog.Place, ca *pkitest.CA) inventory.Sighting {
	return inventory.Sighting{
		Location: inventory.Location{Source: "trust", Where: string(place)}, Name: string(place),
		Place: place, Certificate: ca.Certificate,
	}
}

// everywhere is ca as what is trusted everywhere but by the front proxy's peers.
func everywhere(ca *pkitest.CA) []inventory.Sighting {
	return []inventory.Sighting{anchor(catalog.KubeconfigCA, ca), anchor(catalog.RootCA, ca), anchor(catalog.ClientCA, ca)}
}

// judge returns what an inventory says at now about the first of sightings,
// beside the rest of them.
func judge(t *testing.T, now time.Time, sightings ...inventory.Sighting) inventory.Entry {
	t.Helper()
	hash := sha256.Sum256(sightings[0].Certificate.Raw)
	found := collect(sightings...)
	found.Now = now
	for _, e := range found.Inventory(inventory.Cluster{}).Items {
		if e.SHA256 == hex.EncodeToString(hash[:]) {
			return e
		}
	}
	t.Fatal("the certificate is not in the inventory")
	return inventory.Entry{}
}

func collect(sightings ...inventory.Sighting) *inventory.Collector {
	c := inventory.Collector{Now: pkitest.Now}
	for _, s := range sightings {
		c.See(s)
	}
	return &c
}

// judgement is a case: what is found wrong, at now, with the first of input,
// beside the rest of it.
type judgement struct {
	name  string
	input []inventory.Sighting
	now   time.Time // zero for pkitest.Now
	want  []inventory.Code
}

func judgements(t *testing.T) []judgement {
	return slices.Concat(datesOf(t), chainsOf(t), namesOf(t), usagesOf(t), strengthsOf(t), usesOf(t), powersOf(t), manyOf(t))
}

func codes(c ...inventory.Code) []inventory.Code { return c }

func beside(s inventory.Sighting, rest ...inventory.Sighting) []inventory.Sighting {
	return append([]inventory.Sighting{s}, rest...)
}

func datesOf(t *testing.T) []judgement {
	ca := pkitest.NewCA(t, "kubernetes")
	issued := pkitest.Now
	living := func(life time.Duration) []inventory.Sighting {
		return beside(client(ca.Issue(t, pkitest.Client("alice"), pkitest.Valid(issued, issued.Add(life)))), everywhere(ca)...)
	}
	year, hundredDays, shift := 365*pkitest.Day, 100*pkitest.Day, 8*time.Hour
	soon, expired, early := codes(inventory.CodeExpiresSoon), codes(inventory.CodeExpired), codes(inventory.CodeNotYetValid)
	return []judgement{
		{"a second before it is valid", living(year), issued.Add(-time.Second), early},
		{"its first second", living(year), issued, nil},
		{"its last second", living(year), issued.Add(year), soon},
		{"after its last second", living(year), issued.Add(year + time.Nanosecond), expired},

		{"of a year, 30 days left", living(year), issued.Add(year - 30*pkitest.Day), nil},
		{"of a year, less than 30 days left", living(year), issued.Add(year - 30*pkitest.Day + time.Second), soon},
		{"of 100 days, 25 left", living(hundredDays), issued.Add(75 * pkitest.Day), nil},
		{"of 100 days, a fifth left", living(hundredDays), issued.Add(80 * pkitest.Day), nil},
		{"of 100 days, less than a fifth left", living(hundredDays), issued.Add(80*pkitest.Day + time.Second), soon},
		{"of eight hours, fresh", living(shift), issued, nil},
		{"of eight hours, a fifth left", living(shift), issued.Add(shift - 96*time.Minute), nil},
		{"of eight hours, less than a fifth left", living(shift), issued.Add(shift - 96*time.Minute + time.Second), soon},

		{"a CA expires soon too", beside(anchor(catalog.ClientCA, pkitest.NewCA(t, "kubernetes", pkitest.Left(pkitest.Day)))), time.Time{}, soon},
		{"and expires", beside(anchor(catalog.ClientCA, pkitest.NewCA(t, "kubernetes", pkitest.Left(-pkitest.Day)))), time.Time{}, expired},
	}
}

func chainsOf(t *testing.T) []judgement {
	ca, other := pkitest.NewCA(t, "kubernetes"), pkitest.NewCA(t, "other")
	between := ca.Intermediate(t, "intermediate")
	alice := client(ca.Issue(t, pkitest.Client("alice")))
	api := server(ca.Issue(t, pkitest.Server("kube-apiserver", "k8s.example")), "k8s.example")
	broken := codes(inventory.CodeChainBroken)
	return []judgement{
		{"a client that the API server trusts", beside(alice, everywhere(ca)...), time.Time{}, nil},
		{"a client that the API server does not trust", beside(alice, anchor(catalog.ClientCA, other)), time.Time{}, broken},
		{"a client whose CA was replaced under its name", beside(alice, anchor(catalog.ClientCA, ca.Impostor(t))), time.Time{}, broken},
		{"a client whose CA was renewed", beside(alice, anchor(catalog.ClientCA, pkitest.NewCA(t, "kubernetes", pkitest.ValidFor(9*365*pkitest.Day)))), time.Time{}, nil},
		{"a client and one trusted CA of two", beside(alice, anchor(catalog.ClientCA, other), anchor(catalog.ClientCA, ca)), time.Time{}, nil},
		{"a client whose kubeconfig trusts another CA", beside(alice, anchor(catalog.ClientCA, ca), anchor(catalog.KubeconfigCA, other), anchor(catalog.RootCA, other)), time.Time{}, nil},
		{"a client that only the front proxy's CA signed", beside(alice, anchor(catalog.RequestHeaderCA, ca), anchor(catalog.ClientCA, other)), time.Time{}, broken},
		{"a client, and the API server's trust cannot be read", beside(alice, anchor(catalog.KubeconfigCA, other), anchor(catalog.RootCA, other)), time.Time{}, codes(inventory.CodeUnverified)},
		{"a client with its intermediate", beside(client(between.Issue(t, pkitest.Client("alice")), between.Certificate), everywhere(ca)...), time.Time{}, nil},
		{"a client without its intermediate", beside(client(between.Issue(t, pkitest.Client("alice"))), everywhere(ca)...), time.Time{}, broken},

		{"a server that everybody trusts", beside(api, everywhere(ca)...), time.Time{}, nil},
		{"a server that clients' CA did not sign", beside(api, anchor(catalog.KubeconfigCA, ca), anchor(catalog.RootCA, ca), anchor(catalog.ClientCA, other)), time.Time{}, nil},
		{"a server that pods do not trust", beside(api, anchor(catalog.KubeconfigCA, ca), anchor(catalog.RootCA, other)), time.Time{}, broken},
		{"a server that the kubeconfig does not trust", beside(api, anchor(catalog.KubeconfigCA, other), anchor(catalog.RootCA, ca)), time.Time{}, broken},
		{"a server that nobody trusts", beside(api, everywhere(other)...), time.Time{}, broken}, // for one reason
		{"a server, and no trust can be read", beside(api), time.Time{}, codes(inventory.CodeUnverified)},
		{"a CA is its own anchor", beside(anchor(catalog.KubeconfigCA, ca), anchor(catalog.ClientCA, other)), time.Time{}, nil},
	}
}

func namesOf(t *testing.T) []judgement {
	ca := pkitest.NewCA(t, "kubernetes")
	presented := func(address string, names ...string) inventory.Sighting {
		return server(ca.Issue(t, pkitest.Server("k8s.example", names...)), address)
	}
	mismatch := codes(inventory.CodeSANMismatch)
	twice := presented("10.0.0.1", "10.0.0.2")
	elsewhere := twice
	elsewhere.Address, elsewhere.Where = "10.0.0.3", "10.0.0.3:6443"
	again := twice
	again.Where = "another door"
	return []judgement{
		{"reached by a name of its own", beside(presented("k8s.example", "k8s.example")), time.Time{}, nil},
		{"reached by a name that a wildcard covers", beside(presented("a.k8s.example", "*.k8s.example")), time.Time{}, nil},
		{"reached by a name that the wildcard is too short for", beside(presented("a.b.k8s.example", "*.k8s.example")), time.Time{}, mismatch},
		{"reached by another name", beside(presented("k8s.test", "k8s.example")), time.Time{}, mismatch},
		{"named only by its common name", beside(presented("k8s.example")), time.Time{}, mismatch},
		{"reached by an IPv4 address of its own", beside(presented("10.0.0.1", "10.0.0.1")), time.Time{}, nil},
		{"reached by an IPv6 address of its own", beside(presented("fd00::1", "fd00:0::1")), time.Time{}, nil},
		{"reached by another IP address", beside(presented("10.0.0.1", "10.0.0.2", "k8s.example")), time.Time{}, mismatch},
		{"reached by two wrong addresses", beside(twice, elsewhere), time.Time{}, codes(inventory.CodeSANMismatch, inventory.CodeSANMismatch)},
		{"reached twice by the same wrong address", beside(twice, again), time.Time{}, mismatch},
		{"a client has no address", beside(client(ca.Issue(t, pkitest.Client("alice")))), time.Time{}, nil},
	}
}

func usagesOf(t *testing.T) []judgement {
	ca := pkitest.NewCA(t, "kubernetes")
	usages := func(u ...x509.ExtKeyUsage) pkitest.Option {
		return func(c *x509.Certificate) { c.ExtKeyUsage = u }
	}
	onlyServer, onlyClient := usages(x509.ExtKeyUsageServerAuth), usages(x509.ExtKeyUsageClientAuth)
	wrong := codes(inventory.CodeWrongUsage)
	onlyBoth := usages(x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)
	peer := func(usages pkitest.Option) inventory.Sighting {
		return at(catalog.EtcdPeerPort, "", "", ca.Issue(t, pkitest.Server("cp-1", "cp-1"), usages))
	}
	peerFile := func(usages pkitest.Option) inventory.Sighting {
		s := at(catalog.LeafFile, "", "", ca.Issue(t, pkitest.Server("cp-1", "cp-1"), usages))
		s.Row = "etcd-peer"
		return s
	}
	return []judgement{
		{"a client with a server's usage", beside(client(ca.Issue(t, pkitest.Client("alice"), onlyServer))), time.Time{}, wrong},
		{"a known client with a server's usage", beside(client(ca.Issue(t, pkitest.Client("system:kube-proxy"), onlyServer))), time.Time{}, wrong},
		{"a client of any usage", beside(client(ca.Issue(t, pkitest.Client("alice"), usages()))), time.Time{}, nil},
		{"an etcd peer for both", beside(peer(onlyBoth)), time.Time{}, codes(inventory.CodeUnverified)},
		{"an etcd peer that is only a server", beside(peer(onlyServer)), time.Time{}, codes(inventory.CodeWrongUsage, inventory.CodeUnverified)},
		{"an etcd peer that is only a client", beside(peer(onlyClient)), time.Time{}, codes(inventory.CodeWrongUsage, inventory.CodeUnverified)},
		{"an etcd peer's file that is only a server's", beside(peerFile(onlyServer)), time.Time{}, codes(inventory.CodeWrongUsage, inventory.CodeUnverified)},
		{"an etcd server that is only a server", beside(at(catalog.EtcdClientPort, "", "", ca.Issue(t, pkitest.Server("cp-1", "cp-1"), onlyServer))), time.Time{}, codes(inventory.CodeUnverified)},
		{"a server with a client's usage", beside(server(ca.Issue(t, pkitest.Server("api", "api"), onlyClient), "api")), time.Time{}, wrong},
		{"a CA needs no usage of its own", beside(anchor(catalog.ClientCA, pkitest.NewCA(t, "kubernetes", onlyClient))), time.Time{}, nil},
	}
}

func strengthsOf(t *testing.T) []judgement {
	ca := pkitest.NewCA(t, "kubernetes")
	holding := func(key crypto.PublicKey) []inventory.Sighting {
		return beside(client(ca.Sign(t, key, pki.Subject{CommonName: "alice"})), everywhere(ca)...)
	}
	dsa, err := os.ReadFile("testdata/dsa.pem")
	if err != nil {
		t.Fatal(err)
	}
	relic, err := pki.ParseCertificates(dsa)
	if err != nil {
		t.Fatal(err)
	}
	sha1 := func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }
	rsaCA := newRSACA(t)
	selfSigned := &pkitest.CA{Key: rsaCA.Key}
	weakKey, weakSignature := codes(inventory.CodeWeakKey), codes(inventory.CodeWeakSignature)
	return []judgement{
		{"RSA of 1024 bits", holding(rsaKeyOf(t, 1024).Public()), time.Time{}, weakKey},
		{"RSA of 2047 bits", holding(rsaKeyOf(t, 2047).Public()), time.Time{}, weakKey},
		{"RSA of 2048 bits", holding(rsaKeyOf(t, 2048).Public()), time.Time{}, nil},
		{"ECDSA P-224", holding(ecdsaKeyOf(t, elliptic.P224())), time.Time{}, weakKey},
		{"ECDSA P-224 of a CA", beside(anchor(catalog.ClientCA, newCAOf(t, ecdsaKeyOf(t, elliptic.P224())))), time.Time{}, nil},
		{"ECDSA P-256", holding(ecdsaKeyOf(t, elliptic.P256())), time.Time{}, nil},
		{"DSA", beside(client(relic[0])), time.Time{}, codes(inventory.CodeWeakKey, inventory.CodeLongLivedClient)},
		{"signed with SHA-1", beside(client(rsaCA.Issue(t, pkitest.Client("alice"), sha1))), time.Time{}, weakSignature},
		{"signed with SHA-256", beside(client(rsaCA.Issue(t, pkitest.Client("alice")))), time.Time{}, nil},
		{"self-signed with SHA-1", beside(client(selfSigned.Issue(t, pkitest.Client("alice"), pkitest.PublicKey(rsaCA.Key.Public()), sha1))), time.Time{}, nil},
	}
}

func rsaKeyOf(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newRSACA returns a CA that can sign with SHA-1, which Ed25519 cannot.
func newRSACA(t *testing.T) *pkitest.CA {
	t.Helper()
	key := rsaKeyOf(t, 2048)
	ca := &pkitest.CA{Key: key}
	ca.Certificate = ca.Issue(t, pkitest.Authority("kubernetes"), pkitest.PublicKey(key.Public()))
	return ca
}

func newCAOf(t *testing.T, key crypto.PublicKey) *pkitest.CA {
	t.Helper()
	ca := pkitest.NewCA(t, "signer").Issue(t, pkitest.Authority("kubernetes"), pkitest.PublicKey(key))
	return &pkitest.CA{Certificate: ca}
}

func ecdsaKeyOf(t *testing.T, curve elliptic.Curve) crypto.PublicKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key.Public()
}

func TestFindings(t *testing.T) {
	found := map[inventory.Code]bool{}
	for _, tt := range judgements(t) {
		t.Run(tt.name, func(t *testing.T) {
			now := tt.now
			if now.IsZero() {
				now = pkitest.Now
			}
			var got []inventory.Code
			for _, f := range judge(t, now, tt.input...).Findings {
				// Most cases are about something else, and show no trust.
				if f.Code != inventory.CodeUnverified || slices.Contains(tt.want, f.Code) {
					got = append(got, f.Code)
				}
				found[f.Code] = true
				if f.Message == "" || f.Fix == "" {
					t.Errorf("%s says %q, and to mend it %q", f.Code, f.Message, f.Fix)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	// What is found about places is the sources' to find.
	elsewhere := codes(inventory.CodeKeyUnusable, inventory.CodeNoCertificate, inventory.CodeUnreadable, inventory.CodePendingTooLong,
		inventory.CodeWebhookBundle, inventory.CodeInsecureSkip, inventory.CodeDamagedRecord)
	for _, code := range inventory.Codes() {
		if !found[code] && !slices.Contains(elsewhere, code) {
			t.Errorf("no case yields %s", code)
		}
	}
}

// What is said has to be true and to name what it is about.
func TestMessages(t *testing.T) {
	ca, other := pkitest.NewCA(t, "kubernetes"), pkitest.NewCA(t, "other")
	alice := client(ca.Issue(t, pkitest.Client("alice")))
	api := server(ca.Issue(t, pkitest.Server("kube-apiserver", "k8s.example")), "k8s.example")
	rsaCA := newRSACA(t)
	sha1 := client(rsaCA.Issue(t, pkitest.Client("alice"), func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }))
	tests := []struct {
		name  string
		input []inventory.Sighting
		want  string // message and fix of the first finding
	}{
		{"expired", beside(client(ca.Issue(t, pkitest.Client("alice"), pkitest.Left(-3*pkitest.Day)))),
			"expired 3d ago; ask its issuer for a new one"},
		{"an administrator's", beside(client(ca.Issue(t, pkitest.Client("alice", catalog.KubeadmAdmins), pkitest.Left(5*pkitest.Day)))),
			`expires in 5d; have an administrator with a valid certificate issue a new one, and use that file: kubectl certs issue admin --name alice`},
		{"a server's", beside(server(ca.Issue(t, pkitest.Server("kube-apiserver", "k8s.example"), pkitest.Left(5*pkitest.Day)), "k8s.example")),
			"expires in 5d; renew it on its node (with kubeadm: kubeadm certs renew all) and restart the components that use it"},
		{"a CA's", beside(anchor(catalog.ClientCA, pkitest.NewCA(t, "kubernetes", pkitest.Left(5*pkitest.Day)))),
			"expires in 5d; replace the CA: everything that it signed, and everyone who trusts it, needs the new one"},
		{"not yet valid", beside(client(ca.Issue(t, pkitest.Client("alice"), pkitest.Valid(pkitest.Now.Add(time.Hour), pkitest.Now.Add(2*time.Hour))))),
			"is valid only from 2026-01-15T13:00:00Z, in 60m; compare the clocks of this machine and of the issuer"},
		{"signed by another key", beside(alice, anchor(catalog.ClientCA, other)),
			`does not verify for the API server (client-ca-file): it is signed by "CN=kubernetes", which is missing; issue it from a CA that is trusted there; if an intermediate CA is missing, append its certificate to the chain`},
		{"the place that does not trust it", beside(api, anchor(catalog.KubeconfigCA, ca), anchor(catalog.RootCA, other)),
			`does not verify for pods (kube-root-ca.crt): it is signed by "CN=kubernetes", which is missing; issue it from a CA that is trusted there; if an intermediate CA is missing, append its certificate to the chain`},
		{"signed by another key of that name", beside(alice, anchor(catalog.ClientCA, ca.Impostor(t))),
			`does not verify for the API server (client-ca-file): the CA with this subject has a different key; one of the two was replaced: issue the certificate from the CA that is trusted there, or add the new CA there`},
		{"signed by the right key with SHA-1", beside(sha1, anchor(catalog.ClientCA, rsaCA)),
			`does not verify for the API server (client-ca-file): it is signed with an obsolete algorithm (SHA1-RSA); reissue it with an algorithm that Kubernetes accepts: ECDSA P-256 or RSA, with SHA-256`},
		{"another address", beside(server(api.Certificate, "10.0.0.1")),
			"does not name 10.0.0.1, the address it is reached at; add the address to the subject alternative names, or connect by one of its names"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := judge(t, pkitest.Now, tt.input...).Findings
			if len(f) == 0 {
				t.Fatal("nothing is found")
			}
			if got := f[0].Message + "; " + f[0].Fix; got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestStatus(t *testing.T) {
	ca, other := pkitest.NewCA(t, "kubernetes"), pkitest.NewCA(t, "other")
	weak := pkitest.PublicKey(rsaKeyOf(t, 1024).Public())
	tests := []struct {
		name     string
		options  []pkitest.Option
		clientCA *pkitest.CA
		want     inventory.Status
	}{
		{"nothing found", nil, ca, inventory.OK},
		{"a warning that is not about its end", []pkitest.Option{weak}, ca, inventory.OK},
		{"expires soon", []pkitest.Option{pkitest.Left(pkitest.Day)}, ca, inventory.Expiring},
		{"expires soon, and another warning", []pkitest.Option{pkitest.Left(pkitest.Day), weak}, ca, inventory.Expiring},
		{"critical", nil, other, inventory.Invalid},
		{"critical outweighs soon", []pkitest.Option{pkitest.Left(pkitest.Day)}, other, inventory.Invalid},
		{"expired", []pkitest.Option{pkitest.Left(-pkitest.Day)}, ca, inventory.Expired},
		{"expired outweighs critical", []pkitest.Option{pkitest.Left(-pkitest.Day), weak}, other, inventory.Expired},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cert := ca.Issue(t, append([]pkitest.Option{pkitest.Client("alice")}, tt.options...)...)
			if got := judge(t, pkitest.Now, client(cert), anchor(catalog.ClientCA, tt.clientCA)); got.Status != tt.want {
				t.Errorf("got %q (%v), want %q", got.Status, got.Findings, tt.want)
			}
		})
	}
}

// docs/findings.md has a section for each code, and no other.
func TestEveryCodeIsDocumented(t *testing.T) {
	const path = "../../docs/findings.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var documented []inventory.Code
	for line := range strings.Lines(string(text)) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			documented = append(documented, inventory.Code(strings.TrimSpace(heading)))
		}
	}
	known := inventory.Codes()
	slices.Sort(documented)
	slices.Sort(known)
	if !slices.Equal(documented, known) {
		t.Errorf("%s has sections %q, and the codes are %q", path, documented, known)
	}
}
