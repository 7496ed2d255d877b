package access

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
)

var csrs = certificatesv1.SchemeGroupVersion.WithResource("certificatesigningrequests")

var yes = Verdict{Approve: true, Reason: "Looked", Message: "at it"}

func TestDecide(t *testing.T) {
	condition := func(kind certificatesv1.RequestConditionType) func(*certificatesv1.CertificateSigningRequest) {
		return func(r *certificatesv1.CertificateSigningRequest) {
			r.Status.Conditions = append(r.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{Type: kind})
		}
	}
	tests := []struct {
		name    string
		verdict Verdict
		// meanwhile happens to the request after it was shown.
		meanwhile func(*certificatesv1.CertificateSigningRequest)
		want      certificatesv1.RequestConditionType
		wantErr   string
		changed   bool
	}{
		{name: "approved", verdict: yes, want: certificatesv1.CertificateApproved},
		{name: "denied", verdict: Verdict{Reason: "No", Message: "because"}, want: certificatesv1.CertificateDenied},
		{name: "an annotation was added", verdict: yes, meanwhile: func(r *certificatesv1.CertificateSigningRequest) {
			r.Annotations = map[string]string{"a": "b"}
		}, want: certificatesv1.CertificateApproved},
		{name: "replaced by one of the same content", verdict: yes, meanwhile: func(r *certificatesv1.CertificateSigningRequest) { r.UID = "uid-2" }, changed: true},
		{name: "another PKCS #10 request", verdict: yes, meanwhile: func(r *certificatesv1.CertificateSigningRequest) {
			r.Spec.Request = append(r.Spec.Request, '\n')
		}, changed: true},
		{name: "another signer", verdict: yes, meanwhile: func(r *certificatesv1.CertificateSigningRequest) { r.Spec.SignerName = "x/y" }, changed: true},
		{name: "another life", verdict: yes, meanwhile: func(r *certificatesv1.CertificateSigningRequest) { *r.Spec.ExpirationSeconds = 999999 }, changed: true},
		{name: "another usage", verdict: yes, meanwhile: func(r *certificatesv1.CertificateSigningRequest) { r.Spec.Usages[0] = "any" }, changed: true},
		{name: "another requester", verdict: yes, meanwhile: func(r *certificatesv1.CertificateSigningRequest) { r.Spec.Username = "mallory" }, changed: true},
		{name: "denied by somebody", verdict: yes, meanwhile: condition(certificatesv1.CertificateDenied), wantErr: "it is already denied"},
		{name: "approved by somebody", verdict: Verdict{Reason: "No"}, meanwhile: condition(certificatesv1.CertificateApproved), wantErr: "it is already approved"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			object := asking(t)
			shown := newRequest(object.DeepCopy(), somePowers())
			if tt.meanwhile != nil {
				tt.meanwhile(object)
			}
			client := fake.NewClientset(object)
			err := Decide(t.Context(), client, &shown, tt.verdict)
			if errors.Is(err, ErrChanged) != tt.changed {
				t.Errorf("got %v, want ErrChanged: %t", err, tt.changed)
			}
			if tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)) {
				t.Errorf("got %v, want an error that says %q", err, tt.wantErr)
			}
			after, _ := client.CertificatesV1().CertificateSigningRequests().Get(t.Context(), "r", metav1.GetOptions{})
			if tt.want == "" {
				if len(after.Status.Conditions) != len(object.Status.Conditions) {
					t.Errorf("it was decided about: %v", after.Status.Conditions)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			c := after.Status.Conditions[0]
			if c.Type != tt.want || c.Status != "True" || c.Reason != tt.verdict.Reason || c.Message != tt.verdict.Message {
				t.Errorf("got condition %v", c)
			}
		})
	}
}

// A request that is replaced between the look and the write is caught by the
// resourceVersion, and looked at again.
func TestDecideOnConflict(t *testing.T) {
	object := asking(t)
	shown := newRequest(object.DeepCopy(), somePowers())
	client := fake.NewClientset(object)
	raced := false
	client.PrependReactor("update", csrs.Resource, func(action clienttesting.Action) (bool, runtime.Object, error) {
		if raced {
			return false, nil, nil
		}
		raced = true
		if sent := action.(clienttesting.UpdateAction).GetObject().(*certificatesv1.CertificateSigningRequest); sent.ResourceVersion != "1" || sent.UID != "uid-1" {
			t.Errorf("sent resourceVersion %q and UID %q", sent.ResourceVersion, sent.UID)
		}
		another := asking(t, subject("mallory"))
		another.UID = "uid-2"
		if err := client.Tracker().Update(csrs, another, ""); err != nil {
			t.Error(err)
		}
		return true, nil, apierrors.NewConflict(csrs.GroupResource(), "r", errors.New("changed"))
	})
	if err := Decide(t.Context(), client, &shown, yes); !errors.Is(err, ErrChanged) {
		t.Errorf("got %v, want ErrChanged", err)
	}
}

func TestDecideOnADeletedRequest(t *testing.T) {
	shown := newRequest(asking(t), somePowers())
	err := Decide(t.Context(), fake.NewClientset(), &shown, yes)
	if err == nil || !strings.Contains(err.Error(), "it was deleted in the meantime") {
		t.Errorf("got %v", err)
	}
}

// may allows everything but forbidden.
func may(forbidden ...string) permit.Allowed {
	return func(_ context.Context, acts []permit.Act) ([]bool, error) {
		answers := make([]bool, len(acts))
		for i, a := range acts {
			answers[i] = !slices.Contains(forbidden, permit.Describe(a))
		}
		return answers, nil
	}
}

func TestCheckMayDecide(t *testing.T) {
	const (
		update   = "update certificatesigningrequests/approval.certificates.k8s.io"
		one      = "approve signers.certificates.k8s.io/kubernetes.io/kube-apiserver-client"
		all      = "approve signers.certificates.k8s.io/kubernetes.io/*"
		own      = "approve signers.certificates.k8s.io/example.com/signer"
		ownAll   = "approve signers.certificates.k8s.io/example.com/*"
		signer   = certificatesv1.KubeAPIServerClientSignerName
		ofOnesOw = "example.com/signer"
	)
	tests := []struct {
		name      string
		forbidden []string
		signers   []string
		want      []string
	}{
		{"everything", nil, []string{signer, ofOnesOw}, nil},
		{"the signer by name", []string{all}, []string{signer}, nil},
		{"the signer by domain", []string{one}, []string{signer}, nil},
		{"neither", []string{one, all}, []string{signer}, []string{one}},
		{"one of two signers", []string{own, ownAll}, []string{signer, ofOnesOw, signer}, []string{own}},
		{"no approval", []string{update}, []string{signer}, []string{update}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := CheckMayDecide(t.Context(), may(tt.forbidden...), tt.signers...)
			var got []string
			if missing, ok := errors.AsType[*permit.Missing](err); ok {
				got = missing.Acts
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("missing %q, want %q", got, tt.want)
			}
		})
	}
}
