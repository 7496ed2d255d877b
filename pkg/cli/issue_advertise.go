package cli

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// advertise looks at the way to the cluster that goes into somebody else's
// kubeconfig: an address of this machine alone leads them nowhere, and the
// password of a proxy is not theirs. A person is asked; a script is told, and
// the password is left out.
func (a *app) advertise(ctx context.Context, c *cluster.Cluster, f issueFlags) error {
	if f.merge && f.out == "" && f.p12 == "" {
		return nil // it is the caller's own
	}
	if c.UserInfo {
		a.say("warning: the user information in your server's URL is omitted from the new kubeconfig\n")
	}
	if f.server == "" && isLoopback(c.Server) {
		if err := a.advertiseLoopback(ctx, c, f); err != nil {
			return err
		}
	}
	proxy, err := url.Parse(c.ProxyURL)
	if err != nil || proxy.User == nil {
		return err
	}
	proxy.User = nil
	if a.inIsTerminal && !f.yes {
		err := a.confirm(ctx, fmt.Sprintf("Write your user name and password for the proxy %s into the new kubeconfig?", proxy), false)
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	c.ProxyURL = proxy.String()
	a.say("warning: your user name and password for the proxy %s are omitted from the new kubeconfig: its user adds their own\n", c.ProxyURL)
	return nil
}

func (a *app) advertiseLoopback(ctx context.Context, c *cluster.Cluster, f issueFlags) error {
	const advice = "specify the address that its user can reach: --advertise-server https://HOST:PORT"
	if !a.inIsTerminal || f.yes {
		a.say("warning: the new kubeconfig connects to %s, which is the local machine on every machine; for use on another one, %s\n", c.Server, advice)
		return nil
	}
	a.say("The new kubeconfig connects to %s, which is the local machine on every machine.\n", c.Server)
	if err := a.confirm(ctx, "Is it for use on this machine?", false); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return hint.New("the API server's address is a loopback address; nothing was issued", advice)
	}
	return nil
}

// isLoopback reports whether an address leads to the machine that it is used on.
func isLoopback(server string) bool {
	address, err := url.Parse(server)
	if err != nil {
		return false
	}
	host := strings.TrimSuffix(strings.ToLower(address.Hostname()), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761, section 6.3
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.Unmap().IsLoopback() || ip.IsUnspecified())
}
