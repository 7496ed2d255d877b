package access

import (
	"errors"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// What a person approves is on record with their name, whoever records it first.
func TestRecordApproved(t *testing.T) {
	cert := pkitest.NewCA(t, "kubernetes").Issue(t, pkitest.Client("alice", "devs"))
	issued := func(r *certificatesv1.CertificateSigningRequest) {
		r.Status.Certificate = pki.EncodeCertificates(cert)
		r.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{{Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue}}
	}
	failed := func(r *certificatesv1.CertificateSigningRequest) {
		r.Status.Certificate = nil
		r.Status.Conditions = append(r.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{Type: certificatesv1.CertificateFailed})
	}
	by := func(approver string) *Record {
		r := NewRecord(cert, certificatesv1.KubeAPIServerClientSignerName, "alice", approver, "r", pkitest.Now)
		return &r
	}
	tests := []struct {
		name      string
		meanwhile []func(*certificatesv1.CertificateSigningRequest)
		signer    string
		recorded  *Record // before
		want      string  // who approved, by the record; "" where there is none
		wantErr   error
	}{
		{name: "signed", meanwhile: changes(issued), want: "root"},
		{name: "recorded by the requester first", meanwhile: changes(issued), recorded: by(""), want: "root"},
		{name: "recorded as approved by another user", meanwhile: changes(issued), recorded: by("dana"), want: "dana"},
		{name: "refused by the signer", meanwhile: changes(issued, failed)},
		{name: "not signed", wantErr: errNotSigned},
		{name: "replaced", meanwhile: changes(issued, func(r *certificatesv1.CertificateSigningRequest) { r.UID = "uid-2" })},
		{name: "a kubelet's", signer: certificatesv1.KubeletServingSignerName, meanwhile: changes(issued)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			object := asking(t)
			if tt.signer != "" {
				object.Spec.SignerName = tt.signer
			}
			approved := newRequest(object.DeepCopy(), somePowers())
			for _, change := range tt.meanwhile {
				change(object)
			}
			client := calledBy(fake.NewClientset(object), "root")
			if tt.recorded != nil {
				if err := Save(t.Context(), client, *tt.recorded); err != nil {
					t.Fatal(err)
				}
			}
			err := RecordApproved(t.Context(), client, &approved, 50*time.Millisecond, func() time.Time { return pkitest.Now })
			if !errors.Is(err, tt.wantErr) {
				t.Errorf("got %v, want %v", err, tt.wantErr)
			}
			records, err := client.CoreV1().ConfigMaps(RecordNamespace).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if len(records.Items) > 0 {
					t.Errorf("recorded as %v", records.Items)
				}
				return
			}
			if len(records.Items) != 1 || records.Items[0].Data["approvedBy"] != tt.want || records.Items[0].Data["requestedBy"] != "alice" {
				t.Errorf("recorded as %v", records.Items)
			}
		})
	}
}

func changes(of ...func(*certificatesv1.CertificateSigningRequest)) []func(*certificatesv1.CertificateSigningRequest) {
	return of
}
