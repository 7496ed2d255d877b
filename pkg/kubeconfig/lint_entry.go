package kubeconfig

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// entry judges one entry by itself.
func (l *linter) entry(e *Entry) {
	for _, part := range e.Kind.parts() {
		if e.Text(part[0]) != "" && e.Text(part[1]) != "" {
			l.find(CodeDataAndPath, inventory.Warning, e, int(e.body.Get(part[1]).Line), "remove the path, which is ignored: kubectl certs kubeconfig lint --fix",
				"has both %s, which is used, and %s, which is ignored", part[0], part[1])
		}
		l.junk(e, part)
	}
	switch e.Kind {
	case ClusterEntry:
		l.cluster(e)
	case UserEntry:
		l.user(e)
	}
}

// junk finds what stands behind the PEM that an entry holds: it was pasted
// wrongly, or cut off.
func (l *linter) junk(e *Entry, part [2]string) {
	data, err := e.data(part[0], part[1])
	if err != nil || data == nil {
		return // another rule says so
	}
	if rest := junk(data); rest != "" && strings.Contains(string(data), "-----BEGIN ") {
		l.find(CodeTrailingJunk, inventory.Warning, e, 0, "remove it, after checking what it was meant to be",
			"its %s has %d bytes after the last PEM block", part[1], len(rest))
	}
}

func (l *linter) cluster(e *Entry) {
	server := e.Text("server")
	address, err := url.Parse(server)
	switch {
	case server == "":
		l.find(CodeNoServer, inventory.Critical, e, 0, "specify the API server, as in https://host:6443", "has no server")
	case err != nil:
		l.find(CodeNoServer, inventory.Critical, e, 0, "specify the API server, as in https://host:6443", "has a server that is not a URL: %q", RedactURL(server))
	case address.Scheme == "http":
		l.find(CodePlainHTTP, inventory.Warning, e, 0, "use https: with http, anyone on the network path can read and change all traffic", "uses http: %s", RedactURL(server))
	}
	insecure, _ := boolean(e.body.Get("insecure-skip-tls-verify"))
	certs, err := e.CA()
	switch {
	case insecure && (e.Text(caData) != "" || e.Text(caFile) != ""):
		l.find(CodeInsecure, inventory.Critical, e, 0, "remove insecure-skip-tls-verify", "has a CA and insecure-skip-tls-verify, which kubectl refuses together")
	case insecure:
		l.find(CodeInsecure, inventory.Warning, e, 0, "put the cluster's CA in certificate-authority-data, from a source you trust, and remove insecure-skip-tls-verify",
			"does not verify its server: any server at that address receives the credentials")
	}
	if err != nil {
		l.find(CodeBadCertificate, inventory.Critical, e, 0, "get the CA again from a trusted source", "%s", within(e, err))
	}
	for _, cert := range certs {
		if l.now.After(cert.NotAfter) {
			l.find(CodeCAExpired, inventory.Critical, e, 0, "get the cluster's current CA from a trusted source",
				"its CA %q expired %s ago", cert.Subject.CommonName, duration.HumanDuration(l.now.Sub(cert.NotAfter)))
		}
	}
}

func (l *linter) user(e *Entry) {
	certs, err := e.Certificate()
	if err != nil {
		l.find(CodeBadCertificate, inventory.Critical, e, 0, "ask its issuer for a new one", "%s", within(e, err))
	}
	if len(certs) > 0 {
		l.dates(e, certs[0])
		if err := e.keyFault(certs[0]); err != nil {
			l.find(CodeKeyMismatch, inventory.Critical, e, 0, "find the matching private key, or have a new certificate issued", "%s", within(e, err))
		}
	}
	l.renewed(e)
	for _, field := range []string{keyFile, "tokenFile"} {
		path := e.Path(field)
		if path == "" {
			continue
		}
		l.permissions(path, e.In.Path, int(e.body.Get(field).Line), "the "+map[string]string{keyFile: "key", "tokenFile": "token"}[field]+" of "+e.String())
		if _, err := os.Stat(path); err != nil && field == "tokenFile" {
			l.find(CodeBadCertificate, inventory.Critical, e, int(e.body.Get(field).Line), "restore the file, or log in again", "its tokenFile %s: %v", path, withoutPath(err))
		}
	}
	if exec := e.body.Get("exec"); !exec.Empty() {
		l.exec(e, exec)
	}
}

