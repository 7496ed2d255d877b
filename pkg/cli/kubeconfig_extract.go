package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

func (a *app) newKubeconfigExtract(g *globals) *cobra.Command {
	var out string
	var force bool
	var dryRun *bool
	cmd := &cobra.Command{
		Use:   "extract CONTEXT...",
		Short: "Write some contexts as a kubeconfig of their own",
		Long: `Write some contexts as a kubeconfig of their own, with certificates and keys
embedded, so that it can be taken elsewhere. The first context is its current
one. Your own kubeconfig stays as it is.`,
		Example: a.examples(
			"%s kubeconfig extract prod --out prod.kubeconfig",
			"%s kubeconfig extract prod staging --out - | ssh build 'cat > config'"),
		Args:              need(1, 0, "which contexts to extract"),
		ValidArgsFunction: a.contextNames(g, 0),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := a.contexts(g)
			if err != nil {
				return err
			}
			text, left, err := c.Extract(args...)
			if err != nil {
				return err
			}
			if out == "" {
				out = kubeconfig.FileName(args[0]) + ".kubeconfig"
			}
			for _, l := range left {
				a.say("warning: %s, which is not in the file\n", l)
			}
			return a.writeNew(out, force, *dryRun, []byte(text))
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "File to write, or - for standard output (default: CONTEXT.kubeconfig)")
	cmd.Flags().BoolVar(&force, "force", false, "Replace the file if it exists")
	dryRun = dryRunFlag(cmd.Flags())
	return cmd
}

// writeNew writes a kubeconfig to a file, or to standard output; or it shows
// what that would change.
func (a *app) writeNew(path string, force, dryRun bool, data []byte) error {
	if dryRun {
		change, err := kubeconfig.NewFile(path, string(data))
		if err != nil {
			return err
		}
		return a.showDiff([]kubeconfig.FileChange{change})
	}
	if path == "-" {
		if a.outIsTerminal {
			return hint.New("standard output is a terminal, and the private key would be shown on it", "pipe it to where it is to go, or name a file with --out")
		}
		if _, err := a.out.Write(data); err != nil {
			return fmt.Errorf("writing the kubeconfig to standard output: %w", err)
		}
		return nil
	}
	out, err := kubeconfig.Reserve(path, force)
	if err != nil {
		return err
	}
	if err := out.Commit(data); err != nil {
		return err
	}
	fprintf(a.out, "Wrote %s\n", path)
	return nil
}

func (a *app) newKubeconfigSplit(g *globals) *cobra.Command {
	var dir string
	var force bool
	var dryRun *bool
	cmd := &cobra.Command{
		Use:   "split",
		Short: "Write each context as a kubeconfig of its own",
		Long: `Write each context as a kubeconfig of its own, as extract does, named after the
context. Your own kubeconfig stays as it is.`,
		Example: a.examples(
			"%s kubeconfig split --dir ~/.kube/contexts"),
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			if dir == "" {
				return hint.New("say where the files are to go", "name a directory with --dir")
			}
			return a.split(g, dir, force, *dryRun)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "Directory for the files; it is made if need be")
	cmd.Flags().BoolVar(&force, "force", false, "Replace files that exist")
	dryRun = dryRunFlag(cmd.Flags())
	return cmd
}

func (a *app) split(g *globals, dir string, force, dryRun bool) error {
	c, err := a.contexts(g)
	if err != nil {
		return err
	}
	// All of them are made before the first is written.
	paths, texts, of := []string{}, map[string]string{}, map[string]string{}
	for _, name := range c.Names(kubeconfig.ContextEntry) {
		text, left, err := c.Extract(name)
		if err != nil {
			return err
		}
		for _, l := range left {
			a.say("warning: %s, which is not in the file\n", l)
		}
		path := filepath.Join(dir, kubeconfig.FileName(name)+".kubeconfig")
		if other, taken := of[path]; taken {
			return hint.New(fmt.Sprintf("contexts %q and %q would both become %s", other, name, path), "rename one of them first")
		}
		if _, err := os.Lstat(path); err == nil && !force {
			return hint.New(fmt.Sprintf("writing %s: a file of that name is already there", path), "pass --force to replace it, or another directory with --dir")
		}
		paths, texts[path], of[path] = append(paths, path), text, name
	}
	for _, path := range paths {
		if dryRun {
			if err := a.writeNew(path, force, true, []byte(texts[path])); err != nil {
				return err
			}
			continue
		}
		if _, err := kubeconfig.MakeDirectory(dir, true); err != nil {
			return fmt.Errorf("making the directory %s: %w", dir, err)
		}
		if err := a.writeNew(path, force, false, []byte(texts[path])); err != nil {
			return err
		}
	}
	return nil
}
