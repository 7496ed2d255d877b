package scan

import (
	"path"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
)

// owners are the trees among the files that are read, each with the directory
// that stands for the root of the machine that it is from. What lies in one copy
// of a node's files says nothing of another.
type owners map[string]string

// ownersIn returns the trees that matches belong to.
func ownersIn(matches map[string]catalog.Match) owners {
	known := owners{}
	for _, m := range matches {
		known[m.Root] = machineOf(m.Root, m.Home)
	}
	return known
}

// machineOf returns the directory that stands for / on the machine that a tree at
// root is from, whose home there is home. A copy may begin anywhere in the path:
// with pki, with kubernetes/pki.
func machineOf(root, home string) string {
	for home != "/" && home != "." && path.Base(root) == path.Base(home) {
		root, home = path.Dir(root), path.Dir(home)
	}
	return root
}

// of says whose f is. What a layout does not know, and what lies in its tree, is
// the tree's; anything else belongs to its directory.
func (o owners) of(f file, match catalog.Match) string {
	if match.Root != "" {
		return o[match.Root]
	}
	best, owner := "", path.Dir(f.name)
	for root, of := range o {
		if len(root) > len(best) && strings.HasPrefix(f.name, strings.TrimSuffix(root, "/")+"/") {
			best, owner = root, of
		}
	}
	return owner
}
