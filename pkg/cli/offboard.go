package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// offboardFlags are the flags of offboard as they were given.
type offboardFlags struct {
	groups      []string
	allBindings bool
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

A certificate cannot be revoked. Until when it still authenticates, and what
that still allows, is said at the end.`,
		Example: a.examples(
			"# What would be done?",
			"%s offboard alice --dry-run",
			"# In a script, also from bindings that others made",
			"%s offboard alice --all-bindings --yes"),
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
	farewell, err := access.PrepareOffboard(ctx, c.Client, c.Allowed, user, f.groups, a.now())
	if err != nil {
		return c.Explain(err, a.now())
	}
	out := a.errOut
	if f.dryRun {
		out = a.out // that is what was asked for
	}
	a.showFarewell(out, farewell, f.allBindings)
	if f.dryRun {
		a.say("Nothing was done (--dry-run)\n")
		return nil
	}
	if err := farewell.CheckMayOffboard(ctx, c.Allowed, f.allBindings); err != nil {
		return c.Explain(err, a.now())
	}
	if err := a.confirm(ctx, fmt.Sprintf("Take the access of %s back?", user), f.yes); err != nil {
		return err
	}
	done := 0
	errs := farewell.Offboard(ctx, c.Client, f.allBindings, a.now(), func(what string) {
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
	return a.showWhatRemains(ctx, c, farewell, f.allBindings)
}

// showFarewell shows what there is of the user, and what becomes of it.
func (a *app) showFarewell(w io.Writer, f *access.Farewell, all bool) {
	section := func(title string, held []access.Held) {
		if len(held) > 0 {
			fprintf(w, "%s\n", title)
		}
		for _, h := range held {
			fprintf(w, "  %s\n", h.String())
		}
	}
	fprintf(w, "Offboarding %s\n", f.User)
	fprintf(w, "  certificates  %s\n", a.until(f))
	fprintf(w, "  groups        %s\n", strings.Join(f.Groups, ", "))
	section("Will be deleted", f.Ours)
	if len(f.Pending) > 0 {
		fprintf(w, "Will be withdrawn\n")
	}
	for _, r := range f.Pending {
		fprintf(w, "  request %s, %s\n", r.Name, string(r.State))
	}
	if all {
		section("Made by others; the user will be removed from", f.Others)
	} else {
		section("Made by others, and left as they are without --all-bindings", f.Others)
	}
	byGroup, everyones := splitDefaults(f.ByGroup)
	section("Bindings of the user's groups, left as they are", byGroup)
	if everyones != "" {
		fprintf(w, "Left to every user\n  %s\n", everyones)
	}
	for _, r := range f.OthersPending {
		a.say("warning: request %s asks for this name, and was not made by this program: deny it, if it is not to be approved\n", r.Name)
	}
	for _, damaged := range f.Damaged {
		a.say("warning: a record cannot be read: %s\n", damaged)
	}
}

// until says how long certificates that are known of still authenticate.
func (a *app) until(f *access.Farewell) string {
	if f.Until.IsZero() {
		return "none is on record, or in a request of the last hour"
	}
	return fmt.Sprintf("the last one expires on %s (%s left)", f.Until.UTC().Format("2006-01-02 15:04:05 MST"), humanLeft(f.Until.Sub(a.now())))
}

// showWhatRemains says what cannot be taken back.
func (a *app) showWhatRemains(ctx context.Context, c *cluster.Cluster, f *access.Farewell, all bool) error {
	acts, err := f.StillAllowed(ctx, c.Client)
	if err != nil && !apierrors.IsForbidden(err) {
		return c.Explain(err, a.now())
	}
	if f.Until.IsZero() {
		fprintf(a.out, "No certificate of %s is known of; one that was issued otherwise authenticates until it expires\n", f.User)
	} else {
		fprintf(a.out, "Certificates of %s still authenticate until %s (%s left), and cannot be revoked\n", f.User,
			f.Until.UTC().Format("2006-01-02 15:04:05 MST"), humanLeft(f.Until.Sub(a.now())))
	}
	fprintf(a.out, "Their holder is in: %s\n", strings.Join(f.Groups, ", "))
	switch {
	case err != nil:
		fprintf(a.out, "What they may still do is not known: you may not create subjectaccessreviews.authorization.k8s.io\n")
	case len(acts) > 0:
		fprintf(a.out, "They may still, in the whole cluster: %s\n", strings.Join(acts, "; "))
	default:
		fprintf(a.out, "They may not read Secrets, list or start pods, or anything else that was tried, in the whole cluster\n")
	}
	left, everyones := splitDefaults(f.ByGroup)
	if !all {
		left = append(left, f.Others...)
	}
	for _, h := range left {
		fprintf(a.out, "Still there: %s\n", h.String())
	}
	if everyones != "" {
		fprintf(a.out, "Left to every user: %s\n", everyones)
	}
	return nil
}

// splitDefaults names the roles that Kubernetes itself gives in every cluster
// apart: they tell nothing about the user.
func splitDefaults(held []access.Held) (others []access.Held, everyones string) {
	var roles []string
	for _, h := range held {
		if h.Default {
			roles = append(roles, h.Role)
			continue
		}
		others = append(others, h)
	}
	return others, strings.Join(roles, ", ")
}
