package scan_test

// These tests hold what is said of a pair of files against what Go's own servers
// make of it: what crypto/tls refuses is said, and what it takes is not.

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// pkcs8 is a key of an algorithm that Go does not have, by its OID's DER.
func pkcs8(oid ...byte) []byte {
	algorithm := append([]byte{0x30, byte(len(oid) + 2), 0x06, byte(len(oid))}, oid...)
	private := append([]byte{0x04, 0x3b, 0x04, 0x39}, make([]byte, 57)...)
	body := slices.Concat([]byte{0x02, 0x01, 0x00}, algorithm, private)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: append([]byte{0x30, byte(len(body))}, body...)})
}

func TestPairsAreJudgedAsGoDoes(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	cert := pki.EncodeCertificates(ca.Issue(t, pkitest.Server("kube-apiserver", "kubernetes")))
	key := keyPEM(t, "kube-apiserver")
	block, _ := pem.Decode(key)
	tests := []struct {
		name      string
		cert, key []byte // nil for none
		want      string
	}{
		{"sound", cert, key, ""},
		{"with its CA behind", slices.Concat(cert, ca.PEM()), key, ""},
		{"behind its CA", slices.Concat(ca.PEM(), cert), key, "number 2:"},
		{"behind two", slices.Concat(ca.PEM(), pkitest.NewCA(t, "other").PEM(), cert), key, "number 3:"},
		{"the key of its CA", slices.Concat(cert, ca.PEM()), keyPEM(t, "kubernetes"), ""},
		{"in the middle of CAs", slices.Concat(ca.PEM(), cert, ca.PEM()), key, "number 2:"},
		{"behind another's", slices.Concat(pki.EncodeCertificates(ca.Issue(t, pkitest.Server("other", "other"))), cert), key, "number 2:"},
		{"behind its CA, with Windows' line ends", bytes.ReplaceAll(slices.Concat(ca.PEM(), cert), []byte("\n"), []byte("\r\n")), key, "number 2:"},
		{"another's key", cert, keyPEM(t, "other"), ""},
		{"an empty key", cert, []byte{}, "an empty file"},
		{"a blank key", cert, []byte("\n \n"), "an empty file"},
		{"a key cut off", cert, key[:60], "truncated"},
		{"a key cut off in its first line", cert, key[:15], "truncated"},
		{"a certificate with a key", cert, cert, "contains a certificate instead"},
		{"a public key", cert, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}), "contains a public key instead"},
		{"a request for a key", cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte("x")}), "contains a certificate request instead"},
		{"no key", cert, nil, "is missing"},
		{"an encrypted key", cert, pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}), "has a passphrase"},
		{"an encrypted key, as it was", cert, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, Bytes: []byte("x")}), "has a passphrase"},
		{"a key as DER", cert, block.Bytes, "in DER"},
		{"a key behind a mark", cert, append([]byte("\ufeff"), key...), "does not begin at the start of its line"},
		{"an indented key", cert, append([]byte("  "), key...), "does not begin at the start of its line"},
		{"Ed448", cert, pkcs8(0x2b, 0x65, 0x71), "Ed448: Kubernetes refuses this key"},
		{"RSA-PSS", cert, pkcs8(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a), "RSA-PSS: Kubernetes refuses this key"},
		{"ML-DSA", cert, pkcs8(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12), "ML-DSA-65: Kubernetes refuses this key"},
		{"nobody's algorithm", cert, pkcs8(0x2a, 0x03, 0x04), "1.2.3.4: Kubernetes refuses this key"},
		{"nonsense in a key", cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("nonsense")}), "cannot be parsed"},
		{"a good key behind nonsense", cert, append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("nonsense")}), key...), "servers load the first"},
		{"a key under another label", cert, bytes.ReplaceAll(key, []byte("PRIVATE KEY"), []byte("EC PRIVATE KEY")), ""},
		{"parameters before the key", cert, append([]byte("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"), key...), ""},
		{"text for a key", cert, []byte("hello\n"), "contains no private key"},
		{"a certificate in DER", ca.Certificate.Raw, key, "in DER"},
		{"a certificate behind a mark", append([]byte("\ufeff"), cert...), key, "byte order mark"},
		{"a certificate in one line", bytes.ReplaceAll(cert, []byte("\n"), nil), key, "lost its line breaks"},
		{"a certificate with old line ends", bytes.ReplaceAll(cert, []byte("\n"), []byte("\r")), key, "lost its line breaks"},
		{"a certificate with Windows' line ends", bytes.ReplaceAll(cert, []byte("\n"), []byte("\r\n")), key, ""},
		{"a trusted certificate", bytes.ReplaceAll(cert, []byte("CERTIFICATE"), []byte("TRUSTED CERTIFICATE")), key, "TRUSTED CERTIFICATE"},
		{"an empty certificate", []byte{}, key, "it contains no certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := newTree(t)
			makeKubeadm(x)
			x.write("etc/kubernetes/pki/ca.crt", ca.PEM())
			x.write("etc/kubernetes/pki/ca.key", keyPEM(t, "kubernetes"))
			x.write("etc/kubernetes/pki/apiserver.crt", tt.cert)
			keyFile := x.path("etc/kubernetes/pki/apiserver.key")
			if tt.key == nil {
				if err := os.Remove(keyFile); err != nil {
					t.Fatal(err)
				}
			} else {
				x.write("etc/kubernetes/pki/apiserver.key", tt.key)
			}
			_, refused := tls.LoadX509KeyPair(x.path("etc/kubernetes/pki/apiserver.crt"), keyFile)
			var critical []string
			inv := x.inspect("etc/kubernetes/pki")
			for _, f := range inv.Findings {
				if f.Severity == inventory.Critical {
					critical = append(critical, f.Message)
					if !strings.HasPrefix(f.Where, x.path("etc/kubernetes/pki/apiserver.")) {
						t.Errorf("%s is blamed: %s", f.Where, f.Message)
					}
				}
			}
			for _, e := range inv.Items {
				if e.Name == "apiserver" && refused != nil && e.Status != inventory.Invalid {
					t.Errorf("%s is called %s; Go says %v", e.Name, e.Status, refused)
				}
				for _, f := range e.Findings {
					if f.Code == inventory.CodeKeyMismatch && e.Name == "apiserver" {
						critical = append(critical, f.Message)
					}
				}
			}
			if (refused != nil) != (len(critical) > 0) {
				t.Errorf("said %q; Go says %v", critical, refused)
			}
			if all := strings.Join(critical, "\n"); !strings.Contains(all, tt.want) {
				t.Errorf("said %q, want %q", all, tt.want)
			}
		})
	}
}

