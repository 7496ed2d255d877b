package inventory

import (
	"bytes"
	"crypto/x509"
	"fmt"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

func judgeUsage(c *certificate, _ *evidence) []Finding {
	var findings []Finding
	for i := range c.sightings {
		for _, usage := range usagesOf(&c.sightings[i]) {
			if pki.HasUsage(c.cert(), usage) {
				continue
			}
			as, name := catalog.Server, "server auth"
			if usage == x509.ExtKeyUsageClientAuth {
				as, name = catalog.Client, "client auth"
			}
			findings = append(findings, Finding{CodeWrongUsage, Critical,
				fmt.Sprintf("is used as a %s certificate but lacks the extended key usage %q", as, name),
				"reissue it with that usage"})
		}
	}
	return findings
}

// judgeSubject finds a file that holds somebody else's certificate.
func judgeSubject(c *certificate, _ *evidence) []Finding {
	var findings []Finding
	for _, s := range c.sightings {
		row, known := catalog.Lookup(s.Row)
		if !known || row.Subject == nil {
			continue
		}
		rule := *row.Subject
		if rule.CommonName == "" && rule.CommonNamePrefix == "" {
			continue // people are free in their names, and have many groups
		}
		if s.Node != "" && rule.CommonNamePrefix != "" {
			rule.CommonName = rule.CommonNamePrefix + s.Node // the node's own
		}
		if !rule.Matches(pki.Subject(c.entry.Subject)) {
			findings = append(findings, Finding{CodeWrongSubject, Critical,
				fmt.Sprintf("is used as %s in %s but has subject %s; it should be %s", row.Name, s.Where, cut(c.entry.Subject.String()), rule),
				"issue the right one and install it there"})
		}
	}
	return findings
}

// The least that today's guidance allows (NIST SP 800-131A).
const (
	leastRSABits   = 2048
	leastECDSABits = 224
)

func judgeStrength(c *certificate, _ *evidence) []Finding {
	var findings []Finding
	key := c.entry.PublicKey
	if why := refusedInTLS(key); why != "" && c.presented() {
		findings = append(findings, Finding{CodeWeakKey, Critical, why, "reissue it with another key, such as ECDSA P-256 or RSA with 3072 bits"})
	} else if (key.Algorithm == x509.RSA.String() && key.Bits < leastRSABits) ||
		(key.Algorithm == x509.ECDSA.String() && key.Bits < leastECDSABits) ||
		key.Algorithm == x509.DSA.String() {
		findings = append(findings, Finding{CodeWeakKey, Warning,
			fmt.Sprintf("has a %s key of %d bits", key.Algorithm, key.Bits),
			"reissue it with a stronger key, such as ECDSA P-256 or RSA with 3072 bits"})
	}
	switch c.cert().SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		// Nobody relies on the signature of an anchor.
		if !bytes.Equal(c.subject, c.issuer) {
			findings = append(findings, Finding{CodeWeakSignature, Warning,
				fmt.Sprintf("is signed with %s", c.cert().SignatureAlgorithm),
				"reissue it with SHA-256 or better"})
		}
	}
	return findings
}

// refusedInTLS says why no component can present a certificate with this key, ""
// if it can.
func refusedInTLS(key PublicKey) string {
	switch {
	case key.Algorithm == x509.ECDSA.String() && key.Bits == 224:
		// crypto/tls, signatureSchemesForCertificate; RFC 8446, section 4.2.3.
		return "has an ECDSA key on curve P-224, which TLS 1.3 does not support: connections with it fail"
	case key.Algorithm == x509.RSA.String() && key.Bits < pki.LeastRSABits:
		return fmt.Sprintf("has an RSA key of %d bits: Go, and therefore Kubernetes, refuses RSA keys of less than %d", key.Bits, pki.LeastRSABits)
	}
	return ""
}

// judgeKey finds a certificate beside the key of another one.
func judgeKey(c *certificate, _ *evidence) []Finding {
	for _, s := range c.sightings {
		if s.Key != nil && !pki.SamePublicKey(s.Key, c.cert().PublicKey) {
			return []Finding{{CodeKeyMismatch, Critical,
				fmt.Sprintf("does not match the private key beside it (%s)", s.Where),
				"find the matching private key, or issue a new certificate"}}
		}
	}
	return nil
}
