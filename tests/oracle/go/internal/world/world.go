// Package world draws worlds from a seed: an HPA that the API server would take, a Deployment whose Pods start slowly,
// fail and flap, a demand, and metrics pipelines that delay, drop and forget.
package world

import (
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"elastometer.dev/oracle/internal/fake"
	"elastometer.dev/oracle/internal/trace"
)

// World is one world; Look takes it on.
type World struct {
	dice
	Name     string
	Settings trace.Controller
	HPA      *autoscalingv2.HorizontalPodAutoscaler
	Syncs    int
	// Latency is how long the API server takes to answer when the scale is read.
	Latency func() time.Duration

	target      *deployment
	demand      curve
	sources     []*source
	unreadable  float64
	unwritable  float64
	restart     float64
	byContainer bool
}

// Look is what there is to see at one sync.
type Look struct {
	trace.Sync
	Objects []*corev1.Pod
	Answers []fake.Answer
}

// Draw draws one world. Every (seed, index) gives one, always the same.
func Draw(seed, index uint64) *World {
	d := newDice(seed, index)
	w := &World{dice: d, Name: fmt.Sprintf("%d-%d", seed, index), Syncs: d.between(60, pick(d, 80, 80, 120, 150, 300))}
	w.Settings = drawSettings(d)
	if d.chance(0.12) {
		w.Settings.FeatureGates = map[string]bool{"HPAScaleToZero": true}
	}
	w.HPA = drawHPA(d, w.Settings.FeatureGates["HPAScaleToZero"])
	w.Latency = drawLatency(d)
	length := int(w.Settings.SyncPeriod) * w.Syncs
	low, high := int(*w.HPA.Spec.MinReplicas), int(w.HPA.Spec.MaxReplicas)
	w.demand = drawCurve(d, float64(high), float64(length))
	w.target = drawDeployment(d, low, high, length)
	edges := w.edges()
	for _, spec := range w.HPA.Spec.Metrics {
		w.sources = append(w.sources, drawSource(d, spec, length, edges))
		w.byContainer = w.byContainer || spec.Type == autoscalingv2.ContainerResourceMetricSourceType
	}
	w.unreadable, w.unwritable = pick(d, 0, 0, 0, 0, 0, 0.05), pick(d, 0, 0, 0, 0, 0, 0.2)
	w.restart = pick(d, 0, 0, 0, 0, 0, 0, 0, 0.02)
	return w
}

func drawSettings(d dice) trace.Controller {
	return trace.Controller{
		CPUInitializationPeriod: pick[trace.Seconds](d, 300, 300, 120, 30, 0),
		DownscaleStabilization:  pick[trace.Seconds](d, 300, 300, 60, 15, 0, 120, 45.5),
		InitialReadinessDelay:   pick[trace.Seconds](d, 30, 30, 10, 0, 60),
		SyncPeriod:              pick[trace.Seconds](d, 15, 15, 15, 5, 10, 30, 60),
		Tolerance:               pick(d, 0.1, 0.1, 0.1, 0, 0.05, 0.2, 0.5),
	}
}

// drawLatency draws how regular the syncs are: exactly, exactly but off the second, a little late, at times very late.
func drawLatency(d dice) func() time.Duration {
	first := time.Duration(d.between(0, int(time.Second)))
	return pick(d,
		func() time.Duration { return 0 },
		func() time.Duration { late := first; first = 0; return late },
		func() time.Duration { return time.Duration(d.between(0, int(50*time.Millisecond))) },
		func() time.Duration { return time.Duration(d.between(0, int(3*time.Second))) },
		func() time.Duration {
			if d.chance(0.05) {
				return time.Duration(d.between(1, 90)) * time.Second
			}
			return 0
		},
	)
}

// edges are the ratios of value to target at which a decision turns.
func (w *World) edges() []float64 {
	up, down := w.Settings.Tolerance, w.Settings.Tolerance
	if behavior := w.HPA.Spec.Behavior; behavior != nil {
		if tolerance := behavior.ScaleUp.Tolerance; tolerance != nil {
			up = tolerance.AsApproximateFloat64()
		}
		if tolerance := behavior.ScaleDown.Tolerance; tolerance != nil {
			down = tolerance.AsApproximateFloat64()
		}
	}
	return []float64{1 + up, 1 + up, 1 - down, 1 - down, 1, 1 + up + 0.01, 1 - down - 0.01, 0.5, 2}
}

// Restarts tells whether the controller is replaced before the sync with this number.
func (w *World) Restarts(sync int) bool { return sync > 0 && w.chance(w.restart) }

// Scale is the controller's write to the scale subresource.
func (w *World) Scale(replicas int32) { w.target.replicas = int(replicas) }

// Replicas is the target's spec.replicas.
func (w *World) Replicas() int32 { return int32(w.target.replicas) }

// Look takes the world to this time and tells what there is.
func (w *World) Look(epoch time.Time, at time.Duration) Look {
	second := int(at / time.Second)
	w.target.advance(second)
	look := Look{Sync: trace.Sync{At: trace.Of(at), SpecReplicas: w.Replicas(), Pods: []trace.Pod{}}}
	reported := w.target.report(len(w.target.active(second)))
	look.StatusReplicas = int32(reported)
	if w.chance(w.unreadable) {
		look.ScaleError = "etcdserver: request timed out"
	}
	if w.chance(w.unwritable) {
		look.ScaleUpdateError = "admission webhook denied the request"
	}
	for _, each := range w.target.pods {
		object := each.object(epoch, second)
		look.Objects = append(look.Objects, object)
		look.Pods = append(look.Pods, trace.FromPod(object, epoch, w.byContainer || len(trace.Lasting(object)) > 1))
	}
	demand := w.demand(at.Seconds())
	for _, source := range w.sources {
		answer := source.answer(epoch, second, demand, reported, w.target.pods)
		look.Answers = append(look.Answers, answer)
		look.Metrics = append(look.Metrics, metric(source.spec, answer, epoch))
	}
	return look
}
