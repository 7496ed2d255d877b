package report

import (
	"io"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// CheckKind is the kind that a check is written as, in inventory.APIVersion.
const CheckKind = "CertificateCheck"

// CheckResult is the result of a check.
type CheckResult struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Cluster is the cluster that was checked.
	Cluster inventory.Cluster `json:"cluster"`
	// TakenAt is the time that it is as of.
	TakenAt time.Time `json:"takenAt"`
	// Result is the exit status as a token.
	Result Verdict `json:"result"`
	// ExitCode is the exit status of the command.
	ExitCode int `json:"exitCode"`
	// FailOn is the mildest severity that counts.
	FailOn inventory.Severity `json:"failOn"`
	// Checked is how many certificates were checked.
	Checked int `json:"checked"`
	// Findings are all that require action.
	Findings []CheckFinding `json:"findings"`
	// Skipped is what could not be read.
	Skipped []inventory.Skip `json:"skipped"`
}

// CheckFinding is a finding, and what it is about: a certificate, identified by
// sha256; a location, by source and name; or a request, by name. With code, that
// identifies the finding, and is the same in every run.
type CheckFinding struct {
	// Category is the kind of thing that it is about.
	Category string `json:"category"`
	// Name is that of the certificate or the request, or where the location is.
	Name string `json:"name"`
	// SHA256 identifies the certificate; "" for a request or a location.
	SHA256 string `json:"sha256"`
	// Source is the location's; "" for a certificate or a request.
	Source string `json:"source"`
	inventory.Finding
	// See is where the finding is explained.
	See string `json:"see"`
}

// Verdict is what Result returns, as a token.
type Verdict string

// The verdicts.
const (
	VerdictOK       Verdict = "ok"
	VerdictWarning  Verdict = "warning"
	VerdictCritical Verdict = "critical"
	VerdictUnknown  Verdict = "unknown"
)

// verdicts name what Result returns.
var verdicts = [...]Verdict{ResultOK: VerdictOK, ResultWarning: VerdictWarning, ResultCritical: VerdictCritical, ResultUnknown: VerdictUnknown}

// Verdicts lists every Verdict, in the order of the exit status.
func Verdicts() []Verdict { return verdicts[:] }

// Categories lists what CheckFinding.Category may be.
func Categories() []string {
	var tokens []string
	for _, c := range categories {
		tokens = append(tokens, c.token)
	}
	return tokens
}

// CheckJSON writes a CheckResult as JSON.
func CheckJSON(w io.Writer, inv *inventory.Inventory, o CheckOptions) error {
	return WriteJSON(w, newCheckResult(inv, o))
}

// CheckYAML writes a CheckResult as YAML.
func CheckYAML(w io.Writer, inv *inventory.Inventory, o CheckOptions) error {
	return WriteYAML(w, newCheckResult(inv, o))
}

func newCheckResult(inv *inventory.Inventory, o CheckOptions) CheckResult {
	code := Result(inv, o.FailOn)
	result := CheckResult{
		APIVersion: inventory.APIVersion, Kind: CheckKind,
		Cluster: inv.Cluster, TakenAt: inv.TakenAt,
		Result: verdicts[code], ExitCode: code, FailOn: o.FailOn, Checked: o.Checked,
		Findings: []CheckFinding{}, Skipped: append([]inventory.Skip{}, inv.Skipped...),
	}
	if result.FailOn == "" {
		result.FailOn = inventory.Warning
	}
	if result.Checked == 0 {
		result.Checked = len(inv.Items)
	}
	for _, c := range check(inv, o) {
		for _, s := range c.subjects {
			for _, f := range s.faults {
				result.Findings = append(result.Findings, CheckFinding{
					Category: c.token, Name: s.name, SHA256: s.sha256(), Source: s.source, Finding: f, See: see(f.Code),
				})
			}
		}
	}
	return result
}
