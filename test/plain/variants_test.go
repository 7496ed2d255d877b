//go:build e2e

package plain

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// variant is a control plane with one thing about it, how somebody uses it, and
// what check has to say. Whether kubectl works is measured, not only stated.
type variant struct {
	name    string
	change  func(t *testing.T, tr *trust)
	use     func(p *controlPlane) string // the kubeconfig; nil for alice's, who trusts tr.servers
	works   bool
	code    int      // of check
	says    []string // by check, all of them
	saysNot []string
}

// nothingVague are sentences that no verdict may come with, where the cause is known.
var nothingVague = []string{"find out which is the wrong one", "interrupted", "panic"}

var variants = []variant{
	{name: "one CA", works: true},
	{name: "CAs apart", works: true, change: func(t *testing.T, tr *trust) {
		tr.servers = []*identity{issue(t, nil, newKey(t, ""), authority("server-ca"))}
		tr.apiserver = issue(t, tr.servers[0], newKey(t, ""), server(names...))
	}},
	{name: "one CA of one name for servers and another for clients", works: true, change: func(t *testing.T, tr *trust) {
		tr.servers = []*identity{issue(t, nil, newKey(t, ""), authority("kubernetes"))}
		tr.apiserver = issue(t, tr.servers[0], newKey(t, ""), server(names...))
	}},
	{name: "intermediates", works: true, change: func(t *testing.T, tr *trust) {
		middle := issue(t, tr.servers[0], newKey(t, ""), authority("middle"))
		tr.apiserver = issue(t, middle, newKey(t, ""), server(names...)).with(middle)
		tr.user = issue(t, middle, newKey(t, ""), client("alice", "plain:admins")).with(middle)
	}},
	{name: "a missing intermediate", code: 2, says: []string{"middle"}, change: func(t *testing.T, tr *trust) {
		middle := issue(t, tr.servers[0], newKey(t, ""), authority("middle"))
		tr.apiserver = issue(t, middle, newKey(t, ""), server(names...))
	}},
	{name: "an expired intermediate", code: 2, says: []string{"expired", "middle"}, change: func(t *testing.T, tr *trust) {
		middle := issue(t, tr.servers[0], newKey(t, ""), authority("middle"), left(-3*day))
		tr.apiserver = issue(t, middle, newKey(t, ""), server(names...)).with(middle)
	}},
	{name: "an intermediate that expires soon", works: true, code: 1, says: []string{"middle"}, change: func(t *testing.T, tr *trust) {
		middle := issue(t, tr.servers[0], newKey(t, ""), authority("middle"), left(3*day))
		tr.apiserver = issue(t, middle, newKey(t, ""), server(names...)).with(middle)
	}},
	{name: "two CAs of one name", works: true, change: func(t *testing.T, tr *trust) {
		renewed := issue(t, nil, newKey(t, ""), authority("kubernetes"))
		tr.apiserver = issue(t, renewed, newKey(t, ""), server(names...))
		tr.servers, tr.clients = append(tr.servers, renewed), append(tr.clients, renewed)
	}},
	{name: "an expired CA beside its successor", works: true, code: 1, says: []string{"remove it from its bundles"}, change: func(t *testing.T, tr *trust) {
		old := issue(t, nil, newKey(t, ""), authority("kubernetes"), left(-3*day))
		tr.servers, tr.clients = append(tr.servers, old), append(tr.clients, old)
	}},
	{name: "a kubeconfig with the CA before", code: 2, says: []string{"kubeconfig"},
		change: func(t *testing.T, tr *trust) {
			old := issue(t, nil, newKey(t, ""), authority("kubernetes"))
			tr.files["old-ca.crt"] = old.certPEM()
		},
		use: func(p *controlPlane) string { return p.kubeconfig("alice", p.trust.user, p.trust.files["old-ca.crt"]) }},
	{name: "an expired API server", code: 2, says: []string{"expired 2d"}, change: func(t *testing.T, tr *trust) {
		tr.apiserver = issue(t, tr.servers[0], newKey(t, ""), server(names...), left(-49*time.Hour))
	}},
	{name: "an expired caller", code: 2, says: []string{"expired 2d"}, change: func(t *testing.T, tr *trust) {
		tr.user = issue(t, tr.clients[0], newKey(t, ""), client("alice", "plain:admins"), left(-49*time.Hour))
	}},
	{name: "an address that the API server's certificate does not have", code: 2, says: []string{"127.0.0.1"}, change: func(t *testing.T, tr *trust) {
		tr.apiserver = issue(t, tr.servers[0], newKey(t, ""), server("kubernetes.default.svc", "10.96.0.1"))
	}},
	{name: "an API server without names", code: 2, says: []string{"127.0.0.1"}, change: func(t *testing.T, tr *trust) {
		tr.apiserver = issue(t, tr.servers[0], newKey(t, ""), server())
	}},
	{name: "a client's certificate for the API server", code: 2, change: func(t *testing.T, tr *trust) {
		tr.apiserver = issue(t, tr.servers[0], newKey(t, ""), server(names...), client("kube-apiserver"))
	}},
	{name: "a public name by SNI", works: true,
		change: func(t *testing.T, tr *trust) {
			public := issue(t, nil, newKey(t, ""), authority("public"))
			outside := issue(t, public, newKey(t, ""), server("api.example.com"))
			tr.files["public-ca.crt"], tr.files["public.crt"], tr.files["public.key"] = public.certPEM(), outside.certPEM(), outside.keyPEM(t)
			tr.extraFlags = []string{"--tls-sni-cert-key={}/public.crt,{}/public.key"}
		},
		use: func(p *controlPlane) string {
			return p.kubeconfig("alice", p.trust.user, p.trust.files["public-ca.crt"], func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) {
				c.TLSServerName = "api.example.com"
			})
		}},
	{name: "a proxy that ends TLS", works: true, use: func(p *controlPlane) string {
		proxy, ca := endTLS(p)
		return p.kubeconfig("tina", nil, ca, func(c *clientcmdapi.Cluster, a *clientcmdapi.AuthInfo) { c.Server, a.Token = proxy, "a-token" })
	}},
	{name: "RSA, Ed25519 and P-521", works: true, change: func(t *testing.T, tr *trust) {
		tr.apiserver = issue(t, tr.servers[0], newKey(t, "Ed25519"), server(names...))
		tr.user = issue(t, tr.clients[0], newKey(t, "P-521"), client("alice", "plain:admins"))
		tr.frontProxy = issue(t, nil, newKey(t, "RSA"), authority("front-proxy-ca"))
	}},
	{name: "anonymous requests refused", works: true, change: func(_ *testing.T, tr *trust) {
		tr.extraFlags = []string{"--anonymous-auth=false"}
	}},
	{name: "a token", works: true, use: func(p *controlPlane) string {
		return p.kubeconfig("tina", nil, p.trust.rootPEM(), func(_ *clientcmdapi.Cluster, a *clientcmdapi.AuthInfo) { a.Token = "a-token" })
	}},
	{name: "an exec credential", works: true, use: func(p *controlPlane) string {
		return p.kubeconfig("tina", nil, p.trust.rootPEM(), func(_ *clientcmdapi.Cluster, a *clientcmdapi.AuthInfo) {
			a.Exec = &clientcmdapi.ExecConfig{
				APIVersion: "client.authentication.k8s.io/v1", Command: "/bin/sh", InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
				Args: []string{"-c", `printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"a-token"}}'`},
			}
		})
	}},
	{name: "an expired CA of clients", code: 2, says: []string{"expired"}, change: func(t *testing.T, tr *trust) {
		old := issue(t, nil, newKey(t, ""), authority("client-ca"), left(-3*day))
		tr.user = issue(t, old, newKey(t, ""), client("alice", "plain:admins"), left(-3*day))
		tr.clients = append(tr.clients, old)
	}},
	{name: "an expired CA of servers", code: 2, says: []string{"expired"}, change: func(t *testing.T, tr *trust) {
		tr.servers = []*identity{issue(t, nil, newKey(t, ""), authority("server-ca"), left(-3*day))}
		tr.apiserver = issue(t, tr.servers[0], newKey(t, ""), server(names...))
	}},
}

