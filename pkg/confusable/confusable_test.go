// These tests promise that a name which is not what it looks like is noticed,
// and that names of people in any one script are left in peace.
package confusable

import (
	"strings"
	"testing"
)

func TestFaults(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"Latin", "alice@example.com", ""},
		{"punctuation", "kubeadm:cluster-admins_1.2/x, y", ""},
		{"an accent", "José Müller-Ångström", ""},
		{"Polish", "Łukasz Święty", ""},
		{"Turkish", "Işık", ""},
		{"Vietnamese", "Nguyễn", ""},
		{"Cyrillic", "Оксана Шевченко", ""},
		{"Greek", "Γιώργος", ""},
		{"Arabic", "محمد", ""},
		{"Hebrew", "שרה", ""},
		{"Thai, with its vowels", "สมชาย", ""},
		{"Hindi", "हिन्दी", ""},
		{"Chinese", "王小明", ""},
		{"Japanese and Latin", "田中さんチームdev", ""},
		{"Korean", "김철수", ""},
		{"a Cyrillic a in Latin", "\u0430dmins", "mixes scripts: Cyrillic, Latin"},
		{"a Greek omicron in Latin", "r\u03bfot", "mixes scripts: Greek, Latin"},
		{"Cyrillic that looks Latin", "\u0440\u0430\u0443\u0440\u0430\u04cf", "is written in Cyrillic, and looks like"},
		{"full width", "ａdmin", "look like others"},
		{"mathematical letters", "𝐚𝐝𝐦𝐢𝐧", "looks like"},
		{"a long s", "ma\u017fters", "look like others"},
		{"a zero-width space", "ad\u200bmin", "invisible character (U+200B)"},
		{"a zero-width joiner", "ad\u200dmin", "invisible character"},
		{"a soft hyphen", "ad\u00admin", "invisible character"},
		{"a Hangul filler", "admin\u3164", "invisible character (U+3164)"},
		{"a Braille blank", "admin\u2800", "invisible character (U+2800)"},
		{"a variation selector", "admin\ufe0f", "invisible character"},
		{"right to left", "admin\u202enimda", "invisible character (U+202E)"},
		{"a tab", "ad\tmin", "invisible character (U+0009)"},
		{"a line break", "devs\nadmins", "invisible character (U+000A)"},
		{"no UTF-8", "ad\xffmin", "invisible character"},
		{"a space before", " admin", "begins or ends"},
		{"a space behind", "admin ", "begins or ends"},
		{"two spaces", "team  a", "two spaces"},
		{"a space that does not break", "team\u00a0a", "an unusual space character"},
		{"an accent apart", "Jose\u0301", "as two characters"},
		{"a mark before all letters", "\u0335admin", "combining mark (U+0335)"},
		{"a mark that fits no letter", "adm\u0335in", "combining mark (U+0335)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(Faults(tt.text), "; ")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestLookup(t *testing.T) {
	l := NewLookup([]string{"admins", "kubeadm:cluster-admins", "team 1", "José"})
	for name, want := range map[string]string{
		"\u0430dmins": "admins", "admins\u200b": "admins", "adrnins": "admins", "adm\u0456ns": "admins", " admins": "admins",
		"kubeadm:c1uster-admins": "kubeadm:cluster-admins", "team l": "team 1", "team  1": "team 1", "Jose\u0301": "José",
		"admins": "", "admin": "", "devs": "", "team 2": "", "José": "", "Jose": "",
	} {
		if got := l.Like(name); got != want {
			t.Errorf("%q looks like %q, want %q", name, got, want)
		}
	}
}
