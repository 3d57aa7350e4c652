SELECT EXISTS (SELECT FROM loadgen.ledger WHERE part = 'ageing');
