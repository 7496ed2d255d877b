package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apiversion "k8s.io/apimachinery/pkg/version"

	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

// scanTimeout bounds a scan unless --request-timeout says otherwise.
const scanTimeout = 10 * time.Second

func (a *app) newInspect(g *globals) *cobra.Command {
	var output, reach string
	cmd := &cobra.Command{
		Use:   "inspect",
		Short: "Show the cluster's certificates, and what is wrong with them",
		Long: `Show the certificates that can be seen with nothing but API access: the client
certificate and the CA in your kubeconfig, what each API server presents, and
the CAs that the cluster publishes. Each is held against the CA that is really
used for it. What could not be read is listed, with what would let it be read.`,
		Example: a.examples(
			"# Every certificate, by the CA that signed it",
			"%s inspect",
			"# With names, keys, fingerprints and places",
			"%s inspect -o wide",
			"# What runs out first?",
			"%s inspect -o json | jq -r '.items | sort_by(.notAfter)[] | .notAfter + \" \" + .name'"),
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := report.Lookup(output)
			if err != nil {
				return err
			}
			colors, err := a.colors(g.color)
			if err != nil {
				return err
			}
			if !slices.Contains(cluster.Reaches(), cluster.Reach(reach)) {
				return hint.New(fmt.Sprintf("unknown --reach %q", reach), "use auto, direct or port-forward")
			}
			return a.inspect(cmd.Context(), g, cluster.Reach(reach), func(inv *inventory.Inventory) error {
				return format(a.out, inv, colors)
			})
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "Output format: "+strings.Join(report.FormatNames(), ", "))
	cmd.Flags().StringVar(&reach, "reach", string(cluster.ReachAuto), "How to get to the nodes' ports: auto, direct or port-forward")
	return cmd
}

// inspect scans the cluster and prints what was found, even when the API
// server does not talk to the caller: that is when it is needed most.
func (a *app) inspect(ctx context.Context, g *globals, reach cluster.Reach, print func(*inventory.Inventory) error) error {
	c, err := a.connectQuietly(g)
	if err != nil {
		return err
	}
	var found inventory.Collector
	var version string
	var fault error
	ask := scan.Source{Name: "version", Read: func(ctx context.Context, _ *inventory.Collector) {
		version, fault = serverVersion(ctx, c)
	}}
	scan.Run(ctx, cmp.Or(c.Config.Timeout, scanTimeout), append(sources(ctx, c, reach), ask), &found)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	inv := found.Inventory(inventory.Cluster{Context: c.Context, Server: c.Server, Version: version}, a.now())
	if err := print(inv); err != nil {
		return fmt.Errorf("writing the output: %w", err)
	}
	// Whoever is let in may ask for the version, unless someone took that away.
	if fault != nil && !apierrors.IsForbidden(fault) {
		return c.Explain(fault, a.now())
	}
	return c.CheckCredentials()
}

// sources are what inspect reads.
func sources(ctx context.Context, c *cluster.Cluster, reach cluster.Reach) []scan.Source {
	dial := c.NodeDialer(ctx, reach).DialNode
	return []scan.Source{
		scan.Kubeconfig(scan.Credentials{Context: c.Context, ClientCertificate: c.ClientCertificate, CA: c.CA}),
		scan.Endpoint(c.Client, scan.Server{URL: c.Server, ServerName: c.ServerName, Proxy: c.Config.Proxy}),
		scan.Trust(c.Client, c.Namespace),
		scan.Kubelets(c.Client, dial),
		scan.ControlPlane(c.Client, dial),
	}
}

// serverVersion asks the API server for its version: everyone who is let in
// may, so that an error means that nobody was let in.
func serverVersion(ctx context.Context, c *cluster.Cluster) (string, error) {
	body, err := c.Client.Discovery().RESTClient().Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		return "", err
	}
	var info apiversion.Info
	if err := json.Unmarshal(body, &info); err != nil {
		return "", fmt.Errorf("reading the API server's version: %w", err)
	}
	return info.GitVersion, nil
}

// colors decides whether standard output is coloured.
func (a *app) colors(when string) (report.Colors, error) {
	switch when {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		return report.Colors(a.outIsTerminal && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"), nil
	}
	return false, hint.New(fmt.Sprintf("unknown --color %q", when), "use auto, always or never")
}
