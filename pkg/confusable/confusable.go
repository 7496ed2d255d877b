// Package confusable finds names that deceive the eye: letters of another
// script that look like Latin ones, characters that cannot be seen, and names
// that look like another name and are not. It follows UTS #39 (Unicode security
// mechanisms), whose table of confusable characters go.mau.fi/util keeps.
package confusable

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"go.mau.fi/util/confusable"
	"golang.org/x/text/unicode/norm"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Skeleton is the same for all names that look alike (UTS #39, section 4). It
// is for comparing, and not for showing.
func Skeleton(name string) string {
	visible := strings.Map(func(r rune) rune {
		if pki.Invisible(r) {
			return -1
		}
		return r
	}, name)
	return confusable.Skeleton(strings.Join(strings.Fields(visible), " "))
}

// Faults says what in name may deceive the eye, in words that follow "it". None
// for a name that is what it looks like.
func Faults(name string) []string {
	if ascii(name) && !strings.ContainsFunc(name, unicode.IsControl) {
		return spaces(name)
	}
	var faults []string
	for _, r := range name {
		if pki.Invisible(r) || r == unicode.ReplacementChar || !unicode.IsGraphic(r) {
			faults = append(faults, fmt.Sprintf("has an invisible character (%U)", r))
			break
		}
	}
	faults = append(faults, spaces(name)...)
	if !norm.NFC.IsNormalString(name) {
		faults = append(faults, "has a letter and its accent as two characters, so it differs from the same word in composed form")
	} else if i := strings.IndexFunc(name, func(r rune) bool { return unicode.Is(unicode.Mn, r) && unicode.Is(unicode.Inherited, r) }); i >= 0 && !pki.Invisible([]rune(name[i:])[0]) {
		faults = append(faults, fmt.Sprintf("has a combining mark (%U)", []rune(name[i:])[0]))
	}
	if scripts := Scripts(name); !together(scripts) {
		faults = append(faults, "mixes scripts: "+strings.Join(scripts, ", "))
	} else if looks := Skeleton(name); !ascii(name) && ascii(looks) && strings.ContainsFunc(looks, unicode.IsLetter) && !slices.Contains(scripts, "Latin") {
		faults = append(faults, fmt.Sprintf("is written in %s, and looks like %q", strings.Join(append(scripts, "symbols")[:max(1, len(scripts))], ", "), looks))
	} else if strings.ContainsFunc(name, lookalike) {
		faults = append(faults, fmt.Sprintf("has characters that look like others: %q", looks))
	}
	return faults
}

// lookalike reports whether r is a variant of an ASCII character: full width,
// mathematical, a long s and the like (UAX #15, compatibility equivalence).
func lookalike(r rune) bool {
	return r > unicode.MaxASCII && ascii(norm.NFKC.String(string(r))) && !unicode.IsSpace(r) && !pki.Invisible(r)
}

// spaces finds those that are easily overlooked.
func spaces(name string) []string {
	var faults []string
	if strings.TrimFunc(name, unicode.IsSpace) != name {
		faults = append(faults, "begins or ends with a space")
	}
	if strings.Contains(name, "  ") {
		faults = append(faults, "has two spaces in a row")
	}
	if strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) && r != ' ' && !unicode.IsControl(r) }) {
		faults = append(faults, "has an unusual space character")
	}
	return faults
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}

// Scripts returns the names of the scripts that name is written in, without
// what all scripts use (digits, punctuation, marks).
func Scripts(name string) []string {
	var found []string
	for _, r := range name {
		if unicode.In(r, unicode.Common, unicode.Inherited) {
			continue
		}
		for script, table := range unicode.Scripts {
			if unicode.Is(table, r) && !slices.Contains(found, script) {
				found = append(found, script)
			}
		}
	}
	slices.Sort(found)
	return found
}

// mixtures are the scripts that are written together, with Latin or without
// (UTS #39, section 5.2: Highly Restrictive).
var mixtures = [][]string{
	{"Latin", "Han", "Hiragana", "Katakana"}, {"Latin", "Han", "Bopomofo"}, {"Latin", "Han", "Hangul"},
}

func together(scripts []string) bool {
	return len(scripts) < 2 || slices.ContainsFunc(mixtures, func(mixture []string) bool {
		return !slices.ContainsFunc(scripts, func(s string) bool { return !slices.Contains(mixture, s) })
	})
}

// Lookup finds names by what they look like.
type Lookup map[string][]string

// NewLookup returns one of names.
func NewLookup(names []string) Lookup {
	l := Lookup{}
	for _, name := range names {
		skeleton := Skeleton(name)
		l[skeleton] = append(l[skeleton], name)
	}
	return l
}

// Like returns a name that looks like name and is another, or "".
func (l Lookup) Like(name string) string {
	for _, other := range l[Skeleton(name)] {
		if other != name {
			return other
		}
	}
	return ""
}
