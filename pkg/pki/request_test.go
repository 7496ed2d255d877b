// These tests promise that a request asks for exactly the subject it was made
// for, whatever characters stand in it, and proves possession of the key.
package pki_test

import (
	"crypto/x509"
	"encoding/pem"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

func TestNewRequest(t *testing.T) {
	tests := []struct {
		name  string
		input pki.Subject
	}{
		{"user", pki.Subject{CommonName: "alice"}},
		{"user in groups", pki.Subject{CommonName: "alice", Organizations: []string{"devs", "ops"}}},
		{"component", pki.Subject{CommonName: "system:kube-scheduler"}},
		{"not ASCII", pki.Subject{CommonName: "Åsa 李", Organizations: []string{"Größe"}}},
		{"a group within the name", pki.Subject{CommonName: "alice,O=system:masters+O=system:masters/O=system:masters"}},
		{"a name within the group", pki.Subject{CommonName: "alice", Organizations: []string{"devs,CN=root", `de"v\s`}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key := pkitest.Key("alice")
			text, err := pki.NewRequest(key, tt.input)
			if err != nil {
				t.Fatal(err)
			}
			block, rest := pem.Decode(text)
			if block == nil || block.Type != "CERTIFICATE REQUEST" || len(rest) > 0 {
				t.Fatalf("not one PEM request:\n%s", text)
			}
			request, err := x509.ParseCertificateRequest(block.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			if err := request.CheckSignature(); err != nil {
				t.Error(err)
			}
			if !pki.SamePublicKey(request.PublicKey, key.Public()) {
				t.Error("it is for another key")
			}
			got := pki.Subject{CommonName: request.Subject.CommonName, Organizations: request.Subject.Organization}
			if !got.Equal(tt.input) {
				t.Errorf("got subject %q, want %q", got, tt.input)
			}
			if extra := len(request.Subject.Names) - 1 - len(tt.input.Organizations); extra != 0 {
				t.Errorf("the subject has %d more attributes: %v", extra, request.Subject.Names)
			}
		})
	}
}

func TestSubjectEqual(t *testing.T) {
	alice := pki.Subject{CommonName: "alice", Organizations: []string{"devs", "ops"}}
	tests := []struct {
		name  string
		input pki.Subject
		want  bool
	}{
		{"the same", pki.Subject{CommonName: "alice", Organizations: []string{"devs", "ops"}}, true},
		{"another order", pki.Subject{CommonName: "alice", Organizations: []string{"ops", "devs"}}, true},
		{"another user", pki.Subject{CommonName: "bob", Organizations: []string{"devs", "ops"}}, false},
		{"a group less", pki.Subject{CommonName: "alice", Organizations: []string{"devs"}}, false},
		{"a group more", pki.Subject{CommonName: "alice", Organizations: []string{"devs", "ops", "system:masters"}}, false},
		{"a group twice in another's place", pki.Subject{CommonName: "alice", Organizations: []string{"devs", "devs"}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := alice.Equal(tt.input); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
			if got := tt.input.Equal(alice); got != tt.want {
				t.Errorf("the other way round: got %t, want %t", got, tt.want)
			}
		})
	}
	if alice.Organizations[0] != "devs" {
		t.Error("comparing reordered the groups")
	}
}
