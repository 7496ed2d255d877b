package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/regular"
	"github.com/kubectl-certs/kubectl-certs/pkg/seal"
)

func (o *outputs) addEncrypted(f issueFlags, t target) error {
	if f.p12 != "" || f.merge {
		return hint.New("--encrypt-to excludes --merge and --p12", "run the command once for each")
	}
	o.encrypted = true
	var recipients []seal.Recipient
	for _, to := range f.encryptTo {
		found, err := readRecipients(to)
		if err != nil {
			return err
		}
		recipients = append(recipients, found...)
	}
	render := func(id kubeconfig.Identity) ([]byte, error) {
		data, err := kubeconfig.Build(id)
		if err != nil {
			return nil, err
		}
		return seal.Encrypt(data, recipients)
	}
	if f.out == "-" {
		o.standard = render
		o.says("the encrypted kubeconfig to standard output", "")
		return nil
	}
	name := f.base(t) + ".kubeconfig.age"
	path := cmp.Or(f.out, name)
	if isDirectory(f.out) {
		if err := o.makeDir(f.out); err != nil {
			return err
		}
		path = filepath.Join(f.out, name)
	}
	o.parts = append(o.parts, part{path, render})
	o.says(path+", which only the owner of that key can decrypt", "")
	return nil
}

// readRecipients takes a public key as pasted, or the file that holds it.
func readRecipients(to string) ([]seal.Recipient, error) {
	text, shown := to, "--encrypt-to"
	data, err := regular.ReadFile(to, maxInput)
	pasted := strings.HasPrefix(to, "ssh-") || strings.HasPrefix(to, "age1") || strings.ContainsAny(to, "\n ")
	switch {
	case err == nil:
		text, shown = string(data), to
	case !pasted:
		return nil, hint.Wrap(fmt.Errorf("reading the key to encrypt to: %w", err), "name a file with a public key, or paste the key itself, in quotes")
	}
	found, err := seal.ParseRecipients(text)
	if err != nil {
		return nil, fmt.Errorf("reading the key to encrypt to (%s): %w", shown, err)
	}
	return found, nil
}

func (o *outputs) addP12(ctx context.Context, f issueFlags) error {
	if f.requestFile != "" {
		return hint.New("there is no private key for --p12: it stays with the requester", "omit --p12")
	}
	password, err := o.app.p12Password(ctx, f)
	if err != nil {
		return err
	}
	o.parts = append(o.parts, part{f.p12, func(id kubeconfig.Identity) ([]byte, error) {
		return seal.PKCS12(id.Certificate, id.Key, password)
	}})
	o.says(f.p12, "")
	return nil
}

func (a *app) p12Password(ctx context.Context, f issueFlags) (string, error) {
	if f.p12PasswordFile != "" {
		return seal.ReadPassword(f.p12PasswordFile)
	}
	const advice = "name the password file with --p12-password-file"
	first, err := a.askSecret(ctx, "password for "+f.p12, advice)
	if err != nil {
		return "", err
	}
	if len(first) == 0 {
		return "", hint.New("the password is empty", "the private key is in that file: give it one")
	}
	second, err := a.askSecret(ctx, "the password again", advice)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(first, second) {
		return "", hint.New("the two passwords differ", "run the command again")
	}
	return string(first), nil
}
