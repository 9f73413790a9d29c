CREATE TABLE IF NOT EXISTS activity
(
    workspace UInt32,
    at Int64 CODEC(Delta, ZSTD(1)),
    key Int64 CODEC(Delta, ZSTD(1)),
    seq Int64 CODEC(Delta, ZSTD(1)),
    id String,
    received_at Int64 CODEC(Delta, ZSTD(1)),
    action Int32,
    failed Bool,
    actor Int32,
    target Int32,
    content_hash String,
    public String CODEC(ZSTD(3)),
    salt Nullable(String),
    personal Nullable(String) CODEC(ZSTD(3)),
    tokens Array(String) CODEC(ZSTD(3)),
    words Array(String) CODEC(ZSTD(3)),
    INDEX by_seq seq TYPE minmax GRANULARITY 1,
    INDEX by_id id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_token tokens TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_word words TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(fromUnixTimestamp64Micro(at, 'UTC'))
ORDER BY (workspace, at, seq)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000;
