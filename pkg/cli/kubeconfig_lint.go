package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

// Exit codes of lint, as monitoring systems expect them.
const (
	lintWarnings = 1
	lintCritical = 2
	lintUnknown  = 3
)

func (a *app) newKubeconfigLint(g *globals) *cobra.Command {
	var output string
	var ping, fix, exec bool
	var dryRun *bool
	cmd := &cobra.Command{
		Use:   "lint [FILE...]",
		Short: "Find problems in kubeconfigs, and fix what can be fixed safely",
		Long: `Find problems in your kubeconfig, or in other files: dangling references,
certificates that have expired or do not match their keys, files that other
users can read, and more. Each finding has a code, which the documentation
explains, and a fix.

--fix repairs what needs no decision: file modes, paths that are ignored beside
inlined data, a current context that does not exist.
--ping also connects to the servers to check reachability and trust; servers of
users with an exec credential plugin only with --exec, which runs it.

Exit status: 0 OK, 1 warnings, 2 critical, 3 incomplete: a file could not be
read, or a server could not be reached.`,
		Example: a.examples(
			"%s kubeconfig lint",
			"%s kubeconfig lint --fix",
			"%s kubeconfig lint ci.kubeconfig -o json"),
		RunE: func(cmd *cobra.Command, args []string) error {
			files := a.files(g)
			if len(args) > 0 {
				files = kubeconfig.Files{Paths: args, Explicit: true}
			}
			err := a.lint(cmd.Context(), g, files, lintFlags{output, ping, fix, *dryRun, len(args) > 0, exec})
			if _, ok := errors.AsType[*exitError](err); err == nil || ok {
				return err
			}
			return &exitError{err, lintUnknown}
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "Output `FORMAT`: text, json or yaml")
	cmd.Flags().BoolVar(&ping, "ping", false, "Connect to the servers to check reachability and trust")
	cmd.Flags().BoolVar(&exec, "exec", false, "With --ping: also run exec credential plugins")
	cmd.Flags().BoolVar(&fix, "fix", false, "Fix what can be fixed safely")
	dryRun = dryRunFlag(cmd.Flags())
	return cmd
}

type lintFlags struct {
	output            string
	ping, fix, dryRun bool
	others            bool // files were named
	exec              bool
}

func (a *app) lint(ctx context.Context, g *globals, files kubeconfig.Files, f lintFlags) error {
	if f.dryRun && !f.fix {
		return hint.New("--dry-run requires --fix: without it nothing is changed", "add --fix")
	}
	programs := a.programs(g)
	report := kubeconfig.Lint(files, a.now(), programs)
	if f.fix {
		if err := a.fix(ctx, files, report, f.dryRun); err != nil {
			return err
		}
		report = kubeconfig.Lint(files, a.now(), programs)
	}
	if f.exec && !f.ping {
		return hint.New("--exec requires --ping", "add --ping")
	}
	if f.ping {
		if f.others {
			return fmt.Errorf("--ping connects to the servers of your own kubeconfig: specify the file with --kubeconfig instead")
		}
		if err := a.pingForLint(ctx, g, files, report, f.exec); err != nil {
			return err
		}
	}
	if err := a.showFindings(f.output, g, report); err != nil {
		return err
	}
	unknown := report.Has(kubeconfig.CodeUnreadable) || report.Has(kubeconfig.CodeUnreachableServer)
	switch {
	case report.Worst(kubeconfig.CodeUnreadable, kubeconfig.CodeUnreachableServer) == inventory.Critical:
		return exit(lintCritical)
	case unknown:
		return exit(lintUnknown)
	case report.Worst() == inventory.Warning:
		return exit(lintWarnings)
	}
	return nil
}

// programs is what there is to know of the programs that users run.
func (a *app) programs(g *globals) kubeconfig.Programs {
	policy, err := a.pluginPolicy(g)
	allowed := func(string) error { return err } // kubectl runs none either
	if err == nil {
		allowed = policy.Check
	}
	return kubeconfig.Programs{Installed: installed, Allowed: allowed}
}

// installed reports whether a program is in PATH.
func installed(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// fix mends what a report says can be mended, or shows it.
func (a *app) fix(ctx context.Context, files kubeconfig.Files, report *kubeconfig.Report, dryRun bool) error {
	if dryRun {
		for _, f := range report.Findings {
			if f.Code == kubeconfig.CodeReadable {
				fprintf(a.out, "Would run: %s\n", f.Fix)
			}
		}
	} else {
		fixed, err := report.FixModes()
		for _, path := range fixed {
			a.say("%s is now readable only by you\n", path)
		}
		if err != nil {
			return err
		}
	}
	if report.Has(kubeconfig.CodeUnreadable) || report.Has(kubeconfig.CodeMalformed) || report.Has(kubeconfig.CodeDuplicateName) {
		return nil // the findings say so
	}
	changes, _, err := a.update(ctx, kubeconfig.Update{Files: files}, dryRun, (*kubeconfig.Config).Fix)
	for _, c := range changes {
		if !dryRun {
			a.say("%s\n", c)
		}
	}
	return err
}

// pingForLint adds what the servers say of the contexts to a report.
func (a *app) pingForLint(ctx context.Context, g *globals, files kubeconfig.Files, report *kubeconfig.Report, exec bool) error {
	c, err := kubeconfig.Load(files)
	if err != nil {
		return nil // the findings say so
	}
	list := c.List(a.now())
	a.pingAll(ctx, g, list.Items, exec)
	for _, item := range list.Items {
		report.AddPing(c.Entry(kubeconfig.ContextEntry, item.Name), *item.Ping)
	}
	return nil
}

// showFindings prints what lint found.
func (a *app) showFindings(output string, g *globals, report *kubeconfig.Report) error {
	if done, err := a.structured(output, "text", report); done || err != nil {
		return err
	}
	colors, err := a.colors(g.color)
	if err != nil {
		return err
	}
	marks := map[inventory.Severity]string{inventory.Info: "i", inventory.Warning: "‼", inventory.Critical: "×"}
	codes := map[inventory.Severity]string{inventory.Warning: "\x1b[33m", inventory.Critical: "\x1b[31m"}
	for _, f := range report.Findings {
		mark := marks[f.Severity]
		if code := codes[f.Severity]; code != "" && bool(colors) {
			mark = code + mark + "\x1b[0m"
		}
		where := f.File
		if f.Line > 0 {
			where = fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		if _, err := fmt.Fprint(a.out, mark); err != nil {
			return err
		}
		fprintf(a.out, " %s: %s (%s)\n  at:  %s\n  fix: %s\n", f.Where, f.Message, string(f.Code), where, f.Fix)
	}
	if report.Worst() == "" || report.Worst() == inventory.Info {
		a.say("√ No problems found\n")
	}
	return nil
}
