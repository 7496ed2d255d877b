package issue

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimachineryvalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/runtime"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

func now() time.Time { return pkitest.Now }

// alice asks for an hour.
func alice() Request {
	return Request{
		Subject:   pki.Subject{CommonName: "alice", Organizations: []string{"devs", "oncall"}},
		KeyType:   pki.ECDSAP256,
		ExpiresIn: time.Hour,
		Timeout:   2 * time.Second,
	}
}

// issueTo prepares and runs request, and returns the events on the way.
func issueTo(t *testing.T, c *controlPlane, request Request, allowed Allowed) (*Issued, []Event, error) {
	t.Helper()
	plan, err := Prepare(t.Context(), c, allowed, request)
	if err != nil {
		t.Fatalf("Prepare: %v", err)
	}
	var events []Event
	issued, err := Run(t.Context(), c, plan, now, func(e Event, _ string) { events = append(events, e) })
	return issued, events, err
}

func TestRun(t *testing.T) {
	c := newControlPlane(t)
	issued, events, err := issueTo(t, c, alice(), all())
	if err != nil {
		t.Fatal(err)
	}
	if want := []Event{Submitted, Approved, Signed}; !slices.Equal(events, want) {
		t.Errorf("events %v, want %v", events, want)
	}
	if _, err := tls.X509KeyPair(issued.CertificatePEM, issued.Key); err != nil {
		t.Errorf("the key does not fit: %v", err)
	}
	if subject := pki.SubjectOf(issued.Certificate); !subject.Equal(alice().Subject) {
		t.Errorf("issued to %s", subject)
	}
	request := c.remaining(t)[0]
	if request.Name != issued.RequestName || request.Spec.SignerName != SignerName || *request.Spec.ExpirationSeconds != 3600 {
		t.Errorf("request %s to %s for %d s", request.Name, request.Spec.SignerName, *request.Spec.ExpirationSeconds)
	}
}

// The watch is open before the approval is given, or a quick signer could be
// missed.
func TestRunWatchesBeforeItApproves(t *testing.T) {
	c := newControlPlane(t)
	if _, _, err := issueTo(t, c, alice(), all()); err != nil {
		t.Fatal(err)
	}
	var verbs []string
	for _, action := range c.Actions() {
		if action.GetResource().Resource == requests {
			verbs = append(verbs, action.GetVerb())
		}
	}
	if want := []string{"create", "watch", "update"}; !slices.Equal(verbs, want) {
		t.Errorf("calls %v, want %v", verbs, want)
	}
}

// What a signer must not send is not used, whatever the reason.
func TestRunDistrustsTheSigner(t *testing.T) {
	tests := []struct {
		name string
		sign func(t *testing.T, c *controlPlane, request *certificatesv1.CertificateSigningRequest)
		want string
	}{
		{"another key", func(t *testing.T, c *controlPlane, r *certificatesv1.CertificateSigningRequest) {
			c.sign(t, r, pkitest.PublicKey(pkitest.Key("mallory").Public()))
		}, "it is for another key"},
		{"another user", func(t *testing.T, c *controlPlane, r *certificatesv1.CertificateSigningRequest) {
			c.sign(t, r, pkitest.Client("mallory", "devs", "oncall"))
		}, "it is for CN=mallory, O=devs, O=oncall instead of CN=alice, O=devs, O=oncall"},
		{"one group more", func(t *testing.T, c *controlPlane, r *certificatesv1.CertificateSigningRequest) {
			c.sign(t, r, pkitest.Client("alice", "devs", "oncall", "system:masters"))
		}, "O=system:masters instead of"},
		{"already over", func(t *testing.T, c *controlPlane, r *certificatesv1.CertificateSigningRequest) {
			c.sign(t, r, pkitest.Left(-time.Second))
		}, "this machine's clock says"},
		{"garbage", func(_ *testing.T, _ *controlPlane, r *certificatesv1.CertificateSigningRequest) {
			r.Status.Certificate = []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
		}, "PEM block 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newControlPlane(t)
			c.onApproval = func(r *certificatesv1.CertificateSigningRequest) { test.sign(t, c, r) }
			_, _, err := issueTo(t, c, alice(), all())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one that says %q", err, test.want)
			}
		})
	}
}

// Groups are a set: a signer may reorder them.
func TestRunTakesGroupsInAnyOrder(t *testing.T) {
	c := newControlPlane(t)
	c.onApproval = func(r *certificatesv1.CertificateSigningRequest) {
		c.sign(t, r, pkitest.Client("alice", "oncall", "devs"))
	}
	if _, _, err := issueTo(t, c, alice(), all()); err != nil {
		t.Error(err)
	}
}

