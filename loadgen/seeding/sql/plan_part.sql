COPY loadgen.ledger (part, chunk, first_ids, rows) FROM STDIN;
