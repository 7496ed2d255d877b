package cli

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// The scripts in testdata/script run the program as a shell would, without a
// cluster: what it says of its flags, of kubeconfigs and of servers that are
// not there. What it does on a cluster is in test/e2e.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"certify": certify, "mode": mode},
		Setup: func(env *testscript.Env) error {
			// Nothing of the person who runs the tests.
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("KUBECONFIG", "")
			// The race detector would let every command sleep for a second.
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			return nil
		},
	})
}

// certify NAME LIFE writes ca.crt, NAME.crt and NAME.key: a client certificate
// that lasts for LIFE from now on, or has run out for as long where it is
// negative.
func certify(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: certify NAME LIFE")
	}
	name := args[0]
	life, err := time.ParseDuration(args[1])
	ts.Check(err)
	t := scriptTB{ts: ts}
	now := time.Now()
	ca := pkitest.NewCA(t, "kubernetes", pkitest.Valid(now.Add(-1000*time.Hour), now.Add(100_000*time.Hour)))
	cert := ca.Issue(t, pkitest.Client(name), pkitest.Valid(now.Add(min(0, life)-time.Hour), now.Add(life)))
	key, err := pki.EncodeKey(pkitest.Key(name))
	ts.Check(err)
	for file, data := range map[string][]byte{"ca.crt": ca.PEM(), name + ".crt": pki.EncodeCertificates(cert), name + ".key": key} {
		ts.Check(os.WriteFile(ts.MkAbs(file), data, 0o600))
	}
}

// scriptTB is a testing.TB for fixtures within a script.
type scriptTB struct {
	testing.TB
	ts *testscript.TestScript
}

func (t scriptTB) Helper() {}

func (t scriptTB) Fatalf(format string, args ...any) { t.ts.Fatalf(format, args...) }

// mode FILE MODE checks who may read a file.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode FILE MODE")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"kubectl-certs": func() { os.Exit(Main()) },
	})
}

func TestProgramName(t *testing.T) {
	for arg0, want := range map[string]string{
		"kubectl-certs":                       "kubectl-certs",
		"./build/kubectl-certs":               "kubectl-certs",
		"/home/alice/.krew/bin/kubectl-certs": "kubectl certs",
		"/usr/local/bin/kubectl-certs":        "kubectl certs",
	} {
		if got := programName(arg0); got != want {
			t.Errorf("called as %s, it names itself %q, want %q", arg0, got, want)
		}
	}
}

func TestLifetime(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]struct {
		life  time.Duration
		shown string
	}{
		"24h":  {day, "24h"},
		"1d":   {day, "24h"},
		"30d":  {30 * day, "30d"},
		"365d": {365 * day, "365d"},
		"90m":  {90 * time.Minute, "1h30m"},
		"1h":   {time.Hour, "1h"},
		"600s": {10 * time.Minute, "10m"},
		"61s":  {61 * time.Second, "1m1s"},
		"2m0s": {2 * time.Minute, "2m"},
		"100h": {100 * time.Hour, "100h"},
		"-5m":  {-5 * time.Minute, "-5m"},
	} {
		var l lifetime
		if err := l.Set(text); err != nil || time.Duration(l) != want.life {
			t.Errorf("%q is %s (%v), want %s", text, time.Duration(l), err, want.life)
		}
		if got := l.String(); got != want.shown {
			t.Errorf("%q is shown as %q, want %q", text, got, want.shown)
		}
	}
	for _, text := range []string{"", "d", "soon", "1.5d", "-1d", "99999999d", "1w"} {
		var l lifetime
		if err := l.Set(text); err == nil {
			t.Errorf("%q is taken for %s", text, time.Duration(l))
		}
	}
}

// What is to be pasted survives a shell.
func TestShellQuote(t *testing.T) {
	for word, want := range map[string]string{
		"admin.kubeconfig": "admin.kubeconfig",
		"/tmp/a_b-c@d:1":   "/tmp/a_b-c@d:1",
		"":                 "''",
		"a b":              "'a b'",
		"a'b;$(id)*":       `'a'\''b;$(id)*'`,
		"~/x":              "'~/x'",
	} {
		if got := shellQuote(word); got != want {
			t.Errorf("%q is written as %s, want %s", word, got, want)
		}
	}
}

func TestHumanLeft(t *testing.T) {
	const day = 24 * time.Hour
	for left, want := range map[time.Duration]string{
		23*time.Hour + 54*time.Minute + 59*time.Second: "23h54m",
		29*day + 23*time.Hour + 59*time.Minute:         "29d23h",
		4 * time.Minute:                                "4m",
		3 * day:                                        "3d0h",
	} {
		if got := humanLeft(left); got != want {
			t.Errorf("%s is shown as %s, want %s", left, got, want)
		}
	}
}
