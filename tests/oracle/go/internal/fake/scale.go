package fake

import (
	"context"
	"errors"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	scaleclient "k8s.io/client-go/scale"
)

// Target is the workload behind the scale subresource. The controller reads the scale first in every sync, so that
// this is where a sync begins.
type Target interface {
	// Look takes the world to the present, and returns the scale or why it cannot be read.
	Look() (specReplicas, statusReplicas int32, err error)
	// Scale sets spec.replicas, or returns why it does not.
	Scale(replicas int32) error
}

// Scales is the client of the scale subresource of one workload.
type Scales struct {
	scaleclient.ScaleInterface

	Target   Target
	Name     string
	Labels   labels.Set
	refusing bool
	latest   autoscalingv1.Scale
}

// Scales returns the client for every namespace.
func (s *Scales) Scales(string) scaleclient.ScaleInterface { return s }

// Get begins a sync, save after an update that failed: then the controller only reads again what it has.
func (s *Scales) Get(context.Context, schema.GroupResource, string, metav1.GetOptions) (*autoscalingv1.Scale, error) {
	if s.refusing {
		s.refusing = false
		return s.latest.DeepCopy(), nil
	}
	spec, status, err := s.Target.Look()
	if err != nil {
		return nil, err
	}
	s.latest = autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Name: s.Name, Namespace: corev1.NamespaceDefault},
		Spec:       autoscalingv1.ScaleSpec{Replicas: spec},
		Status:     autoscalingv1.ScaleStatus{Replicas: status, Selector: s.Labels.String()},
	}
	return s.latest.DeepCopy(), nil
}

// Update scales the target.
func (s *Scales) Update(_ context.Context, _ schema.GroupResource, scale *autoscalingv1.Scale, _ metav1.UpdateOptions) (*autoscalingv1.Scale, error) {
	if err := s.Target.Scale(scale.Spec.Replicas); err != nil {
		s.refusing = true
		return nil, err
	}
	return scale, nil
}

// Mapper knows Deployments.
type Mapper struct{ meta.RESTMapper }

// RESTMappings returns the one mapping there is.
func (Mapper) RESTMappings(kind schema.GroupKind, _ ...string) ([]*meta.RESTMapping, error) {
	if kind.Group != "apps" || kind.Kind != "Deployment" {
		return nil, errors.New("the oracle's target is a Deployment")
	}
	return []*meta.RESTMapping{{Resource: schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}}}, nil
}
