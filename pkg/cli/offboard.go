package cli

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// offboardFlags are the flags of offboard as they were given.
type offboardFlags struct {
	groups      []string
	accept      []string
	allBindings bool
	denyPending bool
	dryRun      *bool
	yes         bool
}

func (a *app) newOffboard(g *globals) *cobra.Command {
	var f offboardFlags
	cmd := &cobra.Command{
		Use:   "offboard USER",
		Short: "Revoke a user's access, and report what remains",
		Long: `Revoke a user's access: delete the bindings that "issue" created for the user,
withdraw pending requests, and mark the records of the user's certificates as
ended. Bindings made by others are listed; --all-bindings removes the user from
them, and changes nothing else. Bindings of the user's groups are only listed,
since they also affect other users.

Certificates and requests under other names that the user requested or
approved are listed, with their permissions; --deny-pending denies those that
are pending.

A certificate cannot be revoked. Finally, the command reports how long
existing certificates remain valid and what they still permit. The exit status
is 1 as long as the user may regain access: by a certificate under another
name, a pending request, or permission to approve, request, sign, create
tokens or impersonate.`,
		Example: a.examples(
			"# Show what would be done",
			"%s offboard alice --dry-run",
			"# In a script, also remove the user from bindings made by others",
			"%s offboard alice --all-bindings --deny-pending --yes",
			"# An administrator who issued bob's certificate, which bob keeps",
			"%s offboard alice --accept bob"),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return hint.New("specify the user to offboard", "list the users with certificates: "+cmd.Root().DisplayName()+" users")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.offboard(cmd.Context(), g, args[0], f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.allBindings, "all-bindings", false, "Also remove the user from bindings made by others")
	flags.BoolVar(&f.denyPending, "deny-pending", false, "Deny pending requests for this user, and those traced to them, that this program did not make")
	flags.StringArrayVar(&f.accept, "accept", nil, "`USER` whose certificates are legitimate, although the offboarded user requested or approved them (repeatable)")
	flags.StringArrayVar(&f.groups, "group", nil, "`GROUP` that the user is known to be in, besides those on record (repeatable)")
	f.dryRun = dryRunFlag(flags)
	flags.BoolVarP(&f.yes, "yes", "y", false, "Skip confirmation")
	return cmd
}

func (a *app) offboard(ctx context.Context, g *globals, user string, f offboardFlags) error {
	c, err := a.connect(g)
	if err != nil {
		return err
	}
	if err := c.CheckCredentials(); err != nil {
		return err
	}
	farewell, err := access.PrepareOffboard(ctx, c.Client, c.Allowed,
		access.Leaver{User: user, Groups: f.groups, Accepted: f.accept, ClientCA: a.clientCA(ctx, c)}, a.now())
	if err != nil {
		return c.Explain(err, a.now())
	}
	out := a.errOut
	if *f.dryRun {
		out = a.out // that is what was asked for
	}
	extent := access.Extent{AllBindings: f.allBindings, DenyPending: f.denyPending}
	a.showFarewell(out, farewell, extent)
	if *f.dryRun {
		a.say("Nothing was done (--dry-run)\n")
		return nil
	}
	if err := farewell.CheckMayOffboard(ctx, c.Client, c.Allowed, extent); err != nil {
		return c.Explain(err, a.now())
	}
	if err := a.confirm(ctx, fmt.Sprintf("Revoke the access of %s?", user), f.yes); err != nil {
		return err
	}
	if open := len(farewell.ToDeny()); open > 0 && !f.yes && !f.denyPending {
		extent.DenyPending = a.confirm(ctx, fmt.Sprintf("Also deny the %s listed above?", count(open, "request")), false) == nil
		if err := farewell.CheckMayOffboard(ctx, c.Client, c.Allowed, extent); err != nil {
			return c.Explain(err, a.now())
		}
	}
	failed := a.carryOutOffboarding(ctx, c, farewell, extent)
	if ctx.Err() != nil {
		return failed
	}
	// What remains matters all the more where a step failed.
	left := a.showWhatRemains(ctx, c, farewell)
	if failed != nil && left != nil {
		a.say("warning: %s\n", left)
	}
	return cmp.Or(failed, left)
}

// carryOutOffboarding does what was shown, and says each thing.
func (a *app) carryOutOffboarding(ctx context.Context, c *cluster.Cluster, farewell *access.Farewell, extent access.Extent) error {
	done := 0
	errs := farewell.Offboard(ctx, c.Client, extent, a.now(), func(what string) {
		done++
		fprintf(a.out, "%s\n", what)
	})
	if ctx.Err() != nil {
		return hint.New(fmt.Sprintf("interrupted after %s", count(done, "step")), "the steps above are done; run the command again for the rest")
	}
	for _, err := range errs {
		a.say("warning: %s\n", c.Explain(err, a.now()))
	}
	if len(errs) > 0 {
		return hint.New(fmt.Sprintf("%s failed", count(len(errs), "step")), "the other steps are done; see the warnings above, and run the command again")
	}
	return nil
}
