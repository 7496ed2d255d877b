package kubeconfig

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// Kind is a kind of entry in a kubeconfig.
type Kind int

// The kinds, in the order in which kubectl writes them.
const (
	ClusterEntry Kind = iota
	ContextEntry
	UserEntry
)

// kinds is how the kinds are called: in a sentence and as the key of an entry,
// and as the key of their list.
var kinds = [...]struct{ one, list string }{
	ClusterEntry: {"cluster", "clusters"},
	ContextEntry: {"context", "contexts"},
	UserEntry:    {"user", "users"},
}

// String is the kind in a sentence.
func (k Kind) String() string { return kinds[k].one }

// The keys of the root that are no list.
const currentContext = "current-context"

// Document is one kubeconfig file, as it is written.
type Document struct {
	// Path is the file as its user names it; "" where there is none.
	Path string
	text string
	// What follows is known once the text is parsed, which it is when
	// somebody asks: a tree takes as much memory as the text.
	parsed *yamledit.Document
	// entries are in the order of the file, index finds them by name.
	entries [len(kinds)][]*Entry
	index   [len(kinds)]map[string]*Entry
	faults  []Fault
	// broken says that only the text is known: it is not a kubeconfig.
	broken bool
}

// Entry is a cluster, a context or a user of a document.
type Entry struct {
	Kind Kind
	Name string
	// Line is where it begins in the file.
	Line int
	// In is the document that it stands in.
	In   *Document
	item int            // its number in its list
	body *yamledit.Node // what stands under its kind's key; may be nil
}

// Fault is something in a file that no reader of kubeconfigs takes.
type Fault struct {
	Line    int
	Where   string // `user "alice"`, or "" for the file
	Problem string
}

// String says what is wrong, and where.
func (f Fault) String() string {
	where := ""
	if f.Where != "" {
		where = f.Where + ": "
	}
	return fmt.Sprintf("%s%s (line %d)", where, f.Problem, f.Line)
}

// Parse reads a kubeconfig. Path is where it stands, for errors and for the
// relative paths in it. An empty text is a kubeconfig without entries.
func Parse(path, text string) (*Document, error) {
	d, err := read(path, text)
	if err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	if err := judge(text); err != nil {
		return nil, hint.Wrap(d.errorf("kubectl refuses it: %w", err), "fix the file; nothing was changed")
	}
	return d, nil
}

// check returns the first of the document's faults as an error.
func (d *Document) check() error {
	if len(d.faults) == 0 {
		return nil
	}
	if d.faults[0].Where == "" {
		return hint.Wrap(d.errorf("%s", d.faults[0]), "check that it is the right file; nothing was changed")
	}
	return hint.Wrap(d.errorf("%s", d.faults[0]), "fix the line manually; nothing was changed")
}

// errorf is an error about the document.
func (d *Document) errorf(format string, args ...any) error {
	return fmt.Errorf("reading kubeconfig %s: %w", d.shown(), fmt.Errorf(format, args...))
}

func (d *Document) shown() string {
	if d.Path == "" {
		return "from standard input"
	}
	return d.Path
}

// read is Parse that leaves faults to the caller, in d.faults.
func read(path, text string) (*Document, error) {
	d := &Document{Path: path, text: text}
	parsed, err := yamledit.Parse(text)
	if err != nil {
		if syntax, ok := errors.AsType[*yamledit.SyntaxError](err); ok && strings.HasPrefix(syntax.Problem, "a second document") {
			return nil, hint.Wrap(d.errorf("%w", err), "a kubeconfig is a single document: put each into a separate file, and merge them")
		}
		return nil, hint.Wrap(d.errorf("%w", err), "fix the line manually; nothing was changed")
	}
	d.parsed = parsed
	d.readRoot()
	return d, nil
}

// yaml is the parsed text.
func (d *Document) yaml() *yamledit.Document {
	if d.parsed == nil {
		parsed, err := yamledit.Parse(d.text)
		if err != nil {
			panic(err) // checked has read it
		}
		d.parsed = parsed
		d.readRoot()
	}
	return d.parsed
}

