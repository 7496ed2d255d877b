// Package schema makes docs/schema: a JSON Schema of every versioned kind that the
// program prints or reads, from the Go types that it prints or reads them by. Its
// tests hold the files in docs/schema, and the program's output, against that.
package schema

import (
	"reflect"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/people"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

// kind is a versioned kind, and the type that it is the form of.
type kind struct {
	name     string
	document any
	// input is set for what the program reads. It refuses fields that it does not
	// know; readers of what it prints have to accept them.
	input bool
}

// kinds are all. A new one is a line here, and a file in docs/schema.
var kinds = []kind{
	{inventory.Kind, inventory.Inventory{}, false},
	{report.CheckKind, report.CheckResult{}, false},
	{access.RequestsKind, access.RequestList{}, false},
	{access.RecordsKind, access.RecordList{}, false},
	{kubeconfig.ListKind, kubeconfig.ContextList{}, false},
	{kubeconfig.DetailKind, kubeconfig.Detail{}, false},
	{kubeconfig.ReportKind, kubeconfig.Report{}, false},
	{kubeconfig.DifferenceKind, kubeconfig.Differences{}, false},
	{people.Kind, people.File{}, true},
}

// tokens are the values of types that have a closed set of them, as the program
// lists them.
var tokens = map[reflect.Type][]any{
	reflect.TypeFor[catalog.Role]():           list(catalog.Roles()),
	reflect.TypeFor[catalog.Place]():          list(catalog.Places()),
	reflect.TypeFor[inventory.Status]():       list(inventory.Statuses()),
	reflect.TypeFor[inventory.RequestState](): list(inventory.RequestStates()),
	reflect.TypeFor[inventory.Severity]():     list(inventory.Severities()),
	reflect.TypeFor[inventory.Code]():         list(inventory.Codes()),
	reflect.TypeFor[access.State]():           list(access.States()),
	reflect.TypeFor[access.RiskCode]():        list(access.RiskCodes()),
	reflect.TypeFor[access.RecordStatus]():    list(access.RecordStatuses()),
	reflect.TypeFor[kubeconfig.Auth]():        list(kubeconfig.Auths()),
	reflect.TypeFor[kubeconfig.Code]():        list(kubeconfig.Codes()),
	reflect.TypeFor[kubeconfig.Side]():        list(kubeconfig.Sides()),
	reflect.TypeFor[report.Verdict]():         list(report.Verdicts()),
}

// field is a field of a document, by the type that has it.
type field struct{ in, name string }

// fields are the values of fields that are plain text in Go and have a closed set
// of them all the same; "" where that means none.
var fields = map[field][]any{
	{"CheckFinding", "category"}: list(report.Categories()),
	{"CheckFinding", "source"}:   append(list(scan.SourceNames()), ""),
	{"Difference", "kind"}:       list(kubeconfig.DifferenceKinds()),
	{"Inventory", "sources"}:     list(scan.SourceNames()),
	{"Location", "source"}:       list(scan.SourceNames()),
	{"PlaceFinding", "source"}:   list(scan.SourceNames()),
	{"Ping", "fault"}:            append(list(cluster.Faults()), ""),
	{"Skip", "source"}:           list(scan.SourceNames()),
}

// patterns are the forms of fields. A serial number may be negative, which RFC 5280
// forbids and certificates have. Of a record, which a stranger may have damaged,
// nothing is promised.
var patterns = map[field]string{
	{"CheckFinding", "sha256"}: "^([0-9a-f]{64})?$",
	{"Entry", "issuerSHA256"}:  "^([0-9a-f]{64})?$",
	{"Entry", "serialNumber"}:  "^-?[0-9a-f]+$",
	{"Entry", "sha256"}:        "^[0-9a-f]{64}$",
}

func list[T any](values []T) []any {
	all := make([]any, 0, len(values))
	for _, v := range values {
		all = append(all, v)
	}
	return all
}
