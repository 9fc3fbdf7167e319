{{/*
What the operator may do in the namespaces where it runs tests. It creates its objects once and never changes them;
what the recorder follows needs `list` and `watch`; what the clean-up removes needs `delete`.
*/}}
{{- define "elastometer.workloadRules" -}}
- apiGroups: [elastometer.dev]
  resources: [elasticitytests]
  verbs: [get, list, watch, patch]
- apiGroups: [elastometer.dev]
  resources: [elasticitytests/status]
  verbs: [get, patch]
# Owner references, where the cluster checks who may set them.
- apiGroups: [elastometer.dev]
  resources: [elasticitytests/finalizers]
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
# The report is written anew where a kill came between writing and saying so; a test names the ConfigMap of its files.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create, get, patch, delete]
# The run's token, and whether the key that a test refers to is there: the names are known, so it never lists.
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
# What the autoscaler under test reads of its Pods. A custom metric is a resource of the name that its adapter gave it,
# so none can be named here.
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
