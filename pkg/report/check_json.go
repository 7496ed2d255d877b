package report

import (
	"io"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// CheckKind is the kind that a check is written as, in inventory.APIVersion.
const CheckKind = "CertificateCheck"

// CheckResult is what a check comes to.
type CheckResult struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Cluster    inventory.Cluster `json:"cluster"`
	TakenAt    time.Time         `json:"takenAt"`
	// Result is "ok", "warning", "critical" or "unknown".
	Result string `json:"result"`
	// ExitCode is that of the command.
	ExitCode int `json:"exitCode"`
	// FailOn is the mildest severity that counted.
	FailOn inventory.Severity `json:"failOn"`
	// Checked is how many certificates were checked.
	Checked int `json:"checked"`
	// Findings are all that somebody has to act on.
	Findings []CheckFinding `json:"findings"`
	// Skipped is what could not be read.
	Skipped []inventory.Skip `json:"skipped"`
}

// CheckFinding is a finding, and what it is about.
type CheckFinding struct {
	// Category is a token: certificate-authorities, servers, clients, tls-secrets,
	// webhooks-and-apis, certificate-signing-requests or other-locations.
	Category string `json:"category"`
	// Name is that of a certificate or a request, or the place in question.
	Name string `json:"name"`
	inventory.Finding
	// See is where the finding is explained.
	See string `json:"see"`
}

// results name what Result returns.
var results = map[int]string{ResultOK: "ok", ResultWarning: "warning", ResultCritical: "critical", ResultUnknown: "unknown"}

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
		Result: results[code], ExitCode: code, FailOn: o.FailOn, Checked: o.Checked,
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
				result.Findings = append(result.Findings, CheckFinding{c.token, s.name, f, see(f.Code)})
			}
		}
	}
	return result
}
