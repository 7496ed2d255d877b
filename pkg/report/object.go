package report

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// object is the JSON form of value, decoded: what templates and field names of
// users speak of. Numbers are int64 or float64.
func object(value any) (any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var decoded any
	if err := decoder.Decode(&decoded); err != nil {
		return nil, err
	}
	return change(decoded, func(leaf any) any {
		number, ok := leaf.(json.Number)
		if !ok {
			return leaf
		}
		if n, err := number.Int64(); err == nil {
			return n
		}
		n, _ := number.Float64() // decoded from a number
		return n
	}), nil
}

// printableObject is object with every text harmless, so that no template can
// print what a terminal would obey.
func printableObject(inv *inventory.Inventory) (any, error) {
	decoded, err := object(inv)
	if err != nil {
		return nil, err
	}
	return change(decoded, func(leaf any) any {
		if text, ok := leaf.(string); ok {
			return Printable(text)
		}
		return leaf
	}), nil
}

// change replaces each leaf of a decoded object.
func change(value any, leaf func(any) any) any {
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			v[key] = change(v[key], leaf)
		}
		return v
	case []any:
		for i := range v {
			v[i] = change(v[i], leaf)
		}
		return v
	}
	return leaf(value)
}

// relaxed makes a JSONPath expression of what kubectl takes for one where a
// field is asked for: "notAfter", ".notAfter", "{notAfter}", "{.notAfter}".
func relaxed(field string) string {
	field = strings.TrimSpace(field)
	if inner, ok := strings.CutPrefix(field, "{"); ok {
		if whole, ok := strings.CutSuffix(inner, "}"); ok {
			field = whole
		}
	}
	return "{." + strings.TrimPrefix(field, ".") + "}"
}
