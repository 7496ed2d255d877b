package kubeconfig

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// fieldKind is what kubectl expects in a field.
type fieldKind int

const (
	textField fieldKind = iota
	pathField
	base64Field
	boolField
	listField
	mapField
)

// fields are the known fields of each kind of entry
// (client-go, tools/clientcmd/api/v1/types.go). Others are left alone.
var fields = [...]map[string]fieldKind{
	ClusterEntry: {
		"server": textField, "tls-server-name": textField, "insecure-skip-tls-verify": boolField,
		"certificate-authority": pathField, "certificate-authority-data": base64Field,
		"proxy-url": textField, "disable-compression": boolField, "extensions": listField,
	},
	ContextEntry: {
		"cluster": textField, "user": textField, "namespace": textField, "extensions": listField,
	},
	UserEntry: {
		"client-certificate": pathField, "client-certificate-data": base64Field,
		"client-key": pathField, "client-key-data": base64Field,
		"token": textField, "tokenFile": pathField, "username": textField, "password": textField,
		"as": textField, "as-uid": textField, "as-groups": listField, "as-user-extra": mapField,
		"auth-provider": mapField, "exec": mapField, "extensions": listField,
	},
}

// readRoot finds the entries and what is wrong with them.
func (d *Document) readRoot() {
	d.checkRoot()
	for kind := range kinds {
		list := d.list(Kind(kind))
		if list == nil || list.Kind != yamledit.Sequence {
			continue
		}
		d.index[kind] = make(map[string]*Entry, len(list.Children))
		d.entries[kind] = make([]*Entry, 0, len(list.Children))
		all := make([]Entry, len(list.Children))
		for i := range list.Children {
			all[i].item = i
			d.readItem(Kind(kind), &list.Children[i], &all[i])
		}
	}
}

// take checks an item that is not kept.
func (d *Document) take(key string, item *yamledit.Node) {
	for kind := range kinds {
		if kinds[kind].list != key {
			continue
		}
		if d.index[kind] == nil {
			d.index[kind] = map[string]*Entry{}
		}
		e := &Entry{item: len(d.entries[kind])}
		d.readItem(Kind(kind), item, e)
		e.body = nil
	}
}

// checkRoot finds what is wrong with the root itself.
func (d *Document) checkRoot() {
	root := &d.parsed.Root
	if root.Kind == yamledit.Null {
		return
	}
	if root.Kind != yamledit.Mapping {
		d.fault(root, "", "it contains %s instead of clusters, users and contexts", root.Kind)
		return
	}
	if kind := root.Get("kind"); !kind.Empty() && kind.Value != "Config" {
		d.fault(kind, "", "its kind is %q instead of Config: this is another kind of file", kind.Value)
	}
	if current := root.Get(currentContext); current != nil {
		d.checkField(current, "", currentContext, textField)
	}
	d.checkTwice(root, "")
	for _, kind := range kinds {
		if list := root.Get(kind.list); list != nil && list.Kind != yamledit.Null && list.Kind != yamledit.Sequence {
			d.fault(list, kind.list, "it is %s instead of a list", list.Kind)
		}
	}
}

func (d *Document) fault(at *yamledit.Node, where, format string, args ...any) {
	d.faults = append(d.faults, Fault{int(at.Line), where, fmt.Sprintf(format, args...)})
}

// readItem makes e the entry that item is, unless it is none.
func (d *Document) readItem(kind Kind, item *yamledit.Node, e *Entry) {
	*e = Entry{Kind: kind, Line: int(item.Line), In: d, item: e.item, Name: item.Text("name"), body: item.Get(kinds[kind].one)}
	where := func() string { return fmt.Sprintf("%s number %d", kind, e.item+1) }
	switch name := item.Get("name"); {
	case item.Kind != yamledit.Mapping:
		d.fault(item, where(), "it is %s instead of a name and a %s", item.Kind, kind)
		return
	case name != nil && name.Kind != yamledit.Scalar && name.Kind != yamledit.Null:
		d.fault(name, where(), "its name is %s", name.Kind)
		return
	case name.Empty():
		d.fault(item, where(), "it has no name")
		return
	}
	if before := d.index[kind][e.Name]; before != nil {
		d.fault(item, e.String(), "duplicate entry (first at line %d)", before.Line)
		return
	}
	d.entries[kind] = append(d.entries[kind], e)
	d.index[kind][e.Name] = e
	d.checkEntry(e, item)
}

