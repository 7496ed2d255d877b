package inventory_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// A certificate may end in the last year there is, of another time zone: that
// one date does not keep all others from being written.
func TestDatesThatJSONCannotWrite(t *testing.T) {
	cert := pkitest.NewCA(t, "shop").Issue(t, pkitest.Server("shop", "shop.example"))
	cert.NotAfter = time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600)) // as crypto/x509 reads 99991231235959-0100
	found := inventory.Collector{Now: pkitest.Now}
	found.See(inventory.Sighting{
		Location: inventory.Location{Source: "secrets", Where: "shop/tls#tls.crt"}, Place: catalog.SecretLeaf, Name: "secret/shop/tls", Certificate: cert,
	})
	text, err := json.Marshal(found.Inventory(inventory.Cluster{}))
	if err != nil || !strings.Contains(string(text), `"notAfter":"9999-12-31T23:59:59Z"`) {
		t.Errorf("%v:\n%s", err, text)
	}
}