// checked returns the document of a text, once that is known to be a
// kubeconfig. It is parsed when it is needed.
func checked(path, text string) (*Document, error) {
	var trial *Document
	parsed, err := yamledit.Check(text, func() func(string, *yamledit.Node) {
		trial = &Document{Path: path, parsed: &yamledit.Document{}}
		return trial.take
	})
	if err != nil {
		return nil, fmt.Errorf("changing %s: %w", trial.shown(), err)
	}
	trial.parsed = parsed
	trial.checkRoot()
	if len(trial.faults) > 0 {
		return nil, fmt.Errorf("changing %s: it would no longer be a kubeconfig: %s", trial.shown(), trial.faults[0])
	}
	return &Document{Path: path, text: text}, nil
}

// with returns the document after edits.
func (d *Document) with(edits ...yamledit.Edit) (*Document, error) {
	if len(edits) == 0 {
		return d, nil
	}
	text, err := yamledit.Rewrite(d.text, edits...)
	if err != nil {
		return nil, fmt.Errorf("changing %s: %w", d.shown(), err)
	}
	return checked(d.Path, text)
}

// editable returns the document in a form in which its lists, and those of its
// entries for which change is true, can be changed in place: itself, or, if
// they are not in block style, the same one written anew.
func (d *Document) editable(change func(*Entry) bool) (*Document, error) {
	inPlace := d.yaml().InPlace()
	for kind, list := range kinds {
		inPlace = inPlace && d.yaml().Root.Get(list.list).InBlock()
		for _, e := range d.Entries(Kind(kind)) {
			inPlace = inPlace && (!change(e) || e.node().InBlock())
		}
	}
	if inPlace {
		return d, nil
	}
	block, err := d.yaml().InBlockStyle()
	if err != nil {
		return nil, fmt.Errorf("changing %s: %w", d.shown(), err)
	}
	out := &Document{Path: d.Path, text: block.Text, parsed: block}
	out.readRoot()
	return out, nil
}

func everyEntry(*Entry) bool { return true }
func noEntry(*Entry) bool    { return false }

// Text is the document as it is written.
func (d *Document) Text() string { return d.text }

// Current is what the document says the current context is. It does not hold
// on to the document's text.
func (d *Document) Current() string { return strings.Clone(d.yaml().Root.Text(currentContext)) }

// Entries are the document's entries of a kind.
func (d *Document) Entries(kind Kind) []*Entry {
	d.yaml()
	return d.entries[kind]
}

// Entry returns an entry by name, or nil.
func (d *Document) Entry(kind Kind, name string) *Entry {
	d.yaml()
	return d.index[kind][name]
}

// empty reports whether the document says nothing at all.
func (d *Document) empty() bool { return d.yaml().Root.Empty() }

// list is the list of a kind; nil where there is none.
func (d *Document) list(kind Kind) *yamledit.Node { return d.yaml().Root.Get(kinds[kind].list) }

// dir is what relative paths in the document start from.
func (d *Document) dir() string {
	dir, err := filepath.Abs(filepath.Dir(d.Path))
	if err != nil {
		return filepath.Dir(d.Path) // the working directory is gone
	}
	return dir
}

// node is the entry in its list, with its name.
func (e *Entry) node() *yamledit.Node { return &e.In.list(e.Kind).Children[e.item] }

// String is the entry in a sentence.
func (e *Entry) String() string { return fmt.Sprintf("%s %q", e.Kind, e.Name) }

func (d *Document) resolve(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(d.dir(), path)
}

// Text is what a field of the entry says; "" where it does not.
func (e *Entry) Text(field string) string { return e.body.Text(field) }

// Path is the path that a field of the entry says, from where the file stands;
// "" where it does not.
func (e *Entry) Path(field string) string { return e.In.resolve(e.Text(field)) }

// Name is the document's path, or where else it comes from, in a sentence.
func (d *Document) Name() string { return d.shown() }

// Empty reports whether the document says nothing at all.
func (d *Document) Empty() bool { return d.empty() }
