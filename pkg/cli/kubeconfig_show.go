package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

func (a *app) newKubeconfigShow(g *globals) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "show [CONTEXT]",
		Short: "Show one context in full, secrets redacted",
		Long: `Show one context in full: its cluster, its user, and the certificates of both.
Secrets are redacted; of a private key, only the public key is identified.`,
		Example: a.examples(
			"# The current context",
			"%s kubeconfig show",
			"%s kubeconfig show kind-dev"),
		Args:              need(0, 1, ""),
		ValidArgsFunction: a.contextNames(g, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := a.contexts(g)
			if err != nil {
				return err
			}
			var name string
			if len(args) == 1 {
				name = args[0]
			} else if name, err = a.chosen(g, c); err != nil {
				return err
			}
			e, err := c.Find(kubeconfig.ContextEntry, name)
			if err != nil {
				return err
			}
			return a.showContext(output, c.Detail(e, a.now()))
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "Output `FORMAT`: text, json or yaml")
	return cmd
}

// showContext prints a context in sections.
func (a *app) showContext(output string, detail *kubeconfig.Detail) error {
	if done, err := a.structured(output, "text", detail); done || err != nil {
		return err
	}
	for i, section := range detail.Sections {
		if i > 0 {
			fprintf(a.out, "\n")
		}
		fprintf(a.out, "%s\n", section.Title)
		widest := 0
		for _, f := range section.Fields {
			widest = max(widest, len(f.Name))
		}
		for _, f := range section.Fields {
			padding := strings.Repeat(" ", widest-len(f.Name))
			for j, value := range f.Values {
				name := f.Name + padding
				if j > 0 {
					name = strings.Repeat(" ", widest)
				}
				fprintf(a.out, "  %s  %s\n", name, value)
			}
		}
	}
	for _, problem := range detail.Problems {
		fprintf(a.out, "\n× %s\n", problem)
	}
	return nil
}
