package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// issueFlags are the flags of issue as they were given.
type issueFlags struct {
	name            string
	named           bool // --name was given
	person          bool
	node            string
	groups          []string
	roles           []string
	clusterRoles    []string
	expiresIn       lifetime
	keyType         string
	requestFile     string
	yes             bool
	acceptRisks     []string
	out             string
	p12             string
	p12PasswordFile string
	encryptTo       []string
	merge           bool
	onConflict      string
	ownFiles        kubeconfig.Files
	peopleFile      string
	server          string
	force           bool
	reinstate       bool
	dryRun          string
	timeout         time.Duration
}

func (a *app) newIssue(g *globals) *cobra.Command {
	var f issueFlags
	cmd := &cobra.Command{
		Use:   "issue NAME|PROFILE",
		Short: "Issue a client certificate and write a kubeconfig for it",
		Long: `Issue a client certificate through the CertificateSigningRequest API and write
a kubeconfig for it. The private key is generated on this machine and is
written only to that file; with --request, it stays with the requester. The
request is approved if you may approve it; otherwise the command waits for
another user's approval. A certificate cannot be revoked: keep its lifetime
short.

PROFILE is one of: ` + strings.Join(profileNames(), ", ") + `.
Any other NAME is a user with no permissions by default; --role and
--cluster-role also create bindings. Issued certificates are recorded in the
cluster: see "` + a.program + ` users".

A file (-f) lists many users. Rerunning it issues only what is missing:

  apiVersion: certs.kubectl.dev/v1alpha1
  kind: People
  people:
  - {name: alice, groups: [devs], roles: [dev/edit], clusterRoles: [view], expiresIn: 8h}
  - {name: bob}

The user of profile admin is put into the group that kubeadm binds to
cluster-admin or, in other clusters, into ` + catalog.OwnAdmins + `,
whose ClusterRoleBinding is created if it is missing.`,
		Example: a.examples(
			"# A user with role edit in one namespace, for a working day",
			"%s issue alice --role edit -n dev --expires-in 8h",
			"# For a CSR that the user sent: the private key never leaves their machine",
			"%s issue --request alice.csr --cluster-role view --out alice.kubeconfig",
			"# Every user listed in a file",
			"%s issue -f people.yaml --out people/",
			"# An administrator, for a day: writes admin.kubeconfig",
			"%s issue admin",
			"# A component's certificate, key and CA as files, and a kubeconfig that refers to them",
			"%s issue scheduler --out scheduler/",
			"# To a pipe instead of a file",
			"%s issue admin --out - | kubectl --kubeconfig /dev/stdin auth whoami"),
		ValidArgs: profileNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.named = cmd.Flags().Changed("name")
			if err := f.check(); err != nil {
				return err
			}
			f.ownFiles = a.ownFiles(g)
			if f.peopleFile != "" {
				return a.issueMany(cmd.Context(), g, args, f)
			}
			return a.issue(cmd.Context(), g, args, f)
		},
	}
	f.register(cmd.Flags())
	return cmd
}

