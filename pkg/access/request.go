package access

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// RequestsKind is the kind that a list of requests is written as.
const RequestsKind = "CertificateRequestList"

// RequestList is certificate signing requests, and the risks of approving them. It
// is the output contract of `kubectl certs csr -o json`.
type RequestList struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Cluster is the cluster that they are in.
	Cluster inventory.Cluster `json:"cluster"`
	// Items are the requests, the oldest first. An item is identified by name.
	Items []Request `json:"items"`
}

// NewRequestList lists requests of a cluster.
func NewRequestList(cluster inventory.Cluster, requests []Request) *RequestList {
	return &RequestList{APIVersion: inventory.APIVersion, Kind: RequestsKind, Cluster: cluster, Items: requests}
}

// State says how far a request is.
type State string

// The states. Failed and Denied requests never lead to a certificate.
const (
	Pending  State = "pending"
	Approved State = "approved" // and not signed, as yet
	Issued   State = "issued"
	Denied   State = "denied"
	Failed   State = "failed"
)

// States lists every State.
func States() []State { return []State{Pending, Approved, Issued, Denied, Failed} }

// Request is a CertificateSigningRequest with all that a person has to see who
// decides about it. It is identified by name.
type Request struct {
	// Name is the CertificateSigningRequest's.
	Name string `json:"name"`
	// State says how far it is.
	State State `json:"state"`

	// Subject is the user and the groups that the certificate would name.
	Subject inventory.Subject `json:"subject"`
	// OtherAttributes are those of the subject that are neither the user's name
	// nor a group. Kubernetes' own signers drop them; others may not.
	OtherAttributes []pki.Attribute `json:"otherAttributes"`

	// DNSNames are requested subject alternative names.
	DNSNames []string `json:"dnsNames"`
	// IPAddresses are requested subject alternative names.
	IPAddresses []string `json:"ipAddresses"`
	// URIs are requested subject alternative names.
	URIs []string `json:"uris"`
	// EmailAddresses are requested subject alternative names.
	EmailAddresses []string `json:"emailAddresses"`
	// PublicKey is the requester's key.
	PublicKey inventory.PublicKey `json:"publicKey"`

	// Signer is its signerName.
	Signer string `json:"signer"`
	// Usages are the requested key usages, as certificates.k8s.io names them.
	Usages []string `json:"usages"`
	// ExpirationSeconds is the requested lifetime; 0 leaves it to the signer.
	ExpirationSeconds int32 `json:"expirationSeconds"`
	// Requester is the user who created it.
	Requester string `json:"requester"`
	// RequesterGroups are the groups of that user.
	RequesterGroups []string `json:"requesterGroups"`
	// CreatedAt is when it was created.
	CreatedAt time.Time `json:"createdAt"`
	// Risks are the reasons not to approve it.
	Risks []Risk `json:"risks"`

	// object is what was read: what is decided about has to be still that.
	object *certificatesv1.CertificateSigningRequest
	// parsed is nil, and fault says why, where it is no request at all.
	parsed *x509.CertificateRequest
	fault  error
}

// ListRequests reads the requests, pending ones or all, the oldest first, and
// judges them by powers.
func ListRequests(ctx context.Context, client kubernetes.Interface, powers *Powers, all bool) ([]Request, error) {
	found := []Request{}
	err := pages(func(options metav1.ListOptions) (string, error) {
		page, err := client.CertificatesV1().CertificateSigningRequests().List(ctx, options)
		if err != nil {
			return "", err
		}
		for i := range page.Items {
			if all || stateOf(&page.Items[i]) == Pending {
				found = append(found, newRequest(&page.Items[i], powers))
			}
		}
		return page.Continue, nil
	})
	if apierrors.IsForbidden(err) {
		return nil, permit.NewMissing([]string{permit.Describe(requestAct("list"))}, lackingAdvice)
	}
	if err != nil {
		return nil, fmt.Errorf("listing certificate signing requests: %w", err)
	}
	sortByAge(found)
	return found, nil
}

