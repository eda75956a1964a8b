package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// errHelp says that the flags were asked for and have been printed.
var errHelp = errors.New("help")

// flags is a command's flag set with the environment behind it.
type flags struct {
	*flag.FlagSet
	call      *call
	logLevel  *string
	logFormat *string
}

// newFlags returns a flag set with the flags that all commands have.
func newFlags(c *call) *flags {
	fs := flag.NewFlagSet(c.command.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // mistakes are reported in one line, by the caller
	return &flags{
		FlagSet: fs, call: c,
		logLevel:  fs.String("log-level", "info", "`LEVEL` of the log: debug, info, warn or error"),
		logFormat: fs.String("log-format", "text", "`FORMAT` of the log: text or json"),
	}
}

// parse reads the arguments, flags and others in any order, then the environment for what they do not say. It returns the arguments
// that are no flags; want is how many there must be.
func (f *flags) parse(want int) ([]string, error) {
	var rest []string
	for args := f.call.args; ; {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				f.print()
				return nil, errHelp
			}
			return nil, fmt.Errorf("%w (see overtime help %s)", err, f.Name())
		}
		after := f.Args()
		if len(after) == 0 {
			break
		}
		if n := len(args) - len(after); n > 0 && args[n-1] == "--" {
			rest = append(rest, after...)
			break
		}
		rest, args = append(rest, after[0]), after[1:]
	}
	if err := f.environment(); err != nil {
		return nil, err
	}
	if len(rest) != want {
		return nil, fmt.Errorf("%d arguments that are no flags, want %d (usage: overtime %s)", len(rest), want, f.call.command.usage)
	}
	return rest, nil
}

// variable is the name of a flag's environment variable.
func variable(name string) string {
	return "OVERTIME_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

func (f *flags) environment() error {
	given := map[string]bool{}
	f.Visit(func(x *flag.Flag) { given[x.Name] = true })
	var first error
	f.VisitAll(func(x *flag.Flag) {
		v := f.call.env(variable(x.Name))
		if v == "" || given[x.Name] || first != nil {
			return
		}
		if err := f.Set(x.Name, v); err != nil {
			first = fmt.Errorf("invalid value %q for %s: %w", v, variable(x.Name), err)
		}
	})
	return first
}

// print writes the usage to standard output: it was asked for.
func (f *flags) print() {
	w := f.call.out
	fmt.Fprintf(w, "Usage: overtime %s\n\n%s.\n\n", f.call.command.usage, f.call.command.about)
	f.VisitAll(func(x *flag.Flag) {
		value, about := flag.UnquoteUsage(x)
		def := ""
		if x.DefValue != "" && x.DefValue != "false" && x.DefValue != "0" && x.DefValue != "0s" {
			def = " (default " + x.DefValue + ")"
		}
		fmt.Fprintf(w, "  --%-24s %s%s\n", strings.TrimSpace(x.Name+" "+value), about, def)
	})
}

// log returns the logger that the flags ask for.
func (f *flags) log() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(*f.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level %q: want debug, info, warn or error", *f.logLevel)
	}
	opt := &slog.HandlerOptions{Level: level}
	switch *f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(f.call.err, opt)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(f.call.err, opt)), nil
	}
	return nil, fmt.Errorf("--log-format %q: want text or json", *f.logFormat)
}

// list splits a flag's value at commas.
func list(s string) (items []string) {
	for x := range strings.SplitSeq(s, ",") {
		if x = strings.TrimSpace(x); x != "" {
			items = append(items, x)
		}
	}
	return items
}
