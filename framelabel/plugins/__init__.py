"""plugin.yaml -> checked Manifest -> built Plugin."""
