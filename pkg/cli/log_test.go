package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// What client-go logs does not come between a person and the one sentence that
// says what went wrong.
func TestQuietLog(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = write
	defer func() { os.Stderr = stderr }()
	quietLog()
	klog.ErrorS(io.ErrUnexpectedEOF, "Unexpected error when reading response body")
	klog.Flush()
	write.Close()
	if said, err := io.ReadAll(read); err != nil || len(said) > 0 {
		t.Errorf("it said %q (%v)", said, err)
	}
}

// logged runs do with the log at verbosity, and returns what is logged.
func logged(t *testing.T, verbosity string, do func()) string {
	t.Helper()
	state := klog.CaptureState()
	defer state.Restore()
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	klog.InitFlags(flags)
	if err := flags.Set("v", verbosity); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	klog.LogToStderr(false)
	klog.SetOutput(&log)
	do()
	klog.Flush()
	return log.String()
}

// What client-go sends and gets, as text and as protobuf, in bodies and in
// headers: none of its secrets is in the log, at any verbosity; and each of them
// would be without the filter.
func TestLogHoldsNoSecret(t *testing.T) {
	key, err := pki.GenerateKey(pki.RSA3072)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM, err := pki.EncodeKey(key)
	if err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, Data: map[string][]byte{corev1.TLSPrivateKeyKey: keyPEM}}
	for _, mediaType := range []string{"application/json", "application/vnd.kubernetes.protobuf"} {
		info, _ := runtime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), mediaType)
		body, err := runtime.Encode(scheme.Codecs.EncoderForVersion(info.Serializer, corev1.SchemeGroupVersion), secret)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", mediaType)
			w.Header().Set("Set-Cookie", "session=cookie-of-theirs")
			_, _ = w.Write(body)
		}))
		defer server.Close()
		ask := func() {
			config := &rest.Config{
				Host: strings.Replace(server.URL, "://", "://user:password-in-url@", 1), BearerToken: "token-of-mine",
				ContentConfig: rest.ContentConfig{ContentType: mediaType},
			}
			config.Wrap(func(rt http.RoundTripper) http.RoundTripper { return withCookie{rt} })
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.CoreV1().Secrets("default").Get(t.Context(), "x", metav1.GetOptions{}); err != nil {
				t.Error(err)
			}
			if _, err := client.CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
				t.Error(err)
			}
			klog.Errorf("it printed: %v", errors.New(string(keyPEM)))
			klog.InfoS("asking", "url", "https://user:password-in-url@host/", "with", "Bearer token-of-mine")
		}
		hidden := map[string]string{"key": base64.StdEncoding.EncodeToString(keyPEM)[300:400], "token": "token-of-mine", "cookie": "cookie-of", "password": "password-in-url"}
		if mediaType != "application/json" {
			hidden["key"] = string(keyPEM[300:360])
		}
		klog.SetLogFilter(nil)
		all := undump(logged(t, "10", ask))
		for name, text := range hidden {
			if !strings.Contains(all, text) {
				t.Errorf("%s: the search does not find the %s where it is", mediaType, name)
			}
		}
		klog.SetLogFilter(logFilter{})
		for _, verbosity := range []string{"6", "7", "8", "9", "10", "99"} {
			log := undump(logged(t, verbosity, ask))
			for name, text := range hidden {
				if strings.Contains(log, text) {
					t.Errorf("%s: at -v=%s, the log holds the %s", mediaType, verbosity, name)
				}
			}
			if !strings.Contains(log, "/api/v1/namespaces/default/secrets/x") {
				t.Errorf("at -v=%s, the log does not say what was asked:\n%s", verbosity, log)
			}
		}
	}
}

// withCookie adds headers that only their value makes secret.
type withCookie struct{ http.RoundTripper }

func (w withCookie) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Cookie", "cookie-of-mine")
	return w.RoundTripper.RoundTrip(request)
}

// undump adds to a log what its hexadecimal dumps are of.
func undump(log string) string {
	var bytes []byte
	for _, line := range regexp.MustCompile(`(?m)[0-9a-f]{8}  ((?:[0-9a-f]{2} +){1,16}) ?\|`).FindAllStringSubmatch(log, -1) {
		part, err := hex.DecodeString(strings.ReplaceAll(line[1], " ", ""))
		if err == nil {
			bytes = append(bytes, part...)
		}
	}
	return log + string(bytes)
}

// What is not secret stays readable.
func TestLogFilterLeavesTheRest(t *testing.T) {
	log := logged(t, "9", func() {
		klog.SetLogFilter(logFilter{})
		klog.InfoS("Request", "verb", "GET", "headers", http.Header{"Accept": {"a", "b"}, "X-Token": {"t"}}, "milliseconds", 12, "ok", true,
			"curlCommand", `curl -v -XGET  -H "Accept: a" -H "X-Token: \"t" 'https://host/x?limit=1'`)
		klog.Infof("%d of %s at %s", 3, "things", &url.URL{Scheme: "https", Host: "h", User: url.UserPassword("u", "secret")})
	})
	for _, want := range []string{`verb="GET"`, "Accept: a, b", "X-Token: " + notLogged, "milliseconds=12", "ok=true", `-H \"Accept: a\"`, `-H \"X-Token: ` + notLogged + `\"`, "https://host/x?limit=1", "3 of things at https://u:xxxxx@h"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
}
