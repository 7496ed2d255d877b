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
		Short: "Export contexts to a standalone kubeconfig",
		Long: `Export contexts to a standalone kubeconfig, with certificates and keys
inlined, for use on another machine. The first context becomes its current
context. Your own kubeconfig is not changed.`,
		Example: a.examples(
			"%s kubeconfig extract prod --out prod.kubeconfig",
			"%s kubeconfig extract prod staging --out - | ssh build 'cat > config'"),
		Args:              need(1, 0, "the contexts to extract"),
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
	cmd.Flags().StringVar(&out, "out", "", "`FILE` to write, or - for standard output (default: CONTEXT.kubeconfig)")
	cmd.Flags().BoolVar(&force, "force", false, "Overwrite an existing file")
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
			return hint.New("standard output is a terminal, and the private key would be shown on it", "pipe it to its destination, or name a file with --out")
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
		Short: "Export each context to a standalone kubeconfig",
		Long: `Export each context to a standalone kubeconfig, as extract does; each
file has the name of its context. Your own kubeconfig is not changed.`,
		Example: a.examples(
			"%s kubeconfig split --dir ~/.kube/contexts"),
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			if dir == "" {
				return hint.New("specify where to write the files", "specify a directory with --dir")
			}
			return a.split(g, dir, force, *dryRun)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`DIRECTORY` for the files; created if missing")
	cmd.Flags().BoolVar(&force, "force", false, "Overwrite existing files")
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
			return hint.New(fmt.Sprintf("contexts %q and %q would both be written to %s", other, name, path), "rename one of them first")
		}
		if _, err := os.Lstat(path); err == nil && !force {
			return hint.New(fmt.Sprintf("writing %s: the file already exists", path), "use --force to overwrite it, or another directory with --dir")
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
			return fmt.Errorf("creating the directory %s: %w", dir, err)
		}
		if err := a.writeNew(path, force, false, []byte(texts[path])); err != nil {
			return err
		}
	}
	return nil
}
