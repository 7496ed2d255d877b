package cli

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/klog/v2"
)

// notLogged stands in the log for what is left out.
const notLogged = "<not logged>"

// logFlag is -v, as kubectl has it.
func logFlag() *pflag.Flag {
	verbosity := flag.NewFlagSet("", flag.ContinueOnError)
	klog.InitFlags(verbosity)
	v := pflag.PFlagFromGoFlag(verbosity.Lookup("v"))
	v.Usage = "Log API requests, from 6 (each request) to 9 (headers and times); bodies, tokens and keys are never logged"
	return v
}

// quietLog keeps the log of client-go for those who ask for it: what goes wrong
// is an error of ours, in our words, and a body that an interrupt cut off is not
// worth a word.
func quietLog() {
	if klog.V(1).Enabled() {
		return
	}
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	klog.InitFlags(flags)
	_ = flags.Set("stderrthreshold", "FATAL") // errors would go there, whatever else is set
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
}

// logFilter keeps secrets out of the log, at any verbosity. client-go logs every
// body from -v=8 on, Secrets with their private keys among them, as text or as a
// hexadecimal dump (rest/request.go, logBody), and masks no header but
// Authorization (transport/round_trippers.go). Bodies are left out as a whole,
// since most kinds can hold a secret; headers are shown that are known to hold
// none; credentials in anything else are masked.
type logFilter struct{}

var _ klog.LogFilter = logFilter{}

// Filter implements klog.LogFilter for klog.Info and its like.
func (logFilter) Filter(args []any) []any {
	filtered := make([]any, len(args))
	for i, arg := range args {
		filtered[i] = loggable(arg)
	}
	return filtered
}

// FilterF implements klog.LogFilter for klog.Infof and its like.
func (f logFilter) FilterF(format string, args []any) (string, []any) {
	return maskText(format), f.Filter(args)
}

// FilterS implements klog.LogFilter for klog.InfoS and loggers.
func (logFilter) FilterS(message string, keysAndValues []any) (string, []any) {
	filtered := slices.Clone(keysAndValues)
	for i := 1; i < len(filtered); i += 2 {
		if key := fmt.Sprint(filtered[i-1]); strings.Contains(strings.ToLower(key), "body") {
			filtered[i] = notLogged
			continue
		}
		filtered[i] = loggable(filtered[i])
	}
	return maskText(message), filtered
}

// loggable returns value without secrets. What has no text that could be looked
// at, such as a number, is returned as it is.
func loggable(value any) any {
	switch v := value.(type) {
	case nil:
		return nil
	case string:
		return maskText(v)
	case []byte:
		return notLogged
	case *url.URL:
		return v.Redacted()
	case http.Header:
		return maskHeaders(v)
	case error:
		return maskText(v.Error())
	}
	kind := reflect.TypeOf(value)
	switch {
	// client-go's own type of the headers that it logs.
	case kind.ConvertibleTo(reflect.TypeFor[http.Header]()):
		return maskHeaders(reflect.ValueOf(value).Convert(reflect.TypeFor[http.Header]()).Interface().(http.Header))
	case kind.Kind() <= reflect.Complex128:
		return value
	}
	return maskText(fmt.Sprintf("%+v", value))
}

var (
	privateKeys = regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY.*?(-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)`)
	userInfo    = regexp.MustCompile(`(://)[^/?#\s"']*@`)
	credentials = regexp.MustCompile(`(?i)\b(bearer|basic|negotiate)\s+[A-Za-z0-9._~+/=-]+`)
	curlHeader  = regexp.MustCompile(` -H "(?:[^"\\]|\\.)*"`)
)

// maskText masks credentials in a text: private keys, user information in URLs,
// tokens, and the headers of the curl commands that client-go composes.
func maskText(text string) string {
	text = curlHeader.ReplaceAllStringFunc(text, func(flag string) string {
		header, err := strconv.Unquote(strings.TrimPrefix(flag, " -H "))
		name, _, found := strings.Cut(header, ":")
		if err == nil && found && shownHeaders[http.CanonicalHeaderKey(name)] {
			return flag
		}
		return fmt.Sprintf(" -H %q", name+": "+notLogged)
	})
	text = privateKeys.ReplaceAllString(text, notLogged)
	text = userInfo.ReplaceAllString(text, "$1"+notLogged+"@")
	return credentials.ReplaceAllString(text, "$1 "+notLogged)
}

// shownHeaders are the headers that hold nothing secret: all others are named
// without their values.
var shownHeaders = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "Audit-Id": true, "Cache-Control": true, "Connection": true,
	"Content-Encoding": true, "Content-Length": true, "Content-Type": true, "Date": true,
	"Impersonate-Group": true, "Impersonate-Uid": true, "Impersonate-User": true,
	"Retry-After": true, "Server": true, "Transfer-Encoding": true, "Upgrade": true, "User-Agent": true, "Vary": true, "Via": true,
	"Warning": true, "X-Kubernetes-Pf-Flowschema-Uid": true, "X-Kubernetes-Pf-Prioritylevel-Uid": true, "X-Stream-Protocol-Version": true,
}

// maskHeaders writes headers a line each, as client-go does.
func maskHeaders(headers http.Header) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		value := notLogged
		if shownHeaders[http.CanonicalHeaderKey(name)] {
			value = maskText(strings.Join(headers[name], ", "))
		}
		fmt.Fprintf(&text, "%s: %s\n", name, value)
	}
	return text.String()
}
