package cli

import (
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
	dryRun, yes bool
}

func (a *app) newOffboard(g *globals) *cobra.Command {
	var f offboardFlags
	cmd := &cobra.Command{
		Use:   "offboard USER",
		Short: "Take a user's access back, and tell what their certificate still allows",
		Long: `Take a user's access back: remove the bindings that "issue" made for them,
withdraw their pending requests, and mark the records of their certificates as
ended. Bindings that others made are named; --all-bindings removes the user
from them, and nothing else. Bindings of the user's groups are named only: they
are others' too.

What the user asked for or approved under other names is listed: certificates
that are still valid, what each may do, and requests that could still lead to
one, which --deny-pending denies.

A certificate cannot be revoked. Until when it still authenticates, and what
that still allows, is said at the end. The exit status is 1 as long as the user
may have a way back: a certificate under another name, an open request, or the
right to approve, to request, to sign, to make tokens or to impersonate.`,
		Example: a.examples(
			"# What would be done?",
			"%s offboard alice --dry-run",
			"# In a script, also from bindings that others made",
			"%s offboard alice --all-bindings --deny-pending --yes",
			"# An administrator, who issued bob's certificate for bob",
			"%s offboard alice --accept bob"),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return hint.New("say whose access to take back: one user", "see whom certificates were issued to: "+cmd.Root().DisplayName()+" issued")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.offboard(cmd.Context(), g, args[0], f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.allBindings, "all-bindings", false, "Remove the user from bindings that others made, too")
	flags.BoolVar(&f.denyPending, "deny-pending", false, "Deny the requests for this user, or that lead back to them, that this program did not make")
	flags.StringArrayVar(&f.accept, "accept", nil, "User whose certificates are known to be theirs, though this user asked for or approved them (repeatable)")
	flags.StringArrayVar(&f.groups, "group", nil, "Group that the user is known to be in, beside those on record (repeatable)")
	flags.BoolVar(&f.dryRun, "dry-run", false, "Show what would be done, and do nothing")
	flags.BoolVarP(&f.yes, "yes", "y", false, "Do not ask")
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
	if f.dryRun {
		out = a.out // that is what was asked for
	}
	extent := access.Extent{AllBindings: f.allBindings, DenyPending: f.denyPending}
	a.showFarewell(out, farewell, extent)
	if f.dryRun {
		a.say("Nothing was done (--dry-run)\n")
		return nil
	}
	if err := farewell.CheckMayOffboard(ctx, c.Allowed, extent); err != nil {
		return c.Explain(err, a.now())
	}
	if err := a.confirm(ctx, fmt.Sprintf("Take the access of %s back?", user), f.yes); err != nil {
		return err
	}
	if open := len(farewell.ToDeny()); open > 0 && !f.yes && !f.denyPending {
		extent.DenyPending = a.confirm(ctx, fmt.Sprintf("Deny the %s named above too?", count(open, "request")), false) == nil
		if err := farewell.CheckMayOffboard(ctx, c.Allowed, extent); err != nil {
			return c.Explain(err, a.now())
		}
	}
	if err := a.carryOutOffboarding(ctx, c, farewell, extent); err != nil {
		return err
	}
	return a.showWhatRemains(ctx, c, farewell)
}

// carryOutOffboarding does what was shown, and says each thing.
func (a *app) carryOutOffboarding(ctx context.Context, c *cluster.Cluster, farewell *access.Farewell, extent access.Extent) error {
	done := 0
	errs := farewell.Offboard(ctx, c.Client, extent, a.now(), func(what string) {
		done++
		fprintf(a.out, "%s\n", what)
	})
	if ctx.Err() != nil {
		return hint.New(fmt.Sprintf("interrupted after %s", count(done, "step")), "what was said above is done; run the command again for the rest")
	}
	for _, err := range errs {
		a.say("warning: %s\n", c.Explain(err, a.now()))
	}
	if len(errs) > 0 {
		return hint.New(fmt.Sprintf("%s could not be taken", count(len(errs), "step")), "the rest is done; see the warnings above, and run the command again")
	}
	return nil
}
