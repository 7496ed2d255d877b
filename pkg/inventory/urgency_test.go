package inventory_test

import (
	"crypto/x509"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// How bad it is that something is over depends on whether it is presented itself,
// and on how near it stands to what is.
func TestUrgency(t *testing.T) {
	over := pkitest.Left(-pkitest.Day)
	root := pkitest.NewCA(t, "root")
	near := root.Intermediate(t, "near", over)
	far := root.Intermediate(t, "far", over)
	secret := func(behind ...*x509.Certificate) inventory.Sighting {
		s := at(catalog.SecretLeaf, "", "", near.Issue(t, pkitest.Server("shop", "shop.example")))
		s.Intermediates = behind
		return s
	}
	// A server that signs for itself, with a certificate that says it is a CA.
	own := func(serial int64, options ...pkitest.Option) *x509.Certificate {
		self := &pkitest.CA{Key: pkitest.Key("own")}
		return self.Issue(t, append([]pkitest.Option{pkitest.Server("own", "own"), func(c *x509.Certificate) {
			c.IsCA, c.SerialNumber = true, big.NewInt(serial)
		}}, options...)...)
	}
	gone := root.Issue(t, pkitest.Client("alice"), over)
	inFile := func(cert *x509.Certificate) inventory.Sighting { return at(catalog.LeafFile, "", "", cert) }
	oldServer := own(1, over)
	for _, tt := range []struct {
		name  string
		of    *x509.Certificate
		input []inventory.Sighting
		want  inventory.Severity
	}{
		{"the intermediate that signed a secret's certificate", near.Certificate, beside(secret(near.Certificate, far.Certificate)), inventory.Critical},
		{"one that stands further behind", far.Certificate, beside(secret(near.Certificate, far.Certificate)), inventory.Warning},
		{"a CA that is presented itself, beside its successor", oldServer, beside(server(oldServer, "own"), server(own(2), "own")), inventory.Critical},
		{"a leaf in a file beside a CA", gone, beside(inFile(gone), inFile(root.Certificate)), inventory.Critical},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := false
			for _, e := range collect(tt.input...).Inventory(inventory.Cluster{}).Items {
				if e.Subject.CommonName != tt.of.Subject.CommonName || !e.NotAfter.Equal(tt.of.NotAfter) {
					continue
				}
				for _, f := range e.Findings {
					if f.Code == inventory.CodeExpired {
						found = true
						if f.Severity != tt.want {
							t.Errorf("got %s, want %s", f.Severity, tt.want)
						}
					}
				}
			}
			if !found {
				t.Error("not said to be over")
			}
		})
	}
}

// What is to be done about a CA that is over depends on how it is used: only what
// is sent along, and was signed by another, can be issued again without a word to
// those who trust.
func TestFixOfCA(t *testing.T) {
	over := pkitest.Left(-pkitest.Day)
	root, goneRoot := pkitest.NewCA(t, "root"), pkitest.NewCA(t, "root", over)
	between := root.Intermediate(t, "between", over)
	cert := between.Certificate
	trusted, other := anchor(catalog.ClientCA, root), anchor(catalog.ClientCA, pkitest.NewCA(t, "other"))
	const again, replace, removeIt = "reissue the intermediate CA", "replace the CA: everything", "it was replaced, and no known"
	for _, tt := range []struct {
		name  string
		input []inventory.Sighting
		want  string
	}{
		{"an intermediate that is presented", beside(at(catalog.PresentedCA, "", "", cert), trusted), again},
		{"an intermediate in a file too", beside(at(catalog.PresentedCA, "", "", cert), at(catalog.LeafFile, "", "", cert), trusted), again},
		{"an intermediate that is trusted too", beside(at(catalog.PresentedCA, "", "", cert), at(catalog.ClientCA, "", "", cert), trusted), replace},
		{"an intermediate that is only trusted", beside(at(catalog.ClientCA, "", "", cert), trusted), replace},
		{"an intermediate in a file alone", beside(at(catalog.LeafFile, "", "", cert), trusted), replace},
		{"a root that is presented", beside(at(catalog.PresentedCA, "", "", goneRoot.Certificate)), replace},
		{"a root", beside(at(catalog.ClientCA, "", "", goneRoot.Certificate)), replace},
		{"a root beside another", beside(at(catalog.ClientCA, "", "", goneRoot.Certificate), other), replace},
		{"a root that was replaced", beside(anchor(catalog.ClientCA, goneRoot), anchor(catalog.ClientCA, root)), removeIt},
		{"a leaf that is presented behind another", beside(at(catalog.PresentedCA, "", "", root.Issue(t, pkitest.Client("alice"), over)), trusted), "ask its issuer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			findings := judge(t, pkitest.Now, tt.input...).Findings
			i := slices.IndexFunc(findings, func(f inventory.Finding) bool { return f.Code == inventory.CodeExpired })
			if i < 0 || !strings.HasPrefix(findings[i].Fix, tt.want) {
				t.Errorf("got %+v, want %q", findings, tt.want)
			}
		})
	}
}
