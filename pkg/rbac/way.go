package rbac

import (
	"fmt"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Level says how much a Way leads to.
type Level int

// The levels, the least first.
const (
	Harmless Level = iota
	// Local is power over one ordinary namespace, as ClusterRole edit gives
	// in it: its Secrets, its pods, its service accounts.
	Local
	// Limited leads to more power where something else comes to it.
	Limited
	// Severe leads to power over the whole cluster, or over all of a
	// namespace, with nothing else.
	Severe
)

// Way is something that a user may do by which they can come to more power.
type Way struct {
	// Rule is what they may do, without where.
	Rule string
	// What they may do, in words that follow "may".
	What string
	// Namespace is where; "" for all namespaces or the cluster itself.
	Namespace string
	// Note says what else there is to know, or "".
	Note  string
	Level Level
	// By are the bindings that it comes by: one for each permission it takes.
	By []Source

	row int // in the table
}

// Source is one permission: a rule of a role, and how a user has it.
type Source struct {
	Grant
	// Rule is the part of the rule that counts, such as "get,list secrets".
	Rule string
}

// String says which rule, of which role, by which binding and which subject.
func (s Source) String() string {
	binding := s.Kind + " " + pki.Quote(s.Name)
	if s.Namespace != "" {
		binding += " in namespace " + s.Namespace
	}
	text := fmt.Sprintf("%s -> %s %s", binding, s.RoleKind, pki.Quote(s.RoleName))
	if s.Rule != "" {
		text += " (" + s.Rule + ")"
	}
	if s.Group != "" {
		text += ", by group " + pki.Quote(s.Group)
	}
	return text
}

// String says what may be done, where, and by which rules and bindings.
func (w Way) String() string {
	var by []string
	for _, s := range w.By {
		by = append(by, s.String())
	}
	text := w.What
	if w.Note != "" {
		text += " (" + w.Note + ")"
	}
	return text + ": " + strings.Join(by, "; and ")
}

// Worst is the highest level of ways.
func Worst(ways []Way) Level {
	worst := Harmless
	for _, w := range ways {
		worst = max(worst, w.Level)
	}
	return worst
}
