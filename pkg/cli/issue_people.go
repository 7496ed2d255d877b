package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
	"github.com/kubectl-certs/kubectl-certs/pkg/people"
)

// newcomer is one person of the file, with what they are to have.
type newcomer struct {
	name    string
	request issue.Request
	grants  []access.Grant
	path    string
}

// checkMany reports flags that are for one person.
func (f issueFlags) checkMany(args []string) error {
	switch {
	case len(args) > 0:
		return hint.New(fmt.Sprintf("both -f and %q specify users", args[0]), "use one of them")
	case f.out == "":
		return hint.New("-f writes one kubeconfig per user, and requires a directory", "name it with --out, as in: --out people/")
	case f.out == "-":
		return hint.New("-f writes one kubeconfig per user, which cannot go to standard output", "name a directory with --out")
	}
	for name, given := range map[string]bool{
		"--name": f.named, "--node": f.node != "", "--group": len(f.groups) > 0, "--role": len(f.roles) > 0, "--cluster-role": len(f.clusterRoles) > 0,
		"--request": f.requestFile != "", "--p12": f.p12 != "", "--encrypt-to": len(f.encryptTo) > 0, "--merge": f.merge,
		"--dry-run": f.dryRun != dryRunNone,
	} {
		if given {
			return hint.New(name+" cannot be used with -f", "put groups, roles and lifetimes into the file")
		}
	}
	return nil
}

// ownNamespace stands for the namespace of the context, which is not known
// before the file is read. No namespace is called so.
const ownNamespace = "."

// readPeople reads the file, and checks everything that needs no cluster.
func (a *app) readPeople(f issueFlags) ([]newcomer, error) {
	fail := func(err error) ([]newcomer, error) {
		return nil, fmt.Errorf("reading %s: %w", f.peopleFile, err)
	}
	data, err := a.readInput(f.peopleFile)
	if err != nil {
		return nil, fmt.Errorf("reading the file of users: %w", err)
	}
	list, err := people.Parse(data)
	if err != nil {
		return fail(err)
	}
	var everybody []newcomer
	paths := map[string]string{}
	for _, p := range list {
		n, err := a.newcomer(p, f)
		if err != nil {
			return fail(fmt.Errorf("line %d: %s: %w", p.Line, p.Name, err))
		}
		// Some file systems do not tell capitals.
		key := strings.ToLower(n.path)
		if paths[key] != "" {
			return fail(hint.New(fmt.Sprintf("line %d: %q and %q would be written to the same file %s", p.Line, paths[key], p.Name, n.path), "use names that differ more, or issue one of them separately"))
		}
		paths[key] = p.Name
		everybody = append(everybody, n)
	}
	return everybody, nil
}

func (a *app) newcomer(p people.Person, f issueFlags) (newcomer, error) {
	if !f.person {
		if slices.Contains(profileNames(), p.Name) {
			return newcomer{}, hint.New(fmt.Sprintf("%q is a profile, not a user", p.Name), fmt.Sprintf("issue it alone: %s issue %s; or add --person", a.program, p.Name))
		}
		if err := a.checkPerson(p.Name); err != nil {
			return newcomer{}, err
		}
	}
	f.groups = p.Groups
	if p.ExpiresIn != "" {
		if err := f.expiresIn.Set(p.ExpiresIn); err != nil {
			return newcomer{}, fmt.Errorf("expiresIn: %w", err)
		}
	}
	t := person(p.Name)
	request, err := f.request(t)
	if err != nil {
		return newcomer{}, err
	}
	grants, err := parseGrants(p.Roles, p.ClusterRoles, ownNamespace)
	if err != nil {
		return newcomer{}, err
	}
	return newcomer{p.Name, request, grants, filepath.Join(f.out, fileName(p.Name)+".kubeconfig")}, nil
}