// GetRequest reads the request called name and judges it by powers.
func GetRequest(ctx context.Context, client kubernetes.Interface, powers *Powers, name string) (*Request, error) {
	object, err := client.CertificatesV1().CertificateSigningRequests().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, hint.New(fmt.Sprintf("there is no certificate signing request %q", name),
			"the cluster deletes requests: decided ones after an hour, others after a day")
	}
	if apierrors.IsForbidden(err) {
		return nil, permit.NewMissing([]string{permit.Describe(requestAct("get"))}, lackingAdvice)
	}
	if err != nil {
		return nil, fmt.Errorf("reading certificate signing request %q: %w", name, err)
	}
	request := newRequest(object, powers)
	return &request, nil
}

// JudgeCSR judges a request that is not in the cluster, as it came from somebody
// as a file: who made it is not known, and it has no requester.
func JudgeCSR(object *certificatesv1.CertificateSigningRequest, powers *Powers) *Request {
	request := newRequest(object, powers)
	return &request
}

func newRequest(object *certificatesv1.CertificateSigningRequest, powers *Powers) Request {
	r := Request{
		Name: object.Name, State: stateOf(object), object: object,
		Subject: inventory.Subject{Organizations: []string{}}, OtherAttributes: []pki.Attribute{},
		DNSNames: []string{}, IPAddresses: []string{}, URIs: []string{}, EmailAddresses: []string{},
		Signer: object.Spec.SignerName, Usages: []string{},
		Requester: object.Spec.Username, RequesterGroups: append([]string{}, object.Spec.Groups...),
		CreatedAt: object.CreationTimestamp.UTC(),
	}
	for _, usage := range object.Spec.Usages {
		r.Usages = append(r.Usages, string(usage))
	}
	if seconds := object.Spec.ExpirationSeconds; seconds != nil {
		r.ExpirationSeconds = *seconds
	}
	if r.parsed, r.fault = pki.ParseRequest(object.Spec.Request); r.parsed != nil {
		r.read(r.parsed)
	}
	r.Risks = judge(&r, powers)
	return r
}

// read takes over what the PKCS #10 request says.
func (r *Request) read(parsed *x509.CertificateRequest) {
	r.Subject.CommonName = parsed.Subject.CommonName
	r.Subject.Organizations = append(r.Subject.Organizations, parsed.Subject.Organization...)
	r.OtherAttributes = pki.OtherAttributes(parsed.Subject)
	r.DNSNames = append(r.DNSNames, parsed.DNSNames...)
	r.EmailAddresses = append(r.EmailAddresses, parsed.EmailAddresses...)
	for _, ip := range parsed.IPAddresses {
		r.IPAddresses = append(r.IPAddresses, ip.String())
	}
	for _, uri := range parsed.URIs {
		r.URIs = append(r.URIs, uri.String())
	}
	r.PublicKey.Algorithm, r.PublicKey.Bits = pki.DescribeKey(parsed.PublicKey)
}

// Identity is whom the request asks for.
func (r *Request) Identity() pki.Subject {
	return pki.Subject{CommonName: r.Subject.CommonName, Organizations: r.Subject.Organizations}
}

// Life is the life asked for; 0 leaves it to the signer.
func (r *Request) Life() time.Duration {
	return time.Duration(r.ExpirationSeconds) * time.Second
}

func stateOf(object *certificatesv1.CertificateSigningRequest) State {
	has := map[certificatesv1.RequestConditionType]bool{}
	for _, c := range object.Status.Conditions {
		has[c.Type] = true
	}
	approved := has[certificatesv1.CertificateApproved]
	switch {
	case has[certificatesv1.CertificateDenied]:
		return Denied
	case approved && len(object.Status.Certificate) > 0:
		// Whoever may write the status can add Failed later, and the
		// certificate is as good as before.
		return Issued
	case has[certificatesv1.CertificateFailed]:
		return Failed
	case approved:
		return Approved
	}
	return Pending
}

// decision returns the last condition, which says who decided and why, or nil.
func decision(object *certificatesv1.CertificateSigningRequest) *certificatesv1.CertificateSigningRequestCondition {
	if n := len(object.Status.Conditions); n > 0 {
		return &object.Status.Conditions[n-1]
	}
	return nil
}

// Decision is what was said when the request was decided about, or "".
func (r *Request) Decision() string {
	c := decision(r.object)
	switch {
	case c == nil:
		return ""
	case c.Message == "":
		return c.Reason
	case c.Reason == "":
		return c.Message
	}
	return c.Reason + ": " + c.Message
}
