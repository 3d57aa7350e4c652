-- Two initialisations of one database wait for each other. The number is arbitrary: "affluvia" in ASCII.
SELECT pg_advisory_lock(7018409685316692321);
