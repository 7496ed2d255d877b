package kubeconfig

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// TakenCode is the stable name of a kind of thing that a kubeconfig from
// elsewhere may bring along, and its reader should know of before using it.
type TakenCode string

// The codes.
const (
	TakenExec         TakenCode = "exec"
	TakenAuthProvider TakenCode = "auth-provider"
	TakenProxy        TakenCode = "proxy-url"
	TakenInsecure     TakenCode = "insecure"
	TakenServerName   TakenCode = "tls-server-name"
	TakenTokenFile    TakenCode = "token-file"
	TakenHTTP         TakenCode = "http"
	TakenOwnUser      TakenCode = "own-user"
)

// TakenCodes lists every TakenCode.
func TakenCodes() []TakenCode {
	return []TakenCode{TakenExec, TakenAuthProvider, TakenProxy, TakenInsecure, TakenServerName, TakenTokenFile, TakenHTTP, TakenOwnUser}
}

// Taken is something that a merge takes over and that reaches beyond names and
// certificates: it runs a program, sends what is here elsewhere, or lowers a
// guard.
type Taken struct {
	Code TakenCode
	// Text says it in a sentence, without secrets.
	Text string
	// Details are what is run, in full, a line each: a person decides about
	// what would run, and not about a mask of it.
	Details []string
}

// Taken finds such things in what a merge of in into c, which is done, has added
// or replaced.
func (c *Config) Taken(in *Document, changes []Change) []Taken {
	come := map[string]string{} // by kind and new name: the name in what came
	for _, change := range changes {
		if change.Verb == Added || change.Verb == Replaced {
			name := change.Name
			if change.Was != "" {
				name = change.Was
			}
			come[change.Kind+"/"+change.Name] = name
		}
	}
	var all []Taken
	for _, change := range changes {
		name, ok := come[change.Kind+"/"+change.Name]
		if !ok {
			continue
		}
		switch change.Kind {
		case ClusterEntry.String():
			all = append(all, in.takenCluster(in.Entry(ClusterEntry, name))...)
		case UserEntry.String():
			all = append(all, in.takenUser(in.Entry(UserEntry, name))...)
		case ContextEntry.String():
			all = append(all, c.takenContext(change.Name, in, come)...)
		}
	}
	return all
}

// AllTaken finds such things in all of a document.
func (d *Document) AllTaken() []Taken {
	var changes []Change
	for kind := range kinds {
		for _, e := range d.Entries(Kind(kind)) {
			changes = append(changes, Change{Verb: Added, Kind: e.Kind.String(), Name: e.Name})
		}
	}
	return NewConfig(d).Taken(d, changes)
}

func (d *Document) takenCluster(e *Entry) []Taken {
	if e == nil {
		return nil
	}
	var all []Taken
	add := func(code TakenCode, format string, args ...any) {
		all = append(all, Taken{Code: code, Text: fmt.Sprintf("%s ", e) + fmt.Sprintf(format, args...)})
	}
	if proxy := e.Text("proxy-url"); proxy != "" {
		add(TakenProxy, "goes through the proxy %s", RedactURL(proxy))
	}
	if insecure, ok := boolean(e.body.Get("insecure-skip-tls-verify")); insecure || !ok && !e.body.Get("insecure-skip-tls-verify").Empty() {
		add(TakenInsecure, "does not verify its server (insecure-skip-tls-verify): any server at %s receives the credentials", RedactURL(e.Text("server")))
	}
	if name := e.Text("tls-server-name"); name != "" {
		add(TakenServerName, "verifies its server %s for another name, %q (tls-server-name)", RedactURL(e.Text("server")), name)
	}
	if address, err := url.Parse(e.Text("server")); e.Text("server") != "" && (err != nil || !strings.EqualFold(address.Scheme, "https")) {
		add(TakenHTTP, "does not use https: anyone on the network path can read the credentials: %s", RedactURL(e.Text("server")))
	}
	return all
}

func (d *Document) takenUser(e *Entry) []Taken {
	if e == nil {
		return nil
	}
	var all []Taken
	if exec := e.body.Get("exec"); !exec.Empty() {
		command := d.command(exec)
		all = append(all, Taken{TakenExec, fmt.Sprintf("%s runs a program whenever it is used: %s", e, ExecCommand(exec, command)), execDetails(exec, command)})
	}
	if provider := e.body.Get("auth-provider"); !provider.Empty() {
		taken := Taken{Code: TakenAuthProvider, Text: fmt.Sprintf("%s uses the auth provider %q", e, provider.Text("name"))}
		if issuer := provider.Get("config").Text("idp-issuer-url"); issuer != "" {
			taken.Text += ", at " + RedactURL(issuer)
		}
		all = append(all, taken)
	}
	if file := e.Path("tokenFile"); file != "" {
		all = append(all, Taken{Code: TakenTokenFile, Text: fmt.Sprintf("%s sends the contents of file %s to its server (tokenFile)", e, file)})
	}
	return all
}

// execDetails are what a credential plugin is run with, in full.
func execDetails(exec *yamledit.Node, command string) []string {
	lines := []string{"command: " + strconv.Quote(command)}
	if args := exec.Get("args"); args != nil {
		for i := range args.Children {
			lines = append(lines, "arg:     "+strconv.Quote(args.Children[i].Value))
		}
	}
	if env := exec.Get("env"); env != nil {
		for i := range env.Children {
			lines = append(lines, "env:     "+strconv.Quote(env.Children[i].Text("name")+"="+env.Children[i].Text("value")))
		}
	}
	return lines
}

// takenContext finds a context that came along and sends the credentials of a
// user who was here to a cluster, which may have come with another file.
func (c *Config) takenContext(name string, in *Document, come map[string]string) []Taken {
	e := c.Entry(ContextEntry, name)
	if e == nil {
		return nil
	}
	user, cluster := e.Text("user"), e.Text("cluster")
	_, newUser := come[UserEntry.String()+"/"+user]
	ours := c.Entry(UserEntry, user)
	if newUser || ours == nil || c.Entry(ClusterEntry, cluster) == nil {
		return nil
	}
	// Whoever sent the very same credentials has them already. The same program
	// or path is no secret, and could be guessed.
	theirs := in.Entry(UserEntry, in.Entry(ContextEntry, come[ContextEntry.String()+"/"+name]).Text("user"))
	if theirs != nil && theirs.isSelfContained() && len((&merge{in: in}).differs(ours, theirs)) == 0 {
		return nil
	}
	return []Taken{{Code: TakenOwnUser, Text: fmt.Sprintf("%s sends the credentials of your own user %q to %s", e, user, RedactURL(c.Entry(ClusterEntry, cluster).Text("server")))}}
}

// isSelfContained reports whether a user's credentials stand in the entry itself.
func (e *Entry) isSelfContained() bool {
	for _, field := range []string{"exec", "auth-provider", "tokenFile", certificateFile, keyFile} {
		if !e.body.Get(field).Empty() {
			return false
		}
	}
	return e.Text("token") != "" || e.Text(keyData) != "" || e.Text("password") != ""
}

// MissingTaken are those of all whose code is not among allowed.
func MissingTaken(all []Taken, allowed []TakenCode) []Taken {
	return slices.DeleteFunc(slices.Clone(all), func(t Taken) bool { return slices.Contains(allowed, t.Code) })
}