func TestCheck(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrust(t)
			if v.change != nil {
				v.change(t, tr)
			}
			p := start(t, tr)
			p.bindAdmins()
			kubeconfig := ""
			if v.use != nil {
				kubeconfig = v.use(p)
			} else {
				kubeconfig = p.kubeconfig("alice", tr.user, tr.rootPEM())
			}
			if works, why := p.kubectlWorks(t, kubeconfig); works != v.works {
				t.Fatalf("kubectl works: %v, want %v\n%s", works, v.works, why)
			}
			r := p.certs(kubeconfig, "check")
			if r.code != v.code {
				t.Errorf("check: exit code %d, want %d", r.code, v.code)
			}
			said := r.stdout + r.stderr
			for _, text := range v.says {
				if !strings.Contains(said, text) {
					t.Errorf("check does not say %q", text)
				}
			}
			for _, text := range append(v.saysNot, nothingVague...) {
				if strings.Contains(said, text) {
					t.Errorf("check says %q", text)
				}
			}
			if t.Failed() {
				t.Logf("check:\n%s\n%s\ninspect:\n%s", r.stdout, r.stderr, p.certs(kubeconfig, "inspect").stdout)
			}
		})
	}
}

// endTLS starts a proxy in front of p that ends TLS by a certificate of a CA
// that no cluster knows, which it returns with its address.
func endTLS(p *controlPlane) (address string, ca []byte) {
	p.t.Helper()
	front := issue(p.t, nil, newKey(p.t, ""), authority("proxy-ca"))
	target, err := url.Parse(p.server)
	if err != nil {
		p.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.trust.pool()}}
	s := httptest.NewUnstartedServer(proxy)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{issue(p.t, front, newKey(p.t, ""), server("127.0.0.1")).pair(p.t)}}
	s.StartTLS()
	p.t.Cleanup(s.Close)
	return s.URL, front.certPEM()
}

// TestInspectKeepsNoSecrets: what inspect prints of a control plane holds none
// of its keys.
func TestInspectKeepsNoSecrets(t *testing.T) {
	t.Parallel()
	p := start(t, newTrust(t))
	p.bindAdmins()
	r := p.certs(p.kubeconfig("alice", p.trust.user, p.trust.rootPEM()), "inspect", "-o", "json")
	key, err := os.ReadFile(p.path("signing-ca.key"))
	if err != nil || !strings.Contains(r.stdout, `"kubernetes"`) {
		t.Fatalf("%v: %s", err, r.stdout)
	}
	if body := strings.Split(string(key), "\n")[1]; strings.Contains(r.stdout+r.stderr, body) {
		t.Error("inspect printed a private key")
	}
}
