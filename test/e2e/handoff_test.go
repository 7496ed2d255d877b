//go:build e2e

package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
)

// newcomer returns somebody with a home of their own and no access to any
// cluster: what they have is in ~/.kube/config, once there is one.
func newcomer(t *testing.T) *person {
	t.Helper()
	return newPerson(t, "")
}

// send carries a file from one person's home to another's.
func send(t *testing.T, from, to *person, name string) {
	t.Helper()
	data, err := os.ReadFile(from.path(name))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to.path(name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// traces are the forms in which a private key could turn up somewhere: a line
// of its PEM, its bytes, and its Base64 within a kubeconfig.
func traces(t *testing.T, keyFile string) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%s holds no PEM", keyFile)
	}
	// The beginning of PKCS #8 is the same for all keys of a kind.
	secret := block.Bytes[36:68]
	embedded := base64.StdEncoding.EncodeToString(text)
	return map[string][]byte{
		"PEM": bytes.Split(text, []byte("\n"))[2], "bytes": secret,
		"Base64 of the PEM": []byte(embedded[80:140]), "hex": []byte(strings.ToLower(hexOf(secret))),
	}
}

func hexOf(data []byte) string {
	const digits = "0123456789abcdef"
	var out strings.Builder
	for _, b := range data {
		out.WriteByte(digits[b>>4])
		out.WriteByte(digits[b&15])
	}
	return out.String()
}

