package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
)

// Form is what binary data is, as far as it has to do with certificates.
type Form string

// The forms.
const (
	FormCertificate  Form = "certificate" // X.509, one or more in a row
	FormRequest      Form = "PKCS #10 certificate request"
	FormRevocations  Form = "certificate revocation list"
	FormKey          Form = "private key"
	FormEncryptedKey Form = "encrypted private key"
	FormPublicKey    Form = "public key"
	FormPKCS7        Form = "PKCS #7 bundle"
	FormPKCS12       Form = "PKCS #12 keystore"
	FormJKS          Form = "Java keystore"
	// FormOther is anything else.
	FormOther Form = ""
)

// Forms lists every Form but FormOther.
func Forms() []Form {
	return []Form{FormCertificate, FormRequest, FormRevocations, FormKey, FormEncryptedKey, FormPublicKey, FormPKCS7, FormPKCS12, FormJKS}
}

// The object identifiers that PKCS #7, #12 and encrypted PKCS #8 begin with.
var (
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidEncryptedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}
	oidX509Bag       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}
	oidPKCS5         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5}
	oidPKCS12PBE     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1}
)

// FormOf tells what data is, by its structure.
func FormOf(data []byte) Form {
	if bytes.HasPrefix(data, []byte{0xfe, 0xed, 0xfe, 0xed}) || bytes.HasPrefix(data, []byte{0xce, 0xce, 0xce, 0xce}) {
		return FormJKS // JKS and JCEKS: sun.security.provider.JavaKeyStore
	}
	var outer asn1.RawValue
	if len(data) == 0 || data[0] != 0x30 {
		return FormOther
	}
	if _, err := asn1.Unmarshal(data, &outer); err != nil {
		return FormOther
	}
	der := outer.FullBytes
	if _, err := x509.ParseCertificate(der); err == nil {
		return FormCertificate
	}
	if form := formByContent(outer.Bytes); form != FormOther {
		return form
	}
	if _, err := x509.ParseCertificateRequest(der); err == nil {
		return FormRequest
	}
	if _, err := x509.ParseRevocationList(der); err == nil {
		return FormRevocations
	}
	if _, err := x509.ParsePKIXPublicKey(der); err == nil {
		return FormPublicKey
	}
	if len(der) <= mostKeyBytes && (parseAnyKey(der) != nil || keyAlgorithm(der) != "") {
		return FormKey
	}
	return FormOther
}

// formByContent tells by the first elements of a sequence what it is.
func formByContent(content []byte) Form {
	var oid asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(content, &oid); err == nil && oid.Equal(oidSignedData) {
		return FormPKCS7
	}
	var version int
	if rest, err := asn1.Unmarshal(content, &version); err == nil && version == 3 {
		var safe struct {
			Type asn1.ObjectIdentifier
			Rest asn1.RawValue `asn1:"optional"`
		}
		if _, err := asn1.Unmarshal(rest, &safe); err == nil && len(safe.Type) > 5 && safe.Type[:6].Equal(oidSignedData[:6]) {
			return FormPKCS12
		}
	}
	var algorithm algorithmIdentifier
	if _, err := asn1.Unmarshal(content, &algorithm); err == nil && len(algorithm.Algorithm) > 6 &&
		(algorithm.Algorithm[:6].Equal(oidPKCS5) || algorithm.Algorithm[:7].Equal(oidPKCS12PBE)) {
		return FormEncryptedKey
	}
	return FormOther
}

