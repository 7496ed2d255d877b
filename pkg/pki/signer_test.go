package pki_test

import (
	"crypto/x509"
	"fmt"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// However many CAs of one name there are, few are computed with, those of the
// key identifier that the certificate names first; and what was left out is told.
func TestSignersAreBounded(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	leaf := ca.Issue(t, pkitest.Client("alice"))
	bare := *leaf
	bare.AuthorityKeyId = nil
	for _, n := range []int{4, 100, 1000} {
		var cas []*x509.Certificate
		for i := range n {
			cas = append(cas, namesake(t, i))
		}
		if _, untried := pki.Signers(leaf, cas); n-untried > 8 {
			t.Errorf("of %d CAs, %d were tried", n, n-untried)
		}
		signers, _ := pki.Signers(leaf, append(cas, ca.Certificate))
		if len(signers) != 1 || signers[0] != ca.Certificate {
			t.Errorf("the signer was not found behind %d others", n)
		}
		// Nothing tells which is the likeliest.
		signers, untried := pki.Signers(&bare, append(cas, ca.Certificate))
		if found := len(signers) == 1; found != (n < 8) || !found && untried == 0 {
			t.Errorf("behind %d others: found %t, %d not tried", n, found, untried)
		}
	}
}

// A refusal does not say that the key is another one where not all were tried.
func TestTooManyOfOneName(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	leaf := ca.Issue(t, pkitest.Client("alice"))
	var few, many []*x509.Certificate
	for i := range 50 {
		many = append(many, namesake(t, i))
	}
	few = many[:1]
	for want, anchors := range map[string][]*x509.Certificate{
		"the CA with this subject has a different key":                                                       few,
		"there are 50 CAs with this subject and different keys; none of the 8 that were tried has signed it": many,
	} {
		fault := pki.NewBundle(anchors).Verify(leaf, nil, x509.ExtKeyUsageClientAuth, pkitest.Now)
		if fault == nil || fault.Kind != pki.FaultKey || fault.Detail != want {
			t.Errorf("of %d anchors: got %+v, want %q", len(anchors), fault, want)
		}
	}
}

// namesake is a CA called kubernetes, with a key of its own.
func namesake(t *testing.T, i int) *x509.Certificate {
	t.Helper()
	key := pkitest.Key(fmt.Sprintf("namesake %d", i))
	own := func(c *x509.Certificate) { c.SubjectKeyId = []byte(fmt.Sprint("key ", i)) }
	return (&pkitest.CA{Key: key}).Issue(t, pkitest.Authority("kubernetes"), pkitest.PublicKey(key.Public()), own)
}
