package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// The labels of a PEM request (RFC 7468, section 7).
const (
	requestType    = "CERTIFICATE REQUEST"
	oldRequestType = "NEW CERTIFICATE REQUEST"
)

// ParseRequest reads one PKCS #10 certification request (RFC 2986) from PEM as the
// API server does (ParseCSR in pkg/apis/certificates of Kubernetes), and checks its
// own signature, which proves that the requester holds the key.
// The text that openssl writes before it is passed over. A second PEM block,
// even a damaged one, is an error: what a person is shown has to be all that
// there is.
func ParseRequest(data []byte) (*x509.CertificateRequest, error) {
	block, rest := pem.Decode(data)
	switch {
	case block == nil && blocksBegun(data) > 0:
		return nil, errors.New("the PEM block is truncated or damaged")
	case block == nil:
		return nil, errors.New("it contains no PEM certificate request")
	case strings.Contains(block.Type, "PRIVATE KEY"):
		return nil, errors.New("it is a private key, which should not have been sent")
	case block.Type != requestType && block.Type != oldRequestType:
		return nil, fmt.Errorf("it is a PEM %q instead of a certificate request", block.Type)
	case blocksBegun(data) > 1:
		return nil, errors.New("it contains more than one PEM block")
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("there is other data after the certificate request")
	}
	return signedRequest(block.Bytes)
}

// ReadRequest reads one request as it arrives by mail or chat: PEM that was quoted,
// indented, put on one line or saved in UTF-16, or DER. What goes on to the API has
// to be encoded again (EncodeRequest), since the API server would not read it so.
func ReadRequest(data []byte) (*x509.CertificateRequest, error) {
	if FormOf(data) == FormRequest {
		return signedRequest(data)
	}
	blocks := Blocks(data)
	for _, b := range blocks {
		if strings.HasSuffix(b.Type, privateKeyType) {
			return nil, errors.New("it contains a private key, which should not have been sent")
		}
	}
	switch {
	case len(blocks) == 0:
		return nil, errors.New("it contains no certificate request")
	case len(blocks) > 1:
		return nil, errors.New("it contains more than one PEM block")
	case blocks[0].Type != requestType && blocks[0].Type != oldRequestType:
		return nil, fmt.Errorf("it is a PEM %q instead of a certificate request", blocks[0].Type)
	case blocks[0].Bytes == nil:
		return nil, errors.New("the PEM block is truncated or damaged")
	}
	return signedRequest(blocks[0].Bytes)
}

func signedRequest(der []byte) (*x509.CertificateRequest, error) {
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate request: %w", err)
	}
	if err := request.CheckSignature(); err != nil {
		return nil, fmt.Errorf("its signature is invalid: its author does not have the private key, or it was changed in transit: %w", err)
	}
	return request, nil
}

// EncodeRequest returns the PEM form of a request.
func EncodeRequest(request *x509.CertificateRequest) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: requestType, Bytes: request.Raw})
}

// RequestSubject returns the Subject that a request asks for.
func RequestSubject(request *x509.CertificateRequest) Subject {
	return Subject{request.Subject.CommonName, request.Subject.Organization}
}

// ParseKey reads one private key from PEM: PKCS #8, PKCS #1 or SEC 1.
func ParseKey(data []byte) (crypto.Signer, error) {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return nil, errors.New("it contains no PEM private key")
		}
		if key, err := parsePrivateKey(block); key != nil || err != nil {
			return key, err
		}
		data = rest
	}
}

// WeakKey says what is too weak about a public key for a new certificate, or
// "". RSA below 2048 bits and curves below 256 are broken or nearly so (NIST
// SP 800-131A), while the API server itself refuses only RSA below 1024.
func WeakKey(key crypto.PublicKey) string {
	algorithm, bits := DescribeKey(key)
	switch k := key.(type) {
	case *rsa.PublicKey:
		if bits < 2048 {
			return fmt.Sprintf("%s with %d bits", algorithm, bits)
		}
	case *ecdsa.PublicKey:
		if k.Params().BitSize < 256 {
			return fmt.Sprintf("%s with %d bits", algorithm, bits)
		}
	}
	return ""
}

// blocksBegun counts the PEM blocks that begin in data.
func blocksBegun(data []byte) int {
	begin := []byte("-----BEGIN ")
	n := bytes.Count(data, append([]byte("\n"), begin...))
	if bytes.HasPrefix(data, begin) {
		n++
	}
	return n
}
