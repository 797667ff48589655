package version

import (
	"fmt"
	"strconv"
	"strings"
)

const operators = "<>=!~^"

// maxGroups is what the library below takes.
const maxGroups = 32

// parseConstraint reads comparators joined by spaces or commas (all must hold)
// and by || (one must). It gives the constraint its one spelling: single spaces
// between comparators, none within, no commas. The library's own parser takes
// more than anyone means (1|2, 1x), which is why it only ever sees this.
func parseConstraint(s string) (Query, string) {
	groups := strings.Split(s, "||")
	if len(groups) > maxGroups {
		return Query{}, fmt.Sprintf("it has more than %d alternatives", maxGroups)
	}
	for i, group := range groups {
		comparators, why := parseGroup(group)
		if why != "" {
			return Query{}, why
		}
		groups[i] = strings.Join(comparators, " ")
	}
	return constraint(strings.Join(groups, " || ")), ""
}

// constraint returns the query for a constraint in its one spelling, which may
// turn out to be no constraint at all.
func constraint(text string) Query {
	switch v, exact := strings.CutPrefix(text, "="); {
	case text == "*":
		return Query{}
	case exact && Valid(v):
		return Query{Exact, v}
	}
	return Query{Constraint, text}
}

func parseGroup(s string) (comparators []string, why string) {
	fields := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
	for i := 0; i < len(fields); i++ {
		if i+2 < len(fields) && fields[i+1] == "-" {
			low, okLow := partial(fields[i])
			high, okHigh := partial(fields[i+2])
			if !okLow || !okHigh || low == "*" || high == "*" {
				return nil, "a range is two versions: 1.2 - 1.4"
			}
			comparators = append(comparators, ">="+low, "<="+high)
			i += 2
			continue
		}
		operator := fields[i][:len(fields[i])-len(strings.TrimLeft(fields[i], operators))]
		operand := fields[i][len(operator):]
		if operand == "" && i+1 < len(fields) { // ">= 1.2"
			i++
			operand = fields[i]
		}
		c, why := comparator(operator, operand)
		if why != "" {
			return nil, why
		}
		comparators = append(comparators, c)
	}
	if len(comparators) == 0 {
		return nil, "a constraint is missing"
	}
	return comparators, ""
}

func comparator(operator, operand string) (string, string) {
	switch operator {
	case "", "=", "!=", ">", ">=", "<", "<=", "~", "^":
	default:
		return "", quote(operator) + " is no operator (known are = != > >= < <= ~ ^)"
	}
	version, ok := partial(operand)
	switch {
	case operand == "":
		return "", "a version is missing after " + operator
	case !ok:
		return "", quote(operand) + " is no version, nor the beginning of one"
	case version == "*" && operator != "":
		return "", "* takes no operator"
	case operator == "=" && !Valid(version):
		operator = "" // =1.2 and 1.2 are the same range
	case operator == "" && Valid(version):
		operator = "="
	}
	return operator + version, ""
}

// partial reads a version that may be the beginning of one (1, 1.2, 1.x, *), and
// returns it without a leading v.
func partial(s string) (string, bool) {
	s = strings.TrimPrefix(s, "v")
	if Valid(s) {
		return s, true
	}
	parts := strings.Split(s, ".")
	if len(parts) > 3 {
		return "", false
	}
	wild := false
	for i, part := range parts {
		if part == "x" || part == "X" || part == "*" {
			wild = true
			parts[i] = "x"
			continue
		}
		n, err := strconv.ParseUint(part, 10, 64)
		if wild || err != nil || strconv.FormatUint(n, 10) != part {
			return "", false
		}
	}
	if parts[0] == "x" {
		return "*", true
	}
	return strings.Join(parts, "."), true
}

// semverSyntax turns a canonical constraint into one that the library reads the
// way it is documented: to it, ~0.0.0 means any version at all.
func semverSyntax(constraint string) string {
	fields := strings.Fields(constraint)
	for i, field := range fields {
		if v, ok := strings.CutPrefix(field, "~0.0.0"); ok && (v == "" || v[0] == '-' || v[0] == '+') {
			fields[i] = ">=0.0.0" + v + " <0.1.0"
		}
	}
	return strings.Join(fields, " ")
}
