package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
)

// sideBySide is how many people are served at a time. The signer of a usual
// cluster takes 20 requests a second (kube-controller-manager's
// --kube-api-qps), which this many keep busy.
const sideBySide = 16

// waiting is how many are served at a time where somebody else approves, and
// each one waits.
const waiting = 100

// batch lets many people in.
type batch struct {
	*app
	c     *cluster.Cluster
	flags issueFlags
	// namespace is the default of the new kubeconfigs; "" for none.
	namespace string
	plan      *issue.Plan
	// records are those of everybody, nil where they cannot be read, and
	// recorded the fingerprints of their certificates.
	records  *access.Records
	recorded map[string]bool
	show     *progress
	// unrecorded is why some certificate could not be recorded.
	unrecorded error
	// shortened counts the certificates that live shorter than was asked, and
	// toLife is the life of one of them.
	shortened int
	toLife    time.Duration
	// exceeding counts those that live longer than was asked, and exceeds is by
	// how much one of them does.
	exceeding int
	exceeds   time.Duration
	mu        sync.Mutex
}

func (a *app) issueMany(ctx context.Context, g *globals, args []string, f issueFlags) error {
	if err := f.checkMany(args); err != nil {
		return err
	}
	everybody, err := a.readPeople(f)
	if err != nil {
		return err
	}
	c, err := a.connect(g)
	if err != nil {
		return err
	}
	if err := c.CheckCredentials(); err != nil {
		return err
	}
	for i := range everybody {
		for j := range everybody[i].grants {
			if n := &everybody[i].grants[j]; n.Namespace == ownNamespace {
				n.Namespace = c.Namespace
			}
		}
	}
	if err := a.advertise(ctx, c, f); err != nil {
		return err
	}
	made, err := makeDirectory(f.out)
	if err != nil {
		return err
	}
	b := &batch{app: a, c: c, flags: f, namespace: flagValue(g.kubectl.Namespace), show: a.newProgress(len(everybody))}
	if err := b.prepare(ctx, everybody); err != nil {
		removeDirectory(made)
		return c.Explain(err, a.now())
	}
	b.serve(ctx, everybody)
	return b.sum(ctx)
}

// prepare finds out once what everybody needs: what the caller may do, what
// each role is, and what was recorded before.
func (b *batch) prepare(ctx context.Context, everybody []newcomer) error {
	var distinct []access.Grant
	users := map[access.Grant]int{}
	for _, n := range everybody {
		for _, g := range n.grants {
			if users[g]++; users[g] == 1 {
				distinct = append(distinct, g)
			}
		}
	}
	done := make(chan error, 1)
	go func() { done <- b.readRecords(ctx) }()
	plan, prepared, err := b.app.prepare(ctx, b.c, everybody[0].request, distinct, true)
	recordsErr := <-done
	if err != nil {
		return err
	}
	if recordsErr != nil {
		return recordsErr
	}
	b.plan = plan
	known := map[access.Grant]access.Grant{}
	for i, g := range distinct {
		known[g] = prepared[i]
	}
	for _, n := range everybody {
		for i, g := range n.grants {
			n.grants[i] = known[g]
		}
	}
	b.say("Issuing for %s, into %s\n", count(len(everybody), "user"), b.flags.out)
	for i, g := range prepared {
		b.say("  access   %s %s %s, for %d of them\n", g.Kind(), g.Role, g.Where(), users[distinct[i]])
	}
	if !plan.MayApprove {
		b.say("You may not approve their requests. Waiting for an approver, who runs: %s approve NAME\n", b.program)
	}
	return nil
}

func (b *batch) readRecords(ctx context.Context) error {
	records, err := access.List(ctx, b.c.Client, "", nil)
	if isMissing(err) {
		b.say("warning: earlier certificates are checked by the files alone, and whether a user was offboarded is not known: %s\n", err)
		return nil
	}
	if err != nil {
		return err
	}
	b.records, b.recorded = records, map[string]bool{}
	for _, r := range records.Items {
		b.recorded[r.Fingerprint] = true
	}
	return nil
}

// checkStanding refuses those whose access was ended, or takes that back.
func (b *batch) checkStanding(ctx context.Context, n newcomer) error {
	if b.records == nil {
		return nil
	}
	standing := b.records.Standing(n.name)
	if err := standing.Refusal(); err == nil || !b.flags.reinstate {
		return err
	}
	return b.c.Explain(standing.Reinstate(ctx, b.c.Client, b.now()), b.now())
}

