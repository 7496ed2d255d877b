// These tests promise that a kubeconfig works by itself, and that its file is
// never half-written, never readable by others, and never lost.
package kubeconfig_test

import (
	"crypto/tls"
	"reflect"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// What Build writes, kubectl's own loader makes a client of, with no other file.
func TestBuild(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	certificate := pki.EncodeCertificates(ca.Issue(t, pkitest.Client("alice")))
	key, err := pki.EncodeKey(pkitest.Key("alice"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name          string
		input         kubeconfig.Identity
		want          rest.Config // short of the certificate and key
		wantContext   string
		wantNamespace string
	}{
		{
			name:          "everything",
			input:         kubeconfig.Identity{Cluster: "dev", Server: "https://10.0.0.1:6443", CA: ca.PEM(), ServerName: "kubernetes", User: "alice", Namespace: "web"},
			want:          rest.Config{Host: "https://10.0.0.1:6443", TLSClientConfig: rest.TLSClientConfig{CAData: ca.PEM(), ServerName: "kubernetes"}},
			wantContext:   "alice@dev",
			wantNamespace: "web",
		},
		{
			name:          "a server that the system trusts",
			input:         kubeconfig.Identity{Cluster: "dev", Server: "https://k8s.example", User: "alice"},
			want:          rest.Config{Host: "https://k8s.example"},
			wantContext:   "alice@dev",
			wantNamespace: "default",
		},
		{
			name:          "a server that is not verified",
			input:         kubeconfig.Identity{Cluster: "dev", Server: "https://k8s.example", Insecure: true, User: "alice"},
			want:          rest.Config{Host: "https://k8s.example", TLSClientConfig: rest.TLSClientConfig{Insecure: true}},
			wantContext:   "alice@dev",
			wantNamespace: "default",
		},
		{
			name:          "names that YAML could misread",
			input:         kubeconfig.Identity{Cluster: "1: #", Server: "https://k8s.example", User: "system:kube-scheduler\nno", Namespace: "on"},
			want:          rest.Config{Host: "https://k8s.example"},
			wantContext:   "system:kube-scheduler\nno@1: #",
			wantNamespace: "on",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.input.Certificate, tt.input.Key = certificate, key
			text, err := kubeconfig.Build(tt.input)
			if err != nil {
				t.Fatal(err)
			}
			loaded, err := clientcmd.Load(text)
			if err != nil {
				t.Fatalf("%v in\n%s", err, text)
			}
			if loaded.CurrentContext != tt.wantContext {
				t.Errorf("current context: got %q, want %q", loaded.CurrentContext, tt.wantContext)
			}
			client := clientcmd.NewDefaultClientConfig(*loaded, nil)
			if namespace, _, err := client.Namespace(); namespace != tt.wantNamespace {
				t.Errorf("namespace: got %q, %v, want %q", namespace, err, tt.wantNamespace)
			}
			got, err := client.ClientConfig()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tls.X509KeyPair(got.CertData, got.KeyData); err != nil {
				t.Errorf("certificate and key: %v", err)
			}
			got.CertData, got.KeyData = nil, nil
			if !reflect.DeepEqual(got, &tt.want) {
				t.Errorf("got  %#v\nwant %#v", got, &tt.want)
			}
		})
	}
}

func TestBuildKeepsTheProxy(t *testing.T) {
	text, err := kubeconfig.Build(kubeconfig.Identity{Cluster: "dev", User: "alice", ProxyURL: "socks5://localhost:1080"})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := clientcmd.Load(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := loaded.Clusters["dev"].ProxyURL; got != "socks5://localhost:1080" {
		t.Errorf("got proxy %q", got)
	}
}
