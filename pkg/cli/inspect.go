package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

func (a *app) newInspect(g *globals) *cobra.Command {
	var f inspectFlags
	var output string
	var options report.Options
	cmd := &cobra.Command{
		Use:   "inspect [NAME|PATH...]",
		Short: "List the cluster's certificates and the problems with them",
		Long: `List the certificates reachable through the API: those that API servers,
kubelets, etcd, schedulers and controller managers present, the CAs that the
cluster publishes, CA bundles of webhooks and APIServices, TLS Secrets,
CertificateSigningRequests and your kubeconfig. Each is verified against the
CA that is actually used for it. What was skipped is listed, with the
permission or connection that it needs.

NAME filters the output: a certificate (apiserver, kubelet-server/NODE), a
component (etcd), a user, a node, an object (secret/NAMESPACE/NAME, csr/NAME),
a namespace (secret/NAMESPACE), a source (secrets), or a fingerprint. A single
match is shown in full. --namespace and --selector filter by the object that
holds the certificate.

PATH reads local files instead of a cluster: /etc/kubernetes, ./pki, or
anything after --files or the word files. PEM, DER, kubeconfigs and Secret
manifests are read.`,
		Example: a.examples(
			"# Every certificate, grouped by issuer",
			"%s inspect",
			"# One certificate in full",
			"%s inspect apiserver",
			"# What expires first?",
			"%s inspect -o wide --sort-by expires",
			"# What has expired or will within 30 days? What is in one namespace?",
			"%s inspect --within 30d",
			"%s inspect -n web",
			"# One page to send to an auditor",
			"%s inspect -o html > certificates.html",
			"# Include files on nodes that no server presents",
			"%s inspect --node-files",
			"# Local files, without a cluster",
			"%s inspect --files /etc/kubernetes",
			"%s inspect files *.pem ./pki",
			"# Only what servers present, without reading Secrets",
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
			names = f.takePaths(names)
			if err := f.validate(g); err != nil {
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
	flags.StringVarP(&output, "output", "o", "table", "Output `FORMAT`: "+strings.Join(report.FormatNames(), ", "))
	flags.BoolVar(&options.NoHeaders, "no-headers", false, "Omit table headers")
	flags.StringVar(&options.SortBy, "sort-by", "", "Sort by this `FIELD` of the JSON output: expires, notAfter or {.subject.commonName}")
	f.register(flags)
	return cmd
}

// inspectFlags are the flags of inspect that choose what is shown.
type inspectFlags struct {
	scanFlags
	statuses []string
	within   lifetime
	watch    bool
}

func (f *inspectFlags) register(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.statuses, "status", nil, "Show only certificates with this `STATUS`: "+strings.Join(statusNames(), ", "))
	flags.Var(&f.within, "within", "Show only what expires within this `DURATION`, such as 30d, or has expired")
	flags.BoolVarP(&f.watch, "watch", "w", false, "")
	_ = flags.MarkHidden("watch") // for those who know it from kubectl get
	f.scanFlags.register(flags)
}

// statusNames are what --status takes.
func statusNames() []string {
	return []string{string(inventory.OK), string(inventory.Expiring), string(inventory.Expired), string(inventory.Invalid), string(inventory.Unverified)}
}

// validate returns an error if what was given means nothing.
func (f *inspectFlags) validate(g *globals) error {
	for _, status := range f.statuses {
		if !slices.Contains(statusNames(), status) {
			return hint.New(fmt.Sprintf("unknown --status %q", status), "use "+strings.Join(statusNames(), ", "))
		}
	}
	if f.watch {
		return hint.New("inspect does not watch", "run it repeatedly (watch kubectl certs inspect), or have monitoring run check")
	}
	return f.validateFor(g)
}

// filter is what of an inventory is shown.
func (f *inspectFlags) filter(now time.Time) inventory.Filter {
	var filter inventory.Filter
	for _, status := range f.statuses {
		filter.Statuses = append(filter.Statuses, inventory.Status(status))
	}
	if f.within > 0 {
		filter.Before = now.Add(time.Duration(f.within))
	}
	return filter
}

// inspect scans the cluster and prints what was found, narrowed down to what f
// and names ask for. A name that nothing is called by does not hide the others.
func (a *app) inspect(ctx context.Context, g *globals, f inspectFlags, names []string, print func(*inventory.Inventory) error) error {
	found := inventory.Collector{Now: a.now(), Within: time.Duration(f.within)}
	inv, fault, err := a.scan(ctx, g, f.scanFlags, &found)
	if err != nil {
		return err
	}
	all := inv
	inv = inv.Filter(f.filter(a.now()))
	var unknown []string
	if len(names) > 0 {
		inv, unknown = inv.Select(names)
	}
	if len(names) == 0 || len(unknown) < len(names) {
		if err := print(inv); err != nil {
			return fmt.Errorf("writing the output: %w", err)
		}
	}
	if fault != nil || len(unknown) == 0 {
		return fault
	}
	return unknownNames(all, unknown)
}

// unknownNames says that no certificate is called by names, and what comes
// nearest.
func unknownNames(inv *inventory.Inventory, names []string) error {
	var known []string
	for _, e := range inv.Items {
		for _, name := range []string{e.Name, e.ID()} {
			if !slices.Contains(known, name) {
				known = append(known, name)
			}
		}
	}
	var advice string
	if near := hint.Nearest(names[0], known, 5); len(near) > 0 {
		advice = "did you mean: " + strings.Join(near, ", ")
	} else {
		if short := slices.DeleteFunc(slices.Clone(known), func(name string) bool { return strings.Contains(name, "/") }); len(short) > 0 {
			known = short
		}
		advice = "known names include: " + strings.Join(known[:min(len(known), 12)], ", ")
	}
	advice += "; all of them: inspect -o name"
	if len(inv.Skipped) > 0 {
		advice += "; not everything could be read: inspect lists what was skipped"
	}
	if _, asked := inv.Select(names[:1]); len(asked) == 0 {
		advice = "it exists, but is excluded by --status or --within"
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return hint.New("no certificate matches "+strings.Join(quoted, ", "), advice)
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
