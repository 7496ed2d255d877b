package scan

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
)

// file is a file that is to be read.
type file struct {
	shown string // as the user would call it
	name  string // absolute, with /
	path  string // where it lies, symbolic links followed
	// beside is path before a last link was followed: what lies beside it, by
	// its own name, belongs to it too.
	beside string
	// explicit is set where the user named the file itself.
	explicit bool
	// copy is set for backups and copies, which nothing uses.
	copy bool
	arg  int // the argument that led to it
}

// walker finds files.
type walker struct {
	*fileReader
	ctx   context.Context
	args  []string
	files []file
	// been has the directories that were entered, by their true paths: links
	// may lead in circles.
	been map[string]bool
	// entered has them by their absolute names.
	entered map[string]bool
	full    bool
	// yields has the arguments that led to something worth a report.
	yields map[int]bool
}

// walk finds the files in paths, and reports to r what cannot be one.
func walk(ctx context.Context, paths []string, r *fileReader) *walker {
	w := &walker{fileReader: r, ctx: ctx, args: paths, been: map[string]bool{}, entered: map[string]bool{}, yields: map[int]bool{}}
	for i, path := range paths {
		if path == standardInput {
			w.yields[i] = true
			continue
		}
		before := r.reports
		w.visit(visit{arg: i, shown: path, path: path})
		if r.reports > before {
			w.yields[i] = true
		}
	}
	return w
}

func (w *walker) yielded(f file) { w.yields[f.arg] = true }

// sumUp says of each argument what was counted, or that it led to nothing.
func (w *walker) sumUp() {
	for i, arg := range w.args {
		if n := w.copied[i]; n > 0 {
			w.note(arg, notice{Code: noticeCopies, Args: []string{strconv.Itoa(n)}})
		}
		if n := w.passed[i]; n > 0 && w.yields[i] {
			w.note(arg, notice{Code: noticePassed, Args: []string{strconv.Itoa(n)}})
		}
		if !w.yields[i] {
			w.note(arg, notice{Code: noticeBarren})
		}
	}
}

// visit is what is looked at next.
type visit struct {
	arg   int
	shown string
	path  string // with the links in its directories followed
	depth int
	copy  bool
}

func (w *walker) visit(v visit) {
	if w.ctx.Err() != nil || w.full {
		return
	}
	path, err := follow(v.path)
	if err != nil {
		// A link to nothing is a fault only where a certificate should be.
		_, outside := errors.AsType[*outsideError](err)
		if outside || v.depth == 0 || !errors.Is(err, fs.ErrNotExist) || namedAsCertificate(v.shown) {
			w.skipError(v.shown, err)
		}
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		w.skipError(v.shown, err)
	case info.IsDir():
		w.enter(v, path)
	case !info.Mode().IsRegular():
		w.skipError(v.shown, errNotRegular)
	case len(w.files) == mostFiles:
		w.full = true
		w.note(v.shown, notice{Code: noticeTooMany})
	default:
		beside := path
		if dir, err := follow(filepath.Dir(v.path)); err == nil {
			beside = filepath.Join(dir, filepath.Base(v.path))
		}
		w.files = append(w.files, file{shown: v.shown, name: absolute(v.shown), path: path, beside: beside,
			explicit: v.depth == 0, copy: v.copy, arg: v.arg})
	}
}

// enter visits what is in a directory.
func (w *walker) enter(v visit, path string) {
	if v.depth > 0 && !catalog.Leads(absolute(v.shown)) {
		return
	}
	if v.depth == deepest {
		w.note(v.shown, notice{Code: noticeTooDeep})
		return
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		real = path
	}
	if w.been[real] {
		return
	}
	w.been[real] = true
	dir, err := os.Open(path)
	if err != nil {
		w.skipError(v.shown, err)
		return
	}
	defer dir.Close()
	names, err := dir.Readdirnames(mostFiles + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		w.skipError(v.shown, err)
	}
	w.entered[absolute(v.shown)] = true
	slices.Sort(names)
	for _, name := range names {
		w.visit(visit{v.arg, filepath.Join(v.shown, name), filepath.Join(path, name), v.depth + 1, v.copy || isCopy(name)})
	}
}

// unique drops the second and further names of one file, unless the layout
// knows them.
func (w *walker) unique(matches map[string]catalog.Match) []file {
	known := func(f file) bool {
		m, ok := matches[f.name]
		return ok && !m.Old
	}
	best := map[string]int{}
	for i, f := range w.files {
		if j, ok := best[f.path]; !ok || known(f) && !known(w.files[j]) {
			best[f.path] = i
		}
	}
	var files []file
	for i, f := range w.files {
		if best[f.path] == i || known(f) || f.explicit {
			files = append(files, f)
		}
	}
	return files
}

// readRegular reads a regular file of at most most bytes. Nothing else is
// waited for: a named pipe would have no end.
func readRegular(path string, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errNotRegular
	case info.Size() > most:
		return nil, errTooLarge
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = errTooLarge
	}
	return data, err
}

// skipError reports why the file at where could not be read.
func (r *fileReader) skipError(where string, err error) {
	n := notice{Code: noticeInputOutput, detail: oneLine(err)}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		n.detail = oneLine(path.Err)
	}
	if outside, ok := errors.AsType[*outsideError](err); ok {
		n = notice{Code: noticeOutside, Args: []string{outside.target}}
	}
	for known, code := range map[error]noticeCode{
		fs.ErrPermission: noticePermission, fs.ErrNotExist: noticeGone,
		errNotRegular: noticeNotRegular, errTooLarge: noticeTooLarge, errCircle: noticeCircle,
	} {
		if n.Code == noticeInputOutput && errors.Is(err, known) {
			n = notice{Code: code}
		}
	}
	r.note(where, n)
}

// bounded is text, cut to what fits a line.
func bounded(text string) string {
	if len(text) <= mostTextShown {
		return text
	}
	return strings.ToValidUTF8(text[:mostTextShown], "") + " …"
}
