"""What is particular to each type of outside service. Pure; called by the sidecar and control.

One file a type: which action a request is, what it acts upon, how the credential is put into it,
and the shape of a refusal. `registry.plugin_for` finds the type.
"""
