"""Who looks at what: calibration, routing, consensus, agreement (pure)."""
