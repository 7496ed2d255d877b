package scan

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// manifestMarks are what every object of Kubernetes has.
var (
	apiVersionMark = regexp.MustCompile(`(?m)(^|[{,\s])["']?apiVersion["']?[ \t]*:`)
	kindMark       = regexp.MustCompile(`(?m)(^|[{,\s])["']?kind["']?[ \t]*:`)
)

// isManifest reports whether data could be objects of Kubernetes, as YAML or
// JSON.
func isManifest(data []byte) bool {
	head := data[:min(len(data), 64<<10)]
	return apiVersionMark.Match(head) && kindMark.Match(head)
}

// worthReading reports whether there could be a certificate or a kubeconfig in a
// manifest, so that it is parsed.
func worthReading(data []byte) bool {
	for _, mark := range []string{"BEGIN ", "LS0tLS1CRUdJTi", "clusters", "ENC[", corev1.TLSCertKey, "SealedSecret", "YXBpVmVyc2lvbjo", "Y2x1c3RlcnM6"} {
		if bytes.Contains(data, []byte(mark)) {
			return true
		}
	}
	return false
}

// mostManifestBytes is more than the API takes of many objects.
const mostManifestBytes = 16 << 20

// readManifests reads the certificates in objects of Kubernetes: those of
// Secrets and ConfigMaps, and of every other object where a field holds PEM, in
// the open or as base64.
func (r *fileReader) readManifests(f file, data []byte) {
	if !worthReading(data) {
		return
	}
	if len(data) > mostManifestBytes {
		r.note(f.shown, notice{Code: noticeTooLarge})
		return
	}
	before := r.reports
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	if bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		r.readJSON(f, data)
	} else {
		for {
			document, err := reader.Read()
			if errors.Is(err, io.EOF) || err != nil && len(document) == 0 {
				break
			}
			text, err := utilyaml.ToJSON(document)
			clear(document)
			if err != nil {
				r.unparsed(f, data)
				break
			}
			r.readJSON(f, text)
		}
	}
	clear(data)
	if r.reports == before {
		r.pass(f)
	}
}

// unparsed passes over a file that is no YAML: a template, as a rule. One that
// holds certificates all the same is named.
func (r *fileReader) unparsed(f file, data []byte) {
	if bytes.Contains(data, []byte("{{")) {
		r.note(f.shown, notice{Code: noticeSealed})
	} else {
		r.note(f.shown, notice{Code: noticeBadManifest})
	}
}

// readJSON reads objects that follow each other.
func (r *fileReader) readJSON(f file, data []byte) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		var object map[string]any
		if err := decoder.Decode(&object); err != nil {
			break
		}
		r.readObject(f, object)
	}
	clear(data)
}

// object is one object of a manifest.
type object struct {
	*fileReader
	file
	kind, name string
}

func (r *fileReader) readObject(f file, fields map[string]any) {
	text := func(from map[string]any, key string) string { s, _ := from[key].(string); return s }
	if items, ok := fields["items"].([]any); ok && strings.HasSuffix(text(fields, "kind"), "List") {
		for _, item := range items {
			if fields, ok := item.(map[string]any); ok {
				r.readObject(f, fields)
			}
		}
		return
	}
	metadata, _ := fields["metadata"].(map[string]any)
	name := text(metadata, "name")
	if namespace := text(metadata, "namespace"); namespace != "" {
		name = namespace + "/" + name
	}
	o := &object{r, f, text(fields, "kind"), name}
	switch o.kind {
	case "Secret":
		o.readSecret(fields, text(fields, "type") == string(corev1.SecretTypeTLS))
	case "ConfigMap":
		for _, field := range []string{"data", "binaryData"} {
			o.readValues(fields[field], field == "binaryData")
		}
	case "SealedSecret":
		r.note(o.at(""), notice{Code: noticeSealed})
	default:
		o.walk("", fields)
	}
}

// at names a value of the object.
func (o *object) at(key string) string {
	where := o.shown + "#" + strings.ToLower(o.kind) + "/" + o.name
	if key != "" {
		where += "#" + key
	}
	return where
}

// part is the file of a value, with the object's place in it.
func (o *object) part(key string) file {
	return file{shown: o.at(key), explicit: o.explicit, copy: o.copy, arg: o.arg}
}

