package scan_test

import (
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

func TestRequests(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	const serving, kubelet, client = "kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kube-apiserver-client"
	request := func(signer string, certificate []byte, conditions ...certificatesv1.RequestConditionType) *certificatesv1.CertificateSigningRequest {
		r := &certificatesv1.CertificateSigningRequest{
			ObjectMeta: metav1.ObjectMeta{Name: "r", CreationTimestamp: metav1.NewTime(pkitest.Now.Add(-time.Hour))},
			Spec:       certificatesv1.CertificateSigningRequestSpec{SignerName: signer, Username: "system:node:worker-1"},
			Status:     certificatesv1.CertificateSigningRequestStatus{Certificate: certificate},
		}
		for _, c := range conditions {
			r.Status.Conditions = append(r.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{Type: c, Status: corev1.ConditionTrue})
		}
		return r
	}
	node := pki.EncodeCertificates(ca.Issue(t, pkitest.Client("system:node:worker-1", "system:nodes")))
	alice := pki.EncodeCertificates(ca.Issue(t, pkitest.Client("alice")))
	approved := certificatesv1.CertificateApproved
	tests := []struct {
		name  string
		input *certificatesv1.CertificateSigningRequest
		item  string // "name of node"
		state inventory.RequestState
	}{
		{"a kubelet's, signed", request(kubelet, node, approved), "kubelet-client of worker-1", ""},
		{"a kubelet's for serving, signed", request(serving, node, approved), "csr/r of worker-1", ""},
		{"a person's, signed", request(client, alice, approved), "csr/r of ", ""},
		{"somebody's, signed by another", request("example.com/mine", alice, approved), "csr/r of ", ""},
		{"asked", request(client, nil), "", inventory.Pending},
		{"approved", request(client, nil, approved), "", inventory.Approved},
		{"denied", request(client, nil, certificatesv1.CertificateDenied), "", ""},
		{"failed", request(client, nil, approved, certificatesv1.CertificateFailed), "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inv := read(long, scan.Requests(fake.NewClientset(tt.input)))
			item, state := "", inventory.RequestState("")
			for _, e := range inv.Items {
				item = e.Name + " of " + e.Node
			}
			for _, r := range inv.Requests {
				state = r.State
				if r.Name != "r" || r.Requester != "system:node:worker-1" || r.Signer != tt.input.Spec.SignerName || len(r.Findings) != 1 {
					t.Errorf("got %+v", r)
				}
			}
			if item != tt.item || state != tt.state {
				t.Errorf("got %q and a request %q, want %q and %q", item, state, tt.item, tt.state)
			}
		})
	}
}

func TestRequestsForbidden(t *testing.T) {
	client := fake.NewClientset()
	forbid(client, "list", "certificatesigningrequests", "")
	check(t, read(long, scan.Requests(client)), nil, []string{"certificatesigningrequests: forbidden"})
}
