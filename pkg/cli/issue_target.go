package cli

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// target is whom a certificate is issued to: a profile of the catalog or a
// person.
type target struct {
	// name is what was typed.
	name    string
	profile catalog.Profile
	// row is the catalog's; nil for a person.
	row *catalog.Entry
}

// profileNames lists the profiles.
func profileNames() []string {
	names, _ := catalog.Profiles()
	return names
}

// target finds out whom the argument means. A name that only looks like a
// profile's is not taken for a person's: the certificate would be for nobody.
func (a *app) target(args []string, insist bool) (target, error) {
	known := strings.Join(profileNames(), ", ")
	switch {
	case len(args) == 0:
		return target{}, hint.New("specify what to issue", fmt.Sprintf("a user name, as in: %s issue alice, or one of: %s", a.program, known))
	case len(args) > 1:
		return target{}, hint.New(fmt.Sprintf("only one certificate at a time, not %d", len(args)), "run the command once for each, or list the users in a file: issue -f people.yaml")
	}
	name := args[0]
	if insist {
		return person(name), nil
	}
	names, rows := catalog.Profiles()
	if i := slices.Index(names, name); i >= 0 {
		return target{name: name, profile: *rows[i].Profile, row: &rows[i]}, nil
	}
	if err := a.checkPerson(name); err != nil {
		return target{}, err
	}
	return person(name), nil
}

func person(name string) target {
	return target{name: name, profile: catalog.Person()}
}

// checkPerson refuses names that a person is hardly called.
func (a *app) checkPerson(name string) error {
	const insist = "if this is a user name, add --person"
	plain := strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(name), "system:"), "kube-")
	for _, profile := range profileNames() {
		if plain == profile || oneEditAway(plain, profile) {
			return hint.New(fmt.Sprintf("there is no profile %q", name),
				fmt.Sprintf("did you mean: %s issue %s; %s", a.program, profile, insist))
		}
	}
	if row, ok := catalog.Lookup(name); ok {
		advice := insist
		if row.Profile != nil {
			advice = fmt.Sprintf("did you mean: %s issue %s; %s", a.program, row.Profile.Name, insist)
		}
		return hint.New(fmt.Sprintf("%q is a certificate of the cluster itself, and cannot be issued", name), advice)
	}
	if strings.HasPrefix(name, "system:") {
		return hint.New(fmt.Sprintf("%q is not a user: names that begin with system: are reserved by Kubernetes", name),
			"such names authenticate as components, nodes or service accounts; "+insist)
	}
	return nil
}

// oneEditAway reports whether one letter more, less, changed or swapped with
// its neighbour makes a into b.
func oneEditAway(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || a == b {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	swapped := i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
	return swapped || a[i+1:] == b[i+1:]
}

// request turns the flags into what is asked of the cluster.
func (f issueFlags) request(t target) (issue.Request, error) {
	keyType, err := pki.ParseKeyType(f.keyType)
	if err != nil {
		return issue.Request{}, err
	}
	user, err := f.userName(t)
	if err != nil {
		return issue.Request{}, err
	}
	r := issue.Request{
		Subject:    pki.Subject{CommonName: user, Organizations: slices.Concat(t.profile.Groups, f.groups)},
		AdminGroup: t.profile.AdminGroup && len(f.groups) == 0,
		Signer:     t.profile.Signer,
		KeyType:    keyType,
		ExpiresIn:  cmp.Or(time.Duration(f.expiresIn), t.profile.Life),
		Timeout:    f.timeout,
		StrictLife: f.yes,
	}
	return r, r.Validate()
}

// userName is the user that the certificate is for.
func (f issueFlags) userName(t target) (string, error) {
	p := t.profile
	if f.node != "" && p.CommonNamePrefix == "" {
		return "", hint.New("--node requires profile kubelet", "omit it")
	}
	switch {
	case f.named && f.name == "":
		return "", hint.New("--name is empty", "omit it for the default, or specify the user")
	case f.named && t.row == nil:
		return "", hint.New(fmt.Sprintf("two user names: %q or %q?", t.name, f.name), "omit --name; use --out to name the file")
	case p.CommonNamePrefix != "":
		return f.nodeName(p)
	case f.name != "" && p.CommonName != "" && f.name != p.CommonName:
		return "", hint.New(fmt.Sprintf("this component is known to RBAC only as %s", p.CommonName), "omit --name")
	case t.row == nil:
		return t.name, nil
	}
	return p.UserName(f.name), nil
}

// nodeName is the user name of a node's component.
func (f issueFlags) nodeName(p catalog.Profile) (string, error) {
	switch {
	case f.node == "":
		return "", hint.New("a kubelet's certificate is for one node", "name it with --node")
	case f.named:
		return "", hint.New(fmt.Sprintf("a kubelet's user name is always %sNODE", p.CommonNamePrefix), "omit --name")
	case len(f.groups) > 0:
		return "", hint.New(fmt.Sprintf("a kubelet is only in group %s", strings.Join(p.Groups, ", ")), "omit --group")
	case strings.HasPrefix(f.node, p.CommonNamePrefix):
		return "", hint.New(fmt.Sprintf("--node %q is a user name", f.node), "specify the node name: --node "+strings.TrimPrefix(f.node, p.CommonNamePrefix))
	}
	return p.CommonNamePrefix + f.node, nil
}

// base is what files are named after, short of what a file name should not
// hold.
func (f issueFlags) base(t target) string {
	return fileName(cmp.Or(f.name, t.name))
}

// fileName makes a user's name fit to name a file.
func fileName(user string) string {
	name := strings.NewReplacer("/", "-", string(filepath.Separator), "-", ":", "-").Replace(user)
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "-") {
		name = "_" + name
	}
	return name
}

// conventional returns the names of the files that the target is kept in.
func (f issueFlags) conventional(t target) (config, certificate, key string) {
	if t.row != nil && f.name == "" {
		return t.row.ConventionalFiles()
	}
	base := f.base(t)
	return base + ".kubeconfig", base + ".crt", base + ".key"
}
