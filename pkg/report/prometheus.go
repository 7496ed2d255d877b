package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math/big"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// metrics are those of enix's x509-certificate-exporter, so that dashboards and
// alerts made for it work.
var metrics = []struct {
	name, help string
	of         func(e *inventory.Entry, now time.Time) int64
}{
	{"x509_cert_expired", "Indicates if the certificate is expired", func(e *inventory.Entry, now time.Time) int64 {
		if now.After(e.NotAfter) {
			return 1
		}
		return 0
	}},
	{"x509_cert_expires_in_seconds", "Indicates the remaining time before the certificate's not after timestamp",
		func(e *inventory.Entry, now time.Time) int64 { return e.NotAfter.Unix() - now.Unix() }},
	{"x509_cert_not_after", "Indicates the certificate's not after timestamp",
		func(e *inventory.Entry, _ time.Time) int64 { return e.NotAfter.Unix() }},
	{"x509_cert_not_before", "Indicates the certificate's not before timestamp",
		func(e *inventory.Entry, _ time.Time) int64 { return e.NotBefore.Unix() }},
	{"x509_cert_valid_since_seconds", "Indicates the elapsed time since the certificate's not before timestamp",
		func(e *inventory.Entry, now time.Time) int64 { return now.Unix() - e.NotBefore.Unix() }},
}

// Prometheus writes the text exposition format, version 0.0.4, for a textfile
// collector: a series for each place where a certificate was seen. A label
// without a value is left out, which is the same to Prometheus.
func Prometheus(w io.Writer, inv *inventory.Inventory, _ Options) error {
	all := seriesOf(inv.Items)
	var out strings.Builder
	for _, m := range metrics {
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s gauge\n", m.name, m.help, m.name)
		for _, s := range all {
			out.WriteString(m.name + s.labels + " " + strconv.FormatInt(m.of(s.entry, inv.TakenAt), 10) + "\n")
		}
	}
	broken := unreadablePlaces(inv)
	if len(broken) > 0 {
		out.WriteString("# HELP x509_cert_error Indicates whether a certificate or its key could not be read there\n# TYPE x509_cert_error gauge\n")
		for _, b := range broken {
			out.WriteString("x509_cert_error" + b.labels + " 1\n")
		}
	}
	writeSources(&out, inv, broken)
	_, err := io.WriteString(w, out.String())
	return err
}

// writeSources writes the series of version 4 of the exporter about sources: how
// many locations of each could not be read, and whether anything could.
func writeSources(out *strings.Builder, inv *inventory.Inventory, broken []brokenPlace) {
	errors, found := map[string]int{}, map[string]bool{}
	for _, source := range inv.Sources {
		errors[source] = 0
	}
	for _, b := range broken {
		errors[b.source]++
	}
	for _, s := range inv.Skipped {
		if !s.Expected {
			errors[s.Source]++
		}
	}
	for i := range inv.Items {
		for _, l := range inv.Items[i].Locations {
			found[l.Source] = true
		}
	}
	var up, failed strings.Builder
	for _, source := range slices.Sorted(maps.Keys(errors)) {
		labels, isUp := labelText(map[string]string{"source_name": cmp.Or(source, "unknown")}), 1
		if errors[source] > 0 && !found[source] {
			isUp = 0
		}
		fmt.Fprintf(&up, "x509_source_up%s %d\n", labels, isUp)
		fmt.Fprintf(&failed, "x509_source_errors_total%s %d\n", labels, errors[source])
	}
	out.WriteString("# HELP x509_source_up Indicates whether anything could be read from the source\n# TYPE x509_source_up gauge\n" + up.String())
	out.WriteString("# HELP x509_source_errors_total Indicates the number of read failures of the source\n# TYPE x509_source_errors_total counter\n" + failed.String())
}

// brokenPlace is a location with something that cannot be read.
type brokenPlace struct{ source, labels string }

// unreadablePlaces are the locations where something that can be read should be
// and is not, each once: the exporter's x509_cert_error. What vanished from the
// other metrics stays visible by it.
func unreadablePlaces(inv *inventory.Inventory) []brokenPlace {
	var all []brokenPlace
	for _, f := range inv.Findings {
		if f.Code != inventory.CodeUnreadable && f.Code != inventory.CodeKeyUnusable {
			continue
		}
		if place := (brokenPlace{f.Source, labelText(location(f.Location))}); !slices.Contains(all, place) {
			all = append(all, place)
		}
	}
	return all
}

