"""Documents that verbs of planning print: demand, forecasts, scalability."""
