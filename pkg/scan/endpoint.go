package scan

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/netfault"
)

// dialTimeout bounds one connection, so that one dead replica does not hold up
// the rest.
const dialTimeout = 5 * time.Second

// Server is the API server as the kubeconfig names it.
type Server struct {
	// URL is its address.
	URL string
	// ServerName is the name to ask for and to verify, "" for the host in URL.
	ServerName string
	// Proxy is nil for a direct connection.
	Proxy func(*http.Request) (*url.URL, error)
}

// Endpoint reads the serving certificate of the API server: at the address
// that the kubeconfig names, and of each replica that EndpointSlices of
// Service default/kubernetes list, since each can present another one. Each is
// asked by the name that its clients ask by, and is held against what they trust:
// the kubeconfig's server against the kubeconfig's CA, the replicas against that
// of pods.
func Endpoint(client kubernetes.Interface, server Server) Source {
	const source = endpointSource
	see := func(ctx context.Context, to *inventory.Collector, address, serverName, node string, who catalog.Place) {
		at := inventory.Location{Source: source, Where: address}
		chain, err := presented(ctx, address, serverName, server.Proxy)
		if err != nil {
			to.Skip(unreached(at, err))
			return
		}
		seeChain(to, inventory.Sighting{
			Location: at, Place: catalog.APIServerEndpoint, Node: node, Name: at.Where,
			Server: address, Address: serverName, For: []catalog.Place{who},
		}, chain)
	}
	return Source{source, func(ctx context.Context, to *inventory.Collector) {
		var group sync.WaitGroup
		defer group.Wait()
		address, host, err := hostPort(server.URL)
		if err != nil {
			to.Skip(inventory.Skip{Source: source, Where: server.URL, Reason: err.Error(), Hint: "set an https:// server in the kubeconfig"})
		} else {
			group.Go(func() { see(ctx, to, address, cmp.Or(server.ServerName, host), "", catalog.KubeconfigCA) })
		}
		replicas, err := replicas(ctx, client)
		if err != nil {
			skip(to, inventory.Location{Source: source, Where: "endpointslices of default/kubernetes"}, err,
				"list endpointslices.discovery.k8s.io in namespace default")
		}
		for _, r := range replicas {
			// The kubeconfig's own server too: who asks by another name may be shown
			// another certificate (--tls-sni-cert-key).
			group.Go(func() { see(ctx, to, r.address, serviceName, r.node, catalog.RootCA) })
		}
	}}
}

// Refused reports the chain that made a request to the API server fail with err,
// unless it was reported already: behind one address there may be several
// servers, and Endpoint sees only one of them. Every other error is passed over.
func Refused(to *inventory.Collector, server Server, err error) {
	fault, ok := netfault.Of(err)
	if !ok || len(fault.Chain) == 0 || to.Saw(fault.Chain[0]) {
		return
	}
	address, host, err := hostPort(server.URL)
	if err != nil {
		return // nothing was presented there
	}
	seeChain(to, inventory.Sighting{
		Location: inventory.Location{Source: endpointSource, Where: address}, Place: catalog.APIServerEndpoint,
		Name: address, Address: cmp.Or(server.ServerName, host),
	}, fault.Chain)
}

// replica is one API server.
type replica struct{ address, node string }

// serviceName is what every replica has to be good for, whatever its own
// address is: pods reach it by this name.
const serviceName = "kubernetes.default.svc"

// replicas lists the API servers behind Service default/kubernetes.
func replicas(ctx context.Context, client kubernetes.Interface) ([]replica, error) {
	slices, err := client.DiscoveryV1().EndpointSlices(metav1.NamespaceDefault).List(ctx, metav1.ListOptions{
		LabelSelector: discoveryv1.LabelServiceName + "=kubernetes",
	})
	if err != nil {
		return nil, err
	}
	var found []replica
	for _, slice := range slices.Items {
		for _, port := range slice.Ports {
			if port.Port == nil {
				continue
			}
			for _, endpoint := range slice.Endpoints {
				for _, ip := range endpoint.Addresses {
					r := replica{address: net.JoinHostPort(ip, strconv.Itoa(int(*port.Port)))}
					if endpoint.NodeName != nil {
						r.node = *endpoint.NodeName
					}
					found = append(found, r)
				}
			}
		}
	}
	return found, nil
}

// hostPort returns host:port and the host of a server's URL.
func hostPort(server string) (address, host string, err error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", "", err
	}
	if u.Scheme != "https" {
		return "", "", fmt.Errorf("%q is not an https URL, so it has no certificate", server)
	}
	port := cmp.Or(u.Port(), "443")
	return net.JoinHostPort(u.Hostname(), port), u.Hostname(), nil
}

// presented returns the chain that the server at address presents to a client
// that asks for serverName and shows no certificate.
func presented(ctx context.Context, address, serverName string, proxy func(*http.Request) (*url.URL, error)) ([]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, dialTimeout, errTooLate)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, "https://"+address+"/version", nil)
	if err != nil {
		return nil, err
	}
	if proxy != nil {
		through, err := proxy(request)
		if err != nil {
			return nil, err
		}
		if through != nil {
			return presentedThrough(through, serverName, request)
		}
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return handshake(ctx, conn, serverName)
}

// presentedThrough is presented by way of a proxy, which net/http knows how to
// talk to.
func presentedThrough(proxy *url.URL, serverName string, request *http.Request) ([]*x509.Certificate, error) {
	// A connection that comes about too late is still dialled when RoundTrip
	// has returned.
	var seen atomic.Pointer[tls.ConnectionState]
	transport := &http.Transport{
		Proxy: http.ProxyURL(proxy),
		TLSClientConfig: &tls.Config{
			InsecureSkipVerify: true, // #nosec G402 -- it is read, not trusted
			ServerName:         serverName,
			VerifyConnection: func(state tls.ConnectionState) error {
				seen.Store(&state)
				return nil
			},
		},
		// What was seen before CONNECT is the proxy's.
		GetProxyConnectHeader: func(context.Context, *url.URL, string) (http.Header, error) {
			seen.Store(nil)
			return nil, nil
		},
		DisableKeepAlives: true,
	}
	response, err := transport.RoundTrip(request)
	if response != nil {
		response.Body.Close()
	}
	if state := seen.Load(); state != nil {
		return state.PeerCertificates, nil // whatever the server answered afterwards
	}
	if err != nil {
		// As net/http's client would tell it, so that it is known for what it is.
		err = &url.Error{Op: request.Method, URL: request.URL.Redacted(), Err: err}
	}
	return nil, cmp.Or(err, errNoCertificate)
}
