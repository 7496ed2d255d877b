package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// Webhooks reads what the API server verifies those by whom it calls itself:
// admission webhooks, aggregated API servers, and webhooks that convert custom
// resources.
func Webhooks(client kubernetes.Interface) Source {
	parts := []func(ctx context.Context, client kubernetes.Interface, calls func(call)) (resource string, err error){
		validatingWebhooks, mutatingWebhooks, apiServices, conversions,
	}
	return Source{webhooksSource, func(ctx context.Context, to *inventory.Collector) {
		var group sync.WaitGroup
		for _, read := range parts {
			group.Go(func() {
				resource, err := read(ctx, client, func(c call) { readCall(to, c) })
				if err != nil {
					skip(to, inventory.Location{Source: webhooksSource, Where: resource}, err, "list "+resource)
				}
			})
		}
		group.Wait()
	}}
}

// call is how the API server calls somebody.
type call struct {
	// name names it in the inventory, where in the cluster.
	name, where string
	// what it is, in words.
	what string
	// bundle verifies the other side; the API server's own machine's roots do
	// where it is empty.
	bundle []byte
	// inCluster is set where the other side is a Service.
	inCluster bool
	// required is set where what asked for the call fails without its answer.
	required bool
	// insecure is set where the other side is not verified.
	insecure bool
	// installer made it so, if anybody but the cluster's own administrators did.
	installer string
}

func readCall(to *inventory.Collector, c call) {
	at := inventory.Location{Source: webhooksSource, Where: c.where}
	find := func(code inventory.Code, severity inventory.Severity, message, fix string) {
		to.Find(inventory.PlaceFinding{Location: at, Finding: inventory.Finding{Code: code, Severity: severity, Message: message, Fix: fix}})
	}
	switch {
	case c.insecure && c.installer != "":
		find(inventory.CodeInsecureSkip, inventory.Info,
			c.what+" is not verified, as "+c.installer+" installs it",
			"no action required; to verify it, install metrics-server with its own certificate, and its CA in caBundle")
	case c.insecure:
		find(inventory.CodeInsecureSkip, inventory.Warning,
			c.what+" is not verified: an attacker on the network path can impersonate it",
			"add its CA to caBundle, and remove insecureSkipTLSVerify")
	case len(c.bundle) > 0:
		see(to, inventory.Sighting{Location: at, Place: catalog.CallBundle, Name: c.name}, c.bundle)
	case c.inCluster:
		severity := inventory.Warning
		if c.required {
			severity = inventory.Critical
		}
		find(inventory.CodeWebhookBundle, severity,
			c.what+" has no CA bundle: the API server cannot verify its Service, and every call fails",
			"add its CA to caBundle; if cert-manager's cainjector manages it, find out why it does not")
	default:
		find(inventory.CodeWebhookBundle, inventory.Info,
			c.what+" has no CA bundle: the API server verifies it with the root CAs of its machine",
			"no action if a public CA signed its certificate; otherwise add its CA to caBundle")
	}
}

// admissionCall is the call of one webhook of a configuration.
func admissionCall(kind, configuration, webhook string, config admissionv1.WebhookClientConfig, policy *admissionv1.FailurePolicyType) call {
	return call{
		name:  fmt.Sprintf("%s/%s", kind, configuration),
		where: fmt.Sprintf("%s/%s#%s", kind, configuration, webhook),
		what:  fmt.Sprintf("webhook %s", webhook), bundle: config.CABundle,
		inCluster: config.Service != nil,
		required:  policy == nil || *policy == admissionv1.Fail, // the default
	}
}

func validatingWebhooks(ctx context.Context, client kubernetes.Interface, calls func(call)) (string, error) {
	list, err := client.AdmissionregistrationV1().ValidatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err == nil {
		for _, configuration := range list.Items {
			for _, w := range configuration.Webhooks {
				calls(admissionCall("validatingwebhook", configuration.Name, w.Name, w.ClientConfig, w.FailurePolicy))
			}
		}
	}
	return "validatingwebhookconfigurations.admissionregistration.k8s.io", err
}

func mutatingWebhooks(ctx context.Context, client kubernetes.Interface, calls func(call)) (string, error) {
	list, err := client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err == nil {
		for _, configuration := range list.Items {
			for _, w := range configuration.Webhooks {
				calls(admissionCall("mutatingwebhook", configuration.Name, w.Name, w.ClientConfig, w.FailurePolicy))
			}
		}
	}
	return "mutatingwebhookconfigurations.admissionregistration.k8s.io", err
}

// apiService is what there is to know of an APIService
// (kube-aggregator/pkg/apis/apiregistration/v1/types.go).
type apiService struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Service               *struct{} `json:"service"`
		CABundle              []byte    `json:"caBundle"`
		InsecureSkipTLSVerify bool      `json:"insecureSkipTLSVerify"`
	} `json:"spec"`
}

func apiServices(ctx context.Context, client kubernetes.Interface, calls func(call)) (string, error) {
	return "apiservices.apiregistration.k8s.io", each(ctx, client, "/apis/apiregistration.k8s.io/v1/apiservices", func(s apiService) {
		if s.Spec.Service == nil {
			return // the API server itself
		}
		name := "apiservice/" + s.Metadata.Name
		calls(call{name: name, where: name, what: "aggregated API " + s.Metadata.Name,
			bundle: s.Spec.CABundle, inCluster: true, required: true, insecure: s.Spec.InsecureSkipTLSVerify,
			installer: catalog.InstalledInsecure(s.Metadata.Name, s.Metadata.Labels, s.Metadata.Annotations)})
	})
}

// customResource is what there is to know of a CustomResourceDefinition
// (apiextensions-apiserver/pkg/apis/apiextensions/v1/types.go).
type customResource struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Conversion struct {
			Webhook *struct {
				ClientConfig admissionv1.WebhookClientConfig `json:"clientConfig"`
			} `json:"webhook"`
		} `json:"conversion"`
	} `json:"spec"`
}

func conversions(ctx context.Context, client kubernetes.Interface, calls func(call)) (string, error) {
	return "customresourcedefinitions.apiextensions.k8s.io", each(ctx, client, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", func(r customResource) {
		webhook := r.Spec.Conversion.Webhook
		if webhook == nil {
			return
		}
		name := "crd/" + r.Metadata.Name
		calls(call{name: name, where: name + "#conversion", what: "the conversion of " + r.Metadata.Name,
			bundle: webhook.ClientConfig.CABundle, inCluster: webhook.ClientConfig.Service != nil, required: true})
	})
}

// fewAtOnce is how many objects are asked for at a time where each can be
// large: a definition holds a schema.
const fewAtOnce = 50

// each lists what lies at path, of types that have their own client libraries,
// and calls do with each item, short of what T does not name.
func each[T any](ctx context.Context, client kubernetes.Interface, path string, do func(T)) error {
	rest := client.Discovery().RESTClient()
	next := ""
	for {
		body, err := rest.Get().AbsPath(path).SetHeader("Accept", "application/json").
			Param("limit", strconv.Itoa(fewAtOnce)).Param("continue", next).DoRaw(ctx)
		if err != nil {
			return err
		}
		var page struct {
			Metadata metav1.ListMeta `json:"metadata"`
			Items    []T             `json:"items"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return fmt.Errorf("reading the list: %w", err)
		}
		for _, item := range page.Items {
			do(item)
		}
		if next = page.Metadata.Continue; next == "" {
			return nil
		}
	}
}
