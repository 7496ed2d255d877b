package yamledit

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// documents are texts in the styles that kubeconfigs are found in. scanned
// says that the scanner reads them itself.
var documents = []struct {
	name    string
	text    string
	scanned bool
}{
	{"kubectl's own", "apiVersion: v1\nclusters:\n- cluster:\n    server: https://a:6443\n  name: a\ncontexts: null\ncurrent-context: \"\"\nkind: Config\nusers: []\n", true},
	{"indented lists", "users:\n  - name: a\n    user:\n      token: abc\n  - name: b\n    user: {}\n", true},
	{"comments", "# top\nkind: Config # here\n\n# before\nusers:\n# one\n- name: a # name\n  # in it\n  user:\n    token: 'x # y' # z\n# end\n", true},
	{"quotes", "a: \"x y\"\nb: 'it''s'\nc: \"a\\tb\"\nd: ''\ne: \"\"\n", true},
	{"flow values", "a: [1, 2, {b: c}]\npreferences: {}\nc: {d: \"e\",\n  f: g}\n", true},
	{"block scalars", "a: |\n  one\n  # two\n\n  three\nb: >-\n  folded\n  text\nc: |+\n  keep\n\nd: 1\n", true},
	{"folded plain", "a:\n  b: one two\n    three\n  c: d\n", true},
	{"folded plain with paragraphs", "a: one two\n\n  three\nb: 12\n\n  monkeys\n", true},
	{"value in the next line", "a:\n  \"quoted\"\nb:\n  plain\n", true},
	{"a document mark", "---\na: b\n", true},
	{"carriage returns", "a: b\r\nc:\r\n- d\r\n- e: |\r\n    f\r\n", true},
	{"a byte order mark", "\ufeffa: b\n", true},
	{"no last line feed", "a: b", true},
	{"nulls", "a:\nb: ~\nc: null\nd: # nothing\n", true},
	{"lists in lists", "a:\n- - b\n  - c\n-\n  - d\n- e\n-\n", true},
	{"items with gaps", "a:\n-   b: c\n    d: e\n- f\n", true},
	{"other letters", "a: ü\nb: \"日本\"\n# ü\nc: d\n", true},
	{"nothing", "", true},
	{"only comments", "# nothing\n\n", true},
	{"quoted keys within", "a:\n  \"b c\": d\n  'e': f\n", true},
	{"JSON", "{\"a\": [{\"b\": \"c\"}], \"d\": null}", false},
	{"anchors", "a: &x\n  b: c\nd: *x\ne:\n  <<: *x\n  f: g\n", false},
	{"keys in double quotes", "\"a\": b\n\"$\\n\":\n- \"c d\": e\n", true},
	{"keys in single quotes", "'c': d\n", false},
	{"a directive", "%YAML 1.1\n---\na: b\n", false},
	{"tags", "a: !!str 12\n", true},
	{"a question mark", "? a\n: b\n", false},
	{"quotes over lines at the edge", "a: \"b\nc\"\n", false},
}

func TestParse(t *testing.T) {
	for _, tt := range documents {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Parse(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if d.InPlace() != tt.scanned {
				t.Errorf("scanned: %t, want %t", d.InPlace(), tt.scanned)
			}
			checkAgainstLibrary(t, d)
			checkItems(t, d)
		})
	}
}

// checkAgainstLibrary holds what the scanner read against what the library
// reads, and the places of values against the values.
func checkAgainstLibrary(t *testing.T, d *Document) {
	t.Helper()
	if !d.inPlace {
		return
	}
	root, err := parseWhole(strings.TrimPrefix(d.Text, byteOrderMark))
	if err != nil {
		t.Fatalf("the scanner takes what the library does not: %v\n%q", err, d.Text)
	}
	var want Node
	if root != nil {
		var c converter
		if want, err = c.convert(root, 0); err != nil {
			t.Fatalf("the scanner takes what is refused: %v\n%q", err, d.Text)
		}
	}
	checkSame(t, "", &d.Root, &want)
	if t.Failed() {
		t.Logf("%q", d.Text)
	}
}

func checkSame(t *testing.T, path string, got, want *Node) {
	t.Helper()
	if got.Kind != want.Kind || got.Value != want.Value || got.Plain != want.Plain || got.Key != want.Key || len(got.Children) != len(want.Children) {
		t.Errorf("%s: scanned %s %q %q (plain %t, %d children), the library says %s %q %q (plain %t, %d children)", path,
			got.Kind, got.Key, got.Value, got.Plain, len(got.Children), want.Kind, want.Key, want.Value, want.Plain, len(want.Children))
		return
	}
	for i := range got.Children {
		checkSame(t, fmt.Sprintf("%s/%d%s", path, i, got.Children[i].Key), &got.Children[i], &want.Children[i])
	}
}

