package iptables

import (
	"strings"

	"ftplab/sim/firewall/dialect/internal/text"
)

// variable is a variable of the shell.
type variable struct{ name, value string }

// splitWords splits a command as a shell does: at blanks, with quotes and
// backslashes. A # that begins a word begins a comment. With variables, $NAME and
// ${NAME} are replaced.
func splitWords(line string, offset int, variables func(name string) (string, bool)) ([]text.Word, *text.Problem) {
	var words []text.Word
	for i := 0; i < len(line); {
		if line[i] == ' ' || line[i] == '\t' {
			i++
			continue
		}
		if line[i] == '#' {
			break
		}
		start := i
		word, end, problem := oneWord(line, i, variables)
		if problem != nil {
			return nil, problem
		}
		i = end
		words = append(words, text.Word{Text: word, Column: offset + start + 1})
		if len(words) > maxWords {
			return nil, text.At(words[len(words)-1], "a command of more than %d words", maxWords)
		}
	}
	return words, nil
}

// oneWord reads the word that begins at i and returns where it ends.
func oneWord(line string, i int, variables func(string) (string, bool)) (string, int, *text.Problem) {
	var b strings.Builder
	quote, opened := byte(0), i
	for ; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String(), i, nil
		case quote == 0 && (c == '"' || c == '\''):
			quote, opened = c, i
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'' && i+1 < len(line):
			i++
			b.WriteByte(line[i])
		case c == '$' && quote != '\'' && variables != nil:
			value, end, problem := expand(line, i, variables)
			if problem != nil {
				return "", 0, problem
			}
			b.WriteString(value)
			i = end - 1
		default:
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return "", 0, (&text.Problem{Column: opened + 1, EndColumn: opened + 2, Message: "the quote is not closed"}).WithHint("close it with %c", quote)
	}
	return b.String(), len(line), nil
}

// expand reads $NAME or ${NAME} at i and returns its value and where it ends.
func expand(line string, i int, variables func(string) (string, bool)) (string, int, *text.Problem) {
	end := i + 1
	if end < len(line) && line[end] == '{' {
		end++
	}
	from := end
	for end < len(line) && isNameByte(line[end]) {
		end++
	}
	name := line[from:end]
	if from > i+1 && end < len(line) && line[end] == '}' {
		end++
	}
	value, ok := variables(name)
	if !ok {
		return "", 0, (&text.Problem{Column: i + 1, EndColumn: end + 1, Message: "the shell variable " + line[i:end] + " is not set in this text"}).
			WithHint("write its value, or set it in a line before: %s=VALUE", name)
	}
	return value, end, nil
}

func isNameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// lookupVariable finds what the text set a variable to.
func (p *parser) lookupVariable(name string) (string, bool) {
	for i := len(p.variables) - 1; i >= 0; i-- {
		if p.variables[i].name == name {
			return p.variables[i].value, true
		}
	}
	return "", false
}

// shellLine reads a line of a shell: iptables commands, settings of variables, and
// others, which are left out with a warning.
func (p *parser) shellLine(line string) {
	offset := promptLength(line)
	words, problem := splitWords(line[offset:], offset, p.lookupVariable)
	if problem != nil {
		p.fail(problem)
		return
	}
	for len(words) > 0 && (words[0].Text == "sudo" || words[0].Text == "export") {
		words = words[1:]
	}
	if len(words) == 0 {
		return
	}
	first := words[0]
	if name, value, ok := strings.Cut(first.Text, "="); ok && isName(name) && len(words) == 1 {
		if len(value) <= maxVariable && len(p.variables) < maxWords {
			p.variables = append(p.variables, variable{name, value})
		}
		return
	}
	program := first.Text[strings.LastIndexByte(first.Text, '/')+1:]
	switch program {
	case "iptables", "iptables-nft", "iptables-legacy":
		p.command(words[1:], line, "filter", "ip")
	case "ip6tables", "ip6tables-nft", "ip6tables-legacy":
		p.command(words[1:], line, "filter", "ip6")
	case "for", "while", "until", "if", "case", "do", "done", "then", "else", "fi", "esac", "function", "{", "}":
		p.fail(text.At(first, "the shell's %q is not run here", first.Text).WithHint("paste the commands that it leads to, or what iptables-save prints"))
	default:
		if near := text.Suggest(program, []string{"iptables", "ip6tables", "COMMIT"}); near != "" {
			p.fail(text.At(first, "%q is not a command that is known here", first.Text).WithHint("did you mean %s?", near))
			return
		}
		if p.current != nil || !looksLikeCommand(program) {
			p.fail(text.At(first, "%q begins no rule", first.Text).WithHint("a rule begins with -A CHAIN, or with iptables -A CHAIN"))
			return
		}
		p.warn(first, "%s is not an iptables command: the line is left out", first.Text)
	}
}

// maxVariable bounds the value of a variable, so that one that holds itself many
// times over cannot grow.
const maxVariable = 4096

// looksLikeCommand reports whether a word is one of the commands that firewall
// scripts commonly have beside those of iptables.
func looksLikeCommand(word string) bool {
	switch word {
	case "echo", "modprobe", "insmod", "sysctl", "set", "exit", "service", "systemctl", "iptables-save", "iptables-restore", "ip6tables-save",
		"ip6tables-restore", "ipset", "ip", "ifconfig", "route", "cat", "sleep", "true", ":", "depmod", "logger", "printf", "cd", "test", "[", "/bin/true", "tc", "conntrack":
		return true
	}
	return false
}

func isName(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isNameByte(s[i]) {
			return false
		}
	}
	return s != ""
}

// promptLength returns the length of the prompt of a shell that a pasted line begins
// with: "root@fw:~# " or "$ ".
func promptLength(line string) int {
	if rest := strings.TrimLeft(line, " \t"); strings.HasPrefix(rest, "$ ") {
		return len(line) - len(rest) + 2
	}
	for _, end := range [...]string{"# ", "$ "} {
		if i := strings.Index(line, end); i > 0 && strings.Contains(line[:i], "@") && !strings.Contains(line[:i], " ") {
			return i + len(end)
		}
	}
	return 0
}
