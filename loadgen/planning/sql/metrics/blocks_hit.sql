SELECT blks_hit AS value FROM pg_stat_database WHERE datname = current_database()
