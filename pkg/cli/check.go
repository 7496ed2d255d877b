package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

// checkFlags are the flags of check as they were given.
type checkFlags struct {
	scanFlags
	output string
	within lifetime
	failOn string
}

func (a *app) newCheck(g *globals) *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check [PATH...]",
		Short: "Check the cluster's certificates for problems",
		Long: `Check the cluster's certificates for problems. Reads what inspect reads, and
shows only what is wrong and how to fix it.

Exit status: 0 OK, 1 warnings, 2 critical, 3 nothing wrong was found, but
something could not be checked.`,
		Example: a.examples(
			"# Is everything OK?",
			"%s check",
			"# Warn 60 days before expiry, but fail only on critical problems",
			"%s check --within 60d --fail-on critical",
			"# For a pipeline, without reading Secrets",
			"%s check -o junit --sources endpoint,kubelets,control-plane,trust,webhooks"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := noArguments(cmd, f.takePaths(args)); err != nil {
				return undecided(err)
			}
			return undecided(a.check(cmd.Context(), g, f))
		},
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return undecided(flagError(cmd, err)) })
	flags := cmd.Flags()
	flags.StringVarP(&f.output, "output", "o", report.CheckFormats[0].Name, "Output `FORMAT`: "+strings.Join(report.CheckFormatNames(), ", "))
	flags.Var(&f.within, "within", "Warn this long before a certificate expires (default: 30d, or a fifth of its lifetime if that is less)")
	flags.StringVar(&f.failOn, "fail-on", string(inventory.Warning), "Minimum `SEVERITY` that causes a non-zero exit status: warning or critical")
	f.register(flags)
	return cmd
}

// undecided is a failure that leaves a check without an answer: a monitoring
// system must not take a misspelt flag for a warning.
func undecided(err error) error {
	if _, decided := errors.AsType[*exitError](err); err == nil || decided {
		return err
	}
	return &exitError{err, report.ResultUnknown}
}

// check scans the cluster and returns the verdict as an exit code, or why there
// is none.
func (a *app) check(ctx context.Context, g *globals, f checkFlags) error {
	format, err := report.LookupCheck(f.output)
	if err != nil {
		return err
	}
	options := report.CheckOptions{FailOn: inventory.Severity(f.failOn), Sources: f.sources}
	if options.FailOn != inventory.Warning && options.FailOn != inventory.Critical {
		return hint.New(fmt.Sprintf("unknown --fail-on %q", f.failOn), "use warning or critical")
	}
	if options.Colors, err = a.colors(g.color); err != nil {
		return err
	}
	options.Width = a.outWidth()
	if err := f.validateFor(g); err != nil {
		return err
	}
	if len(f.files) > 0 {
		options.Sources = []string{"files"} // nothing else is read
	}
	found := inventory.Collector{Now: a.now(), Within: time.Duration(f.within), FaultsOnly: true}
	inv, fault, err := a.scan(ctx, g, f.scanFlags, &found)
	if err != nil {
		return err
	}
	options.Checked = found.Count()
	if err := format(a.out, inv, options); err != nil {
		return fmt.Errorf("writing the output: %w", err)
	}
	code := report.Result(inv, options.FailOn)
	if fault != nil && code < report.ResultCritical {
		return fault // whatever was not found may be because of it
	}
	if fault != nil {
		a.sayError(fault)
	}
	if code == report.ResultOK {
		return nil
	}
	return exit(code)
}
