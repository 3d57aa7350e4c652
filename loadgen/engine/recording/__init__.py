"""What a process measured, by second."""
