package inventory_test

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// tree is a copy of a control plane's files.
type tree string

func (o tree) file(place catalog.Place, path, row string, cert *x509.Certificate, behind ...*x509.Certificate) inventory.Sighting {
	where := string(o) + "/" + path
	return inventory.Sighting{Location: inventory.Location{Source: "files", Where: where}, Place: place, Row: row, Name: where,
		Owner: string(o), Certificate: cert, Intermediates: behind}
}

// conf is the CA in a kubeconfig that a component connects to server by.
func (o tree) conf(path, server string, ca *pkitest.CA) inventory.Sighting {
	s := o.file(catalog.ServerCAFile, path, "ca", ca.Certificate)
	s.Server, s.Address = server+":6443", server
	return s
}

// foreign is the CA in a kubeconfig of no known name.
func (o tree) foreign(path, host, port string, ca *pkitest.CA) inventory.Sighting {
	s := o.file(catalog.KubeconfigCA, path, "", ca.Certificate)
	s.Server, s.Address = host+":"+port, host
	return s
}

func (o tree) api(t testing.TB, ca *pkitest.CA) inventory.Sighting {
	cert := ca.Issue(t, pkitest.Server("kube-apiserver", "10.0.0.1", "127.0.0.1"))
	return o.file(catalog.LeafFile, "pki/apiserver.crt", "apiserver", cert)
}

func (o tree) ca(ca *pkitest.CA) inventory.Sighting {
	return o.file(catalog.ServerCAFile, "pki/ca.crt", "ca", ca.Certificate)
}

// presentedTo is what the API server at address presents to those of place who
// ask for name.
func presentedTo(who catalog.Place, address, name string, cert *x509.Certificate) inventory.Sighting {
	s := server(cert, name)
	s.Location.Where = address
	s.Server, s.For = address, []catalog.Place{who}
	return s
}

// contextCA is the CA of the context that connects to address by name.
func contextCA(place catalog.Place, context, address, name string, ca *pkitest.CA) inventory.Sighting {
	s := anchor(place, ca)
	s.Where, s.Server, s.Address = context+"#certificate-authority", address, name
	return s
}

