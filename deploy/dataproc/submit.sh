#!/bin/sh
# A Dataproc Serverless batch from batch.json: PROJECT=P REGION=R deploy/dataproc/submit.sh [batch.json]
# The same file again resumes the run. DRY_RUN=1 prints the request only.
set -eu

: "${PROJECT:?the Google Cloud project}" "${REGION:?a region, e.g. us-east1}"
batch=${1:-$(dirname "$0")/batch.json}
url="https://dataproc.googleapis.com/v1/projects/$PROJECT/locations/$REGION/batches?batchId=warcmill-$(date +%Y%m%d-%H%M%S)"
if [ -n "${DRY_RUN:-}" ]; then
    printf 'POST %s\n' "$url"
    cat "$batch"
    exit
fi
# the token goes in by standard input, so that it does not show in the process list
printf 'header = "Authorization: Bearer %s"\n' "$(gcloud auth print-access-token)" |
    curl --fail-with-body --silent --show-error --config - --header 'Content-Type: application/json' \
        --data-binary "@$batch" "$url"
