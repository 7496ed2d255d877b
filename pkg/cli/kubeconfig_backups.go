package cli

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

// allBackups are those of all files of a kubeconfig, the newest of each first.
func allBackups(files kubeconfig.Files) ([]kubeconfig.Backup, error) {
	var all []kubeconfig.Backup
	for _, path := range files.Paths {
		backups, err := kubeconfig.Backups(path)
		if err != nil {
			return nil, err
		}
		all = append(all, backups...)
	}
	return all, nil
}

func (a *app) newKubeconfigBackups(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "backups",
		Short: "List the backups of the kubeconfig",
		Long: `List the backups of the kubeconfig, the newest first. One is made before each
change; the last twenty are kept, in .kubectl-certs/backups beside the file.`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			colors, err := a.colors(g.color)
			if err != nil {
				return err
			}
			backups, err := allBackups(a.files(g))
			if err != nil {
				return err
			}
			if len(backups) == 0 {
				a.say("No backups yet; one is made before each change\n")
				return nil
			}
			table := report.Grid{Header: []string{"BACKUP", "TAKEN", "AGE", "BYTES", "OF"}}
			for _, b := range backups {
				table.Rows = append(table.Rows, []report.Cell{
					{Text: filepath.Base(b.Path)}, {Text: b.Taken.Format("2006-01-02 15:04:05 MST")},
					{Text: humanLeft(a.now().Sub(b.Taken))}, {Text: fmt.Sprint(b.Size)}, {Text: b.Of},
				})
			}
			return table.Write(a.out, colors)
		},
	}
}

func (a *app) newKubeconfigRestore(g *globals) *cobra.Command {
	var dryRun *bool
	cmd := &cobra.Command{
		Use:   "restore [BACKUP]",
		Short: "Restore a backup (default: the latest)",
		Long: `Restore a backup: the latest, or one that "backups" lists. The current file
becomes a backup, so restoring twice undoes it.`,
		Example: a.examples(
			"# Undo the last change",
			"%s kubeconfig restore",
			"%s kubeconfig restore --dry-run"),
		Args: need(0, 1, ""),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			backups, err := allBackups(a.files(g))
			if err != nil || len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, b := range backups {
				names = append(names, filepath.Base(b.Path))
			}
			return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			files := a.files(g)
			backups, err := allBackups(files)
			if err != nil {
				return err
			}
			chosen, err := a.chooseBackup(backups, args)
			if err != nil {
				return err
			}
			return a.updateAndSay(cmd.Context(), kubeconfig.Update{Files: files, Anyhow: true}, *dryRun, func(c *kubeconfig.Config) ([]kubeconfig.Change, error) {
				return c.Restore(chosen)
			})
		},
	}
	dryRun = dryRunFlag(cmd.Flags())
	return cmd
}

func (a *app) chooseBackup(backups []kubeconfig.Backup, args []string) (kubeconfig.Backup, error) {
	if len(backups) == 0 {
		return kubeconfig.Backup{}, hint.New("there are no backups", "a backup is made before each change")
	}
	if len(args) == 0 {
		newest := backups[0]
		for _, b := range backups {
			if b.Taken.After(newest.Taken) {
				newest = b
			}
		}
		return newest, nil
	}
	for _, b := range backups {
		if filepath.Base(b.Path) == filepath.Base(args[0]) {
			return b, nil
		}
	}
	return kubeconfig.Backup{}, hint.New(fmt.Sprintf("there is no backup %q", args[0]), "list them with: "+a.program+" kubeconfig backups")
}
