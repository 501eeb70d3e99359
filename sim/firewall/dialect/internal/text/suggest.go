package text

import "strings"

// Suggest returns the candidate that a person who wrote word most likely meant, or
// "" if none is near: at most one slip in four letters, two from six letters on. A
// slip is a letter too much, too few, another one, or two swapped.
func Suggest(word string, candidates []string) string {
	const longest = 64
	if word == "" || len(word) > longest {
		return ""
	}
	word = strings.ToLower(word)
	best, bestDistance := "", allowance(len(word))+1
	for _, c := range candidates {
		if d := distance(word, strings.ToLower(c), bestDistance); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

func allowance(length int) int {
	switch {
	case length <= 2:
		return 0
	case length <= 5:
		return 1
	}
	return 2
}

// distance is the Damerau-Levenshtein distance (adjacent swaps) of a and b, or some
// number >= limit.
func distance(a, b string, limit int) int {
	if diff := len(a) - len(b); diff >= limit || -diff >= limit {
		return limit
	}
	before, previous := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			substitution := previous[j-1]
			if a[i-1] != b[j-1] {
				substitution++
			}
			row[j] = min(previous[j]+1, row[j-1]+1, substitution)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, previous = previous, row
	}
	return previous[len(b)]
}

// Keyword returns which of the candidates a word is, in any case. With abbreviate, a
// prefix that only one candidate has is taken for it, as a device's command line
// does; a prefix of several is an error that names them. What says in the message
// what the word should have been.
func Keyword(what string, w Word, abbreviate bool, candidates ...string) (string, *Problem) {
	var starts []string
	lower := w.Lower()
	for _, c := range candidates {
		if lower == c {
			return c, nil
		}
		if lower != "" && strings.HasPrefix(c, lower) {
			starts = append(starts, c)
		}
	}
	switch {
	case abbreviate && len(starts) == 1:
		return starts[0], nil
	case abbreviate && len(starts) > 1:
		return "", At(w, "%q is ambiguous", w.Text).WithHint("%s", oneOf(starts))
	}
	return "", Expected(what, w, candidates...)
}
