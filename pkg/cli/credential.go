package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// credentialFlags are the flags of credential as they were given.
type credentialFlags struct {
	file        string
	renewBefore lifetime
	timeout     time.Duration
	wait        bool
	install     bool
	force       bool
}

func (a *app) newCredential(g *globals) *cobra.Command {
	var f credentialFlags
	cmd := &cobra.Command{
		Use:   "credential",
		Short: "Exec credential plugin: a client certificate that renews itself",
		Long: `Exec credential plugin with automatic renewal. kubectl and other clients that
read kubeconfigs run this command to get the certificate and its key
(client.authentication.k8s.io/v1). Both are in one file that only you can
read. When 20% of the lifetime remains, the certificate is renewed using its
own permissions: to create CertificateSigningRequests and to approve them.
With --wait, the renewal waits for another user's approval instead. If a
renewal fails, the old certificate is used until it expires.

--install replaces the certificate of a context's user by this plugin.`,
		Example: a.examples(
			"# Let a context's certificate renew itself from now on",
			"%s credential --install --context alice@prod",
			"# What kubectl gets",
			"%s credential --context alice@prod | jq .status.expirationTimestamp"),
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.install {
				return a.installCredential(cmd.Context(), g, f)
			}
			return a.credential(cmd.Context(), g, f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.install, "install", false, "Replace the certificate of the context's user by this plugin")
	flags.StringVar(&f.file, "file", "", "`FILE` with the certificate and its key (default: ~/.kube/certs/CONTEXT.pem)")
	flags.Var(&f.renewBefore, "renew-before", "Renew this long before expiry (default: a fifth of the lifetime)")
	flags.BoolVar(&f.wait, "wait", false, "If you may not approve, wait for another user's approval")
	flags.DurationVar(&f.timeout, "timeout", 20*time.Second, "Maximum `DURATION` of a renewal")
	flags.BoolVar(&f.force, "force", false, "With --install: overwrite an existing file")
	return cmd
}

// slack is what is left of a certificate, at least, when it is handed out: the
// caller's clock and the server's may differ.
const slack = 30 * time.Second

// retryAfter is how long a renewal that failed is not tried again, as long as
// the old certificate is good.
const retryAfter = time.Minute

// credential prints the certificate and its key, renewed if it is time.
func (a *app) credential(ctx context.Context, g *globals, f credentialFlags) error {
	if a.outIsTerminal {
		return hint.New("standard output is a terminal, and the private key would be shown on it", "kubectl runs this command by itself; to inspect it, pipe it: | jq .status.expirationTimestamp")
	}
	at, err := a.credentialCluster(g, &f)
	if err != nil {
		return err
	}
	pair, err := kubeconfig.ReadPair(f.file)
	if err != nil {
		return hint.Wrap(fmt.Errorf("reading the certificate to authenticate with: %w", err), "get a new certificate, and run --install again")
	}
	if a.isDue(pair, f) {
		pair, err = a.renewPair(ctx, pair, at, f)
		if err != nil {
			return err
		}
	}
	expires := pair.Leaf.NotAfter.Add(-slack)
	// So that what runs for long asks again as soon as it can be renewed.
	if due := pair.Leaf.NotAfter.Add(-margin(pair, f)); due.After(a.now()) && due.Before(expires) {
		expires = due
	}
	data, err := kubeconfig.ExecCredential(pair.Certificate, pair.Key, expires)
	if err != nil {
		return err
	}
	if _, err := a.out.Write(data); err != nil {
		return fmt.Errorf("writing the credential to standard output: %w", err)
	}
	return nil
}

// margin is how long before its end the certificate is renewed.
func margin(pair kubeconfig.Pair, f credentialFlags) time.Duration {
	const fraction = 5
	if f.renewBefore != 0 {
		return time.Duration(f.renewBefore)
	}
	return pair.Leaf.NotAfter.Sub(pair.Leaf.NotBefore) / fraction
}

func (a *app) isDue(pair kubeconfig.Pair, f credentialFlags) bool {
	return pair.Leaf.NotAfter.Sub(a.now()) <= margin(pair, f)
}

// credentialCluster says where the certificate is for: what kubectl tells, or
// the kubeconfig where a person runs the command. There, the kubeconfig also
// tells the file.
func (a *app) credentialCluster(g *globals, f *credentialFlags) (kubeconfig.Identity, error) {
	if info := a.getenv("KUBERNETES_EXEC_INFO"); info != "" {
		if f.file == "" {
			return kubeconfig.Identity{}, hint.New("--file is missing", "use --install to write the exec entry of the kubeconfig")
		}
		return kubeconfig.ParseExecInfo(info)
	}
	c, err := a.connect(g)
	if err != nil {
		return kubeconfig.Identity{}, err
	}
	at := kubeconfig.Identity{Cluster: c.Name, Server: c.Server, CA: c.CA, ServerName: c.ServerName, ProxyURL: c.ProxyURL, Insecure: c.Insecure}
	if f.file != "" {
		return at, nil
	}
	config, err := kubeconfig.Load(a.ownFiles(g))
	if err != nil {
		return at, err
	}
	entry, err := config.Find(kubeconfig.ContextEntry, c.Context)
	if err != nil {
		return at, err
	}
	if e, ok := config.Exec(entry.Text("user")); ok && f.take(e.Args) {
		return at, nil
	}
	return at, hint.New(fmt.Sprintf("context %q does not authenticate with this plugin", c.Context), fmt.Sprintf("set it up: %s credential --install --context %s", a.program, shellQuote(c.Context)))
}

// take takes over what kubectl would run the command with, where the person has
// said nothing else; false where that is another command.
func (f *credentialFlags) take(args []string) bool {
	if len(args) == 0 || args[0] != "credential" {
		return false
	}
	for _, arg := range args[1:] {
		if file, ok := strings.CutPrefix(arg, "--file="); ok {
			f.file = file
		}
		if before, ok := strings.CutPrefix(arg, "--renew-before="); ok && f.renewBefore == 0 {
			_ = f.renewBefore.Set(before) // one that is none is the default
		}
	}
	return f.file != ""
}

// renewPair renews the pair, or returns the old one as long as it is good. Of
// several runs at the same moment one renews.
func (a *app) renewPair(ctx context.Context, pair kubeconfig.Pair, at kubeconfig.Identity, f credentialFlags) (kubeconfig.Pair, error) {
	good := pair.Leaf.NotAfter.Sub(a.now()) > slack
	if good && a.failedLately(f) {
		return pair, nil
	}
	release, err := a.lockPair(ctx, f, good)
	if release == nil || err != nil {
		if good {
			return pair, nil // another run is at it
		}
		return pair, err
	}
	defer release()
	if fresh, err := kubeconfig.ReadPair(f.file); err == nil && !a.isDue(fresh, f) {
		return fresh, nil // another run has done it
	}
	renewed, err := a.obtainPair(ctx, pair, at, f)
	if err == nil {
		_ = os.Remove(failedMark(f)) // it need not be there
		return renewed, nil
	}
	if !good {
		return pair, hint.Wrap(fmt.Errorf("the certificate of %s expired on %s and cannot be renewed: %w", pair.Leaf.Subject.CommonName, minute(pair.Leaf.NotAfter), err),
			"ask an administrator for a new one")
	}
	// A mark that cannot be written costs another try.
	_ = kubeconfig.Mark(failedMark(f))
	a.say("warning: the certificate of %s expires on %s (%s left), and was not renewed: %s\n", pair.Leaf.Subject.CommonName,
		minute(pair.Leaf.NotAfter), humanLeft(pair.Leaf.NotAfter.Sub(a.now())), err)
	return pair, nil
}

// failedMark is a file whose date says when a renewal last failed.
func failedMark(f credentialFlags) string { return f.file + ".failed" }

func (a *app) failedLately(f credentialFlags) bool {
	info, err := os.Lstat(failedMark(f))
	if err != nil {
		return false
	}
	// A mark from the future, which another user could leave in a shared
	// directory, would keep the certificate from ever being renewed.
	ago := a.now().Sub(info.ModTime())
	return ago > -retryAfter && ago < retryAfter
}

// lockPair takes the right to renew. Whoever has a good certificate does not
// wait for it: then there is neither a lock nor an error.
func (a *app) lockPair(ctx context.Context, f credentialFlags, good bool) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		release, ok, err := kubeconfig.LockFor(f.file, a.now(), 2*f.timeout)
		if ok || err != nil || good {
			return release, err
		}
		select {
		case <-ctx.Done():
			return nil, hint.New("another run that renews the certificate has not finished", "run the command again, or remove "+f.file+".lock")
		case <-tick.C:
		}
	}
}

