"""From YAML or Python to a `Document`, and from a `Document` to a `spec.Workflow`."""
