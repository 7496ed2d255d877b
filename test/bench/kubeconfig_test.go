//go:build e2e

package bench

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	clientcmdv1 "k8s.io/client-go/tools/clientcmd/api/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// manyContexts is how many contexts the large kubeconfig has.
const manyContexts = 10_000

// largeKubeconfig writes, as kubectl would, a kubeconfig of many contexts, each
// with a cluster, a user and a certificate of its own.
func largeKubeconfig(b *testing.B) string {
	b.Helper()
	ca := pkitest.NewCA(b, "kubernetes")
	config := clientcmdapi.NewConfig()
	for i := range manyContexts {
		name := fmt.Sprintf("context-%05d", i)
		der, err := x509.MarshalPKCS8PrivateKey(pkitest.Key(name))
		if err != nil {
			b.Fatal(err)
		}
		config.Clusters[name] = &clientcmdapi.Cluster{Server: "https://" + name + ".example:6443", CertificateAuthorityData: ca.PEM()}
		config.AuthInfos[name] = &clientcmdapi.AuthInfo{
			ClientCertificateData: pki.EncodeCertificates(ca.Issue(b, pkitest.Client(name, "devs"))),
			ClientKeyData:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		}
		config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	}
	config.CurrentContext = "context-00000"
	path := filepath.Join(b.TempDir(), "config")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		b.Fatal(err)
	}
	return path
}

// TestDecode is the process that decodes a kubeconfig once, and nothing else.
func TestDecode(t *testing.T) {
	path := os.Getenv("BENCH_DECODE")
	if path == "" {
		return // it is a benchmark's
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var config clientcmdv1.Config
	if err := yaml.Unmarshal(data, &config); err != nil || len(config.Contexts) != manyContexts {
		t.Fatal(err)
	}
}

// alternate switches between two contexts.
func alternate(b *testing.B, name string, args func(context string) []string) contender {
	round := 0
	return contender{name: name, run: func(b *testing.B) {
		round++
		command(name, args(fmt.Sprintf("context-%05d", 1+round%2))...).run(b)
	}}
}

// A kubeconfig of 10,000 contexts: list, against one decode of it by
// sigs.k8s.io/yaml in a process of its own (at most 1.5 times).
func BenchmarkKubeconfigList(b *testing.B) {
	path := largeKubeconfig(b)
	b.Setenv("BENCH_DECODE", path)
	compare(b,
		command("list", plugin(b), "kubeconfig", "list", "--kubeconfig", path),
		command("decode", os.Args[0], "-test.run", "^TestDecode$"),
	)
	reportMemory(b, path, "list")
}

// use and completion, against kubectl config use-context (under it).
func BenchmarkKubeconfigUse(b *testing.B) {
	path := largeKubeconfig(b)
	compare(b,
		alternate(b, "use", func(c string) []string { return []string{plugin(b), "kubeconfig", "use", c, "--kubeconfig", path} }),
		alternate(b, "kubectl-use", func(c string) []string { return []string{"kubectl", "config", "use-context", c, "--kubeconfig", path} }),
	)
	reportMemory(b, path, "use", "context-00003")
}

func BenchmarkKubeconfigComplete(b *testing.B) {
	path := largeKubeconfig(b)
	compare(b,
		command("complete", plugin(b), "__complete", "kubeconfig", "use", "--kubeconfig", path, "context-000"),
		alternate(b, "kubectl-use", func(c string) []string { return []string{"kubectl", "config", "use-context", c, "--kubeconfig", path} }),
	)
}

// reportMemory reports the peak of a command in MiB, and what it may be: three
// times the file and 30 MiB.
func reportMemory(b *testing.B, path string, args ...string) {
	b.Helper()
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	const mebi = 1 << 20
	b.ReportMetric(peak(b, append(append([]string{plugin(b), "kubeconfig"}, args...), "--kubeconfig", path)...), "MiB")
	b.ReportMetric(float64(3*info.Size())/mebi+30, "MiB-allowed")
}
