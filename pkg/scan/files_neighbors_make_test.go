package scan_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"os"
	"slices"
	"testing"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

func (x *tree) edit(name string, change func([]byte) []byte) {
	x.t.Helper()
	data, err := os.ReadFile(x.path(name))
	if err != nil {
		x.t.Fatal(err)
	}
	x.write(name, change(data))
}

// pairOf is a key, as its owner stores it.
func pairOf(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// api is a neighbor of which the API server's certificate has options.
func api(options ...pkitest.Option) func(x *tree) {
	return func(x *tree) { x.leaf(apiFile, caFile, append([]pkitest.Option{apiNames()}, options...)...) }
}

// served is one of which it has a key.
func served(key crypto.Signer) func(x *tree) {
	return func(x *tree) {
		x.leaf(apiFile, caFile, apiNames(), pkitest.PublicKey(key.Public()))
		x.write(apiKey, pairOf(x.t, key))
	}
}

// held is one of which the scheduler has a key.
func held(key crypto.Signer) func(x *tree) {
	return conf(func(x *tree, _ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) {
		u.ClientCertificateData = pki.EncodeCertificates(x.issue(caFile, pkitest.Client("system:kube-scheduler"), pkitest.PublicKey(key.Public())))
		u.ClientKeyData = pairOf(x.t, key)
	})
}

// authority is one of which the CA has options.
func authority(options ...pkitest.Option) func(x *tree) {
	return func(x *tree) {
		x.cas[caFile] = pkitest.NewCA(x.t, "kubernetes", options...)
		makePlane(x)
	}
}

// signing is one of which the CA has a key, and the API server's certificate
// options.
func signing(key crypto.Signer, options ...pkitest.Option) func(x *tree) {
	return func(x *tree) {
		self := &pkitest.CA{Key: key}
		x.cas[caFile] = &pkitest.CA{Certificate: self.Issue(x.t, pkitest.Authority("kubernetes"), pkitest.PublicKey(key.Public())), Key: key}
		makePlane(x)
		x.write(pkiDir+"ca.key", pairOf(x.t, key))
		api(options...)(x)
	}
}

// between is one of which the API server presents an intermediate, which has
// options.
func between(options ...pkitest.Option) func(x *tree) {
	return func(x *tree) {
		x.cas["mid"] = x.cas[caFile].Intermediate(x.t, "middle", options...)
		x.leaf(apiFile, "mid", apiNames())
		x.edit(apiFile, func(data []byte) []byte { return append(data, x.cas["mid"].PEM()...) })
	}
}

// spelled is one of which the API server's certificate names its issuer in other
// bytes: an ASN.1 string.
func spelled(name string) func(x *tree) {
	return func(x *tree) {
		oid, err := asn1.Marshal(asn1.ObjectIdentifier{2, 5, 4, 3})
		if err != nil {
			x.t.Fatal(err)
		}
		wrap := func(tag byte, content []byte) []byte { return append([]byte{tag, byte(len(content))}, content...) }
		cert := *x.cas[caFile].Certificate
		cert.RawSubject = wrap(0x30, wrap(0x31, wrap(0x30, append(oid, name...))))
		x.cas["spelled"] = &pkitest.CA{Certificate: &cert, Key: x.cas[caFile].Key}
		x.leaf(apiFile, "spelled", apiNames())
	}
}

// crossed is one of which a new CA of the same name signs, while the kubeconfigs
// trust the old one; cross is the new one, signed by the old, if it is presented.
func crossed(present bool, options ...pkitest.Option) func(x *tree) {
	return func(x *tree) {
		old, next := x.cas[caFile], x.cas[caFile].Impostor(x.t)
		cross := old.Issue(x.t, append([]pkitest.Option{pkitest.Authority("kubernetes"), pkitest.PublicKey(next.Key.Public())}, options...)...)
		x.cas["next"] = next
		x.leaf(apiFile, "next", apiNames())
		if present {
			x.edit(apiFile, func(data []byte) []byte { return append(data, pki.EncodeCertificates(cross)...) })
		}
		x.write(caFile, slices.Concat(old.PEM(), next.PEM()))
	}
}

// named is an extension of subject alternative names, by their tags.
func named(names ...asn1.RawValue) pkitest.Option {
	return func(c *x509.Certificate) {
		der, _ := asn1.Marshal(names)
		c.DNSNames, c.IPAddresses = nil, nil
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: der})
	}
}

func name(tag int, value []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: value}
}

func use(usages ...x509.ExtKeyUsage) pkitest.Option {
	return func(c *x509.Certificate) { c.ExtKeyUsage = usages }
}

func keyOf(t *testing.T, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaOf(t *testing.T, bits int) crypto.Signer {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0") // to make it, not to use it
	defer t.Setenv("GODEBUG", "")
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

const (
	serverAuth = x509.ExtKeyUsageServerAuth
	clientAuth = x509.ExtKeyUsageClientAuth
)
