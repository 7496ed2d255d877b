package scan_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

func TestIssued(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	records := scan.Records{Namespace: "kube-system", Selector: "record=issued", Key: "certificate"}
	record := func(name, label string, certificate []byte) *corev1.ConfigMap {
		c := configMap("kube-system", name, map[string]string{"certificate": string(certificate)})
		c.Labels = map[string]string{"record": label}
		return c
	}
	alice := pki.EncodeCertificates(ca.Issue(t, pkitest.Client("alice")))
	client := fake.NewClientset(record("a", "issued", alice), record("b", "other", alice), record("c", "issued", []byte("garbage")))
	inv := read(long, scan.Issued(client, records))
	check(t, inv, []string{"alice: kube-system/a#certificate"}, []string{"kube-system/c#certificate: cannot be read: no PEM certificate in it"})
	if got := inv.Items[0].Name; got != "issued/alice" {
		t.Errorf("it is called %q", got)
	}
	forbid(client, "list", "configmaps", "")
	check(t, read(long, scan.Issued(client, records)), nil, []string{"records in kube-system: forbidden"})
}
