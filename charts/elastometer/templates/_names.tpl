{{/* Names and labels, each defined once. */}}
{{- define "elastometer.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "elastometer.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "elastometer.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "elastometer.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "elastometer.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "elastometer.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "elastometer.claimName" -}}
{{- default (printf "%s-data" (include "elastometer.fullname" .)) .Values.persistence.existingClaim -}}
{{- end -}}

{{/* Unlike other names, that of a Service begins with a letter and has no dot: a release may be called 2024 or a.b. */}}
{{- define "elastometer.serviceName" -}}
{{- $name := include "elastometer.fullname" . | replace "." "-" -}}
{{- if regexMatch "^[a-z]" $name -}}{{- $name -}}
{{- else -}}{{- printf "elastometer-%s" $name | trunc 63 | trimSuffix "-" -}}{{- end -}}
{{- end -}}

{{/* The image of a dict with repository, tag and digest, and the version that stands in for both. */}}
{{- define "elastometer.image" -}}
{{- if .image.digest -}}{{- printf "%s@%s" .image.repository .image.digest -}}
{{- else -}}{{- printf "%s:%s" .image.repository (default .version .image.tag) -}}{{- end -}}
{{- end -}}

{{- define "elastometer.selectorLabels" -}}
app.kubernetes.io/name: {{ include "elastometer.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "elastometer.labels" -}}
{{ include "elastometer.labelsAnd" (dict "root" . "more" dict) }}
{{- end -}}

{{/* The labels of every object, and more for one of them, which may repeat a common label with a value of its own. */}}
{{- define "elastometer.labelsAnd" -}}
{{- $more := merge (deepCopy (.more | default dict)) (.root.Values.commonLabels | default dict) -}}
{{- with .root -}}
{{ include "elastometer.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- end -}}
{{- if $more }}
{{ toYaml $more }}
{{- end -}}
{{- end -}}

{{/* The names of cluster-scoped objects include the namespace, so that two releases do not share an object. */}}
{{- define "elastometer.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "elastometer.fullname" .) -}}
{{- end -}}

{{/*
`helm upgrade --reuse-values` from a release that did not have these values leaves them out. A value that is null, such
as runAsUser on OpenShift, is left to the cluster.
*/}}
{{- define "elastometer.podSecurityContext" -}}
{{- .Values.podSecurityContext | default (dict "runAsNonRoot" true "runAsUser" 65532 "runAsGroup" 65532 "fsGroup" 65532
    "fsGroupChangePolicy" "OnRootMismatch" "seccompProfile" (dict "type" "RuntimeDefault")) | toYaml -}}
{{- end -}}

{{- define "elastometer.securityContext" -}}
{{- .Values.securityContext | default (dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true
    "runAsNonRoot" true "capabilities" (dict "drop" (list "ALL"))
    "seccompProfile" (dict "type" "RuntimeDefault")) | toYaml -}}
{{- end -}}

{{/* A constraint without a selector would count no Pod at all. */}}
{{- define "elastometer.topologySpreadConstraints" -}}
{{- $selector := dict "matchLabels" (include "elastometer.selectorLabels" . | fromYaml) -}}
{{- $constraints := list -}}
{{- range .Values.topologySpreadConstraints -}}
{{- $constraints = append $constraints (merge (deepCopy .) (ternary (dict) (dict "labelSelector" $selector) (hasKey . "labelSelector"))) -}}
{{- end -}}
{{- toYaml $constraints -}}
{{- end -}}