// Who verifies whom: a certificate is broken for somebody, and only for those who
// really connect there.
func TestRelation(t *testing.T) {
	ca, other := pkitest.NewCA(t, "kubernetes"), pkitest.NewCA(t, "other")
	old := ca.Impostor(t) // of its name, with another key
	proxy := pkitest.NewCA(t, "proxy")
	a, b := tree("/a"), tree("/b")
	public := proxy.Issue(t, pkitest.Server("public", "k8s.example"))
	cluster := ca.Issue(t, pkitest.Server("kube-apiserver", "kubernetes.default.svc", "10.0.0.1"))
	people := presentedTo(catalog.KubeconfigCA, "192.0.2.1:6443", "k8s.example", public)
	pods := presentedTo(catalog.RootCA, "192.0.2.1:6443", "kubernetes.default.svc", cluster)
	joining := contextCA(catalog.ClusterInfoCA, "cluster-info", "cp:6443", "cp", other)
	tests := []struct {
		name  string
		input []inventory.Sighting
		want  string // what is said of the first: severity and whom it is broken for; "" for nothing
	}{
		// f01 and its neighbours
		{"every conf keeps the CA that was replaced", beside(a.api(t, ca), a.ca(ca), a.conf("admin.conf", "10.0.0.1", old), a.conf("scheduler.conf", "10.0.0.1", old)),
			"critical /a/admin.conf and /a/scheduler.conf"},
		{"one conf does", beside(a.api(t, ca), a.ca(ca), a.conf("admin.conf", "10.0.0.1", ca), a.conf("scheduler.conf", "10.0.0.1", old)), "critical /a/scheduler.conf"},
		{"a conf has both CAs", beside(a.api(t, ca), a.ca(ca), a.conf("admin.conf", "10.0.0.1", ca), a.conf("admin.conf", "10.0.0.1", old)), ""},
		{"ca.crt is the old one, and confs are new", beside(a.api(t, ca), a.ca(old), a.conf("admin.conf", "10.0.0.1", ca)), "critical /a/pki/ca.crt"},
		{"a conf keeps the old CA, and another address", beside(a.api(t, ca), a.ca(ca), a.conf("admin.conf", "10.0.0.9", old)), "critical /a/admin.conf"},
		{"a conf connects to a proxy in front", beside(a.api(t, ca), a.ca(ca), a.conf("admin.conf", "lb.example", proxy)), ""},
		{"another tree has the right CA", beside(a.api(t, ca), a.ca(old), b.api(t, ca), b.ca(ca)), "critical /a/pki/ca.crt"},
		{"another tree has the wrong CA", beside(a.api(t, ca), a.ca(ca), b.ca(old), b.conf("admin.conf", "10.0.0.1", old)), ""},

		// f03 and its neighbours
		{"an audit webhook's kubeconfig", beside(a.api(t, ca), a.ca(ca), a.foreign("audit.conf", "audit.example", "8443", other)), ""},
		{"a webhook's on this machine", beside(a.api(t, ca), a.ca(ca), a.foreign("authn.conf", "127.0.0.1", "21362", other)), ""},
		{"somebody's, of this API server, with a wrong CA", beside(a.api(t, ca), a.ca(ca), a.foreign("alice.conf", "10.0.0.1", "6443", other)), "critical /a/alice.conf"},
		{"somebody's, of this API server", beside(a.api(t, ca), a.ca(ca), a.foreign("alice.conf", "10.0.0.1", "6443", ca)), ""},
		{"somebody's, of another cluster", beside(a.api(t, ca), a.ca(ca), a.foreign("prod.conf", "192.0.2.7", "6443", other)), ""},

		// L01, SNI and their neighbours
		{"a proxy that the kubeconfig trusts", beside(people, pods, contextCA(catalog.KubeconfigCA, "dev", "192.0.2.1:6443", "k8s.example", proxy), anchor(catalog.RootCA, ca)), ""},
		{"a proxy that it does not", beside(people, pods, contextCA(catalog.KubeconfigCA, "dev", "192.0.2.1:6443", "k8s.example", ca), anchor(catalog.RootCA, ca)),
			"critical dev#certificate-authority (kubeconfig CA)"},
		{"pods' name, and the kubeconfig has a public CA", beside(pods, people, contextCA(catalog.KubeconfigCA, "dev", "192.0.2.1:6443", "k8s.example", proxy), anchor(catalog.RootCA, ca)), ""},
		{"pods' name, and pods have another CA", beside(pods, people, contextCA(catalog.KubeconfigCA, "dev", "192.0.2.1:6443", "k8s.example", proxy), anchor(catalog.RootCA, other)),
			"critical pods (kube-root-ca.crt)"},
		{"another context connects there with an old CA", beside(people, contextCA(catalog.KubeconfigCA, "dev", "192.0.2.1:6443", "k8s.example", proxy), contextCA(catalog.OtherContextCA, "old", "192.0.2.1:6443", "k8s.example", old)),
			"warning old#certificate-authority (kubeconfig CA)"},
		{"another context connects elsewhere", beside(people, contextCA(catalog.KubeconfigCA, "dev", "192.0.2.1:6443", "k8s.example", proxy), contextCA(catalog.OtherContextCA, "prod", "192.0.2.2:6443", "k8s.example", other)), ""},
		{"joining nodes have another CA", beside(pods, anchor(catalog.RootCA, ca), joining), "warning joining nodes (cluster-info-ca)"},
		{"joining nodes connect to the proxy", beside(people, pods, joining, contextCA(catalog.ClusterInfoCA, "cluster-info", "192.0.2.1:6443", "k8s.example", proxy)), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, f := range judge(t, pkitest.Now, tt.input...).Findings {
				if f.Code == inventory.CodeChainBroken {
					who, _, _ := strings.Cut(strings.TrimPrefix(f.Message, "does not verify for "), ": ")
					got = append(got, string(f.Severity)+" "+who)
				}
			}
			if strings.Join(got, "; ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A kubeconfig that names no CA trusts this machine's roots.
func TestSystemRoots(t *testing.T) {
	ca, other := pkitest.NewCA(t, "public"), pkitest.NewCA(t, "other")
	cert := ca.Issue(t, pkitest.Server("k8s", "k8s.example"))
	for name, tt := range map[string]struct {
		root *pkitest.CA
		want int
	}{"a public certificate": {ca, 0}, "one of its own CA": {other, 1}} {
		t.Run(name, func(t *testing.T) {
			pool := x509.NewCertPool()
			pool.AddCert(tt.root.Certificate)
			found := collect(presentedTo(catalog.KubeconfigCA, "k8s.example:443", "k8s.example", cert))
			found.Trust(inventory.Pool{Location: inventory.Location{Source: "kubeconfig", Where: "dev#server"}, Place: catalog.KubeconfigCA,
				Server: "k8s.example:443", Address: "k8s.example", Roots: pool})
			e := found.Inventory(inventory.Cluster{}).Items[0]
			if len(e.Findings) != tt.want || !slices.Equal(e.VerifiedAgainst, []catalog.Place{catalog.KubeconfigCA}) {
				t.Errorf("held against %q: %+v", e.VerifiedAgainst, e.Findings)
			}
		})
	}
}

// Whoever rules a worker has no say about the control plane: they neither blame
// its servers nor vouch for an impostor.
func TestNodesSpeakForThemselves(t *testing.T) {
	ca, evil := pkitest.NewCA(t, "etcd-ca"), pkitest.NewCA(t, "evil")
	node := func(place catalog.Place, name, row string, cert *x509.Certificate) inventory.Sighting {
		s := at(place, name, row, cert)
		s.Owner = inventory.OwnerNode(name)
		return s
	}
	etcd := node(catalog.EtcdClientPort, "cp-1", "", ca.Issue(t, pkitest.Server("etcd", "cp-1")))
	impostor := node(catalog.EtcdClientPort, "cp-1", "", evil.Issue(t, pkitest.Server("etcd", "cp-1")))
	for _, tt := range []struct {
		name  string
		input []inventory.Sighting
		want  []inventory.Code
	}{
		{"its own CA", beside(etcd, node(catalog.EtcdCAFile, "cp-1", "etcd-ca", ca.Certificate)), nil},
		{"its own CA is another one", beside(etcd, node(catalog.EtcdCAFile, "cp-1", "etcd-ca", evil.Certificate)), codes(inventory.CodeChainBroken)},
		{"a worker has another one", beside(etcd, node(catalog.EtcdCAFile, "cp-1", "etcd-ca", ca.Certificate), node(catalog.EtcdCAFile, "worker", "etcd-ca", evil.Certificate)), nil},
		{"a worker vouches", beside(impostor, node(catalog.EtcdCAFile, "worker", "etcd-ca", evil.Certificate)), codes(inventory.CodeUnverified)},
		{"a worker vouches beside its own CA", beside(impostor, node(catalog.EtcdCAFile, "cp-1", "etcd-ca", ca.Certificate), node(catalog.EtcdCAFile, "worker", "etcd-ca", evil.Certificate)), codes(inventory.CodeChainBroken)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := codesOf(judge(t, pkitest.Now, tt.input...)); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func codesOf(e inventory.Entry) []inventory.Code {
	var all []inventory.Code
	for _, f := range e.Findings {
		all = append(all, f.Code)
	}
	return all
}

// A node's kubeconfig with a wrong CA is that node's fault, not the API server's.
func TestStrangersAmongNodes(t *testing.T) {
	ca, old := pkitest.NewCA(t, "kubernetes"), pkitest.NewCA(t, "kubernetes").Impostor(t)
	api := presentedTo(catalog.RootCA, "10.0.0.1:6443", "kubernetes.default.svc", ca.Issue(t, pkitest.Server("kube-apiserver", "kubernetes.default.svc", "10.0.0.1", "lb.example")))
	for name, tt := range map[string]struct {
		server, address string
		trusts          *pkitest.CA
		want            int
	}{
		"the right CA":          {"10.0.0.1:6443", "10.0.0.1", ca, 0},
		"the old CA":            {"10.0.0.1:6443", "10.0.0.1", old, 1},
		"by another name":       {"lb.example:6443", "lb.example", old, 1},
		"to another server":     {"audit.example:6443", "audit.example", old, 0},
		"to another port of it": {"10.0.0.1:9443", "10.0.0.1", old, 0},
	} {
		t.Run(name, func(t *testing.T) {
			conf := at(catalog.ServerCAFile, "worker", "ca", tt.trusts.Certificate)
			conf.Owner, conf.Server, conf.Address = inventory.OwnerNode("worker"), tt.server, tt.address
			inv := collect(api, conf, anchor(catalog.RootCA, ca)).Inventory(inventory.Cluster{})
			if len(inv.Findings) != tt.want || tt.want > 0 && (inv.Findings[0].Where != conf.Where || inv.Findings[0].Code != inventory.CodeChainBroken) {
				t.Errorf("got %+v", inv.Findings)
			}
			for _, e := range inv.Items {
				if e.Name == "apiserver" && e.Status != inventory.OK {
					t.Errorf("the API server is blamed: %+v", e.Findings)
				}
			}
		})
	}
}

// Two CAs of one name are two, each with what it signed; what another CA signed
// is not signed by itself.
func TestSignersAreCertificates(t *testing.T) {
	old := pkitest.NewCA(t, "kubernetes")
	fresh := old.Impostor(t)
	crossed := old.Issue(t, pkitest.Authority("kubernetes"), pkitest.PublicKey(fresh.Key.Public()), pkitest.ValidFor(9*365*pkitest.Day))
	alice, bob := client(old.Issue(t, pkitest.Client("alice"))), client(fresh.Issue(t, pkitest.Client("bob")))
	all := []inventory.Sighting{alice, bob, anchor(catalog.ClientCA, old), anchor(catalog.ClientCA, fresh), anchor(catalog.ClientCA, &pkitest.CA{Certificate: crossed})}
	signer := func(cert *x509.Certificate) string {
		for _, e := range collect(all...).Inventory(inventory.Cluster{}).Items {
			if e.SHA256 == fingerprint(cert) {
				return e.IssuerSHA256
			}
		}
		return "does not exist"
	}
	for _, tt := range []struct {
		name       string
		cert, want *x509.Certificate
	}{
		{"the old CA", old.Certificate, old.Certificate}, {"the new CA", fresh.Certificate, fresh.Certificate}, {"the crossed one", crossed, old.Certificate},
		{"whoever depends on the old one", alice.Certificate, old.Certificate}, {"whoever has a new one", bob.Certificate, fresh.Certificate},
	} {
		if got := signer(tt.cert); got != fingerprint(tt.want) {
			t.Errorf("%s: signed by %s", tt.name, got)
		}
	}
}

// What is over above the certificate, and what is over instead of it.
func TestDatesAbove(t *testing.T) {
	day := pkitest.Day
	ended := pkitest.Valid(pkitest.Now.Add(-3650*day), pkitest.Now.Add(-3*day))
	gone, corp := pkitest.NewCA(t, "kubernetes", ended), pkitest.NewCA(t, "corp")
	renewed := pkitest.NewCA(t, "kubernetes")
	leaf, over := pkitest.Client("alice"), pkitest.Left(-day)
	root := pkitest.NewCA(t, "root")
	mid := root.Intermediate(t, "mid", ended)
	other := root.Intermediate(t, "mid") // of the same key, in date
	api := func(behind ...*x509.Certificate) inventory.Sighting {
		return server(mid.Issue(t, pkitest.Server("api", "k8s.example")), "k8s.example", behind...)
	}
	for _, tt := range []struct {
		name  string
		input []inventory.Sighting
		want  []inventory.Code
	}{
		{"its CA is over", beside(client(gone.Issue(t, leaf)), anchor(catalog.ClientCA, gone)), codes(inventory.CodeChainBroken)},
		{"its CA is over, beside a stranger", beside(client(gone.Issue(t, leaf)), anchor(catalog.ClientCA, gone), anchor(catalog.ClientCA, corp)), codes(inventory.CodeChainBroken)},
		{"its CA is over, beside its successor of another key", beside(client(gone.Issue(t, leaf)), anchor(catalog.ClientCA, gone), anchor(catalog.ClientCA, gone.Impostor(t))), codes(inventory.CodeChainBroken)},
		{"its CA was renewed with its key", beside(client(gone.Issue(t, leaf)), anchor(catalog.ClientCA, gone), anchor(catalog.ClientCA, renewed)), nil},
		{"over itself, and its CA was renewed", beside(client(gone.Issue(t, leaf, over)), anchor(catalog.ClientCA, renewed)), codes(inventory.CodeExpired)},
		{"over itself, and so is its CA", beside(client(gone.Issue(t, leaf, over)), anchor(catalog.ClientCA, gone)), codes(inventory.CodeExpired)},
		{"the intermediate behind it is over", beside(api(mid.Certificate), anchor(catalog.KubeconfigCA, root)), codes(inventory.CodeChainBroken)},
		{"the intermediate was renewed", beside(api(other.Certificate), anchor(catalog.KubeconfigCA, root)), nil},
		{"the intermediate behind it is over, and nobody's trust was seen", beside(api(mid.Certificate)), codes(inventory.CodeChainBroken)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := judge(t, pkitest.Now, tt.input...)
			if got := codesOf(e); !slices.Equal(got, tt.want) {
				t.Errorf("got %+v, want %q", e.Findings, tt.want)
			}
			for _, f := range e.Findings {
				if strings.Contains(f.Fix, "find out which") || strings.Contains(f.Fix, "before that date") {
					t.Errorf("the cause is known, and the fix says %q", f.Fix)
				}
			}
		})
	}
	// How bad it is that a CA is over depends on who depends on it.
	for _, tt := range []struct {
		name  string
		input []inventory.Sighting
		want  inventory.Severity
	}{
		{"something is refused for it", beside(anchor(catalog.ClientCA, gone), anchor(catalog.ClientCA, corp), client(gone.Issue(t, leaf))), inventory.Critical},
		{"beside a stranger, where nobody was seen", beside(anchor(catalog.ClientCA, gone), anchor(catalog.ClientCA, corp)), inventory.Critical},
		{"replaced by one of another key", beside(anchor(catalog.ClientCA, gone), anchor(catalog.ClientCA, gone.Impostor(t))), inventory.Warning},
		{"renewed", beside(anchor(catalog.ClientCA, gone), anchor(catalog.ClientCA, renewed)), inventory.Info},
		{"one of many, in a file of no known name", beside(at(catalog.LeafFile, "", "", gone.Certificate), at(catalog.LeafFile, "", "", corp.Certificate)), inventory.Warning},
		{"alone", beside(anchor(catalog.RootCA, gone)), inventory.Critical},
		{"an intermediate that somebody needs", beside(inventory.Sighting{Location: inventory.Location{Source: "x"}, Place: catalog.PresentedCA, Name: "x", Certificate: mid.Certificate}, api(mid.Certificate), anchor(catalog.KubeconfigCA, root)), inventory.Critical},
		{"an intermediate that nobody needs", beside(inventory.Sighting{Location: inventory.Location{Source: "x"}, Place: catalog.PresentedCA, Name: "x", Certificate: mid.Certificate}, api(other.Certificate, mid.Certificate), anchor(catalog.KubeconfigCA, root)), inventory.Warning},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := judge(t, pkitest.Now, tt.input...).Findings
			if len(f) != 1 || f[0].Code != inventory.CodeExpired || f[0].Severity != tt.want {
				t.Errorf("got %+v, want %s", f, tt.want)
			}
		})
	}
}

// Reasons are the true ones.
func TestReasons(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	changed := func(change func(*x509.Certificate)) *pkitest.CA { return pkitest.NewCA(t, "kubernetes", change) }
	noCA := changed(func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, 0 })
	noSign := changed(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature })
	clientsOnly := changed(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	shallow := pkitest.NewCA(t, "kubernetes", func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true })
	mid := shallow.Intermediate(t, "mid")
	elsewhere := changed(func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"test"} })
	deep := ca.Intermediate(t, "mid")
	presented := func(by *pkitest.CA, names []string, behind ...*x509.Certificate) inventory.Sighting {
		return server(by.Issue(t, pkitest.Server("api", names...)), "k8s.example", behind...)
	}
	names := []string{"k8s.example"}
	for _, tt := range []struct {
		name  string
		input []inventory.Sighting
		want  string // is said
	}{
		{"no CA:TRUE", beside(presented(ca, names), anchor(catalog.KubeconfigCA, noCA)), "is not a CA certificate (basicConstraints without CA:TRUE)"},
		{"no cert sign", beside(presented(ca, names), anchor(catalog.KubeconfigCA, noSign)), `may not sign certificates (key usage without "cert sign")`},
		{"another key", beside(presented(ca, names), anchor(catalog.KubeconfigCA, ca.Impostor(t))), "the CA with this subject has a different key"},
		{"a CA for clients", beside(presented(ca, names), anchor(catalog.KubeconfigCA, clientsOnly)), `the extended key usage of the CA lacks "server auth"`},
		{"too deep", beside(presented(mid, names, mid.Certificate), anchor(catalog.KubeconfigCA, shallow)), "allows fewer intermediate CAs below it (path length)"},
		{"names that the CA may not sign for", beside(presented(ca, names), anchor(catalog.KubeconfigCA, elsewhere)), "does not permit its names"},
		{"the signer is missing", beside(presented(deep, names), anchor(catalog.KubeconfigCA, ca)), `it is signed by "CN=mid", which is missing`},
		{"the signer of the signer is missing", beside(presented(deep, names, deep.Certificate), anchor(catalog.KubeconfigCA, pkitest.NewCA(t, "other"))), `"CN=kubernetes", the issuer of "CN=mid" in its chain, is missing`},
		{"no names", beside(presented(ca, nil), anchor(catalog.KubeconfigCA, ca)), "has no subject alternative names"},
		{"an IP address as a name", beside(server(ca.Issue(t, pkitest.Server("api"), func(c *x509.Certificate) { c.DNSNames = []string{"10.0.0.1"} }), "10.0.0.1"), anchor(catalog.KubeconfigCA, ca)), "as a DNS name"},
		{"dates the wrong way round", beside(client(ca.Issue(t, pkitest.Client("alice"), pkitest.Valid(pkitest.Now, pkitest.Now.Add(-time.Hour)))), anchor(catalog.ClientCA, ca)), "is never valid"},
		{"to the year 9999", beside(client(ca.Issue(t, pkitest.Client("alice"), pkitest.Valid(pkitest.Now, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC))))), "is valid for 7973y"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := judge(t, pkitest.Now, tt.input...)
			if len(e.Findings) != 1 && tt.name != "to the year 9999" || !slices.ContainsFunc(e.Findings, func(f inventory.Finding) bool { return strings.Contains(f.Message, tt.want) }) {
				t.Errorf("got %+v, want %q", e.Findings, tt.want)
			}
		})
	}
	// The CA that is none is named as such, too.
	if e := judge(t, pkitest.Now, anchor(catalog.KubeconfigCA, noCA), presented(ca, names)); len(e.Findings) != 1 || e.Findings[0].Code != inventory.CodeWrongUsage {
		t.Errorf("the CA that is none: %+v", e.Findings)
	}
}
