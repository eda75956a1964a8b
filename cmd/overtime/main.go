// Overtime is the command of the game session server: it serves matches, loads a server with bots, shows how a cluster
// outlives a fault, and replays recorded matches.
//
// Every flag is also an environment variable (--max-matches is OVERTIME_MAX_MATCHES); an empty variable counts as unset and a flag
// beats a variable. Address flags take HOST:PORT or a URL. Standard output carries results only; progress and logs go to
// standard error, and so does the line of serve that says where to play. Exit codes: 0 done, 1 it ran and found something
// wrong, 2 the usage or the environment is wrong, with one line that says what.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes.
const (
	exitDone  = 0
	exitFound = 1
	exitUsage = 2
)

// process is what a command may use of the process that it runs in.
type process struct {
	env     func(string) string // an environment variable, "" if unset
	out     io.Writer           // results
	err     io.Writer           // progress, logs, complaints
	signals <-chan os.Signal    // the first asks for a graceful end, the second for one at once
	hangups <-chan os.Signal    // each asks to read keys anew; may be nil
}

// command is one of the program's commands.
type command struct {
	name, usage, about string
	run                func(c *call) error
}

// call is one run of a command.
type call struct {
	process
	command *command
	args    []string
	ctx     context.Context // over after the first signal
	now     context.Context // over after the second
}

// commands is a function, since help, which is one of them, lists them.
func commands() []command {
	return []command{
		{"serve", "serve [flags]", "run a node: players on --listen, operators on --admin", serve},
		{"bots", "bots [flags]", "load a server with bots and report what they saw", load},
		{"demo", "demo [flags]", "run three nodes and bots, break one node, and show that every match goes on", showDemo},
		{"replay", "replay FILE [flags]", "play a recorded match again and compare the state of every tick", replay},
		{"version", "version", "print the version", version},
		{"help", "help [COMMAND]", "print this, or a command's flags", help},
	}
}

// foundError says that a command ran and found something wrong.
type foundError struct{ error }

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	os.Exit(run(process{env: os.Getenv, out: os.Stdout, err: os.Stderr, signals: signals, hangups: hangups}, os.Args[1:]))
}

// run runs the command that args name and returns the exit code.
func run(p process, args []string) int {
	if len(args) == 0 {
		usage(p.err)
		return exitUsage
	}
	name := args[0]
	if name == "-h" || name == "-help" || name == "--help" {
		name = "help"
	}
	if name == "--version" || name == "-version" {
		name = "version"
	}
	for _, cmd := range commands() {
		if cmd.name == name {
			return p.call(&cmd, args[1:])
		}
	}
	fmt.Fprintf(p.err, "overtime: there is no command %q (see overtime help)\n", name)
	return exitUsage
}

func (p process) call(cmd *command, args []string) int {
	ctx, end := context.WithCancel(context.Background())
	now, endNow := context.WithCancel(context.Background())
	defer end()
	defer endNow()
	go func() { // ends with the command
		for _, cancel := range []func(){end, endNow} {
			select {
			case <-p.signals:
				cancel()
			case <-now.Done():
				return
			}
		}
	}()
	err := cmd.run(&call{process: p, command: cmd, args: args, ctx: ctx, now: now})
	var found foundError
	switch {
	case err == nil, errors.Is(err, errHelp):
		return exitDone
	case errors.As(err, &found):
		fmt.Fprintf(p.err, "overtime %s: %v\n", cmd.name, err)
		return exitFound
	}
	fmt.Fprintf(p.err, "overtime %s: %v\n", cmd.name, err)
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Overtime is a game session server.\n\nUsage:\n\n")
	for _, cmd := range commands() {
		fmt.Fprintf(w, "  overtime %-22s %s\n", cmd.usage, cmd.about)
	}
	fmt.Fprint(w, "\nEvery flag is also a variable: --max-matches is OVERTIME_MAX_MATCHES.\n")
}

func help(c *call) error {
	if len(c.args) == 0 {
		usage(c.out)
		return nil
	}
	for _, cmd := range commands() {
		if cmd.name == c.args[0] && cmd.name != "help" {
			return cmd.run(&call{process: c.process, command: &cmd, args: []string{"-h"}, ctx: c.ctx, now: c.now})
		}
	}
	return fmt.Errorf("there is no command %q", c.args[0])
}
