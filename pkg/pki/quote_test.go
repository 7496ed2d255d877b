package pki

import "testing"

// One value looks like one value, and like no other.
func TestQuote(t *testing.T) {
	for value, want := range map[string]string{
		"devs": "devs", "kubeadm:cluster-admins": "kubeadm:cluster-admins", "Platform Team": "Platform Team", "José": "José", "a@b.c": "a@b.c",
		"": `""`, "devs, readers": `"devs, readers"`, "none": `"none"`, "None": `"None"`, "-": `"-"`, " a": `" a"`, "a ": `"a "`, "a  b": `"a  b"`,
		`"a"`: `"\"a\""`, `a\u200b`: `"a\\u200b"`, "a\u200b": `"a\u200b"`, "a\nb": `"a\nb"`, "\xff": `"\xff"`, "a\u3164": `"a\u3164"`, "a (by b)": `"a (by b)"`,
		"a and b": `"a and b"`,
	} {
		if got := Quote(value); got != want {
			t.Errorf("%q is written %s, want %s", value, got, want)
		}
	}
	if got := QuoteAll([]string{"a", "b, c"}, "none"); got != `a, "b, c"` {
		t.Errorf("got %s", got)
	}
	if got := QuoteAll(nil, "none"); got != "none" {
		t.Errorf("nothing is written %s", got)
	}
}

func TestSubjectOfOneGroupThatLooksLikeTwo(t *testing.T) {
	one, two := Subject{"a", []string{"b, O=c"}}, Subject{"a", []string{"b", "c"}}
	if one.String() != `CN=a, O="b, O=c"` || two.String() != "CN=a, O=b, O=c" {
		t.Errorf("got %s and %s", one, two)
	}
}
