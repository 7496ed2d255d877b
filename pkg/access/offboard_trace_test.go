package access

import (
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// ghost is one thing that somebody left in the cluster.
type ghost struct {
	name, user, by, approved string
	state                    certificatesv1.RequestConditionType // "" for pending
	signed                   bool
	after                    time.Duration // since Now
	recordOnly, requestOnly  bool
	change                   func(*certificatesv1.CertificateSigningRequest)
}

func haunted(t *testing.T, ca *pkitest.CA, ghosts ...ghost) *fake.Clientset {
	t.Helper()
	var objects []runtime.Object
	for _, g := range ghosts {
		at := pkitest.Now.Add(g.after)
		cert := ca.Issue(t, pkitest.Client(g.user, "of-"+g.user), pkitest.PublicKey(pkitest.Key(g.name).Public()), pkitest.Valid(at, at.Add(8*time.Hour)), serial(g.name))
		if !g.recordOnly {
			r := asking(t, subject(g.user, "of-"+g.user), by(g.by))
			r.Name, r.UID, r.CreationTimestamp = g.name, types.UID("uid of "+g.name), metav1.NewTime(at)
			if g.state != "" {
				r.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{{Type: g.state}}
			}
			if g.signed {
				r.Status.Certificate = pki.EncodeCertificates(cert)
			}
			if g.change != nil {
				g.change(r)
			}
			objects = append(objects, r)
		}
		if g.signed && !g.requestOnly {
			objects = append(objects, NewRecord(cert, certificatesv1.KubeAPIServerClientSignerName, g.by, g.approved, g.name, at).configMap())
		}
	}
	return calledBy(fake.NewClientset(objects...), "root")
}

func serial(name string) pkitest.Option {
	return func(c *x509.Certificate) {
		c.SerialNumber = new(big.Int).SetBytes([]byte(name))
	}
}

// approves lets the API server say that the user, and nobody else, may approve.
func approves(client *fake.Clientset, user string) {
	client.PrependReactor("create", "subjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		review := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SubjectAccessReview)
		act := review.Spec.ResourceAttributes
		review.Status.Allowed = review.Spec.User == user && (act.Subresource == "approval" || act.Resource == "signers" && act.Verb == "approve")
		return true, review, nil
	})
}

