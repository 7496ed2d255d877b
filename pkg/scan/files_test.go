package scan_test

// These tests promise that whatever lies in files is read or said to be
// unreadable, that nothing holds a scan up, and that nothing of a private key
// is passed on.

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

// said is what inv says of places: "file: message".
func said(inv *inventory.Inventory) []string {
	var all []string
	for _, f := range inv.Findings {
		all = append(all, fmt.Sprintf("%s: %s: %s", filepath.Base(f.Where), f.Code, f.Message))
	}
	for _, s := range inv.Skipped {
		all = append(all, fmt.Sprintf("%s: %s", filepath.Base(s.Where), s.Reason))
	}
	return all
}

// names are the names in inv, short of the tree's root.
func (x *tree) names(inv *inventory.Inventory) []string {
	var names []string
	for _, e := range inv.Items {
		names = append(names, strings.TrimPrefix(filepath.ToSlash(e.Name), filepath.ToSlash(x.root)+"/"))
	}
	slices.Sort(names)
	return names
}

func TestFiles(t *testing.T) {
	ca := pkitest.NewCA(t, "my CA")
	between := ca.Intermediate(t, "between")
	web := ca.Issue(t, pkitest.Server("web", "web.example"))
	alice := ca.Issue(t, pkitest.Client("alice"))
	chain := []*x509.Certificate{between.Issue(t, pkitest.Server("behind", "behind.example")), between.Certificate}
	encrypted := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("secret")})
	tests := []struct {
		name   string
		files  map[string][]byte
		seen   []string
		faults []string
		said   []string
	}{
		{"PEM", map[string][]byte{"web.crt": pki.EncodeCertificates(web)}, []string{"web.crt"}, nil, nil},
		{"PEM under another name", map[string][]byte{"tls": pki.EncodeCertificates(web)}, []string{"tls"}, nil, nil},
		{"PEM behind text", map[string][]byte{"web.crt": append([]byte("Subject: web\n"), pki.EncodeCertificates(web)...)}, []string{"web.crt"}, nil, nil},
		{"DER", map[string][]byte{"web.cer": web.Raw}, []string{"web.cer"}, nil, nil},
		{"DER, two of them", map[string][]byte{"both.der": slices.Concat(ca.Certificate.Raw, web.Raw)}, []string{"both.der#1", "both.der#2"}, nil, nil},
		{"a chain", map[string][]byte{"chain.pem": pki.EncodeCertificates(chain...)}, []string{"chain.pem#1", "chain.pem#2"}, nil, nil},
		{"a bundle of CAs", map[string][]byte{"bundle": append(ca.PEM(), between.PEM()...)}, []string{"bundle#1", "bundle#2"}, nil, nil},
		{"with its key", map[string][]byte{"web.pem": append(keyPEM(t, "web"), pki.EncodeCertificates(web)...)}, []string{"web.pem"}, nil, nil},
		{"with another key", map[string][]byte{"web.pem": append(keyPEM(t, "alice"), pki.EncodeCertificates(web)...)}, []string{"web.pem"}, []string{"web.pem: key-mismatch"}, nil},
		{"beside its key", map[string][]byte{"web.crt": pki.EncodeCertificates(web), "web.key": keyPEM(t, "web")}, []string{"web.crt"}, nil, nil},
		{"beside another key", map[string][]byte{"web.crt": pki.EncodeCertificates(web), "web.key": keyPEM(t, "alice")}, []string{"web.crt"}, []string{"web.crt: key-mismatch"}, nil},
		{"beside another key, as cfssl has it", map[string][]byte{"web.pem": pki.EncodeCertificates(web), "web-key.pem": keyPEM(t, "alice")}, []string{"web.pem"}, []string{"web.pem: key-mismatch"}, nil},
		{"beside an encrypted key", map[string][]byte{"web.crt": pki.EncodeCertificates(web), "web.key": encrypted}, []string{"web.crt"}, nil, []string{"web.key: it has a passphrase: cannot check whether it matches ROOT/web.crt"}},
		{"a bundle of CAs beside the second one's key", map[string][]byte{"b.crt": append(ca.PEM(), between.PEM()...), "b.key": keyPEM(t, "between")}, []string{"b.crt#1", "b.crt#2"}, nil, nil},
		{"the same twice", map[string][]byte{"a/web.crt": pki.EncodeCertificates(web), "b/web.crt": pki.EncodeCertificates(web)}, []string{"a/web.crt"}, nil, nil},
		{"a kubeconfig", map[string][]byte{"config": kubeconfig(t, clientcmdapi.Cluster{CertificateAuthorityData: ca.PEM()},
			clientcmdapi.AuthInfo{ClientCertificateData: pki.EncodeCertificates(alice), ClientKeyData: keyPEM(t, "alice")})}, []string{"ca", "config"}, nil, nil},
		{"a kubeconfig with another's key", map[string][]byte{"config": kubeconfig(t, clientcmdapi.Cluster{CertificateAuthorityData: ca.PEM()},
			clientcmdapi.AuthInfo{ClientCertificateData: pki.EncodeCertificates(alice), ClientKeyData: keyPEM(t, "web")})}, []string{"ca", "config"}, []string{"config: key-mismatch"}, nil},
		{"a kubeconfig that names files", map[string][]byte{
			"config":    kubeconfig(t, clientcmdapi.Cluster{CertificateAuthority: "ca.x"}, clientcmdapi.AuthInfo{ClientCertificate: "alice.x", ClientKey: "alice-key.x"}),
			"alice.x":   pki.EncodeCertificates(alice),
			"ca.x":      ca.PEM(),
			"alice-key": keyPEM(t, "web"), "alice-key.x": keyPEM(t, "web")}, []string{"ca", "config"}, []string{"config: key-mismatch"}, nil},
		{"a kubeconfig that names files which are gone", map[string][]byte{
			"config": kubeconfig(t, clientcmdapi.Cluster{CertificateAuthority: "/gone/ca.crt"}, clientcmdapi.AuthInfo{ClientCertificate: "alice.crt", ClientKey: "alice.key"})}, nil, nil,
			[]string{"config#certificate-authority: the file it refers to is missing: /gone/ca.crt", "config#client-certificate: the file it refers to is missing: alice.crt"}},
		{"a kubeconfig that verifies nothing", map[string][]byte{"config": kubeconfig(t, clientcmdapi.Cluster{InsecureSkipTLSVerify: true}, clientcmdapi.AuthInfo{Token: "x"})}, nil, nil,
			[]string{"config: insecure-skip: allows anyone to impersonate the API server, and read all traffic"}},
		{"a broken kubeconfig", map[string][]byte{"config": []byte("kind: Config\nclusters: 1\nusers: [x]\ncontexts: {")}, nil, nil,
			[]string{"config: unreadable: cannot be read: it is not a valid kubeconfig"}},
		{"garbage DER in PEM", map[string][]byte{"web.crt": []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}, nil, nil,
			[]string{"web.crt: unreadable: cannot be read: PEM block 1: x509: malformed certificate"}},
		{"garbage between", map[string][]byte{"web.crt": slices.Concat(ca.PEM(), []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))}, []string{"web.crt"}, nil,
			[]string{"web.crt: unreadable: cannot be read: PEM block 2: x509: malformed certificate"}},
		{"PEM that is truncated", map[string][]byte{"web.crt": pki.EncodeCertificates(web)[:200]}, nil, nil,
			[]string{"web.crt: unreadable: cannot be read: PEM block 1 is truncated or damaged"}},
		{"DER that is truncated", map[string][]byte{"web.der": web.Raw[:200]}, nil, nil,
			[]string{"web.der: unreadable: cannot be read: it is truncated, or not DER"}},
		{"an empty file", map[string][]byte{"web.crt": nil, "other.crt": pki.EncodeCertificates(web)}, []string{"other.crt"}, nil,
			[]string{"web.crt: unreadable: cannot be read: it contains no certificate"}},
		{"what is none of its business", map[string][]byte{"web.crt": pki.EncodeCertificates(web), "ca-key.pem": keyPEM(t, "ca"), "README": []byte("0 hello"), "x.yaml": []byte("a: b"),
			"web.csr": []byte("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n")}, []string{"web.crt"}, nil,
			[]string{"web.csr: unreadable: cannot be read: PEM block 1 is a certificate request that cannot be parsed", passedOver(1)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := newTree(t)
			for name, data := range tt.files {
				x.write(name, data)
			}
			inv := x.inspect()
			if got := x.names(inv); !slices.Equal(got, tt.seen) {
				t.Errorf("seen %q, want %q", got, tt.seen)
			}
			var wrong []string
			for _, e := range inv.Items {
				for _, f := range e.Findings {
					if f.Severity != inventory.Info {
						wrong = append(wrong, filepath.Base(e.Name)+": "+string(f.Code))
					}
				}
			}
			if !slices.Equal(wrong, tt.faults) {
				t.Errorf("faults %q, want %q", wrong, tt.faults)
			}
			if got := x.said(inv); !slices.Equal(got, tt.said) {
				t.Errorf("said %q, want %q", got, tt.said)
			}
		})
	}
}