func (d *Document) checkEntry(e *Entry, item *yamledit.Node) {
	if name := item.Get("name"); name.Plain && otherThanText(name.Value) {
		d.fault(name, e.String(), "its name is a number or a boolean: put it in quotes")
	}
	d.checkTwice(item, e.String())
	if e.body == nil || e.body.Kind == yamledit.Null {
		return
	}
	if e.body.Kind != yamledit.Mapping {
		d.fault(e.body, e.String(), "its %s is %s instead of a map", e.Kind, e.body.Kind)
		return
	}
	d.checkTwice(e.body, e.String())
	for i := range e.body.Children {
		field := &e.body.Children[i]
		if want, known := fields[e.Kind][field.Key]; known {
			d.checkField(field, e.String(), field.Key, want)
		}
	}
}

// checkTwice finds keys that stand in a mapping more than once.
func (d *Document) checkTwice(n *yamledit.Node, where string) {
	for i := range n.Children {
		for j := range i {
			if n.Children[i].Key == n.Children[j].Key {
				d.fault(&n.Children[i], where, "duplicate key %s", n.Children[i].Key)
				return
			}
		}
	}
}

func (d *Document) checkField(n *yamledit.Node, where, name string, want fieldKind) {
	if n.Kind == yamledit.Null {
		return
	}
	switch want {
	case listField:
		if n.Kind != yamledit.Sequence {
			d.fault(n, where, "%s is %s instead of a list", name, n.Kind)
		}
	case mapField:
		if n.Kind != yamledit.Mapping {
			d.fault(n, where, "%s is %s instead of a map", name, n.Kind)
		}
	case boolField:
		if _, ok := boolean(n); !ok {
			d.fault(n, where, "%s is neither true nor false", name)
		}
	case base64Field:
		if n.Kind != yamledit.Scalar {
			d.fault(n, where, "%s is %s instead of base64", name, n.Kind)
		} else if !isBase64(n.Value) {
			d.fault(n, where, "%s is not base64", name)
		}
	default:
		if n.Kind != yamledit.Scalar {
			d.fault(n, where, "%s is %s instead of text", name, n.Kind)
		} else if n.Plain && otherThanText(n.Value) {
			d.fault(n, where, "%s is a number or a boolean: put it in quotes", name)
		}
	}
}

// base64Digits marks the digits of base64.
var base64Digits = func() (digits [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		digits[c] = true
	}
	return digits
}()

// isBase64 reports whether text is base64 for kubectl. It decodes nothing: a
// large kubeconfig is mostly base64.
func isBase64(text string) bool {
	if len(text) > 0 && strings.ContainsAny(text, "\n\r") {
		text = strings.NewReplacer("\n", "", "\r", "").Replace(text)
	}
	if len(text)%4 != 0 {
		return false
	}
	text = strings.TrimSuffix(strings.TrimSuffix(text, "="), "=")
	for i := range len(text) {
		if !base64Digits[text[i]] {
			return false
		}
	}
	return true
}

// boolean is what n says, as YAML 1.1 has it.
func boolean(n *yamledit.Node) (value, ok bool) {
	if n == nil || n.Kind != yamledit.Scalar || !n.Plain {
		return false, false
	}
	switch strings.ToLower(n.Value) {
	case "true", "yes", "on", "y":
		return true, true
	case "false", "no", "off", "n":
		return false, true
	}
	return false, false
}

// otherThanText reports whether text without quotes is a number or a boolean for
// kubectl, whose reader has YAML 1.1.
func otherThanText(text string) bool {
	if notText[text] {
		return true
	}
	if text == "" || text[0] > '9' && text[0] != '_' { // numbers begin with a digit, a sign or a point
		return false
	}
	plain := strings.ReplaceAll(text, "_", "")
	if _, err := strconv.ParseInt(plain, 0, 64); err == nil {
		return true
	}
	if _, err := strconv.ParseUint(plain, 0, 64); err == nil {
		return true
	}
	return float.MatchString(plain)
}

// float is a number with a point or an exponent (goyaml.v2, resolve.go).
var float = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
