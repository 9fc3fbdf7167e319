package fake

import (
	corev1 "k8s.io/api/core/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// Events takes events and forgets them.
type Events struct {
	typedcorev1.EventInterface
}

// Events returns itself for every namespace.
func (e Events) Events(string) typedcorev1.EventInterface { return e }

// CreateWithEventNamespace accepts the event.
func (e Events) CreateWithEventNamespace(event *corev1.Event) (*corev1.Event, error) {
	return event, nil
}

// PatchWithEventNamespace accepts the event.
func (e Events) PatchWithEventNamespace(event *corev1.Event, _ []byte) (*corev1.Event, error) {
	return event, nil
}
