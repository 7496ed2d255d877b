package access

import (
	"errors"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	certificatesv1 "k8s.io/api/certificates/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// calledBy lets the API server take the caller for user, and say that nobody
// may do anything.
func calledBy(client *fake.Clientset, user string) *fake.Clientset {
	client.PrependReactor("create", "subjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		return true, action.(clienttesting.CreateAction).GetObject(), nil
	})
	client.PrependReactor("create", "selfsubjectreviews", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, &authenticationv1.SelfSubjectReview{Status: authenticationv1.SelfSubjectReviewStatus{UserInfo: authenticationv1.UserInfo{Username: user}}}, nil
	})
	return client
}

// A user whose access was ended stays so, whatever they have issued to
// themselves since, until another user reinstates them.
func TestStanding(t *testing.T) {
	now := pkitest.Now
	ca := pkitest.NewCA(t, "kubernetes")
	type step func(client *fake.Clientset) error
	offboarded := func(at time.Duration) step {
		return func(c *fake.Clientset) error {
			return markOffboarded(t.Context(), c, "dana", "root", false, now.Add(at))
		}
	}
	reinstated := func(at time.Duration) step {
		return func(c *fake.Clientset) error {
			return Standing{User: "dana"}.Reinstate(t.Context(), c, now.Add(at))
		}
	}
	recorded := func(by string, at time.Duration, ended bool) step {
		return func(c *fake.Clientset) error {
			cert := ca.Issue(t, pkitest.Client("dana"), pkitest.Valid(now.Add(at), now.Add(at+time.Hour)))
			r := NewRecord(cert, certificatesv1.KubeAPIServerClientSignerName, by, by, "r", now.Add(at))
			if ended {
				end := now.Add(at + time.Minute)
				r.Ended = &end
			}
			return Save(t.Context(), c, r)
		}
	}
	editMark := func(key, value string) step {
		return func(c *fake.Clientset) error {
			m, err := c.CoreV1().ConfigMaps(RecordNamespace).Get(t.Context(), markName("dana"), metav1.GetOptions{})
			if err == nil {
				m.Data[key], m.Labels = value, nil
				_, err = c.CoreV1().ConfigMaps(RecordNamespace).Update(t.Context(), m, metav1.UpdateOptions{})
			}
			return err
		}
	}
	for _, tt := range []struct {
		name  string
		steps []step
		ended bool
	}{
		{"nothing is known", nil, false},
		{"another's offboarding", []step{func(c *fake.Clientset) error { return markOffboarded(t.Context(), c, "dan", "root", false, now) }}, false},
		{"offboarded", []step{offboarded(0)}, true},
		{"offboarded, then renewed by themselves", []step{recorded("root", -time.Hour, true), offboarded(0), recorded("dana", time.Minute, false)}, true},
		{"offboarded, then issued to by one who did not know", []step{offboarded(0), recorded("eve", time.Minute, false)}, true},
		{"only their record says so, and they renewed themselves", []step{recorded("root", 0, true), recorded("dana", time.Hour, false)}, true},
		{"reinstated", []step{offboarded(0), reinstated(time.Minute)}, false},
		{"reinstated at that very moment", []step{offboarded(0), reinstated(0)}, false},
		{"reinstated where only a record says so", []step{recorded("root", 0, true), reinstated(time.Hour)}, false},
		{"offboarded again", []step{offboarded(0), reinstated(time.Minute), offboarded(time.Minute)}, true},
		{"a mark that somebody spoilt", []step{offboarded(0), editMark("offboardedAt", "never")}, true},
		{"a mark that is said to be another's", []step{offboarded(0), editMark("user", "bob")}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := calledBy(fake.NewClientset(), "root")
			for _, do := range tt.steps {
				if err := do(client); err != nil {
					t.Fatal(err)
				}
			}
			s := ReadStanding(t.Context(), client, "dana")
			if s.Ended != tt.ended || s.Unread != nil {
				t.Errorf("got %+v", s)
			}
			if err := s.Refusal(); (err != nil) != tt.ended || err != nil && !strings.Contains(err.Error(), `user "dana" was offboarded`) {
				t.Errorf("it is refused by %v", err)
			}
			all, err := List(t.Context(), client, "", nil)
			if err != nil || all.Standing("dana").Ended != tt.ended {
				t.Errorf("among all: %+v (%v)", all.Standing("dana"), err)
			}
		})
	}
}

// Nobody takes back their own offboarding, by this program.
func TestNobodyReinstatesThemselves(t *testing.T) {
	client := calledBy(fake.NewClientset(), "dana")
	if err := markOffboarded(t.Context(), client, "dana", "root", true, pkitest.Now); err != nil {
		t.Fatal(err)
	}
	s := ReadStanding(t.Context(), client, "dana")
	if err := s.Reinstate(t.Context(), client, pkitest.Now); err == nil || !strings.Contains(err.Error(), "you cannot reinstate yourself") {
		t.Errorf("got %v", err)
	}
	if !ReadStanding(t.Context(), client, "dana").Ended {
		t.Error("it is taken back")
	}
}

// Who may not read is told so, and never that all is well.
func TestStandingUnread(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("list", "configmaps", func(action clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(corev1.Resource("configmaps"), "", errors.New("no"))
	})
	if s := ReadStanding(t.Context(), client, "dana"); s.Unread == nil || s.Ended {
		t.Errorf("got %+v", s)
	}
	if s := ReadStanding(t.Context(), client, "system:kube-scheduler"); s.Unread != nil {
		t.Errorf("a component is asked about: %+v", s)
	}
}
