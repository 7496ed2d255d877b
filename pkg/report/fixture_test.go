package report_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// injection is what a certificate would like a browser, a spreadsheet or a
// parser of what is written to make of its name.
const injection = `=HYPERLINK("http://evil.example","x")</title></svg><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}]]>--><svg onload=alert(1)>"'` + "`"

// busy is an inventory with what a cluster in use has beside cluster: an
// intermediate CA, Secrets and their CA, a server that the injection names,
// requests, findings about places, and gaps of each kind.
func busy(t testing.TB) *inventory.Inventory {
	root := pkitest.NewCA(t, "kubernetes", pkitest.ValidFor(3650*pkitest.Day))
	clients := root.Intermediate(t, "clients of kubernetes")
	apps := pkitest.NewCA(t, "apps")
	found := inventory.Collector{Now: pkitest.Now}
	for _, place := range []catalog.Place{catalog.KubeconfigCA, catalog.RootCA, catalog.ClientCA} {
		found.See(inventory.Sighting{
			Location: inventory.Location{Source: "trust", Where: "kube-system/" + string(place) + "#ca.crt"}, Place: place, Certificate: root.Certificate,
		})
	}
	found.See(inventory.Sighting{
		Location: inventory.Location{Source: "trust", Where: "kube-system/more#ca.crt"}, Place: catalog.TrustBundle, Name: "clients-ca", Certificate: clients.Certificate,
	})
	for _, node := range []string{"worker-1", "worker-2"} {
		found.See(inventory.Sighting{
			Location: inventory.Location{Source: "kubelets", Where: node + ":10250"}, Place: catalog.KubeletPort, Node: node, Address: node,
			Certificate: root.Issue(t, pkitest.Server("system:node:"+node, node)),
		})
	}
	found.See(inventory.Sighting{
		Location: inventory.Location{Source: "control-plane", Where: "cp:2379"}, Place: catalog.EtcdClientPort, Node: "cp", Address: "cp",
		Certificate: pkitest.NewCA(t, "etcd").Issue(t, pkitest.Server("cp", "cp")),
	})
	found.See(inventory.Sighting{
		Location: inventory.Location{Source: "kubeconfig", Where: "dev#client-certificate"}, Place: catalog.KubeconfigClient,
		Certificate: clients.Issue(t, pkitest.Client("alice", catalog.KubeadmAdmins), pkitest.Left(20*time.Hour)),
	})
	for i := range 14 { // more than a drawing takes
		name := fmt.Sprintf("shop/tls-%d", i)
		left := time.Duration(i-1) * 25 * pkitest.Day
		found.See(inventory.Sighting{
			Location: inventory.Location{Source: "secrets", Where: name + "#tls.crt"}, Place: catalog.SecretLeaf, Name: "secret/" + name,
			Certificate: apps.Issue(t, pkitest.Server(fmt.Sprintf("shop-%d", i), "shop.example"), pkitest.Valid(pkitest.Now.Add(-90*pkitest.Day), pkitest.Now.Add(left))),
		})
		found.See(inventory.Sighting{
			Location: inventory.Location{Source: "secrets", Where: name + "#ca.crt"}, Place: catalog.SecretCA, Name: "secret/" + name + "#ca.crt",
			Certificate: apps.Certificate,
		})
	}
	found.See(inventory.Sighting{
		Location: inventory.Location{Source: "webhooks", Where: "ValidatingWebhookConfiguration/" + injection + "#hook"}, Place: catalog.CallBundle, Name: "webhook/" + injection,
		Certificate: pkitest.NewCA(t, injection, pkitest.Left(12*pkitest.Day)).Certificate,
	})
	busyRest(&found)
	return found.Inventory(inventory.Cluster{Context: "dev", Server: "https://k8s.example", Version: "v1.37.2"})
}

// busyRest reports what is no certificate.
func busyRest(found *inventory.Collector) {
	found.Find(inventory.PlaceFinding{
		Location: inventory.Location{Source: "webhooks", Where: "ValidatingWebhookConfiguration/policy#deny"},
		Finding:  inventory.Finding{Code: inventory.CodeWebhookBundle, Severity: inventory.Critical, Message: "has no CA bundle", Fix: "put the CA into caBundle"},
	})
	for _, name := range []string{"v1.metrics", "v1." + injection} {
		found.Find(inventory.PlaceFinding{
			Location: inventory.Location{Source: "webhooks", Where: "APIService/" + name},
			Finding:  inventory.Finding{Code: inventory.CodeInsecureSkip, Severity: inventory.Warning, Message: "is not verified", Fix: "name the CA in caBundle"},
		})
	}
	found.Find(inventory.PlaceFinding{
		Location: inventory.Location{Source: "secrets", Where: "shop/broken#tls.crt"},
		Finding:  inventory.Finding{Code: inventory.CodeUnreadable, Severity: inventory.Warning, Message: "holds no certificate"},
	})
	found.Await(inventory.Request{
		Name: "csr-1", Signer: "kubernetes.io/kubelet-serving", Requester: "system:node:worker-3", State: inventory.Pending, CreatedAt: pkitest.Now.Add(-3 * time.Hour),
	})
	found.Await(inventory.Request{
		Name: "csr-2", Signer: "kubernetes.io/kube-apiserver-client", Requester: injection, State: inventory.Approved, CreatedAt: pkitest.Now.Add(-time.Minute),
	})
	for i := range 6 {
		found.Skip(inventory.Skip{Source: "kubelets", Where: fmt.Sprintf("worker-%d:10250", i+3), Reason: "the connection was refused", Hint: "see --reach"})
	}
	found.Skip(inventory.Skip{Source: "secrets", Where: "secrets in all namespaces", Reason: "forbidden", Hint: "ask for: list secrets"})
	found.Skip(inventory.Skip{Source: "control-plane", Where: "nodes", Reason: "forbidden", Hint: "ask for: list nodes"})
	found.Skip(inventory.Skip{Source: "control-plane", Where: "etcd", Reason: "the provider hides it", Expected: true})
	found.Skip(inventory.Skip{Source: "control-plane", Where: "scheduler", Reason: "the provider hides it", Expected: true})
}
