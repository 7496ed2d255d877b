package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// sorted is format with its certificates in the order that Options.SortBy asks
// for.
func sorted(format Format) Format {
	return func(w io.Writer, inv *inventory.Inventory, o Options) error {
		if o.SortBy != "" {
			items, err := sortItems(inv.Items, o.SortBy)
			if err != nil {
				return err
			}
			copied := *inv
			copied.Items = items
			inv = &copied
		}
		return format(w, inv, o)
	}
}

// sortItems returns items in the order of a field of their JSON form. Those
// that do not have it come first, as kubectl does it; equals stay in order.
func sortItems(items []inventory.Entry, field string) ([]inventory.Entry, error) {
	advice := "use a field of an item in -o json, such as notAfter, name or .subject.commonName"
	if len(items) == 0 {
		return items, nil
	}
	path, err := newJSONPath(relaxed(fieldOf(field)))
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("parsing --sort-by %q: %w", field, err), advice)
	}
	type keyed struct {
		value any
		item  inventory.Entry
	}
	found := make([]keyed, len(items))
	anywhere := false
	for i := range items {
		found[i].item = items[i]
		decoded, err := object(&items[i]) // one by one: all at once are many times the inventory
		if err != nil {
			return nil, err
		}
		values, err := pick(path, decoded)
		if err != nil {
			return nil, hint.Wrap(fmt.Errorf("sorting by %q: %w", field, err), advice)
		}
		if len(values) == 0 {
			continue
		}
		anywhere = true
		switch values[0].(type) {
		case string, int64, float64, bool:
			found[i].value = values[0]
		default:
			return nil, hint.New(fmt.Sprintf("sorting by %q: it is not a single value", field), advice)
		}
	}
	if !anywhere {
		return nil, hint.New(fmt.Sprintf("sorting by %q: no certificate has such a field", field), advice)
	}
	slices.SortStableFunc(found, func(a, b keyed) int { return compareValues(a.value, b.value) })
	ordered := make([]inventory.Entry, len(found))
	for i := range found {
		ordered[i] = found[i].item
	}
	return ordered, nil
}

// fieldOf is the field behind the title of a table's column; other fields are
// what they say.
func fieldOf(title string) string {
	switch strings.ToLower(title) {
	case "expires", "left", "expiry", "expiration":
		return "notAfter"
	case "subject", "cn":
		return ".subject.commonName"
	case "signed-by", "signed by", "issuer":
		return "issuerName"
	case "namespace", "where", "location", "seen":
		return ".locations[0].where"
	}
	if strings.EqualFold(title, "name") || strings.EqualFold(title, "node") || strings.EqualFold(title, "status") {
		return strings.ToLower(title)
	}
	return title
}

// compareValues orders what JSON can hold; values of different kinds by kind.
func compareValues(a, b any) int {
	kind := func(v any) int {
		switch v.(type) {
		case nil:
			return 0
		case bool:
			return 1
		case int64, float64:
			return 2
		}
		return 3
	}
	if c := cmp.Compare(kind(a), kind(b)); c != 0 {
		return c
	}
	switch a := a.(type) {
	case bool:
		number := map[bool]int{true: 1}
		return cmp.Compare(number[a], number[b.(bool)])
	case string:
		return cmp.Compare(a, b.(string))
	case nil:
		return 0
	}
	return cmp.Compare(float(a), float(b))
}

func float(v any) float64 {
	if n, ok := v.(int64); ok {
		return float64(n)
	}
	return v.(float64)
}
