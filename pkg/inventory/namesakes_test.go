package inventory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// Where somebody made more CAs of one name than anybody tries, a certificate is
// not called ok, nor signed by a CA that was not seen.
func TestTooManyNamesakes(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	for name, leaf := range map[string]inventory.Sighting{
		"in a file":   at(catalog.LeafFile, "", "", ca.Issue(t, pkitest.Client("alice"))),
		"in a secret": at(catalog.SecretLeaf, "", "", ca.Issue(t, pkitest.Server("shop", "shop.example"))),
	} {
		for _, n := range []int{3, 200} {
			t.Run(fmt.Sprint(name, " beside ", n), func(t *testing.T) {
				all := []inventory.Sighting{leaf}
				for i := range n {
					key := pkitest.Key(fmt.Sprint("namesake ", i))
					impostor := (&pkitest.CA{Key: key}).Issue(t, pkitest.Authority("kubernetes"), pkitest.PublicKey(key.Public()))
					all = append(all, at(catalog.CallBundle, "", "", impostor))
				}
				got := judge(t, pkitest.Now, all...)
				said := slices.ContainsFunc(got.Findings, func(f inventory.Finding) bool {
					return f.Code == inventory.CodeUnverified && strings.Contains(f.Message, "too many CAs")
				})
				if said != (n > 100) || said && got.ShownStatus() != inventory.Unverified {
					t.Errorf("said %t, status %s: %+v", said, got.ShownStatus(), got.Findings)
				}
			})
		}
	}
}
