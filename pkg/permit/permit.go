// Package permit puts the question whether the caller may do something, and
// the answer that they may not, into one form for all who ask it before they
// act.
package permit

import (
	"context"
	"errors"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// Act is something that a caller may or may not do.
type Act = authorizationv1.ResourceAttributes

// Allowed answers, in acts' order, whether the caller may do each of them.
type Allowed func(ctx context.Context, acts []Act) ([]bool, error)

// Known are the acts that were asked about, and whether the caller may do
// them.
type Known map[Act]bool

// Ask finds out about acts.
func (k Known) Ask(ctx context.Context, allowed Allowed, acts []Act) error {
	answers, err := allowed(ctx, acts)
	if err != nil {
		return err
	}
	for i, yes := range answers {
		k[acts[i]] = yes
	}
	return nil
}

// Lacking describes those of needed that the caller may not do.
func (k Known) Lacking(needed []Act) []string {
	var lacking []string
	for _, a := range needed {
		if !k[a] {
			lacking = append(lacking, Describe(a))
		}
	}
	return lacking
}

// Describe renders an act as kubectl auth can-i takes it.
func Describe(a Act) string {
	resource := a.Resource
	if a.Subresource != "" {
		resource += "/" + a.Subresource
	}
	if a.Group != "" {
		resource += "." + a.Group
	}
	if a.Name != "" {
		resource += "/" + a.Name
	}
	text := a.Verb + " " + resource
	if a.Namespace != "" {
		text += " -n " + a.Namespace
	}
	return text
}

// Missing is the error of a caller who may not do what is needed.
type Missing struct {
	// Acts are what is missing, each as Describe renders it.
	Acts []string
}

// Error implements error.
func (m *Missing) Error() string {
	return "forbidden: you may not " + strings.Join(m.Acts, ", ")
}

// NewMissing returns a Missing of acts with advice, or nil if there are none.
func NewMissing(acts []string, advice string) error {
	if len(acts) == 0 {
		return nil
	}
	return hint.Wrap(&Missing{acts}, advice)
}

// Join returns one error for several that were found side by side: the first
// that is no Missing, or else one Missing of all acts with the first advice.
func Join(errs ...error) error {
	var acts []string
	var advice string
	for _, err := range errs {
		if err == nil {
			continue
		}
		missing, ok := errors.AsType[*Missing](err)
		if !ok {
			return err
		}
		for _, a := range missing.Acts {
			if !slices.Contains(acts, a) {
				acts = append(acts, a)
			}
		}
		if advice == "" {
			advice = hint.Of(err)
		}
	}
	return NewMissing(acts, advice)
}
