{{/*
What the operator may do in the namespaces where it runs tests and studies. It creates its objects once and never changes them.
Objects that the recorder follows need `list` and `watch`; objects that the clean-up removes need `delete`.
*/}}
{{- define "elastometer.workloadRules" -}}
# The runs of a study are tests that the operator makes, and removes where the study no longer wants them.
- apiGroups: [elastometer.dev]
  resources: [elasticitytests]
  verbs: [create, get, list, watch, patch, delete]
- apiGroups: [elastometer.dev]
  resources: [elasticitystudies]
  verbs: [get, list, watch, patch]
- apiGroups: [elastometer.dev]
  resources: [elasticitytests/status, elasticitystudies/status]
  verbs: [get, patch]
# Owner references, for clusters that check permissions before one is set.
- apiGroups: [elastometer.dev]
  resources: [elasticitytests/finalizers, elasticitystudies/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [create, get, list, watch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [create, get, list, watch, delete]
- apiGroups: [keda.sh]
  resources: [scaledobjects]
  verbs: [create, get, list, watch, delete]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [create, get, list, watch, delete]
- apiGroups: [""]
  resources: [services]
  verbs: [create, get, delete]
# The report is written again if the operator was killed before it recorded the write; a test names the ConfigMap of its files.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create, get, patch, delete]
# The run's token, and whether the key that a test refers to is present. The names are known, so the operator never lists.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create, get]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: ["", events.k8s.io]
  resources: [events]
  verbs: [get, list, watch, create, patch]
# The metrics of its Pods that the autoscaler under test reads. A custom metric is a resource whose name its adapter
# chooses, so no name can be listed here.
- apiGroups: [metrics.k8s.io]
  resources: [pods]
  verbs: [list]
- apiGroups: [custom.metrics.k8s.io]
  resources: ["*"]
  verbs: [get]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
{{- end -}}
