COMMENT ON DATABASE {copy} IS {comment};
