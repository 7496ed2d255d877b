package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// showFarewell shows what there is of the user, and what becomes of it.
func (a *app) showFarewell(w io.Writer, f *access.Farewell, extent access.Extent) {
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
	if extent.AllBindings {
		section("Created by others; the user will be removed from", f.Others)
	} else {
		section("Created by others; unchanged without --all-bindings", f.Others)
	}
	byGroup, everyones := splitDefaults(f.ByGroup)
	section("Bindings of the user's groups; unchanged", byGroup)
	if everyones != "" {
		fprintf(w, "Granted to every user\n  %s\n", everyones)
	}
	a.showTraces(w, f.Traces, fmt.Sprintf("Requested or approved by %s for other users", f.User))
	a.showTraces(w, f.Unattributed, fmt.Sprintf("Unattributed: %s may have requested or approved them", f.User))
	for _, r := range f.OthersPending {
		a.say("warning: request %s for this user was not created by this program%s\n", r.Name, undenied(extent))
	}
	if open := len(f.ToDeny()) - len(f.OthersPending); open > 0 {
		a.say("warning: %s for other users could still lead to certificates%s\n", count(open, "request"), undenied(extent))
	}
	for _, damaged := range f.Damaged {
		a.say("warning: a record is damaged: %s\n", damaged)
	}
}

func undenied(extent access.Extent) string {
	if extent.DenyPending {
		return ": it will be denied"
	}
	return ": --deny-pending denies it"
}

// mostTraces is how many are named at most.
const mostTraces = 50

func (a *app) showTraces(w io.Writer, traces []access.Trace, title string) {
	if len(traces) == 0 {
		return
	}
	fprintf(w, "%s\n", title)
	for i, t := range traces {
		if i == mostTraces {
			fprintf(w, "  and %d more\n", len(traces)-i)
			return
		}
		fprintf(w, "  %s\n", a.traceLine(t))
	}
}

// traceLine describes a certificate, or a request for one, and what leads to it.
func (a *app) traceLine(t access.Trace) string {
	user := "unknown user"
	if t.User != "" {
		user = pki.Quote(t.User)
	}
	line := fmt.Sprintf("%s, groups %s: ", user, pki.QuoteAll(t.Groups, "none"))
	switch {
	case t.State != access.Issued:
		line += string(t.State)
	case t.Until.IsZero():
		line += "valid, expiry unknown"
	default:
		line += fmt.Sprintf("valid until %s (%s left)", minute(t.Until), humanLeft(t.Until.Sub(a.now())))
	}
	return fmt.Sprintf("%s; %s (%s)", line, t.Why, t.Source)
}

// until says how long certificates that are known of still authenticate.
func (a *app) until(f *access.Farewell) string {
	if f.Until.IsZero() {
		return "none recorded, and none requested in the last hour"
	}
	return fmt.Sprintf("the last one expires on %s (%s left)", f.Until.UTC().Format("2006-01-02 15:04:05 MST"), humanLeft(f.Until.Sub(a.now())))
}

// showWhatRemains looks again, since something may have come to be while access
// was taken back, and says what cannot be taken back. It returns an error as
// long as the user may have a way back.
func (a *app) showWhatRemains(ctx context.Context, c *cluster.Cluster, f *access.Farewell) error {
	if err := f.Look(ctx, c.Client, a.now()); err != nil {
		return c.Explain(err, a.now())
	}
	remains, err := f.Remains(ctx, c.Client)
	if err != nil && !apierrors.IsForbidden(err) {
		return c.Explain(err, a.now())
	}
	if f.Until.IsZero() {
		fprintf(a.out, "No certificate of %s is known; one that was issued without this program remains valid until it expires\n", f.User)
	} else {
		fprintf(a.out, "Certificates of %s still authenticate until %s (%s left), and cannot be revoked\n", f.User,
			f.Until.UTC().Format("2006-01-02 15:04:05 MST"), humanLeft(f.Until.Sub(a.now())))
	}
	fprintf(a.out, "Groups: %s\n", strings.Join(f.Groups, ", "))
	if err != nil {
		fprintf(a.out, "Their remaining permissions are not known: you may not create subjectaccessreviews.authorization.k8s.io\n")
	} else {
		a.showMay("They", remains[0])
	}
	left, everyones := splitDefaults(f.ByGroup)
	for _, h := range slices.Concat(f.Ours, left, f.Others) {
		fprintf(a.out, "Remaining: %s\n", h.String())
	}
	if everyones != "" {
		fprintf(a.out, "Granted to every user: %s\n", everyones)
	}
	a.showTraces(a.out, f.Traces, fmt.Sprintf("Requested or approved by %s for other users, and still valid", f.User))
	a.showTraces(a.out, f.Unattributed, fmt.Sprintf("Unattributed: %s may have requested or approved them", f.User))
	var powerless []string
	for _, r := range remains[min(1, len(remains)):] {
		if len(r.Acts)+len(r.WaysBack) == 0 {
			powerless = append(powerless, r.User)
			continue
		}
		a.showMay("Certificates of "+pki.Quote(r.User), r)
	}
	if len(powerless) > 0 {
		a.showMay("Certificates of "+pki.QuoteAll(powerless, ""), access.Remains{})
	}
	if len(f.UnreadRoles) > 0 {
		fprintf(a.out, "The permissions of these roles are not fully known: you may not list %s\n", strings.Join(f.UnreadRoles, ", "))
	}
	a.showUnknowable(f)
	return notClear(f, remains)
}

