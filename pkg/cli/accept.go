package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/regular"
	"github.com/kubectl-certs/kubectl-certs/pkg/seal"
)

// acceptFlags are the flags of accept as they were given.
type acceptFlags struct {
	keyFile    string
	identities []string
	out        string
	force      bool
	onConflict string
	allowed    allowances
}

func (a *app) newAccept(g *globals) *cobra.Command {
	var f acceptFlags
	cmd := &cobra.Command{
		Use:   "accept FILE",
		Short: "Install the kubeconfig you received",
		Long: `Install the kubeconfig you received: combine it with the
private key that "request" left on this machine, authenticate to the cluster
with it, and merge it into your own kubeconfig. A file that was encrypted to
your SSH key ("issue --encrypt-to") is decrypted first. All other fields are
ignored; a proxy, or another name to verify the server by, is accepted only
after a question.

The server's address and the fingerprint of its CA are shown: compare them with
what the administrator told you. Your current context changes only if you have
none and authentication succeeded.`,
		Example: a.examples(
			"# Install what you received",
			"%s accept alice.kubeconfig",
			"# Decrypt it with ~/.ssh/id_ed25519 first",
			"%s accept alice.kubeconfig.age",
			"# Write a separate kubeconfig instead of merging",
			"%s accept alice.kubeconfig --out staging.kubeconfig"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return hint.New("specify the file that you received", fmt.Sprintf("as in: %s accept alice.kubeconfig, or - for standard input", a.program))
			case len(args) > 1:
				return hint.New(fmt.Sprintf("only one file at a time, not %d", len(args)), "run the command once for each")
			}
			return a.accept(cmd.Context(), g, args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.keyFile, "key", "", "`FILE` with the private key (default: the matching one in ~/.kube/certs)")
	flags.StringArrayVar(&f.identities, "identity", nil, "SSH private key or age identity `FILE` to decrypt with (repeatable; default: ~/.ssh/id_ed25519, ~/.ssh/id_rsa)")
	flags.StringVar(&f.out, "out", "", "`FILE` to write instead of merging into your kubeconfig")
	flags.BoolVar(&f.force, "force", false, "Overwrite an existing file of --out")
	flags.StringVar(&f.onConflict, "on-conflict", string(kubeconfig.Fail), "`ACTION` on name conflicts: "+joinResolutions())
	f.allowed = allowFlags(flags, kubeconfig.TakenProxy, kubeconfig.TakenServerName)
	return cmd
}

func (a *app) accept(ctx context.Context, g *globals, path string, f acceptFlags) error {
	if err := checkResolution(f.onConflict); err != nil {
		return err
	}
	id, sealed, err := a.readHandOff(ctx, path, f)
	if err != nil {
		return err
	}
	leaf, err := a.checkHandOff(id)
	if err != nil {
		return err
	}
	if err := a.showHandOff(id, leaf); err != nil {
		return err
	}
	taken := &gate{app: a, allowed: f.allowed, answers: sync.OnceValue(a.answers)}
	if err := taken.passIdentity(ctx, id); err != nil {
		return err
	}
	joined, err := a.joinKey(id, leaf, f)
	if err != nil {
		return err
	}
	if joined.from != "" {
		a.say("Combined the certificate of user %s with the key in %s\n", leaf.Subject.CommonName, joined.from)
	} else if !sealed {
		a.say("warning: the file contains the private key unencrypted: anyone who has read it in transit can authenticate as %s\n", leaf.Subject.CommonName)
	}
	tried, err := a.tryOut(ctx, joined)
	if err != nil {
		return err
	}
	joined.id.NotCurrent = tried != nil && f.out == ""
	if err := a.keepHandOff(ctx, g, joined, f, taken); err != nil {
		return err
	}
	if tried != nil {
		a.say("warning: the certificate could not be tried: %s\n", tried)
		a.say("hint: %s\n", "try again from a network that reaches the server: kubectl --context "+shellQuote(joined.id.Context())+" auth whoami")
		return nil
	}
	a.say("Authenticated to %s as %s; expires %s (%s left)\n", joined.id.Server, leaf.Subject.CommonName, minute(leaf.NotAfter), humanLeft(leaf.NotAfter.Sub(a.now())))
	return nil
}

// readHandOff reads the file, and decrypts it where it is sealed.
func (a *app) readHandOff(ctx context.Context, path string, f acceptFlags) (id kubeconfig.Identity, sealed bool, err error) {
	data, err := a.readInput(path)
	if err != nil {
		return id, false, hint.Wrap(fmt.Errorf("reading the received file: %w", err), "name the file that the administrator sent")
	}
	if sealed = seal.IsEncrypted(data); sealed {
		if data, err = a.decrypt(ctx, data, f); err != nil {
			return id, sealed, err
		}
	}
	if id, err = kubeconfig.ReadHandOff(data); err != nil {
		return id, sealed, fmt.Errorf("reading %s: %w", path, err)
	}
	return id, sealed, nil
}

// decrypt opens what was encrypted to one of the reader's keys.
func (a *app) decrypt(ctx context.Context, data []byte, f acceptFlags) ([]byte, error) {
	files := f.identities
	if len(files) == 0 {
		home := a.home()
		files = []string{filepath.Join(home, ".ssh", "id_ed25519"), filepath.Join(home, ".ssh", "id_rsa")}
	}
	var identities []seal.Identity
	for _, file := range files {
		text, err := regular.ReadFile(file, maxInput)
		if errors.Is(err, fs.ErrNotExist) && len(f.identities) == 0 {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading your private key: %w", err)
		}
		found, err := seal.ParseIdentity(text, func() ([]byte, error) {
			return a.askSecret(ctx, "passphrase for "+file, "name another key with --identity, or run this at a terminal")
		})
		if err != nil {
			return nil, fmt.Errorf("reading your private key %s: %w", file, err)
		}
		identities = append(identities, found...)
	}
	if len(identities) == 0 {
		return nil, hint.New("the file is encrypted, and there is no key to decrypt it: neither ~/.ssh/id_ed25519 nor ~/.ssh/id_rsa exists", "name your private key with --identity")
	}
	opened, err := seal.Decrypt(data, identities)
	if errors.Is(err, seal.ErrNotForYou) {
		return nil, hint.Wrap(fmt.Errorf("the file cannot be decrypted: %w", err), "name the matching private key with --identity, or send the administrator your public key")
	}
	return opened, err
}

// checkHandOff looks at the certificate.
func (a *app) checkHandOff(id kubeconfig.Identity) (*x509.Certificate, error) {
	certs, err := pki.ParseCertificates(id.Certificate)
	if len(certs) == 0 {
		return nil, fmt.Errorf("reading the received certificate: %w", err)
	}
	leaf := certs[0]
	if a.now().After(leaf.NotAfter) {
		return nil, hint.New(fmt.Sprintf("the received certificate (%s) expired on %s", pki.SubjectOf(leaf), minute(leaf.NotAfter)), "ask for a new one")
	}
	if err := issue.CheckClient(leaf); err != nil {
		return nil, hint.Wrap(fmt.Errorf("the received certificate (%s) is not a user's client certificate: %w", pki.SubjectOf(leaf), err), "ask for a new one")
	}
	return leaf, nil
}

// tryOut asks the API server whom it takes the holder for. A server that
// refuses is an error; one that cannot be reached is only told.
func (a *app) tryOut(ctx context.Context, j *joined) (unreachable, fault error) {
	const patience = 10 * time.Second
	whole := j.id
	whole.Key, whole.KeyFile = j.key, ""
	data, err := kubeconfig.Build(whole)
	if err != nil {
		return nil, err
	}
	c, err := cluster.FromKubeconfig(data, a.withoutPlugins())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	user, err := c.WhoAmI(ctx, whole.Certificate, whole.Key)
	certs, _ := pki.ParseCertificates(whole.Certificate)
	switch {
	case err == nil && user == certs[0].Subject.CommonName:
		return nil, nil
	case err == nil:
		return nil, hint.New(fmt.Sprintf("%s authenticates you as %q instead of %q; nothing was changed", c.Server, user, certs[0].Subject.CommonName), "ask the administrator")
	case apierrors.IsUnauthorized(err):
		return nil, hint.New(fmt.Sprintf("%s does not accept the certificate; nothing was changed", c.Server), "it may be for another cluster: ask the administrator")
	case errors.Is(err, context.Canceled):
		return nil, err
	}
	if _, ok := errors.AsType[*apierrors.StatusError](err); ok {
		return nil, err
	}
	explained := c.Explain(err, a.now())
	// A server that was reached, and is not the one, is not merely unreachable.
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return nil, hint.Wrap(fmt.Errorf("%w; nothing was changed", explained), "ask the administrator")
	}
	return explained, nil
}

// keepHandOff writes the kubeconfig, or merges it into the user's own.
func (a *app) keepHandOff(ctx context.Context, g *globals, j *joined, f acceptFlags, taken *gate) error {
	data, err := kubeconfig.Build(j.id)
	if err != nil {
		return err
	}
	if f.out == "" {
		in, err := kubeconfig.Parse("", string(data))
		if err != nil {
			return err
		}
		m := &merger{a, []*kubeconfig.Document{in}, kubeconfig.Always(kubeconfig.Resolution(f.onConflict)), taken}
		if err := m.run(ctx, a.ownFiles(g), false); err != nil {
			return err
		}
		a.say("Use it: kubectl config use-context %s\n", shellQuote(j.id.Context()))
		return nil
	}
	file, err := kubeconfig.Reserve(f.out, f.force)
	if err != nil {
		return err
	}
	defer file.Discard()
	if err := file.Commit(data); err != nil {
		return err
	}
	fprintf(a.out, "Wrote %s\n", f.out)
	return nil
}
