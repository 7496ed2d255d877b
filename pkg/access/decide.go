package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
)

// Verdict is what somebody decided about a request, and why.
type Verdict struct {
	// Approve approves; otherwise the request is denied.
	Approve         bool
	Reason, Message string
}

// ErrChanged marks a request that is not what was shown any more.
var ErrChanged = errors.New("was replaced after it was shown")

const lackingAdvice = "ask an administrator for a ClusterRole with these permissions, or to do it for you"

func requestAct(verb string) permit.Act {
	return permit.Act{Verb: verb, Group: certificatesv1.GroupName, Version: "v1", Resource: "certificatesigningrequests"}
}

func signerAct(signer string) permit.Act {
	return permit.Act{Verb: "approve", Group: certificatesv1.GroupName, Version: "v1", Resource: "signers", Name: signer}
}

// CheckMayDecide returns an error that names what the caller lacks to approve
// or deny requests to signers. Permission for all signers of a domain, such as
// kubernetes.io/*, is as good as for each of them.
func CheckMayDecide(ctx context.Context, allowed permit.Allowed, signers ...string) error {
	get, update := requestAct("get"), requestAct("update")
	update.Subresource = "approval"
	acts := []permit.Act{get, update}
	for _, signer := range signers {
		acts = append(acts, signerAct(signer), signerAct(domain(signer)))
	}
	slices.SortFunc(acts, func(a, b permit.Act) int { return cmp.Compare(permit.Describe(a), permit.Describe(b)) })
	acts = slices.Compact(acts)
	may := permit.Known{}
	if err := may.Ask(ctx, allowed, acts); err != nil {
		return err
	}
	needed := []permit.Act{get, update}
	for _, signer := range signers {
		if act := signerAct(signer); !may[signerAct(domain(signer))] && !slices.Contains(needed, act) {
			needed = append(needed, act)
		}
	}
	return permit.NewMissing(may.Lacking(needed), lackingAdvice)
}

// domain is the name that stands for all signers beside signer
// (pkg/certauthorization/certauthorization.go).
func domain(signer string) string {
	for i, r := range signer {
		if r == '/' {
			return signer[:i] + "/*"
		}
	}
	return signer
}

// Decide writes verdict into the request that was shown: if that has changed or
// was replaced meanwhile, nothing is written and the error is ErrChanged.
func Decide(ctx context.Context, client kubernetes.Interface, shown *Request, verdict Verdict) error {
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	api := client.CertificatesV1().CertificateSigningRequests()
	doing := "denying"
	if verdict.Approve {
		doing = "approving"
	}
	const attempts = 5
	for range attempts {
		current, err := api.Get(ctx, shown.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return hint.New(fmt.Sprintf("%s request %q: it was deleted in the meantime", doing, shown.Name), "its requester may have withdrawn it")
		}
		if err != nil {
			return fmt.Errorf("%s request %q: %w", doing, shown.Name, err)
		}
		if err := stillPending(shown, current); err != nil {
			return fmt.Errorf("%s request %q: %w", doing, shown.Name, err)
		}
		current.Status.Conditions = append(current.Status.Conditions, verdict.condition())
		_, err = api.UpdateApproval(ctx, current.Name, current, metav1.UpdateOptions{})
		if err == nil {
			return nil
		}
		// Someone added an annotation, say: look again.
		if !apierrors.IsConflict(err) {
			return fmt.Errorf("%s request %q: %w", doing, shown.Name, err)
		}
	}
	return hint.New(fmt.Sprintf("%s request %q: it kept changing", doing, shown.Name), "find what changes it: kubectl get csr -w")
}

// stillPending checks that current is the very request that was shown, and
// that nobody has decided about it.
func stillPending(shown *Request, current *certificatesv1.CertificateSigningRequest) error {
	if current.UID != shown.object.UID || !apiequality.Semantic.DeepEqual(current.Spec, shown.object.Spec) {
		return hint.Wrap(fmt.Errorf("it %w", ErrChanged), "look at it again, and at who made it, and run the command again")
	}
	if state := stateOf(current); state != Pending {
		return hint.New(fmt.Sprintf("it is already %s", state), "a decision cannot be changed: to undo an approval, remove the bindings of the user")
	}
	return nil
}

func (v Verdict) condition() certificatesv1.CertificateSigningRequestCondition {
	kind := certificatesv1.CertificateDenied
	if v.Approve {
		kind = certificatesv1.CertificateApproved
	}
	return certificatesv1.CertificateSigningRequestCondition{Type: kind, Status: corev1.ConditionTrue, Reason: v.Reason, Message: v.Message}
}

// CheckPending returns an error if the request that was read cannot be decided
// about any more.
func (r *Request) CheckPending() error {
	if r.State == Pending {
		return nil
	}
	return hint.New(fmt.Sprintf("request %q is already %s", r.Name, r.State), "a decision cannot be changed: a new request can be made")
}

func sortByAge(requests []Request) {
	slices.SortStableFunc(requests, func(a, b Request) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Name, b.Name))
	})
}
