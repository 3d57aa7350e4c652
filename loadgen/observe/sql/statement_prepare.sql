-- A scenario's statement with the types that its parameters are sent with: they are part of its queryid.
PREPARE {name} {types} AS {statement}
