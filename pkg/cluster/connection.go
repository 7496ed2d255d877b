package cluster

import (
	"net/http"
	"sync"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// newClient returns a client whose requests share one connection, and one
// failure of the credential plugin.
func newClient(config *rest.Config, plugins *PluginPolicy) (*kubernetes.Clientset, error) {
	telling := rest.CopyConfig(config)
	tellRefusals(telling)
	transport, err := rest.TransportFor(telling)
	if err != nil {
		return nil, err
	}
	one := &oneConnection{RoundTripper: transport, open: make(chan struct{})}
	if config.ExecProvider != nil {
		one.pluginFault = pluginFault(config.ExecProvider, plugins)
	}
	return kubernetes.NewForConfigAndClient(config, &http.Client{Transport: one, Timeout: config.Timeout})
}

// oneConnection lets the first request open the connection that the others,
// sent at the same moment, then share: net/http would open one for each of
// them, and a TLS handshake costs more than most of what is asked here.
//
// A credential plugin that failed is not run again for the others: each run may
// open a browser, or count against an account.
type oneConnection struct {
	http.RoundTripper
	// pluginFault returns what an error says of the credential plugin, or nil;
	// nil where there is none.
	pluginFault func(error) *PluginError

	first  sync.Once
	open   chan struct{} // closed when the first request was answered, or failed
	mu     sync.Mutex
	failed *PluginError // guarded by mu
}

var _ utilnet.RoundTripperWrapper = (*oneConnection)(nil)

// RoundTrip implements http.RoundTripper.
func (c *oneConnection) RoundTrip(request *http.Request) (response *http.Response, err error) {
	isFirst := false
	c.first.Do(func() { isFirst = true })
	if isFirst {
		defer close(c.open)
		return c.send(request)
	}
	select {
	case <-c.open:
		return c.send(request)
	case <-request.Context().Done():
		return nil, request.Context().Err()
	}
}

func (c *oneConnection) send(request *http.Request) (*http.Response, error) {
	if c.pluginFault == nil {
		return c.RoundTripper.RoundTrip(request)
	}
	c.mu.Lock()
	failed := c.failed
	c.mu.Unlock()
	if failed != nil {
		if request.Body != nil {
			_ = request.Body.Close() // as a RoundTripper must
		}
		return nil, failed
	}
	response, err := c.RoundTripper.RoundTrip(request)
	if failed = c.pluginFault(err); failed == nil {
		return response, err
	}
	c.mu.Lock()
	c.failed = failed
	c.mu.Unlock()
	return nil, failed
}

// WrappedRoundTripper implements utilnet.RoundTripperWrapper.
func (c *oneConnection) WrappedRoundTripper() http.RoundTripper { return c.RoundTripper }
