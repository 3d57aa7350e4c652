"""Charts: functions of a record's values that build a Vega-Lite specification, drawn as static SVG."""
