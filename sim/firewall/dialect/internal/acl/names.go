package acl

import "ftplab/sim/firewall/dialect/internal/text"

// DSCPNames returns the keywords of differentiated services code points (RFC 2474,
// 2597, 3246) that all vendors share.
func DSCPNames() []text.Name { return dscpNames[:] }

// PrecedenceNames returns the keywords of the three precedence bits (RFC 791).
func PrecedenceNames() []text.Name { return precedenceNames[:] }

// ToSNames returns the keywords of the four type-of-service bits (RFC 1349).
func ToSNames() []text.Name { return tosNames[:] }

var dscpNames = [...]text.Name{
	{Name: "default", Number: 0}, {Name: "cs1", Number: 8}, {Name: "af11", Number: 10}, {Name: "af12", Number: 12}, {Name: "af13", Number: 14},
	{Name: "cs2", Number: 16}, {Name: "af21", Number: 18}, {Name: "af22", Number: 20}, {Name: "af23", Number: 22}, {Name: "cs3", Number: 24},
	{Name: "af31", Number: 26}, {Name: "af32", Number: 28}, {Name: "af33", Number: 30}, {Name: "cs4", Number: 32}, {Name: "af41", Number: 34},
	{Name: "af42", Number: 36}, {Name: "af43", Number: 38}, {Name: "cs5", Number: 40}, {Name: "ef", Number: 46}, {Name: "cs6", Number: 48},
	{Name: "cs7", Number: 56},
}

var precedenceNames = [...]text.Name{
	{Name: "routine", Number: 0}, {Name: "priority", Number: 1}, {Name: "immediate", Number: 2}, {Name: "flash", Number: 3},
	{Name: "flash-override", Number: 4}, {Name: "critical", Number: 5}, {Name: "internet", Number: 6}, {Name: "network", Number: 7},
}

var tosNames = [...]text.Name{
	{Name: "normal", Number: 0}, {Name: "min-monetary-cost", Number: 1}, {Name: "max-reliability", Number: 2},
	{Name: "max-throughput", Number: 4}, {Name: "min-delay", Number: 8},
}
