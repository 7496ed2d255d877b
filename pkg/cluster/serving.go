package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"k8s.io/client-go/rest"
)

// Presented returns the chain that the server at a port of a node presents, and
// proves to have the key of: the handshake is complete, and nothing of it is
// verified beyond that.
func (d *NodeDialer) Presented(ctx context.Context, name, address string, port int) ([]*x509.Certificate, error) {
	conn, err := d.DialNode(ctx, name, address, port)
	if err != nil {
		return nil, err
	}
	return shakeHands(ctx, conn)
}

func shakeHands(ctx context.Context, conn net.Conn) ([]*x509.Certificate, error) {
	defer conn.Close()
	// Not every conn knows deadlines; every one can be closed.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	client := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) // #nosec G402 -- its reader verifies what is presented
	if err := client.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return client.ConnectionState().PeerCertificates, nil
}

// podsServerName is what pods call the API server.
const podsServerName = "kubernetes.default.svc"

// ServerCertificates returns the certificates that the API server presents at
// the kubeconfig's address: to those who know it by that, and to those who know
// it by its name in the cluster, which can be another one.
func (c *Cluster) ServerCertificates(ctx context.Context) ([]*x509.Certificate, error) {
	config := rest.AnonymousClientConfig(c.Config)
	leaf, err := serverLeaf(ctx, config)
	if err != nil {
		return nil, err
	}
	inside := rest.CopyConfig(config)
	inside.TLSClientConfig = rest.TLSClientConfig{Insecure: true, ServerName: podsServerName}
	other, err := serverLeaf(ctx, inside)
	if err != nil {
		return []*x509.Certificate{leaf}, nil // a load balancer that knows the one name only
	}
	return []*x509.Certificate{leaf, other}, nil
}

func serverLeaf(ctx context.Context, config *rest.Config) (*x509.Certificate, error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(config.Host, "/")+"/version", nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("reading the API server's certificate: %w", err)
	}
	defer response.Body.Close()
	if response.TLS == nil || len(response.TLS.PeerCertificates) == 0 {
		return nil, errors.New("reading the API server's certificate: none was presented")
	}
	return response.TLS.PeerCertificates[0], nil
}

// ServerHosts are the names and addresses by which the caller knows the API
// server.
func (c *Cluster) ServerHosts() []string {
	var hosts []string
	if u, err := url.Parse(c.Server); err == nil {
		hosts = append(hosts, u.Hostname())
	}
	if c.ServerName != "" {
		hosts = append(hosts, c.ServerName)
	}
	return hosts
}
