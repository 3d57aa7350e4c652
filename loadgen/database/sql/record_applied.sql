INSERT INTO loadgen.schema_migrations (version, sha256) VALUES (%(version)s, %(sha256)s);
