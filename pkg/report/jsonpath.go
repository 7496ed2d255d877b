package report

import (
	"errors"
	"io"
	"strings"

	"k8s.io/client-go/util/jsonpath"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// jsonPath writes what a template of kubectl's JSONPath picks out of the JSON
// form of the inventory. As with kubectl, a field that is not there is "".
func jsonPath(template string) (Format, error) {
	if _, err := newJSONPath(template); err != nil {
		return nil, err
	}
	return func(w io.Writer, inv *inventory.Inventory, _ Options) error {
		data, err := printableObject(inv)
		if err != nil {
			return err
		}
		// One that has run does not run again: a range changes it.
		path, err := newJSONPath(template)
		if err != nil {
			return err
		}
		return path.Execute(w, data)
	}, nil
}

func newJSONPath(template string) (*jsonpath.JSONPath, error) {
	path := jsonpath.New("out").AllowMissingKeys(true)
	if err := path.Parse(template); err != nil {
		return nil, err
	}
	return path, nil
}

// pick returns what path finds in one decoded object. The first of a list that
// is empty is not there, as a field may not be: where one certificate has no
// names, that is no fault of the question.
func pick(path *jsonpath.JSONPath, from any) ([]any, error) {
	found, err := path.FindResults(from)
	// It has no type.
	if err != nil && strings.Contains(err.Error(), "index out of bounds") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var values []any
	for _, results := range found {
		for _, value := range results {
			if !value.CanInterface() {
				return nil, errors.New("it has no value")
			}
			values = append(values, value.Interface())
		}
	}
	return values, nil
}
