-- DuckDB: read_parquet takes a list of files, or of patterns of file names. The names of their
-- folders are no columns, even where one is called build=2.
CREATE OR REPLACE TEMP VIEW events AS SELECT * FROM read_parquet([{files}], hive_partitioning = false);
CREATE OR REPLACE TEMP VIEW compared AS SELECT {build_from} AS build_from, {build_to} AS build_to;
