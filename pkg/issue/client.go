package issue

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// keyUsage is what usages ask for, as X.509 has it.
const keyUsage = x509.KeyUsageDigitalSignature

// oidSAN is the subject alternative name extension (RFC 5280, section 4.2.1.6).
var oidSAN = asn1.ObjectIdentifier{2, 5, 29, 17}

// CheckClient reports whether cert is a user's client certificate and nothing
// else: not a CA, without subject alternative names, for client authentication
// alone, and with a key that may sign (or encipher keys, which RSA keys of old
// TLS do, and which grants nothing) and do nothing more. A certificate that
// does not say what it is for is for everything (RFC 5280, section 4.2.1.12),
// and is refused as well.
func CheckClient(cert *x509.Certificate) error {
	if cert.IsCA {
		return errors.New("it is a certificate authority (CA:TRUE), which could sign certificates itself")
	}
	if cert.KeyUsage == 0 {
		return errors.New("it has no key usage extension, so its key may be used for anything")
	}
	if extra := cert.KeyUsage &^ (keyUsage | x509.KeyUsageKeyEncipherment); extra != 0 {
		return fmt.Errorf("it has a key usage that was not requested: %s", keyUsageNames(extra))
	}
	if cert.KeyUsage&keyUsage == 0 {
		return errors.New("it may not be used as a client certificate: its key usage lacks digital signature")
	}
	if err := checkExtendedUsage(cert); err != nil {
		return err
	}
	for _, extension := range cert.Extensions {
		if extension.Id.Equal(oidSAN) {
			return fmt.Errorf("it has subject alternative names, which were not requested: %s", namesOf(cert))
		}
	}
	if len(cert.UnhandledCriticalExtensions) > 0 {
		return fmt.Errorf("it has a critical extension that Kubernetes does not know: %s", cert.UnhandledCriticalExtensions[0])
	}
	return nil
}

func checkExtendedUsage(cert *x509.Certificate) error {
	if len(cert.ExtKeyUsage) == 0 && len(cert.UnknownExtKeyUsage) == 0 {
		return errors.New("it has no extended key usage, so it may be used for anything, including as a server certificate")
	}
	var extra []string
	for _, usage := range cert.ExtKeyUsage {
		if usage != x509.ExtKeyUsageClientAuth {
			extra = append(extra, extendedUsageName(usage))
		}
	}
	for _, oid := range cert.UnknownExtKeyUsage {
		extra = append(extra, oid.String())
	}
	if !slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageClientAuth) {
		return fmt.Errorf("it may not be used as a client certificate: its extended key usage is %s", strings.Join(extra, ", "))
	}
	if len(extra) > 0 {
		return fmt.Errorf("it has an extended key usage that was not requested: %s", strings.Join(extra, ", "))
	}
	return nil
}

// extendedUsageName is Kubernetes' word for the usages that it has one for
// (certificates/v1, KeyUsage), and X.509's otherwise.
func extendedUsageName(usage x509.ExtKeyUsage) string {
	if name, ok := map[x509.ExtKeyUsage]string{
		x509.ExtKeyUsageAny:             "any",
		x509.ExtKeyUsageServerAuth:      "server auth",
		x509.ExtKeyUsageCodeSigning:     "code signing",
		x509.ExtKeyUsageEmailProtection: "email protection",
		x509.ExtKeyUsageTimeStamping:    "timestamping",
		x509.ExtKeyUsageOCSPSigning:     "ocsp signing",
		x509.ExtKeyUsageIPSECEndSystem:  "ipsec end system",
		x509.ExtKeyUsageIPSECTunnel:     "ipsec tunnel",
		x509.ExtKeyUsageIPSECUser:       "ipsec user",
	}[usage]; ok {
		return name
	}
	return fmt.Sprintf("extended key usage %d", usage)
}

// keyUsageNames are Kubernetes' words for the bits of usage.
func keyUsageNames(usage x509.KeyUsage) string {
	words := []string{"digital signature", "content commitment", "key encipherment", "data encipherment", "key agreement", "cert sign", "crl sign", "encipher only", "decipher only"}
	var names []string
	for bit, word := range words {
		if usage&(1<<bit) != 0 {
			names = append(names, word)
		}
	}
	return strings.Join(names, ", ")
}

// namesOf lists a certificate's subject alternative names.
func namesOf(cert *x509.Certificate) string {
	var names []string
	for _, name := range cert.DNSNames {
		names = append(names, "DNS:"+name)
	}
	for _, ip := range cert.IPAddresses {
		names = append(names, "IP:"+ip.String())
	}
	for _, address := range cert.EmailAddresses {
		names = append(names, "email:"+address)
	}
	for _, uri := range cert.URIs {
		names = append(names, "URI:"+uri.String())
	}
	if len(names) == 0 {
		return "of another type"
	}
	const most = 5
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("and %d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}

// checkAttributes compares the whole subject with what was asked for, in any
// order: RBAC reads the user, the groups and the UID of it, others read more.
func (p *Plan) checkAttributes(leaf *x509.Certificate) error {
	wanted, err := p.attributes()
	if err != nil {
		return err
	}
	got := attributeTexts(leaf.Subject.Names)
	for _, name := range got {
		i := slices.Index(wanted, name)
		if i < 0 {
			return fmt.Errorf("its subject has %s, which was not requested", name)
		}
		wanted = slices.Delete(wanted, i, i+1)
	}
	if len(wanted) > 0 {
		return fmt.Errorf("its subject lacks %s, which was requested", strings.Join(wanted, ", "))
	}
	return nil
}

// attributes are those of the subject that is asked for.
func (p *Plan) attributes() ([]string, error) {
	subject := pkix.Name{CommonName: p.Subject.CommonName, Organization: p.Subject.Organizations}
	if p.PKCS10 != nil {
		request, err := parsePKCS10(p.PKCS10)
		if err != nil {
			return nil, err
		}
		subject = request.Subject
	}
	return attributeTexts(signable(subject)), nil
}

// signable are the attributes of a subject that the built-in signers sign: they
// pass it through Go's pkix.Name, which keeps one common name, and drops what it
// has no field for (pkg/controller/certificates/authority/authority.go).
func signable(subject pkix.Name) []pkix.AttributeTypeAndValue {
	subject.ExtraNames = nil
	var kept []pkix.AttributeTypeAndValue
	for _, rdn := range subject.ToRDNSequence() {
		kept = append(kept, rdn...)
	}
	return kept
}

func attributeTexts(attributes []pkix.AttributeTypeAndValue) []string {
	var texts []string
	for _, a := range attributes {
		texts = append(texts, pkix.RDNSequence{{a}}.String())
	}
	return texts
}

func parsePKCS10(data []byte) (*x509.CertificateRequest, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("the request contains no PEM block")
	}
	return x509.ParseCertificateRequest(block.Bytes)
}

// checkSignable reports what a request asks for and no signer would give: what
// comes back would not be what was asked for.
func checkSignable(pkcs10 []byte) error {
	request, err := parsePKCS10(pkcs10)
	if err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	kept := attributeTexts(signable(request.Subject))
	for _, name := range attributeTexts(request.Subject.Names) {
		i := slices.Index(kept, name)
		if i < 0 {
			return hint.New(fmt.Sprintf("the subject of the request has %s, which the cluster's signers drop", name),
				"ask for a request with only a common name (CN) and groups (O)")
		}
		kept = slices.Delete(kept, i, i+1)
	}
	return nil
}
