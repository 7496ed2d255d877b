package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crypto/x509"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// A file that an earlier run may have left counts as its result only if the
// cluster accepts what is in it.
func TestPresent(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	alice := pkitest.Client("alice", "devs")
	server := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }
	const server1 = "https://10.0.0.1:6443"
	for _, tt := range []struct {
		name  string
		cert  *x509.Certificate
		key   string
		there bool
		want  string
	}{
		{"its own", ca.Issue(t, alice), "alice", true, ""},
		{"expired", ca.Issue(t, alice, pkitest.Left(-time.Hour)), "alice", false, ""},
		{"self-signed", (&pkitest.CA{Key: pkitest.Key("alice")}).Issue(t, alice), "alice", false, "does not verify against the cluster's client CA"},
		{"self-signed, expired", (&pkitest.CA{Key: pkitest.Key("alice")}).Issue(t, alice, pkitest.Left(-time.Hour)), "alice", false, "does not verify against the cluster's client CA"},
		{"by a CA of the same name", ca.Impostor(t).Issue(t, alice), "alice", false, "does not verify against the cluster's client CA"},
		{"another key", ca.Issue(t, alice), "bob", false, "its private key does not match its certificate"},
		{"no key", ca.Issue(t, alice), "", false, "its private key does not match its certificate"},
		{"a server's", ca.Issue(t, alice, server), "alice", false, "its certificate is not a client certificate"},
		{"other groups", ca.Issue(t, pkitest.Client("alice", "admins")), "alice", false, "instead of CN=alice, O=devs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var key []byte
			if tt.key != "" {
				key, _ = pki.EncodeKey(pkitest.Key(tt.key))
			}
			data, err := kubeconfig.Build(kubeconfig.Identity{Cluster: "prod", Server: server1, CA: ca.PEM(), User: "alice", Certificate: pki.EncodeCertificates(tt.cert), Key: key})
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "alice.kubeconfig")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			b := &batch{
				app: &app{now: func() time.Time { return pkitest.Now }}, c: &cluster.Cluster{Server: server1},
				plan: &issue.Plan{ClientCA: []*x509.Certificate{ca.Certificate}}, records: &access.Records{},
			}
			n := newcomer{name: "alice", path: path, request: issue.Request{Subject: pki.Subject{CommonName: "alice", Organizations: []string{"devs"}}}}
			got, err := b.present(t.Context(), n)
			if (got != nil) != tt.there || (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v; want it there: %t, and an error that says %q", got, err, tt.there, tt.want)
			}
		})
	}
}
