package kubeconfig

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// Code is the stable name of a kind of finding of Lint. Each has a section of
// that name in docs/kubeconfig.md.
type Code string

// The codes.
const (
	CodeUnreadable        Code = "unreadable"
	CodeMalformed         Code = "malformed"
	CodeDuplicateName     Code = "duplicate-name"
	CodeDangling          Code = "dangling-reference"
	CodeNoServer          Code = "no-server"
	CodePlainHTTP         Code = "plain-http"
	CodeInsecure          Code = "insecure-skip-tls-verify"
	CodeBadCertificate    Code = "bad-certificate"
	CodeKeyMismatch       Code = "key-mismatch"
	CodeExpired           Code = "expired"
	CodeExpiresSoon       Code = "expires-soon"
	CodeNotYetValid       Code = "not-yet-valid"
	CodeCAExpired         Code = "ca-expired"
	CodeDataAndPath       Code = "data-and-path"
	CodeTrailingJunk      Code = "trailing-junk"
	CodeReadable          Code = "readable-by-others"
	CodeExec              Code = "exec"
	CodeExecMissing       Code = "exec-missing"
	CodeExecNotAllowed    Code = "exec-not-allowed"
	CodeUnused            Code = "unused"
	CodeUntrustedServer   Code = "untrusted-server"
	CodeUnreachableServer Code = "unreachable-server"
	CodeRefused           Code = "refused"
)

// Codes lists every Code.
func Codes() []Code {
	return []Code{
		CodeUnreadable, CodeMalformed, CodeDuplicateName, CodeDangling, CodeNoServer, CodePlainHTTP, CodeInsecure,
		CodeBadCertificate, CodeKeyMismatch, CodeExpired, CodeExpiresSoon, CodeNotYetValid, CodeCAExpired, CodeDataAndPath,
		CodeTrailingJunk, CodeReadable, CodeExec, CodeExecMissing, CodeExecNotAllowed, CodeUnused, CodeUntrustedServer, CodeUnreachableServer, CodeRefused,
	}
}

// ReportKind is the kind that findings are written as.
const ReportKind = "KubeconfigReport"

// Report is what is to be known of a kubeconfig.
type Report struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// TakenAt is the time that it is as of.
	TakenAt time.Time `json:"takenAt"`
	// Findings are what is to be known, the worst first.
	Findings []Finding `json:"findings"`
}

// Finding is something to be known of a kubeconfig. It is identified by file, where
// and code, which two fields of one entry may share.
type Finding struct {
	// Code is stable; docs/kubeconfig.md has a section of that name.
	Code Code `json:"code"`
	// Severity says how soon to act on it.
	Severity inventory.Severity `json:"severity"`
	// Where is the entry, such as user alice, or a file.
	Where string `json:"where"`
	// File is the file that it is in.
	File string `json:"file"`
	// Line is the line in the file; 0 where that is not known.
	Line int `json:"line"`
	// Message says it in words, which may change.
	Message string `json:"message"`
	// Fix says what to do, in words, which may change.
	Fix string `json:"fix"`
	// Fixable says that lint --fix fixes it.
	Fixable bool `json:"fixable"`
}

// linter collects findings.
type linter struct {
	c        *Config
	now      time.Time
	programs Programs
	findings []Finding
}

// Programs is what there is to know of the programs that users run.
type Programs struct {
	// Installed says whether a program is in PATH.
	Installed func(program string) bool
	// Allowed returns an error, with a hint, if kubectl would not run a command.
	Allowed func(command string) error
}

// Lint judges the files of a kubeconfig as they are at now. It reads the files
// that they name, runs no program, and contacts nobody.
func Lint(files Files, now time.Time, programs Programs) *Report {
	l := &linter{now: now, programs: programs, c: &Config{}}
	for _, path := range files.Paths {
		if d := l.read(path, files.Explicit || len(files.Paths) == 1); d != nil {
			l.c.files = append(l.c.files, d)
			l.c.there = append(l.c.there, true)
		}
	}
	for _, d := range l.c.files {
		l.permissions(d.Path, d.Path, 0, "the kubeconfig")
		for kind := range kinds {
			for _, e := range d.Entries(Kind(kind)) {
				l.entry(e)
			}
		}
	}
	l.references()
	slices.SortStableFunc(l.findings, func(a, b Finding) int { return rank(b.Severity) - rank(a.Severity) })
	return &Report{APIVersion: APIVersion, Kind: ReportKind, TakenAt: now.UTC().Truncate(time.Second), Findings: append([]Finding{}, l.findings...)}
}

func rank(s inventory.Severity) int {
	return slices.Index([]inventory.Severity{inventory.Info, inventory.Warning, inventory.Critical}, s)
}

// Worst is the worst severity among the findings of other codes than these; ""
// for none.
func (r *Report) Worst(except ...Code) inventory.Severity {
	worst := inventory.Severity("")
	for _, f := range r.Findings {
		if rank(f.Severity) > rank(worst) && !slices.Contains(except, f.Code) {
			worst = f.Severity
		}
	}
	return worst
}

// Has reports whether a code is among the findings.
func (r *Report) Has(code Code) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code == code })
}

