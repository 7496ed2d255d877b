package inventory_test

import (
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// at is cert as seen at place, on node, where row's should be.
func at(place catalog.Place, node, row string, cert *x509.Certificate) inventory.Sighting {
	return inventory.Sighting{
		Location: inventory.Location{Source: "files", Where: string(place) + " of " + node + row},
		Place:    place, Node: node, Row: row, Name: "x", Certificate: cert,
	}
}

func usesOf(t *testing.T) []judgement {
	ca := pkitest.NewCA(t, "kubernetes")
	serial := func(c *x509.Certificate) { c.SerialNumber = big.NewInt(7) }
	numbered := func(ca *pkitest.CA, user string) inventory.Sighting {
		return client(ca.Issue(t, pkitest.Client(user), serial))
	}
	old := ca.Issue(t, pkitest.Server("control-plane", "control-plane"))
	renewed := ca.Issue(t, pkitest.Server("control-plane", "control-plane"), pkitest.ValidFor(300*pkitest.Day))
	served, file := at(catalog.EtcdClientPort, "cp-1", "", old), at(catalog.LeafFile, "cp-1", "etcd-server", renewed)
	differs := codes(inventory.CodeServedDiffers)
	scheduler := ca.Issue(t, pkitest.Client("system:kube-scheduler"))
	kubelet := ca.Issue(t, pkitest.Client("system:node:worker-1", "system:nodes"))
	wrong := codes(inventory.CodeWrongSubject)
	withKey := client(ca.Issue(t, pkitest.Client("alice")))
	withKey.Key = pkitest.Key("alice").Public()
	withOther := withKey
	withOther.Key = pkitest.Key("bob").Public()
	return []judgement{
		{"one number, one CA", beside(numbered(ca, "alice"), numbered(ca, "bob"), anchor(catalog.ClientCA, ca)), time.Time{}, codes(inventory.CodeDuplicateSerial)},
		{"one number, another CA of that name", beside(numbered(ca, "alice"), numbered(ca.Impostor(t), "bob"), anchor(catalog.ClientCA, ca), anchor(catalog.ClientCA, ca.Impostor(t))), time.Time{}, nil},
		{"one number, the same certificate", beside(numbered(ca, "alice"), numbered(ca, "alice"), anchor(catalog.ClientCA, ca)), time.Time{}, nil},

		{"what is served is not in the file", beside(served, file), time.Time{}, differs},
		{"what is served is in the file", beside(served, at(catalog.LeafFile, "cp-1", "etcd-server", old)), time.Time{}, nil},
		{"another node's file differs", beside(served, at(catalog.LeafFile, "cp-2", "etcd-server", renewed)), time.Time{}, nil},
		{"another server's file differs", beside(served, at(catalog.LeafFile, "cp-1", "etcd-peer", renewed)), time.Time{}, nil},
		{"the file of a server on a node not known", beside(at(catalog.EtcdClientPort, "", "", old), file), time.Time{}, differs},
		{"a file is not blamed", beside(file, served), time.Time{}, nil},

		{"the right file", beside(at(catalog.LeafFile, "", "scheduler", scheduler)), time.Time{}, nil},
		{"another component's file", beside(at(catalog.LeafFile, "", "controller-manager", scheduler)), time.Time{}, wrong},
		{"the kubelet's file of its node", beside(at(catalog.LeafFile, "worker-1", "kubelet-client", kubelet)), time.Time{}, nil},
		{"the kubelet's file of another node", beside(at(catalog.LeafFile, "worker-2", "kubelet-client", kubelet)), time.Time{}, wrong},

		{"with its key", beside(withKey), time.Time{}, nil},
		{"with another key", beside(withOther), time.Time{}, codes(inventory.CodeKeyMismatch)},
	}
}

func powersOf(t *testing.T) []judgement {
	ca := pkitest.NewCA(t, "kubernetes")
	master := ca.Issue(t, pkitest.Client("kubernetes-super-admin", catalog.Masters))
	years := func(options ...pkitest.Option) *x509.Certificate {
		return ca.Issue(t, append(options, pkitest.Valid(pkitest.Now, pkitest.Now.Add(3*365*pkitest.Day)))...)
	}
	long := codes(inventory.CodeLongLivedClient)
	power := codes(inventory.CodeClusterAdmin)
	selfSigned := &pkitest.CA{Key: pkitest.Key("etcd")}
	ending := pkitest.NewCA(t, "kubernetes", pkitest.ValidFor(100*pkitest.Day))
	return []judgement{
		{"a master in a kubeconfig", beside(client(master), anchor(catalog.ClientCA, ca)), time.Time{}, power},
		{"a master in kubeadm's file", beside(at(catalog.LeafFile, "cp-1", "super-admin", master)), time.Time{}, power},

		{"a person for three years", beside(client(years(pkitest.Client("alice")))), time.Time{}, long},
		{"a component for three years", beside(at(catalog.LeafFile, "", "scheduler", years(pkitest.Client("system:kube-scheduler")))), time.Time{}, long},
		{"a server for three years", beside(server(years(pkitest.Server("api", "api")), "api")), time.Time{}, nil},

		{"etcd signs for itself", beside(at(catalog.EtcdClientPort, "cp-1", "", selfSigned.Issue(t, pkitest.Server("etcd", "etcd")))), time.Time{}, codes(inventory.CodeSelfSigned)},
		{"the scheduler may", beside(at(catalog.SchedulerPort, "cp-1", "", selfSigned.Issue(t, pkitest.Server("etcd", "etcd")))), time.Time{}, nil},

		{"the CA ends first", beside(client(ending.Issue(t, pkitest.Client("alice"))), anchor(catalog.ClientCA, ending)), time.Time{}, codes(inventory.CodeCAExpiresFirst)},
		{"the CA was renewed", beside(client(ending.Issue(t, pkitest.Client("alice"))), anchor(catalog.ClientCA, ending), anchor(catalog.ClientCA, ca)), time.Time{}, nil},
	}
}

func manyOf(t *testing.T) []judgement {
	ca := pkitest.NewCA(t, "issuer")
	between := ca.Intermediate(t, "between")
	in := func(place catalog.Place, cert *x509.Certificate, behind ...*x509.Certificate) inventory.Sighting {
		s := at(place, "", "", cert)
		s.Intermediates = behind
		return s
	}
	leaf := between.Issue(t, pkitest.Server("shop", "shop.example"))
	return []judgement{
		{"a secret in order", beside(in(catalog.SecretLeaf, leaf, between.Certificate, ca.Certificate)), time.Time{}, nil},
		{"a secret has expired", beside(in(catalog.SecretLeaf, between.Issue(t, pkitest.Server("shop", "shop.example"), pkitest.Left(-pkitest.Day)))), time.Time{}, codes(inventory.CodeExpired)},
		{"a secret whose CA ends first", beside(in(catalog.SecretLeaf, ca.Issue(t, pkitest.Server("shop", "shop.example"), pkitest.Valid(pkitest.Now, pkitest.Now.Add(500*pkitest.Day)))), in(catalog.SecretCA, ca.Certificate)), time.Time{}, codes(inventory.CodeCAExpiresFirst)},
	}
}

// How bad it is depends on where it is.
func TestSeverities(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	gone := ca.Issue(t, pkitest.Client("alice"), pkitest.Left(-pkitest.Day))
	oldCA, newCA := pkitest.NewCA(t, "kubernetes", pkitest.Left(-pkitest.Day)), ca
	master := ca.Issue(t, pkitest.Client("root", catalog.Masters))
	years := pkitest.Valid(pkitest.Now, pkitest.Now.Add(3*365*pkitest.Day))
	selfSigned := (&pkitest.CA{Key: pkitest.Key("w")}).Issue(t, pkitest.Server("w", "w"))
	other := pkitest.NewCA(t, "other")
	theirs := other.Issue(t, pkitest.Client("bob"))
	behind := func(s inventory.Sighting) inventory.Sighting { s.Where = "web.crt"; return s }
	tests := []struct {
		name  string
		input []inventory.Sighting
		want  inventory.Severity
	}{
		{"expired, in use", beside(client(gone)), inventory.Critical},
		{"expired, another context's", beside(at(catalog.OtherContextClient, "", "", gone)), inventory.Warning},
		{"expired, another context's, and in use", beside(at(catalog.OtherContextClient, "", "", gone), client(gone)), inventory.Critical},
		{"expired, in a request that was answered", beside(at(catalog.IssuedRequest, "", "", gone)), inventory.Info},
		{"an expired record of what was issued", beside(at(catalog.IssuedRecord, "", "", gone)), inventory.Info},
		{"expired, beside a key that has no end", beside(at(catalog.LeafFile, "", "service-account", ca.Issue(t, pkitest.Client("service-accounts"), pkitest.Left(-pkitest.Day)))), inventory.Info},
		{"an expired CA alone", beside(anchor(catalog.RootCA, oldCA)), inventory.Critical},
		{"an expired CA beside its successor", beside(anchor(catalog.RootCA, oldCA), anchor(catalog.RootCA, newCA)), inventory.Info},
		{"an expired CA beside a stranger", beside(anchor(catalog.ClientCA, oldCA), anchor(catalog.ClientCA, other)), inventory.Critical},
		{"an expired CA beside one that is in use", beside(anchor(catalog.ClientCA, oldCA), anchor(catalog.ClientCA, other), client(theirs)), inventory.Warning},
		{"an expired CA beside one that is in use, and alone elsewhere", beside(anchor(catalog.ClientCA, oldCA), anchor(catalog.ClientCA, other), client(theirs), anchor(catalog.RootCA, oldCA)), inventory.Critical},
		{"an expired CA beside one that is in use by who is over", beside(anchor(catalog.ClientCA, oldCA), anchor(catalog.ClientCA, other), client(other.Issue(t, pkitest.Client("bob"), pkitest.Left(-pkitest.Day)))), inventory.Warning},
		{"an expired CA that one is refused for", beside(anchor(catalog.ClientCA, oldCA), anchor(catalog.ClientCA, other), client(theirs), client(ca.Issue(t, pkitest.Client("carol")))), inventory.Critical},
		{"an expired CA behind who does not need it, and in its file", beside(behind(at(catalog.PresentedCA, "", "", oldCA.Certificate)), behind(at(catalog.LeafFile, "", "", oldCA.Certificate))), inventory.Warning},
		{"an expired CA behind one, and in another file", beside(behind(at(catalog.PresentedCA, "", "", oldCA.Certificate)), at(catalog.LeafFile, "", "", oldCA.Certificate)), inventory.Critical},
		{"a client with a key for no TLS", beside(client(ca.Sign(t, ecdsaKeyOf(t, elliptic.P224()), pki.Subject{CommonName: "alice"}))), inventory.Critical},
		{"a CA with a key for no TLS", beside(anchor(catalog.ClientCA, newCAOf(t, ecdsaKeyOf(t, elliptic.P224())))), inventory.Info},
		{"a client with RSA of 1024 bits", beside(client(ca.Sign(t, rsaKeyOf(t, 1024).Public(), pki.Subject{CommonName: "alice"}))), inventory.Warning},
		{"a client with RSA of 1023 bits", beside(client(ca.Sign(t, shortRSA(t), pki.Subject{CommonName: "alice"}))), inventory.Critical},
		{"a CA with RSA of 1023 bits", beside(anchor(catalog.ClientCA, newCAOf(t, shortRSA(t)))), inventory.Warning},
		{"a master in a kubeconfig", beside(client(master)), inventory.Warning},
		{"a master in kubeadm's file", beside(at(catalog.LeafFile, "cp-1", "super-admin", master)), inventory.Info},
		{"a master in another file", beside(at(catalog.LeafFile, "cp-1", "admin", master)), inventory.Warning},
		{"a person for years", beside(client(ca.Issue(t, pkitest.Client("alice"), years))), inventory.Warning},
		{"a component for years", beside(client(ca.Issue(t, pkitest.Client("system:kube-proxy"), years))), inventory.Info},
		{"a kubelet signs for itself", beside(at(catalog.KubeletPort, "w", "", selfSigned)), inventory.Info},
		{"etcd signs for itself", beside(at(catalog.EtcdClientPort, "w", "", selfSigned)), inventory.Warning},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			worst := inventory.Info
			for _, f := range judge(t, pkitest.Now, tt.input...).Findings {
				if f.Severity.Compare(worst) > 0 {
					worst = f.Severity
				}
			}
			if worst != tt.want {
				t.Errorf("got %s, want %s", worst, tt.want)
			}
		})
	}
}

