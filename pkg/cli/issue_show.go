package cli

import (
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// showPlan shows what will be asked for, before it is.
func (a *app) showPlan(c *cluster.Cluster, server string, plan *issue.Plan, grants []access.Grant) {
	a.say("Requesting a client certificate\n")
	a.say("  user     %s\n", pki.Quote(plan.Subject.CommonName))
	a.say("  groups   %s\n", pki.QuoteAll(plan.Subject.Organizations, "none"))
	a.say("  lifetime %s\n", humanLife(plan.ExpiresIn))
	a.say("  signer   %s\n", plan.Signer)
	if server == c.Server {
		a.say("  server   %s, as in your kubeconfig\n", server)
	} else {
		a.say("  server   %s in the new kubeconfig; you use %s\n", server, c.Server)
	}
	if len(grants) == 0 && len(plan.Subject.Organizations) == 0 && !strings.HasPrefix(plan.Subject.CommonName, "system:") {
		a.say("  access   none: give it with --role or --cluster-role, or by a binding to the user\n")
	}
	for _, g := range grants {
		a.say("  access   %s %s %s, by %s %s\n", g.Kind(), g.Role, g.Where(), g.Object(), g.Name(plan.Subject.CommonName))
	}
	if plan.PKCS10 != nil {
		algorithm, bits := pki.DescribeKey(plan.PublicKey)
		a.say("  key      %s %d, which stays with the requester\n", algorithm, bits)
	}
	if plan.Binding != nil {
		a.say("  binding  ClusterRoleBinding %s to ClusterRole %s will be created\n", plan.Binding.Name, plan.Binding.RoleRef.Name)
	}
	if c.Insecure {
		a.say("warning: the kubeconfig does not verify the server (insecure-skip-tls-verify), and neither will the new one\n")
	}
	if !plan.MayApprove && !plan.MayWithdraw {
		a.say("warning: you may not delete requests: if this one is not approved, it remains for a day\n")
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
		a.say("You may not approve it. Waiting for an approver, who runs: kubectl certs approve %s\n", name)
	case issue.Signed:
		a.say("Request %s signed\n", name)
	case issue.BindingCreated:
		a.say("ClusterRoleBinding %s created\n", name)
	}
}

// shortened returns the life of what was issued, and whether it is less than
// was asked. The signer dates a certificate back by some minutes, out of its
// life.
func shortened(request issue.Request, issued *issue.Issued) (life time.Duration, short bool) {
	life = issued.Certificate.NotAfter.Sub(issued.Certificate.NotBefore)
	return life, life < request.ExpiresIn.Truncate(time.Second)
}

// warnOfLife says that what was issued lives longer, or shorter, than was
// asked.
func (a *app) warnOfLife(request issue.Request, issued *issue.Issued) {
	if issued.Exceeds > 0 {
		a.say("warning: the signer made it valid until %s, %s longer than requested: it cannot be revoked\n", minute(issued.Certificate.NotAfter), humanLife(issued.Exceeds))
	}
	if life, short := shortened(request, issued); short {
		a.say("warning: the cluster shortened the lifetime from %s to %s\n", humanLife(request.ExpiresIn), humanLife(life))
	}
}

// showIssued says what was issued and where it is.
func (a *app) showIssued(out *outputs, request issue.Request, issued *issue.Issued) {
	cert := issued.Certificate
	a.warnOfLife(request, issued)
	w := a.out
	if out.standard != nil {
		w = a.errOut
	}
	fprintf(w, "Wrote %s: user %s, valid until %s (%s left)\n", out.where, pki.Quote(cert.Subject.CommonName),
		cert.NotAfter.UTC().Format("2006-01-02 15:04 MST"), humanLeft(cert.NotAfter.Sub(a.now())))
	if also := otherAttributes(pki.OtherAttributes(cert.Subject)); also != "" {
		a.say("warning: the subject of the certificate also has %s\n", also)
	}
	switch {
	case request.PKCS10 != nil:
		a.say("Send it back. It contains no private key; its user runs: %s accept FILE\n", a.program)
	case out.encrypted:
		a.say("Send it to its user, who runs: %s accept FILE\n", a.program)
	case out.context != "":
		a.say("Use it: kubectl config use-context %s\n", shellQuote(out.context))
	case out.try != "":
		a.say("Try it: kubectl --kubeconfig %s auth whoami\n", shellQuote(out.try))
	}
}

// shellQuote writes a word as a shell reads it back.
func shellQuote(word string) string { return hint.ShellWord(word) }