// A request that changes under the approver's hands is approved as long as it
// is the one that was submitted, and not otherwise.
func TestApproveOnConflict(t *testing.T) {
	conflict := apierrors.NewConflict(csrs.GroupResource(), "", errors.New("changed"))
	tests := []struct {
		name   string
		change func(request *certificatesv1.CertificateSigningRequest)
		want   string
	}{
		{"annotated", func(r *certificatesv1.CertificateSigningRequest) { r.Annotations = map[string]string{"a": "b"} }, ""},
		{"replaced", func(r *certificatesv1.CertificateSigningRequest) { r.UID = "another" }, "was deleted by another user"},
		{"other content", func(r *certificatesv1.CertificateSigningRequest) { r.Spec.Request = []byte("other") }, "was deleted by another user"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newControlPlane(t)
			conflicts := 0
			c.PrependReactor("update", requests, func(action clienttesting.Action) (bool, runtime.Object, error) {
				if conflicts++; conflicts > 1 {
					return false, nil, nil
				}
				changed := action.(clienttesting.UpdateAction).GetObject().(*certificatesv1.CertificateSigningRequest).DeepCopy()
				changed.Status.Conditions = nil
				test.change(changed)
				if err := c.Tracker().Update(csrs, changed, ""); err != nil {
					t.Error(err)
				}
				return true, nil, conflict
			})
			_, _, err := issueTo(t, c, alice(), all())
			if test.want == "" && err != nil {
				t.Errorf("error %v, want none", err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want one that says %q", err, test.want)
			}
		})
	}
}

// A watch that the server closes is opened again, and nothing in between is
// missed.
func TestRunSurvivesAClosedWatch(t *testing.T) {
	c := newControlPlane(t)
	watches := 0
	c.PrependWatchReactor(requests, func(clienttesting.Action) (bool, apiwatch.Interface, error) {
		if watches++; watches == 1 {
			closed := apiwatch.NewFake()
			closed.Stop()
			return true, closed, nil
		}
		return false, nil, nil
	})
	if _, _, err := issueTo(t, c, alice(), all()); err != nil {
		t.Error(err)
	}
}

// An answer that got lost leaves no request behind.
func TestRunWithdrawsWhatMayHaveArrived(t *testing.T) {
	lost := errors.New("connection reset by peer")
	c := newControlPlane(t)
	c.PrependReactor("create", requests, func(action clienttesting.Action) (bool, runtime.Object, error) {
		object := action.(clienttesting.CreateAction).GetObject()
		if err := c.Tracker().Create(csrs, object, ""); err != nil {
			t.Error(err)
		}
		return true, nil, lost
	})
	_, _, err := issueTo(t, c, alice(), all())
	if !errors.Is(err, lost) {
		t.Errorf("error %v, want %v", err, lost)
	}
	if left := c.remaining(t); len(left) > 0 {
		t.Errorf("left behind: %s", left[0].Name)
	}
}

// A request of that name which is someone else's is not touched.
func TestRunLeavesOthersAlone(t *testing.T) {
	c := newControlPlane(t)
	c.PrependReactor("create", requests, func(action clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewAlreadyExists(csrs.GroupResource(), "")
	})
	if _, _, err := issueTo(t, c, alice(), all()); !apierrors.IsAlreadyExists(err) {
		t.Errorf("error %v, want AlreadyExists", err)
	}
	for _, action := range c.Actions() {
		if action.GetVerb() == "delete" {
			t.Error("something was deleted")
		}
	}
}

// What cannot be withdrawn is said.
func TestRunSaysWhatItLeaves(t *testing.T) {
	c := newControlPlane(t)
	c.PrependReactor("delete", requests, func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(csrs.GroupResource(), "", errors.New("no"))
	})
	ctx, cancel := context.WithCancel(t.Context())
	plan, err := Prepare(ctx, c, all(approve, withdraw), alice())
	if err != nil {
		t.Fatal(err)
	}
	if plan.MayWithdraw || plan.MayApprove {
		t.Errorf("plan says that the caller may approve (%t), withdraw (%t)", plan.MayApprove, plan.MayWithdraw)
	}
	_, err = Run(ctx, c, plan, now, func(e Event, _ string) {
		if e == AwaitingApproval {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "could not be withdrawn") {
		t.Errorf("error %v", err)
	}
}

func TestPrepareNamesEveryMissingPermission(t *testing.T) {
	admin := alice()
	admin.AdminGroup = true
	tests := []struct {
		name    string
		request Request
		lacking []string
		allowed Allowed
	}{
		{"to ask", alice(), []string{"create certificatesigningrequests.certificates.k8s.io", "watch certificatesigningrequests.certificates.k8s.io"}, all(create, watch)},
		{"to bind", admin, []string{"create clusterrolebindings.rbac.authorization.k8s.io", "bind clusterroles.rbac.authorization.k8s.io/cluster-admin"}, all(bind, bindAdmin)},
		{"to approve is not needed", alice(), nil, all(approve, sign(SignerName), signDomain)},
		{"to bind is not needed for a person", alice(), nil, all(bind, bindAdmin)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Prepare(t.Context(), newControlPlane(t), test.allowed, test.request)
			if test.lacking == nil {
				if err != nil {
					t.Errorf("error %v, want none", err)
				}
				return
			}
			want := "forbidden: you may not " + strings.Join(test.lacking, ", ")
			if err == nil || err.Error() != want || hint.Of(err) == "" {
				t.Errorf("error %v (hint %q)\nwant  %s", err, hint.Of(err), want)
			}
		})
	}
}