// showMay says what holders of a user's certificates may do.
func (a *app) showMay(who string, r access.Remains) {
	if len(r.Acts) > 0 {
		acts := r.Acts
		if slices.Contains(acts, "* *.*") {
			acts = []string{"everything"}
		}
		fprintf(a.out, "%s still permit, in the whole cluster: %s\n", who, strings.Join(acts, "; "))
	} else {
		fprintf(a.out, "%s do not permit reading Secrets, listing or creating pods, or any other checked action in the whole cluster\n", who)
	}
	if len(r.WaysBack) > 0 {
		fprintf(a.out, "%s still allow regaining access: %s\n", who, strings.Join(r.WaysBack, "; "))
	}
}

// showUnknowable says what no list of certificates shows.
func (a *app) showUnknowable(f *access.Farewell) {
	switch {
	case f.CouldUnknown:
		fprintf(a.out, "It is not known whether %s could approve requests or obtain other credentials\n", f.User)
	case len(f.Could) > 0:
		fprintf(a.out, "Until now %s could: %s. Credentials obtained that way without this program, more than an hour ago, are not listed: see the API server's audit log\n",
			f.User, strings.Join(f.Could, "; "))
	}
}

// notClear is an error that says how the user may come back; nil if no way is
// known of.
func notClear(f *access.Farewell, remains []access.Remains) error {
	var ways, advice []string
	users := func(traces []access.Trace) (issued int) {
		for _, t := range traces {
			if t.State != access.Issued {
				continue
			}
			issued++
			if tell := "offboard " + shellQuote(t.User) + ", or accept it: --accept " + shellQuote(t.User); t.User != "" && !slices.Contains(advice, tell) && len(advice) < 3 {
				advice = append(advice, tell)
			}
		}
		return issued
	}
	if n := users(f.Traces); n > 0 {
		ways = append(ways, fmt.Sprintf("%s for other users, which they requested or approved, still valid", count(n, "certificate")))
	}
	if n := users(f.Unattributed); n > 0 {
		ways = append(ways, fmt.Sprintf("%s of unknown origin", count(n, "certificate")))
	}
	if n := len(f.ToDeny()) + len(f.Pending); n > 0 {
		ways = append(ways, count(n, "request")+" that could still lead to certificates")
		advice = append(advice, "deny the requests: --deny-pending")
	}
	if n := len(f.Ours); n > 0 {
		ways = append(ways, count(n, "binding")+" created for them still exist")
		advice = append(advice, "run the command again")
	}
	if len(f.UnreadRoles) > 0 {
		ways = append(ways, "the permissions of their roles could not be checked")
		advice = append(advice, "ask an administrator for permission to list "+strings.Join(f.UnreadRoles, " and "))
	}
	switch {
	case len(remains) == 0:
		ways = append(ways, "their remaining permissions could not be checked")
		advice = append(advice, "ask an administrator for permission to create subjectaccessreviews.authorization.k8s.io")
	case len(remains[0].WaysBack) > 0:
		ways = append(ways, "they may still "+strings.Join(remains[0].WaysBack, ", "))
		advice = append(advice, "remove the bindings listed above: --all-bindings removes their own; those of groups affect the group")
	}
	if len(ways) == 0 {
		return nil
	}
	return hint.Wrap(errors.New(f.User+" may still regain access: "+strings.Join(ways, "; ")), strings.Join(advice, "; "))
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
