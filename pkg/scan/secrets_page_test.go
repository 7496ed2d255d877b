package scan_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

// encode writes an object as an API server sends it.
func encode(t *testing.T, object runtime.Object, contentType string) []byte {
	t.Helper()
	info, ok := runtime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), contentType)
	if !ok {
		t.Fatal(contentType)
	}
	var encoder runtime.Encoder = info.Serializer
	if contentType == runtime.ContentTypeProtobuf {
		encoder = protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
	}
	text, err := runtime.Encode(scheme.Codecs.EncoderForVersion(encoder, corev1.SchemeGroupVersion), object)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// coreAPI is a client of core/v1 whose server is handler.
func coreAPI(t *testing.T, handler http.HandlerFunc) rest.Interface {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: runtime.ContentTypeProtobuf}})
	if err != nil {
		t.Fatal(err)
	}
	return client.CoreV1().RESTClient()
}

// secretsAPI is a client whose server has secrets, and hands out all at once.
func secretsAPI(t *testing.T, contentType string, secrets ...*corev1.Secret) rest.Interface {
	t.Helper()
	list := &corev1.SecretList{}
	for _, s := range secrets {
		list.Items = append(list.Items, *s)
	}
	answer := encode(t, list, contentType)
	return coreAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(answer)
	})
}

var contentTypes = []string{runtime.ContentTypeProtobuf, runtime.ContentTypeJSON}

// What is read of a Secret is what client-go's own types hold of it, in either
// form, whatever else is in it.
func TestSecretsReadsWhatClientGoReads(t *testing.T) {
	ca := pkitest.NewCA(t, "issuer")
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{"tls.crt", "ca.crt", "tls.key", "Tls.crt", "TLS.CRT", "CA.crt", "", "tls.crt2", "x"}
	var secrets []*corev1.Secret
	want, made := map[string]string{}, 0 // the places by the certificate's name
	for i := range 100 {
		s := tlsSecret(fmt.Sprintf("ns%d", i%3), fmt.Sprintf("s%d", i), map[string][]byte{})
		for range random.IntN(6) {
			key := words[random.IntN(len(words))]
			made++
			name := fmt.Sprintf("c%d", made)
			s.Data[key] = pki.EncodeCertificates(ca.Issue(t, pkitest.Server(name, name)))
			for other, at := range want {
				if at == s.Namespace+"/"+s.Name+"#"+key {
					delete(want, other)
				}
			}
			want[name] = s.Namespace + "/" + s.Name + "#" + key
		}
		s.Labels = map[string]string{"tls.crt": "x"}
		s.Finalizers = []string{strings.Repeat("f", random.IntN(300))}
		s.Generation, s.Immutable = random.Int64(), new(bool)
		s.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "m", FieldsV1: metav1.NewFieldsV1(`{"f:data":{}}`)}}
		secrets = append(secrets, s)
	}
	var seen, empty []string
	for name, at := range want {
		if strings.HasSuffix(at, "#tls.crt") || strings.HasSuffix(at, "#ca.crt") {
			seen = append(seen, name+": "+at)
		}
	}
	for _, s := range secrets {
		if len(s.Data["tls.crt"]) == 0 {
			empty = append(empty, s.Namespace+"/"+s.Name+"#tls.crt")
		}
	}
	for _, contentType := range contentTypes {
		var got, gotEmpty []string
		inv := read(long, scan.Secrets(secretsAPI(t, contentType, secrets...), scan.SecretSelection{}))
		for _, e := range inv.Items {
			for _, l := range e.Locations {
				got = append(got, e.Subject.CommonName+": "+l.Where)
			}
		}
		for _, f := range inv.Findings {
			gotEmpty = append(gotEmpty, f.Where)
		}
		for _, lists := range [][2][]string{{got, seen}, {gotEmpty, empty}} {
			slices.Sort(lists[0])
			slices.Sort(lists[1])
			if !slices.Equal(lists[0], lists[1]) || len(lists[0]) == 0 {
				t.Errorf("%s: got %q, want %q", contentType, lists[0], lists[1])
			}
		}
		if len(inv.Skipped) > 0 {
			t.Errorf("%s: skipped %+v", contentType, inv.Skipped)
		}
	}
}

// A response that is cut off, or is no list of Secrets, is never taken for one with
// fewer Secrets in it.
func TestSecretsBelievesNoDamagedList(t *testing.T) {
	ca := pkitest.NewCA(t, "issuer")
	list := &corev1.SecretList{Items: []corev1.Secret{
		*tlsSecret("web", "shop", map[string][]byte{"tls.crt": pki.EncodeCertificates(ca.Issue(t, pkitest.Server("shop", "s"))), "tls.key": keyPEM(t, "shop")}),
	}}
	status := &metav1.Status{Status: metav1.StatusSuccess}
	for _, contentType := range contentTypes {
		whole := encode(t, list, contentType)
		answers := [][]byte{nil, []byte("k8s"), []byte("k8s\x00"), []byte("<html>"), []byte("{}"), []byte("[]"),
			encode(t, status, contentType), encode(t, &corev1.ConfigMapList{}, contentType)}
		end := len(strings.TrimRight(string(whole), "\n"))
		for _, at := range []int{5, 6, 20, 40, end / 3, end / 2, end - 100, end - 30, end - 5} {
			answers = append(answers, whole[:at])
		}
		for i, answer := range answers {
			client := coreAPI(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", contentType)
				_, _ = w.Write(answer)
			})
			inv := read(long, scan.Secrets(client, scan.SecretSelection{}))
			if len(inv.Skipped) != 1 || len(inv.Items) > 0 {
				t.Errorf("%s, %d, %.40q: got %d certificates, skipped %+v", contentType, i, answer, len(inv.Items), inv.Skipped)
			}
			if len(inv.Skipped) > 0 && strings.Contains(inv.Skipped[0].Reason, "PRIVATE") {
				t.Errorf("a key is said: %+v", inv.Skipped)
			}
		}
	}
}
