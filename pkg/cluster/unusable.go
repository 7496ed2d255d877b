package cluster

import (
	"net/http"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// unusable returns a client each of whose requests fails with err. It fails
// itself where the server's address is none.
func unusable(config *rest.Config, err error) (kubernetes.Interface, error) {
	return kubernetes.NewForConfigAndClient(config, &http.Client{Transport: failing{err}})
}

type failing struct{ err error }

// RoundTrip implements http.RoundTripper.
func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }
