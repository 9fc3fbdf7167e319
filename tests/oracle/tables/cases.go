// These files join a copy of upstream's package, made by tests/oracle/tables.py, in which the functions named there are
// renamed; the functions here take their names, call them, and write down what upstream's own tests gave and got.

package podautoscaler

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"runtime"
	"sync"
	"testing"
	"time"

	"elastometer.dev/oracle/internal/trace"
)

// oneCase is one line: what a test gave to the controller, as a sync, a metric's proposal or a call, and what it got.
type oneCase struct {
	Test               string       `json:"test"`
	Kind               string       `json:"kind"`
	Function           string       `json:"function,omitempty"`
	ScaleUpLimitFactor float64      `json:"scaleUpLimitFactor"` // upstream's tests change it
	Trace              *trace.World `json:"trace,omitempty"`
	Memory             *memory      `json:"memory,omitempty"`
	Tolerances         *tolerances  `json:"tolerances,omitempty"`
	Arguments          any          `json:"arguments,omitempty"`
	Result             any          `json:"result,omitempty"`
}

type tolerances struct {
	Down float64 `json:"down"`
	Up   float64 `json:"up"`
}

// memory is what the controller keeps between syncs, and the status that it wrote; times are before the call.
// An empty list of recommendations that is there is what only a test can give: it hides the first look's replicas.
type memory struct {
	Started         bool                 `json:"started"`
	Recommendations []recommendation     `json:"recommendations"`
	ScaleUpEvents   []scaleEvent         `json:"scaleUpEvents"`
	ScaleDownEvents []scaleEvent         `json:"scaleDownEvents"`
	Conditions      map[string][2]string `json:"conditions,omitempty"`
	DesiredReplicas int32                `json:"desiredReplicas"`
}

type recommendation struct {
	At       trace.Seconds `json:"atSeconds"`
	Replicas int32         `json:"replicas"`
}

type scaleEvent struct {
	At       trace.Seconds `json:"atSeconds"`
	Change   int32         `json:"change"`
	Outdated bool          `json:"outdated"`
}

// recorder writes the cases. What a recorded call calls itself is no case of its own.
type recorder struct {
	sync.Mutex
	depth  int
	file   *os.File
	test   string // the test that runs a case of a table, with the name of the case where it has one
	makers map[*HorizontalController]string
}

var records = recorder{makers: map[*HorizontalController]string{}}

var testFunction = regexp.MustCompile(`\.(Test\w+)`)

// runTest takes the place of upstream's.
func (tc *testCase) runTest(t *testing.T) {
	records.test = t.Name()
	defer func() { records.test = "" }()
	tc.runTestUpstream(t)
}

// runTest takes the place of upstream's.
func (tc *replicaCalcTestCase) runTest(t *testing.T) {
	records.test = t.Name()
	defer func() { records.test = "" }()
	tc.runTestUpstream(t)
}

// calling is the test that called; empty in the goroutines of a controller.
func calling() string {
	if records.test != "" {
		return records.test
	}
	counters := make([]uintptr, 64)
	frames := runtime.CallersFrames(counters[:runtime.Callers(2, counters)])
	for {
		frame, more := frames.Next()
		if found := testFunction.FindStringSubmatch(frame.Function); found != nil {
			return found[1]
		}
		if !more {
			return ""
		}
	}
}

// write writes the case to the file named by HPA_CASES.
func (r *recorder) write(line oneCase) {
	if r.file == nil {
		file, err := os.Create(os.Getenv("HPA_CASES"))
		if err != nil {
			panic(err)
		}
		r.file = file
	}
	line.ScaleUpLimitFactor = scaleUpLimitFactor
	if err := json.NewEncoder(r.file).Encode(line); err != nil {
		panic(fmt.Sprintf("%s: %v", line.Test, err))
	}
}

// call runs a function as one that is recorded, and tells whether it is the outermost such.
func (r *recorder) call(function func()) (outermost bool) {
	r.depth++
	defer func() { r.depth-- }()
	function()
	return r.depth == 1
}

// noise is how long a test may take from setting a time to its use: a time is taken to be the whole second it was set
// to, and a little more, so that `after` and `before` come out as they did.
const (
	noise      = 200 * time.Millisecond
	littleMore = time.Microsecond
)

// tidy is a time relative to now, without the noise of how long the test took.
func tidy(at, now time.Time) time.Duration {
	exact := at.Sub(now)
	whole := exact.Round(time.Second)
	switch off := exact - whole; {
	case exact == math.MinInt64 || off == 0 || off > noise || off < -noise:
		return exact
	case off < 0:
		return whole - littleMore
	default:
		return whole + littleMore
	}
}

func remembered(recommendations []timestampedRecommendation, now time.Time) []recommendation {
	lines := []recommendation{}
	for _, each := range recommendations {
		lines = append(lines, recommendation{trace.Of(tidy(each.timestamp, now)), each.recommendation})
	}
	return lines
}

func events(scaled []timestampedScaleEvent, now time.Time) []scaleEvent {
	lines := []scaleEvent{}
	for _, each := range scaled {
		lines = append(lines, scaleEvent{trace.Of(tidy(each.timestamp, now)), each.replicaChange, each.outdated})
	}
	return lines
}
