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
		Short: "Create a kubeconfig from CA, certificate and key files",
		Long: `Create a kubeconfig from CA, certificate and key files. NAME is the name of the
cluster (default: kubernetes); the user has the name in the certificate.

With --profile, the kubeconfig is for a component. Its files are found by their
conventional names in the directory of --from, as kubeadm and the Kubernetes
documentation name them; the server is taken from a kubeconfig there.
The profiles are: ` + strings.Join(profileNames(), ", ") + `.

Files that do not match each other are refused.`,
		Example: a.examples(
			"%s kubeconfig assemble prod --server https://prod:6443 --ca ca.crt --cert alice.crt --key alice.key",
			"# For the scheduler, on a control-plane node",
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
	flags.StringVar(&f.parts.Server, "server", "", "`URL` of the API server")
	flags.StringVar(&f.parts.CA, "ca", "", "`FILE` with the CA that verifies the server")
	flags.StringVar(&f.parts.Certificate, "cert", "", "`FILE` with the client certificate")
	flags.StringVar(&f.parts.Key, "key", "", "`FILE` with the private key")
	flags.StringVar(&f.parts.User, "user-name", "", "`NAME` of the user entry (default: the common name of the certificate)")
	flags.StringVar(&f.parts.Namespace, "namespace", "", "`NAMESPACE` of the context")
	flags.StringVar(&f.parts.Profile, "profile", "", "Component `PROFILE`: "+strings.Join(profileNames(), ", "))
	flags.StringVar(&f.from, "from", "", "`DIRECTORY` with the conventional files (default: /etc/kubernetes)")
	flags.StringVar(&f.out, "out", "", "`FILE` to write, or - for standard output (default: NAME.kubeconfig)")
	flags.BoolVar(&f.force, "force", false, "Overwrite an existing file")
	f.dryRun = dryRunFlag(flags)
	_ = cmd.RegisterFlagCompletionFunc("profile", cobra.FixedCompletions(profileNames(), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return cmd
}

func (a *app) assemble(f assembleFlags, named bool) error {
	if f.from != "" && f.parts.Profile == "" {
		return hint.New("--from requires --profile", "specify the component with --profile, or the files with --ca, --cert and --key")
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
			return hint.New(needed.flag+" is missing", "specify --server, --ca, --cert and --key, or a component with --profile")
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