// passedOver is what is said of n files with nothing to read in a tree.
func passedOver(n int) string {
	return fmt.Sprintf("001: files without certificates (databases, other binary files, documents, source code): %d", n)
}

// said is said, with ROOT for the tree's root.
func (x *tree) said(inv *inventory.Inventory) []string {
	var all []string
	for _, text := range said(inv) {
		all = append(all, strings.ReplaceAll(text, x.root, "ROOT"))
	}
	return all
}

func TestFilesOnStandardInput(t *testing.T) {
	ca := pkitest.NewCA(t, "my CA")
	for _, tt := range []struct {
		name  string
		input []byte
		seen  int
		said  []string
	}{
		{"a certificate", ca.PEM(), 1, nil},
		{"DER", ca.Certificate.Raw, 1, nil},
		{"nothing", nil, 0, []string{"standard input: it contains no certificates"}},
		{"too much", bytes.Repeat([]byte{'x'}, 33<<20), 0, []string{"standard input: it is larger than 32 MiB"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := inspectFiles(t.Context(), []string{"-"}, tt.input)
			if len(inv.Items) != tt.seen || !slices.Equal(said(inv), tt.said) {
				t.Errorf("seen %d, said %q", len(inv.Items), said(inv))
			}
		})
	}
}

// What is no certificate, and what leads nowhere, holds nothing up.
func TestFilesThatAreNone(t *testing.T) {
	x := newTree(t)
	web := pki.EncodeCertificates(pkitest.NewCA(t, "my CA").Issue(t, pkitest.Server("web", "web.example")))
	x.write("a/web.crt", web)
	x.write("big.crt", nil)
	if err := os.Truncate(x.path("big.crt"), 1<<30); err != nil {
		t.Fatal(err)
	}
	x.link("a/up", "..")
	x.link("loop.crt", "pool.crt")
	x.link("pool.crt", "loop.crt")
	x.link("gone.crt", "nowhere.crt")
	x.link("gone", "nowhere")
	x.link("device", "/dev/zero")
	x.write(strings.Repeat("d/", 40)+"deep.crt", web)
	x.write("empty/nothing", nil)
	inv := x.inspect()
	if got := x.names(inv); !slices.Equal(got, []string{"a/web.crt"}) {
		t.Errorf("seen %q", got)
	}
	want := []string{
		"big.crt: it is larger than 32 MiB",
		"d: it is more than 32 directories deep",
		"device: it is not a regular file",
		"gone.crt: no such file or directory",
		"loop.crt: symbolic link loop",
		"pool.crt: symbolic link loop",
	}
	got := said(inv)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
	if got := said(x.inspect("empty")); !slices.Equal(got, []string{"empty: it contains no certificates"}) {
		t.Errorf("of an empty directory: %q", got)
	}
}