// renewed looks at a certificate that renews itself: one that has ended did not.
func (l *linter) renewed(e *Entry) {
	certs, err := e.Renewed()
	switch {
	case err != nil:
		l.find(CodeBadCertificate, inventory.Critical, e, 0, "have a new one issued, and install it: kubectl certs credential --install", "%s", within(e, err))
	case len(certs) > 0 && l.now.After(certs[0].NotAfter):
		l.find(CodeExpired, inventory.Critical, e, 0, "renew it using the credentials of another context: kubectl certs renew CONTEXT --context OTHER",
			"its certificate, in %s, was not renewed and expired %s ago", e.RenewedFile(), duration.HumanDuration(l.now.Sub(certs[0].NotAfter)))
	}
}

func (l *linter) dates(e *Entry, cert *x509.Certificate) {
	const renew = "issue a new one while this one is valid: kubectl certs issue"
	switch {
	case l.now.After(cert.NotAfter):
		l.find(CodeExpired, inventory.Critical, e, 0, "have an administrator issue a new one",
			"its certificate expired %s ago, on %s", duration.HumanDuration(l.now.Sub(cert.NotAfter)), cert.NotAfter.UTC().Format("2006-01-02 15:04 MST"))
	case l.now.Before(cert.NotBefore):
		l.find(CodeNotYetValid, inventory.Critical, e, 0, "compare the clock of this machine with that of the issuer",
			"its certificate is valid only from %s", cert.NotBefore.UTC().Format("2006-01-02 15:04 MST"))
	case inventory.ExpiresSoon(cert.NotBefore, cert.NotAfter, l.now):
		l.find(CodeExpiresSoon, inventory.Warning, e, 0, renew,
			"its certificate expires in %s, on %s", duration.HumanDuration(cert.NotAfter.Sub(l.now)), cert.NotAfter.UTC().Format("2006-01-02 15:04 MST"))
	}
}

func (l *linter) exec(e *Entry, exec *yamledit.Node) {
	command := e.In.command(exec)
	fix := "install it, or use another way to authenticate"
	if advice := strings.TrimSpace(exec.Text("installHint")); advice != "" {
		fix = advice
	}
	switch {
	case command == "":
		l.find(CodeExecMissing, inventory.Critical, e, int(exec.Line), "specify the program", "has an exec credential plugin without a command")
	case strings.ContainsRune(command, filepath.Separator):
		if info, err := os.Stat(command); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			l.find(CodeExecMissing, inventory.Critical, e, int(exec.Line), fix, "authenticates with %s, which is not a program on this machine", command)
		}
	case !l.programs.Installed(command):
		l.find(CodeExecMissing, inventory.Critical, e, int(exec.Line), fix, "authenticates with the program %s, which is not in PATH", command)
	}
	if command == "" {
		return
	}
	l.find(CodeExec, inventory.Info, e, int(exec.Line), "nothing, if you know and trust the program",
		"authenticates with a program: %s", ExecCommand(exec, command))
	if err := l.programs.Allowed(command); err != nil {
		l.find(CodeExecNotAllowed, inventory.Critical, e, int(exec.Line), cmp.Or(hint.Of(err), "allow it in kuberc if you trust the program"), "%s", err)
	}
}

// within is an error about an entry, without the entry's own name before it.
func within(e *Entry, err error) string {
	text := strings.TrimPrefix(err.Error(), e.String()+": ")
	return strings.TrimPrefix(text, e.String()+" ")
}

// Fix mends what can be mended in the kubeconfig without asking anyone: a path
// that does not count beside data, and a current context that is not there.
func (c *Config) Fix() ([]Change, error) {
	changes, err := c.convert(nil, func(e *Entry) ([]yamledit.Field, error) {
		var fields []yamledit.Field
		for _, part := range e.Kind.parts() {
			if e.Text(part[0]) != "" && e.Text(part[1]) != "" {
				fields = append(fields, yamledit.Field{Key: part[1]})
			}
		}
		return fields, nil
	})
	if err != nil {
		return nil, err
	}
	for number, d := range c.files {
		if current := d.Current(); current != "" && c.Entry(ContextEntry, current) == nil {
			if err := c.setCurrent(number, ""); err != nil {
				return nil, err
			}
			changes = append(changes, Change{Removed, currentContext, current, "", d.Path})
		}
	}
	return changes, nil
}

// FixModes takes away from everybody but its owner what a finding says that
// others may read, and returns the paths.
func (r *Report) FixModes() ([]string, error) {
	var fixed []string
	for _, f := range r.Findings {
		if f.Code != CodeReadable {
			continue
		}
		at, err := locate(f.Where)
		if err == nil {
			err = at.changeMode(func(m fs.FileMode) fs.FileMode { return m & mode })
			at.Close()
		}
		if err != nil {
			return fixed, fmt.Errorf("changing the mode of %s: %w", f.Where, withoutPath(err))
		}
		fixed = append(fixed, f.Where)
	}
	return fixed, nil
}
