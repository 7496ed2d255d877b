package cli

import (
	"context"
	"fmt"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
)

// dryRun prints what issuing would send, and keeps none of it: not even the
// key, which is thrown away. With server, the API server judges it first.
func (a *app) dryRun(ctx context.Context, c *cluster.Cluster, request issue.Request, grants []access.Grant, how string) error {
	plan, grants, err := a.prepare(ctx, c, request, grants, how == dryRunServer)
	if err != nil {
		return c.Explain(err, a.now())
	}
	object, _, err := issue.NewCSR(plan)
	if err != nil {
		return err
	}
	if how == dryRunServer {
		if err := issue.DryRun(ctx, c.Client, object); err != nil {
			return c.Explain(err, a.now())
		}
	}
	objects := append([]any{object}, access.Objects(plan.Subject.CommonName, grants)...)
	if plan.Binding != nil {
		objects = append(objects, plan.Binding)
	}
	for i, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			return fmt.Errorf("writing YAML: %w", err)
		}
		if i > 0 {
			fprintf(a.out, "---\n")
		}
		if _, err := a.out.Write(text); err != nil {
			return fmt.Errorf("writing YAML: %w", err)
		}
	}
	a.say("Nothing was done (dry run, %s)\n", how)
	return nil
}
