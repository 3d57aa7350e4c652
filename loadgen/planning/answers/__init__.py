"""Documents that the planning verbs print: demand, forecast, scalability."""
