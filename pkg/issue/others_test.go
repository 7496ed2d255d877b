package issue

import (
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// Somebody's own request is passed on as it is, and no key is made.
func TestRunWithSomebodysRequest(t *testing.T) {
	key := pkitest.Key("newcomer")
	request := alice()
	text, err := pki.NewRequest(key, request.Subject)
	if err != nil {
		t.Fatal(err)
	}
	request.PKCS10, request.PublicKey = text, key.Public()
	c := newControlPlane(t)
	issued, _, err := issueTo(t, c, request, all())
	if err != nil {
		t.Fatal(err)
	}
	if issued.Key != nil || !pki.SamePublicKey(issued.Certificate.PublicKey, key.Public()) {
		t.Error("the certificate is not for the newcomer's key alone")
	}
	if sent := c.remaining(t)[0].Spec.Request; string(sent) != string(text) {
		t.Errorf("another request was sent:\n%s", sent)
	}
	// A signer that certifies another key is found out here too.
	c = newControlPlane(t)
	c.onApproval = func(r *certificatesv1.CertificateSigningRequest) {
		c.sign(t, r, pkitest.PublicKey(pkitest.Key("mallory").Public()))
	}
	if _, _, err := issueTo(t, c, request, all()); err == nil || !strings.Contains(err.Error(), "another key") {
		t.Errorf("error %v", err)
	}
}

// A kubelet's signer is asked by its name, and its own permission is asked for.
func TestRunWithTheKubeletsSigner(t *testing.T) {
	request := alice()
	request.Subject, request.Signer = pki.Subject{CommonName: "system:node:worker", Organizations: []string{"system:nodes"}}, KubeletSignerName
	c := newControlPlane(t)
	if _, _, err := issueTo(t, c, request, all(sign(SignerName), signDomain)); err != nil {
		t.Fatal(err)
	}
	if got := c.remaining(t)[0].Spec.SignerName; got != KubeletSignerName {
		t.Errorf("signer %s", got)
	}
	plan, err := Prepare(t.Context(), c, all(sign(KubeletSignerName), signDomain), request)
	if err != nil || plan.MayApprove {
		t.Errorf("may approve for a signer that it may not approve for (%v)", err)
	}
}

// What comes after is asked about, and missed, together with the rest.
func TestPrepareAlso(t *testing.T) {
	more := permit.Act{Verb: "create", Resource: "rolebindings", Namespace: "dev"}
	request := alice()
	request.Also = []permit.Act{more}
	_, err := Prepare(t.Context(), newControlPlane(t), all(watch, more), request)
	if want := "forbidden: you may not watch certificatesigningrequests.certificates.k8s.io, create rolebindings -n dev"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// A plan serves others, who are checked like the first.
func TestPlanFor(t *testing.T) {
	plan, err := Prepare(t.Context(), newControlPlane(t), all(), alice())
	if err != nil {
		t.Fatal(err)
	}
	bob := alice()
	bob.Subject.CommonName = "bob"
	if other, err := plan.For(bob); err != nil || other.Subject.CommonName != "bob" || plan.Subject.CommonName != "alice" || !other.MayApprove {
		t.Errorf("got %+v, %v", other, err)
	}
	bob.ExpiresIn = 0
	if _, err := plan.For(bob); err == nil {
		t.Error("a life of nothing was taken")
	}
}
