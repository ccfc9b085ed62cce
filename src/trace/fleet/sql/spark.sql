-- Spark SQL, which was not run. The path may be a folder, or a pattern of file names.
CREATE OR REPLACE TEMPORARY VIEW events USING parquet OPTIONS (path {files});
CREATE OR REPLACE TEMPORARY VIEW compared AS SELECT {build_from} AS build_from, {build_to} AS build_to;
