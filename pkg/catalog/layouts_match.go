package catalog

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// Match is what a file is, by its name and those beside it.
type Match struct {
	// Layout names the layout.
	Layout string
	// Home is where the tree lies on a node, and Root where it lies here.
	Home, Root string
	// File is the zero File where Old is set.
	File File
	// Old is set for what is kept and not used any more.
	Old bool
	// Alone is set where the file's name is all that speaks for the layout: the
	// tree is not at its home, and nothing else there is known. Another program
	// may use the same name.
	Alone bool
}

// candidate is a directory that may be a tree.
type candidate struct {
	layout  string
	tree    Tree
	root    string
	order   int // of tree in the table
	files   map[string]File
	telling bool
}

// MatchFiles recognises files by their absolute names, with / between the
// elements, wherever the trees that they belong to were copied to. Of several
// trees that a file could be part of, it belongs to the one that most of the
// names fit.
func MatchFiles(names []string) map[string]Match {
	candidates := candidates(names)
	slices.SortStableFunc(candidates, func(a, b *candidate) int {
		if a.atHome() != b.atHome() {
			if a.atHome() {
				return -1
			}
			return 1
		}
		if len(a.files) != len(b.files) {
			return len(b.files) - len(a.files)
		}
		return a.order - b.order
	})
	siblings := map[string][]string{}
	for _, name := range names {
		siblings[path.Dir(name)] = append(siblings[path.Dir(name)], name)
	}
	matches := map[string]Match{}
	for _, c := range candidates {
		if !c.telling && !c.atHome() {
			continue // names that anybody's files have: ca.crt, server.crt
		}
		for name, file := range c.files {
			if _, taken := matches[name]; !taken {
				matches[name] = Match{Layout: c.layout, Home: c.tree.Home, Root: c.root, File: file,
					Alone: len(c.files) == 1 && !c.atHome()}
			}
		}
		for _, name := range siblings[c.root] {
			if _, taken := matches[name]; !taken && c.tree.isOld(path.Base(name)) {
				matches[name] = Match{Layout: c.layout, Home: c.tree.Home, Root: c.root, Old: true}
			}
		}
	}
	return matches
}

func (c *candidate) atHome() bool { return isHome(c.root, c.tree.Home) }

// candidates returns every directory that could be a tree by one name or more.
func candidates(names []string) []*candidate {
	type key struct {
		order int
		root  string
	}
	known := map[key]*candidate{}
	var all []*candidate
	order := 0
	for _, layout := range layouts {
		for _, tree := range layout.Trees {
			order++
			for _, file := range tree.Files {
				for _, name := range names {
					root, ok := file.root(name)
					if !ok {
						continue
					}
					c := known[key{order, root}]
					if c == nil {
						c = &candidate{layout: layout.Name, tree: tree, root: root, order: order, files: map[string]File{}}
						known[key{order, root}] = c
						all = append(all, c)
					}
					// Of several patterns the one that says most is meant.
					if earlier, ok := c.files[name]; !ok || file.moreSpecific(earlier) {
						c.files[name] = file
					}
					c.telling = c.telling || file.Telling
				}
			}
		}
	}
	return all
}

// moreSpecific reports whether f's pattern says more than that of other: a name
// without wildcards says most, and otherwise the one with more letters.
func (f File) moreSpecific(other File) bool {
	wild := func(pattern string) bool { return strings.ContainsAny(pattern, `*?[\`) }
	if a, b := wild(f.Path), wild(other.Path); a != b {
		return b
	}
	return len(f.Path) > len(other.Path)
}

// RowsLookedFor returns the rows of the files that kubeadm's control plane would
// have in the trees of matches, as far as the directories that they would lie in
// were read, each an absolute path.
func RowsLookedFor(matches map[string]Match, read map[string]bool) []string {
	rows := map[string]bool{}
	for _, t := range kubeadm.Trees {
		for _, m := range matches {
			if m.Layout != kubeadm.Name || m.Home != t.Home || m.Old || slices.Contains(onEveryNode, m.File.Row) {
				continue
			}
			for _, f := range t.Files {
				if read[path.Join(m.Root, path.Dir(f.Path))] {
					rows[f.Row] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(rows))
}

// onEveryNode are the rows that kubeadm's workers have too.
var onEveryNode = []string{"ca", "kubelet-client", "kubelet-server"}

func (t Tree) isOld(base string) bool {
	return slices.ContainsFunc(t.Old, func(pattern string) bool {
		ok, _ := path.Match(pattern, base)
		return ok
	})
}

// root returns the directory that f's tree would be in if name were f, and
// whether name could be.
func (f File) root(name string) (string, bool) {
	dir := name
	for pattern := f.Path; ; {
		if ok, _ := path.Match(path.Base(pattern), path.Base(dir)); !ok {
			return "", false
		}
		dir = path.Dir(dir)
		if pattern = path.Dir(pattern); pattern == "." {
			return dir, true
		}
	}
}
