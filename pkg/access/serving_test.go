package access

import (
	"context"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// served runs an approver over objects and returns what it said.
type served struct {
	approved, left chan string
	approver       *ServingApprover
	client         *fake.Clientset
}

func newServed(t *testing.T) *served {
	t.Helper()
	c := newServingCluster(t, n1()).serving("n1", "n1", "10.0.0.1")
	s := &served{approved: make(chan string, 9), left: make(chan string, 9), client: c.client}
	s.approver = NewServingApprover(c.gate, yes,
		func(r *Request) { s.approved <- r.Name }, func(_ *Request, why error) { s.left <- why.Error() })
	return s
}

func (s *served) create(t *testing.T, name string, changes ...change) {
	t.Helper()
	request := asking(t, changes...)
	request.Name, request.UID = name, types.UID("uid of "+name)
	if _, err := s.client.CertificatesV1().CertificateSigningRequests().Create(t.Context(), request, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestServingApproverOnce(t *testing.T) {
	s := newServed(t)
	s.create(t, "good", byN1("n1")...)
	s.create(t, "bad", byN1("n2")...)
	for range 2 { // what was left alone is said once
		if err := s.approver.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.approved) != 1 || <-s.approved != "good" {
		t.Errorf("approved %d", len(s.approved))
	}
	if len(s.left) != 1 || !strings.Contains(<-s.left, `"n2"`) {
		t.Errorf("left %d alone", len(s.left))
	}
	bad, _ := s.client.CertificatesV1().CertificateSigningRequests().Get(t.Context(), "bad", metav1.GetOptions{})
	if len(bad.Status.Conditions) > 0 {
		t.Errorf("the bad request was decided about: %v", bad.Status.Conditions)
	}
}

// A request that comes while it watches is approved too.
func TestServingApproverWatch(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	s := newServed(t)
	opened := make(chan string, 1)
	s.client.PrependWatchReactor(csrs.Resource, func(clienttesting.Action) (bool, apiwatch.Interface, error) {
		events, err := s.client.Tracker().Watch(csrs, "")
		opened <- "the watch"
		return true, events, err
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.approver.Watch(ctx, func(err error) { t.Error(err) })
	}()
	receive(t, ctx, opened)
	s.create(t, "late", byN1("n1")...)
	if got := receive(t, ctx, s.approved); got != "late" {
		t.Errorf("approved %q", got)
	}
	cancel()
	<-done
}

func receive(t *testing.T, ctx context.Context, from <-chan string) string {
	t.Helper()
	select {
	case text := <-from:
		return text
	case <-ctx.Done():
		t.Fatal("nothing happened")
		return ""
	}
}
