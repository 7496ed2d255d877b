package inventory_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest/golden"
)

func TestOneItemPerCertificate(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	renewed := pkitest.NewCA(t, "kubernetes", pkitest.ValidFor(9*365*pkitest.Day))
	api := server(ca.Issue(t, pkitest.Server("kube-apiserver", "10.0.0.1", "10.0.0.2")), "10.0.0.1")
	replica := server(api.Certificate, "10.0.0.2")
	replica.Node = "control-plane-2"
	at := func(s inventory.Sighting) inventory.Location { return s.Location }
	tests := []struct {
		name  string
		input []inventory.Sighting
		want  [][]inventory.Location // of each item
	}{
		{"nothing", nil, nil},
		{"a certificate in several places", everywhere(ca), [][]inventory.Location{
			{at(anchor(catalog.RootCA, ca)), at(anchor(catalog.ClientCA, ca)), at(anchor(catalog.KubeconfigCA, ca))}}},
		{"a certificate twice in one place", append(everywhere(ca)[:1], everywhere(ca)[:1]...), [][]inventory.Location{
			{at(anchor(catalog.KubeconfigCA, ca))}}},
		{"a certificate on two servers", beside(api, replica), [][]inventory.Location{{at(api), at(replica)}}},
		{"two certificates of one name and key", beside(anchor(catalog.RootCA, ca), anchor(catalog.RootCA, renewed)), [][]inventory.Location{
			{at(anchor(catalog.RootCA, ca))}, {at(anchor(catalog.RootCA, ca))}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got [][]inventory.Location
			for _, e := range collect(tt.input...).Inventory(inventory.Cluster{}).Items {
				got = append(got, e.Locations)
			}
			if !slices.EqualFunc(got, tt.want, slices.Equal) {
				t.Errorf("got  %v\nwant %v", got, tt.want)
			}
		})
	}
	if got := judge(t, pkitest.Now, api, replica).Node; got != replica.Node {
		t.Errorf("the node that one of the places tells: got %q, want %q", got, replica.Node)
	}
}

func TestNames(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	tests := []struct {
		name  string
		input inventory.Sighting
		want  string
		role  catalog.Role
	}{
		{"the catalog's", client(ca.Issue(t, pkitest.Client("system:kube-proxy"))), "proxy", catalog.Client},
		{"a person is named after the place", client(ca.Issue(t, pkitest.Client("alice"))), "kubeconfig/dev#client-certificate", catalog.Client},
		{"a CA where a client should be", client(pkitest.NewCA(t, "alice").Certificate), "kubeconfig/dev#client-certificate", catalog.CA},
		{"a server where a CA should be", anchor(catalog.KubeconfigCA, &pkitest.CA{Certificate: ca.Issue(t, pkitest.Server("api", "api"))}), "ca", catalog.CA},
		{"a server of any name", server(ca.Issue(t, pkitest.Server("k3s", "api")), "api"), "apiserver", catalog.Server},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := judge(t, pkitest.Now, tt.input); got.Name != tt.want || got.Role != tt.role {
				t.Errorf("got %q, role %q, want %q, role %q", got.Name, got.Role, tt.want, tt.role)
			}
		})
	}
}

