package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
)

// ServingFault says why a request for a kubelet's serving certificate is not
// one that its node may make: anyone but the node itself asks, or it asks for
// a name or an address that is not the Node's. nil means that it is in order.
// node is the Node that request names, nil if there is none.
func ServingFault(request *Request, node *corev1.Node) error {
	name, isNode := strings.CutPrefix(request.Requester, nodePrefix)
	switch {
	case request.parsed == nil:
		return fmt.Errorf("it cannot be read: %w", request.fault)
	case request.Signer != certificatesv1.KubeletServingSignerName:
		return fmt.Errorf("it is for signer %s", request.Signer)
	case !isNode || name == "" || !slices.Contains(request.RequesterGroups, nodesGroup):
		return fmt.Errorf("%q, who asks, is no node", request.Requester)
	case request.Subject.CommonName != request.Requester:
		return fmt.Errorf("%q asks in the name of %q", request.Requester, request.Subject.CommonName)
	}
	for _, risk := range request.Risks {
		// What the rules know of signers, keys and lives.
		if risk.Code != RiskUnchecked {
			return errors.New(risk.Message)
		}
	}
	if node == nil || node.Name != name {
		return fmt.Errorf("there is no Node %q", name)
	}
	return addressFault(request, node)
}

// addressFault finds the first name or address that is not the Node's. A Node
// says what its names are and what its addresses; one does not stand for the
// other.
func addressFault(request *Request, node *corev1.Node) error {
	names, ips := map[string]bool{}, map[string]bool{}
	for _, address := range node.Status.Addresses {
		switch address.Type {
		case corev1.NodeInternalIP, corev1.NodeExternalIP:
			ips[address.Address] = true
		case corev1.NodeHostName, corev1.NodeInternalDNS, corev1.NodeExternalDNS:
			names[address.Address] = true
		}
	}
	for _, name := range request.DNSNames {
		if !names[name] {
			return fmt.Errorf("DNS name %q is not one of Node %q", name, node.Name)
		}
	}
	for _, ip := range request.parsed.IPAddresses {
		if !ips[ip.String()] {
			return fmt.Errorf("IP address %s is not one of Node %q", ip, node.Name)
		}
	}
	return nil
}

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
	client   kubernetes.Interface
	verdict  Verdict
	approved func(*Request)
	left     func(*Request, error)
	// told is why a request was left alone.
	told map[types.UID]string
}

// NewServingApprover returns an approver that writes verdict. approved and
// left are told of each request, left once for each reason.
func NewServingApprover(client kubernetes.Interface, verdict Verdict, approved func(*Request), left func(*Request, error)) *ServingApprover {
	return &ServingApprover{client, verdict, approved, left, map[types.UID]string{}}
}

// CheckMayServe returns an error that names what the caller lacks to approve
// kubelets' serving requests.
func CheckMayServe(ctx context.Context, allowed permit.Allowed, watch bool) error {
	needed := []permit.Act{requestAct("list"), {Verb: "get", Version: "v1", Resource: "nodes"}}
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
	list, err := s.client.CertificatesV1().CertificateSigningRequests().List(ctx, servingRequests())
	if err != nil {
		return "", fmt.Errorf("listing the kubelets' serving requests: %w", err)
	}
	for i := range list.Items {
		if err := s.look(ctx, &list.Items[i]); err != nil {
			return "", err
		}
	}
	return list.ResourceVersion, nil
}

// look approves one request, or leaves it alone.
func (s *ServingApprover) look(ctx context.Context, object *certificatesv1.CertificateSigningRequest) error {
	if stateOf(object) != Pending {
		delete(s.told, object.UID)
		return nil
	}
	request := newRequest(object, &Powers{SignerLife: DefaultSignerLife}) // a node has no bindings
	fault, err := s.fault(ctx, &request)
	if err != nil {
		return err
	}
	if fault == nil {
		if fault = Decide(ctx, s.client, &request, s.verdict); fault == nil {
			delete(s.told, object.UID)
			s.approved(&request)
			return nil
		}
		// Gone, changed or decided meanwhile: the next look will tell.
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if s.told[object.UID] != fault.Error() {
		s.told[object.UID] = fault.Error()
		s.left(&request, fault)
	}
	return nil
}

func (s *ServingApprover) fault(ctx context.Context, request *Request) (fault, err error) {
	name := request.NodeOf()
	if name == "" {
		return ServingFault(request, nil), nil
	}
	node, err := s.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return ServingFault(request, nil), nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading Node %q: %w", name, err)
	}
	return ServingFault(request, node), nil
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
	events, err := s.client.CertificatesV1().CertificateSigningRequests().Watch(ctx, options)
	if err != nil {
		return fmt.Errorf("watching the kubelets' serving requests: %w", err)
	}
	defer events.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
			return nil
		case event, open := <-events.ResultChan():
			object, ok := event.Object.(*certificatesv1.CertificateSigningRequest)
			if !open || !ok {
				return nil
			}
			if event.Type != apiwatch.Added && event.Type != apiwatch.Modified {
				continue
			}
			if err := s.look(ctx, object); err != nil {
				return err
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
