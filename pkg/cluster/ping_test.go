package cluster_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// reviewer is an API server that knows whoever bears the token "good".
func reviewer(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("Authorization") != "Bearer good" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Unauthorized","code":401}`)
			return
		}
		review := authenticationv1.SelfSubjectReview{}
		review.Kind, review.APIVersion = "SelfSubjectReview", "authentication.k8s.io/v1"
		review.Status.UserInfo.Username, review.Status.UserInfo.Groups = "alice", []string{"devs"}
		_ = json.NewEncoder(w).Encode(review) // the test shows what was not sent
	}))
	t.Cleanup(server.Close)
	return server
}

func TestPing(t *testing.T) {
	server := reviewer(t)
	path := filepath.Join(t.TempDir(), "ca.crt")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	stranger := filepath.Join(filepath.Dir(path), "stranger.crt")
	for file, data := range map[string][]byte{path: ca, stranger: pkitest.NewCA(t, "stranger").PEM()} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(filepath.Dir(path), "config")
	text := fmt.Sprintf(`clusters:
- {name: good, cluster: {server: "%[1]s", certificate-authority: %[2]s}}
- {name: stranger, cluster: {server: "%[1]s", certificate-authority: %[3]s}}
- {name: nobody, cluster: {server: "https://127.0.0.1:1", certificate-authority: %[2]s}}
users:
- {name: good, user: {token: good}}
- {name: bad, user: {token: bad}}
- {name: lost, user: {client-certificate: nowhere, client-key: nowhere}}
contexts:
- {name: good, context: {cluster: good, user: good}}
- {name: bad, context: {cluster: good, user: bad}}
- {name: stranger, context: {cluster: stranger, user: good}}
- {name: nobody, context: {cluster: nobody, user: good}}
- {name: lost, context: {cluster: good, user: lost}}
`, server.URL, path, stranger)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig = &config
	pinger, err := cluster.NewPinger(flags, cluster.Options{UserAgent: "test"}, 10*time.Second, false)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		context string
		fault   cluster.Fault
		says    string
	}{
		{"good", "", ""},
		{"bad", cluster.Refused, "does not accept the credentials of context \"bad\""},
		{"stranger", cluster.Untrusted, "presents a certificate that is not signed by the CA in the kubeconfig"},
		{"nobody", cluster.Unreachable, "cannot reach the API server at https://127.0.0.1:1: connection refused"},
		{"lost", cluster.Unreachable, "nowhere"},
	}
	for _, tt := range tests {
		t.Run(tt.context, func(t *testing.T) {
			answer := pinger.Ping(t.Context(), tt.context, func() time.Time { return pkitest.Now })
			if tt.fault == "" {
				if answer.Err != nil || answer.User != "alice" || strings.Join(answer.Groups, " ") != "devs" {
					t.Errorf("got %+v", answer)
				}
				return
			}
			if answer.Fault != tt.fault || answer.Err == nil || !strings.Contains(answer.Err.Error(), tt.says) {
				t.Errorf("got %+v", answer)
			}
		})
	}
}
