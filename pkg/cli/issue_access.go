package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
)

// parseGrants reads the roles that flags name: NAME or NAMESPACE/NAME for --role,
// NAME for --cluster-role.
func parseGrants(roles, clusterRoles []string, namespace string) ([]access.Grant, error) {
	var grants []access.Grant
	for _, role := range roles {
		in, name, found := strings.Cut(role, "/")
		if !found {
			in, name = namespace, role
		}
		if in == "" {
			return nil, hint.New(fmt.Sprintf("--role %q has an empty namespace", role), "use NAMESPACE/ROLE, or set the namespace with -n")
		}
		grants = append(grants, access.Grant{Role: name, Namespace: in})
	}
	for _, role := range clusterRoles {
		grants = append(grants, access.Grant{Role: role})
	}
	return grants, access.Validate(grants)
}

// prepare finds out, all at once, what issuing and granting take, and names
// every permission that is missing for either. probe lets the API server try
// the bindings.
func (a *app) prepare(ctx context.Context, c *cluster.Cluster, request issue.Request, grants []access.Grant, probe bool) (*issue.Plan, []access.Grant, error) {
	type result struct {
		grants []access.Grant
		err    error
	}
	done := make(chan result, 1)
	go func() {
		prepared, err := access.Prepare(ctx, c.Client, request.Subject.CommonName, grants, probe)
		done <- result{prepared, err}
	}()
	request.Also = access.Acts(grants)
	plan, err := issue.Prepare(ctx, c.Client, c.Allowed, request)
	granted := <-done
	return plan, granted.grants, permit.Join(err, granted.err)
}

// grant makes the bindings that go with a certificate, and says so.
func (a *app) grant(ctx context.Context, c *cluster.Cluster, user string, grants []access.Grant) ([]access.Binding, error) {
	if len(grants) == 0 {
		return nil, nil
	}
	made, err := access.Apply(ctx, c.Client, user, grants)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("the certificate was issued but discarded, because granting access failed: %w", err), "run the command again")
	}
	for _, b := range made {
		done := "created"
		if !b.Created {
			done = "already exists"
		}
		a.say("%s %s %s\n", b.Kind, b.Name, done)
	}
	return made, nil
}

// record writes down what was issued. That it could not is said, and nothing
// more: the certificate is good.
func (a *app) record(ctx context.Context, c *cluster.Cluster, plan *issue.Plan, issued *issue.Issued) error {
	r := access.NewRecord(issued.Certificate, plan.Signer, issued.RequestedBy, issued.ApprovedBy, issued.RequestName, a.now())
	return access.Save(context.WithoutCancel(ctx), c.Client, r)
}

// showUnrecorded says that there is no record.
func (a *app) showUnrecorded(err error) {
	if err == nil {
		return
	}
	a.say("warning: this certificate could not be recorded: %s\n", err)
	if advice := hint.Of(err); advice != "" {
		a.say("hint: %s\n", advice)
	}
}

// takeBack removes the bindings of a certificate that could not be handed
// over, and returns why.
func takeBack(ctx context.Context, c *cluster.Cluster, made []access.Binding, cause error) error {
	if err := access.Remove(ctx, c.Client, made); err != nil {
		return fmt.Errorf("%w; %w", cause, err)
	}
	return cause
}
