package scan_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

// apiServer answers lists by path with items as JSON, and forbids all others.
func apiServer(t *testing.T, lists map[string]string) kubernetes.Interface {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		items, ok := lists[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`)
			return
		}
		fmt.Fprintf(w, `{"metadata":{},"items":[%s]}`, items)
	}))
	t.Cleanup(server.Close)
	return kubernetes.NewForConfigOrDie(&rest.Config{Host: server.URL})
}

// The paths that Webhooks lists.
const (
	validating = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
	mutating   = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
	services   = "/apis/apiregistration.k8s.io/v1/apiservices"
	resources  = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
)

func TestWebhooks(t *testing.T) {
	ca := pkitest.NewCA(t, "webhooks")
	bundle := `"` + base64.StdEncoding.EncodeToString(ca.PEM()) + `"`
	service := `"service":{"namespace":"n","name":"s"}`
	hook := func(client, policy string) string {
		return `{"metadata":{"name":"policy"},"webhooks":[{"name":"a.example","failurePolicy":"` + policy + `","clientConfig":{` + client + `}}]}`
	}
	api := func(spec string) string { return `{"metadata":{"name":"v1.metrics"},"spec":{` + spec + `}}` }
	crd := func(client string) string {
		return `{"metadata":{"name":"things.example"},"spec":{"conversion":{"strategy":"Webhook","webhook":{"clientConfig":{` + client + `}}}}}`
	}
	broken := `"` + base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")) + `"`
	tests := []struct {
		name        string
		path, items string
		seen        []string
		fault       string // "where: code severity"
	}{
		{"a webhook", validating, hook(service+`,"caBundle":`+bundle, "Fail"), []string{"webhooks: validatingwebhook/policy#a.example"}, ""},
		{"one that mutates", mutating, hook(service+`,"caBundle":`+bundle, "Fail"), []string{"webhooks: mutatingwebhook/policy#a.example"}, ""},
		{"a broken bundle", validating, hook(service+`,"caBundle":`+broken, "Fail"), nil, "validatingwebhook/policy#a.example: unreadable critical"},
		{"no bundle", validating, hook(service, "Fail"), nil, "validatingwebhook/policy#a.example: webhook-bundle-empty critical"},
		{"no bundle, and it may fail", mutating, hook(service, "Ignore"), nil, "mutatingwebhook/policy#a.example: webhook-bundle-empty warning"},
		{"no bundle, outside", mutating, hook(`"url":"https://a.example"`, "Fail"), nil, "mutatingwebhook/policy#a.example: webhook-bundle-empty info"},
		{"the API server's own API", services, api(""), nil, ""},
		{"an aggregated API", services, api(service + `,"caBundle":` + bundle), []string{"webhooks: apiservice/v1.metrics"}, ""},
		{"one that is not verified", services, api(service + `,"insecureSkipTLSVerify":true`), nil, "apiservice/v1.metrics: insecure-skip warning"},
		{"k3s's own", services, `{"metadata":{"name":"v1beta1.metrics.k8s.io","annotations":{"objectset.rio.cattle.io/owner-gvk":"k3s.cattle.io/v1, Kind=Addon"}},"spec":{` + service + `,"insecureSkipTLSVerify":true}}`, nil, "apiservice/v1beta1.metrics.k8s.io: insecure-skip info"},
		{"k0s's own", services, `{"metadata":{"name":"v1beta1.metrics.k8s.io","labels":{"k0s.k0sproject.io/stack":"metricserver"}},"spec":{` + service + `,"insecureSkipTLSVerify":true}}`, nil, "apiservice/v1beta1.metrics.k8s.io: insecure-skip info"},
		{"somebody's, put into k3s's manifests", services, `{"metadata":{"name":"v1.other","annotations":{"objectset.rio.cattle.io/owner-gvk":"k3s.cattle.io/v1, Kind=Addon"}},"spec":{` + service + `,"insecureSkipTLSVerify":true}}`, nil, "apiservice/v1.other: insecure-skip warning"},
		{"one's own metrics-server", services, `{"metadata":{"name":"v1beta1.metrics.k8s.io"},"spec":{` + service + `,"insecureSkipTLSVerify":true}}`, nil, "apiservice/v1beta1.metrics.k8s.io: insecure-skip warning"},
		{"one without a bundle", services, api(service), nil, "apiservice/v1.metrics: webhook-bundle-empty critical"},
		{"no conversion", resources, `{"metadata":{"name":"things.example"},"spec":{"conversion":{"strategy":"None"}}}`, nil, ""},
		{"a conversion", resources, crd(service + `,"caBundle":` + bundle), []string{"webhooks: crd/things.example#conversion"}, ""},
		{"a conversion without a bundle", resources, crd(service), nil, "crd/things.example#conversion: webhook-bundle-empty critical"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lists := map[string]string{validating: "", mutating: "", services: "", resources: ""}
			lists[tt.path] = tt.items
			inv := read(long, scan.Webhooks(apiServer(t, lists)))
			var faults []string
			for _, f := range inv.Findings {
				faults = append(faults, fmt.Sprintf("%s: %s %s", f.Where, f.Code, f.Severity))
			}
			if got := strings.Join(faults, ", "); got != tt.fault {
				t.Errorf("got %q, want %q", got, tt.fault)
			}
			inv.Findings = nil
			check(t, inv, tt.seen, nil)
		})
	}
}

// What of it may not be listed is said, and the rest is read.
func TestWebhooksForbidden(t *testing.T) {
	ca := pkitest.NewCA(t, "webhooks")
	inv := read(long, scan.Webhooks(apiServer(t, map[string]string{services: `{"metadata":{"name":"v1.metrics"},"spec":{"service":{},"caBundle":"` + base64.StdEncoding.EncodeToString(ca.PEM()) + `"}}`})))
	check(t, inv, []string{"webhooks: apiservice/v1.metrics"}, []string{
		"customresourcedefinitions.apiextensions.k8s.io: forbidden",
		"mutatingwebhookconfigurations.admissionregistration.k8s.io: forbidden",
		"validatingwebhookconfigurations.admissionregistration.k8s.io: forbidden",
	})
	for _, s := range inv.Skipped {
		if s.Expected {
			t.Errorf("%+v is said to be expected", s)
		}
	}
}
