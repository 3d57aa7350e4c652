ANALYZE loadgen.ledger;
