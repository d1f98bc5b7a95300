"""What spark-submit runs: the same command line as `warcmill`, e.g. `run s3://bucket/warc.paths -o s3://bucket/run`."""

from pipeline.cli import main

main()
