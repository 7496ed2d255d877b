package inventory

import (
	"cmp"
	"slices"
)

// Severity says how soon somebody has to act on a finding.
type Severity string

// Severities, mildest first.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Severities lists every Severity, mildest first.
func Severities() []Severity { return []Severity{Info, Warning, Critical} }

// Compare orders severities, mildest first.
func (s Severity) Compare(other Severity) int {
	return cmp.Compare(slices.Index(Severities(), s), slices.Index(Severities(), other))
}

func mildest(a, b Severity) Severity {
	if a.Compare(b) < 0 {
		return a
	}
	return b
}

// Code is the stable name of a kind of finding. Each has a section of that
// name in docs/findings.md.
type Code string

// The codes.
const (
	CodeExpired         Code = "expired"
	CodeExpiresSoon     Code = "expires-soon"
	CodeNotYetValid     Code = "not-yet-valid"
	CodeChainBroken     Code = "chain-broken"
	CodeUnverified      Code = "unverified"
	CodeSelfSigned      Code = "self-signed"
	CodeCAExpiresFirst  Code = "ca-expires-before-leaf"
	CodeSANMismatch     Code = "san-mismatch"
	CodeWrongUsage      Code = "wrong-usage"
	CodeWrongSubject    Code = "wrong-subject"
	CodeWeakKey         Code = "weak-key"
	CodeWeakSignature   Code = "weak-signature"
	CodeDuplicateSerial Code = "duplicate-serial"
	CodeKeyMismatch     Code = "key-mismatch"
	CodeKeyUnusable     Code = "key-unusable"
	CodeServedDiffers   Code = "served-differs-from-file"
	CodeClusterAdmin    Code = "cluster-admin-by-certificate"
	CodeLongLivedClient Code = "long-lived-client"
	CodeNoCertificate   Code = "no-certificate"
	CodeUnreadable      Code = "unreadable"
	CodePendingTooLong  Code = "pending-too-long"
	CodeWebhookBundle   Code = "webhook-bundle-empty"
	CodeInsecureSkip    Code = "insecure-skip"
	CodeDamagedRecord   Code = "damaged-record"
)

// Codes lists every Code.
func Codes() []Code {
	return []Code{
		CodeExpired, CodeExpiresSoon, CodeNotYetValid, CodeChainBroken, CodeUnverified, CodeSelfSigned,
		CodeCAExpiresFirst, CodeSANMismatch, CodeWrongUsage, CodeWrongSubject, CodeWeakKey, CodeWeakSignature,
		CodeDuplicateSerial, CodeKeyMismatch, CodeKeyUnusable, CodeServedDiffers, CodeClusterAdmin, CodeLongLivedClient,
		CodeNoCertificate, CodeUnreadable, CodePendingTooLong, CodeWebhookBundle, CodeInsecureSkip,
		CodeDamagedRecord,
	}
}

// Finding is something to be known of a certificate.
type Finding struct {
	// Code is stable; docs/findings.md has a section of that name.
	Code Code `json:"code"`
	// Severity says how soon to act on it.
	Severity Severity `json:"severity"`
	// Message says it in words, which may change.
	Message string `json:"message"`
	// Fix says what to do, in words, which may change; "" where there is nothing.
	Fix string `json:"fix"`
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
		case f.Code == CodeExpiresSoon && f.Severity != Info && status == OK:
			status = Expiring
		}
	}
	return status
}
