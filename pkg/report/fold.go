package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// mostAlike is how many sound certificates of one kind the eye still reads one
// by one: a cluster can have thousands of TLS secrets, and of requests.
const mostAlike = 10

// bunch is many certificates of one kind, with which nothing is wrong.
type bunch struct {
	kind  string // what their names begin with
	count int
	next  *inventory.Entry // the first of them to end
}

// kinds are what there can be any number of, by how their names begin.
var kinds = []string{"issued/", "csr/", "secret/"}

// fold takes what is too much to read one by one out of branches.
func fold(branches []*branch, now time.Time) (rest []*branch, bunches []bunch) {
	rest = branches
	for _, kind := range kinds {
		var others []*branch
		b := bunch{kind: kind}
		for _, each := range rest {
			if !foldable(each, kind) {
				others = append(others, each)
				continue
			}
			b.count++
			// One that has ended, and is sound all the same, is an answered request.
			if end := each.entry.NotAfter; !end.Before(now) && (b.next == nil || end.Before(b.next.NotAfter)) {
				b.next = each.entry
			}
		}
		if b.count > mostAlike {
			rest, bunches = others, append(bunches, b)
		}
	}
	return rest, bunches
}

// foldable reports whether there is no more to say of a certificate than that
// it is one of its kind.
func foldable(b *branch, kind string) bool {
	if len(b.signed) > 0 || b.entry.Status == inventory.Invalid || !strings.HasPrefix(b.entry.Name, kind) {
		return false
	}
	for _, f := range b.entry.Findings {
		if f.Severity != inventory.Info {
			return false
		}
	}
	return true
}

// row shows a bunch in the columns of facts, of which only the dates speak of
// one of them.
func (b bunch) row(facts []fact, now time.Time, o Options) []cell {
	row := []cell{plain(fmt.Sprintf("%d of %s", b.count, b.kind))}
	for _, f := range facts {
		switch {
		case f.title == factStatus.title:
			row = append(row, cell{string(inventory.OK), o.Colors.paint(green)})
		case f.title == factSubject.title:
			row = append(row, plain("(one by one: -o wide)"))
		case b.next != nil && (f.title == factDay.title || f.title == factLeft.title):
			row = append(row, f.of(b.next, now, o))
		default:
			row = append(row, plain(""))
		}
	}
	return row
}
