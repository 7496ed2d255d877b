package scan

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// Bounds of what is read from files: more than any node holds, and little
// enough that a wrong argument does not cost an afternoon.
const (
	mostFileBytes = 32 << 20
	mostKeyBytes  = 64 << 10
	mostConfBytes = 16 << 20
	mostFiles     = 20000
	deepest       = 32
	mostLinks     = 16
	mostTextShown = 300 // of an error, in bytes
	standardInput = "-"
)

// reporter takes what was found.
type reporter interface {
	see(inventory.Sighting)
	// note says something about a place.
	note(where string, n notice)
	// look names rows of the catalog whose files were looked for.
	look(rows []string)
}

// Files reads the certificates in files: PEM, DER and kubeconfigs, and in
// directories with everything below them. Where the names are those of a layout
// of the catalog, they tell what each certificate is; every other file is named
// by its path. The path "-" is stdin. Of private keys only the public half is
// looked at, to compare it with the certificate beside it. It needs no cluster.
func Files(paths []string, stdin io.Reader) Source {
	return Source{filesSource, func(ctx context.Context, to *inventory.Collector) {
		readFiles(ctx, filesSource, paths, stdin, collecting{filesSource, to})
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
	var names []string
	for _, f := range w.files {
		if !f.copy { // it is no tree in use
			names = append(names, f.name)
		}
	}
	matches := catalog.MatchFiles(names)
	r.keyed = w.keyedTrees(matches)
	to.look(w.lookedFor(matches))
	owners := ownersIn(matches)
	for _, f := range w.unique(matches) {
		if ctx.Err() != nil {
			r.note(f.shown, notice{Code: noticeLate})
			return
		}
		match := matches[f.name]
		if match.Old && !f.explicit {
			continue
		}
		before := r.reports
		r.owner, r.layout = owners.of(f, match), match.Layout
		r.read(f, match)
		if r.reports > before {
			w.yielded(f)
		}
	}
	w.sumUp()
}

// fileReader reads files one by one.
type fileReader struct {
	source string
	to     reporter
	// reports counts what was reported.
	reports int
	// keyed tells of the root of a tree whether any private key lies there.
	keyed map[string]bool
	// copied and passed count, by the argument that led there, certificates in
	// copies and files with nothing to read.
	copied, passed map[int]int
	// owner is whose file is being read, and layout what it is laid out by, or "".
	owner, layout string
}

func (r *fileReader) see(s inventory.Sighting) {
	r.reports++
	s.Owner, s.Layout = r.owner, r.layout
	r.to.see(s)
}

func (r *fileReader) note(where string, n notice) {
	r.reports++
	r.to.note(where, n)
}

// pass counts a file that holds nothing to read.
func (r *fileReader) pass(f file) {
	if r.passed == nil {
		r.passed = map[int]int{}
	}
	r.passed[f.arg]++
}

// readStdin reads what is not in a file.
func (r *fileReader) readStdin(stdin io.Reader) {
	const where = "standard input"
	r.owner = where
	data, err := io.ReadAll(io.LimitReader(stdin, mostFileBytes+1))
	switch {
	case err != nil:
		r.note(where, notice{Code: noticeInputOutput, detail: oneLine(err)})
	case len(data) > mostFileBytes:
		r.note(where, notice{Code: noticeTooLarge})
	default:
		before := r.reports
		r.readData(file{shown: where, explicit: true}, catalog.Match{}, data)
		if r.reports == before {
			r.note(where, notice{Code: noticeBarren})
		}
	}
}

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
	if (match.File.BySubject || match.Alone) && !fits(data, match.File) {
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
