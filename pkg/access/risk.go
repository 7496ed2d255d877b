package access

import (
	"fmt"
	"slices"
	"strings"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// RiskCode is the stable name of a kind of risk. Each has a section of that
// name in docs/risks.md.
type RiskCode string

// The codes.
const (
	RiskUnreadable     RiskCode = "unreadable"
	RiskServiceAccount RiskCode = "service-account"
	RiskNode           RiskCode = "node"
	RiskSystemName     RiskCode = "system-name"
	RiskClusterAdmin   RiskCode = "cluster-admin"
	RiskPrivileged     RiskCode = "privileged"
	RiskBoundGroup     RiskCode = "bound-group"
	RiskConfusable     RiskCode = "confusable"
	RiskExistingUser   RiskCode = "existing-user"
	RiskWeakKey        RiskCode = "weak-key"
	RiskLongLived      RiskCode = "long-lived"
	RiskWouldFail      RiskCode = "would-fail"
	RiskServingNames   RiskCode = "serving-names"
	RiskUnchecked      RiskCode = "unchecked"
)

// RiskCodes lists every RiskCode.
func RiskCodes() []RiskCode {
	return []RiskCode{
		RiskUnreadable, RiskServiceAccount, RiskNode, RiskSystemName, RiskClusterAdmin, RiskPrivileged,
		RiskBoundGroup, RiskExistingUser, RiskConfusable, RiskWeakKey, RiskLongLived, RiskWouldFail,
		RiskServingNames, RiskUnchecked,
	}
}

// Risk is a reason to look twice before a request is approved.
type Risk struct {
	// Code is stable; docs/risks.md has a section of that name.
	Code RiskCode `json:"code"`
	// Severity is info for what is only to be known.
	Severity inventory.Severity `json:"severity"`
	// Message says it in words, which may change.
	Message string `json:"message"`
	// Details are what the message sums up, one by one.
	Details []string `json:"details,omitempty"`

	head string
}

// Heading is what to write above Details: the message short of them. It is the
// whole message where there are none.
func (r Risk) Heading() string {
	if len(r.Details) == 0 {
		return r.Message
	}
	return r.head
}

// ToAccept reports whether a request with this risk is approved only if
// somebody accepts it; what is only information is shown.
func (r Risk) ToAccept() bool { return r.Severity != inventory.Info }

func newRisk(code RiskCode, severity inventory.Severity, format string, args ...any) []Risk {
	return []Risk{{Code: code, Severity: severity, Message: fmt.Sprintf(format, args...)}}
}

// longLife is the longest life that is not remarked on: a certificate cannot
// be revoked.
const longLife = 365 * 24 * time.Hour

// Names that the API server itself gives a meaning to
// (staging/src/k8s.io/apiserver/pkg/authentication/user, .../serviceaccount).
const (
	systemPrefix         = "system:"
	serviceAccountPrefix = "system:serviceaccount:"
	nodePrefix           = "system:node:"
	nodesGroup           = "system:nodes"
	bootstrappersGroup   = "system:bootstrappers"
)

// judge returns what speaks against approving r, by what powers says of the
// cluster. Whoever holds the certificate is, to the API server, whom it names;
// so every signer's requests are held against the same rules.
func judge(r *Request, powers *Powers) []Risk {
	if r.parsed == nil {
		return newRisk(RiskUnreadable, inventory.Critical, "it cannot be read: %s", r.fault)
	}
	risks := []Risk{}
	for _, rule := range []func(*Request, *Powers) []Risk{
		judgeServiceAccount, judgeNode, judgeSystemName, judgeAdmin, judgePrivileged,
		judgeBoundGroup, judgeExistingUser, judgeConfusable, judgeKey, judgeLife, judgeSigner, judgeSight,
	} {
		risks = append(risks, rule(r, powers)...)
	}
	return risks
}

func judgeServiceAccount(r *Request, _ *Powers) []Risk {
	name, ok := strings.CutPrefix(r.Subject.CommonName, serviceAccountPrefix)
	if !ok {
		return nil
	}
	if r.Requester == r.Subject.CommonName {
		return newRisk(RiskServiceAccount, inventory.Warning,
			"service account %s requests a certificate in addition to its token; it outlives the pod and the service account", pki.Quote(name))
	}
	return newRisk(RiskServiceAccount, inventory.Critical, "authenticates as service account %s", pki.Quote(name))
}

func judgeNode(r *Request, _ *Powers) []Risk {
	node, named := strings.CutPrefix(r.Subject.CommonName, nodePrefix)
	grouped := slices.Contains(r.Subject.Organizations, nodesGroup)
	switch {
	case !named && !grouped, named && grouped && r.Requester == r.Subject.CommonName:
		return nil
	case named && grouped && r.Signer == certificatesv1.KubeAPIServerClientKubeletSignerName && slices.Contains(r.RequesterGroups, bootstrappersGroup):
		// A joining kubelet asks for nothing else with its token: it asks to serve
		// as the node that it is by then.
		return newRisk(RiskNode, inventory.Warning, "a bootstrap token requests a certificate for node %s, as a new kubelet does", pki.Quote(node))
	case named && grouped:
		return newRisk(RiskNode, inventory.Critical, "authenticates as node %s", pki.Quote(node))
	case named:
		return newRisk(RiskNode, inventory.Critical, "uses the name of node %s", pki.Quote(node))
	}
	return newRisk(RiskNode, inventory.Critical, "requests group system:nodes with a user name that is not a node's")
}

// judgeSystemName finds the names that Kubernetes keeps for itself, short of
// those that the rules above are about.
func judgeSystemName(r *Request, _ *Powers) []Risk {
	var names []string
	cn := r.Subject.CommonName
	if strings.HasPrefix(cn, systemPrefix) && !strings.HasPrefix(cn, serviceAccountPrefix) && !strings.HasPrefix(cn, nodePrefix) && r.Requester != cn {
		names = append(names, "user "+pki.Quote(cn))
	}
	for _, group := range r.Subject.Organizations {
		if strings.HasPrefix(group, systemPrefix) && group != nodesGroup {
			names = append(names, "group "+pki.Quote(group))
		}
	}
	if len(names) == 0 {
		return nil
	}
	message := "uses a reserved system: name: " + strings.Join(names, ", ")
	if row, ok := catalog.Recognise(catalog.KubeconfigClient, r.Identity()); ok && row.Subject != nil && row.Subject.CommonName == cn {
		message += fmt.Sprintf(" (%s)", row.Name)
	}
	return newRisk(RiskSystemName, inventory.Critical, "%s", message)
}

func judgeKey(r *Request, _ *Powers) []Risk {
	weak := pki.WeakKey(r.parsed.PublicKey)
	if weak == "" {
		return nil
	}
	return newRisk(RiskWeakKey, inventory.Warning, "the key is too weak: %s", weak)
}

func judgeLife(r *Request, powers *Powers) []Risk {
	asked, most := r.Life(), powers.SignerLife
	builtIn := strings.HasPrefix(r.Signer, "kubernetes.io/")
	switch {
	case asked == 0 && builtIn && most > longLife:
		return newRisk(RiskLongLived, inventory.Warning, "no expirationSeconds; the signer's default is %s", duration.HumanDuration(most))
	case builtIn && asked > most:
		return newRisk(RiskLongLived, inventory.Warning, "requests a lifetime of %s; the signer shortens it to %s without notice", duration.HumanDuration(asked), duration.HumanDuration(most))
	case asked > longLife:
		return newRisk(RiskLongLived, inventory.Warning, "requests a lifetime of %s, and cannot be revoked", duration.HumanDuration(asked))
	}
	return nil
}

func judgeSigner(r *Request, _ *Powers) []Risk {
	var faults []string
	if r.Subject.CommonName == "" && acceptedAsClient(r.Signer) {
		// staging/src/k8s.io/apiserver/pkg/authentication/request/x509/x509.go
		return newRisk(RiskWouldFail, inventory.Warning, "no common name: the API server would not accept it as any user")
	}
	switch r.Signer {
	case certificatesv1.KubeAPIServerClientSignerName:
		faults = append(usageFaults(r, certificatesv1.UsageClientAuth), clientFaults(r)...)
	case certificatesv1.KubeAPIServerClientKubeletSignerName:
		faults = append(usageFaults(r, certificatesv1.UsageDigitalSignature, certificatesv1.UsageClientAuth), nodeFaults(r)...)
		if r.names() > 0 {
			faults = append(faults, "it has subject alternative names")
		}
	case certificatesv1.KubeletServingSignerName:
		faults = append(usageFaults(r, certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth), nodeFaults(r)...)
		if len(r.DNSNames)+len(r.IPAddresses) == 0 {
			faults = append(faults, "it has no DNS name and no IP address")
		}
		if len(r.URIs)+len(r.EmailAddresses) > 0 {
			faults = append(faults, "it has URIs or email addresses")
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return newRisk(RiskWouldFail, inventory.Warning, "signer %s will refuse it: %s", r.Signer, strings.Join(faults, "; "))
}

// clientFaults are those of a client's subject.
func clientFaults(r *Request) []string {
	if slices.Contains(r.Subject.Organizations, catalog.Masters) {
		return []string{"it requests group " + catalog.Masters}
	}
	return nil
}

// nodeFaults are those of a kubelet's subject.
func nodeFaults(r *Request) []string {
	var faults []string
	if !slices.Equal(r.Subject.Organizations, []string{nodesGroup}) {
		faults = append(faults, "its group is not system:nodes alone")
	}
	if !strings.HasPrefix(r.Subject.CommonName, nodePrefix) {
		faults = append(faults, "its name does not begin with system:node:")
	}
	return faults
}

// usageFaults holds usages against what a signer insists on; a client may go
// without signing, and everyone may ask to encipher keys
// (pkg/apis/certificates/helpers.go).
func usageFaults(r *Request, required ...certificatesv1.KeyUsage) []string {
	optional := []certificatesv1.KeyUsage{certificatesv1.UsageKeyEncipherment, certificatesv1.UsageDigitalSignature}
	var faults []string
	for _, usage := range required {
		if !slices.Contains(r.Usages, string(usage)) {
			faults = append(faults, fmt.Sprintf("it lacks usage %q", usage))
		}
	}
	for _, usage := range r.Usages {
		if u := certificatesv1.KeyUsage(usage); !slices.Contains(required, u) && !slices.Contains(optional, u) {
			faults = append(faults, fmt.Sprintf("it has usage %q", usage))
		}
	}
	return faults
}

// names counts the alternative names.
func (r *Request) names() int {
	return len(r.DNSNames) + len(r.IPAddresses) + len(r.URIs) + len(r.EmailAddresses)
}

// judgeSight says that the bindings could not be looked at. Of a kubelet's own
// request they say nothing.
func judgeSight(r *Request, powers *Powers) []Risk {
	if len(powers.Unseen) == 0 || r.ownNode() {
		return nil
	}
	return newRisk(RiskUnchecked, inventory.Warning, "the permissions of the user and groups could not be checked: you may not list %s", strings.Join(powers.Unseen, ", "))
}

// ownNode reports whether a kubelet asks for its own name, and nothing more.
func (r *Request) ownNode() bool {
	return strings.HasPrefix(r.Requester, nodePrefix) && r.Requester == r.Subject.CommonName &&
		slices.Equal(r.Subject.Organizations, []string{nodesGroup})
}