// series is a certificate at one of its places.
type series struct {
	entry  *inventory.Entry
	labels string
}

// seriesOf returns every series with labels of its own. Where two would have
// the same, as those of one bundle may, the exporter's label discriminator
// tells them apart.
func seriesOf(items []inventory.Entry) []series {
	var all []series
	seen := map[string]bool{}
	for i := range items {
		e := &items[i]
		if e.Copy {
			continue // nobody wants to be woken for a backup
		}
		own := identity(e)
		for _, l := range e.Locations {
			labels := maps.Clone(own)
			maps.Copy(labels, location(l))
			text := labelText(labels)
			if seen[text] {
				labels["discriminator"] = e.SHA256[:min(8, len(e.SHA256))]
				text = labelText(labels)
			}
			if !seen[text] {
				seen[text] = true
				all = append(all, series{e, text})
			}
		}
	}
	return all
}

// identity are the labels that say which certificate it is. Beside the
// exporter's there are the catalog's name and the node.
func identity(e *inventory.Entry) map[string]string {
	labels := map[string]string{
		"serial_number": decimal(e.SerialNumber),
		"subject_CN":    e.Subject.CommonName,
		"cert_name":     e.Name,
		"cert_node":     e.Node,
	}
	if len(e.Subject.Organizations) > 0 {
		labels["subject_O"] = e.Subject.Organizations[0]
	}
	for _, field := range []string{"C", "ST", "L", "O", "OU"} {
		labels["issuer_"+field] = ""
	}
	labels["issuer_CN"] = e.Issuer.CommonName
	if len(e.Issuer.Organizations) > 0 {
		labels["issuer_O"] = e.Issuer.Organizations[0]
	}
	for _, a := range e.Issuer.OtherAttributes {
		if value, known := labels["issuer_"+a.Type]; known && value == "" {
			labels["issuer_"+a.Type] = a.Value
		}
	}
	return labels
}

// decimal is a serial number as the exporter writes it.
func decimal(hexadecimal string) string {
	if n, ok := new(big.Int).SetString(hexadecimal, 16); ok {
		return n.String()
	}
	return hexadecimal
}

// location are the exporter's labels of a place. What servers present it does
// not know; that has its address where a file has its path.
func location(l inventory.Location) map[string]string {
	object, key, _ := strings.Cut(l.Where, "#")
	namespace, name, _ := strings.Cut(object, "/")
	labels := map[string]string{"cert_source": l.Source}
	add := func(kind string) {
		labels[kind+"_namespace"], labels[kind+"_name"], labels[kind+"_key"] = namespace, name, key
	}
	switch {
	case l.Source == "secrets":
		add("secret")
	case l.Source == "trust" && name != "" && key != "":
		add("configmap")
	case l.Source == "webhooks":
		labels["cabundle_resource_kind"], labels["cabundle_resource_name"], labels["cabundle_entry"] = namespace, name, key
	case l.Source == "kubeconfig":
		labels["embedded_kind"], labels["embedded_key"] = "user", object
		if key == "certificate-authority" {
			labels["embedded_kind"] = "cluster"
		}
	case l.Source == "node-files":
		// Copies on several nodes are several series.
		node, file, _ := strings.Cut(l.Where, ":")
		labels["cert_node"], labels["filepath"], labels["filename"] = node, file, path.Base(file)
	default:
		labels["filepath"], labels["filename"] = l.Where, path.Base(l.Where)
	}
	return labels
}

// labelText writes labels in a fixed order. The format wants three characters
// of a value escaped; those that a terminal would obey become visible too, by
// Printable, whose backslashes are then escaped as any others.
func labelText(labels map[string]string) string {
	names := slices.Sorted(maps.Keys(labels))
	var out strings.Builder
	for _, name := range names {
		if labels[name] == "" {
			continue
		}
		if out.Len() > 0 {
			out.WriteByte(',')
		}
		out.WriteString(name + `="` + labelEscapes.Replace(Printable(labels[name])) + `"`)
	}
	return "{" + out.String() + "}"
}

var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
