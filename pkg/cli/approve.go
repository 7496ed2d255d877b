package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// decideFlags are the flags of approve and deny as they were given.
type decideFlags struct {
	yes             bool
	acceptRisks     []string
	kubeletServing  bool
	watch           bool
	reinstate       bool
	serving         servingFlags
	reason, message string
}

func (a *app) newApprove(g *globals) *cobra.Command {
	var f decideFlags
	cmd := &cobra.Command{
		Use:   "approve NAME... | --kubelet-serving",
		Short: "Review and approve certificate signing requests",
		Long: fmt.Sprintf(`Approve CertificateSigningRequests. Their content and risks are shown before
you are asked. A risk of severity warning or critical has to be accepted by
its code, for each request: see docs/risks.md. A request that was replaced
after it was shown is not approved. The certificate is recorded: see "%[1]s
users".

--kubelet-serving approves serving certificates of kubelets without a
question, if the node itself requests no more than it presents now or was last
approved for: its own name and its addresses. Names and addresses of the API
server, of Services and of other Nodes, loopback and link-local addresses are
never approved, whatever the Node's status says. --allow-new also approves the
first certificate of a Node, and then trusts the addresses that the Node
reports: limit them to your node networks with --allow-cidr, and omit
--allow-new when no node is joining. Other requests are left pending, with the
reason; decide about one of them with "%[1]s approve NAME".`, a.program),
		Example: a.examples(
			"# Review a request, then decide",
			"%s approve csr-8xk2v",
			"# In a script, for a new administrator",
			"%s approve csr-8xk2v --yes --accept-risk cluster-admin",
			"# Two requests: a risk is accepted for one of them",
			"%s approve csr-8xk2v csr-t7d9q --accept-risk csr-t7d9q=bound-group",
			"# Approve renewals of kubelet serving certificates until Ctrl-C",
			"%s approve --kubelet-serving --watch",
			"# While nodes join",
			"%s approve --kubelet-serving --allow-new --allow-cidr 10.20.0.0/16"),
		Args: func(cmd *cobra.Command, args []string) error { return f.check(cmd, args) },
		RunE: func(cmd *cobra.Command, names []string) error {
			if f.kubeletServing {
				return a.approveServing(cmd.Context(), g, f.serving, f.watch)
			}
			return a.decide(cmd.Context(), g, names, f, access.Verdict{
				Approve: true, Reason: "KubectlCertsApprove",
			})
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVarP(&f.yes, "yes", "y", false, "Skip confirmation")
	flags.StringSliceVar(&f.acceptRisks, "accept-risk", nil, "Approve despite the risk with this `CODE`; NAME=CODE with several requests (repeatable)")
	flags.BoolVar(&f.reinstate, "reinstate", false, reinstateUsage)
	flags.BoolVar(&f.kubeletServing, "kubelet-serving", false, "Approve valid kubelet serving CSRs")
	flags.BoolVar(&f.watch, "watch", false, "With --kubelet-serving: continue until interrupted")
	f.serving.register(flags)
	return cmd
}

func (a *app) newDeny(g *globals) *cobra.Command {
	var f decideFlags
	cmd := &cobra.Command{
		Use:   "deny NAME... --reason REASON",
		Short: "Deny certificate signing requests",
		Long: `Deny CertificateSigningRequests, with a reason that the requester can read.
Their content is shown before you are asked. A denied request cannot be
approved later; the requester can make a new one.`,
		Example: a.examples(
			"# With a reason for the requester",
			`%s deny csr-8xk2v --reason WrongGroup --message "devs, not admins"`),
		Args: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(f.reason) == "" {
				return hint.New("specify why the request is denied", `pass --reason REASON: the requester can read it`)
			}
			return f.check(cmd, args)
		},
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.decide(cmd.Context(), g, names, f, access.Verdict{Reason: f.reason, Message: f.message})
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.reason, "reason", "", "`REASON` in a word or two, which the requester can read")
	flags.StringVar(&f.message, "message", "", "`TEXT` that explains the reason to the requester")
	flags.BoolVarP(&f.yes, "yes", "y", false, "Skip confirmation")
	return cmd
}

// check refuses what makes no sense before anything is asked of the cluster.
func (f *decideFlags) check(cmd *cobra.Command, names []string) error {
	switch {
	case f.kubeletServing && len(names) > 0:
		return hint.New("--kubelet-serving finds the requests by itself", "omit the names or the flag")
	case f.watch && !f.kubeletServing:
		return hint.New("--watch requires --kubelet-serving", "other requests are reviewed one by one")
	case !f.kubeletServing && len(names) == 0:
		return hint.New("specify a request", "list pending requests: "+cmd.Root().DisplayName()+" csr")
	}
	if err := f.serving.check(f.kubeletServing, cmd.Flags()); err != nil {
		return err
	}
	_, err := parseAccepted(f.acceptRisks, names)
	return err
}

// decide shows the requests, asks, and writes verdict into each.
func (a *app) decide(ctx context.Context, g *globals, names []string, f decideFlags, verdict access.Verdict) error {
	accepted, err := parseAccepted(f.acceptRisks, names)
	if err != nil {
		return err
	}
	c, err := a.connect(g)
	if err != nil {
		return err
	}
	if err := c.CheckCredentials(); err != nil {
		return err
	}
	powers, err := access.ReadPowers(ctx, c.Client)
	if err != nil {
		return c.Explain(err, a.now())
	}
	found, err := getRequests(ctx, c, powers, names)
	if err == nil {
		err = a.servingGate(c, servingFlags{}).AddServingRisks(ctx, found)
	}
	if err != nil {
		return c.Explain(err, a.now())
	}
	var signers []string
	for i := range found {
		if err := found[i].CheckPending(); err != nil {
			return err
		}
		signers = append(signers, found[i].Signer)
	}
	if err := access.CheckMayDecide(ctx, c.Allowed, signers...); err != nil {
		return c.Explain(err, a.now())
	}
	for i := range found {
		a.showRequest(a.errOut, &found[i], powers, false)
	}
	verb := "Deny"
	var ended []access.Standing
	if verdict.Approve {
		verb = "Approve"
		if ended, err = a.checkRequests(ctx, c, found, f.reinstate); err != nil {
			return err
		}
		if err := accepted.check(found); err != nil {
			return err
		}
	}
	if err := a.confirm(ctx, fmt.Sprintf("%s %s?", verb, theseRequests(found)), f.yes); err != nil {
		return err
	}
	for _, standing := range ended {
		if err := a.reinstate(ctx, c, standing, f.reinstate); err != nil {
			return err
		}
	}
	decided, err := a.writeVerdict(ctx, c, found, func(r *access.Request) access.Verdict {
		v := verdict
		if v.Approve {
			v.Message = accepted.approval(r.Name)
		}
		return v
	})
	if verdict.Approve {
		a.recordApproved(ctx, c, decided)
	}
	return err
}

// signedPatience is how long approve waits, in all, for what it approved to be
// signed, so that it can be recorded.
const signedPatience = 10 * time.Second

// recordApproved records what was issued to users because of this command, and
// who ran it. That it could not is said, and nothing more: the requests are
// approved.
func (a *app) recordApproved(ctx context.Context, c *cluster.Cluster, approved []*access.Request) {
	deadline := time.Now().Add(signedPatience)
	for _, request := range approved {
		err := access.RecordApproved(ctx, c.Client, request, max(time.Until(deadline), time.Second), a.now)
		if err == nil {
			continue
		}
		advice := hint.Of(err)
		a.say("warning: the certificate of request %s could not be recorded: %s\n", request.Name, c.Explain(err, a.now()))
		if advice != "" {
			a.say("hint: %s\n", advice)
		}
	}
}

func theseRequests(found []access.Request) string {
	if len(found) == 1 {
		return "request " + found[0].Name
	}
	return "these " + count(len(found), "request")
}

// writeVerdict goes on after a request that could not be decided about, and
// returns those that were.
func (a *app) writeVerdict(ctx context.Context, c *cluster.Cluster, found []access.Request, verdictOn func(*access.Request) access.Verdict) ([]*access.Request, error) {
	done := "denied"
	var decided []*access.Request
	failed := 0
	for i := range found {
		verdict := verdictOn(&found[i])
		if verdict.Approve {
			done = "approved"
		}
		err := access.Decide(ctx, c.Client, &found[i], verdict)
		if err == nil {
			fprintf(a.out, "Request %s %s\n", found[i].Name, done)
			decided = append(decided, &found[i])
			continue
		}
		err = c.Explain(err, a.now())
		if len(found) == 1 {
			return nil, err
		}
		if errors.Is(err, context.Canceled) {
			return decided, hint.New("interrupted", "the requests above were "+done+"; the others are unchanged")
		}
		failed++
		a.say("warning: %s\n", err)
	}
	if failed > 0 {
		return decided, hint.New(fmt.Sprintf("%d of %s were not %s", failed, count(len(found), "request"), done), "see the warnings above")
	}
	return decided, nil
}
