-- DuckDB: read_parquet takes a list of files, or of patterns of file names.
CREATE OR REPLACE TEMP VIEW events AS SELECT * FROM read_parquet([{files}]);
CREATE OR REPLACE TEMP VIEW compared AS SELECT {build_from} AS build_from, {build_to} AS build_to;
