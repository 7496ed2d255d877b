package hint

import (
	"slices"
	"strings"
)

// Nearest returns the candidates that word was most likely meant to be, the
// likeliest first and at most limit of them: those that begin with it or
// contain it, and those that differ in a few letters. Upper and lower case do
// not count.
func Nearest(word string, candidates []string, limit int) []string {
	type near struct {
		name     string
		distance int
	}
	word = strings.ToLower(word)
	var found []near
	for _, candidate := range candidates {
		if slices.ContainsFunc(found, func(n near) bool { return n.name == candidate }) {
			continue
		}
		lower := strings.ToLower(candidate)
		distance := editDistance(word, lower)
		if word != "" && strings.Contains(lower, word) {
			distance = min(distance, 1)
		}
		if distance <= max(1, len(word)/3) {
			found = append(found, near{candidate, distance})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return a.distance - b.distance })
	var names []string
	for _, n := range found[:min(limit, len(found))] {
		names = append(names, n.name)
	}
	return names
}

// editDistance is the Levenshtein distance of a and b, in bytes. What is far
// longer than a is far away, and is not measured.
func editDistance(a, b string) int {
	if len(b) > 2*len(a)+2 {
		return len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
