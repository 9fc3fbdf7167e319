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

{{- define "elastometer.selectorLabels" -}}
app.kubernetes.io/name: {{ include "elastometer.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "elastometer.labels" -}}
{{ include "elastometer.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The names of cluster-scoped objects include the namespace, so that two releases do not share an object. */}}
{{- define "elastometer.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "elastometer.fullname" .) -}}
{{- end -}}
