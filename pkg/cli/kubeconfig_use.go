package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

func (a *app) newKubeconfigUse(g *globals) *cobra.Command {
	var dryRun *bool
	cmd := &cobra.Command{
		Use:   "use [CONTEXT|-]",
		Short: "Switch context (- = previous)",
		Long: `Switch to a context. With -, switch to the previous context; without a name,
print the current one.`,
		Example: a.examples(
			"%s kubeconfig use staging",
			"# Back to the previous context",
			"%s kubeconfig use -"),
		Args:              need(0, 1, ""),
		ValidArgsFunction: a.contextNames(g, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.printCurrent(g)
			}
			return a.use(cmd.Context(), g, args[0], *dryRun)
		},
	}
	dryRun = dryRunFlag(cmd.Flags())
	return cmd
}

func (a *app) printCurrent(g *globals) error {
	c, err := a.contexts(g)
	if err != nil {
		return err
	}
	current := c.Current()
	if current == "" {
		return hint.New("the kubeconfig has no current context", "choose one with: "+a.program+" kubeconfig use CONTEXT")
	}
	printLine(a.out, current)
	return nil
}

func (a *app) use(ctx context.Context, g *globals, name string, dryRun bool) error {
	files := a.files(g)
	if name == "-" {
		var err error
		if name, err = files.Previous(); err != nil {
			return err
		}
		if name == "" {
			return hint.New("there is no previous context", "choose one with: "+a.program+" kubeconfig use CONTEXT")
		}
	}
	was, problems := "", []string(nil)
	changes, _, err := a.update(ctx, kubeconfig.Update{Files: files}, dryRun, func(c *kubeconfig.Config) ([]kubeconfig.Change, error) {
		was = c.Current()
		if _, err := c.Find(kubeconfig.ContextEntry, name); err != nil {
			return nil, err
		}
		problems = a.problems(c, name)
		return c.Use(name)
	})
	if err != nil || dryRun {
		return err
	}
	for _, problem := range problems {
		a.say("warning: %s\n", problem)
	}
	if len(changes) == 0 {
		fprintf(a.out, "%s is already the current context\n", name)
		return nil
	}
	fprintf(a.out, "Switched to context %s\n", name)
	if err := files.RememberPrevious(was); err != nil {
		a.say("warning: \"use -\" cannot switch back to %s: %s\n", was, err)
	}
	return nil
}

// problems are what keeps a context from being used.
func (a *app) problems(c *kubeconfig.Config, name string) []string {
	context := c.Describe(c.Entry(kubeconfig.ContextEntry, name), a.now())
	problems := context.Problems
	if cert := context.Certificate; cert != nil && cert.Status == inventory.Expired {
		problems = append(problems, fmt.Sprintf("the client certificate of user %q expired %s ago", context.User, humanLeft(a.now().Sub(cert.NotAfter))))
	}
	return problems
}
