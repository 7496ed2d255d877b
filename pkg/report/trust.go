package report

import (
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// branch is a certificate and those that it signed.
type branch struct {
	entry  *inventory.Entry
	signed []*branch

	signer *branch
}

// deepest is how far branches are indented. What lies deeper is drawn as if it
// lay there, so that a chain of thousands does not become a staircase.
const deepest = 6

// forest orders certificates as the trust is. Each of roots is a CA that no
// other one which was seen has signed; alone are the servers and clients that
// no CA which was seen has signed. Both are in the order of items.
func forest(items []inventory.Entry) (roots, alone []*branch) {
	all := make([]*branch, len(items))
	for i := range items {
		all[i] = &branch{entry: &items[i]}
	}
	findSigners(all)
	breakCircles(all)
	for _, b := range all {
		switch {
		case b.signer != nil:
			b.signer.signed = append(b.signer.signed, b)
		case b.entry.IsCA:
			roots = append(roots, b)
		default:
			alone = append(alone, b)
		}
	}
	return roots, alone
}

// findSigners links each of all to the CA that signed it.
func findSigners(all []*branch) {
	known := map[string]*branch{}
	for _, b := range all {
		known[b.entry.SHA256] = b
	}
	for _, b := range all {
		if signer := known[b.entry.IssuerSHA256]; b.entry.IssuerSHA256 != "" && signer != b {
			b.signer = signer
		}
	}
}

// breakCircles makes a root of one of those that signed each other.
func breakCircles(all []*branch) {
	seenBy := map[*branch]*branch{} // who came along there first
	for _, start := range all {
		for b := start; b != nil && seenBy[b] == nil; b = b.signer {
			seenBy[b] = start
			if b.signer != nil && seenBy[b.signer] == start {
				b.signer = nil
			}
		}
	}
}
