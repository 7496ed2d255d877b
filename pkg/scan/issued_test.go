package scan_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

func TestIssued(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	records := scan.Records{
		Namespace: "kube-system", Key: "certificate",
		Is:     func(m *corev1.ConfigMap) bool { return m.Labels["record"] == "issued" },
		Damage: func(m *corev1.ConfigMap) []string { return strings.Fields(m.Annotations["damage"]) },
	}
	record := func(name, label string, certificate []byte) *corev1.ConfigMap {
		c := configMap("kube-system", name, map[string]string{"certificate": string(certificate)})
		c.Labels = map[string]string{"record": label}
		return c
	}
	alice := pki.EncodeCertificates(ca.Issue(t, pkitest.Client("alice")))
	client := fake.NewClientset(record("a", "issued", alice), record("b", "other", alice), record("c", "issued", []byte("garbage")),
		record("d", "issued", pki.EncodeCertificates(ca.Issue(t, pkitest.Client("bob"), pkitest.Left(-pkitest.Day)))))
	inv := read(long, scan.Issued(client, records))
	check(t, inv, []string{"alice: kube-system/a#certificate"}, []string{"kube-system/c#certificate: cannot be read: it contains no PEM certificate"})
	if got := inv.Items[0].Name; got != "issued/alice" {
		t.Errorf("it is called %q", got)
	}
	edited := record("e", "issued", alice)
	edited.Annotations = map[string]string{"damage": "edited"}
	inv = read(long, scan.Issued(fake.NewClientset(edited), records))
	if len(inv.Items) != 1 || len(inv.Findings) != 1 || inv.Findings[0].Code != inventory.CodeDamagedRecord || inv.Findings[0].Message != "the record is damaged: edited" {
		t.Errorf("an edited one: %+v", inv)
	}
	forbid(client, "list", "configmaps", "")
	check(t, read(long, scan.Issued(client, records)), nil, []string{"records in kube-system: forbidden"})
}
