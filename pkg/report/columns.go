package report

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"k8s.io/client-go/util/jsonpath"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// customColumns writes a table of what spec asks for, in kubectl's syntax:
// NAME:.name,EXPIRES:.notAfter. Each certificate is a line.
func customColumns(spec string) (Format, error) {
	var titles, fields []string
	for part := range strings.SplitSeq(spec, ",") {
		title, field, ok := strings.Cut(part, ":")
		if !ok || field == "" {
			return nil, fmt.Errorf("%q is not HEADER:FIELD, such as NAME:.name,EXPIRES:.notAfter", part)
		}
		titles, fields = append(titles, title), append(fields, field)
	}
	return columnsOf(titles, fields)
}

// customColumnsFile is customColumns with kubectl's other syntax: a line of
// headers, a line of fields.
func customColumnsFile(text string) (Format, error) {
	lines := strings.SplitN(text, "\n", 3)
	if len(lines) < 2 {
		return nil, errors.New("it must have a line of headers and a line of fields")
	}
	titles, fields := strings.Fields(lines[0]), strings.Fields(lines[1])
	if len(titles) != len(fields) || len(titles) == 0 {
		return nil, fmt.Errorf("it has %d headers and %d fields", len(titles), len(fields))
	}
	return columnsOf(titles, fields)
}

// missing is what kubectl writes for a field that is not there.
const missing = "<none>"

func columnsOf(titles, fields []string) (Format, error) {
	paths := make([]*jsonpath.JSONPath, len(fields))
	for i, field := range fields {
		path, err := newJSONPath(relaxed(field))
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", field, err)
		}
		paths[i] = path
	}
	return func(w io.Writer, inv *inventory.Inventory, o Options) error {
		table := tabwriter.NewWriter(w, 6, 4, 3, ' ', 0) // kubectl's
		if !o.NoHeaders {
			fmt.Fprintln(table, strings.Join(titles, "\t"))
		}
		for i := range inv.Items {
			item, err := object(&inv.Items[i])
			if err != nil {
				return err
			}
			row := make([]string, len(paths))
			for i, path := range paths {
				if row[i], err = columnText(path, item); err != nil {
					return fmt.Errorf("finding %s: %w", fields[i], err)
				}
			}
			fmt.Fprintln(table, strings.Join(row, "\t"))
		}
		return table.Flush()
	}, nil
}

// columnText is what path finds in item, as one harmless text.
func columnText(path *jsonpath.JSONPath, item any) (string, error) {
	values, err := pick(path, item)
	if err != nil {
		return "", err
	}
	if len(values) == 0 {
		return missing, nil
	}
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = fmt.Sprint(value)
	}
	return Printable(strings.Join(texts, ",")), nil
}
