package pki

import (
	"crypto/x509"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bundle is a set of CAs that somebody verifies others by.
type Bundle struct {
	// anchors is empty for a pool that does not tell what is in it.
	anchors []*x509.Certificate
	pool    *x509.CertPool
	// timeless has the same CAs, as if they were in date.
	timeless *x509.CertPool
	// alike has the anchors by their plainName. It is made when a signer is first
	// missing: thousands of certificates may miss theirs.
	alike func() map[string]*x509.Certificate
}

// NewBundle returns the bundle of anchors.
func NewBundle(anchors []*x509.Certificate) *Bundle {
	b := &Bundle{anchors: anchors, pool: x509.NewCertPool(), timeless: x509.NewCertPool()}
	for _, c := range anchors {
		b.pool.AddCert(c)
		b.timeless.AddCert(timeless(c))
	}
	b.alike = sync.OnceValue(func() map[string]*x509.Certificate {
		names := map[string]*x509.Certificate{}
		for _, c := range anchors {
			names[plainName(c.RawSubject)] = c
		}
		return names
	})
	return b
}

// namedAlike returns a CA whose subject reads like the issuer's name; nil for none.
func (b *Bundle) namedAlike(issuer []byte, intermediates []*x509.Certificate) *x509.Certificate {
	name := plainName(issuer)
	if b.alike != nil {
		if ca := b.alike()[name]; ca != nil {
			return ca
		}
	}
	for _, ca := range intermediates {
		if plainName(ca.RawSubject) == name {
			return ca
		}
	}
	return nil
}

// PoolBundle returns the bundle of a pool, such as the system's roots, whose
// certificates cannot be listed.
func PoolBundle(pool *x509.CertPool) *Bundle {
	return &Bundle{pool: pool, timeless: pool}
}

// Anchors returns the CAs in b; none for a PoolBundle.
func (b *Bundle) Anchors() []*x509.Certificate { return b.anchors }

// FaultKind is why somebody's verification fails.
type FaultKind string

// The kinds of a ChainFault.
const (
	// FaultLeaf: nothing is wrong but the certificate's own dates, or its own
	// extended key usage.
	FaultLeaf FaultKind = "leaf"
	// FaultDates: a CA of the chain is out of date.
	FaultDates FaultKind = "dates"
	// FaultUsage: the extended key usage of a CA excludes the use (crypto/x509
	// holds the whole chain against it).
	FaultUsage FaultKind = "usage"
	// FaultMissing: a signer is not there.
	FaultMissing FaultKind = "missing"
	// FaultName: a CA is there whose name is the signer's but for its encoding, case
	// or spaces. Go compares names byte by byte.
	FaultName FaultKind = "name"
	// FaultKey: a CA of the signer's name is there, and another key signed.
	FaultKey FaultKind = "key"
	// FaultNoCA: the signer may not sign certificates.
	FaultNoCA FaultKind = "no-ca"
	// FaultAlgorithm: the signature cannot be checked, or is not accepted today.
	FaultAlgorithm FaultKind = "algorithm"
	// FaultConstraint: a CA may not sign for this name, or at this depth, or says
	// something critical that is not understood.
	FaultConstraint FaultKind = "constraint"
)

// ChainFault says why a certificate is refused.
type ChainFault struct {
	Kind FaultKind
	// Culprit is the certificate at fault: a CA in the chain, or the one whose
	// signer is missing. Nil where none can be named.
	Culprit *x509.Certificate
	// Detail is the reason in words, for all kinds but FaultLeaf and FaultDates.
	Detail string
}

// Verify returns nil where cert is accepted for usage at now by those who
// verify by b, with intermediates sent along, and why not otherwise. Whether it
// is accepted is decided by x509.Certificate.Verify, as in the components of
// Kubernetes; why not is found out here. Names are not looked at: that is
// x509.Certificate.VerifyHostname.
func (b *Bundle) Verify(cert *x509.Certificate, intermediates []*x509.Certificate, usage x509.ExtKeyUsage, now time.Time) *ChainFault {
	chains := func(cert *x509.Certificate, relaxed bool, usage x509.ExtKeyUsage) ([][]*x509.Certificate, error) {
		roots, between := b.pool, x509.NewCertPool()
		if relaxed {
			roots = b.timeless
		}
		for _, c := range intermediates {
			if relaxed {
				c = timeless(c)
			}
			between.AddCert(c)
		}
		return cert.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}})
	}
	if _, err := chains(cert, false, usage); err == nil {
		return nil
	}
	// What is wrong with the certificate itself is looked at apart from its chain.
	leaf := timeless(cert)
	leaf.ExtKeyUsage, leaf.UnknownExtKeyUsage = nil, nil
	if _, err := chains(leaf, false, usage); err == nil {
		return &ChainFault{Kind: FaultLeaf, Culprit: cert}
	}
	if found, err := chains(leaf, true, usage); err == nil {
		return &ChainFault{Kind: FaultDates, Culprit: outOfDateCA(found, now)}
	}
	found, err := chains(leaf, true, x509.ExtKeyUsageAny)
	if err == nil {
		culprit := restricted(found, usage)
		return &ChainFault{FaultUsage, culprit, "its CA " + quoted(culprit.RawSubject) + " may not issue it: the extended key usage of the CA lacks " + usageName(usage)}
	}
	return b.explain(cert, intermediates, err)
}

