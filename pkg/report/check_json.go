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
	// Verdict is "sound", "warning", "critical" or "unknown".
	Verdict string `json:"verdict"`
	// ExitCode is that of the command.
	ExitCode int `json:"exitCode"`
	// FailOn is the mildest severity that counted.
	FailOn inventory.Severity `json:"failOn"`
	// Seen is how many certificates were looked at.
	Seen int `json:"seen"`
	// Findings are all that somebody has to act on.
	Findings []CheckFinding `json:"findings"`
	// Skipped is what could not be read.
	Skipped []inventory.Skip `json:"skipped"`
}

// CheckFinding is a finding, and what it is about.
type CheckFinding struct {
	Category string `json:"category"`
	// Name is that of a certificate or a request, or the place in question.
	Name string `json:"name"`
	inventory.Finding
	// See is where the finding is explained.
	See string `json:"see"`
}

// verdicts name what Verdict returns.
var verdicts = map[int]string{Sound: "sound", Warnings: "warning", Broken: "critical", Unknown: "unknown"}

// CheckJSON writes a CheckResult.
func CheckJSON(w io.Writer, inv *inventory.Inventory, o CheckOptions) error {
	code := Verdict(inv, o.FailOn)
	result := CheckResult{
		APIVersion: inventory.APIVersion, Kind: CheckKind,
		Cluster: inv.Cluster, TakenAt: inv.TakenAt,
		Verdict: verdicts[code], ExitCode: code, FailOn: o.FailOn, Seen: o.Seen,
		Findings: []CheckFinding{}, Skipped: append([]inventory.Skip{}, inv.Skipped...),
	}
	if result.FailOn == "" {
		result.FailOn = inventory.Warning
	}
	if result.Seen == 0 {
		result.Seen = len(inv.Items)
	}
	for _, c := range check(inv, o) {
		for _, s := range c.subjects {
			for _, f := range s.faults {
				result.Findings = append(result.Findings, CheckFinding{c.name, s.name, f, see(f.Code)})
			}
		}
	}
	return WriteJSON(w, result)
}
