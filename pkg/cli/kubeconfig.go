package cli

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

func (a *app) newKubeconfig(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "kubeconfig",
		Aliases: []string{"kc"},
		Short:   "Manage kubeconfigs and the certificates in them",
		Long: `Manage kubeconfigs and the certificates in them. The files are those that
kubectl reads: the file of --kubeconfig, the list in KUBECONFIG, or
~/.kube/config. No command contacts a cluster without --ping.

Files are replaced atomically under kubectl's lock; comments, order and unknown
fields are preserved; a backup is kept. With --dry-run, commands that write show
what would change.`,
		Example: a.examples(
			"# List contexts and when their certificates expire",
			"%s kubeconfig list",
			"# Merge a kubeconfig that you received",
			"%s kubeconfig merge new.kubeconfig",
			"# Switch to a context, and back",
			"%s kc use staging && %s kc use -"),
		Args: a.noSuchKubeconfigCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(
		a.newKubeconfigList(g),
		a.newKubeconfigShow(g),
		a.newKubeconfigUse(g),
		a.newKubeconfigMerge(g),
		a.newKubeconfigExtract(g),
		a.newKubeconfigSplit(g),
		a.newKubeconfigRename(g),
		a.newKubeconfigRemove(g),
		a.newKubeconfigPrune(g),
		a.newKubeconfigEmbed(g),
		a.newKubeconfigUnembed(g),
		a.newKubeconfigAssemble(),
		a.newKubeconfigLint(g),
		a.newKubeconfigDiff(g),
		a.newKubeconfigBackups(g),
		a.newKubeconfigRestore(g),
	)
	return cmd
}

func (a *app) noSuchKubeconfigCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	advice := "see: " + cmd.CommandPath() + " --help"
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		advice = fmt.Sprintf("did you mean: %s %s", cmd.CommandPath(), near[0])
	}
	return hint.New(fmt.Sprintf("unknown command %q", args[0]), advice)
}

// files are those that kubectl reads.
func (a *app) files(g *globals) kubeconfig.Files {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "." // kubectl's own answer where there is none
	}
	files := kubeconfig.Locate(flagValue(g.kubectl.KubeConfig), a.getenv("KUBECONFIG"), home)
	boundMemory(files)
	return files
}

// boundMemory keeps the memory that is used in proportion to the files, where
// they are so large that it matters: by default, Go lets garbage grow to as
// much again as what is in use.
func boundMemory(files kubeconfig.Files) {
	const large, base = 4 << 20, 2 << 20
	if size := files.Size(); size > large {
		debug.SetMemoryLimit(3*size + base)
	}
}

// contexts returns the user's kubeconfig, which is to hold a context.
func (a *app) contexts(g *globals) (*kubeconfig.Config, error) {
	files := a.files(g)
	c, err := kubeconfig.Load(files)
	if err != nil {
		return nil, err
	}
	if len(c.Entries(kubeconfig.ContextEntry)) == 0 && len(c.Entries(kubeconfig.ClusterEntry)) == 0 {
		return nil, hint.New(fmt.Sprintf("no kubeconfig: %s does not exist or has no contexts", strings.Join(files.Paths, ", ")),
			"specify one with --kubeconfig or KUBECONFIG")
	}
	return c, nil
}

// chosen is the context that --context names, or the current one.
func (a *app) chosen(g *globals, c *kubeconfig.Config) (string, error) {
	if name := flagValue(g.kubectl.Context); name != "" {
		return name, nil
	}
	if name := c.Current(); name != "" {
		return name, nil
	}
	return "", hint.New("the kubeconfig has no current context", "name a context, or choose one with: "+a.program+" kubeconfig use")
}

// change is a change to the user's kubeconfig: what it does, in lines for a
// person. It may be called twice, and does nothing else.
type change func(*kubeconfig.Config) ([]kubeconfig.Change, error)

// update makes a change to files, or shows it, and returns what changed, and
// where what was there before is kept.
func (a *app) update(ctx context.Context, u kubeconfig.Update, dryRun bool, do change) (changes []kubeconfig.Change, backups []string, err error) {
	u.Now = a.now
	u.Change = func(c *kubeconfig.Config) (err error) {
		changes, err = do(c)
		return err
	}
	if dryRun {
		would, err := u.Preview()
		if err != nil {
			return nil, nil, err
		}
		return changes, nil, a.showDiff(would)
	}
	done, err := u.Run(ctx)
	for _, c := range done {
		if c.Backup != "" {
			backups = append(backups, c.Backup)
		}
	}
	return changes, backups, err
}

// showDiff prints what would change.
func (a *app) showDiff(would []kubeconfig.FileChange) error {
	for _, c := range would {
		text, err := c.Diff()
		if err != nil {
			return err
		}
		for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			fprintf(a.out, "%s\n", strings.TrimSuffix(line, "\r"))
		}
	}
	if len(would) == 0 {
		a.say("No changes (dry run)\n")
	}
	return nil
}

// updateAndSay makes a change, or shows it, and says in lines what it did.
func (a *app) updateAndSay(ctx context.Context, u kubeconfig.Update, dryRun bool, do change) error {
	changes, backups, err := a.update(ctx, u, dryRun, do)
	if err != nil || dryRun {
		return err
	}
	for _, c := range changes {
		fprintf(a.out, "%s\n", c)
	}
	for _, backup := range backups {
		a.say("Backup: %s\n", backup)
	}
	if len(changes) == 0 {
		a.say("No changes\n")
	}
	return nil
}

// contextNames completes the names of contexts. It reads the kubeconfig and
// asks nobody.
func (a *app) contextNames(g *globals, most int) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if most > 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		c, err := kubeconfig.Load(a.files(g))
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, name := range c.Names(kubeconfig.ContextEntry) {
			// A shell shows what it is given: what could harm a terminal is left out.
			if strings.HasPrefix(name, toComplete) && !slices.Contains(args, name) && report.Printable(name) == name {
				names = append(names, name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// structured writes a kind as JSON or YAML, if output says so; it refuses what
// is neither, nor the plain format.
func (a *app) structured(output, plain string, kind any) (done bool, err error) {
	switch output {
	case plain:
		return false, nil
	case "json":
		return true, report.WriteJSON(a.out, kind)
	case "yaml":
		return true, report.WriteYAML(a.out, kind)
	}
	return false, hint.New(fmt.Sprintf("unknown output format %q", output), fmt.Sprintf("use one of %s, json, yaml", plain))
}

// need returns a check that a command is given from least to most arguments;
// any number, where most is 0.
func need(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		advice := "see: " + cmd.CommandPath() + " --help"
		switch {
		case len(args) < least:
			return hint.New("say "+what, advice)
		case most > 0 && len(args) > most:
			return hint.New(fmt.Sprintf("%s does not accept %q in addition", cmd.CommandPath(), args[most]), advice)
		}
		return nil
	}
}
