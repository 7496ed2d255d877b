package scan

import (
	"context"
	"slices"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Requests reads CertificateSigningRequests: the certificates of those that
// were signed, which the API keeps for an hour, and those that wait.
func Requests(client kubernetes.Interface) Source {
	const name = requestsSource
	return Source{name, func(ctx context.Context, to *inventory.Collector) {
		options := metav1.ListOptions{Limit: pageSize}
		for {
			list, err := client.CertificatesV1().CertificateSigningRequests().List(ctx, options)
			if err != nil {
				skip(to, inventory.Location{Source: name, Where: "certificatesigningrequests"}, err, "list certificatesigningrequests")
				return
			}
			for i := range list.Items {
				readRequest(to, name, &list.Items[i])
			}
			if options.Continue = list.Continue; options.Continue == "" {
				return
			}
		}
	}}
}

func readRequest(to *inventory.Collector, source string, request *certificatesv1.CertificateSigningRequest) {
	if len(request.Status.Certificate) > 0 {
		s := inventory.Sighting{
			Location: inventory.Location{Source: source, Where: "csr/" + request.Name},
			Place:    catalog.IssuedRequest, Name: "csr/" + request.Name,
		}
		switch request.Spec.SignerName {
		case certificatesv1.KubeAPIServerClientSignerName:
		case certificatesv1.KubeAPIServerClientKubeletSignerName:
			// Nothing else in the API shows it. A server shows its own.
			s.Row = "kubelet-client"
		default:
			s.Place = catalog.OtherSigner
		}
		chain, err := pki.ParseCertificates(request.Status.Certificate)
		if len(chain) > 0 {
			if node, ok := strings.CutPrefix(chain[0].Subject.CommonName, nodeUserPrefix); ok {
				s.Node = node
			}
		}
		seeChain(to, s, chain)
		unreadable(to, s, err)
		return
	}
	if has(request, certificatesv1.CertificateDenied) || has(request, certificatesv1.CertificateFailed) {
		return
	}
	state := inventory.Pending
	if has(request, certificatesv1.CertificateApproved) {
		state = inventory.Approved
	}
	to.Await(inventory.Request{
		Name: request.Name, Signer: request.Spec.SignerName, Requester: request.Spec.Username,
		State: state, CreatedAt: request.CreationTimestamp.UTC(),
	})
}

// nodeUserPrefix is before a node's name in its user name.
const nodeUserPrefix = "system:node:"

func has(request *certificatesv1.CertificateSigningRequest, condition certificatesv1.RequestConditionType) bool {
	return slices.ContainsFunc(request.Status.Conditions, func(c certificatesv1.CertificateSigningRequestCondition) bool {
		return c.Type == condition && c.Status == corev1.ConditionTrue
	})
}
