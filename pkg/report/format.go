package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/regular"
)

// Format writes an inventory in one way.
type Format func(io.Writer, *inventory.Inventory, Options) error

// Options are what a reader may ask of a format. The zero value is for a
// program that reads.
type Options struct {
	// Colors paints what is for people.
	Colors Colors
	// Width is that of the terminal in columns, which lines are made to fit;
	// 0 where there is none.
	Width int
	// NoHeaders leaves the header of tables out.
	NoHeaders bool
	// By says who took the inventory, for a reader who was not there; "" where
	// the client certificate tells, or nobody knows.
	By string
	// SortBy orders the certificates by a field of their JSON form, as kubectl's
	// --sort-by does: "notAfter", ".subject.commonName", "{.publicKey.bits}".
	// "" leaves them as the trust is.
	SortBy string

	// namesakes are the names that several CAs of the inventory go by.
	namesakes map[string]bool
}

// Formats are the formats by the name that -o takes, in the order that help
// lists them.
var Formats = []struct {
	Name  string
	Write Format
}{
	{"table", Table},
	{"wide", Wide},
	{"tree", Tree},
	{"json", JSON},
	{"yaml", YAML},
	{"name", Names},
	{"kubeadm", Kubeadm},
	{"prometheus", Prometheus},
	{"html", HTML},
}

// templates are the formats that take an argument behind a "=": what to write,
// or with fromFile, the name of the file where that stands.
var templates = []struct {
	name     string
	argument string // what help calls it
	fromFile bool
	parse    func(string) (Format, error)
}{
	{"jsonpath", "EXPRESSION", false, jsonPath},
	{"jsonpath-file", "FILE", true, jsonPath},
	{"go-template", "TEMPLATE", false, goTemplate},
	{"go-template-file", "FILE", true, goTemplate},
	{"custom-columns", "SPEC", false, customColumns},
	{"custom-columns-file", "FILE", true, customColumnsFile},
}

// FormatNames lists what -o takes.
func FormatNames() []string {
	var names []string
	for _, f := range Formats {
		names = append(names, f.Name)
	}
	for _, t := range templates {
		names = append(names, t.name+"="+t.argument)
	}
	return names
}

// Lookup returns the format that -o calls name, or an error that lists all.
// The argument of a template is parsed, and its file is read.
func Lookup(name string) (Format, error) {
	for _, f := range Formats {
		if f.Name == name {
			return sorted(f.Write), nil
		}
	}
	name, argument, hasArgument := strings.Cut(name, "=")
	for _, t := range templates {
		switch {
		case t.name != name:
			continue
		case !hasArgument || argument == "":
			return nil, fmt.Errorf("output format %s needs an argument: %s=%s", name, name, t.argument)
		case t.fromFile:
			text, err := regular.ReadFile(argument, maxTemplate)
			if err != nil {
				return nil, fmt.Errorf("reading the %s: %w", strings.TrimSuffix(name, "-file"), err)
			}
			argument = string(text)
		}
		format, err := t.parse(argument)
		if err != nil {
			return nil, fmt.Errorf("parsing the %s: %w", strings.TrimSuffix(name, "-file"), err)
		}
		return sorted(format), nil
	}
	return nil, fmt.Errorf("unknown output format %q: use one of %s", name, strings.Join(FormatNames(), ", "))
}

// maxTemplate is the longest template file that is read, in bytes.
const maxTemplate = 1 << 20