func TestParseRefuses(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9), ","))
	}
	tests := []struct {
		name, text, want string
		line             int
	}{
		{"a tab", "a:\n\tb: c\n", "a tab, or another character that is not allowed here", 2},
		{"two documents", "a: b\n---\nc: d\n", "a second document begins here", 2},
		{"not closed", "a: b\nc: [d\n", "did not find expected", 0},
		{"aliases of aliases", bomb.String(), "aliases that expand to more than 10000 values", 0},
		{"an alias of itself", "a: &a\n  b: *a\n", "nested too deeply", 0},
		{"deep", strings.Repeat("[", 100) + strings.Repeat("]", 100), "nested too deeply", 1},
		{"no text", "a: \xff\n", "byte 0xff, which is not valid UTF-8", 1},
		{"a control character", "a: b\n# \x1b[31m\n", "character U+001B, which YAML does not allow", 2},
		{"UTF-16", "\xff\xfea\x00", "text in UTF-16: save it as UTF-8", 1},
		{"binary", "a: !!binary aGk=\n", `a value of type "!!binary", which kubeconfigs do not have`, 1},
		{"two on a line", "a: b: c\n", "mapping values are not allowed in this context", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.text)
			syntax, ok := errors.AsType[*SyntaxError](err)
			if !ok || !strings.Contains(syntax.Problem, tt.want) || tt.line != 0 && syntax.Line != tt.line {
				t.Errorf("got %v, want line %d: %s", err, tt.line, tt.want)
			}
		})
	}
}

// A document written anew says the same, and can be changed in place.
func TestInBlockStyle(t *testing.T) {
	for _, tt := range documents {
		d, err := Parse(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		again, err := d.InBlockStyle()
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if !again.InPlace() || !Equal(&d.Root, &again.Root) {
			t.Errorf("%s: became\n%s", tt.name, again.Text)
		}
	}
}

// What is rendered says the password again.
func TestText(t *testing.T) {
	for _, tt := range documents {
		d, err := Parse(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(Text(&d.Root))
		if err != nil || !Equal(&d.Root, &again.Root) {
			t.Errorf("%s: became (%v)\n%s", tt.name, err, Text(&d.Root))
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, tt := range documents {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse(text)
		if err != nil {
			if _, ok := errors.AsType[*SyntaxError](err); !ok {
				t.Errorf("not a syntax error: %v", err)
			}
			return
		}
		checkAgainstLibrary(t, d)
		checkItems(t, d)
		if again, err := Parse(Text(&d.Root)); err != nil || !Equal(&d.Root, &again.Root) {
			t.Errorf("%q became (%v) %q", text, err, Text(&d.Root))
		}
	})
}

// checkItems holds the items that Check gives out against those that Parse
// keeps.
func checkItems(t *testing.T, d *Document) {
	t.Helper()
	var items map[string][]Node
	_, err := Check(d.Text, func() func(string, *Node) {
		items = map[string][]Node{}
		return func(key string, item *Node) { items[key] = append(items[key], *item) }
	})
	if err != nil {
		t.Fatalf("Check refuses what Parse takes: %v\n%q", err, d.Text)
	}
	for i := range d.Root.Children {
		list := &d.Root.Children[i]
		if list.Kind != Sequence || d.Root.Get(list.Key) != list {
			continue
		}
		got := items[list.Key]
		if len(got) < len(list.Children) {
			t.Fatalf("%s: %d items instead of %d\n%q", list.Key, len(got), len(list.Children), d.Text)
		}
		// A key that duplicate has the items of both.
		got = got[len(got)-len(list.Children):]
		checkSame(t, list.Key, &Node{Kind: Sequence, Children: got}, &Node{Kind: Sequence, Children: list.Children})
	}
}

// Whatever stands in a scalar is read back by the scanner and by the library.
func FuzzQuote(f *testing.F) {
	for _, text := range []string{"", "a", "yes", "12", "a: b", "#", "\"\\", "line\nfeed", "\u0085\u2028", "\x1b", "~", "ü", "😀", "a:", "/etc/x", "- a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "")
		d, err := Parse("a:\n- b: " + Quote(text) + "\n")
		if err != nil {
			t.Fatalf("%q is written as %s: %v", text, Quote(text), err)
		}
		got := d.Root.Get("a").Children[0].Get("b")
		if got.Kind != Scalar || got.Value != text || !isString(got) {
			t.Errorf("%q is written as %s and read as %s %q", text, Quote(text), got.Kind, got.Value)
		}
		checkAgainstLibrary(t, d)
	})
}