// To approve takes the request's subresource and the signer: by its name, or
// by all of its domain.
func TestPrepareSeesWhoMayApprove(t *testing.T) {
	tests := []struct {
		name    string
		allowed Allowed
		want    bool
	}{
		{"everything", all(), true},
		{"the signer by name", all(signDomain), true},
		{"the signer by domain", all(sign(SignerName)), true},
		{"no signer", all(sign(SignerName), signDomain), false},
		{"no subresource", all(approve), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			plan, err := Prepare(t.Context(), newControlPlane(t), test.allowed, alice())
			if err != nil || plan.MayApprove != test.want {
				t.Errorf("may approve: %v (%v), want %t", plan, err, test.want)
			}
		})
	}
}

func TestPrepareChoosesTheAdministratorsGroup(t *testing.T) {
	kubeadm, own := newAdminBinding(), newAdminBinding()
	kubeadm.Name, kubeadm.Subjects[0].Name = "kubeadm:cluster-admins", "kubeadm:cluster-admins"
	emptied := kubeadm.DeepCopy()
	emptied.Subjects = nil
	weak := newAdminBinding()
	weak.RoleRef.Name = "view"
	tests := []struct {
		name    string
		objects []runtime.Object
		group   string
		create  bool
		wantErr string
	}{
		{"kubeadm's", []runtime.Object{kubeadm, own}, "kubeadm:cluster-admins", false, ""},
		{"our own, there already", []runtime.Object{own}, "kubectl-certs:cluster-admins", false, ""},
		{"our own, to be made", nil, "kubectl-certs:cluster-admins", true, ""},
		{"kubeadm's, but it binds nobody", []runtime.Object{emptied}, "kubectl-certs:cluster-admins", true, ""},
		{"our own, changed by someone", []runtime.Object{weak}, "", false, "does not bind group"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			request := alice()
			request.AdminGroup, request.Subject.Organizations = true, nil
			plan, err := Prepare(t.Context(), newControlPlane(t, test.objects...), all(), request)
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) {
					t.Errorf("error %v, want one that says %q", err, test.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(plan.Subject.Organizations, []string{test.group}) || (plan.Binding != nil) != test.create {
				t.Errorf("groups %q, binding to make: %v", plan.Subject.Organizations, plan.Binding)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Request)
		want   string
	}{
		{"good", func(*Request) {}, ""},
		{"the shortest life", func(r *Request) { r.ExpiresIn = MinLife }, ""},
		{"too short", func(r *Request) { r.ExpiresIn = MinLife - time.Second }, "minimum lifetime is 10 minutes"},
		{"longer than 32 bits of seconds", func(r *Request) { r.ExpiresIn = MaxLife + time.Second }, "maximum lifetime is 24855 days"},
		{"no name", func(r *Request) { r.Subject.CommonName = "" }, `invalid user name ""`},
		{"a blank name", func(r *Request) { r.Subject.CommonName = " " }, "invalid user name"},
		{"a name that moves the cursor", func(r *Request) { r.Subject.CommonName = "a\x1b[2J" }, "invalid user name"},
		{"a name that is read backwards", func(r *Request) { r.Subject.CommonName = "a\u202eb" }, "invalid user name"},
		{"a name that is no text", func(r *Request) { r.Subject.CommonName = "\xff" }, "invalid user name"},
		{"a name with spaces in it", func(r *Request) { r.Subject.CommonName = "Zoë 日本" }, ""},
		{"no group's name", func(r *Request) { r.Subject.Organizations = []string{""} }, "invalid group name"},
		{"a group twice", func(r *Request) { r.Subject.Organizations = []string{"a", "b", "a"} }, `group "a" is specified twice`},
		{"64 bytes", func(r *Request) { r.Subject.CommonName = strings.Repeat("a", 64) }, ""},
		{"65 bytes", func(r *Request) { r.Subject.CommonName = strings.Repeat("a", 65) }, "is 64"},
		{"system:masters", func(r *Request) { r.Subject.Organizations = append(r.Subject.Organizations, "system:masters") }, "system:masters is not available"},
		{"no time", func(r *Request) { r.Timeout = 0 }, "invalid timeout"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			request := alice()
			test.change(&request)
			err := request.Validate()
			if (err == nil) != (test.want == "") || (err != nil && !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// Names of requests are DNS subdomains, whatever the user is called, and no
// two are the same.
func TestNewName(t *testing.T) {
	for _, user := range []string{"alice", "system:kube-scheduler", "alice@example.com", "Zoë", "..", "", strings.Repeat("x", 64), "-a-", "日本"} {
		a, b := newName(user), newName(user)
		if a == b {
			t.Errorf("%q: twice the name %s", user, a)
		}
		if problems := apimachineryvalidation.NameIsDNSSubdomain(a, false); len(problems) > 0 {
			t.Errorf("%q: %s: %s", user, a, problems)
		}
	}
}
