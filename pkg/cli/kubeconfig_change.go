package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

func (a *app) newKubeconfigRename(g *globals) *cobra.Command {
	var ofCluster, ofUser bool
	var dryRun *bool
	cmd := &cobra.Command{
		Use:   "rename OLD NEW",
		Short: "Rename a context, cluster or user, and the references to it",
		Example: a.examples(
			"%s kubeconfig rename admin@kubernetes prod",
			"# The cluster, in all contexts that refer to it",
			"%s kubeconfig rename --cluster kubernetes prod"),
		Args:              need(2, 2, "the old and the new name"),
		ValidArgsFunction: a.contextNames(g, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind := kubeconfig.ContextEntry
			switch {
			case ofCluster && ofUser:
				return hint.New("--cluster cannot be used with --user", "rename one, then the other")
			case ofCluster:
				kind = kubeconfig.ClusterEntry
			case ofUser:
				kind = kubeconfig.UserEntry
			}
			return a.updateAndSay(cmd.Context(), kubeconfig.Update{Files: a.files(g)}, *dryRun, func(c *kubeconfig.Config) ([]kubeconfig.Change, error) {
				return c.Rename(kind, args[0], args[1])
			})
		},
	}
	// kubectl's own flags of these names choose what to connect to, which
	// nothing here does.
	cmd.Flags().BoolVar(&ofCluster, "cluster", false, "Rename a cluster")
	cmd.Flags().BoolVar(&ofUser, "user", false, "Rename a user")
	dryRun = dryRunFlag(cmd.Flags())
	return cmd
}

func (a *app) newKubeconfigRemove(g *globals) *cobra.Command {
	var keep bool
	var dryRun *bool
	cmd := &cobra.Command{
		Use:     "remove CONTEXT...",
		Aliases: []string{"rm"},
		Short:   "Delete contexts, and the clusters and users that only they used",
		Long: `Delete contexts, and the clusters and users that no other context uses, unless
--keep-orphans is set. A backup is kept beside the file.`,
		Example: a.examples(
			"%s kubeconfig remove old-cluster",
			"%s kubeconfig remove old-cluster --dry-run"),
		Args:              need(1, 0, "the contexts to remove"),
		ValidArgsFunction: a.contextNames(g, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.updateAndSay(cmd.Context(), kubeconfig.Update{Files: a.files(g)}, *dryRun, func(c *kubeconfig.Config) ([]kubeconfig.Change, error) {
				return c.Remove(keep, args...)
			})
		},
	}
	cmd.Flags().BoolVar(&keep, "keep-orphans", false, "Keep clusters and users that become unused")
	dryRun = dryRunFlag(cmd.Flags())
	return cmd
}

func (a *app) newKubeconfigPrune(g *globals) *cobra.Command {
	var expired bool
	var dryRun *bool
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Delete unusable entries",
		Long: `Delete contexts whose cluster or user does not exist, clusters and users that no
context uses, and a current context that does not exist; with --expired, also
contexts whose only credential is an expired certificate.`,
		Example: a.examples(
			"# Preview what would be deleted",
			"%s kubeconfig prune --expired --dry-run",
			"%s kubeconfig prune --expired"),
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now := a.now()
			return a.updateAndSay(cmd.Context(), kubeconfig.Update{Files: a.files(g)}, *dryRun, func(c *kubeconfig.Config) ([]kubeconfig.Change, error) {
				return c.Prune(expired, now)
			})
		},
	}
	cmd.Flags().BoolVar(&expired, "expired", false, "Also delete contexts whose certificate has expired")
	dryRun = dryRunFlag(cmd.Flags())
	return cmd
}

func (a *app) newKubeconfigEmbed(g *globals) *cobra.Command {
	var dryRun *bool
	cmd := &cobra.Command{
		Use:   "embed [CONTEXT...]",
		Short: "Inline certificate and key files into the kubeconfig",
		Long: `Inline the certificate and key files of contexts (default: all) into the
kubeconfig. The files are kept.`,
		Example: a.examples(
			"%s kubeconfig embed minikube"),
		ValidArgsFunction: a.contextNames(g, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.updateAndSay(cmd.Context(), kubeconfig.Update{Files: a.files(g)}, *dryRun, func(c *kubeconfig.Config) ([]kubeconfig.Change, error) {
				return c.Embed(args...)
			})
		},
	}
	dryRun = dryRunFlag(cmd.Flags())
	return cmd
}

func (a *app) newKubeconfigUnembed(g *globals) *cobra.Command {
	var dir string
	var dryRun *bool
	cmd := &cobra.Command{
		Use:   "unembed [CONTEXT...]",
		Short: "Extract inlined certificates and keys into files",
		Long: `Extract the inlined certificates and keys of contexts (default: all) into files
of mode 0600, to which the kubeconfig then refers.`,
		Example: a.examples(
			"%s kubeconfig unembed prod --dir ~/.kube/certs"),
		ValidArgsFunction: a.contextNames(g, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir == "" {
				return hint.New("specify where to write the files", "specify a directory with --dir, as in --dir ~/.kube/certs")
			}
			// The files come first, for the kubeconfig to name.
			files := a.files(g)
			c, err := kubeconfig.Load(files)
			if err != nil {
				return err
			}
			_, parts, err := c.Unembed(dir, args...)
			if err != nil {
				return err
			}
			for _, part := range parts {
				if *dryRun {
					a.say("Would write %s\n", part.Path)
					continue
				}
				if err := part.Write(); err != nil {
					return err
				}
				a.say("Wrote %s\n", part.Path)
			}
			return a.updateAndSay(cmd.Context(), kubeconfig.Update{Files: files}, *dryRun, func(c *kubeconfig.Config) ([]kubeconfig.Change, error) {
				changes, missing, err := c.Unembed(dir, args...)
				if err == nil && len(missing) > 0 && !*dryRun {
					err = fmt.Errorf("unembedding: another program changed the kubeconfig in the meantime: %s is missing now", missing[0].Path)
				}
				return changes, err
			})
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`DIRECTORY` for the files; created if missing")
	dryRun = dryRunFlag(cmd.Flags())
	return cmd
}
