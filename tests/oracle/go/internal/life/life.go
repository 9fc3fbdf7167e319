// Package life lets the real controller live in a world, in virtual time.
package life

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"

	"elastometer.dev/oracle/internal/fake"
	"elastometer.dev/oracle/internal/trace"
	"elastometer.dev/oracle/internal/world"
)

// settle is well below every sync period: after it, all that a sync does has been done.
const settle = 100 * time.Millisecond

// run is one world with the controller in it.
type run struct {
	world   *world.World
	epoch   time.Time
	log     *fake.Log
	hpas    *fake.HPAs
	pods    *fake.Pods
	metrics *fake.Metrics
	written trace.World

	looked    chan struct{} // a sync has begun
	restarted bool
	rescaled  bool
}

// In lets the real controller live in a world, in virtual time, and returns what it saw and did.
func In(t *testing.T, drawn *world.World) (line trace.World) {
	synctest.Test(t, func(*testing.T) {
		r := &run{
			world: drawn, epoch: time.Now(), log: &fake.Log{}, hpas: fake.NewHPAs(drawn.HPA), pods: fake.NewPods(),
			metrics: &fake.Metrics{}, looked: make(chan struct{}, 1),
			written: trace.World{Name: drawn.Name, Controller: drawn.Settings, HPA: drawn.HPA.Spec},
		}
		for len(r.written.Syncs) < drawn.Syncs {
			r.reign()
			r.restarted = true
		}
		line = r.written
	})
	return line
}

// reign is the time of one controller, until the world ends or the controller is replaced.
func (r *run) reign() {
	ctx, cancel := context.WithCancel(klog.NewContext(context.Background(), logr.New(r.log)))
	controller := r.controller(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		controller.Run(ctx, 1)
	}()
	for reigning := true; reigning; {
		r.await()
		synced := len(r.written.Syncs)
		reigning = synced < r.world.Syncs && !r.world.Restarts(synced)
	}
	cancel()
	<-ended
	r.hpas.Forget()
}

// await returns when one more sync is over, and notes what it left behind.
func (r *run) await() {
	<-r.looked
	time.Sleep(settle)
	r.written.Expected = append(r.written.Expected, r.left())
}

func (r *run) controller(ctx context.Context) *podautoscaler.HorizontalController {
	flags := r.world.Settings
	return podautoscaler.NewHorizontalController(
		ctx, fake.Events{},
		&fake.Scales{Target: r, Name: world.Target, Labels: map[string]string{"app": world.Target}},
		r.hpas, fake.Mapper{}, r.metrics.Client(), r.hpas, r.pods,
		duration(flags.SyncPeriod), duration(flags.DownscaleStabilization), flags.Tolerance,
		duration(flags.CPUInitializationPeriod), duration(flags.InitialReadinessDelay),
	)
}

func duration(seconds trace.Seconds) time.Duration {
	return time.Duration(float64(seconds) * float64(time.Second))
}

// Look begins a sync: the API server takes its time, and then the controller sees what there is.
func (r *run) Look() (specReplicas, statusReplicas int32, err error) {
	time.Sleep(r.world.Latency())
	look := r.world.Look(r.epoch, time.Since(r.epoch))
	look.ControllerRestarted, r.restarted, r.rescaled = r.restarted, false, false
	r.pods.Replace(look.Objects)
	r.answer(look.Answers)
	r.written.Syncs = append(r.written.Syncs, look.Sync)
	r.looked <- struct{}{}
	if look.ScaleError != "" {
		return 0, 0, errors.New(look.ScaleError)
	}
	return look.SpecReplicas, look.StatusReplicas, nil
}

func (r *run) answer(answers []fake.Answer) {
	var resources []fake.ResourceAnswer
	named := map[string]fake.Answer{}
	for i, spec := range r.world.HPA.Spec.Metrics {
		switch spec.Type {
		case autoscalingv2.ResourceMetricSourceType:
			resources = append(resources, fake.ResourceAnswer{Answer: answers[i], Resource: spec.Resource.Name})
		case autoscalingv2.ContainerResourceMetricSourceType:
			resources = append(resources, fake.ResourceAnswer{Answer: answers[i], Resource: spec.ContainerResource.Name})
		case autoscalingv2.PodsMetricSourceType:
			named[spec.Pods.Metric.Name] = answers[i]
		case autoscalingv2.ObjectMetricSourceType:
			named[spec.Object.Metric.Name] = answers[i]
		case autoscalingv2.ExternalMetricSourceType:
			named[spec.External.Metric.Name] = answers[i]
		}
	}
	r.metrics.Answer(resources, named)
}

// Scale is the controller's decision.
func (r *run) Scale(replicas int32) error {
	if refusal := r.written.Syncs[len(r.written.Syncs)-1].ScaleUpdateError; refusal != "" {
		return errors.New(refusal)
	}
	r.world.Scale(replicas)
	r.rescaled = true
	return nil
}

// left is what the last sync left behind.
func (r *run) left() trace.Expected {
	status := r.hpas.Status()
	events, proposed := r.log.Take()
	expected := trace.Expected{
		DesiredReplicas: r.world.Replicas(), Rescaled: r.rescaled, Events: events, Conditions: map[string][2]string{},
		Account: trace.Account{ProposedReplicas: proposed, StatusDesiredReplicas: status.DesiredReplicas},
	}
	for _, condition := range status.Conditions {
		expected.Conditions[string(condition.Type)] = [2]string{string(condition.Status), condition.Reason}
	}
	if r.written.Syncs[len(r.written.Syncs)-1].ScaleError != "" {
		return expected // what the status holds is from an earlier sync
	}
	for _, metric := range status.CurrentMetrics {
		expected.Account.CurrentMetrics = append(expected.Account.CurrentMetrics, trace.FromStatus(metric))
	}
	return expected
}
