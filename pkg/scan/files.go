package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// Bounds of what is read from files: more than any node holds, and little
// enough that a wrong argument does not cost an afternoon.
const (
	mostFileBytes   = 32 << 20
	mostKeyBytes    = 64 << 10
	mostConfBytes   = 4 << 20
	mostFiles       = 20000
	deepest         = 32
	mostLinks       = 16
	mostTextShown   = 300 // of an error, in bytes
	standardInput   = "-"
	filesSource     = "files"
	NodeFilesSource = "node-files"
)

// reporter takes what was found. An inventory.Collector is one.
type reporter interface {
	See(inventory.Sighting)
	Find(inventory.PlaceFinding)
	Skip(inventory.Skip)
}

// Files reads the certificates in files: PEM, DER and kubeconfigs, and in
// directories with everything below them. Where the names are those of a layout
// of the catalog, they tell what each certificate is; every other file is named
// by its path. The path "-" is stdin. Of private keys only the public half is
// looked at, to compare it with the certificate beside it. It needs no cluster.
func Files(paths []string, stdin io.Reader) Source {
	return Source{filesSource, func(ctx context.Context, to *inventory.Collector) {
		readFiles(ctx, filesSource, paths, stdin, to)
	}}
}

// readFiles is Files for any reporter.
func readFiles(ctx context.Context, source string, paths []string, stdin io.Reader, to reporter) {
	r := &fileReader{source: source, to: to}
	for _, path := range paths {
		if path == standardInput {
			r.readStdin(stdin)
		}
	}
	w := walk(ctx, paths, r)
	names := make([]string, 0, len(w.files))
	for _, f := range w.files {
		names = append(names, f.name)
	}
	matches := catalog.MatchFiles(names)
	for _, f := range w.unique(matches) {
		if ctx.Err() != nil {
			r.skip(f.shown, "not read in time", "name fewer files")
			return
		}
		match := matches[f.name]
		if match.Old && !f.explicit {
			continue
		}
		before := r.reports
		r.read(f, match)
		if r.reports > before {
			w.yielded(f)
		}
	}
	for _, arg := range w.barren() {
		r.skip(arg, "there are no certificates in it", "name a directory or a file with certificates or kubeconfigs: PEM, DER or YAML")
	}
}

// fileReader reads files one by one.
type fileReader struct {
	source string
	to     reporter
	// reports counts what was reported.
	reports int
}

func (r *fileReader) see(s inventory.Sighting) {
	r.reports++
	r.to.See(s)
}

func (r *fileReader) find(where string, code inventory.Code, severity inventory.Severity, message, fix string) {
	r.reports++
	r.to.Find(inventory.PlaceFinding{
		Location: inventory.Location{Source: r.source, Where: where},
		Finding:  inventory.Finding{Code: code, Severity: severity, Message: message, Fix: fix},
	})
}

func (r *fileReader) skip(where, reason, hint string) {
	r.reports++
	r.to.Skip(inventory.Skip{Source: r.source, Where: where, Reason: reason, Hint: hint})
}

// unreadable reports that something else lies where a certificate should.
func (r *fileReader) unreadable(where string, match catalog.Match, why string) {
	severity := inventory.Warning
	if match.File.Row != "" {
		severity = inventory.Critical // a component needs it
	}
	r.find(where, inventory.CodeUnreadable, severity, "cannot be read: "+why,
		"look at what is stored there, and put the certificate there again")
}

// template is the sighting of what lies in the file at where.
func (r *fileReader) template(where string) inventory.Sighting {
	return inventory.Sighting{
		Location: inventory.Location{Source: r.source, Where: where},
		Place:    catalog.LeafFile, Name: where,
	}
}

// readStdin reads what is not in a file.
func (r *fileReader) readStdin(stdin io.Reader) {
	const where = "standard input"
	data, err := io.ReadAll(io.LimitReader(stdin, mostFileBytes+1))
	switch {
	case err != nil:
		r.skip(where, oneLine(err), "try again")
	case len(data) > mostFileBytes:
		r.skip(where, tooLarge, tooLargeHint)
	default:
		before := r.reports
		r.readData(file{shown: where, explicit: true}, catalog.Match{}, data)
		if r.reports == before {
			r.skip(where, "there are no certificates in it", "pass PEM, DER or a kubeconfig")
		}
	}
}

var (
	tooLarge     = fmt.Sprintf("it is larger than %d MiB", mostFileBytes>>20)
	tooLargeHint = "no file with certificates is that large: take them out of it, and name those"
)

// read reads one file.
func (r *fileReader) read(f file, match catalog.Match) {
	data, err := readRegular(f.path, mostFileBytes)
	if errors.Is(err, fs.ErrPermission) && !f.explicit && namedAsKey(f.shown) {
		return // it is asked for again, if there is a certificate beside it
	}
	if err != nil {
		r.skipError(f.shown, err)
		return
	}
	if match.File.BySubject && !fits(data, match.File.Row) {
		match = catalog.Match{}
	}
	r.readData(f, match, data)
}

// absolute returns path as the catalog takes it.
func absolute(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil { // the working directory is gone
		abs = path
	}
	return filepath.ToSlash(abs)
}