func (l *linter) find(code Code, severity inventory.Severity, e *Entry, line int, fix, format string, args ...any) {
	if line == 0 {
		line = e.Line
	}
	l.findings = append(l.findings, Finding{
		Code: code, Severity: severity, Where: e.String(), File: e.In.Path, Line: line, Message: fmt.Sprintf(format, args...), Fix: fix,
		Fixable: code == CodeDataAndPath,
	})
}

// read reads a file whatever is wrong with it, and says what is.
func (l *linter) read(path string, needed bool) *Document {
	text, there, err := readFile(path)
	if err == nil && !there {
		if !needed {
			return nil
		}
		err = fmt.Errorf("reading kubeconfig %s: no such file", path)
	}
	var d *Document
	if err == nil {
		d, err = read(path, text)
	}
	if err != nil {
		line, message := 0, strings.TrimPrefix(err.Error(), "reading kubeconfig "+path+": ")
		l.findings = append(l.findings, Finding{Code: CodeUnreadable, Severity: inventory.Critical, Where: path, File: path, Line: line, Message: message, Fix: "fix the file, or restore a backup: kubectl certs kubeconfig restore"})
		return nil
	}
	if err := judge(text); err != nil && len(d.faults) == 0 {
		l.findings = append(l.findings, Finding{Code: CodeMalformed, Severity: inventory.Critical, Where: path, File: path,
			Message: "kubectl refuses it: " + err.Error(), Fix: "fix the file, or restore a backup: kubectl certs kubeconfig restore"})
	}
	for _, f := range d.faults {
		code, fix := CodeMalformed, "fix the line manually: kubectl refuses the file"
		if strings.HasPrefix(f.Problem, "duplicate entry") {
			code, fix = CodeDuplicateName, "rename or remove one of them manually: kubectl refuses the file"
		}
		where := f.Where
		if where == "" {
			where = path
		}
		l.findings = append(l.findings, Finding{Code: code, Severity: inventory.Critical, Where: where, File: path, Line: f.Line, Message: f.Problem, Fix: fix})
	}
	return d
}

// permissions judges who may read a file with a key in it.
func (l *linter) permissions(path, file string, line int, what string) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 == 0 {
		return
	}
	severity, who := inventory.Warning, "its group"
	if info.Mode().Perm()&0o007 != 0 {
		severity, who = inventory.Critical, "all users of this machine"
	}
	verb := "read"
	if info.Mode().Perm()&0o022 != 0 {
		verb = "change"
	}
	l.findings = append(l.findings, Finding{
		Code: CodeReadable, Severity: severity, Where: path, File: file, Line: line, Fixable: true,
		Message: fmt.Sprintf("%s may %s %s (mode %04o)", who, verb, what, info.Mode().Perm()),
		Fix:     "chmod 600 " + path,
	})
}

// references finds what leads nowhere, and what nobody leads to.
func (l *linter) references() {
	used := [len(kinds)]map[string]bool{{}, {}, {}}
	for _, e := range l.c.Entries(ContextEntry) {
		for _, kind := range []Kind{ClusterEntry, UserEntry} {
			name := e.Text(kind.String())
			used[kind][name] = true
			if name != "" && l.c.Entry(kind, name) == nil {
				l.find(CodeDangling, inventory.Critical, e, 0, "add that "+kind.String()+", or delete dangling entries: kubectl certs kubeconfig prune", "refers to %s %q, which does not exist", kind, name)
			}
		}
	}
	for _, kind := range []Kind{ClusterEntry, UserEntry} {
		for _, e := range l.c.Entries(kind) {
			if !used[kind][e.Name] {
				l.find(CodeUnused, inventory.Info, e, 0, "delete unused entries: kubectl certs kubeconfig prune", "no context refers to it")
			}
		}
	}
	for _, d := range l.c.files {
		if current := d.Current(); current != "" && l.c.Entry(ContextEntry, current) == nil {
			l.findings = append(l.findings, Finding{
				Code: CodeDangling, Severity: inventory.Critical, Where: currentContext, File: d.Path, Line: int(d.yaml().Root.Get(currentContext).Line), Fixable: true,
				Message: fmt.Sprintf("is %q, which does not exist", current), Fix: "choose an existing one: kubectl certs kubeconfig use",
			})
		}
	}
}

// AddPing adds what came of asking a context's server.
func (r *Report) AddPing(context *Entry, ping Ping) {
	f := Finding{Severity: inventory.Critical, Where: context.String(), File: context.In.Path, Line: context.Line, Message: ping.Error}
	switch ping.Fault {
	case "":
		return
	case "untrusted":
		f.Code, f.Fix = CodeUntrustedServer, "get the cluster's current CA from a trusted source"
	case "skipped":
		f.Code, f.Severity, f.Fix = CodeExec, inventory.Info, "to run the program: kubectl certs kubeconfig lint --ping --exec"
	case "plugin":
		f.Code, f.Fix = CodeRefused, "log in again, or use another way to authenticate"
	case "refused":
		f.Code, f.Fix = CodeRefused, "log in again, or have a new certificate issued"
	default:
		f.Code, f.Severity, f.Fix = CodeUnreachableServer, inventory.Warning, "check the address, the network and that the server is running"
	}
	r.Findings = append(r.Findings, f)
}
