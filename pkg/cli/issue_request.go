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
		return fail(hint.Wrap(fmt.Errorf("reading the request: %w", err), "name the file that the newcomer sent, or - for standard input"))
	}
	parsed, err := pki.ReadRequest(data)
	if err != nil {
		return fail(hint.Wrap(fmt.Errorf("reading the request (%s): %w", shown, err),
			fmt.Sprintf("the newcomer makes one with: %s request NAME", a.program)))
	}
	subject := pki.RequestSubject(parsed)
	if names := len(parsed.DNSNames) + len(parsed.IPAddresses) + len(parsed.EmailAddresses) + len(parsed.URIs); names > 0 {
		return fail(hint.New(fmt.Sprintf("the request (%s) asks for %s beside that of user %q", shown, count(names, "name"), subject.CommonName),
			"the certificate of a person has none: ask for a request without subject alternative names"))
	}
	if weak := pki.WeakKey(parsed.PublicKey); weak != "" {
		return fail(hint.New(fmt.Sprintf("the key of the request (%s) is too weak: %s", shown, weak), "ask for a request with a new key"))
	}
	if len(args) > 1 || len(args) == 1 && args[0] != subject.CommonName {
		return fail(hint.New(fmt.Sprintf("the request (%s) is for user %q", shown, subject.CommonName),
			"if that is right, name that user or nobody; the name cannot be changed without the key"))
	}
	if f.yes && len(args) == 0 {
		return fail(hint.New("--yes with --request goes with the user's name: nobody else looks whom the request is for",
			fmt.Sprintf("if it is to be %s: %s issue %s --request %s --yes", pki.Quote(subject.CommonName), a.program, shellQuote(subject.CommonName), shellQuote(f.requestFile))))
	}
	if !f.person {
		if err := a.checkPerson(subject.CommonName); err != nil {
			return fail(fmt.Errorf("the request (%s) cannot be for a person: %w", shown, err))
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
		return hint.New(fmt.Sprintf("the request (%s) asks for group %s, which nobody gets from the API", shown, catalog.Masters), "ask for another request")
	}
	if len(asked) == 0 {
		return hint.New(fmt.Sprintf("the request (%s) asks for no group", shown),
			"groups cannot be added without its key: leave out --group, or have the newcomer ask with --group")
	}
	var flags strings.Builder
	for _, group := range asked {
		flags.WriteString(" --group " + shellQuote(group))
	}
	return hint.New(fmt.Sprintf("the request (%s) asks for groups %s", shown, pki.QuoteAll(asked, "none")),
		"if that is right, say so:"+flags.String())
}

// confirmRequest lets a person look at a request that somebody else made, before
// it is granted. Where nobody can be asked, --yes says that somebody did.
func (a *app) confirmRequest(ctx context.Context, f issueFlags, subject pki.Subject) error {
	if f.requestFile == "" {
		return nil
	}
	return a.confirm(ctx, fmt.Sprintf("Let whoever made this request in as %q?", subject.CommonName), f.yes)
}