// shortRSA is a public key alone.
func shortRSA(t *testing.T) *rsa.PublicKey {
	t.Helper()
	n := new(big.Int).Lsh(big.NewInt(1), 1022)
	return &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537}
}

// A span that was asked for is taken as it is.
func TestWithin(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	for _, tt := range []struct {
		name   string
		life   time.Duration
		within time.Duration
		want   bool
	}{
		{"a year, of which 300 days", 365 * pkitest.Day, 366 * pkitest.Day, true},
		{"a year, of which 10 days", 365 * pkitest.Day, 10 * pkitest.Day, false},
		{"a shift, of which a day", 8 * time.Hour, pkitest.Day, true},
		{"a shift by default", 8 * time.Hour, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := collect(client(ca.Issue(t, pkitest.Client("alice"), pkitest.ValidFor(tt.life))))
			found.Within = tt.within
			got := slices.ContainsFunc(found.Inventory(inventory.Cluster{}).Items[0].Findings, func(f inventory.Finding) bool {
				return f.Code == inventory.CodeExpiresSoon
			})
			if got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}

// Requests wait for somebody only so long.
func TestPendingTooLong(t *testing.T) {
	for _, tt := range []struct {
		name   string
		state  inventory.RequestState
		waited time.Duration
		want   bool
	}{
		{"asked just now", inventory.Pending, 10 * time.Minute, false},
		{"asked before the coffee", inventory.Pending, 10*time.Minute + 1, true},
		{"approved just now", inventory.Approved, 5 * time.Minute, false},
		{"approved and forgotten", inventory.Approved, 5*time.Minute + 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := inventory.Collector{Now: pkitest.Now}
			found.Await(inventory.Request{Name: "csr-1", Signer: "s", State: tt.state, CreatedAt: pkitest.Now.Add(-tt.waited)})
			got := found.Inventory(inventory.Cluster{}).Requests[0].Findings
			if (len(got) == 1 && got[0].Code == inventory.CodePendingTooLong) != tt.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// A scan for faults lets go of what is sound among the many, and of nothing
// else.
func TestFaultsOnly(t *testing.T) {
	ca := pkitest.NewCA(t, "issuer")
	secret := func(options ...pkitest.Option) inventory.Sighting {
		return at(catalog.SecretLeaf, "", "", ca.Issue(t, append([]pkitest.Option{pkitest.Server("shop", "shop.example")}, options...)...))
	}
	found := inventory.Collector{Now: pkitest.Now, FaultsOnly: true}
	for _, s := range []inventory.Sighting{secret(), secret(pkitest.Left(-pkitest.Day)), client(ca.Issue(t, pkitest.Client("alice")))} {
		found.See(s)
	}
	inv := found.Inventory(inventory.Cluster{})
	if len(inv.Items) != 2 || found.Count() != 3 {
		t.Errorf("%d kept of %d", len(inv.Items), found.Count())
	}
}

// Where clients have a CA of their own, it is not called as the servers' is.
func TestTwoCAs(t *testing.T) {
	servers, clients := pkitest.NewCA(t, "k3s-server-ca"), pkitest.NewCA(t, "k3s-client-ca")
	inv := collect(anchor(catalog.RootCA, servers), anchor(catalog.ClientCA, clients), client(clients.Issue(t, pkitest.Client("alice")))).Inventory(inventory.Cluster{})
	var got []string
	for _, e := range inv.Items {
		got = append(got, e.Name+" of "+e.SignedBy)
	}
	if want := []string{"ca of ca", "client-ca of client-ca", "kubeconfig/dev#client-certificate of client-ca"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
