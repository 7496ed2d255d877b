package cluster

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"

	"github.com/kubectl-certs/kubectl-certs/pkg/netfault"
)

// refusalTimeout bounds the look that finds out why a server hung up.
const refusalTimeout = 3 * time.Second

// tellsRefusal finds out why a server closes its connections. In TLS 1.3 a server
// refuses a client's certificate after the client has done its part of the
// handshake, and the alert that says so is lost in net/http, most of all in
// HTTP/2 ("client conn could not be established"). So one connection is made
// without HTTP, and read.
type tellsRefusal struct {
	http.RoundTripper
	config *rest.Config
	once   sync.Once
	why    error
}

// tellRefusals makes the clients of config say why a server closes connections. A
// credential plugin is not run again to find that out.
func tellRefusals(config *rest.Config) {
	if config.ExecProvider != nil || config.AuthProvider != nil {
		return
	}
	plain := rest.CopyConfig(config)
	config.Wrap(func(rt http.RoundTripper) http.RoundTripper { return &tellsRefusal{RoundTripper: rt, config: plain} })
}

var _ utilnet.RoundTripperWrapper = (*tellsRefusal)(nil)

// RoundTrip implements http.RoundTripper.
func (r *tellsRefusal) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := r.RoundTripper.RoundTrip(request)
	if err == nil || !r.isOpaque(request, err) {
		return response, err
	}
	r.once.Do(func() { r.why = r.look(request.Context(), request.URL) })
	if r.why != nil {
		return response, fmt.Errorf("%w (%w)", r.why, err)
	}
	return response, err
}

// WrappedRoundTripper implements utilnet.RoundTripperWrapper.
func (r *tellsRefusal) WrappedRoundTripper() http.RoundTripper { return r.RoundTripper }

// isOpaque reports whether err may hide that the server refused the handshake.
func (r *tellsRefusal) isOpaque(request *http.Request, err error) bool {
	if request.Context().Err() != nil || request.URL.Scheme != "https" {
		return false
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return false
	}
	if _, known := netfault.Of(&url.Error{Err: err}); known {
		return false
	}
	if r.config.Proxy == nil {
		return true
	}
	proxy, fault := r.config.Proxy(request)
	return fault == nil && proxy == nil
}

// look returns the alert by which the server refuses the client, or nil.
func (r *tellsRefusal) look(ctx context.Context, server *url.URL) error {
	config, err := rest.TLSConfigFor(r.config)
	if err != nil {
		return nil
	}
	if config == nil {
		config = &tls.Config{}
	}
	config.NextProtos = nil
	config.ServerName = cmp.Or(config.ServerName, server.Hostname())
	ctx, cancel := context.WithTimeout(ctx, refusalTimeout)
	defer cancel()
	dialer := tls.Dialer{Config: config}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(server.Hostname(), cmp.Or(server.Port(), "443")))
	if err == nil {
		defer conn.Close()
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		defer stop()
		_, err = conn.Read(make([]byte, 1)) // a server that lets one in waits for a request
	}
	if fault, known := netfault.Of(err); known && fault.Kind != netfault.ServerUntrusted {
		return err
	}
	return nil
}
