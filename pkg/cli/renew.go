package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// renewFlags are the flags of renew as they were given.
type renewFlags struct {
	all       bool
	dir       string
	within    lifetime
	expiresIn lifetime
	keyType   string
	reinstate bool
	dryRun    *bool
	timeout   time.Duration
}

func (a *app) newRenew(g *globals) *cobra.Command {
	var f renewFlags
	cmd := &cobra.Command{
		Use:   "renew [CONTEXT...]",
		Short: "Replace client certificates in place, in a kubeconfig or a directory",
		Long: `Replace client certificates in place: a new key and a new certificate for the
same user and groups. The old ones are kept until the API server has accepted
the new ones.

Without CONTEXT, the current context's certificate is renewed. A context renews
using its own credentials, or those of --context: needed if the user may not
request certificates, or if the certificate has expired. --dir renews every
NAME.crt and NAME.key in a directory, using the credentials of the current
context. The reason is given for what cannot be renewed through the API.`,
		Example: a.examples(
			"# Your own certificate, in your kubeconfig",
			"%s renew",
			"# All that expire within 30 days",
			"%s renew --all --within 30d",
			"# Another user's context, using an administrator's credentials",
			"%s renew alice@prod --context admin@prod",
			"# A component's files",
			"%s renew --dir /etc/kubernetes/pki/scheduler --dry-run"),
		RunE: func(cmd *cobra.Command, contexts []string) error {
			if err := f.check(contexts); err != nil {
				return err
			}
			return a.renew(cmd.Context(), g, contexts, f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.all, "all", false, "Renew every client certificate in the kubeconfig")
	flags.StringVar(&f.dir, "dir", "", "Renew the certificates (NAME.crt, NAME.key) in this `DIRECTORY` instead")
	flags.Var(&f.within, "within", "Skip certificates valid for longer than this, such as 30d")
	flags.Var(&f.expiresIn, "expires-in", "Requested lifetime, such as 8h or 30d (default: that of the old certificate)")
	flags.StringVar(&f.keyType, "key-type", string(pki.ECDSAP256), "`TYPE` of private key: "+joinKeyTypes())
	flags.BoolVar(&f.reinstate, "reinstate", false, reinstateUsage)
	f.dryRun = dryRunFlag(flags)
	flags.DurationVar(&f.timeout, "timeout", 5*time.Minute, "`DURATION` to wait for another user's approval")
	return cmd
}

func (f renewFlags) check(contexts []string) error {
	switch {
	case f.dir != "" && (f.all || len(contexts) > 0):
		return hint.New("--dir is for files, --all and CONTEXT are for a kubeconfig", "run the command once for each")
	case f.all && len(contexts) > 0:
		return hint.New("--all cannot be used with names", "use one of them")
	}
	_, err := pki.ParseKeyType(f.keyType)
	return err
}

// renewal is a client certificate that may be renewed.
type renewal struct {
	// what is how it is spoken of: "context alice@prod", "scheduler.crt".
	what  string
	old   *x509.Certificate
	chain []*x509.Certificate
	files []string
	// connect reaches the cluster by the rights that it is to be renewed by.
	connect func() (*cluster.Cluster, error)
	// swap puts the new certificate and key, both PEM, in the old ones' place.
	swap func(ctx context.Context, certificate, key []byte) error
	// fault is why it cannot be renewed; nil if it can.
	fault error
}

func (a *app) renew(ctx context.Context, g *globals, contexts []string, f renewFlags) error {
	var found []renewal
	var err error
	if f.dir != "" {
		found, err = a.findInDirectory(g, f.dir)
	} else {
		found, err = a.findInKubeconfig(g, contexts, f.all)
	}
	if err != nil {
		return err
	}
	failed := 0
	for i := range found {
		err := a.renewOne(ctx, &found[i], f)
		if err == nil {
			continue
		}
		// One is told as any other command tells it; of several, each is said
		// and the others go on.
		if len(found) == 1 {
			return err
		}
		if ctx.Err() != nil {
			return a.interruptedAmong(err)
		}
		if found[i].fault == nil || !f.all && f.dir == "" {
			failed++
		}
		a.say("warning: %s was not renewed: %s\n", found[i].what, err)
		if advice := hint.Of(err); advice != "" {
			a.say("hint: %s\n", advice)
		}
	}
	if failed > 0 {
		return hint.New(fmt.Sprintf("%d of %s were not renewed", failed, count(len(found), "certificate")), "see the warnings above; the old certificates are kept")
	}
	return nil
}

// interruptedAmong says that a person stopped the command after others had
// been renewed.
func (a *app) interruptedAmong(err error) error {
	const advice = "what is said above to be renewed is; the others are unchanged"
	if left, ok := errors.AsType[*issue.LeftPending](err); ok {
		return hint.New("interrupted; "+left.Error(), advice)
	}
	return hint.New("interrupted", advice)
}

// renewOne renews one certificate, or says why that need not be.
func (a *app) renewOne(ctx context.Context, r *renewal, f renewFlags) error {
	if r.fault != nil {
		return r.fault
	}
	left := r.old.NotAfter.Sub(a.now())
	if f.within != 0 && left > time.Duration(f.within) {
		a.say("%s is valid for %s; skipped\n", upperFirst(r.what), humanLeft(left))
		return nil
	}
	keyType, _ := pki.ParseKeyType(f.keyType) // check has looked
	request, err := issue.Renewal(r.old, time.Duration(f.expiresIn), keyType, f.timeout)
	if err != nil {
		r.fault = err
		return err
	}
	if err := kubeconfig.CheckWritable(r.files); err != nil {
		return err
	}
	c, err := r.connect()
	if err != nil {
		return err
	}
	if err := c.CheckCredentials(); err != nil {
		return err
	}
	plan, err := issue.Prepare(ctx, c.Client, c.Allowed, request)
	if err != nil {
		return adviseOther(c.Explain(err, a.now()))
	}
	if r.fault = plan.CheckRenews(r.old, r.chain, a.now()); r.fault != nil {
		return r.fault
	}
	standing := access.ReadStanding(ctx, c.Client, plan.Subject.CommonName)
	if r.fault = a.checkStanding(standing, f.reinstate); r.fault != nil {
		return r.fault
	}
	a.showRenewal(c, r, plan)
	if *f.dryRun {
		a.say("Nothing was done (--dry-run)\n")
		return nil
	}
	if err := a.reinstate(ctx, c, standing, f.reinstate); err != nil {
		return err
	}
	return a.carryOut(ctx, c, r, plan)
}

// carryOut gets the new certificate, lets the API server judge it, and only
// then puts it in the old one's place.
func (a *app) carryOut(ctx context.Context, c *cluster.Cluster, r *renewal, plan *issue.Plan) error {
	issued, err := issue.Run(ctx, c.Client, plan, a.now, a.showEvent)
	if err != nil {
		return c.Explain(err, a.now())
	}
	if err := a.prove(ctx, c, issued, plan.Subject.CommonName); err != nil {
		return c.Explain(err, a.now())
	}
	if err := r.swap(ctx, issued.CertificatePEM, issued.Key); err != nil {
		return fmt.Errorf("the certificate was issued but discarded: %w", err)
	}
	a.showUnrecorded(a.record(ctx, c, plan, issued))
	cert := issued.Certificate
	fprintf(a.out, "Renewed %s: user %s, valid until %s (%s left)\n", r.what, cert.Subject.CommonName,
		cert.NotAfter.UTC().Format("2006-01-02 15:04 MST"), humanLeft(cert.NotAfter.Sub(a.now())))
	a.warnOfLife(plan.Request, issued)
	return nil
}

// adviseOther tells those whose own rights do not do whose would.
func adviseOther(err error) error {
	if advice := hint.Of(err); advice == "" || isMissing(err) {
		return hint.Wrap(errors.New(err.Error()), "renew it using the credentials of a user who may request and approve: --context THEIRS")
	}
	return err
}

func (a *app) showRenewal(c *cluster.Cluster, r *renewal, plan *issue.Plan) {
	a.say("Renewing %s\n", r.what)
	a.say("  user     %s\n", plan.Subject.CommonName)
	a.say("  groups   %s\n", pki.QuoteAll(plan.Subject.Organizations, "none"))
	state := "valid until " + r.old.NotAfter.UTC().Format("2006-01-02 15:04 MST")
	if left := r.old.NotAfter.Sub(a.now()); left < 0 {
		state = "expired on " + r.old.NotAfter.UTC().Format("2006-01-02 15:04 MST")
	}
	a.say("  old      %s\n", state)
	a.say("  lifetime %s\n", humanLife(plan.ExpiresIn))
	a.say("  server   %s\n", c.Server)
	if c.Context != "" {
		a.say("  using    the credentials of context %s\n", c.Context)
	}
	a.say("  files    %s\n", strings.Join(r.files, ", "))
	if !plan.MayApprove {
		a.say("  approval by another user; waiting\n")
	}
}

func upperFirst(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// connectTo connects by one context of the kubeconfig, whatever the flags for
// other contexts say.
func (a *app) connectTo(g *globals, name string) (*cluster.Cluster, error) {
	flags := genericclioptions.NewConfigFlags(true)
	flags.KubeConfig, flags.Timeout, flags.CacheDir = g.kubectl.KubeConfig, g.kubectl.Timeout, g.kubectl.CacheDir
	flags.Context = &name
	options, err := a.connection(g)
	if err != nil {
		return nil, err
	}
	c, err := cluster.Connect(flags, options)
	a.warnOfKuberc(c, options.Plugins)
	return c, err
}