func traceNames(traces []Trace) string {
	var all []string
	for _, t := range traces {
		_, name, _ := strings.Cut(t.Source, " ")
		if t.Request == nil {
			name = "record of " + t.User
		}
		all = append(all, name)
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// What somebody got under other names is found, wherever it has left a sign,
// over any number of names; and what others asked for is not theirs.
func TestTraces(t *testing.T) {
	const approved = certificatesv1.CertificateApproved
	issued := func(name, user, by, approver string) ghost {
		return ghost{name: name, user: user, by: by, approved: approver, state: approved, signed: true}
	}
	recordOf := func(g ghost) ghost { g.recordOnly = true; return g }
	requestOf := func(g ghost) ghost { g.requestOnly = true; return g }
	at := func(after time.Duration, g ghost) ghost { g.after = after; return g }
	ca := pkitest.NewCA(t, "kubernetes")
	trailing := func(r *certificatesv1.CertificateSigningRequest) {
		r.Spec.Request = append(r.Spec.Request, "-----BEGIN NOTHING-----\n-----END NOTHING-----\n"...)
	}
	for _, tt := range []struct {
		name          string
		ghosts        []ghost
		accepted      []string
		approver      string // who may approve
		traces, other string
	}{
		{"of another name, by request and record", []ghost{issued("r", "svc", "dana", "dana")}, nil, "", "r", ""},
		{"only the request is left", []ghost{requestOf(issued("r", "svc", "dana", ""))}, nil, "", "r", ""},
		{"only the record is left", []ghost{recordOf(issued("r", "svc", "dana", "dana"))}, nil, "", "record of svc", ""},
		{"approved for another user", []ghost{recordOf(issued("r", "svc", "eve", "dana"))}, nil, "", "record of svc", ""},
		{"pending", []ghost{{name: "r", user: "svc", by: "dana"}}, nil, "", "r", ""},
		{"approved, and not signed", []ghost{{name: "r", user: "svc", by: "dana", state: approved}}, nil, "", "r", ""},
		{"denied", []ghost{{name: "r", user: "svc", by: "dana", state: certificatesv1.CertificateDenied}}, nil, "", "", ""},
		{"failed", []ghost{{name: "r", user: "svc", by: "dana", state: certificatesv1.CertificateFailed}}, nil, "", "", ""},
		{"failed after it was issued", []ghost{func() ghost {
			g := requestOf(issued("r", "svc", "dana", ""))
			g.change = func(r *certificatesv1.CertificateSigningRequest) {
				r.Status.Conditions = append(r.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{Type: certificatesv1.CertificateFailed})
			}
			return g
		}()}, nil, "", "r", ""},
		{"expired", []ghost{at(-9*time.Hour, issued("r", "svc", "dana", "dana"))}, nil, "", "", ""},
		{"their own", []ghost{issued("r", "dana", "dana", "dana")}, nil, "", "", ""},
		{"by another user", []ghost{issued("r", "svc", "eve", "eve")}, nil, "dana", "", ""},
		{"by a name that only looks the same", []ghost{issued("r", "svc", "Dana", "Dana")}, nil, "dana", "", ""},
		{"one that only this program's reader refuses", []ghost{{name: "r", user: "svc", by: "dana", change: trailing}}, nil, "", "r", ""},
		{"the same, of another user: whom it is for is not known", []ghost{{name: "r", user: "svc", by: "eve", change: trailing}}, nil, "", "", "r"},
		{"the same, signed", []ghost{func() ghost { g := requestOf(issued("r", "svc", "dana", "")); g.change = trailing; return g }()}, nil, "", "r", ""},
		{"a chain", []ghost{issued("1", "bob", "dana", "dana"), at(time.Hour, issued("2", "carol", "bob", "bob")), at(2*time.Hour, issued("3", "dave", "carol", "carol"))}, nil, "", "1,2,3", ""},
		{"a chain in any order", []ghost{at(2*time.Hour, issued("1", "dave", "carol", "carol")), at(time.Hour, issued("2", "carol", "bob", "bob")), issued("3", "bob", "dana", "dana")}, nil, "", "1,2,3", ""},
		{"a circle", []ghost{issued("1", "bob", "dana", "dana"), issued("2", "dana", "bob", "bob"), issued("3", "bob", "bob", "bob")}, nil, "", "1,3", ""},
		{"what bob did long before", []ghost{issued("1", "bob", "dana", "dana"), at(-time.Hour, issued("2", "carol", "bob", "bob"))}, nil, "", "1", ""},
		{"bob is accepted", []ghost{issued("1", "bob", "dana", "dana"), at(time.Hour, issued("2", "carol", "bob", "bob"))}, []string{"bob"}, "", "", ""},
		{"the record lies about who asked", []ghost{func() ghost { g := issued("r", "svc", "dana", "eve"); return g }()}, nil, "", "r", ""},
		{"an unknown approver, and dana may approve", []ghost{issued("r", "svc", "eve", "")}, nil, "dana", "", "r"},
		{"an unknown approver, and dana may not", []ghost{issued("r", "svc", "eve", "")}, nil, "eve", "", ""},
		{"an unknown approver, and a ghost of dana's may approve", []ghost{issued("1", "svc", "dana", "dana"), issued("2", "x", "eve", "")}, nil, "svc", "1", "2"},
		{"an unknown requester", []ghost{recordOf(issued("r", "svc", "", ""))}, nil, "dana", "", "record of svc"},
		{"another's pending request", []ghost{{name: "r", user: "svc", by: "eve"}}, nil, "dana", "", ""},
		{"approved by nobody knows, and not signed", []ghost{{name: "r", user: "svc", by: "eve", state: approved}}, nil, "dana", "", "r"},
		{"a kubelet's", []ghost{func() ghost {
			g := requestOf(issued("r", "system:node:n", "system:node:n", ""))
			g.change = func(r *certificatesv1.CertificateSigningRequest) {
				r.Spec.SignerName = certificatesv1.KubeAPIServerClientKubeletSignerName
			}
			return g
		}()}, nil, "dana", "", ""},
		{"a server's", []ghost{{name: "r", user: "svc", by: "dana", change: func(r *certificatesv1.CertificateSigningRequest) {
			r.Spec.Usages = []certificatesv1.KeyUsage{certificatesv1.UsageServerAuth}
		}}}, nil, "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := haunted(t, ca, append(tt.ghosts, issued("known", "dana", "root", "root"))...)
			approves(client, tt.approver)
			f, err := PrepareOffboard(t.Context(), client, may(), Leaver{User: "dana", Accepted: tt.accepted, ClientCA: []*x509.Certificate{ca.Certificate}}, pkitest.Now)
			if err != nil {
				t.Fatal(err)
			}
			if traces, other := traceNames(f.Traces), traceNames(f.Unattributed); traces != tt.traces || other != tt.other {
				t.Errorf("traced %q, want %q; unattributed %q, want %q", traces, tt.traces, other, tt.other)
			}
		})
	}
}

// Who can be offboarded only by what they did for others is known too.
func TestTraceOfNobody(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	client := haunted(t, ca, ghost{name: "r", user: "svc", by: "dana", state: certificatesv1.CertificateApproved, signed: true})
	f, err := PrepareOffboard(t.Context(), client, may(), Leaver{User: "dana"}, pkitest.Now)
	if err != nil || len(f.Traces) != 1 || f.Traces[0].Why != "requested by dana" {
		t.Errorf("got %+v, %v", f, err)
	}
}

// A certificate that was taken out of its record, or replaced there, may be
// anybody's.
func TestTracesOfDamagedRecords(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	stranger := string(pki.EncodeCertificates(pkitest.NewCA(t, "another").Issue(t, pkitest.Client("eve"))))
	for _, certificate := range []string{"", "garbage", stranger} {
		client := haunted(t, ca, ghost{name: "r", user: "svc", by: "dana", approved: "dana", signed: true, recordOnly: true, state: certificatesv1.CertificateApproved},
			ghost{name: "own", user: "dana", by: "root", approved: "root", signed: true, recordOnly: true})
		list, _ := client.CoreV1().ConfigMaps(RecordNamespace).List(t.Context(), metav1.ListOptions{})
		for _, m := range list.Items {
			if m.Data["user"] != "svc" {
				continue
			}
			m.Data = map[string]string{"certificate": certificate, "notAfter": "2020-01-01T00:00:00Z", "user": "eve", "requestedBy": "eve", "approvedBy": "eve"}
			m.Labels, m.Annotations = nil, nil
			if _, err := client.CoreV1().ConfigMaps(RecordNamespace).Update(t.Context(), &m, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		f, err := PrepareOffboard(t.Context(), client, may(), Leaver{User: "dana", ClientCA: []*x509.Certificate{ca.Certificate}}, pkitest.Now)
		if err != nil || len(f.Unattributed) != 1 || len(f.Damaged) != 1 {
			t.Errorf("%.10q: got %+v, %v", certificate, f, err)
		}
	}
}

// What they asked for is denied; what is approved already is deleted; and
// nothing else is touched.
func TestDenyPending(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	ghosts := []ghost{{name: "pending", user: "svc", by: "dana"}, {name: "own", user: "dana", by: "eve"},
		{name: "approved", user: "svc", by: "dana", state: certificatesv1.CertificateApproved}, {name: "eves", user: "x", by: "eve"}}
	for _, deny := range []bool{false, true} {
		client := haunted(t, ca, ghosts...)
		f, err := PrepareOffboard(t.Context(), client, may(), Leaver{User: "dana"}, pkitest.Now)
		if err != nil {
			t.Fatal(err)
		}
		if errs := f.Offboard(t.Context(), client, Extent{DenyPending: deny}, pkitest.Now, func(string) {}); len(errs) > 0 {
			t.Fatal(errs)
		}
		list, _ := client.CertificatesV1().CertificateSigningRequests().List(t.Context(), metav1.ListOptions{})
		var left []string
		for i := range list.Items {
			left = append(left, fmt.Sprintf("%s %s", list.Items[i].Name, stateOf(&list.Items[i])))
		}
		want := []string{"approved approved", "eves pending", "own pending", "pending pending"}
		if deny {
			want = []string{"eves pending", "own denied", "pending denied"}
		}
		if !slices.Equal(left, want) {
			t.Errorf("deny %t: left %q, want %q", deny, left, want)
		}
		if s := ReadStanding(t.Context(), client, "dana"); !s.Ended || s.EndedBy != "root" {
			t.Errorf("deny %t: the standing is %+v", deny, s)
		}
		act := permitOf("update", "approval")
		if err := f.CheckMayOffboard(t.Context(), client, may(act), Extent{DenyPending: deny}); (err != nil) != deny {
			t.Errorf("deny %t, and may not %s: %v", deny, act, err)
		}
	}
}

func permitOf(verb, subresource string) string {
	return verb + " certificatesigningrequests/" + subresource + ".certificates.k8s.io"
}

// What may not be asked is not known, and so nothing is clear: not even once
// the mark alone remembers.
func TestApproverIsRemembered(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	ghosts := []ghost{{name: "r", user: "svc", by: "eve", state: certificatesv1.CertificateApproved, signed: true}, {name: "own", user: "dana", by: "root", approved: "root", signed: true}}
	client := haunted(t, ca, ghosts...)
	if err := markOffboarded(t.Context(), client, "dana", "root", true, pkitest.Now); err != nil {
		t.Fatal(err)
	}
	// A second run without the right does not make them forget it.
	if err := markOffboarded(t.Context(), client, "dana", "root", false, pkitest.Now); err != nil {
		t.Fatal(err)
	}
	f, err := PrepareOffboard(t.Context(), client, may(), Leaver{User: "dana"}, pkitest.Now)
	if err != nil || traceNames(f.Unattributed) != "r" {
		t.Errorf("by the mark: %+v, %v", f, err)
	}
	client = haunted(t, ca, ghosts...)
	client.PrependReactor("create", "subjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(action.GetResource().GroupResource(), "", errors.New("no"))
	})
	f, err = PrepareOffboard(t.Context(), client, may(), Leaver{User: "dana"}, pkitest.Now)
	if err != nil || !f.CouldUnknown || traceNames(f.Unattributed) != "r" {
		t.Errorf("forbidden: %+v, %v", f, err)
	}
}
