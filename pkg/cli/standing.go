package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
)

// reinstateUsage is what every command says of --reinstate.
const reinstateUsage = "Restore the access of a user who was offboarded"

// checkStanding returns an error if the user was offboarded, unless reinstate
// says that this is to be taken back. All who give anybody a certificate ask
// it. What the caller may not know is said.
func (a *app) checkStanding(s access.Standing, reinstate bool) error {
	if s.Unread != nil && !s.Ended {
		a.say("warning: whether user %s was offboarded is not known: %s\n", s.User, s.Unread)
		return nil
	}
	if reinstate {
		return nil
	}
	return s.Refusal()
}

// checkRequests refuses requests for, or by, users who were offboarded. With
// reinstate, those for them are let through, and their users returned; one who
// was offboarded asks for nobody else.
func (a *app) checkRequests(ctx context.Context, c *cluster.Cluster, found []access.Request, reinstate bool) ([]access.Standing, error) {
	var ended []access.Standing
	known := map[string]access.Standing{}
	check := func(r *access.Request, user string, reinstate bool) error {
		s, asked := known[user]
		if !asked {
			s = access.ReadStanding(ctx, c.Client, user)
			known[user] = s
		}
		if asked && s.Unread != nil {
			return nil // that was said
		}
		err := a.checkStanding(s, reinstate)
		if err == nil && s.Ended && !slices.ContainsFunc(ended, func(e access.Standing) bool { return e.User == user }) {
			ended = append(ended, s)
		}
		if err != nil {
			err = fmt.Errorf("not approved: request %s is %s: %w", r.Name, standingOf(r, user), err)
		}
		return err
	}
	for i := range found {
		r := &found[i]
		if err := check(r, r.Subject.CommonName, reinstate); err != nil {
			return nil, err
		}
		if r.Requester == r.Subject.CommonName {
			continue
		}
		if err := check(r, r.Requester, false); err != nil {
			return nil, hint.Wrap(errors.New(err.Error()), "deny it: "+a.program+" deny "+r.Name+" --reason Offboarded")
		}
	}
	return ended, nil
}

func standingOf(r *access.Request, user string) string {
	if user == r.Subject.CommonName {
		return "for user " + user
	}
	return "by user " + user
}

// reinstate writes down that the user's access was restored on purpose. That
// is done before a certificate is issued, which would be worth nothing to who
// cannot renew it.
func (a *app) reinstate(ctx context.Context, c *cluster.Cluster, s access.Standing, reinstate bool) error {
	if !reinstate || !s.Ended && s.Unread == nil {
		return nil
	}
	if err := s.Reinstate(ctx, c.Client, a.now()); err != nil {
		return c.Explain(err, a.now())
	}
	a.say("User %s reinstated\n", s.User)
	return nil
}

// clientCA reads what the cluster verifies client certificates against. Where
// that cannot be read, nothing is verified, and that is said.
func (a *app) clientCA(ctx context.Context, c *cluster.Cluster) []*x509.Certificate {
	anchors, err := issue.ReadClientCA(ctx, c.Client)
	switch {
	case err != nil:
		a.say("warning: recorded certificates are not verified: %s\n", c.Explain(err, a.now()))
	case len(anchors) == 0:
		a.say("warning: recorded certificates are not verified: you may not get configmaps/extension-apiserver-authentication -n kube-system, which has the client CA\n")
	}
	return anchors
}