func TestFilesEndWithTheContext(t *testing.T) {
	x := newTree(t)
	x.write("ca.crt", pkitest.NewCA(t, "my CA").PEM())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if inv := inspectFiles(ctx, []string{x.root}, nil); len(inv.Items) > 0 {
		t.Error("it went on")
	}
}

// Nothing that a stranger puts into a kubeconfig stops the scan, or passes on
// the key.
func FuzzFiles(f *testing.F) {
	ca := pkitest.NewCA(f, "my CA")
	secret := []byte("c2VjcmV0c2VjcmV0c2VjcmV0")
	f.Add(kubeconfig(f, clientcmdapi.Cluster{CertificateAuthorityData: ca.PEM()}, clientcmdapi.AuthInfo{ClientCertificateData: ca.PEM(), ClientKeyData: secret}))
	f.Add([]byte(`{"kind":"Config","clusters":[],"users":[{"name":"x","user":{"client-key-data":"c2Vj"}}],"contexts":null}`))
	f.Add([]byte("clusters: [&a [*a]]\nusers:\ncontexts:\n"))
	f.Add(ca.PEM())
	f.Add(ca.Certificate.Raw)
	f.Add(append(ca.PEM(), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "file.pem")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := scan.WriteFiles(t.Context(), []string{path}, &out); err != nil {
			t.Fatal(err)
		}
		inspectFiles(t.Context(), []string{path}, nil)
	})
}
