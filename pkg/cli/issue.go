package cli

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// issueFlags are the flags of issue as they were given.
type issueFlags struct {
	name      string
	named     bool // --name was given
	groups    []string
	expiresIn lifetime
	keyType   string
	out       string
	force     bool
	timeout   time.Duration
}

func (a *app) newIssue(g *globals) *cobra.Command {
	var f issueFlags
	cmd := &cobra.Command{
		Use:   "issue PROFILE",
		Short: "Issue a client certificate, as a kubeconfig",
		Long: `Issue a client certificate through the CertificateSigningRequest API and write a
kubeconfig that uses it. The private key is made on this machine and goes
nowhere but into that file. The request is approved if you may approve it;
otherwise the command waits until somebody else does. A certificate cannot be
revoked: let it be short-lived.

PROFILE is one of: ` + strings.Join(profileNames(), ", ") + `.

An administrator is put into the group that kubeadm binds to cluster-admin, or,
in other clusters, into ` + catalog.OwnAdmins + `, whose ClusterRoleBinding
is created when it is missing.`,
		Example: a.examples(
			"# An administrator for a day: writes admin.kubeconfig",
			"%s issue admin",
			"# Under a name that the audit log will show, for a working day",
			"%s issue admin --name alice --expires-in 8h --out alice.kubeconfig",
			"# To a pipe instead of a file",
			"%s issue admin --out - | kubectl --kubeconfig /dev/stdin auth whoami"),
		Args:      a.oneProfile,
		ValidArgs: profileNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.named = cmd.Flags().Changed("name")
			return a.issue(cmd.Context(), g, args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.name, "name", "", "User name in the certificate (default: admin)")
	flags.StringArrayVar(&f.groups, "group", nil, "Group of the user instead of the administrators' (repeatable)")
	flags.Var(&f.expiresIn, "expires-in", "Life of the certificate, such as 8h or 30d, counted from five minutes ago; the cluster may shorten it (default: 24h for a person, 365d for a component)")
	flags.StringVar(&f.keyType, "key-type", string(pki.ECDSAP256), "Kind of private key: "+joinKeyTypes())
	flags.StringVar(&f.out, "out", "", "File to write, or - for standard output (default: NAME.kubeconfig)")
	flags.BoolVar(&f.force, "force", false, "Replace the file if it exists")
	flags.DurationVar(&f.timeout, "timeout", 5*time.Minute, "How long to wait for somebody else's approval")
	return cmd
}

// profileNames lists what can be issued.
func profileNames() []string {
	var names []string
	for _, e := range catalog.All() {
		if e.Profile != nil {
			names = append(names, e.Name)
		}
	}
	return names
}

func joinKeyTypes() string {
	var names []string
	for _, t := range pki.KeyTypes() {
		names = append(names, string(t))
	}
	return strings.Join(names, ", ")
}

func (a *app) oneProfile(_ *cobra.Command, args []string) error {
	known := strings.Join(profileNames(), ", ")
	switch {
	case len(args) == 0:
		return hint.New("say what to issue", fmt.Sprintf("one of: %s, as in: %s issue admin", known, a.program))
	case len(args) > 1:
		return hint.New(fmt.Sprintf("one certificate at a time, not %d", len(args)), "run the command once for each")
	}
	if row, ok := catalog.Lookup(args[0]); !ok || row.Profile == nil {
		return hint.New(fmt.Sprintf("%q cannot be issued", args[0]), "what can be issued: "+known)
	}
	return nil
}

// request turns the flags into what is asked of the cluster.
func (f issueFlags) request(profile catalog.Profile) (issue.Request, error) {
	keyType, err := pki.ParseKeyType(f.keyType)
	if err != nil {
		return issue.Request{}, err
	}
	if f.named && f.name == "" {
		return issue.Request{}, hint.New("--name is empty", "leave it out for the default, or name the user")
	}
	if f.name != "" && profile.CommonName != "" && f.name != profile.CommonName {
		return issue.Request{}, hint.New(fmt.Sprintf("RBAC knows this component as %s, and by no other name", profile.CommonName), "leave out --name")
	}
	r := issue.Request{
		Subject:    pki.Subject{CommonName: profile.UserName(f.name), Organizations: f.groups},
		AdminGroup: profile.AdminGroup && len(f.groups) == 0,
		KeyType:    keyType,
		ExpiresIn:  cmp.Or(time.Duration(f.expiresIn), profile.Life),
		Timeout:    f.timeout,
	}
	return r, r.Validate()
}

func (a *app) issue(ctx context.Context, g *globals, profileName string, f issueFlags) error {
	row, _ := catalog.Lookup(profileName) // oneProfile has checked it
	request, err := f.request(*row.Profile)
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
	out, err := a.openOutput(f, profileName)
	if err != nil {
		return err
	}
	defer out.Discard()

	plan, err := issue.Prepare(ctx, c.Client, c.Allowed, request)
	if err != nil {
		return c.Explain(err, a.now())
	}
	a.showPlan(c, plan)
	issued, err := issue.Run(ctx, c.Client, plan, a.now, a.showEvent)
	if err != nil {
		return c.Explain(err, a.now())
	}
	if len(plan.ClientCA) == 0 {
		if err := a.prove(ctx, c, issued, plan.Subject.CommonName); err != nil {
			return c.Explain(err, a.now())
		}
	}
	data, err := kubeconfig.Build(kubeconfig.Identity{
		Cluster: c.Name, Server: c.Server, CA: c.CA, ServerName: c.ServerName, ProxyURL: c.ProxyURL, Insecure: c.Insecure,
		User: plan.Subject.CommonName, Certificate: issued.CertificatePEM, Key: issued.Key,
		Namespace: flagValue(g.kubectl.Namespace),
	})
	if err != nil {
		return err
	}
	if err := out.Commit(data); err != nil {
		return fmt.Errorf("a certificate was issued, but its key is lost: %w", err)
	}
	a.showIssued(f, profileName, request, issued)
	return nil
}

// prove lets the API server judge a certificate whose CA the caller may not
// read.
func (a *app) prove(ctx context.Context, c *cluster.Cluster, issued *issue.Issued, want string) error {
	user, err := c.WhoAmI(ctx, issued.CertificatePEM, issued.Key)
	if err != nil {
		return hint.Wrap(fmt.Errorf("the API server does not accept the certificate that was issued: %w", err), "nothing was written")
	}
	if user != want {
		return hint.New(fmt.Sprintf("the API server takes the holder of the certificate for %q instead of %q", user, want), "nothing was written")
	}
	return nil
}

// output is where a kubeconfig goes.
type output interface {
	Commit(data []byte) error
	Discard()
}

// stdout is standard output as an output.
type stdout struct{ *app }

// Commit implements output.
func (s stdout) Commit(data []byte) error {
	if _, err := s.out.Write(data); err != nil {
		return fmt.Errorf("writing the kubeconfig to standard output: %w", err)
	}
	return nil
}

// Discard implements output.
func (stdout) Discard() {}

// openOutput makes sure that the kubeconfig can be written, before anything is
// asked of the cluster.
func (a *app) openOutput(f issueFlags, profileName string) (output, error) {
	if f.out == "-" {
		if a.outIsTerminal {
			return nil, hint.New("standard output is a terminal, and the private key would be shown on it", "pipe it to where it is to go, or name a file with --out")
		}
		return stdout{a}, nil
	}
	return kubeconfig.Reserve(f.path(profileName), f.force)
}

// path is the file to write.
func (f issueFlags) path(profileName string) string {
	switch {
	case f.out != "":
		return f.out
	case f.name != "":
		// A user name may hold what a file name should not.
		return strings.ReplaceAll(strings.ReplaceAll(f.name, string(filepath.Separator), "-"), ":", "-") + ".kubeconfig"
	default:
		return profileName + ".kubeconfig"
	}
}

func flagValue(flag *string) string {
	if flag == nil {
		return ""
	}
	return *flag
}
