package cluster_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// connectTo returns the cluster of a server, as a kubeconfig that trusts ca and
// asks for serverName names it.
func connectTo(t *testing.T, url, serverName string, ca []byte) *cluster.Cluster {
	t.Helper()
	dir := t.TempDir()
	config, caFile := filepath.Join(dir, "config"), filepath.Join(dir, "ca.crt")
	text := fmt.Sprintf(`current-context: c
clusters: [{name: c, cluster: {server: "%s", tls-server-name: "%s", certificate-authority: %s}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
`, url, serverName, caFile)
	for file, data := range map[string][]byte{config: []byte(text), caFile: ca} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig = &config
	c, err := cluster.Connect(flags, cluster.Options{UserAgent: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Of a server with two certificates, both are seen, though the kubeconfig knows
// one name; and no credentials are sent.
func TestServerCertificates(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	pair := func(name string) *tls.Certificate {
		cert := ca.Issue(t, pkitest.Server(name, name, "127.0.0.1"), pkitest.Valid(time.Now().Add(-time.Hour), time.Now().Add(time.Hour)))
		return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: pkitest.Key(name)}
	}
	outside, inside := pair("api.example.com"), pair("kubernetes.default.svc")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the token was sent")
		}
		http.Redirect(w, r, "https://elsewhere.invalid/", http.StatusFound)
	}))
	server.TLS = &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if hello.ServerName == "kubernetes.default.svc" {
			return inside, nil
		}
		return outside, nil
	}}
	server.StartTLS()
	defer server.Close()
	// The CA of fixtures has a clock of its own: trust the leaf.
	leaf := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: outside.Certificate[0]})
	c := connectTo(t, server.URL, "api.example.com", leaf)
	certs, err := c.ServerCertificates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, cert := range certs {
		names = append(names, cert.DNSNames...)
	}
	if !slices.Equal(names, []string{"api.example.com", "kubernetes.default.svc"}) {
		t.Errorf("saw %q", names)
	}
	if hosts := c.ServerHosts(); !slices.Equal(hosts, []string{"127.0.0.1", "api.example.com"}) {
		t.Errorf("hosts %q", hosts)
	}
	server.Close()
	if _, err := c.ServerCertificates(t.Context()); err == nil {
		t.Error("a server that is gone has no certificate")
	}
}

// A certificate is only seen of a server that has its key.
func TestPresentedProvesTheKey(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	cert := ca.Issue(t, pkitest.Server("system:node:n1", "n1"))
	dialer := connectTo(t, "https://127.0.0.1:1", "", ca.PEM()).NodeDialer(t.Context(), cluster.ReachDirect)
	for name, key := range map[string]crypto.Signer{"its own key": pkitest.Key("system:node:n1"), "another's key": pretender{pkitest.Key("system:node:n1"), pkitest.Key("other")}} {
		t.Run(name, func(t *testing.T) {
			listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}})
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				if conn, err := listener.Accept(); err == nil {
					_ = conn.(*tls.Conn).HandshakeContext(context.Background()) // the client tells what came of it
					conn.Close()
				}
			}()
			_, port, _ := net.SplitHostPort(listener.Addr().String())
			number, _ := strconv.Atoi(port)
			chain, err := dialer.Presented(t.Context(), "n1", "127.0.0.1", number)
			if honest := name == "its own key"; honest != (err == nil && len(chain) == 1 && chain[0].Equal(cert)) {
				t.Errorf("saw %d certificates, %v", len(chain), err)
			}
		})
	}
}

// pretender signs with another key than it says.
type pretender struct {
	says  ed25519.PrivateKey
	signs ed25519.PrivateKey
}

func (p pretender) Public() crypto.PublicKey { return p.says.Public() }

func (p pretender) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return p.signs.Sign(rand, digest, opts)
}