func (f *issueFlags) register(flags *pflag.FlagSet) {
	flags.SortFlags = false
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "clusterrole" { // as kubectl create rolebinding spells it
			name = "cluster-role"
		}
		return pflag.NormalizedName(name)
	})
	flags.StringVar(&f.name, "name", "", "`NAME` of the user, with the profile admin (default: admin)")
	flags.StringVar(&f.node, "node", "", "`NODE` of the kubelet, with the profile kubelet")
	flags.BoolVar(&f.person, "person", false, "Treat NAME as a user name even if it resembles a profile")
	flags.StringArrayVar(&f.groups, "group", nil, "`GROUP` of the user; for admin, replaces the default group (repeatable)")
	flags.StringArrayVar(&f.roles, "role", nil, "`ROLE` to bind in the namespace (-n): [NAMESPACE/]NAME of a Role or, if it does not exist, of a ClusterRole (repeatable)")
	flags.StringArrayVar(&f.clusterRoles, "cluster-role", nil, "`CLUSTERROLE` to bind in the whole cluster (repeatable)")
	flags.Var(&f.expiresIn, "expires-in", "Requested lifetime, such as 8h or 30d (backdated 5 minutes; the signer may shorten it; default: 24h for a user, 365d for a component)")
	flags.StringVar(&f.keyType, "key-type", string(pki.ECDSAP256), "`TYPE` of private key: "+joinKeyTypes())
	flags.StringVar(&f.requestFile, "request", "", "CSR `FILE` to submit instead of generating a key, or - for standard input")
	flags.StringVarP(&f.peopleFile, "filename", "f", "", "`FILE` that lists the users to issue for, or - for standard input; --out is then a directory")
	flags.BoolVarP(&f.yes, "yes", "y", false, "Skip confirmation of --request, and refuse a certificate that is valid for longer than requested")
	flags.StringSliceVar(&f.acceptRisks, "accept-risk", nil, "Issue for --request despite the risk with this `CODE` (repeatable)")
	flags.StringVar(&f.out, "out", "", "`FILE` to write, - for standard output, or a directory (existing, or ending in /) for separate files: certificate, key, CA and kubeconfig (default: NAME.kubeconfig)")
	flags.StringVar(&f.server, "advertise-server", "", "API server `URL` to write into the kubeconfig, if its user reaches the server at another address than you")
	flags.BoolVar(&f.merge, "merge", false, "Merge into your own kubeconfig instead of writing a file")
	flags.StringVar(&f.onConflict, "on-conflict", string(kubeconfig.Fail), "`ACTION` on name conflicts of --merge: "+joinResolutions())
	flags.StringVar(&f.p12, "p12", "", "PKCS #12 `FILE` to write, for a browser")
	flags.StringVar(&f.p12PasswordFile, "p12-password-file", "", "`FILE` whose first line is the password of --p12 (default: ask)")
	flags.StringArrayVar(&f.encryptTo, "encrypt-to", nil, "Encrypt the kubeconfig to this `RECIPIENT`: an SSH public key (a file, or pasted) or an age recipient (repeatable)")
	flags.BoolVar(&f.force, "force", false, "Overwrite existing files")
	flags.BoolVar(&f.reinstate, "reinstate", false, reinstateUsage)
	f.dryRun = dryRunNone
	addDryRun(flags, "`STRATEGY`: none, client (print the request and the bindings, change nothing) or server (also let the API server validate them)",
		[]string{dryRunNone, dryRunClient, dryRunServer}, func(value string) { f.dryRun = value })
	flags.DurationVar(&f.timeout, "timeout", 5*time.Minute, "`DURATION` to wait for another user's approval")
}

// check reports flags that do not fit each other.
func (f issueFlags) check() error {
	if err := checkResolution(f.onConflict); err != nil {
		return err
	}
	if _, err := parseAccepted(f.acceptRisks, []string{""}); err != nil {
		return err
	}
	switch {
	case len(f.acceptRisks) > 0 && f.requestFile == "":
		return hint.New("--accept-risk requires --request", "your own request has no risks to accept: omit it")
	case f.p12PasswordFile != "" && f.p12 == "":
		return hint.New("--p12-password-file requires --p12", "name the file to write with --p12")
	case f.server != "" && !strings.HasPrefix(f.server, "https://"):
		return hint.New(fmt.Sprintf("--advertise-server %q is not an https URL", f.server), "use a URL such as https://host:6443")
	case f.requestFile != "" && len(f.encryptTo) > 0:
		return hint.New("there is no private key to encrypt: it stays with the requester", "omit --encrypt-to")
	case f.requestFile != "" && (f.named || f.node != ""):
		return hint.New("the request already names its user", "omit --name and --node")
	}
	return nil
}

func joinKeyTypes() string {
	var names []string
	for _, t := range pki.KeyTypes() {
		names = append(names, string(t))
	}
	return strings.Join(names, ", ")
}

// order is what was ordered on the command line.
func (a *app) order(args []string, f issueFlags) (target, issue.Request, error) {
	if f.requestFile != "" {
		return a.foreignRequest(args, f)
	}
	t, err := a.target(args, f.person)
	if err != nil {
		return target{}, issue.Request{}, err
	}
	request, err := f.request(t)
	return t, request, err
}

