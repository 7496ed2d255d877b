package scan

import (
	"path/filepath"
	"slices"
	"strings"
)

// namedAsCertificate reports whether a file of this name should hold one.
func namedAsCertificate(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".crt", ".cer", ".cert", ".pem", ".der", ".p7b", ".p7c", ".p7s", ".spc":
		return true
	}
	return false
}

// namedAsKey reports whether a file of this name should hold a private key.
func namedAsKey(name string) bool {
	return filepath.Ext(name) == ".key" || strings.HasSuffix(name, "-key.pem")
}

// documents are the endings of files that may quote certificates, and hold none
// that anything uses: documents, source code, templates.
var documents = []string{".md", ".markdown", ".rst", ".adoc", ".asciidoc", ".html", ".htm", ".tex", ".org", ".go", ".py", ".rb", ".js", ".mjs", ".ts", ".tsx",
	".jsx", ".java", ".kt", ".scala", ".c", ".h", ".cc", ".cpp", ".hpp", ".rs", ".php", ".pl", ".sh", ".bash", ".zsh", ".ps1", ".lua", ".swift", ".cs", ".ex", ".erl",
	".clj", ".hs", ".tpl", ".tmpl", ".j2", ".jinja", ".jinja2", ".gotmpl", ".example", ".sample", ".template", ".dist", ".patch", ".diff", ".log", ".ipynb", ".sql", ".xml", ".css"}

// isDocument reports whether a file of this name is text about certificates.
func isDocument(name string) bool {
	base := strings.ToLower(filepath.Base(name))
	ext := filepath.Ext(base)
	if slices.Contains(documents, ext) {
		return true
	}
	switch strings.TrimSuffix(base, ext) {
	case "readme", "notes", "changelog", "changes", "license", "licence", "contributing", "makefile", "dockerfile", "copying", "authors", "install", "todo", "news", "history":
		return ext == "" || ext == ".txt"
	}
	return false
}

// isStructured reports whether a file of this name is of a format in which PEM is
// indented, or one string.
func isStructured(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml", ".json", ".toml", ".tf", ".tfvars", ".tfstate", ".hcl", ".conf", ".cfg", ".ini", ".env", ".properties", ".txt", ".nix", ".jsonnet", ".libsonnet", ".cue":
		return true
	}
	return false
}
