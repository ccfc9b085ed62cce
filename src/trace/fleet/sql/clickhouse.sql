-- ClickHouse: file() takes a path below user_files, in which * stands for any name. For a store of
-- objects take s3() instead. The setting keeps NULL where there is no value.
SET cast_keep_nullable = 1;
CREATE OR REPLACE VIEW events AS SELECT * FROM file({files}, 'Parquet');
CREATE OR REPLACE VIEW compared AS SELECT {build_from} AS build_from, {build_to} AS build_to;
