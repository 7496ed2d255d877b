package scan

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Records says where this program keeps a record of what it issued.
type Records struct {
	Namespace string
	// Key is that of the certificate in a record's ConfigMap, as PEM.
	Key string
	// Is reports whether a ConfigMap is a record. It need not have its labels
	// any more.
	Is func(*corev1.ConfigMap) bool
	// Damage says where a record differs from the certificate in it.
	Damage func(*corev1.ConfigMap) []string
}

// Issued reads the certificates that were issued by this program, were recorded,
// and still let somebody in: the API forgets their requests within the hour.
func Issued(client kubernetes.Interface, records Records) Source {
	const name = issuedSource
	return Source{name, func(ctx context.Context, to *inventory.Collector) {
		options := metav1.ListOptions{Limit: pageSize}
		for {
			list, err := client.CoreV1().ConfigMaps(records.Namespace).List(ctx, options)
			if err != nil {
				skip(to, inventory.Location{Source: name, Where: "records in " + records.Namespace}, err, "list configmaps in namespace "+records.Namespace)
				return
			}
			for i := range list.Items {
				record := &list.Items[i]
				if !records.Is(record) {
					continue
				}
				s := inventory.Sighting{
					Location: inventory.Location{Source: name, Where: record.Namespace + "/" + record.Name + "#" + records.Key},
					Place:    catalog.IssuedRecord, Name: "issued/" + record.Name,
				}
				chain, err := pki.ParseCertificates([]byte(record.Data[records.Key]))
				if len(chain) > 0 {
					s.Name = "issued/" + chain[0].Subject.CommonName
					if to.Now.After(chain[0].NotAfter) {
						continue // records are kept for longer than they let anybody in
					}
				}
				seeChain(to, s, chain)
				unreadable(to, s, err)
				if damage := records.Damage(record); err == nil && len(damage) > 0 {
					to.Find(inventory.PlaceFinding{Location: s.Location, Finding: inventory.Finding{
						Code: inventory.CodeDamagedRecord, Severity: inventory.Warning,
						Message: "the record is damaged: " + strings.Join(damage, "; "),
						Fix:     "check the API server's audit log for who changed it",
					}})
				}
			}
			if options.Continue = list.Continue; options.Continue == "" {
				return
			}
		}
	}}
}
