"""The HorizontalPodAutoscaler controller of Kubernetes 1.35 as a pure function of what it sees and when.

May import model alone. Start reading at `step.py`: one sync from input to decision; its agreement with the real
controller is checked by `make oracle`. Names of Go files in comments are below pkg/controller/podautoscaler of
kubernetes/kubernetes v1.35.
"""
