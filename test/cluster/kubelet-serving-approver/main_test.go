package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"net/url"
	"strings"
	"testing"

	certificates "k8s.io/api/certificates/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

func TestCheck(t *testing.T) {
	node := func(name string) (*core.Node, error) {
		if name != "n1" {
			return nil, apierrors.NewNotFound(core.Resource("nodes"), name)
		}
		return &core.Node{Status: core.NodeStatus{Addresses: []core.NodeAddress{
			{Type: core.NodeHostName, Address: "n1"},
			{Type: core.NodeInternalIP, Address: "10.0.0.1"},
		}}}, nil
	}
	const self = "system:node:n1"
	subject := pkix.Name{CommonName: self, Organization: []string{"system:nodes"}}
	name, ip := []string{"n1"}, []net.IP{net.ParseIP("10.0.0.1")}
	for _, test := range []struct {
		what     string
		username string
		request  x509.CertificateRequest
		says     string
	}{
		{"name and address", self, x509.CertificateRequest{Subject: subject, DNSNames: name, IPAddresses: ip}, ""},
		{"name only", self, x509.CertificateRequest{Subject: subject, DNSNames: name}, ""},
		{"no node", "kubernetes-admin", x509.CertificateRequest{Subject: subject, DNSNames: name}, "is no node"},
		{"other node's name", "system:node:n2", x509.CertificateRequest{Subject: subject, DNSNames: name}, "in the name of"},
		{"no organization", self, x509.CertificateRequest{Subject: pkix.Name{CommonName: self}, DNSNames: name}, "organization"},
		{"one organization more", self, x509.CertificateRequest{
			Subject:  pkix.Name{CommonName: self, Organization: []string{"system:nodes", "system:masters"}},
			DNSNames: name,
		}, "organization"},
		{"unknown node", "system:node:n2", x509.CertificateRequest{
			Subject:  pkix.Name{CommonName: "system:node:n2", Organization: []string{"system:nodes"}},
			DNSNames: name,
		}, "not found"},
		{"nothing", self, x509.CertificateRequest{Subject: subject}, "no name and no address"},
		{"other name", self, x509.CertificateRequest{Subject: subject, DNSNames: []string{"n1", "kubernetes"}}, "kubernetes is no address"},
		{"other address", self, x509.CertificateRequest{Subject: subject, IPAddresses: []net.IP{net.ParseIP("10.0.0.2")}}, "10.0.0.2 is no address"},
		{"URI", self, x509.CertificateRequest{Subject: subject, DNSNames: name, URIs: []*url.URL{{Scheme: "spiffe", Host: "n1"}}}, "more than"},
	} {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.CreateCertificateRequest(rand.Reader, &test.request, key)
		if err != nil {
			t.Fatal(err)
		}
		err = check(&certificates.CertificateSigningRequest{Spec: certificates.CertificateSigningRequestSpec{
			Username: test.username,
			Request:  pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
		}}, node)
		switch {
		case test.says == "" && err != nil:
			t.Errorf("%s: %v", test.what, err)
		case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)):
			t.Errorf("%s: got %v, want %q", test.what, err, test.says)
		}
	}
}