func TestSignedBy(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	selfSigned := &pkitest.CA{Key: pkitest.Key("kube-apiserver")}
	alice := client(ca.Issue(t, pkitest.Client("alice")))
	tests := []struct {
		name  string
		input []inventory.Sighting // the first is asked about
		want  string
	}{
		{"a CA that was seen", beside(alice, everywhere(ca)...), "ca"},
		{"a CA that was not", beside(alice), ""},
		{"a stranger of the CA's name", beside(alice, anchor(catalog.ClientCA, ca.Impostor(t))), ""},
		{"one of two CAs of that name", beside(alice, anchor(catalog.RequestHeaderCA, ca.Impostor(t)), anchor(catalog.ClientCA, ca)), "ca"},
		{"a CA seen elsewhere", beside(alice, anchor(catalog.RequestHeaderCA, ca)), "front-proxy-ca"},
		{"a root", everywhere(ca), "ca"},
		{"a self-signed server", beside(server(selfSigned.Issue(t, pkitest.Server("kube-apiserver", "api")), "api"), everywhere(ca)...), "apiserver"},
		{"a certificate that is no CA", beside(
			client((&pkitest.CA{Certificate: ca.Issue(t, pkitest.Server("kube-apiserver", "api")), Key: pkitest.Key("kube-apiserver")}).Issue(t, pkitest.Client("bob"))),
			server(ca.Issue(t, pkitest.Server("kube-apiserver", "api")), "api")), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := judge(t, pkitest.Now, tt.input...).SignedBy; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// world is a cluster with one of everything, and what tells sightings apart
// only at second sight.
func world(t *testing.T) []inventory.Sighting {
	ca, frontProxy, stranger := pkitest.NewCA(t, "kubernetes"), pkitest.NewCA(t, "front-proxy"), pkitest.NewCA(t, "stranger")
	api := ca.Issue(t, pkitest.Server("kube-apiserver", "10.0.0.1"))
	second := server(ca.Issue(t, pkitest.Server("kube-apiserver", "10.0.0.2")), "10.0.0.2")
	second.Node = "b"
	third := server(ca.Issue(t, pkitest.Server("kube-apiserver", "10.0.0.3")), "10.0.0.3")
	third.Node = "a"
	unknown := client(ca.Issue(t, pkitest.Client("alice", "devs")))
	foreign := client(stranger.Issue(t, pkitest.Client("mallory")))
	foreign.Where, foreign.Name = "prod#client-certificate", "kubeconfig/prod#client-certificate"

	// The same certificate at the same place, as different reports have it.
	first := server(api, "10.0.0.1")
	onNode, onOtherNode, byName, byOtherName, otherName := first, first, first, first, first
	onNode.Node, onOtherNode.Node = "c", "d"
	byName.Address, byOtherName.Address = "kubernetes.default.svc", "kubernetes"
	otherName.Name = "another name"
	unknownAgain := unknown
	unknownAgain.Name = "a name"

	return append(everywhere(ca),
		anchor(catalog.RequestHeaderCA, frontProxy),
		first, onNode, onOtherNode, byName, byOtherName, otherName, second, third,
		client(ca.Issue(t, pkitest.Client("kubernetes-admin", catalog.KubeadmAdmins))),
		client(ca.Issue(t, pkitest.Client("system:kube-scheduler"))),
		unknown, unknownAgain, foreign)
}

func TestItemsAreSortedAsTrustIs(t *testing.T) {
	inv := collect(world(t)...).Inventory(inventory.Cluster{})
	var got []string
	for _, e := range inv.Items {
		got = append(got, strings.TrimSuffix(e.SignedBy+" > "+e.Name+" "+e.Node, " "))
	}
	want := []string{
		"ca > ca",
		"ca > apiserver a",
		"ca > apiserver b",
		"ca > apiserver c",
		"ca > admin",
		"ca > scheduler",
		"ca > a name", // what the catalog does not know
		"front-proxy-ca > front-proxy-ca",
		" > kubeconfig/prod#client-certificate", // whose CA was not seen
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestOrderOfReportsDoesNotMatter(t *testing.T) {
	sightings := world(t)
	skips := []inventory.Skip{
		{Source: "trust", Where: "default/kube-root-ca.crt", Reason: "forbidden", Hint: "ask"},
		{Source: "endpoint", Where: "10.0.0.4:6443", Reason: "timeout", Hint: "wait"},
		{Source: "endpoint", Where: "10.0.0.4:6443", Reason: "refused", Hint: "ask"},
		{Source: "endpoint", Where: "10.0.0.4:6443", Reason: "refused", Hint: "wait"},
	}
	report := func() string {
		c := collect(sightings...)
		for _, s := range skips {
			c.Skip(s)
		}
		text, err := json.MarshalIndent(c.Inventory(inventory.Cluster{}), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	want := report()
	random := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		random.Shuffle(len(sightings), func(i, j int) { sightings[i], sightings[j] = sightings[j], sightings[i] })
		random.Shuffle(len(skips), func(i, j int) { skips[i], skips[j] = skips[j], skips[i] })
		if got := report(); got != want {
			t.Fatalf("another order of reports made another inventory: %s", firstDifference(got, want))
		}
	}
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(got, want string) string {
	wantLines := strings.Split(want, "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(wantLines) || line != wantLines[i] {
			return fmt.Sprintf("line %d: %q and %q", i+1, line, wantLines[min(i, len(wantLines)-1)])
		}
	}
	return "their lengths differ"
}

// The race detector is half of this test.
func TestReportsFromManyGoroutines(t *testing.T) {
	const reporters, each = 20, 50
	sighting := anchor(catalog.ClientCA, pkitest.NewCA(t, "kubernetes"))
	c := inventory.Collector{Now: pkitest.Now}
	var group sync.WaitGroup
	for i := range reporters {
		group.Go(func() {
			for j := range each {
				c.See(sighting)
				c.Skip(inventory.Skip{Source: "endpoint", Where: fmt.Sprint(i, "/", j)})
				c.Skip(inventory.Skip{Source: "endpoint", Where: fmt.Sprint(i, "/", j)}) // said twice, it counts once
			}
		})
	}
	group.Go(func() { c.Inventory(inventory.Cluster{}) })
	group.Wait()
	inv := c.Inventory(inventory.Cluster{})
	if len(inv.Items) != 1 || len(inv.Skipped) != reporters*each {
		t.Errorf("got %d items and %d skipped, want 1 and %d", len(inv.Items), len(inv.Skipped), reporters*each)
	}
}

// The JSON form of an inventory is a contract: a change of these files is a
// change of the API version, unless it only adds fields.
func TestContract(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	everything := func(c *x509.Certificate) {
		c.URIs = append(c.URIs, &url.URL{Scheme: "spiffe", Host: "cluster.local", Path: "/ns/kube-system"})
		c.EmailAddresses = []string{"ops@example.com"}
		c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
		c.KeyUsage |= x509.KeyUsageKeyEncipherment
		c.Subject.Organization = []string{"devs"}
	}
	api := server(ca.Issue(t, pkitest.Server("kube-apiserver", "kubernetes.default.svc", "10.96.0.1", "fd00::1"), pkitest.Left(pkitest.Day), everything), "10.96.0.1")
	api.Node = "control-plane"
	full := collect(append(everywhere(ca), api)...)
	full.Skip(inventory.Skip{Source: "trust", Where: "default/kube-root-ca.crt", Reason: "forbidden", Hint: "ask for permission"})

	tests := []struct {
		name    string
		input   *inventory.Collector
		cluster inventory.Cluster
	}{
		{"full", full, inventory.Cluster{Context: "dev", Server: "https://10.96.0.1:6443", Version: "v1.37.2"}},
		{"empty", collect(), inventory.Cluster{}},
	}
	elsewhere := pkitest.Now.Add(time.Nanosecond).In(time.FixedZone("elsewhere", -5*60*60))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.input.Now = elsewhere
			text, err := json.MarshalIndent(tt.input.Inventory(tt.cluster), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, tt.name+".json", append(text, '\n'))
			if bytes.Contains(text, []byte("null")) {
				t.Error("there is a null: a script would have to tell it from []")
			}
		})
	}
}