// obtainPair gets a new certificate by the rights of the old one, proves it on
// the API server, and puts it in the old one's place.
func (a *app) obtainPair(ctx context.Context, pair kubeconfig.Pair, at kubeconfig.Identity, f credentialFlags) (kubeconfig.Pair, error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	at.User, at.Certificate, at.Key = pair.Leaf.Subject.CommonName, pair.Certificate, pair.Key
	data, err := kubeconfig.Build(at)
	if err != nil {
		return pair, err
	}
	c, err := cluster.FromKubeconfig(data, a.withoutPlugins())
	if err != nil {
		return pair, err
	}
	request, err := issue.Renewal(pair.Leaf, 0, pki.ECDSAP256, f.timeout)
	if err != nil {
		return pair, err
	}
	request.StrictLife = true // kubectl runs this, and nobody reads a warning
	plan, err := issue.Prepare(ctx, c.Client, c.Allowed, request)
	if err != nil {
		return pair, c.Explain(err, a.now())
	}
	if !plan.MayApprove && !f.wait {
		return pair, hint.New("you may request certificates, but not approve them", "use --wait if another user approves")
	}
	if err := plan.CheckRenews(pair.Leaf, pair.Chain, a.now()); err != nil {
		return pair, err
	}
	// A program that renews by itself must not undo what people decided.
	if err := a.checkStanding(access.ReadStanding(ctx, c.Client, plan.Subject.CommonName), false); err != nil {
		return pair, err
	}
	issued, err := issue.Run(ctx, c.Client, plan, a.now, func(issue.Event, string) {})
	if err != nil {
		return pair, c.Explain(err, a.now())
	}
	if err := a.prove(ctx, c, issued, plan.Subject.CommonName); err != nil {
		return pair, c.Explain(err, a.now())
	}
	renewed, err := kubeconfig.NewPair(issued.CertificatePEM, issued.Key)
	if err != nil {
		return pair, err
	}
	if err := renewed.Write(f.file, true); err != nil {
		return pair, err
	}
	// Few who may renew may also record: that is no news each time.
	_ = a.record(ctx, c, plan, issued)
	return renewed, nil
}

// isThere reports whether there is a file.
func isThere(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