// serve lets everybody in, some at a time. One who fails does not hold up the
// others.
func (b *batch) serve(ctx context.Context, everybody []newcomer) {
	atATime := sideBySide
	if !b.plan.MayApprove {
		atATime = waiting
	}
	queue := make(chan newcomer)
	var crew sync.WaitGroup
	for range min(atATime, len(everybody)) {
		crew.Go(func() {
			for n := range queue {
				done, err := b.letIn(ctx, n)
				if err != nil && ctx.Err() != nil && !leavesSomething(err) {
					continue // an interrupt is told once, for all
				}
				b.show.add(n.name, done, err)
			}
		})
	}
	for _, n := range everybody {
		if ctx.Err() != nil {
			break
		}
		queue <- n
	}
	close(queue)
	crew.Wait()
}

// leavesSomething reports whether err says that a request could not be
// withdrawn.
func leavesSomething(err error) bool {
	_, left := errors.AsType[*issue.LeftPending](err)
	return left
}

// letIn does what is missing for one person.
func (b *batch) letIn(ctx context.Context, n newcomer) (outcome, error) {
	if err := b.checkStanding(ctx, n); err != nil {
		return failed, err
	}
	missing, err := access.Missing(ctx, b.c.Client, n.name, n.grants)
	if err != nil {
		return failed, b.c.Explain(err, b.now())
	}
	present, err := b.present(ctx, n)
	if err != nil {
		return failed, err
	}
	if present == nil {
		return issuedNow, b.issueTo(ctx, n, missing)
	}
	done := complete
	if len(missing) > 0 {
		if _, err := access.Apply(ctx, b.c.Client, n.name, missing); err != nil {
			return failed, b.c.Explain(err, b.now())
		}
		done = completed
	}
	if b.records != nil && !b.recorded[present.record.Fingerprint] {
		b.note(access.Save(ctx, b.c.Client, present.record))
		done = completed
	}
	return done, nil
}

// issueTo issues a certificate to one person.
func (b *batch) issueTo(ctx context.Context, n newcomer, grants []access.Grant) error {
	plan, err := b.plan.For(n.request)
	if err != nil {
		return err
	}
	f := b.flags
	f.out, f.force = n.path, true // present has looked at what is there
	expected := identity(b.c, f.server, n.name, b.namespace)
	out, err := b.openOutputs(ctx, f, person(n.name), expected)
	if err != nil {
		return err
	}
	defer out.Discard()
	issued, err := b.obtain(ctx, b.c, plan, func(issue.Event, string) {})
	if err != nil {
		return b.c.Explain(err, b.now())
	}
	b.noteLife(n.request, issued)
	made, err := access.Apply(ctx, b.c.Client, n.name, grants)
	if err != nil {
		return b.c.Explain(err, b.now())
	}
	recorded := make(chan error, 1)
	go func() { recorded <- b.record(ctx, b.c, plan, issued) }()
	expected.Certificate, expected.Key = issued.CertificatePEM, issued.Key
	err = out.Commit(ctx, expected)
	b.note(<-recorded)
	if err != nil {
		return takeBack(ctx, b.c, made, err)
	}
	return nil
}

// note keeps the first reason why something was not recorded.
func (b *batch) note(unrecorded error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unrecorded = cmp.Or(b.unrecorded, unrecorded)
}

// noteLife counts a certificate whose life was shortened.
func (b *batch) noteLife(request issue.Request, issued *issue.Issued) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if life, short := shortened(request, issued); short {
		b.shortened++
		b.toLife = life
	}
	if issued.Exceeds > 0 {
		b.exceeding++
		b.exceeds = max(b.exceeds, issued.Exceeds)
	}
}

// sum says what became of everybody.
func (b *batch) sum(ctx context.Context) error {
	b.show.end()
	b.showUnrecorded(b.unrecorded)
	if b.shortened > 0 {
		b.say("warning: the cluster shortened the lifetime of %s to %s\n", count(b.shortened, "certificate"), humanLife(b.toLife))
	}
	if b.exceeding > 0 {
		b.say("warning: the signer made %s valid for longer than requested, by up to %s: they cannot be revoked\n", count(b.exceeding, "certificate"), humanLife(b.exceeds))
	}
	fprintf(b.out, "%s\n", b.show.summary())
	left := b.show.left()
	switch {
	case ctx.Err() != nil:
		return hint.New(fmt.Sprintf("interrupted: %d users have no certificate", left), "run the command again: it issues only what is missing")
	case left > 0:
		return hint.New(fmt.Sprintf("issuing failed for %d of %d users", left, b.show.all), "fix the cause and run the command again: it issues only what is missing")
	}
	return nil
}
