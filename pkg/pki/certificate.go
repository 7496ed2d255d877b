package pki

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// ParseCertificates reads every CERTIFICATE block of PEM data (RFC 7468), in
// order. One bad block does not spoil the rest: what could be read is returned
// together with an error that numbers the first few blocks that could not, or
// that Kubernetes would pass over. Blocks of other types are passed over, and a
// key beside a certificate is never looked at.
func ParseCertificates(data []byte) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	var errs []error
	faulty := 0
	for i, block := range Blocks(data) {
		err := blockError(i+1, block)
		if _, read := IsCertificateBlock(block.Type); err == nil && read {
			var cert *x509.Certificate
			if cert, err = ParseCertificate(block.Bytes); err == nil {
				certs = append(certs, cert)
				continue
			}
			err = fmt.Errorf("PEM block %d: %w", i+1, err)
		}
		if err == nil {
			continue
		}
		if faulty++; faulty <= mostFaults {
			errs = append(errs, err)
		}
	}
	if len(certs) == 0 && len(errs) == 0 {
		errs = append(errs, errors.New("it contains no PEM certificate"))
	}
	if faulty > mostFaults {
		errs = append(errs, fmt.Errorf("and %d more", faulty-mostFaults))
	}
	return certs, errors.Join(errs...)
}

// mostFaults is how many blocks an error names, of a bundle that may have
// hundreds of thousands.
const mostFaults = 3

// mostRSABits is the longest RSA key that is taken. To check a signature with a
// key of millions of bits would take hours; crypto/tls draws a line too.
const mostRSABits = 16384

// ParseCertificate reads one certificate from DER. What would take for ever to
// work with is no certificate.
func ParseCertificate(der []byte) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if key, ok := cert.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > mostRSABits {
		return nil, fmt.Errorf("it has an RSA key of %d bits; the maximum is %d", key.N.BitLen(), mostRSABits)
	}
	return cert, nil
}

// ParseDER reads certificates that follow each other as DER, with nothing in
// between and nothing else.
func ParseDER(data []byte) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	for len(data) > 0 {
		var element asn1.RawValue
		rest, err := asn1.Unmarshal(data, &element)
		if err != nil {
			return nil, errors.New("it is truncated, or not DER")
		}
		cert, err := ParseCertificate(bytes.Clone(element.FullBytes))
		if err != nil {
			return nil, err
		}
		certs = append(certs, cert)
		data = rest
	}
	if len(certs) == 0 {
		return nil, errors.New("it contains no certificate")
	}
	return certs, nil
}

// EncodeCertificates returns certs as PEM, in order.
func EncodeCertificates(certs ...*x509.Certificate) []byte {
	var out bytes.Buffer
	for _, cert := range certs {
		// Encode fails only on headers that contain colons, or on the
		// writer, and a bytes.Buffer never does.
		_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	}
	return out.Bytes()
}

// VerifyChain reports whether cert chains to one of anchors, through
// intermediates if need be, whatever its extended key usage.
//
// Being out of date is a different fault from being signed by a stranger, so
// the chain may hold at now or at either end of cert's own life.
func VerifyChain(cert *x509.Certificate, intermediates, anchors []*x509.Certificate, now time.Time) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range anchors {
		roots.AddCert(c)
	}
	for _, c := range intermediates {
		between.AddCert(c)
	}
	var fault error
	for _, at := range []time.Time{now, cert.NotBefore, cert.NotAfter} {
		_, err := cert.Verify(x509.VerifyOptions{
			Roots:         roots,
			Intermediates: between,
			CurrentTime:   at,
			KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		})
		if err == nil {
			return nil
		}
		if fault == nil || (outOfDate(fault) && !outOfDate(err)) {
			fault = err
		}
	}
	return fault
}

func outOfDate(err error) bool {
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	return ok && invalid.Reason == x509.Expired
}

// SelfSigned reports whether cert is signed with its own key.
func SelfSigned(cert *x509.Certificate) bool {
	return bytes.Equal(cert.RawSubject, cert.RawIssuer) &&
		cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) == nil
}

// HasUsage reports whether cert may be used for usage: it says so, or it says
// nothing about extended key usage at all (RFC 5280, section 4.2.1.12).
func HasUsage(cert *x509.Certificate, usage x509.ExtKeyUsage) bool {
	if len(cert.ExtKeyUsage) == 0 && len(cert.UnknownExtKeyUsage) == 0 {
		return true
	}
	for _, u := range cert.ExtKeyUsage {
		if u == usage || u == x509.ExtKeyUsageAny {
			return true
		}
	}
	return false
}