// readSecret reads the values of a Secret; its certificate with its key.
func (o *object) readSecret(fields map[string]any, tls bool) {
	values := map[string][]byte{}
	sealed := false
	for key, value := range valuesOf(fields["data"]) {
		decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value), ""))
		switch {
		case err == nil:
			values[key] = decoded
		case isPlaceholder(value):
			sealed = sealed || tls || holdsPEM(key) || strings.HasPrefix(value, "ENC[")
		case tls || holdsPEM(key):
			o.note(o.at(""), notice{Code: noticeBadSecret, Args: []string{key}})
		}
	}
	for key, value := range valuesOf(fields["stringData"]) {
		if isPlaceholder(value) {
			sealed = sealed || tls || holdsPEM(key)
			continue
		}
		values[key] = []byte(value)
	}
	if sealed {
		o.note(o.at(""), notice{Code: noticeSealed})
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		beside := values[strings.TrimSuffix(key, ".crt")+".key"]
		if key == corev1.TLSCertKey && tls && !bytes.Contains(values[key], pemBegins) && len(values[key]) > 0 {
			o.note(o.at(key), notice{Code: noticeBadSecret, Args: []string{key}})
			continue
		}
		o.readValue(key, values[key], beside)
	}
	for _, value := range values {
		clear(value)
	}
}

// holdsPEM reports whether a value of this key should hold a certificate.
func holdsPEM(key string) bool {
	return strings.HasSuffix(key, ".crt") || strings.HasSuffix(key, ".pem")
}

// isPlaceholder reports whether a value is filled in, or decrypted, later.
func isPlaceholder(value string) bool {
	for _, mark := range []string{"ENC[", "{{", "${", "$(", "<", "vault:", "ref+", "AGE-", "AgB"} {
		if strings.HasPrefix(strings.TrimSpace(value), mark) {
			return true
		}
	}
	return strings.Contains(value, "{{") || strings.Contains(value, "${")
}

func valuesOf(field any) map[string]string {
	values := map[string]string{}
	fields, _ := field.(map[string]any)
	for key, value := range fields {
		if text, ok := value.(string); ok {
			values[key] = text
		}
	}
	return values
}

// readValues reads the values of a ConfigMap.
func (o *object) readValues(field any, encoded bool) {
	values := valuesOf(field)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		data := []byte(values[key])
		if encoded {
			decoded, err := base64.StdEncoding.DecodeString(values[key])
			if err != nil {
				continue
			}
			data = decoded
		}
		o.readValue(key, data, nil)
	}
}

// readValue reads a value: PEM, DER or a kubeconfig. beside is the value that
// should hold its private key; nil where there is none.
func (o *object) readValue(key string, data, beside []byte) {
	f := o.part(key)
	if isKubeconfig(data) && len(data) <= mostConfBytes {
		switch config, err := clientcmd.Load(data); {
		case err == nil:
			o.readConfig(&kubeconfigFile{fileReader: o.fileReader, file: f, config: config, inside: true})
		case isPlaceholder(string(data)):
			o.note(f.shown, notice{Code: noticeSealed})
		default:
			o.note(f.shown, notice{Code: noticeBadKubeconfig})
		}
		return
	}
	switch {
	case bytes.Contains(data, pemBegins) && !(bytes.Contains(data, keyEnds) && strings.HasSuffix(key, ".key")):
		p := pemFile{fileReader: o.fileReader, file: f, quiet: !holdsPEM(key)}
		p.takeAll(pki.Blocks(data))
		if len(p.certs) == 0 {
			return
		}
		var found foundKey
		if len(beside) > 0 {
			found.at = o.at(strings.TrimSuffix(key, ".crt") + ".key")
			found.read(bytes.Clone(beside))
		} else if bytes.Contains(data, keyEnds) {
			found.at = f.shown
			found.read(data)
		}
		o.report(f, catalog.Match{}, p.certs, found)
	case pki.FormOf(data) == pki.FormPKCS12, pki.FormOf(data) == pki.FormJKS, pki.FormOf(data) == pki.FormPKCS7, pki.FormOf(data) == pki.FormCertificate:
		o.readBinary(f, catalog.Match{}, pki.FormOf(data), data)
	}
}

// walk reads every text below a field that is PEM, or the base64 of it:
// caBundle of webhooks, trustBundle, spec.request.
func (o *object) walk(path string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			o.walk(strings.TrimPrefix(path+"."+key, "."), value[key])
		}
	case []any:
		for i, item := range value {
			o.walk(path+"["+strconv.Itoa(i)+"]", item)
		}
	case string:
		text := []byte(value)
		if decoded, err := base64.StdEncoding.DecodeString(value); err == nil && bytes.Contains(decoded, pemBegins) {
			text = decoded
		} else if !bytes.HasPrefix(bytes.TrimSpace(text), pemBegins) {
			return
		}
		o.readValue(path, text, nil)
	}
}
