// Package fake is everything that the controller talks to, without a network: clients, informers and its own log.
package fake

import (
	"slices"

	"github.com/go-logr/logr"
)

// Log picks out of the controller's log the events that it recorded and the replicas that it proposed. The recorder's
// way to the API server drops what comes too often; its log does not.
type Log struct {
	events   []string
	proposed *int32
}

// The controller's words for what is picked out.
const (
	eventMessage    = "Event occurred"
	proposalMessage = "Proposing desired replicas"
	verbosity       = 4
)

// Take returns what was logged since the last call: the events' reasons, sorted, and the proposal if there was one.
func (l *Log) Take() (events []string, proposed *int32) {
	events, proposed = l.events, l.proposed
	slices.Sort(events)
	l.events, l.proposed = nil, nil
	return events, proposed
}

// Info notes one line of the log if it is one of those sought.
func (l *Log) Info(_ int, message string, pairs ...any) {
	switch message {
	case eventMessage:
		l.events = append(l.events, value(pairs, "reason").(string))
	case proposalMessage:
		replicas := value(pairs, "desiredReplicas").(int32)
		l.proposed = &replicas
	}
}

func value(pairs []any, key string) any {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == key {
			return pairs[i+1]
		}
	}
	panic("the controller's log line has no " + key + " any more")
}

// Init, Enabled, Error, WithName and WithValues make it a sink of logr.
func (l *Log) Init(logr.RuntimeInfo) {}

// Enabled is true up to the level that the proposals are logged at.
func (l *Log) Enabled(level int) bool { return level <= verbosity }

// Error drops what goes wrong in a world: the decisions tell.
func (l *Log) Error(error, string, ...any) {}

// WithName changes nothing.
func (l *Log) WithName(string) logr.LogSink { return l }

// WithValues changes nothing.
func (l *Log) WithValues(...any) logr.LogSink { return l }
