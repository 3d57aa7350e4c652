"""One row by its key: the shortest transaction that there is, so that what a client adds weighs most."""

from loadgen.engine.scenario import PostgresUser, Transaction


class SingleRow(PostgresUser):
    """Reads its own row of users."""

    transactions = (Transaction("look_up", 1, ("user_by_id",)),)