// ParsePKCS7 returns the certificates of a SignedData structure (RFC 5652,
// section 5.1), in order, whatever it signs.
func ParsePKCS7(der []byte) ([]*x509.Certificate, error) {
	var outer struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"explicit,tag:0"`
	}
	if _, err := asn1.Unmarshal(der, &outer); err != nil || !outer.Type.Equal(oidSignedData) {
		return nil, errors.New("it is not PKCS #7 as DER")
	}
	var signed asn1.RawValue
	if _, err := asn1.Unmarshal(outer.Content.FullBytes, &signed); err == nil && signed.Class == asn1.ClassContextSpecific {
		_, _ = asn1.Unmarshal(signed.Bytes, &signed)
	}
	rest := signed.Bytes
	for len(rest) > 0 {
		var element asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &element); err != nil {
			return nil, errors.New("it is truncated, or not DER")
		}
		if element.Class == asn1.ClassContextSpecific && element.Tag == 0 {
			return ParseDER(element.Bytes)
		}
	}
	return nil, errors.New("it contains no certificate")
}

// errSealed says that more may be in a keystore than can be read.
var errSealed = errors.New("it is encrypted")

// ParsePKCS12 returns the certificates that lie in the open in a PKCS #12
// keystore (RFC 7292, section 4.2.3): those of one without a password. An error
// says that something in it is encrypted, or that there are none.
func ParsePKCS12(der []byte) ([]*x509.Certificate, error) {
	certs := openCertificates(der, 0)
	if encrypted, err := asn1.Marshal(oidEncryptedData); err != nil || bytes.Contains(der, encrypted) {
		return certs, errSealed
	}
	if len(certs) == 0 {
		return nil, errors.New("it contains no certificate")
	}
	return certs, nil
}

// deepestDER is how far the elements of a keystore nest, and some.
const deepestDER = 24

// openCertificates finds the CertBags in der, also in its octet strings.
func openCertificates(der []byte, depth int) []*x509.Certificate {
	var certs []*x509.Certificate
	for depth < deepestDER && len(der) > 0 {
		var element asn1.RawValue
		rest, err := asn1.Unmarshal(der, &element)
		if err != nil {
			return certs
		}
		der = rest
		var bag struct {
			Type  asn1.ObjectIdentifier
			Value []byte `asn1:"explicit,tag:0"`
		}
		if _, err := asn1.Unmarshal(element.FullBytes, &bag); err == nil && bag.Type.Equal(oidX509Bag) {
			if cert, err := ParseCertificate(bag.Value); err == nil {
				certs = append(certs, cert)
			}
			continue
		}
		if element.IsCompound || element.Tag == asn1.TagOctetString && element.Class == asn1.ClassUniversal {
			certs = append(certs, openCertificates(element.Bytes, depth+1)...)
		}
	}
	return certs
}

// ParseFirst reads the certificate that der begins with, whatever follows it:
// OpenSSL puts what a certificate is trusted for behind it (BEGIN TRUSTED
// CERTIFICATE, openssl-x509(1)).
func ParseFirst(der []byte) (*x509.Certificate, error) {
	var element asn1.RawValue
	if _, err := asn1.Unmarshal(der, &element); err != nil {
		return nil, errors.New("it is truncated, or not DER")
	}
	return ParseCertificate(bytes.Clone(element.FullBytes))
}

// NameText writes a distinguished name for a sentence, as NameOf does, cut to
// what fits a line.
func NameText(der []byte) string { return bounded(NameOf(der)) }

// DescribeRequest says what a certificate request asks for:
// for whom, under which names, with which key.
func DescribeRequest(request *x509.CertificateRequest) (subject, names, key string) {
	var all bytes.Buffer
	for _, group := range []struct {
		kind  string
		names []string
	}{{"DNS", request.DNSNames}, {"email", request.EmailAddresses}} {
		for _, name := range group.names {
			fmt.Fprintf(&all, " %s:%s", group.kind, name)
		}
	}
	for _, ip := range request.IPAddresses {
		fmt.Fprintf(&all, " IP:%s", ip)
	}
	for _, uri := range request.URIs {
		fmt.Fprintf(&all, " URI:%s", uri)
	}
	algorithm, bits := DescribeKey(request.PublicKey)
	if bits == 0 {
		var info struct {
			Algorithm algorithmIdentifier
			Key       asn1.BitString
		}
		if _, err := asn1.Unmarshal(request.RawSubjectPublicKeyInfo, &info); err == nil {
			if name := unusableAlgorithm(info.Algorithm); name != "" {
				algorithm = name
			}
		}
		return NameText(request.RawSubject), all.String(), algorithm
	}
	return NameText(request.RawSubject), all.String(), fmt.Sprintf("%s, %d bits", algorithm, bits)
}
