package cli

import (
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
)

// showPlan shows what will be asked for, before it is.
func (a *app) showPlan(c *cluster.Cluster, plan *issue.Plan) {
	a.say("Requesting a client certificate\n")
	a.say("  user     %s\n", plan.Subject.CommonName)
	groups := strings.Join(plan.Subject.Organizations, ", ")
	if groups == "" {
		groups = "none"
	}
	a.say("  groups   %s\n", groups)
	a.say("  life     %s\n", humanLife(plan.ExpiresIn))
	a.say("  signer   %s\n", issue.SignerName)
	a.say("  server   %s, as in your kubeconfig\n", c.Server)
	if plan.Binding != nil {
		a.say("  binding  ClusterRoleBinding %s to ClusterRole %s will be created\n", plan.Binding.Name, plan.Binding.RoleRef.Name)
	}
	if c.Insecure {
		a.say("warning: the kubeconfig does not verify the server (insecure-skip-tls-verify), and neither will the new one\n")
	}
	if !plan.MayApprove && !plan.MayWithdraw {
		a.say("warning: you may not delete requests: if this one is not approved, it stays for a day\n")
	}
}

// showEvent says how far the request is.
func (a *app) showEvent(event issue.Event, name string) {
	switch event {
	case issue.Submitted:
		a.say("Request %s submitted\n", name)
	case issue.Approved:
		a.say("Request %s approved\n", name)
	case issue.AwaitingApproval:
		a.say("You may not approve it. Waiting for somebody who runs: kubectl certificate approve %s\n", name)
	case issue.Signed:
		a.say("Request %s signed\n", name)
	case issue.BindingCreated:
		a.say("ClusterRoleBinding %s created\n", name)
	}
}

// showIssued says what was issued and where it is.
func (a *app) showIssued(f issueFlags, profileName string, request issue.Request, issued *issue.Issued) {
	cert := issued.Certificate
	// The signer dates a certificate back by some minutes, out of its life.
	if life := cert.NotAfter.Sub(cert.NotBefore); life < request.ExpiresIn.Truncate(time.Second) {
		a.say("warning: the cluster shortened the life from %s to %s\n", humanLife(request.ExpiresIn), humanLife(life))
	}
	w, where := a.out, f.path(profileName)
	if f.out == "-" {
		w, where = a.errOut, "the kubeconfig to standard output"
	}
	fprintf(w, "Wrote %s: user %s, valid until %s (%s left)\n", where, cert.Subject.CommonName,
		cert.NotAfter.UTC().Format("2006-01-02 15:04 MST"), humanLeft(cert.NotAfter.Sub(a.now())))
	if f.out != "-" {
		a.say("Try it: kubectl --kubeconfig %s auth whoami\n", shellQuote(where))
	}
}

// shellQuote writes a word as a shell reads it back.
func shellQuote(word string) string {
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./@:+,%=", r)
	}) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
