"""Words that a profile may hold: names of the application's schema, server settings, SQL's own vocabulary.

Anything else appears in a profile as a count or a placeholder.
"""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COLUMNS: Final = {
    "users": ("id", "email", "password_hash", "created_at", "updated_at"),
    "financial_profiles": (
        "id", "user_id", "basic_info", "financial_data", "calculations", "monte_carlo_results",
        "optimization_variables",
    ),
    "goals": ("id", "user_id", "type", "target_amount", "target_date", "status"),
    "education_goals": ("id", "user_id", "child_name", "school_type", "costs"),
    "estate_plans": ("id", "user_id", "plan_data", "documents", "beneficiaries"),
    "chat_messages": ("id", "user_id", "message", "response", "timestamp"),
    "user_achievements": ("id", "user_id", "achievement_id", "earned_at"),
    "user_progress": ("id", "user_id", "section", "progress_data"),
}  # fmt: skip
"""Columns of the application's tables."""
CHILDREN: Final = tuple(table for table in COLUMNS if table != "users")
"""Tables whose rows belong to a user."""
QUALIFIED: Final = tuple(f"{table}.{column}" for table, columns in COLUMNS.items() for column in columns)
MOMENTS: Final = {"users": "created_at", "chat_messages": "timestamp"}
"""Timestamp columns by which growth is counted."""

WIDE_TYPES: Final = ("text", "varchar", "json", "jsonb")
MOMENT_TYPES: Final = ("timestamptz", "timestamp", "date")
TYPES: Final = (*WIDE_TYPES, *MOMENT_TYPES, "int2", "int4", "int8", "numeric", "float4", "float8", "bool", "uuid")
OTHER: Final = "other"
"""Placeholder for a name that is not listed."""
METHODS: Final = ("btree", "hash", "gin", "gist", "spgist", "brin", OTHER)

SETTINGS: Final = (
    "autovacuum", "autovacuum_vacuum_scale_factor", "checkpoint_completion_target", "checkpoint_timeout",
    "commit_delay", "data_checksums", "default_toast_compression", "effective_cache_size", "effective_io_concurrency",
    "fsync", "full_page_writes", "huge_pages", "jit", "maintenance_work_mem", "max_connections",
    "max_parallel_workers", "max_parallel_workers_per_gather", "max_wal_size", "max_worker_processes", "min_wal_size",
    "random_page_cost", "reserved_connections", "seq_page_cost", "shared_buffers", "superuser_reserved_connections",
    "synchronous_commit", "track_io_timing", "wal_buffers", "wal_compression", "wal_level", "work_mem",
)  # fmt: skip
"""Settings that affect a load; none of them is free text."""
SETTING_WORDS: Final = frozenset({
    "on", "off", "local", "remote_write", "remote_apply", "try", "pglz", "lz4", "zstd", "minimal", "replica", "logical",
    OTHER,
})  # fmt: skip

KEYWORDS: Final = _words(
    """all and any array as asc at between both by case cast collate conflict cross cube current current_date
    current_time current_timestamp current_user cursor default delete desc distinct do else end escape except exists
    extract false fetch filter first following for from full group grouping having ilike in inner insert intersect
    interval into is isnull join key last lateral leading left like limit localtime localtimestamp locked matched
    materialized merge natural next no not nothing notnull null nulls of offset on only or order ordinality outer over
    overlaps overriding partition placing position preceding range recursive returning right rollup row rows select
    session_user set sets share similar skip some symmetric system table tablesample then ties to trailing trim true
    unbounded union unique unknown update using value values when where window with within without zone
    """
)
FUNCTIONS: Final = _words(
    """abs age array_agg array_length avg bigint bool_and bool_or boolean bytea ceil char char_length coalesce concat
    count cume_dist current_setting date date_bin date_part date_trunc day decimal dense_rank double exp first_value
    float8 floor format gen_random_uuid generate_series greatest hour int int2 int4 int8 integer json json_agg
    json_build_object jsonb jsonb_agg jsonb_array_elements jsonb_array_length jsonb_build_array jsonb_build_object
    jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text jsonb_object_agg jsonb_object_keys
    jsonb_path_exists jsonb_path_query jsonb_path_query_first jsonb_set jsonb_strip_nulls jsonb_to_record
    jsonb_to_recordset jsonb_typeof lag last_value lead least left length ln lower ltrim make_date make_interval max
    md5 min minute mod mode month next_day now nth_value ntile nullif numeric octet_length percent_rank
    percentile_cont percentile_disc power precision random rank real regexp_replace replace reverse round row_number
    row_to_json rtrim second set_config setval nextval currval sign smallint split_part sqrt statement_timestamp stddev
    stddev_pop stddev_samp string_agg strpos substr substring sum text time timestamp timestamptz timezone to_char
    to_date to_json to_jsonb to_timestamp to_tsquery to_tsvector trunc unnest upper uuid var_pop var_samp varchar
    variance varying week width_bucket xmax year
    """
)
VIEWS: Final = ("user_overview", "active_goals", "retirement_readiness")
NAMES: Final = (
    frozenset(COLUMNS)
    | {column for columns in COLUMNS.values() for column in columns}
    | {*VIEWS, "app_user_id", "excluded", "public"}
)
"""Identifiers of the application's schema."""
OPERATORS: Final = _words(
    """+ - * / % ^ = <> != < > <= >= || |/ & | # ~ << >> ~* !~ !~* ~~ ~~* !~~ !~~* -> ->> #> #>> @> <@ ? ?| ?& #- @? @@
    && -|- &< &> |>> <<| <-> <=> <#> := =>
    """
)
