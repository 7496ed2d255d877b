// Package pkitest makes certificate authorities and certificates for tests.
// Keys follow from names and dates from a fixed clock, so that a certificate
// is the same in every run, byte for byte: golden files hold, and no fixture
// ever expires.
package pkitest

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Now is the present in tests.
var Now = time.Date(2026, time.January, 15, 12, 0, 0, 0, time.UTC)

// Day is one of validity.
const Day = 24 * time.Hour

// Key returns the key pair of name: whoever is certified under a name by Issue
// holds it.
func Key(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// CA is a certificate authority. One without a Certificate issues
// self-signed certificates.
type CA struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
}

// NewCA returns a root called name. A second one of that name has the same key
// and another life, as a CA that was renewed.
func NewCA(t testing.TB, name string, options ...Option) *CA {
	t.Helper()
	return newCA(t, &CA{}, name, Key(name), options)
}

// Impostor returns a root of ca's name with a key of its own.
func (ca *CA) Impostor(t testing.TB, options ...Option) *CA {
	t.Helper()
	name := ca.Certificate.Subject.CommonName
	return newCA(t, &CA{}, name, Key("impostor of "+name), options)
}

// Intermediate returns a CA called name that ca certifies.
func (ca *CA) Intermediate(t testing.TB, name string, options ...Option) *CA {
	t.Helper()
	return newCA(t, ca, name, Key(name), options)
}

func newCA(t testing.TB, signer *CA, name string, key ed25519.PrivateKey, options []Option) *CA {
	t.Helper()
	if signer.Certificate == nil {
		signer = &CA{Key: key}
	}
	return &CA{signer.Issue(t, append([]Option{Authority(name), PublicKey(key.Public())}, options...)...), key}
}

// Issue returns a certificate for Key of its common name. It has lived
// thirty days, and has a year left, unless an option says otherwise; who it is for is an option
// too: Client, Server.
func (ca *CA) Issue(t testing.TB, options ...Option) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{
		NotBefore:             Now.Add(-30 * Day),
		NotAfter:              Now.Add(365 * Day),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
	}
	for _, option := range options {
		option(c)
	}
	if c.PublicKey == nil {
		c.PublicKey = Key(c.Subject.CommonName).Public()
	}
	if c.SerialNumber == nil {
		hash := sha256.Sum256([]byte(c.Subject.String() + c.NotAfter.String()))
		c.SerialNumber = new(big.Int).SetBytes(hash[:8])
	}
	parent := ca.Certificate
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, c.PublicKey, ca.Key)
	if err != nil {
		t.Fatalf("pkitest: certifying %s: %v", c.Subject, err)
	}
	issued, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("pkitest: certifying %s: %v", c.Subject, err)
	}
	return issued
}

// Sign returns a client certificate for subject, who holds the other half of
// key.
func (ca *CA) Sign(t testing.TB, key crypto.PublicKey, subject pki.Subject, options ...Option) *x509.Certificate {
	t.Helper()
	return ca.Issue(t, append([]Option{Client(subject.CommonName, subject.Organizations...), PublicKey(key)}, options...)...)
}

// PEM returns the CA's certificate as PEM.
func (ca *CA) PEM() []byte {
	return pki.EncodeCertificates(ca.Certificate)
}

// Option changes a certificate before it is signed. What has no name here, a
// test writes as a function of its own.
type Option func(*x509.Certificate)

// Client makes it the client certificate of a user in groups.
func Client(user string, groups ...string) Option {
	return func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: user, Organization: groups}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
}

// Server makes it the certificate of a server that is reached by names, which
// are host names or IP addresses.
func Server(commonName string, names ...string) Option {
	return func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: commonName}
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

// Authority makes it the certificate of a CA.
func Authority(name string) Option {
	return func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: name}
		c.IsCA = true
		c.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign
		// Left to itself, x509 derives it in a way that changes between versions of Go.
		id := sha256.Sum256([]byte(name))
		c.SubjectKeyId = id[:20]
	}
}

// PublicKey certifies key instead of Key of the common name.
func PublicKey(key crypto.PublicKey) Option {
	return func(c *x509.Certificate) { c.PublicKey = key }
}

// Valid sets its life.
func Valid(from, through time.Time) Option {
	return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = from, through }
}

// ValidFor makes it issued just now, for life, and backdated by five minutes
// as the cluster's signer does.
func ValidFor(life time.Duration) Option {
	return Valid(Now.Add(-5*time.Minute), Now.Add(life))
}

// Left makes it a certificate of a year that has d left; it expired where d is
// negative.
func Left(d time.Duration) Option {
	return Valid(Now.Add(d-365*Day), Now.Add(d))
}
