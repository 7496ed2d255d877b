package pki

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// placeholders are what is written where there is no value: a value that reads
// like one of them is quoted.
var placeholders = []string{"none", "default", "-", "<none>", "<nil>", "null", "everyone", "nobody"}

// Quote returns value as it is if it can stand in a list of values and be taken
// for nothing else, and in quotation marks otherwise: the organization
// "devs, readers" must not look like two, nor the organization none like no
// organization at all. Characters that cannot be seen become escapes.
func Quote(value string) string {
	plain := value != "" && !slices.Contains(placeholders, strings.ToLower(value)) && strings.TrimSpace(value) == value &&
		!strings.Contains(value, "  ") && !strings.ContainsAny(value, `,;"'\()`+"`") && !strings.Contains(value, " and ") &&
		!strings.ContainsFunc(value, func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) || Invisible(r) })
	switch {
	case plain:
		return value
	case strings.ContainsFunc(value, Invisible):
		return strconv.QuoteToASCII(value)
	}
	return strconv.Quote(value)
}

// brailleBlank is a sign that is nothing but space.
const brailleBlank = '\u2800'

// Invisible reports whether r is not seen, whatever its category says: formats
// and controls, and letters and marks that Unicode says to ignore by default
// (Default_Ignorable_Code_Point of UAX #44).
func Invisible(r rune) bool {
	return r == brailleBlank || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// QuoteAll joins values, each quoted where it needs it, and returns none if
// there are none.
func QuoteAll(values []string, none string) string {
	if len(values) == 0 {
		return none
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = Quote(v)
	}
	return strings.Join(quoted, ", ")
}
