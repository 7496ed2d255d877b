package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	apiwatch "k8s.io/apimachinery/pkg/watch"

	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
)

// NodeOf returns the name of the node that the request is from, or "".
func (r *Request) NodeOf() string {
	name, _ := strings.CutPrefix(r.Requester, nodePrefix)
	if name == r.Requester {
		return ""
	}
	return name
}

// ServingApprover approves kubelets' serving requests that are in order.
type ServingApprover struct {
	gate     *ServingGate
	verdict  Verdict
	approved func(*Request)
	left     func(*Request, error)
	// told is why a request was left alone.
	told map[types.UID]string
}

// NewServingApprover returns an approver that writes verdict into what gate
// lets through. approved and left are told of each request, left once for each
// reason.
func NewServingApprover(gate *ServingGate, verdict Verdict, approved func(*Request), left func(*Request, error)) *ServingApprover {
	return &ServingApprover{gate, verdict, approved, left, map[types.UID]string{}}
}

// CheckMayServe returns an error that names what the caller lacks to judge and
// approve kubelets' serving requests.
func CheckMayServe(ctx context.Context, allowed permit.Allowed, watch bool) error {
	needed := []permit.Act{listRequestsAct, listNodesAct, listCIDRsAct, listSlicesAct, getServiceAct, getRootCAAct}
	if watch {
		needed = append(needed, requestAct("watch"))
	}
	may := permit.Known{}
	if err := may.Ask(ctx, allowed, needed); err != nil {
		return err
	}
	return permit.Join(permit.NewMissing(may.Lacking(needed), lackingAdvice),
		CheckMayDecide(ctx, allowed, certificatesv1.KubeletServingSignerName))
}

// relook is how often requests that were left alone are looked at again: the
// Node may get its addresses after its kubelet has asked.
const relook = 10 * time.Second

// gather is how long requests are waited for that come at the same moment, as
// when many machines join: the cluster is read once for all of them.
const gather = 200 * time.Millisecond

// servingRequests is what a ServingApprover looks at.
func servingRequests() metav1.ListOptions {
	return metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("spec.signerName", certificatesv1.KubeletServingSignerName).String()}
}

// Once looks at each pending request.
func (s *ServingApprover) Once(ctx context.Context) error {
	_, err := s.all(ctx)
	return err
}

// all looks at each pending request. It returns the state of the list, to watch
// it from there.
func (s *ServingApprover) all(ctx context.Context) (resourceVersion string, err error) {
	list, err := s.gate.Client.CertificatesV1().CertificateSigningRequests().List(ctx, servingRequests())
	if err != nil {
		return "", fmt.Errorf("listing the kubelets' serving requests: %w", err)
	}
	return list.ResourceVersion, s.look(ctx, list.Items)
}

// look approves requests, or leaves them alone.
func (s *ServingApprover) look(ctx context.Context, objects []certificatesv1.CertificateSigningRequest) error {
	var requests []*Request
	for i := range objects {
		if stateOf(&objects[i]) != Pending {
			delete(s.told, objects[i].UID)
			continue
		}
		request := newRequest(&objects[i], &Powers{SignerLife: DefaultSignerLife}) // a node has no bindings
		requests = append(requests, &request)
	}
	if len(requests) == 0 {
		return nil
	}
	facts, err := s.gate.readServingFacts(ctx)
	if err != nil {
		return fmt.Errorf("checking the kubelets' serving requests: %w", err)
	}
	for i, findings := range s.gate.judge(ctx, facts, requests) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.settle(ctx, requests[i], findings)
	}
	return nil
}

// settle approves a request that nothing speaks against, and says of another
// one why it is left alone.
func (s *ServingApprover) settle(ctx context.Context, request *Request, findings []servingFinding) {
	uid := request.object.UID
	fault := joinFindings(findings)
	if fault == nil {
		if fault = Decide(ctx, s.gate.Client, request, s.verdict); fault == nil {
			delete(s.told, uid)
			s.approved(request)
			return
		}
		// Gone, changed or decided meanwhile: the next look will tell.
	}
	if ctx.Err() == nil && s.told[uid] != fault.Error() {
		s.told[uid] = fault.Error()
		s.left(request, fault)
	}
}

// joinFindings makes one error of findings, nil of none.
func joinFindings(findings []servingFinding) error {
	var texts []string
	for _, finding := range findings {
		texts = append(texts, finding.text)
	}
	if len(texts) == 0 {
		return nil
	}
	return errors.New(strings.Join(texts, "; "))
}

// Watch keeps on until ctx ends. trouble is told of what stood in the way; it
// is tried again.
func (s *ServingApprover) Watch(ctx context.Context, trouble func(error)) {
	last := ""
	for ctx.Err() == nil {
		err := s.watch(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil && err.Error() != last {
			trouble(err)
		}
		last = ""
		if err != nil {
			last = err.Error()
			pause(ctx, time.Second)
		}
	}
}

// watch looks at everything, and then at what changes until the watch ends or
// it is time to look again.
func (s *ServingApprover) watch(ctx context.Context) error {
	from, err := s.all(ctx)
	if err != nil {
		return err
	}
	options := servingRequests()
	options.ResourceVersion = from
	again := time.NewTimer(relook)
	defer again.Stop()
	events, err := s.gate.Client.CertificatesV1().CertificateSigningRequests().Watch(ctx, options)
	if err != nil {
		return fmt.Errorf("watching the kubelets' serving requests: %w", err)
	}
	defer events.Stop()
	var batch []certificatesv1.CertificateSigningRequest // each as it is now
	var ready <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
			return s.look(ctx, batch)
		case <-ready:
			if err := s.look(ctx, batch); err != nil {
				return err
			}
			batch, ready = nil, nil
		case event, open := <-events.ResultChan():
			object, ok := event.Object.(*certificatesv1.CertificateSigningRequest)
			if !open || !ok {
				return s.look(ctx, batch)
			}
			if event.Type != apiwatch.Added && event.Type != apiwatch.Modified {
				continue
			}
			batch = append(slices.DeleteFunc(batch, func(other certificatesv1.CertificateSigningRequest) bool { return other.UID == object.UID }), *object)
			if ready == nil {
				ready = time.After(gather)
			}
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
