#!/bin/sh
# A warcmill run on Dataflow. Builds the template once, then launches the driver's job:
#   deploy/dataflow/launch.sh template                      # needs the image, see deploy/README.md
#   deploy/dataflow/launch.sh run gs://B/warc.paths.gz gs://B/run [RECIPE]
# From: PROJECT, REGION, BUCKET, IMAGE (registry/warcmill-beam:0.1.0). DRY_RUN=1 prints the commands only.
set -eu

: "${PROJECT:?the Google Cloud project}" "${REGION:?a Dataflow region, e.g. us-east1}"
: "${BUCKET:?a bucket name without gs://}" "${IMAGE:?the Beam image, see deploy/README.md}"
MACHINE=${MACHINE:-n2d-standard-16}
WORKERS=${WORKERS:-100}
template="gs://$BUCKET/templates/warcmill.json"
here=$(dirname "$0")

do_it() { if [ -n "${DRY_RUN:-}" ]; then printf '%s\n' "$*"; else "$@"; fi; }

case "${1:-}" in
template)
    do_it gcloud dataflow flex-template build "$template" --project "$PROJECT" --image "$IMAGE" \
        --sdk-language PYTHON --metadata-file "$here/flex-template.json"
    ;;
run)
    [ $# -ge 3 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
    children="--runner=DataflowRunner,--project=$PROJECT,--region=$REGION,--temp_location=gs://$BUCKET/tmp"
    children="$children,--sdk_container_image=$IMAGE,--sdk_location=container,--machine_type=$MACHINE"
    children="$children,--max_num_workers=$WORKERS,--experiments=use_runner_v2"
    # ^;^ makes ; the separator of --parameters: the value of child_options holds commas
    do_it gcloud dataflow flex-template run "warcmill-$(date +%Y%m%d-%H%M%S)" --project "$PROJECT" --region "$REGION" \
        --template-file-gcs-location "$template" --max-workers 1 --worker-machine-type n2d-standard-4 \
        --parameters "^;^inputs=$2;output=$3;recipe=${4:-default};child_options=$children"
    ;;
*)
    sed -n '2,5s/^# //p' "$0" >&2
    exit 2
    ;;
esac
