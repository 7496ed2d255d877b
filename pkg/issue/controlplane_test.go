package issue

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// controlPlane is an API server with a signer, as far as issuing needs one: it
// gives out UIDs, and when a request is approved, onApproval says what becomes
// of it. The real one is in test/e2e; this one does what a healthy one never
// does.
type controlPlane struct {
	*fake.Clientset
	ca *pkitest.CA
	// onApproval changes the approved request, as the signer does.
	onApproval func(request *certificatesv1.CertificateSigningRequest)
}

var csrs = certificatesv1.SchemeGroupVersion.WithResource(requests)

func newControlPlane(t *testing.T, objects ...runtime.Object) *controlPlane {
	t.Helper()
	c := &controlPlane{ca: pkitest.NewCA(t, "kubernetes")}
	clientCA := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: "extension-apiserver-authentication"},
		Data:       map[string]string{"client-ca-file": string(c.ca.PEM())},
	}
	c.Clientset = fake.NewClientset(append(objects, clientCA)...)
	c.onApproval = func(request *certificatesv1.CertificateSigningRequest) { c.sign(t, request) }
	c.PrependReactor("create", requests, func(action clienttesting.Action) (bool, runtime.Object, error) {
		request := action.(clienttesting.CreateAction).GetObject().(*certificatesv1.CertificateSigningRequest)
		request.UID = types.UID("uid of " + request.Name)
		return false, nil, nil
	})
	c.PrependReactor("update", requests, func(action clienttesting.Action) (bool, runtime.Object, error) {
		request := action.(clienttesting.UpdateAction).GetObject().(*certificatesv1.CertificateSigningRequest).DeepCopy()
		c.onApproval(request)
		return true, request, c.Tracker().Update(csrs, request, "")
	})
	return c
}

// sign issues what was asked for.
func (c *controlPlane) sign(t *testing.T, request *certificatesv1.CertificateSigningRequest, options ...pkitest.Option) {
	asked := parseRequest(t, request)
	subject := pki.Subject{CommonName: asked.Subject.CommonName, Organizations: asked.Subject.Organization}
	request.Status.Certificate = pki.EncodeCertificates(c.ca.Sign(t, asked.PublicKey, subject, options...))
}

func parseRequest(t *testing.T, request *certificatesv1.CertificateSigningRequest) *x509.CertificateRequest {
	block, _ := pem.Decode(request.Spec.Request)
	asked, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		t.Errorf("the request is none: %v", err)
	}
	return asked
}

// remaining lists the requests that are still there.
func (c *controlPlane) remaining(t *testing.T) []certificatesv1.CertificateSigningRequest {
	t.Helper()
	list, err := c.CertificatesV1().CertificateSigningRequests().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// all allows everything but forbidden.
func all(forbidden ...permit.Act) Allowed {
	return func(_ context.Context, acts []permit.Act) ([]bool, error) {
		answers := make([]bool, len(acts))
		for i, a := range acts {
			answers[i] = true
			for _, f := range forbidden {
				answers[i] = answers[i] && a != f
			}
		}
		return answers, nil
	}
}
