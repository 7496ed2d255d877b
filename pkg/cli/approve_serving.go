package cli

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// servingFlags are the flags of approve that go with --kubelet-serving.
type servingFlags struct {
	allowNew            bool
	allowDNS, allowCIDR []string
	reach               string
	limits              access.ServingLimits
}

// servingFlagNames are what register registers.
var servingFlagNames = []string{"allow-new", "allow-dns", "allow-cidr", "reach"}

func (f *servingFlags) register(flags *pflag.FlagSet) {
	flags.BoolVar(&f.allowNew, "allow-new", false, "With --kubelet-serving: also approve the first certificate of a Node")
	flags.StringSliceVar(&f.allowDNS, "allow-dns", nil, "With --kubelet-serving: also allow DNS names that match this `PATTERN`, such as '{node}.example.com' (repeatable)")
	flags.StringSliceVar(&f.allowCIDR, "allow-cidr", nil, "With --kubelet-serving: allow only IP addresses in this `CIDR` (repeatable; default: any that is not reserved)")
	flags.StringVar(&f.reach, "reach", string(cluster.ReachAuto), "With --kubelet-serving: `WAY` to reach node ports: auto, direct or port-forward")
}

// check refuses what makes no sense, and reads patterns and networks.
func (f *servingFlags) check(kubeletServing bool, flags *pflag.FlagSet) error {
	for _, name := range servingFlagNames {
		if !kubeletServing && flags.Changed(name) {
			return hint.New("--"+name+" requires --kubelet-serving", "other requests are reviewed one by one")
		}
	}
	if f.reach != "" && !slices.Contains(cluster.Reaches(), cluster.Reach(f.reach)) {
		return hint.New(fmt.Sprintf("unknown --reach %q", f.reach), "use auto, direct or port-forward")
	}
	f.limits = access.ServingLimits{New: f.allowNew}
	for _, text := range f.allowDNS {
		pattern, err := access.ParseDNSPattern(text)
		if err != nil {
			return err
		}
		f.limits.DNS = append(f.limits.DNS, pattern)
	}
	for _, text := range f.allowCIDR {
		network, err := access.ParseNodeNetwork(text)
		if err != nil {
			return err
		}
		f.limits.CIDRs = append(f.limits.CIDRs, network)
	}
	return nil
}

// approval is what requests will say of how they were approved.
func (f *servingFlags) approval() string {
	var said []string
	if f.allowNew {
		said = append(said, "--allow-new")
	}
	for _, pattern := range f.allowDNS {
		said = append(said, "--allow-dns "+pattern)
	}
	for _, network := range f.limits.CIDRs {
		said = append(said, "--allow-cidr "+netip.Prefix.String(network))
	}
	message := "Checked by kubectl certs approve --kubelet-serving"
	if len(said) > 0 {
		message += " " + strings.Join(said, " ")
	}
	return message + "."
}

// servingGate judges the requests of kubelets by what the cluster says.
func (a *app) servingGate(c *cluster.Cluster, f servingFlags) *access.ServingGate {
	reach := cluster.ReachAuto
	if f.reach != "" {
		reach = cluster.Reach(f.reach)
	}
	return &access.ServingGate{
		Client: c.Client, Server: c.ServerHosts(), ServerCertificates: c.ServerCertificates, Now: a.now, Limits: f.limits,
		Presented: func(ctx context.Context, node, address string, port int) ([]*x509.Certificate, error) {
			// The pods that a port-forward goes to come and go while it watches.
			return c.NodeDialer(ctx, reach).Presented(ctx, node, address, port)
		},
	}
}

// approveServing approves the serving requests of kubelets that are in order.
func (a *app) approveServing(ctx context.Context, g *globals, f servingFlags, watch bool) error {
	c, err := a.connect(g)
	if err != nil {
		return err
	}
	if err := c.CheckCredentials(); err != nil {
		return err
	}
	if err := access.CheckMayServe(ctx, c.Allowed, watch); err != nil {
		return c.Explain(err, a.now())
	}
	seen := 0
	approver := access.NewServingApprover(a.servingGate(c, f),
		access.Verdict{Approve: true, Reason: "KubectlCertsKubeletServing", Message: f.approval()},
		func(r *access.Request) {
			seen++
			fprintf(a.out, "Request %s approved: node %s serves as %s\n", r.Name, r.NodeOf(), alternativeNames(r))
		},
		func(r *access.Request, why error) {
			seen++
			a.say("warning: request %s was left pending: %s\n", r.Name, why)
		})
	if !watch {
		if err := approver.Once(ctx); err != nil {
			return c.Explain(err, a.now())
		}
		if seen == 0 {
			fprintf(a.out, "No kubelet serving requests are pending.\n")
		}
		return nil
	}
	a.say("Watching for kubelet serving requests; press Ctrl-C to stop\n")
	approver.Watch(ctx, func(err error) { a.say("warning: %s; retrying\n", c.Explain(err, a.now())) })
	return nil // interrupted, as it was meant to be
}
