package inventory

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// describe returns the facts of cert that judging it alone needs, with no name,
// place or judgement; Collector.keep adds the rest.
func describe(cert *x509.Certificate) Entry {
	algorithm, bits := pki.DescribeKey(cert.PublicKey)
	e := Entry{
		Subject:            Subject{cert.Subject.CommonName, list(cert.Subject.Organization)},
		SerialNumber:       serial(cert.SerialNumber),
		DNSNames:           list(cert.DNSNames),
		IPAddresses:        []string{},
		URIs:               []string{},
		EmailAddresses:     list(cert.EmailAddresses),
		NotBefore:          pki.UTC(cert.NotBefore),
		NotAfter:           pki.UTC(cert.NotAfter),
		Usages:             usages(cert),
		IsCA:               cert.IsCA,
		PublicKey:          PublicKey{algorithm, bits},
		SignatureAlgorithm: cert.SignatureAlgorithm.String(),
	}
	for _, ip := range cert.IPAddresses {
		e.IPAddresses = append(e.IPAddresses, ip.String())
	}
	for _, uri := range cert.URIs {
		e.URIs = append(e.URIs, uri.String())
	}
	return e
}

// issuerName is the name of an issuer, in its parts and as RFC 4514 text.
type issuerName struct {
	Issuer
	text string
}

// newIssuerName reads the DER of a name. Parts of one that cannot be read are empty.
func newIssuerName(der []byte) issuerName {
	named := issuerName{Issuer{Subject{Organizations: []string{}}, []pki.Attribute{}}, pki.NameOf(der)}
	var sequence pkix.RDNSequence
	if _, err := asn1.Unmarshal(der, &sequence); err != nil {
		return named
	}
	var name pkix.Name
	name.FillFromRDNSequence(&sequence)
	named.Issuer = Issuer{Subject{name.CommonName, list(name.Organization)}, pki.OtherAttributes(name)}
	return named
}

// serial writes a serial number in whole bytes, as openssl does.
func serial(n *big.Int) string {
	text := new(big.Int).Abs(n).Text(16)
	if len(text)%2 == 1 {
		text = "0" + text
	}
	if n.Sign() < 0 {
		return "-" + text
	}
	return text
}

// list turns nil into an empty list, which JSON writes as [] instead of null.
func list(s []string) []string {
	return append([]string{}, s...)
}

// String renders the subject as "CN=alice, O=devs".
func (s Subject) String() string {
	return pki.Subject(s).String()
}

// keyUsages are the bits of RFC 5280, section 4.2.1.3, in the words of the
// CertificateSigningRequest API.
var keyUsages = []struct {
	bit  x509.KeyUsage
	name certificatesv1.KeyUsage
}{
	{x509.KeyUsageDigitalSignature, certificatesv1.UsageDigitalSignature},
	{x509.KeyUsageContentCommitment, certificatesv1.UsageContentCommitment},
	{x509.KeyUsageKeyEncipherment, certificatesv1.UsageKeyEncipherment},
	{x509.KeyUsageDataEncipherment, certificatesv1.UsageDataEncipherment},
	{x509.KeyUsageKeyAgreement, certificatesv1.UsageKeyAgreement},
	{x509.KeyUsageCertSign, certificatesv1.UsageCertSign},
	{x509.KeyUsageCRLSign, certificatesv1.UsageCRLSign},
	{x509.KeyUsageEncipherOnly, certificatesv1.UsageEncipherOnly},
	{x509.KeyUsageDecipherOnly, certificatesv1.UsageDecipherOnly},
}

// extKeyUsages are those of RFC 5280, section 4.2.1.12, likewise.
var extKeyUsages = map[x509.ExtKeyUsage]certificatesv1.KeyUsage{
	x509.ExtKeyUsageAny:             certificatesv1.UsageAny,
	x509.ExtKeyUsageServerAuth:      certificatesv1.UsageServerAuth,
	x509.ExtKeyUsageClientAuth:      certificatesv1.UsageClientAuth,
	x509.ExtKeyUsageCodeSigning:     certificatesv1.UsageCodeSigning,
	x509.ExtKeyUsageEmailProtection: certificatesv1.UsageEmailProtection,
	x509.ExtKeyUsageTimeStamping:    certificatesv1.UsageTimestamping,
	x509.ExtKeyUsageOCSPSigning:     certificatesv1.UsageOCSPSigning,
}

func usages(cert *x509.Certificate) []string {
	names := []string{}
	for _, u := range keyUsages {
		if cert.KeyUsage&u.bit != 0 {
			names = append(names, string(u.name))
		}
	}
	for _, u := range cert.ExtKeyUsage {
		if name, ok := extKeyUsages[u]; ok {
			names = append(names, string(name))
		}
	}
	for _, oid := range cert.UnknownExtKeyUsage {
		names = append(names, strings.ToLower(oid.String()))
	}
	return names
}
