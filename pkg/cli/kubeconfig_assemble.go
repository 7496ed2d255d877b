package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

// assembleFlags are the flags of assemble as they were given.
type assembleFlags struct {
	parts     kubeconfig.Parts
	from, out string
	force     bool
	dryRun    *bool
}

func (a *app) newKubeconfigAssemble() *cobra.Command {
	var f assembleFlags
	cmd := &cobra.Command{
		Use:   "assemble [NAME]",
		Short: "Make a kubeconfig from a CA, a certificate and a key in files",
		Long: `Make a kubeconfig from a CA, a certificate and a key that are in files. NAME is
what it calls the cluster (kubernetes, where none is given); the user is called
as in the certificate.

With --profile it is that of a component, whose parts are found by their
conventional names in the directory that --from names, as kubeadm and the
documentation lay it out: the server too, if a kubeconfig in there names one.
The profiles are: ` + strings.Join(profileNames(), ", ") + `.

Parts that do not belong together are refused.`,
		Example: a.examples(
			"%s kubeconfig assemble prod --server https://prod:6443 --ca ca.crt --cert alice.crt --key alice.key",
			"# The scheduler's, on a control-plane node",
			"%s kubeconfig assemble --profile scheduler --from /etc/kubernetes --out scheduler.conf"),
		Args: need(0, 1, ""),
		RunE: func(_ *cobra.Command, args []string) error {
			f.parts.Cluster = "kubernetes"
			if len(args) == 1 {
				f.parts.Cluster = args[0]
			}
			return a.assemble(f, len(args) == 1)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.parts.Server, "server", "", "URL of the API server")
	flags.StringVar(&f.parts.CA, "ca", "", "File of the CA that verifies the server")
	flags.StringVar(&f.parts.Certificate, "cert", "", "File of the client certificate")
	flags.StringVar(&f.parts.Key, "key", "", "File of its private key")
	flags.StringVar(&f.parts.User, "user-name", "", "What to call the user (default: the common name in the certificate)")
	flags.StringVar(&f.parts.Namespace, "namespace", "", "Namespace of the context")
	flags.StringVar(&f.parts.Profile, "profile", "", "Component that it is for: "+strings.Join(profileNames(), ", "))
	flags.StringVar(&f.from, "from", "", "Directory of the conventional files (default: /etc/kubernetes)")
	flags.StringVar(&f.out, "out", "", "File to write, or - for standard output (default: NAME.kubeconfig)")
	flags.BoolVar(&f.force, "force", false, "Replace the file if it exists")
	f.dryRun = dryRunFlag(flags)
	_ = cmd.RegisterFlagCompletionFunc("profile", cobra.FixedCompletions(profileNames(), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return cmd
}

func (a *app) assemble(f assembleFlags, named bool) error {
	if f.from != "" && f.parts.Profile == "" {
		return hint.New("--from is of use with --profile only", "name the component with --profile, or the files with --ca, --cert and --key")
	}
	if f.parts.Profile != "" {
		if !slices.Contains(profileNames(), f.parts.Profile) {
			return hint.New(fmt.Sprintf("unknown --profile %q", f.parts.Profile), "use one of "+strings.Join(profileNames(), ", "))
		}
		if f.from == "" {
			f.from = "/etc/kubernetes"
		}
		var err error
		if f.parts, err = kubeconfig.Conventional(f.parts, f.from); err != nil {
			return err
		}
	}
	for _, needed := range []struct{ flag, value string }{
		{"--server", f.parts.Server}, {"--ca", f.parts.CA}, {"--cert", f.parts.Certificate}, {"--key", f.parts.Key},
	} {
		if needed.value == "" {
			return hint.New(needed.flag+" is missing", "a kubeconfig takes --server, --ca, --cert and --key; or name a component with --profile")
		}
	}
	data, doubts, err := kubeconfig.Assemble(f.parts, a.now())
	if err != nil {
		return err
	}
	for _, doubt := range doubts {
		a.say("warning: %s\n", doubt)
	}
	if f.out == "" {
		f.out = kubeconfig.FileName(f.parts.Cluster) + ".kubeconfig"
		if f.parts.Profile != "" && !named {
			f.out = f.parts.Profile + ".kubeconfig"
		}
	}
	return a.writeNew(f.out, f.force, *f.dryRun, data)
}
