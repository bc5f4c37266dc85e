"""Tables without geometry, in and out: CSV, XLSX and Parquet; codes stay text."""
