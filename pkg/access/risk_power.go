package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/confusable"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/rbac"
)

// adminWays says, in words, by what the holder may do everything in the
// cluster; none if they may not.
func adminWays(r *Request, powers *Powers) []string {
	var ways []string
	bound := map[string]bool{}
	for _, g := range powers.RBAC.Admin(r.Subject.CommonName, r.Subject.Organizations) {
		holder := "user " + pki.Quote(r.Subject.CommonName)
		if g.Group != "" {
			holder = "group " + pki.Quote(g.Group)
			bound[g.Group] = true
		}
		ways = append(ways, fmt.Sprintf("%s (%s)", holder, g.Binding))
	}
	for _, group := range r.Subject.Organizations {
		switch {
		case bound[group] || !rbac.IsAdminGroup(group):
		case group == catalog.Masters:
			ways = append(ways, "group "+group+" (not limited by any authorizer)")
		default:
			ways = append(ways, "group "+group+" (the administrators' group of such clusters, once it is bound)")
		}
	}
	return ways
}

func judgeAdmin(r *Request, powers *Powers) []Risk {
	ways := adminWays(r, powers)
	if len(ways) == 0 {
		return nil
	}
	return newRisk(RiskClusterAdmin, inventory.Critical, "full permissions in the cluster, through %s", strings.Join(ways, ", "))
}

// privilegedWays are those that lead beyond an ordinary namespace.
func privilegedWays(r *Request, powers *Powers) []rbac.Way {
	return slices.DeleteFunc(powers.RBAC.Ways(r.Subject.CommonName, r.Subject.Organizations), func(w rbac.Way) bool { return w.Level < rbac.Limited })
}

// judgePrivileged names each way by which the holder could come to more power.
// Whoever may do everything needs none.
func judgePrivileged(r *Request, powers *Powers) []Risk {
	ways := privilegedWays(r, powers)
	if len(ways) == 0 || len(adminWays(r, powers)) > 0 {
		return nil
	}
	severity := inventory.Warning
	if rbac.Worst(ways) == rbac.Severe {
		severity = inventory.Critical
	}
	var details []string
	for _, w := range ways {
		details = append(details, w.String())
	}
	return summed(RiskPrivileged, severity, "permissions that allow privilege escalation: can ", details)
}

// summed is a risk whose message has the first of details, and how many more
// there are.
func summed(code RiskCode, severity inventory.Severity, message string, details []string) []Risk {
	text := message + details[0]
	if n := len(details) - 1; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	} else {
		details = nil
	}
	return []Risk{{code, severity, text, details, strings.TrimRight(message, " :,")}}
}

// judgeBoundGroup tells what the groups of a request bring that the rules above
// are not about. That is information where it only lets the holder look, and
// to be accepted where it gives power over a namespace. Of the group of
// everyone, only such power is told.
func judgeBoundGroup(r *Request, powers *Powers) []Risk {
	if r.ownNode() {
		return nil
	}
	told := map[*rbac.Binding]bool{}
	for _, g := range powers.RBAC.Admin(r.Subject.CommonName, r.Subject.Organizations) {
		told[g.Binding] = true
	}
	for _, w := range privilegedWays(r, powers) {
		for _, s := range w.By {
			told[s.Binding] = true
		}
	}
	var brought []rbac.Grant
	var details []string
	for _, g := range powers.RBAC.Grants("", r.Subject.Organizations) {
		if told[g.Binding] {
			continue
		}
		local := powers.RBAC.WaysBy([]rbac.Grant{g})
		if g.Group == rbac.AuthenticatedGroup && rbac.Worst(local) == rbac.Harmless {
			continue
		}
		brought = append(brought, g)
		text := fmt.Sprintf("group %s has %s", pki.Quote(g.Group), g.Binding)
		if !g.Found {
			text += ", whose role does not exist or may not be read"
		}
		if what := whats(local); what != "" {
			text += ", and can " + what
		}
		details = append(details, text)
	}
	if len(brought) == 0 {
		return nil
	}
	severity := inventory.Info
	if rbac.Worst(powers.RBAC.WaysBy(brought)) > rbac.Harmless {
		severity = inventory.Warning
	}
	return summed(RiskBoundGroup, severity, "permissions of its groups: ", details)
}

// whats lists what may be done, without by what.
func whats(ways []rbac.Way) string {
	var all []string
	for _, w := range ways {
		what, _, _ := strings.Cut(w.What, " in namespace ")
		if !slices.Contains(all, what) {
			all = append(all, what)
		}
	}
	return strings.Join(all, ", ")
}

// judgeExistingUser finds that somebody asks for another's name. Who made a
// request that came as a file is not known.
func judgeExistingUser(r *Request, powers *Powers) []Risk {
	name := r.Subject.CommonName
	if r.Requester == name || strings.HasPrefix(name, systemPrefix) {
		return nil
	}
	var details []string
	for _, g := range powers.RBAC.Grants(name, nil) {
		if g.Group == "" {
			details = append(details, fmt.Sprintf("user %s has %s", pki.Quote(name), g.Binding))
		}
	}
	if len(details) == 0 {
		return nil
	}
	who := pki.Quote(r.Requester)
	if r.Requester == "" {
		who = "its author"
	}
	return summed(RiskExistingUser, inventory.Warning, who+" requests the name of an existing user: ", details)
}

// judgeConfusable finds names that deceive the eye of whoever decides, or of
// whoever reads an audit log later.
func judgeConfusable(r *Request, powers *Powers) []Risk {
	severity := inventory.Warning
	var details []string
	look := func(kind, name string) {
		for _, fault := range confusable.Faults(name) {
			details = append(details, fmt.Sprintf("%s %s %s", kind, pki.Quote(name), fault))
		}
		if other := powers.looksLike(name, kind == "group"); other != "" {
			severity = inventory.Critical
			details = append(details, fmt.Sprintf("%s %s looks like %s %s, but is a different one", kind, pki.Quote(name), kind, pki.Quote(other)))
		}
	}
	look("user", r.Subject.CommonName)
	for _, group := range r.Subject.Organizations {
		look("group", group)
	}
	if len(details) == 0 {
		return nil
	}
	return summed(RiskConfusable, severity, "contains a misleading name: ", details)
}