func (a *app) issue(ctx context.Context, g *globals, args []string, f issueFlags) error {
	t, request, err := a.order(args, f)
	if err != nil {
		return err
	}
	// What is wrong with them is said before anything is connected to.
	if _, err := parseGrants(f.roles, f.clusterRoles, "default"); err != nil {
		return err
	}
	c, err := a.connect(g)
	if err != nil {
		return err
	}
	if err := c.CheckCredentials(); err != nil {
		return err
	}
	grants, err := parseGrants(f.roles, f.clusterRoles, c.Namespace)
	if err != nil {
		return err
	}
	if f.dryRun != dryRunNone {
		return a.dryRun(ctx, c, request, grants, f.dryRun)
	}
	if err := a.advertise(ctx, c, f); err != nil {
		return err
	}
	expected := identity(c, f.server, request.Subject.CommonName, flagValue(g.kubectl.Namespace))
	out, err := a.openOutputs(ctx, f, t, expected)
	if err != nil {
		return err
	}
	defer out.Discard()
	if f.server != "" {
		out.try = "" // it need not work from here
	}

	known := make(chan access.Standing, 1)
	go func() { known <- access.ReadStanding(ctx, c.Client, request.Subject.CommonName) }()
	plan, grants, err := a.prepare(ctx, c, request, grants, true)
	standing := <-known
	if err != nil {
		return c.Explain(err, a.now())
	}
	if err := a.checkStanding(standing, f.reinstate); err != nil {
		return err
	}
	a.showPlan(c, expected.Server, plan, grants)
	if err := a.judgeForeign(ctx, c, plan, f); err != nil {
		return err
	}
	if err := a.confirmRequest(ctx, f, plan.Subject); err != nil {
		return err
	}
	if err := a.reinstate(ctx, c, standing, f.reinstate); err != nil {
		return err
	}
	issued, err := a.obtain(ctx, c, plan, a.showEvent)
	if err != nil {
		return c.Explain(err, a.now())
	}
	if err := a.handOver(ctx, c, plan, grants, issued, out, expected); err != nil {
		return err
	}
	a.showIssued(out, request, issued)
	return nil
}

// obtain gets the certificate, and lets the API server judge it where the
// caller cannot.
func (a *app) obtain(ctx context.Context, c *cluster.Cluster, plan *issue.Plan, notify func(issue.Event, string)) (*issue.Issued, error) {
	issued, err := issue.Run(ctx, c.Client, plan, a.now, notify)
	if err != nil || len(plan.ClientCA) > 0 {
		return issued, err
	}
	if issued.Key == nil {
		a.say("warning: you may not read the cluster's client CA, and the private key is elsewhere: the issuer of the certificate has not been verified\n")
		return issued, nil
	}
	return issued, a.prove(ctx, c, issued, plan.Subject.CommonName)
}

// handOver gives access, puts the certificate where it is to go, and records
// it. What cannot be handed over has no access either.
func (a *app) handOver(ctx context.Context, c *cluster.Cluster, plan *issue.Plan, grants []access.Grant, issued *issue.Issued, out *outputs, expected kubeconfig.Identity) error {
	made, err := a.grant(ctx, c, plan.Subject.CommonName, grants)
	if err != nil {
		return c.Explain(err, a.now())
	}
	// The record costs no time: meanwhile, the files reach the disk.
	recorded := make(chan error, 1)
	go func() { recorded <- a.record(ctx, c, plan, issued) }()
	expected.Certificate, expected.Key = issued.CertificatePEM, issued.Key
	err = out.Commit(ctx, expected)
	unrecorded := <-recorded
	if err != nil {
		return fmt.Errorf("the certificate was issued but discarded: %w", takeBack(ctx, c, made, err))
	}
	a.showUnrecorded(unrecorded)
	return nil
}

// identity is what a kubeconfig is built from, short of certificate and key.
// server is the address that its reader is to use; "" for the caller's own.
func identity(c *cluster.Cluster, server, user, namespace string) kubeconfig.Identity {
	return kubeconfig.Identity{
		Cluster: c.Name, Server: cmp.Or(server, c.Server), CA: c.CA, ServerName: c.ServerName, ProxyURL: c.ProxyURL, Insecure: c.Insecure,
		User: user, Namespace: namespace,
	}
}

// prove lets the API server judge a certificate whose CA the caller may not
// read. One that it does not accept is withdrawn.
func (a *app) prove(ctx context.Context, c *cluster.Cluster, issued *issue.Issued, want string) error {
	user, err := c.WhoAmI(ctx, issued.CertificatePEM, issued.Key)
	switch {
	case apierrors.IsUnauthorized(err):
		err = issue.NotAccepted(issued)
	case err != nil:
		err = hint.Wrap(fmt.Errorf("trying the issued certificate: %w", err), "nothing was written")
	case user != want:
		err = hint.New(fmt.Sprintf("the API server authenticates the certificate as %q instead of %q", user, want), "nothing was written")
	default:
		return nil
	}
	return issued.Withdraw(ctx, c.Client, err)
}

func flagValue(flag *string) string {
	if flag == nil {
		return ""
	}
	return *flag
}
