// Package issue obtains client certificates through the
// CertificateSigningRequest API: it prepares (permissions, group, CA), submits,
// approves where the caller may, waits, and checks what comes back. A private
// key made here leaves the package only in its result.
package issue

import (
	"crypto"
	"crypto/rand"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	certificatesv1 "k8s.io/api/certificates/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// The built-in signers of client certificates.
const (
	SignerName = certificatesv1.KubeAPIServerClientSignerName
	// KubeletSignerName signs for CN system:node:NAME in O system:nodes alone,
	// and its requests are approved by the controller manager itself where the
	// caller may create certificatesigningrequests/nodeclient.
	KubeletSignerName = certificatesv1.KubeAPIServerClientKubeletSignerName
)

// MinLife is the shortest life that the API server accepts
// (pkg/apis/certificates/validation/validation.go).
const MinLife = 10 * time.Minute

// MaxLife is the longest that spec.expirationSeconds, a signed number of 32
// bits, can hold.
const MaxLife = (1<<31 - 1) * time.Second

// ManagedBy marks, as the value of label app.kubernetes.io/managed-by, the
// objects that this program made.
const (
	ManagedByLabel = "app.kubernetes.io/managed-by"
	ManagedBy      = "kubectl-certs"
)

// usages are what the signer lets a client certificate have. An ECDSA or
// Ed25519 key cannot encipher keys.
var usages = []certificatesv1.KeyUsage{
	certificatesv1.UsageDigitalSignature,
	certificatesv1.UsageClientAuth,
}

// Request is what is asked for.
type Request struct {
	Subject pki.Subject
	// AdminGroup asks for membership in a group of administrators: Prepare
	// finds out which.
	AdminGroup bool
	// Signer is asked for the certificate; "" for SignerName.
	Signer string
	// KeyType is that of the key to make.
	KeyType pki.KeyType
	// PKCS10 is somebody's own request, as PEM, for Subject and PublicKey:
	// then no key is made. Nil to make one.
	PKCS10    []byte
	PublicKey crypto.PublicKey
	// Also are the acts that the caller needs for what comes after: they are
	// asked about, and named when missing, together with the rest.
	Also []permit.Act
	// ExpiresIn is the life asked for; the signer may shorten it.
	ExpiresIn time.Duration
	// StrictLife refuses a certificate that lives longer than ExpiresIn, beyond
	// what the signer dates back: for runs whose warnings nobody reads.
	StrictLife bool
	// Timeout bounds the wait for someone else's approval, and the wait for
	// the signer after it (at most signerPatience).
	Timeout time.Duration
}

// Validate reports what no cluster would accept.
func (r Request) Validate() error {
	switch {
	case !nameable(r.Subject.CommonName):
		return hint.New(fmt.Sprintf("invalid user name %q", r.Subject.CommonName), "use printable characters, without leading or trailing spaces")
	// X.520's upper bound, which openssl holds people to.
	case len(r.Subject.CommonName) > 64:
		return hint.New(fmt.Sprintf("the user name has %d bytes; the limit for a common name is 64", len(r.Subject.CommonName)), "use a shorter name")
	case r.ExpiresIn < MinLife:
		return hint.New("the minimum lifetime is 10 minutes", "use at least --expires-in 10m")
	case r.ExpiresIn > MaxLife:
		return hint.New("the maximum lifetime is 24855 days", "use a shorter --expires-in")
	case r.Timeout <= 0:
		return hint.New(fmt.Sprintf("invalid timeout %s", r.Timeout), "use a positive --timeout")
	}
	for i, group := range r.Subject.Organizations {
		if !nameable(group) {
			return hint.New(fmt.Sprintf("invalid group name %q", group), "use printable characters, without leading or trailing spaces")
		}
		if slices.Contains(r.Subject.Organizations[:i], group) {
			return hint.New(fmt.Sprintf("group %q is specified twice", group), "specify each --group once")
		}
	}
	if slices.Contains(r.Subject.Organizations, catalog.Masters) {
		return hint.New("group system:masters is not available through the CertificateSigningRequest API: the API server refuses it, since it cannot be revoked",
			"omit --group to use a group that is bound to cluster-admin through RBAC, which can be removed")
	}
	if r.PKCS10 != nil {
		return checkSignable(r.PKCS10)
	}
	return nil
}

// nameable reports whether a user or a group may be called name. Kubernetes
// itself takes anything; but a name that cannot be seen, or not be told from
// another by eye, in an audit log or a binding is a trap, and an empty one is
// a mistake.
func nameable(name string) bool {
	return name != "" && utf8.ValidString(name) && strings.TrimSpace(name) == name &&
		!strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
}

// newName returns a name for a request that no other has: a person who asks
// twice makes two requests.
func newName(commonName string) string {
	const most = 40
	readable := strings.Trim(notDNS.ReplaceAllString(strings.ToLower(commonName), "-"), "-.")
	if len(readable) > most {
		readable = strings.TrimRight(readable[:most], "-.")
	}
	return strings.Trim("certs-"+readable, "-") + "-" + strings.ToLower(rand.Text()[:8])
}

// notDNS is what a DNS subdomain (RFC 1123) cannot hold, shortened so that no
// two dots meet.
var notDNS = regexp.MustCompile(`[^a-z0-9-]+`)
