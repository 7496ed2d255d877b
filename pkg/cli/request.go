package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/regular"
)

// requestFlags are the flags of request as they were given.
type requestFlags struct {
	groups   []string
	keyType  string
	keyFile  string
	reuseKey bool
	out      string
	force    bool
	person   bool
}

func (a *app) newRequest() *cobra.Command {
	var f requestFlags
	cmd := &cobra.Command{
		Use:   "request NAME",
		Short: "Create a private key and a CSR locally, without access to a cluster",
		Long: `Create a private key (~/.kube/certs/NAME.key, readable only by you) and print a
certificate signing request (CSR). Send the CSR to an administrator of the
cluster: it contains no secret. Install the kubeconfig that you get back with
"` + a.program + ` accept". No access to a cluster is needed.`,
		Example: a.examples(
			"# Print the CSR, to paste into a message",
			"%s request alice",
			"# Request a group, and write the CSR to a file",
			"%s request alice --group devs --out alice.csr",
			"# What the administrator then runs",
			"%s issue --request alice.csr --role edit -n dev --out alice.kubeconfig"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.request(cmd.Context(), args, f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVar(&f.groups, "group", nil, "`GROUP` to request (repeatable); the administrator must confirm it")
	flags.StringVar(&f.keyType, "key-type", string(pki.ECDSAP256), "`TYPE` of private key: "+joinKeyTypes())
	flags.StringVar(&f.keyFile, "key", "", "`FILE` to keep the private key in (default: ~/.kube/certs/NAME.key)")
	flags.BoolVar(&f.reuseKey, "reuse-key", false, "Use the existing key for the new request")
	flags.StringVar(&f.out, "out", "", "`FILE` to write the request to (default: standard output)")
	flags.BoolVar(&f.force, "force", false, "Overwrite an existing key and request")
	flags.BoolVar(&f.person, "person", false, "Treat NAME as a user name even if it resembles a profile")
	return cmd
}

func (a *app) request(ctx context.Context, args []string, f requestFlags) error {
	switch {
	case len(args) == 0:
		return hint.New("specify the user", fmt.Sprintf("as in: %s request alice", a.program))
	case len(args) > 1:
		return hint.New(fmt.Sprintf("only one user at a time, not %d", len(args)), "run the command once for each")
	case f.force && f.reuseKey:
		return hint.New("--force cannot be used with --reuse-key", "use one of them")
	}
	user := args[0]
	if !f.person {
		if err := a.checkPerson(user); err != nil {
			return err
		}
	}
	keyType, err := pki.ParseKeyType(f.keyType)
	if err != nil {
		return err
	}
	wish := issue.Request{
		Subject: pki.Subject{CommonName: user, Organizations: f.groups},
		KeyType: keyType, ExpiresIn: catalog.Person().Life, Timeout: 1,
	}
	if err := wish.Validate(); err != nil {
		return err
	}
	keyFile := f.keyFile
	if keyFile == "" {
		if keyFile, err = a.keyPath(user); err != nil {
			return err
		}
	}
	if f.reuseKey {
		return a.requestAgain(keyFile, wish, f)
	}
	return a.requestAnew(ctx, keyFile, wish, f)
}

// keyDir is where newcomers' keys are kept.
func (a *app) keyDir() (string, error) {
	home := a.home()
	if home == "" {
		return "", hint.New("no home directory to keep the key in: HOME is not set", "name a file with --key")
	}
	return filepath.Join(home, ".kube", "certs"), nil
}

func (a *app) keyPath(user string) (string, error) {
	dir, err := a.keyDir()
	return filepath.Join(dir, fileName(user)+".key"), err
}

// requestAgain makes a request with a key that is there.
func (a *app) requestAgain(keyFile string, wish issue.Request, f requestFlags) error {
	data, err := regular.ReadFile(keyFile, maxInput)
	if err != nil {
		return hint.Wrap(fmt.Errorf("reading the private key: %w", err), "omit --reuse-key to create a new key")
	}
	key, err := pki.ParseKey(data)
	if err != nil {
		return fmt.Errorf("reading the private key %s: %w", keyFile, err)
	}
	if weak := pki.WeakKey(key.Public()); weak != "" {
		return hint.New(fmt.Sprintf("the private key %s is too weak: %s", keyFile, weak), "omit --reuse-key to create a new key")
	}
	text, err := pki.NewRequest(key, wish.Subject)
	if err != nil {
		return err
	}
	if f.out == "" || f.out == "-" {
		return a.printRequest(text, keyFile, f)
	}
	file, err := kubeconfig.Reserve(f.out, f.force)
	if err != nil {
		return err
	}
	defer file.Discard()
	if err := file.Commit(text); err != nil {
		return err
	}
	return a.showNext(keyFile, f)
}

// requestAnew makes a key and a request; both are written, or neither.
func (a *app) requestAnew(ctx context.Context, keyFile string, wish issue.Request, f requestFlags) error {
	if _, err := os.Lstat(keyFile); err == nil && !f.force {
		return hint.New(fmt.Sprintf("%s already has a private key, which a certificate may depend on", keyFile),
			"to request with it, add --reuse-key; to use another file, add --key; to replace it permanently, add --force")
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("checking for the private key: %w", err)
	}
	if _, err := kubeconfig.MakeDirectory(filepath.Dir(keyFile), true); err != nil {
		return hint.Wrap(fmt.Errorf("creating a directory for the private key: %w", err), "name a file with --key")
	}
	paths := []string{keyFile}
	if f.out != "" && f.out != "-" {
		paths = append(paths, f.out)
	}
	set, err := kubeconfig.ReserveAll(paths, f.force)
	if err != nil {
		return err
	}
	defer set.Discard()
	key, err := pki.GenerateKey(wish.KeyType)
	if err != nil {
		return fmt.Errorf("generating a private key: %w", err)
	}
	keyPEM, err := pki.EncodeKey(key)
	if err != nil {
		return err
	}
	text, err := pki.NewRequest(key, wish.Subject)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	data := [][]byte{keyPEM, text}[:len(paths)]
	if err := set.Commit(data...); err != nil {
		return err
	}
	if len(paths) > 1 {
		return a.showNext(keyFile, f)
	}
	return a.printRequest(text, keyFile, f)
}

// printRequest puts the request on standard output.
func (a *app) printRequest(text []byte, keyFile string, f requestFlags) error {
	if _, err := a.out.Write(text); err != nil {
		return fmt.Errorf("writing the request to standard output: %w", err)
	}
	return a.showNext(keyFile, f)
}

// showNext says where things are and what comes next.
func (a *app) showNext(keyFile string, f requestFlags) error {
	a.say("Wrote the private key to %s: keep it private; do not share it\n", keyFile)
	what := "the request above"
	file := "FILE"
	if f.out != "" && f.out != "-" {
		fprintf(a.out, "Wrote %s\n", f.out)
		what, file = f.out, shellQuote(f.out)
	}
	agreed := new(strings.Builder)
	for _, group := range f.groups {
		agreed.WriteString(" --group " + shellQuote(group))
	}
	a.say("Send %s to an administrator, who runs: %s issue --request %s%s\n", what, a.program, file, agreed.String())
	a.say("When you receive the kubeconfig, run: %s accept FILE\n", a.program)
	return nil
}
