#!/bin/sh
# Starts job.json on EMR Serverless: deploy/emr-serverless/submit.sh [job.json]; DRY_RUN=1 prints the command only.
# The same job again resumes the run.
set -eu

job=${1:-$(dirname "$0")/job.json}
set -- aws emr-serverless start-job-run --cli-input-json "file://$job"
if [ -n "${DRY_RUN:-}" ]; then printf '%s\n' "$*"; else "$@"; fi
