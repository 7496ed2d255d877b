//go:build e2e

package plain

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

const day = 24 * time.Hour

// identity is a certificate with its key and what stands behind it in its file.
type identity struct {
	cert  *x509.Certificate
	key   crypto.Signer
	chain []*x509.Certificate
}

// option changes a certificate before it is signed.
type option func(*x509.Certificate)

func left(d time.Duration) option {
	return func(c *x509.Certificate) { c.NotAfter = time.Now().Add(d) }
}

func client(user string, groups ...string) option {
	return func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: user, Organization: groups}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
}

func server(names ...string) option {
	return func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "kube-apiserver"}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		for _, name := range names {
			if ip := net.ParseIP(name); ip != nil {
				c.IPAddresses = append(c.IPAddresses, ip)
			} else {
				c.DNSNames = append(c.DNSNames, name)
			}
		}
	}
}

func authority(name string) option {
	return func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: name}
		c.IsCA, c.BasicConstraintsValid = true, true
		c.KeyUsage |= x509.KeyUsageCertSign
		c.NotAfter = time.Now().Add(1825 * day)
	}
}

// newKey makes a key of a kind: "" for P-256.
func newKey(t *testing.T, kind string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case "":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "P-521":
		key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "RSA":
		key, err = rsa.GenerateKey(rand.Reader, 3072)
	case "Ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		t.Fatalf("no such kind of key: %s", kind)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue returns a certificate by by, or a self-signed one where by is nil. A
// CA is valid for ten years in all, of which five are left; others for a year.
func issue(t *testing.T, by *identity, key crypto.Signer, options ...option) *identity {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: serial, NotAfter: time.Now().Add(300 * day),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	for _, option := range options {
		option(c)
	}
	c.NotBefore = c.NotAfter.Add(-365 * day)
	if c.IsCA {
		c.NotBefore = c.NotAfter.Add(-3650 * day)
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &identity{cert: cert, key: key}
}

// with returns i with certificates behind its own.
func (i *identity) with(chain ...*identity) *identity {
	copied := *i
	for _, c := range chain {
		copied.chain = append(copied.chain, c.cert)
	}
	return &copied
}

func (i *identity) certPEM() []byte {
	return pki.EncodeCertificates(append([]*x509.Certificate{i.cert}, i.chain...)...)
}

func (i *identity) keyPEM(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func (i *identity) pair(t *testing.T) tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(i.certPEM(), i.keyPEM(t))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// trust is what a control plane's certificates are made of. A variant changes
// what newTrust returns.
type trust struct {
	servers, clients []*identity // the bundles that verify the API server, and clients
	signing          *identity   // what the controller manager signs with
	frontProxy       *identity
	apiserver        *identity
	masters          *identity // for the test itself
	user             *identity // who runs the program: a cluster administrator by RBAC
	extraFlags       []string  // of the API server; {} stands for its directory
	files            map[string][]byte
	noSigner         bool
}

// newTrust is a healthy control plane with one CA.
func newTrust(t *testing.T) *trust {
	t.Helper()
	ca := issue(t, nil, newKey(t, ""), authority("kubernetes"))
	return &trust{
		servers: []*identity{ca}, clients: []*identity{ca}, signing: ca,
		frontProxy: issue(t, nil, newKey(t, ""), authority("front-proxy-ca")),
		apiserver:  issue(t, ca, newKey(t, ""), server(names...)),
		masters:    issue(t, ca, newKey(t, ""), client("test", "system:masters"), left(day)),
		user:       issue(t, ca, newKey(t, ""), client("alice", "plain:admins")),
		files:      map[string][]byte{},
	}
}

// names are those that an API server is reached by.
var names = []string{"127.0.0.1", "localhost", "10.96.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}

func bundle(all []*identity) []byte {
	var text []byte
	for _, i := range all {
		text = append(text, pki.EncodeCertificates(i.cert)...)
	}
	return text
}

func (tr *trust) rootPEM() []byte { return bundle(tr.servers) }

// pool is what verifies the API server.
func (tr *trust) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	for _, i := range tr.servers {
		pool.AddCert(i.cert)
	}
	return pool
}

func (tr *trust) flags(dir string) []string {
	var flags []string
	for _, f := range tr.extraFlags {
		flags = append(flags, strings.ReplaceAll(f, "{}", dir))
	}
	return flags
}

// write puts the files that the processes are started with into dir.
func (tr *trust) write(t *testing.T, dir string) {
	t.Helper()
	serviceAccounts := newKey(t, "")
	public, err := x509.MarshalPKIXPublicKey(serviceAccounts.Public())
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"root-ca.crt": bundle(tr.servers), "client-ca.crt": bundle(tr.clients),
		"signing-ca.crt": pki.EncodeCertificates(tr.signing.cert), "signing-ca.key": tr.signing.keyPEM(t),
		"front-proxy-ca.crt": tr.frontProxy.certPEM(),
		"apiserver.crt":      tr.apiserver.certPEM(), "apiserver.key": tr.apiserver.keyPEM(t),
		"sa.key":     (&identity{key: serviceAccounts}).keyPEM(t),
		"sa.pub":     pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
		"tokens.csv": []byte("a-token,tina,1,plain:admins\n"),
	}
	for name, text := range tr.files {
		files[name] = text
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
