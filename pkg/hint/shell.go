package hint

import "strings"

// harmless are the characters that mean nothing to a shell.
const harmless = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./@:+,%="

// ShellWord writes a word as a POSIX shell reads it back. A command that is
// offered to be copied may hold names that others chose, and nothing in them is
// to run.
func ShellWord(word string) string {
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !strings.ContainsRune(harmless, r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