// searchHome lists the files of a home that hold one of the traces.
func searchHome(t *testing.T, p *person, key map[string][]byte) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(p.home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for form, trace := range key {
			if bytes.Contains(data, trace) {
				found = append(found, strings.TrimPrefix(path, p.home+"/")+" ("+form+")")
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

// searchAPI lists the objects that hold one of the traces, among those that
// issuing makes and those that could be thought of.
func searchAPI(t *testing.T, key map[string][]byte) []string {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", adminKubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	client := dynamic.NewForConfigOrDie(config)
	var found []string
	for _, resource := range []schema.GroupVersionResource{
		{Group: "certificates.k8s.io", Version: "v1", Resource: "certificatesigningrequests"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
		{Version: "v1", Resource: "configmaps"},
		{Version: "v1", Resource: "secrets"},
		{Version: "v1", Resource: "events"},
	} {
		list, err := client.Resource(resource).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range list.Items {
			text, err := item.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			// Requests are Base64 in the API.
			if pkcs10, ok, _ := nestedRequest(item.Object); ok {
				text = append(text, pkcs10...)
			}
			for form, trace := range key {
				if bytes.Contains(text, trace) {
					found = append(found, resource.Resource+"/"+item.GetName()+" ("+form+")")
				}
			}
		}
	}
	return found
}

func nestedRequest(object map[string]any) ([]byte, bool, error) {
	spec, ok := object["spec"].(map[string]any)
	if !ok {
		return nil, false, nil
	}
	text, ok := spec["request"].(string)
	if !ok {
		return nil, false, nil
	}
	data, err := base64.StdEncoding.DecodeString(text)
	return data, err == nil, err
}

// Two people, two homes, three commands: the newcomer is in, and their key
// never left the one file it was made in.
func TestHandOff(t *testing.T) {
	const user, dev = "e2e-nora", "e2e-handoff"
	namespace(t, dev)
	forgetUsers(t, user)
	nora, root := newcomer(t), newPerson(t, adminKubeconfig(t))

	asked := nora.certs("request", user, "--group", "e2e-devs", "--out", "nora.csr", "-v", "9")
	if asked.code != 0 {
		t.Fatalf("exit %d\n%s", asked.code, asked.stderr)
	}
	keyFile := nora.path(".kube/certs/" + user + ".key")
	if info, err := os.Stat(keyFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the key: %v (%v), want 0600", info, err)
	}
	root.must("openssl", "req", "-noout", "-verify", "-in", nora.path("nora.csr"))
	send(t, nora, root, "nora.csr")

	wantFailure(t, root.certs("issue", "--request", "nora.csr", "--role", "edit", "-n", dev), "has groups e2e-devs", "--group e2e-devs")
	answered := root.certs("issue", user, "--request", "nora.csr", "--group", "e2e-devs", "--role", "edit", "-n", dev, "--out", "nora.kubeconfig", "--yes", "-v", "9")
	if answered.code != 0 || !strings.Contains(answered.stderr, "user     "+user) || !strings.Contains(answered.stderr, "which stays with the requester") {
		t.Fatalf("exit %d\n%s", answered.code, answered.stderr)
	}
	if text, err := os.ReadFile(root.path("nora.kubeconfig")); err != nil || strings.Contains(string(text), "client-key") {
		t.Errorf("there is a key in what is sent back (%v)", err)
	}
	send(t, root, nora, "nora.kubeconfig")

	accepted := nora.certs("accept", "nora.kubeconfig", "-v", "9")
	if accepted.code != 0 || !strings.Contains(accepted.stderr, " as "+user+"; expires ") {
		t.Fatalf("exit %d\n%s%s", accepted.code, accepted.stdout, accepted.stderr)
	}
	if got, groups := nora.whoami(); got != user || !slices.Contains(groups, "e2e-devs") {
		t.Errorf("the API server takes her for %q in %q", got, groups)
	}
	nora.must("kubectl", "create", "configmap", "made-by-nora", "--from-literal", "a=b") // in her namespace
	nora.refused("get", "secrets", "-A")

	key := traces(t, keyFile)
	want := []string{".kube/certs/" + user + ".key (PEM)"}
	if got := searchHome(t, nora, key); !slices.Equal(got, want) {
		t.Errorf("the key is in %q, want %q", got, want)
	}
	if got := searchHome(t, root, key); len(got) > 0 {
		t.Errorf("the key is in the administrator's %q", got)
	}
	if got := searchAPI(t, key); len(got) > 0 {
		t.Errorf("the key is in the API: %q", got)
	}
	for what, r := range map[string]result{"request": asked, "issue": answered, "accept": accepted} {
		for form, trace := range key {
			if strings.Contains(r.stdout+r.stderr, string(trace)) {
				t.Errorf("%s at -v=9 prints the key (%s)", what, form)
			}
		}
		if strings.Contains(r.stdout+r.stderr, "PRIVATE KEY") {
			t.Errorf("%s at -v=9 prints a private key", what)
		}
	}

	// Once more changes nothing.
	before, err := os.ReadFile(nora.path(".kube/config"))
	if err != nil {
		t.Fatal(err)
	}
	if r := nora.certs("accept", "nora.kubeconfig"); r.code != 0 {
		t.Errorf("a second time: exit %d\n%s", r.code, r.stderr)
	}
	if after, err := os.ReadFile(nora.path(".kube/config")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("a second time changed the kubeconfig (%v)", err)
	}
	wantFailure(t, newcomer(t).certs("accept", nora.path("nora.kubeconfig")), "matches the certificate of CN="+user, "kubectl certs request "+user)
}

// Through pipes, with nothing but messages in between.
func TestHandOffThroughPipes(t *testing.T) {
	const user = "e2e-pia"
	forgetUsers(t, user)
	pia, root := newcomer(t), newPerson(t, adminKubeconfig(t))
	request := pia.must("kubectl", "certs", "request", user)
	wantFailure(t, root.piped(request, "issue", "--request", "-"), "standard input is not a terminal", "--yes")
	answer := root.piped(request, "issue", user, "--request", "-", "--yes")
	if answer.code != 0 {
		t.Fatalf("exit %d\n%s", answer.code, answer.stderr)
	}
	if r := pia.piped(answer.stdout, "accept", "-"); r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	if got, _ := pia.whoami(); got != user {
		t.Errorf("the API server takes her for %q", got)
	}
}

// piped runs `kubectl certs` with text on its standard input.
func (p *person) piped(text string, args ...string) result {
	p.t.Helper()
	cmd := p.command(p.t.Context(), "kubectl", append([]string{"certs"}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(text), &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		p.t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// Where the key must travel, only the holder of the SSH key opens it, and it is
// nowhere on the administrator's disk.
func TestHandOffEncrypted(t *testing.T) {
	for _, kind := range []string{"ed25519", "rsa"} {
		t.Run(kind, func(t *testing.T) {
			user := "e2e-sealed-" + kind
			forgetUsers(t, user)
			sven, root, eve := newcomer(t), newPerson(t, adminKubeconfig(t)), newcomer(t)
			for _, p := range []*person{sven, eve} {
				if err := os.Mkdir(p.path(".ssh"), 0o700); err != nil {
					t.Fatal(err)
				}
				p.must("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", p.path(".ssh/id_"+kind))
			}
			public, err := os.ReadFile(sven.path(".ssh/id_" + kind + ".pub"))
			if err != nil {
				t.Fatal(err)
			}
			// As pasted.
			r := root.certs("issue", user, "--encrypt-to", strings.TrimSpace(string(public)), "-v", "9")
			if r.code != 0 || !strings.Contains(r.stdout, "only the owner of that key can decrypt") {
				t.Fatalf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
			}
			name := user + ".kubeconfig.age"
			if got := root.files(); !slices.Equal(got, []string{name}) {
				t.Errorf("files: %q", got)
			}
			send(t, root, sven, name)
			send(t, root, eve, name)
			wantFailure(t, eve.certs("accept", name), "it was encrypted to another key", "--identity")
			if r := sven.certs("accept", name); r.code != 0 {
				t.Fatalf("exit %d\n%s", r.code, r.stderr)
			}
			if got, _ := sven.whoami(); got != user {
				t.Errorf("the API server takes him for %q", got)
			}
			config, err := clientcmd.LoadFromFile(sven.path(".kube/config"))
			if err != nil {
				t.Fatal(err)
			}
			keyFile := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(keyFile, config.AuthInfos[config.Contexts[config.CurrentContext].AuthInfo].ClientKeyData, 0o600); err != nil {
				t.Fatal(err)
			}
			key := traces(t, keyFile)
			if got := append(searchHome(t, root, key), searchAPI(t, key)...); len(got) > 0 {
				t.Errorf("the key is in %q", got)
			}
			for form, trace := range key {
				if strings.Contains(r.stdout+r.stderr, string(trace)) {
					t.Errorf("-v=9 prints the key (%s)", form)
				}
			}
		})
	}
}

// A request that was changed on the way, or that is for somebody else, leads to
// nothing.
func TestHandOffRefusals(t *testing.T) {
	const user = "e2e-rosa"
	forgetUsers(t, user)
	rosa, root := newcomer(t), newPerson(t, adminKubeconfig(t))
	rosa.must("kubectl", "certs", "request", user, "--out", "rosa.csr")
	send(t, rosa, root, "rosa.csr")
	wantFailure(t, root.certs("issue", "e2e-else", "--request", "rosa.csr"), `is for user "`+user+`"`, "give that name")
	// openssl asks for an administrator's group, unseen.
	root.must("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", root.path("m.key"), "-out", root.path("m.csr"), "-subj", "/CN=e2e-mallory/O=kubeadm:cluster-admins")
	wantFailure(t, root.certs("issue", "--request", "m.csr"), "has groups kubeadm:cluster-admins", "--group kubeadm:cluster-admins")
	forgetUsers(t, "e2e-mallory")
	asAdmin := []string{"issue", "e2e-mallory", "--request", "m.csr", "--group", "kubeadm:cluster-admins", "--out", "m.kubeconfig", "--yes"}
	wantFailure(t, root.certs(append([]string{"issue"}, asAdmin[2:]...)...), "--yes with --request requires the user name", "issue e2e-mallory --request m.csr --yes")
	wantFailure(t, root.certs(asAdmin...), "unaccepted risks: cluster-admin", "--accept-risk cluster-admin")
	if left := ours(t, "certs-e2e-mallory-"); len(left) > 0 {
		t.Errorf("requests were made: %q", left)
	}
	r := root.certs(append(asAdmin, "--accept-risk", "cluster-admin")...)
	if r.code != 0 || !strings.Contains(r.stderr, "group kubeadm:cluster-admins (ClusterRoleBinding kubeadm:cluster-admins") {
		t.Errorf("exit %d\n%s", r.code, r.stderr)
	}
	root.must("openssl", "req", "-new", "-newkey", "rsa:1024", "-nodes", "-keyout", root.path("w.key"), "-out", root.path("w.csr"), "-subj", "/CN=e2e-weak")
	wantFailure(t, root.certs("issue", "--request", "w.csr"), "too weak: RSA with 1024 bits", "new key")
	root.must("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", root.path("s.key"), "-out", root.path("s.csr"), "-subj", "/CN=e2e-san", "-addext", "subjectAltName=DNS:kubernetes")
	wantFailure(t, root.certs("issue", "--request", "s.csr"), "has 1 name in addition", "no subject alternative names")
	for _, prefix := range []string{"certs-e2e-weak-", "certs-e2e-san-"} {
		if left := ours(t, prefix); len(left) > 0 {
			t.Errorf("requests were made: %q", left)
		}
	}
	if got := root.must("kubectl", "get", "configmaps", "-n", "kube-system", "-l", access.Selector(user), "-o", "name"); got != "" {
		t.Errorf("recorded: %s", got)
	}
}