// A kubeconfig's pair is loaded in the same way (client-go's transport).
func TestKubeconfigPairsAreJudgedAsGoDoes(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	cert, key := pki.EncodeCertificates(ca.Issue(t, pkitest.Client("alice"))), keyPEM(t, "alice")
	for name, pair := range map[string][2][]byte{
		"sound":         {cert, key},
		"behind its CA": {slices.Concat(ca.PEM(), cert), key},
		"another's":     {cert, keyPEM(t, "bob")},
		"encrypted":     {cert, pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})},
		"no key in it":  {cert, cert},
		"Ed448":         {cert, pkcs8(0x2b, 0x65, 0x71)},
	} {
		_, refused := tls.X509KeyPair(pair[0], pair[1])
		x := newTree(t)
		encode := base64.StdEncoding.EncodeToString
		x.write("admin.conf", []byte("apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers:\n- name: u\n  user:\n    client-certificate-data: "+encode(pair[0])+"\n    client-key-data: "+encode(pair[1])+"\n"))
		inv := x.inspect()
		said := slices.ContainsFunc(inv.Findings, func(f inventory.PlaceFinding) bool {
			return f.Code == inventory.CodeKeyUnusable || f.Code == inventory.CodeKeyMismatch
		})
		for _, e := range inv.Items {
			said = said || slices.ContainsFunc(e.Findings, func(f inventory.Finding) bool { return f.Code == inventory.CodeKeyMismatch })
		}
		if said != (refused != nil) {
			t.Errorf("%s: said %+v; Go says %v", name, inv.Findings, refused)
		}
	}
}

// What Go's parser, and so Kubernetes, passes over in a bundle of CAs is said, and
// is no anchor; what it reads is not complained of.
func TestBundlesAreReadAsGoDoes(t *testing.T) {
	old, current := pkitest.NewCA(t, "old"), pkitest.NewCA(t, "kubernetes")
	indented := "  " + strings.ReplaceAll(strings.TrimSpace(string(old.PEM())), "\n", "\n  ") + "\n"
	headed := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Headers: map[string]string{"X": "y"}, Bytes: old.Certificate.Raw})
	for name, tt := range map[string]struct {
		bundle string
		said   bool
	}{
		"two":               {string(old.PEM()) + string(current.PEM()), false},
		"text between":      {"# my CAs\n" + string(old.PEM()) + "and the other\n" + string(current.PEM()), false},
		"a mark":            {"\ufeff" + string(old.PEM()) + string(current.PEM()), true},
		"indented":          {indented + string(current.PEM()), true},
		"text before BEGIN": {"cert: " + string(old.PEM()) + string(current.PEM()), true},
		"headers":           {string(headed) + string(current.PEM()), true},
		"X509":              {strings.ReplaceAll(string(old.PEM()), "CERTIFICATE", "X509 CERTIFICATE") + string(current.PEM()), true},
		"commented out":     {"# " + strings.ReplaceAll(strings.TrimSpace(string(old.PEM())), "\n", "\n# ") + "\n" + string(current.PEM()), false},
		"a sentence":        {"It begins with -----BEGIN CERTIFICATE----- and so on.\n" + string(current.PEM()), false},
	} {
		x := newTree(t)
		x.write("etc/kubernetes/pki/ca.crt", []byte(tt.bundle))
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(tt.bundle))
		inv := x.inspect()
		said := slices.ContainsFunc(inv.Findings, func(f inventory.PlaceFinding) bool {
			return f.Code == inventory.CodeUnreadable && f.Severity == inventory.Critical && filepath.Base(f.Where) == "ca.crt"
		})
		if said != tt.said {
			t.Errorf("%s: said %+v", name, inv.Findings)
		}
		anchors := 0
		for _, e := range inv.Items {
			if e.Name == "ca" {
				anchors++
			}
		}
		//lint:ignore SA1019 this is not the system's pool, whose subjects it leaves out
		if want := len(pool.Subjects()); anchors != want {
			t.Errorf("%s: %d anchors, Go has %d", name, anchors, want)
		}
	}
}
