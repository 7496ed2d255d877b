package scan

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// SecretSelection says which Secrets are read.
type SecretSelection struct {
	// Namespace is the only one that is read; "" for all.
	Namespace string
	// Fallback is read instead of all where the caller may not list those.
	Fallback string
	// Labels is a label selector; "" for all.
	Labels string
}

// Secrets reads the certificates in the selected Secrets of type
// kubernetes.io/tls by client, a client of core/v1. The API sends private keys along:
// they are let go unread.
func Secrets(client rest.Interface, selected SecretSelection) Source {
	return Source{secretsSource, func(ctx context.Context, to *inventory.Collector) {
		if selected.Namespace != metav1.NamespaceAll {
			readNamespace(ctx, to, client, selected.Namespace, selected.Labels)
			return
		}
		at := inventory.Location{Source: secretsSource, Where: "secrets in all namespaces"}
		err := readSecrets(ctx, to, client, metav1.NamespaceAll, selected.Labels)
		if err == nil {
			return
		}
		skip(to, at, err, "list secrets in all namespaces (this includes private keys)")
		if apierrors.IsForbidden(err) {
			readNamespace(ctx, to, client, selected.Fallback, selected.Labels)
		}
	}}
}

// readNamespace reads the Secrets of one namespace, or says why not.
func readNamespace(ctx context.Context, to *inventory.Collector, client rest.Interface, namespace, labels string) {
	if err := readSecrets(ctx, to, client, namespace, labels); err != nil {
		at := inventory.Location{Source: secretsSource, Where: "secrets in namespace " + namespace}
		skip(to, at, err, "list secrets in namespace "+namespace+", or choose another one with --namespace")
	}
}

// readSecrets reads the TLS secrets of a namespace page by page, the next one
// while the last one is looked at.
func readSecrets(ctx context.Context, to *inventory.Collector, client rest.Interface, namespace, labels string) error {
	pages := make(chan []publicSecret)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(pages)
		options := metav1.ListOptions{FieldSelector: "type=" + string(corev1.SecretTypeTLS), LabelSelector: labels, Limit: pageSize}
		for {
			response, err := client.Get().NamespaceIfScoped(namespace, namespace != metav1.NamespaceAll).Resource("secrets").
				VersionedParams(&options, scheme.ParameterCodec).Do(ctx).Raw()
			if err != nil {
				return err
			}
			page, err := readSecretPage(response)
			if err != nil {
				return err
			}
			select {
			case pages <- page.secrets:
			case <-ctx.Done():
				return ctx.Err()
			}
			if options.Continue = page.next; options.Continue == "" {
				return nil
			}
		}
	})
	group.Go(func() error {
		for page := range pages {
			for i := range page {
				readSecret(to, &page[i])
			}
		}
		return nil
	})
	return group.Wait()
}

// readSecret reads what is public in a TLS secret.
func readSecret(to *inventory.Collector, secret *publicSecret) {
	name := fmt.Sprintf("secret/%s/%s", secret.namespace, secret.name)
	at := func(key string, place catalog.Place, name string) inventory.Sighting {
		return inventory.Sighting{
			Location: inventory.Location{Source: secretsSource, Where: secret.namespace + "/" + secret.name + "#" + key},
			Place:    place, Name: name,
		}
	}
	leaf := at(corev1.TLSCertKey, catalog.SecretLeaf, name)
	if data := secret.cert; len(data) > 0 {
		seeServed(to, leaf, data)
	} else {
		unreadable(to, leaf, errEmpty)
	}
	if data := secret.ca; len(data) > 0 {
		see(to, at(caKey, catalog.SecretCA, name+"#"+caKey), data)
	}
}

// seeServed reports the certificate that servers present from PEM, with what is
// wrong with the order of the chain. That is a fault of the place: the same
// certificate may lie in another Secret with its chain in order.
func seeServed(to *inventory.Collector, template inventory.Sighting, data []byte) {
	chain, err := pki.ParseCertificates(data)
	if at := behindCA(chain); at > 0 {
		to.Find(inventory.PlaceFinding{Location: template.Location, Finding: inventory.Finding{
			Code: inventory.CodeKeyMismatch, Severity: inventory.Critical,
			Message: fmt.Sprintf("begins with a CA; the certificate to present is number %d: servers refuse this pair (private key does not match public key)", at+1),
			Fix:     orderPEM,
		}})
		chain = append([]*x509.Certificate{chain[at]}, others(chain, at)...)
	} else if len(chain) > 1 && !bytes.Equal(chain[0].RawIssuer, chain[0].RawSubject) && !bytes.Equal(chain[0].RawIssuer, chain[1].RawSubject) {
		// RFC 8446, section 4.4.2.
		to.Find(inventory.PlaceFinding{Location: template.Location, Finding: inventory.Finding{
			Code: inventory.CodeChainBroken, Severity: inventory.Warning,
			Message: fmt.Sprintf("has %s after its certificate instead of the CA that signed it, %s", bounded(pki.NameText(chain[1].RawSubject)), bounded(pki.NameText(chain[0].RawIssuer))),
			Fix:     orderPEM,
		}})
	}
	seeChain(to, template, chain)
	unreadable(to, template, err)
}

// behindCA is the index of the first certificate that is no CA's, where the first
// of all is; otherwise 0.
func behindCA(chain []*x509.Certificate) int {
	if len(chain) < 2 || !chain[0].IsCA {
		return 0
	}
	for i, cert := range chain {
		if !cert.IsCA {
			return i
		}
	}
	return 0
}
