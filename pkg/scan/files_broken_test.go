package scan_test

import (
	"crypto/x509"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// etcdCA is the file of the CA that signed the certificate in the file etcd.
func (x *tree) etcdCA(etcd string) string {
	for _, name := range []string{"server-ca.crt", "ca.crt", "ca.pem"} {
		if ca := path.Join(path.Dir(etcd), name); x.cas[ca] != nil {
			return ca
		}
	}
	x.t.Fatalf("no CA beside %s", etcd)
	return ""
}

// blamed lists the findings that somebody has to act on, each with the files that
// it is about.
func blamed(inv *inventory.Inventory) []string {
	var all []string
	for _, e := range inv.Items {
		for _, f := range e.Findings {
			if f.Severity == inventory.Info {
				continue
			}
			for _, l := range e.Locations {
				all = append(all, fmt.Sprintf("%s: %s", filepath.ToSlash(l.Where), f.Code))
			}
		}
	}
	for _, f := range inv.Findings {
		if f.Severity != inventory.Info {
			all = append(all, fmt.Sprintf("%s: %s", filepath.ToSlash(f.Where), f.Code))
		}
	}
	return all
}

// Whichever distribution made a tree, each of these breaks it, and the file is
// named. Databases that lie beside it are no matter.
func TestEveryBreakIsFoundInEveryLayout(t *testing.T) {
	clientOnly := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
	breaks := []struct {
		name  string
		spoil func(x *tree, etcd, ca string)
	}{
		{"expired", func(x *tree, etcd, ca string) { x.leaf(etcd, ca, both("e", "localhost"), pkitest.Left(-pkitest.Day)) }},
		{"soon to expire", func(x *tree, etcd, ca string) { x.leaf(etcd, ca, both("e", "localhost"), pkitest.Left(pkitest.Day)) }},
		{"not yet valid", func(x *tree, etcd, ca string) {
			x.leaf(etcd, ca, both("e", "localhost"), pkitest.Valid(pkitest.Now.Add(pkitest.Day), pkitest.Now.Add(9*pkitest.Day)))
		}},
		{"of another CA", func(x *tree, etcd, _ string) {
			x.cas["stranger"] = pkitest.NewCA(x.t, "stranger")
			x.leaf(etcd, "stranger", both("e", "localhost"))
		}},
		{"of a CA of the same name", func(x *tree, etcd, ca string) {
			x.cas["impostor"] = x.cas[ca].Impostor(x.t)
			x.leaf(etcd, "impostor", both("e", "localhost"))
		}},
		{"another's key", func(x *tree, etcd, _ string) { x.write(keyName(etcd), keyPEM(x.t, "another user")) }},
		{"an empty key", func(x *tree, etcd, _ string) { x.write(keyName(etcd), nil) }},
		{"no key", func(x *tree, etcd, _ string) {
			if err := os.Remove(x.path(keyName(etcd))); err != nil {
				x.t.Fatal(err)
			}
		}},
		{"for clients only", func(x *tree, etcd, ca string) { x.leaf(etcd, ca, both("e", "localhost"), clientOnly) }},
		{"without a name", func(x *tree, etcd, ca string) { x.leaf(etcd, ca, both("e")) }},
		{"an expired intermediate", func(x *tree, etcd, ca string) {
			middle := x.cas[ca].Intermediate(x.t, "middle", pkitest.Left(-pkitest.Day))
			cert := middle.Issue(x.t, both("e", "localhost"))
			x.write(etcd, pki.EncodeCertificates(cert, middle.Certificate))
			x.write(keyName(etcd), keyPEM(x.t, "e"))
		}},
		{"the CA first", func(x *tree, etcd, ca string) {
			cert := x.leaf(etcd, ca, both("e", "localhost"))
			x.write(etcd, pki.EncodeCertificates(x.cas[ca].Certificate, cert))
		}},
		{"truncated", func(x *tree, etcd, ca string) {
			x.write(etcd, pki.EncodeCertificates(x.leaf(etcd, ca, both("e", "localhost")))[:200])
		}},
		{"empty", func(x *tree, etcd, _ string) { x.write(etcd, nil) }},
	}
	for _, d := range distributions {
		t.Run(d.name, func(t *testing.T) {
			for _, b := range breaks {
				t.Run(b.name, func(t *testing.T) {
					x := newTree(t)
					d.make(x)
					x.write(path.Dir(d.clientCA)+"/state.db", []byte("SQLite format 3\x00\x10\x00\x01\x01"))
					x.write(path.Dir(d.etcd)+"/member/snap/db", []byte{0, 0, 0, 0, 0xed, 0xda, 0x0c, 0xed})
					inv := x.inspect()
					doubted := func(s inventory.Skip) bool { return !s.Expected }
					if got := blamed(inv); len(got) > 0 || slices.ContainsFunc(inv.Skipped, doubted) {
						t.Fatalf("healthy, and %q, skipped %+v", got, inv.Skipped)
					}
					b.spoil(x, d.etcd, x.etcdCA(d.etcd))
					got := blamed(x.inspect())
					named := func(f string) bool {
						return strings.Contains(f, "/"+d.etcd+":") || strings.Contains(f, "/"+keyName(d.etcd)+":")
					}
					if !slices.ContainsFunc(got, named) {
						t.Errorf("%s is not named: %q", d.etcd, got)
					}
				})
			}
		})
	}
}
