// Package trace is the format in which a world and the controller's decisions about it are written: one JSON object a
// line. tests/oracle/README.md describes the fields. Every time is in seconds from the start of the world.
package trace

import (
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// World is one line: what the controller was given, what it saw at every sync, and what it made of it.
type World struct {
	Name       string                                    `json:"name"`
	Controller Controller                                `json:"controller"`
	HPA        autoscalingv2.HorizontalPodAutoscalerSpec `json:"hpa"`
	Syncs      []Sync                                    `json:"syncs"`
	Expected   []Expected                                `json:"expected"`
}

// Controller holds the flags of kube-controller-manager, and the feature gates that are not at their default.
type Controller struct {
	CPUInitializationPeriod Seconds         `json:"cpuInitializationPeriodSeconds"`
	DownscaleStabilization  Seconds         `json:"downscaleStabilizationSeconds"`
	InitialReadinessDelay   Seconds         `json:"initialReadinessDelaySeconds"`
	SyncPeriod              Seconds         `json:"syncPeriodSeconds"`
	Tolerance               float64         `json:"tolerance"`
	FeatureGates            map[string]bool `json:"featureGates,omitempty"`
}

// Seconds is a duration, or an instant on the world's clock.
type Seconds float64

// Of gives a duration its place in a trace; nanoseconds survive.
func Of(duration time.Duration) Seconds {
	return Seconds(duration.Seconds())
}

// Sync is what there was to see when the controller looked.
type Sync struct {
	At                  Seconds  `json:"atSeconds"`
	SpecReplicas        int32    `json:"specReplicas"`
	StatusReplicas      int32    `json:"statusReplicas"`
	ScaleError          string   `json:"scaleError,omitempty"`
	ScaleUpdateError    string   `json:"scaleUpdateError,omitempty"`
	ControllerRestarted bool     `json:"controllerRestarted,omitempty"`
	Pods                []Pod    `json:"pods"`
	Metrics             []Metric `json:"metrics"`
}

// Pod is one Pod of the target. Without a ready transition it has no Ready condition.
type Pod struct {
	Name              string                         `json:"name"`
	Phase             corev1.PodPhase                `json:"phase"`
	Ready             bool                           `json:"ready"`
	ReadyTransition   *Seconds                       `json:"readyTransitionSeconds,omitempty"`
	Start             *Seconds                       `json:"startSeconds,omitempty"`
	Deleting          bool                           `json:"deleting"`
	Requests          corev1.ResourceList            `json:"requests"`
	ContainerRequests map[string]corev1.ResourceList `json:"containerRequests,omitempty"`
}

// Metric is the answer of the metrics API for one entry of the HPA's spec.metrics: an error, samples or values.
type Metric struct {
	Samples []Sample            `json:"samples,omitempty"`
	Values  []resource.Quantity `json:"values,omitempty"`
	Error   string              `json:"error,omitempty"`
}

// Sample is one Pod's value.
type Sample struct {
	Pod       string            `json:"pod"`
	Value     resource.Quantity `json:"value"`
	Timestamp Seconds           `json:"timestampSeconds"`
	Window    Seconds           `json:"windowSeconds"`
}

// Expected is what the controller left behind after one sync.
type Expected struct {
	DesiredReplicas int32                `json:"desiredReplicas"`
	Rescaled        bool                 `json:"rescaled"`
	Events          []string             `json:"events,omitempty"`
	Conditions      map[string][2]string `json:"conditions"`
	Account         Account              `json:"account"`
}

// Account is what else the controller reported: its own log line about the proposal, and the numbers in the HPA's status.
type Account struct {
	// ProposedReplicas is what the metrics asked for; nil where the controller did not get so far.
	ProposedReplicas *int32 `json:"proposedReplicas,omitempty"`
	// StatusDesiredReplicas is status.desiredReplicas, which stays as it was where a sync ends in an error.
	StatusDesiredReplicas int32 `json:"statusDesiredReplicas"`
	// CurrentMetrics is status.currentMetrics by entry of spec.metrics; nil where a metric was not reported.
	CurrentMetrics []*Current `json:"currentMetrics,omitempty"`
}

// Current is one metric's current value in the unit of its target: percent of the request, or milli-units, as a number
// because the text of the greatest and least quantities does not read back as what it was made from.
type Current struct {
	AverageUtilization *int32 `json:"averageUtilization,omitempty"`
	MilliUnits         *int64 `json:"milliUnits,omitempty"`
}
