package report

import "github.com/kubectl-certs/kubectl-certs/pkg/inventory"

// namesakes returns the names that several CAs go by: while one replaces
// another, both are called ca.
func namesakes(items []inventory.Entry) map[string]bool {
	first, several := map[string]string{}, map[string]bool{}
	for i := range items {
		e := &items[i]
		if !e.IsCA {
			continue
		}
		if sha, seen := first[e.Name]; seen && sha != e.SHA256 {
			several[e.Name] = true
		}
		first[e.Name] = e.SHA256
	}
	return several
}

// shownFingerprint is how much of a fingerprint tells two CAs apart, and is
// enough for `inspect` to find one by.
const shownFingerprint = 8

// apart adds the beginning of a CA's fingerprint to its name where others have
// that name, too.
func (o Options) apart(name, sha256 string) string {
	if !o.namesakes[name] || len(sha256) < shownFingerprint {
		return name
	}
	return name + " (" + sha256[:shownFingerprint] + ")"
}
