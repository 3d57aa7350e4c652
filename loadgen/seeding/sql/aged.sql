SELECT count(loaded_at), count(*) FROM loadgen.ledger WHERE part = 'ageing';
