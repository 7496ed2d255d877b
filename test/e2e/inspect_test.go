//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// inspect runs `kubectl certs inspect -o json` and reads what it says.
func (p *person) inspect(wantCode int, args ...string) (inventory.Inventory, result) {
	p.t.Helper()
	r := p.certs(append([]string{"inspect", "-o", "json"}, args...)...)
	if r.code != wantCode {
		p.t.Fatalf("exit %d, want %d\n%s", r.code, wantCode, r.stderr)
	}
	var inv inventory.Inventory
	if err := json.Unmarshal([]byte(r.stdout), &inv); err != nil {
		p.t.Fatalf("%v in:\n%s", err, r.stdout)
	}
	return inv, r
}

// entry returns the only entry called name.
func entry(t *testing.T, inv inventory.Inventory, name string) inventory.Entry {
	t.Helper()
	var found []inventory.Entry
	for _, e := range inv.Items {
		if e.Name == name {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d entries are called %q", len(found), name)
	}
	return found[0]
}

// A healthy kubeadm cluster: what can be seen is named, agrees with the files
// on the node as openssl reads them, and nothing is wrong.
func TestInspectAgreesWithTheNodesFiles(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	inv, _ := p.inspect(0)
	if inv.APIVersion != "certs.kubectl.dev/v1alpha1" || inv.Kind != "CertificateInventory" ||
		inv.Cluster.Context != "kind-kubectl-certs" || !strings.HasPrefix(inv.Cluster.Version, "v1.") {
		t.Errorf("%s %s of %+v", inv.APIVersion, inv.Kind, inv.Cluster)
	}
	if len(inv.Skipped) > 0 {
		t.Errorf("skipped: %+v", inv.Skipped)
	}
	for name, want := range map[string]struct {
		file, signedBy string
		sources        []string
	}{
		"ca":             {"/etc/kubernetes/pki/ca.crt", "ca", []string{"kubeconfig", "trust"}},
		"front-proxy-ca": {"/etc/kubernetes/pki/front-proxy-ca.crt", "front-proxy-ca", []string{"trust"}},
		"apiserver":      {"/etc/kubernetes/pki/apiserver.crt", "ca", []string{"endpoint"}},
	} {
		t.Run(name, func(t *testing.T) {
			e := entry(t, inv, name)
			agreesWithOpenSSL(t, newPerson(t, p.kubeconfig), e, onControlPlane(t, "cat", want.file))
			if e.SignedBy != want.signedBy || e.Status != inventory.OK || len(e.Findings) > 0 {
				t.Errorf("signed by %q, status %s, findings %+v", e.SignedBy, e.Status, e.Findings)
			}
			for _, source := range want.sources {
				if !slices.ContainsFunc(e.Locations, func(l inventory.Location) bool { return l.Source == source }) {
					t.Errorf("not seen by %s: %+v", source, e.Locations)
				}
			}
		})
	}
	// The server is seen as the kubeconfig names it, and as its one replica.
	if places := entry(t, inv, "apiserver").Locations; len(places) != 2 {
		t.Errorf("the API server was seen at %+v", places)
	}
	if e := entry(t, inv, "admin"); e.SignedBy != "ca" || e.Status != inventory.OK || e.Subject.CommonName != "kubernetes-admin" {
		t.Errorf("the kubeconfig's own certificate: %+v", e)
	}
}

// agreesWithOpenSSL compares an entry field by field with what openssl says of
// a certificate.
func agreesWithOpenSSL(t *testing.T, p *person, e inventory.Entry, pem string) {
	t.Helper()
	if err := os.WriteFile(p.path("node.crt"), []byte(pem), 0o600); err != nil {
		t.Fatal(err)
	}
	x509 := func(args ...string) string {
		return strings.TrimSpace(p.must("openssl", append([]string{"x509", "-noout", "-in", "node.crt", "-nameopt", "RFC2253"}, args...)...))
	}
	field := func(option string) string {
		_, value, _ := strings.Cut(x509(option), "=")
		return value
	}
	date := func(option string) time.Time {
		at, err := time.Parse("Jan _2 15:04:05 2006 MST", field(option))
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if want := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(x509("-fingerprint", "-sha256"), "sha256 Fingerprint="), ":", "")); e.SHA256 != want {
		t.Errorf("sha256 %s, openssl says %s", e.SHA256, want)
	}
	if want := strings.ToLower(field("-serial")); e.SerialNumber != want {
		t.Errorf("serial %s, openssl says %s", e.SerialNumber, want)
	}
	if want := field("-issuer"); e.IssuerName != want {
		t.Errorf("issuer %q, openssl says %q", e.IssuerName, want)
	}
	if got, want := strings.ReplaceAll(e.Subject.String(), ", ", ","), field("-subject"); got != want {
		t.Errorf("subject %q, openssl says %q", got, want)
	}
	if !e.NotBefore.Equal(date("-startdate")) || !e.NotAfter.Equal(date("-enddate")) {
		t.Errorf("valid from %s to %s, openssl says %s to %s", e.NotBefore, e.NotAfter, date("-startdate"), date("-enddate"))
	}
	text := x509("-text")
	for _, san := range e.DNSNames {
		if !strings.Contains(text, "DNS:"+san) {
			t.Errorf("openssl sees no DNS name %s", san)
		}
	}
	for _, san := range e.IPAddresses {
		if !strings.Contains(text, "IP Address:"+asOpenSSLWrites(san)) {
			t.Errorf("openssl sees no address %s", san)
		}
	}
	if got, want := len(e.DNSNames)+len(e.IPAddresses), strings.Count(text, "DNS:")+strings.Count(text, "IP Address:"); got != want {
		t.Errorf("%d subject alternative names, openssl sees %d", got, want)
	}
}

