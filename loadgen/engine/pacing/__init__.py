"""When users send: arrivals of an open load, think time, timers on time."""
