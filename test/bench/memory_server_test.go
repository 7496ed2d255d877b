//go:build e2e

package bench

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// secretServer is an API server that knows nothing but TLS secrets, and has
// their pages ready: what is measured against it is the client's work alone. It
// returns the path of a kubeconfig for it.
func secretServer(b *testing.B, count int) string {
	const page = 500 // as the program and bare client-go ask for
	pages := encodedSecrets(b, count, page)
	mux := http.NewServeMux()
	mux.HandleFunc("/version", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"major":"1","minor":"37","gitVersion":"v1.37.2"}`)
	})
	mux.HandleFunc("/api/v1/secrets", func(w http.ResponseWriter, r *http.Request) {
		i, _ := strconv.Atoi(r.URL.Query().Get("continue")) // "" is the first
		if r.URL.Query().Get("limit") != strconv.Itoa(page) || i >= len(pages) || !strings.Contains(r.Header.Get("Accept"), runtime.ContentTypeProtobuf) {
			http.Error(w, "not what the pages are for", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
		_, _ = w.Write(pages[i])
	})
	server := httptest.NewUnstartedServer(mux)
	server.EnableHTTP2 = true
	server.StartTLS()
	b.Cleanup(server.Close)

	config := clientcmdapi.NewConfig()
	config.Clusters["bench"] = &clientcmdapi.Cluster{
		Server:                   server.URL,
		CertificateAuthorityData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
	}
	config.AuthInfos["bench"] = &clientcmdapi.AuthInfo{Token: "bench"}
	config.Contexts["bench"] = &clientcmdapi.Context{Cluster: "bench", AuthInfo: "bench"}
	config.CurrentContext = "bench"
	path := filepath.Join(b.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		b.Fatal(err)
	}
	return path
}

// encodedSecrets are the responses with count secrets, so many a page.
func encodedSecrets(b *testing.B, count, page int) [][]byte {
	ca := newAuthority(b)
	codec := scheme.Codecs.EncoderForVersion(protobuf.NewSerializer(scheme.Scheme, scheme.Scheme), corev1.SchemeGroupVersion)
	var pages [][]byte
	for first := 0; first < count; first += page {
		list := &corev1.SecretList{}
		for i := first; i < min(first+page, count); i++ {
			list.Items = append(list.Items, tlsSecret(b, ca, i))
		}
		if first+page < count {
			list.Continue = strconv.Itoa(len(pages) + 1)
		}
		data, err := runtime.Encode(codec, list)
		if err != nil {
			b.Fatal(err)
		}
		pages = append(pages, data)
	}
	return pages
}

// tlsSecret is the secret of number i, as an API server hands it out.
func tlsSecret(tb testing.TB, ca *authority, i int) corev1.Secret {
	name := fmt.Sprintf("tls-%05d", i)
	return corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: secretsNamespace, UID: "00000000-0000-0000-0000-000000000000", ResourceVersion: "1",
			CreationTimestamp: metav1.Now(),
			ManagedFields: []metav1.ManagedFieldsEntry{{
				Manager: "bench", Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: "v1", FieldsType: "FieldsV1",
				FieldsV1: metav1.NewFieldsV1(`{"f:data":{".":{},"f:tls.crt":{},"f:tls.key":{}},"f:type":{}}`),
			}},
		},
		Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{"tls.crt": ca.issue(tb, name+".example", nil), "tls.key": ca.keyPEM},
	}
}

// BenchmarkSecretsFromMemory is BenchmarkSecrets without an API server's own
// work, which takes as long for all.
func BenchmarkSecretsFromMemory(b *testing.B) {
	b.Setenv("KUBECONFIG", secretServer(b, secretCount))
	compareSecrets(b)
}
