package cli

import (
	"cmp"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

func (a *app) newKubeconfigDiff(g *globals) *cobra.Command {
	var output string
	var byCode bool
	cmd := &cobra.Command{
		Use:   "diff FILE [FILE]",
		Short: "Semantic diff of two kubeconfigs",
		Long: `Semantic diff of two kubeconfigs: ignores order, style and comments. The second
file is compared with the first; a single file is compared with your own
kubeconfig. Secrets are redacted.`,
		Example: a.examples(
			"# What would a merge of this file add or change?",
			"%s kubeconfig diff new.kubeconfig",
			"%s kubeconfig diff old.kubeconfig new.kubeconfig"),
		Args: need(1, 2, "the kubeconfigs to compare"),
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := a.readAll(args)
			if err != nil {
				return err
			}
			second := kubeconfig.NewConfig(all[len(all)-1])
			first := kubeconfig.NewConfig(all[0])
			if len(all) == 1 {
				if first, err = a.contexts(g); err != nil {
					return err
				}
			}
			differences := kubeconfig.Compare(first, second)
			if err := a.showDifferences(output, differences); err != nil {
				return err
			}
			if byCode && len(differences.Items) > 0 {
				return exit(exitFailed)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "Output `FORMAT`: text, json or yaml")
	cmd.Flags().BoolVar(&byCode, "exit-code", false, "Exit with status 1 if they differ")
	return cmd
}

func (a *app) showDifferences(output string, differences *kubeconfig.Differences) error {
	if done, err := a.structured(output, "text", differences); done || err != nil {
		return err
	}
	for _, d := range differences.Items {
		fprintf(a.out, "%s\n", d)
		for _, f := range d.Fields {
			fprintf(a.out, "    %s: %s -> %s\n", f.Field, cmp.Or(f.First, "nothing"), cmp.Or(f.Second, "nothing"))
		}
	}
	if len(differences.Items) == 0 {
		a.say("No semantic differences\n")
	}
	return nil
}
