-- What a profile may never do.
CREATE TABLE zqkanari (x int)
