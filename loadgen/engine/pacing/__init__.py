"""Pacing of users: arrivals of an open load, think times, precise timers."""
