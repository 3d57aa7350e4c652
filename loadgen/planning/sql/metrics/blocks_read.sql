SELECT blks_read AS value FROM pg_stat_database WHERE datname = current_database()