// timeless returns cert as if it had no end and no beginning. What is signed
// stays as it is, so that its signature holds.
func timeless(cert *x509.Certificate) *x509.Certificate {
	other := *cert
	other.NotBefore, other.NotAfter = time.Time{}, time.Unix(math.MaxInt32*1000, 0)
	return &other
}

// outOfDateCA returns the CA that stands in the way in the chain that comes
// nearest to being in date.
func outOfDateCA(chains [][]*x509.Certificate, now time.Time) *x509.Certificate {
	var best []*x509.Certificate
	for _, chain := range chains {
		var out []*x509.Certificate
		for _, ca := range chain[1:] {
			real, err := x509.ParseCertificate(ca.Raw) // ca may be a timeless copy
			if err == nil && (now.After(real.NotAfter) || now.Before(real.NotBefore)) {
				out = append(out, real)
			}
		}
		if len(out) > 0 && (best == nil || len(out) < len(best)) {
			best = out
		}
	}
	if best == nil {
		return nil
	}
	return best[0]
}

// restricted returns a CA of chains that may not be used for usage.
func restricted(chains [][]*x509.Certificate, usage x509.ExtKeyUsage) *x509.Certificate {
	for _, ca := range chains[0][1:] {
		if !HasUsage(ca, usage) {
			return ca
		}
	}
	return chains[0][len(chains[0])-1]
}

// usageName names usage as openssl and people do.
func usageName(usage x509.ExtKeyUsage) string {
	if usage == x509.ExtKeyUsageClientAuth {
		return `"client auth"`
	}
	return `"server auth"`
}

// explain says why no chain leads from cert to b, whatever the dates and usages;
// err is what x509 says of it.
func (b *Bundle) explain(cert *x509.Certificate, intermediates []*x509.Certificate, err error) *ChainFault {
	if len(cert.UnhandledCriticalExtensions) > 0 {
		return &ChainFault{FaultConstraint, cert, "it has an unknown critical extension (" + cert.UnhandledCriticalExtensions[0].String() + ")"}
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.CANotAuthorizedForThisName {
		return &ChainFault{FaultConstraint, nil, "a CA in its chain does not permit its names: " + bounded(invalid.Detail)}
	}
	all := slices.Concat(b.anchors, intermediates)
	current := cert
	for depth := 0; depth < deepestChain; depth++ {
		signer, fault := signerAmong(current, all)
		if fault != nil {
			if fault.Kind != FaultMissing {
				return fault
			}
			if ca := b.namedAlike(current.RawIssuer, intermediates); ca != nil {
				return &ChainFault{FaultName, ca, "the subject of the CA " + quoted(ca.RawSubject) + " is not, byte for byte, the issuer " + quoted(current.RawIssuer) + ": they differ in encoding, case or spaces"}
			}
			if current != cert {
				fault.Detail = quoted(current.RawIssuer) + ", the issuer of " + quoted(current.RawSubject) + " in its chain, is missing"
			}
			return fault
		}
		if fault := limited(signer, depth); fault != nil {
			return fault
		}
		if slices.ContainsFunc(b.anchors, signer.Equal) || signer.Equal(current) {
			break
		}
		current = signer
	}
	return &ChainFault{FaultConstraint, nil, bounded(strings.TrimPrefix(err.Error(), "x509: "))}
}

// deepestChain is more than any chain has that somebody would accept.
const deepestChain = 16

// limited finds what keeps ca from signing with so many intermediates below it.
func limited(ca *x509.Certificate, below int) *ChainFault {
	switch {
	case len(ca.UnhandledCriticalExtensions) > 0:
		return &ChainFault{FaultConstraint, ca, "its CA " + quoted(ca.RawSubject) + " has an unknown critical extension (" + ca.UnhandledCriticalExtensions[0].String() + ")"}
	case ca.BasicConstraintsValid && ca.MaxPathLen >= 0 && below > ca.MaxPathLen:
		return &ChainFault{FaultConstraint, ca, "its CA " + quoted(ca.RawSubject) + " allows fewer intermediate CAs below it (path length)"}
	}
	return nil
}
