package inventory

// Severity says how soon somebody has to act on a finding.
type Severity string

// Severities, mildest first.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Code is the stable name of a kind of finding. Each has a section of that
// name in docs/findings.md.
type Code string

// The codes.
const (
	CodeExpired       Code = "expired"
	CodeExpiresSoon   Code = "expires-soon"
	CodeNotYetValid   Code = "not-yet-valid"
	CodeChainBroken   Code = "chain-broken"
	CodeUnverified    Code = "unverified"
	CodeSANMismatch   Code = "san-mismatch"
	CodeWrongUsage    Code = "wrong-usage"
	CodeWeakKey       Code = "weak-key"
	CodeWeakSignature Code = "weak-signature"
)

// Codes lists every Code.
func Codes() []Code {
	return []Code{
		CodeExpired, CodeExpiresSoon, CodeNotYetValid, CodeChainBroken, CodeUnverified,
		CodeSANMismatch, CodeWrongUsage, CodeWeakKey, CodeWeakSignature,
	}
}

// Finding is something about a certificate that somebody should know.
type Finding struct {
	Code     Code     `json:"code"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Fix      string   `json:"fix"`
}

// statusOf sums up findings: the worst of them decides.
func statusOf(findings []Finding) Status {
	status := OK
	for _, f := range findings {
		switch {
		case f.Code == CodeExpired:
			return Expired
		case f.Severity == Critical:
			status = Invalid
		case f.Code == CodeExpiresSoon && status == OK:
			status = Expiring
		}
	}
	return status
}
