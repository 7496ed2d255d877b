package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/regular"
)

// maxInput is how much is read of a file that is named, in bytes: a request, a
// key, a kubeconfig.
const maxInput = 4 << 20

// readInput reads a file, or standard input for "-".
func (a *app) readInput(path string) ([]byte, error) {
	if path != "-" {
		return regular.ReadFile(path, maxInput)
	}
	data, err := io.ReadAll(io.LimitReader(a.in, maxInput+1))
	if err == nil && len(data) > maxInput {
		err = fmt.Errorf("standard input: %w", regular.ErrTooLarge)
	}
	return data, err
}

// foreignRequest reads somebody's own certificate request and turns it into
// what is asked of the cluster. What it asks for cannot be changed without its
// key; so the caller must know and name it.
func (a *app) foreignRequest(args []string, f issueFlags) (target, issue.Request, error) {
	fail := func(err error) (target, issue.Request, error) { return target{}, issue.Request{}, err }
	shown := f.requestFile
	if shown == "-" {
		shown = "standard input"
	}
	data, err := a.readInput(f.requestFile)
	if err != nil {
		return fail(hint.Wrap(fmt.Errorf("reading the request: %w", err), "name the file that the requester sent, or - for standard input"))
	}
	parsed, err := pki.ReadRequest(data)
	if err != nil {
		return fail(hint.Wrap(fmt.Errorf("reading the request (%s): %w", shown, err),
			fmt.Sprintf("the requester creates one with: %s request NAME", a.program)))
	}
	subject := pki.RequestSubject(parsed)
	if names := len(parsed.DNSNames) + len(parsed.IPAddresses) + len(parsed.EmailAddresses) + len(parsed.URIs); names > 0 {
		return fail(hint.New(fmt.Sprintf("the request (%s) has %s in addition to user %q", shown, count(names, "name"), subject.CommonName),
			"user certificates have no subject alternative names: ask for a request without them"))
	}
	if weak := pki.WeakKey(parsed.PublicKey); weak != "" {
		return fail(hint.New(fmt.Sprintf("the key of the request (%s) is too weak: %s", shown, weak), "ask for a request with a new key"))
	}
	if len(args) > 1 || len(args) == 1 && args[0] != subject.CommonName {
		return fail(hint.New(fmt.Sprintf("the request (%s) is for user %q", shown, subject.CommonName),
			"if this is correct, give that name or none; the name cannot be changed without the private key"))
	}
	if f.yes && len(args) == 0 {
		return fail(hint.New("--yes with --request requires the user name, since no one reviews whom the request is for",
			fmt.Sprintf("for user %s: %s issue %s --request %s --yes", pki.Quote(subject.CommonName), a.program, shellQuote(subject.CommonName), shellQuote(f.requestFile))))
	}
	if !f.person {
		if err := a.checkPerson(subject.CommonName); err != nil {
			return fail(fmt.Errorf("the request (%s) cannot be for a user: %w", shown, err))
		}
	}
	if err := agree(subject.Organizations, f.groups, shown); err != nil {
		return fail(err)
	}
	t := person(subject.CommonName)
	request, err := f.request(t)
	if err != nil {
		return fail(err)
	}
	request.Subject = subject
	request.PKCS10, request.PublicKey = pki.EncodeRequest(parsed), parsed.PublicKey
	return t, request, nil
}

// agree reports whether the caller has named the very groups that a request
// asks for: nobody should be let into one unseen.
func agree(asked, named []string, shown string) error {
	if slices.Equal(slices.Sorted(slices.Values(asked)), slices.Sorted(slices.Values(named))) {
		return nil
	}
	if slices.Contains(asked, catalog.Masters) {
		return hint.New(fmt.Sprintf("the request (%s) requests group %s, which the API refuses", shown, catalog.Masters), "ask for another request")
	}
	if len(asked) == 0 {
		return hint.New(fmt.Sprintf("the request (%s) has no groups", shown),
			"groups cannot be added without its private key: omit --group, or have the requester use --group")
	}
	var flags strings.Builder
	for _, group := range asked {
		flags.WriteString(" --group " + shellQuote(group))
	}
	return hint.New(fmt.Sprintf("the request (%s) has groups %s", shown, pki.QuoteAll(asked, "none")),
		"if this is correct, add:"+flags.String())
}

// confirmRequest lets a person look at a request that somebody else made, before
// it is granted. Where nobody can be asked, --yes says that somebody did.
func (a *app) confirmRequest(ctx context.Context, f issueFlags, subject pki.Subject) error {
	if f.requestFile == "" {
		return nil
	}
	return a.confirm(ctx, fmt.Sprintf("Issue a certificate for %q to the requester?", subject.CommonName), f.yes)
}
