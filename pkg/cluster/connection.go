package cluster

import (
	"net/http"
	"sync"

	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// oneConnection lets the first request open the connection that the others,
// sent at the same moment, then share: net/http would open one for each of
// them, and a TLS handshake costs more than most of what is asked here.
type oneConnection struct {
	http.RoundTripper
	first sync.Once
	open  chan struct{} // closed when the first request was answered, or failed
}

func newOneConnection(rt http.RoundTripper) http.RoundTripper {
	return &oneConnection{RoundTripper: rt, open: make(chan struct{})}
}

var _ utilnet.RoundTripperWrapper = (*oneConnection)(nil)

// RoundTrip implements http.RoundTripper.
func (c *oneConnection) RoundTrip(request *http.Request) (response *http.Response, err error) {
	isFirst := false
	c.first.Do(func() { isFirst = true })
	if isFirst {
		defer close(c.open)
		return c.RoundTripper.RoundTrip(request)
	}
	select {
	case <-c.open:
		return c.RoundTripper.RoundTrip(request)
	case <-request.Context().Done():
		return nil, request.Context().Err()
	}
}

// WrappedRoundTripper implements utilnet.RoundTripperWrapper.
func (c *oneConnection) WrappedRoundTripper() http.RoundTripper { return c.RoundTripper }
