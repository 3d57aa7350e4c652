SELECT version, sha256 FROM loadgen.schema_migrations;
