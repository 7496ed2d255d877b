package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

func (a *app) newInspect(g *globals) *cobra.Command {
	var f scanFlags
	var output string
	var options report.Options
	cmd := &cobra.Command{
		Use:   "inspect [NAME...]",
		Short: "Show the cluster's certificates, and what is wrong with them",
		Long: `Show the certificates that can be seen with nothing but API access: what each
API server, kubelet, etcd, scheduler and controller manager presents, the CAs that
the cluster publishes, the bundles by which the API server verifies webhooks and
aggregated APIs, those in TLS secrets, in requests and in your kubeconfig. Each is
held against the CA that is really used for it. What could not be read is listed,
with what would let it be read.

NAME narrows it down: to a certificate (apiserver, kubelet-server/NODE), a node,
an object (secret/NAMESPACE/NAME, csr/NAME), or a fingerprint. One certificate
alone is shown in full.`,
		Example: a.examples(
			"# Every certificate, by the CA that signed it",
			"%s inspect",
			"# One of them in full",
			"%s inspect apiserver",
			"# What runs out first?",
			"%s inspect -o wide --sort-by notAfter",
			"# One page to send to an auditor",
			"%s inspect -o html > certificates.html",
			"# The files on nodes too, which leave them in no other way",
			"%s inspect --node-files",
			"# Files here, without a cluster",
			"%s inspect --files /etc/kubernetes",
			"# Only what is served, without reading secrets",
			"%s inspect --sources endpoint,kubelets,control-plane,trust"),
		RunE: func(cmd *cobra.Command, names []string) error {
			format, err := report.Lookup(output)
			if err != nil {
				return err
			}
			if options.Colors, err = a.colors(g.color); err != nil {
				return err
			}
			options.Width = a.outWidth()
			if err := f.validate(); err != nil {
				return err
			}
			return a.inspect(cmd.Context(), g, f, names, func(inv *inventory.Inventory) error {
				if len(names) > 0 && len(inv.Items) == 1 && !cmd.Flags().Changed("output") {
					format = report.Detail
				}
				return format(a.out, inv, options)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&output, "output", "o", "table", "Output format: "+strings.Join(report.FormatNames(), ", "))
	flags.BoolVar(&options.NoHeaders, "no-headers", false, "Leave the headers of tables out")
	flags.StringVar(&options.SortBy, "sort-by", "", "Order by a field of the JSON form, such as notAfter or {.subject.commonName}")
	f.register(flags)
	return cmd
}

// inspect scans the cluster and prints what was found, narrowed down to names if
// there are any.
func (a *app) inspect(ctx context.Context, g *globals, f scanFlags, names []string, print func(*inventory.Inventory) error) error {
	found := inventory.Collector{Now: a.now()}
	inv, fault, err := a.scan(ctx, g, f, &found)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		if inv, err = narrow(inv, names); err != nil && fault != nil {
			return fault
		}
		if err != nil {
			return err
		}
	}
	if err := print(inv); err != nil {
		return fmt.Errorf("writing the output: %w", err)
	}
	return fault
}

// narrow returns what names speak of, or an error if one of them speaks of
// nothing.
func narrow(inv *inventory.Inventory, names []string) (*inventory.Inventory, error) {
	selected, unknown := inv.Select(names)
	if len(unknown) == 0 {
		return selected, nil
	}
	known := map[string]bool{}
	var some []string
	for _, e := range inv.Items {
		if !known[e.Name] && len(some) < 12 && !strings.Contains(e.Name, "/") {
			known[e.Name] = true
			some = append(some, e.Name)
		}
	}
	advice := "there are, among others: " + strings.Join(some, ", ") + "; all of them: inspect -o name"
	if len(inv.Skipped) > 0 {
		advice += "; not everything could be read: inspect lists what was skipped"
	}
	return nil, hint.New(fmt.Sprintf("no certificate called %q was seen", unknown[0]), advice)
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
