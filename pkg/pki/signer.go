package pki

import (
	"bytes"
	"cmp"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// mostSignatures bounds the signatures that are checked to find one signer:
// anybody may make thousands of CAs of one name. crypto/x509 draws a line too
// (maxChainSignatureChecks).
const mostSignatures = 8

// Signers returns those of cas, which bear the name of cert's issuer, whose key
// signed cert, whether or not they may sign. The likeliest come first. Of many
// candidates only the likeliest are tried: those whose key identifier is the one
// that cert names (RFC 5280, section 4.2.1.1), and of several certificates of
// one key only one is computed with. untried counts the keys that were not tried.
func Signers(cert *x509.Certificate, cas []*x509.Certificate) (signers []*x509.Certificate, untried int) {
	candidates := slices.Clone(cas)
	slices.SortStableFunc(candidates, func(a, b *x509.Certificate) int {
		return cmp.Compare(likeness(cert, a), likeness(cert, b))
	})
	held := map[string]bool{}
	left := map[string]bool{}
	for _, ca := range candidates {
		key := string(ca.RawSubjectPublicKeyInfo)
		holds, known := held[key]
		if !known {
			if len(held) == mostSignatures {
				left[key] = true
				continue
			}
			holds = ca.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) == nil
			held[key] = holds
		}
		if holds {
			signers = append(signers, ca)
		}
	}
	return signers, len(left)
}

// likeness orders candidates as crypto/x509 does: those whose key identifier
// fits, those without one, the others.
func likeness(cert, ca *x509.Certificate) int {
	switch {
	case bytes.Equal(cert.AuthorityKeyId, ca.SubjectKeyId):
		return 0
	case len(cert.AuthorityKeyId) == 0 || len(ca.SubjectKeyId) == 0:
		return 1
	}
	return 2
}

// MaySign reports whether ca may sign certificates, and why not otherwise
// (x509.Certificate.CheckSignatureFrom; RFC 5280, section 4.2.1.3 and 4.2.1.9).
func MaySign(ca *x509.Certificate) (ok bool, why string) {
	switch {
	case ca.Version == 3 && !ca.BasicConstraintsValid || ca.BasicConstraintsValid && !ca.IsCA:
		return false, "is not a CA certificate (basicConstraints without CA:TRUE)"
	case ca.KeyUsage != 0 && ca.KeyUsage&x509.KeyUsageCertSign == 0:
		return false, `may not sign certificates (key usage without "cert sign")`
	}
	if why = refusedKey(ca); why != "" {
		return false, why
	}
	return true, ""
}

// LeastRSABits is the shortest RSA key that Go works with (crypto/rsa).
const LeastRSABits = 1024

// refusedKey says why Go checks no signature with the key of ca, "" if it does.
func refusedKey(ca *x509.Certificate) string {
	if ca.PublicKeyAlgorithm == x509.UnknownPublicKeyAlgorithm || ca.PublicKey == nil {
		return "has a key type that Go, and therefore Kubernetes, does not support"
	}
	if key, ok := ca.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < LeastRSABits {
		return fmt.Sprintf("has an RSA key of %d bits, and Go, and therefore Kubernetes, refuses RSA keys of less than %d", key.N.BitLen(), LeastRSABits)
	}
	return ""
}

// signerAmong returns the certificate in all that signed cert and may, or why
// there is none.
func signerAmong(cert *x509.Certificate, all []*x509.Certificate) (*x509.Certificate, *ChainFault) {
	var named []*x509.Certificate
	for _, ca := range all {
		if bytes.Equal(ca.RawSubject, cert.RawIssuer) {
			named = append(named, ca)
		}
	}
	if len(named) == 0 {
		return nil, &ChainFault{FaultMissing, cert, "it is signed by " + quoted(cert.RawIssuer) + ", which is missing"}
	}
	signers, untried := Signers(cert, named)
	for _, ca := range signers {
		if ok, _ := MaySign(ca); !ok {
			continue
		}
		// What is computed with above is more than what is accepted.
		if _, insecure := errors.AsType[x509.InsecureAlgorithmError](cert.CheckSignatureFrom(ca)); insecure {
			return nil, refusedAlgorithm(cert)
		}
		return ca, nil
	}
	if len(signers) > 0 {
		_, why := MaySign(signers[0])
		return nil, &ChainFault{FaultNoCA, signers[0], "its CA " + quoted(signers[0].RawSubject) + " " + why}
	}
	if untried > 0 {
		return nil, &ChainFault{FaultKey, nil, fmt.Sprintf("there are %d CAs with this subject and different keys; none of the %d that were tried has signed it", untried+mostSignatures, mostSignatures)}
	}
	err := named[0].CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature)
	if _, insecure := errors.AsType[x509.InsecureAlgorithmError](err); insecure {
		return nil, refusedAlgorithm(cert)
	}
	for _, ca := range named {
		if why := refusedKey(ca); why != "" {
			return nil, &ChainFault{FaultAlgorithm, ca, "its CA " + quoted(ca.RawSubject) + " " + why}
		}
	}
	if errors.Is(err, x509.ErrUnsupportedAlgorithm) {
		return nil, &ChainFault{FaultAlgorithm, cert, "it is signed with an algorithm that Go, and therefore Kubernetes, does not support"}
	}
	return nil, &ChainFault{FaultKey, named[0], "the CA with this subject has a different key"}
}

// plainName is a distinguished name as text, without what only bytes tell apart: its
// encoding, case and spaces.
func plainName(der []byte) string {
	return strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(NameText(der), `\ `, " ")), " "))
}

func refusedAlgorithm(cert *x509.Certificate) *ChainFault {
	return &ChainFault{FaultAlgorithm, cert, "it is signed with an obsolete algorithm (" + cert.SignatureAlgorithm.String() + ")"}
}
