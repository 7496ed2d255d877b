package scan

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Records says where this program keeps a record of what it issued.
type Records struct {
	Namespace string
	// Selector is the label selector of the ConfigMaps, and Key that of the
	// certificate in each, as PEM.
	Selector, Key string
}

// Issued reads the certificates that were issued by this program, and recorded:
// the API forgets them within the hour.
func Issued(client kubernetes.Interface, records Records) Source {
	const name = "issued"
	return Source{name, func(ctx context.Context, to *inventory.Collector) {
		options := metav1.ListOptions{LabelSelector: records.Selector, Limit: pageSize}
		for {
			list, err := client.CoreV1().ConfigMaps(records.Namespace).List(ctx, options)
			if err != nil {
				skip(to, inventory.Location{Source: name, Where: "records in " + records.Namespace}, err, "list configmaps in namespace "+records.Namespace)
				return
			}
			for _, record := range list.Items {
				s := inventory.Sighting{
					Location: inventory.Location{Source: name, Where: record.Namespace + "/" + record.Name + "#" + records.Key},
					Place:    catalog.IssuedRecord, Name: "issued/" + record.Name,
				}
				chain, err := pki.ParseCertificates([]byte(record.Data[records.Key]))
				if len(chain) > 0 {
					s.Name = "issued/" + chain[0].Subject.CommonName
				}
				seeChain(to, s, chain)
				unreadable(to, s, err)
			}
			if options.Continue = list.Continue; options.Continue == "" {
				return
			}
		}
	}}
}
