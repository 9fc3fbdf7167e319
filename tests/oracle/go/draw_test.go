// Package oracle lets the HPA controller of Kubernetes itself decide in worlds drawn from a seed, and writes down what
// it saw and did. It is a test binary because virtual time (testing/synctest) is available in a test only.
package oracle

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/kubernetes/pkg/features"

	"elastometer.dev/oracle/internal/life"
	"elastometer.dev/oracle/internal/world"
)

var (
	seed   = flag.Uint64("seed", 1, "seed of the worlds")
	first  = flag.Uint64("first", 0, "number of the first world")
	worlds = flag.Uint64("worlds", 1, "how many worlds")
	out    = flag.String("out", "", "file to write, one world a line")
)

// progressInterval is the time between two lines of progress.
const progressInterval = 2 * time.Second

// TestDraw draws the worlds and writes them.
func TestDraw(t *testing.T) {
	if *out == "" {
		t.Skip("give -out FILE")
	}
	if err := utilfeature.DefaultMutableFeatureGate.Set(string(features.HPAScaleToZero) + "=true"); err != nil {
		t.Fatal(err)
	}
	// Errors are part of the worlds. The usual handler would also sleep, by a clock that is not of this world.
	utilruntime.ErrorHandlers = nil
	file, err := os.Create(*out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	buffer := bufio.NewWriterSize(file, 1<<20)
	encoder := json.NewEncoder(buffer)
	begun, reported := time.Now(), time.Now()
	syncs := 0
	for i := range *worlds {
		line := life.In(t, world.Draw(*seed, *first+i))
		syncs += len(line.Syncs)
		if err := encoder.Encode(line); err != nil {
			t.Fatal(err)
		}
		if time.Since(reported) > progressInterval {
			reported = time.Now()
			fmt.Printf("drew %d of %d worlds\n", i+1, *worlds)
		}
	}
	if err := buffer.Flush(); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("drew %d worlds with %d syncs in %.1f s\n", *worlds, syncs, time.Since(begun).Seconds())
}