// asOpenSSLWrites writes out the zeros of an IPv6 address.
func asOpenSSLWrites(address string) string {
	ip := netip.MustParseAddr(address)
	if ip.Is4() {
		return address
	}
	var groups []string
	for bytes := ip.As16(); len(groups) < 8; {
		i := 2 * len(groups)
		groups = append(groups, fmt.Sprintf("%X", uint16(bytes[i])<<8|uint16(bytes[i+1])))
	}
	return strings.Join(groups, ":")
}

// A user without rights sees what the network shows; the rest is under
// skipped, with what would let it be read.
func TestInspectWithoutRights(t *testing.T) {
	p := newPerson(t, nobody(t))
	inv, _ := p.inspect(0)
	if e := entry(t, inv, "apiserver"); e.Status != inventory.OK {
		t.Errorf("apiserver: %+v", e)
	}
	for where, permission := range map[string]string{
		"default/kube-root-ca.crt":                       "get configmaps/kube-root-ca.crt in namespace default",
		"kube-system/extension-apiserver-authentication": "get configmaps/extension-apiserver-authentication in namespace kube-system",
		"endpointslices of default/kubernetes":           "list endpointslices.discovery.k8s.io in namespace default",
	} {
		if !slices.ContainsFunc(inv.Skipped, func(s inventory.Skip) bool {
			return s.Where == where && s.Reason == "forbidden" && strings.Contains(s.Hint, permission)
		}) {
			t.Errorf("%s is not skipped with the right hint: %+v", where, inv.Skipped)
		}
	}
}

// The night that inspect is for: the kubeconfig's certificate has run out.
// What can be seen without it is shown, and the cause is said.
func TestInspectWithAnExpiredCertificate(t *testing.T) {
	p := newPerson(t, expired(t))
	inv, r := p.inspect(1)
	if e := entry(t, inv, "admin"); e.Status != inventory.Expired || e.Findings[0].Code != inventory.CodeExpired {
		t.Errorf("the kubeconfig's certificate: %+v", e)
	}
	if e := entry(t, inv, "apiserver"); e.Status != inventory.OK {
		t.Errorf("apiserver: %+v", e)
	}
	r.stdout = ""
	wantFailure(t, r, "(CN=yesterday, O=kubeadm:cluster-admins) expired 24h ago", "kubeadm certs renew admin.conf")
}

// A server that cannot be reached leaves what the kubeconfig itself holds.
func TestInspectUnreachable(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	inv, r := p.inspect(1, "--server", closedPort(t))
	entry(t, inv, "admin")
	entry(t, inv, "ca")
	if len(inv.Skipped) == 0 {
		t.Error("nothing is said to be skipped")
	}
	wantFailure(t, r, "connection refused", "check the address")
}

// A CA of another cluster in the kubeconfig is found by name, although nothing
// can be asked of the server.
func TestInspectWithAStrangersCA(t *testing.T) {
	p := newPerson(t, strangersCA(t))
	inv, r := p.inspect(1)
	e := entry(t, inv, "apiserver")
	if e.Status != inventory.Invalid || !slices.ContainsFunc(e.Findings, func(f inventory.Finding) bool {
		return f.Code == inventory.CodeChainBroken && strings.Contains(f.Message, "kubeconfig CA")
	}) {
		t.Errorf("apiserver: %+v", e)
	}
	wantFailure(t, r, "not signed by the CA in the kubeconfig", "kube-root-ca.crt")
}

// A server that is reached by an address which its certificate does not name.
func TestInspectSANMismatch(t *testing.T) {
	p := newPerson(t, change(t, func(cluster *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
		cluster.TLSServerName = "elsewhere.example"
	}))
	inv, r := p.inspect(1)
	if e := entry(t, inv, "apiserver"); !slices.ContainsFunc(e.Findings, func(f inventory.Finding) bool {
		return f.Code == inventory.CodeSANMismatch && strings.Contains(f.Message, "elsewhere.example")
	}) {
		t.Errorf("apiserver: %+v", e)
	}
	wantFailure(t, r, "presents a certificate for other names", "tls-server-name")
}

// Wrong input is refused before anything is read.
func TestInspectRefusals(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	wantFailure(t, p.certs("inspect", "-o", "xml"), `unknown output format "xml": use one of table, wide, tree, json, yaml, name, kubeadm, prometheus, html, jsonpath=EXPRESSION`, "")
	wantFailure(t, p.certs("inspect", "--color", "sometimes"), `unknown --color "sometimes"`, "auto, always or never")
	wantFailure(t, p.certs("inspect", "everything"), `no certificate matches "everything"`, "known names include: ca, apiserver, kubelet-server")
	wantFailure(t, p.certs("inspect", "--sources", "tea"), `unknown source "tea"`, "sources: kubeconfig, endpoint")
	wantFailure(t, p.certs("inspct"), `unknown command "inspct"`, "did you mean: kubectl certs inspect")
}
