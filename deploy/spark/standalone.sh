#!/bin/sh
# A Spark standalone cluster on this machine, from the pip package, for as long as one command runs:
#   deploy/spark/standalone.sh WORKERS COMMAND...
# The command finds the master in $SPARK_MASTER. All sockets are on loopback. Logs stay in a temporary folder,
# which is shown when something fails. Needs Java 17. PYTHON names the interpreter that has pyspark.
# WORKER_CORES and WORKER_MEMORY are those of each worker, else 1 and 1g.
set -eu

PYTHON=${PYTHON:-python3}
[ $# -ge 2 ] || { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }
workers=$1
shift
command -v "${JAVA_HOME:+$JAVA_HOME/bin/}java" >/dev/null 2>&1 || {
    echo "standalone.sh: no Java; apt-get install openjdk-17-jre-headless, or set JAVA_HOME" >&2
    exit 1
}
SPARK_HOME=$("$PYTHON" -c 'import pathlib, pyspark; print(pathlib.Path(pyspark.__file__).parent)') || {
    echo "standalone.sh: $PYTHON has no pyspark; make setup-dev" >&2
    exit 1
}
port=$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
folder=$(mktemp -d)
export SPARK_HOME SPARK_LOCAL_IP=127.0.0.1 SPARK_DAEMON_MEMORY=256m SPARK_MASTER="spark://127.0.0.1:$port"
pids=

stop() {
    status=$?
    trap - EXIT INT TERM
    # shellcheck disable=SC2086 # one word per process
    [ -z "$pids" ] || { kill $pids 2>/dev/null || true; wait $pids 2>/dev/null || true; }  # some may be gone
    rm -rf "$folder"
    exit "$status"
}
trap stop EXIT INT TERM

start() { # NAME CLASS ARGUMENTS...: spark-class becomes the JVM, so $! is the JVM
    name=$1
    shift
    "$SPARK_HOME/bin/spark-class" "$@" >"$folder/$name.log" 2>&1 &
    pids="$pids $!"
}

wait_for() { # TEXT COUNT: lines in the master's log, within five minutes
    tries=0
    until [ "$(grep -c "$1" "$folder/master.log")" -ge "$2" ]; do
        tries=$((tries + 1))
        [ $tries -le 3000 ] || fail "the cluster did not come up within five minutes"
        for pid in $pids; do
            kill -0 "$pid" 2>/dev/null || fail "a part of the cluster ended as it came up"
        done
        sleep 0.1
    done
}

fail() {
    tail -n 20 "$folder"/*.log >&2
    echo "standalone.sh: $1" >&2
    exit 1
}

start master org.apache.spark.deploy.master.Master --host 127.0.0.1 --port "$port" --webui-port 0
wait_for "New state: ALIVE" 1
number=0
while [ $number -lt "$workers" ]; do
    number=$((number + 1))
    start "worker-$number" org.apache.spark.deploy.worker.Worker --host 127.0.0.1 --webui-port 0 \
        --cores "${WORKER_CORES:-1}" --memory "${WORKER_MEMORY:-1g}" --work-dir "$folder/work" "$SPARK_MASTER"
done
wait_for "Registering worker" "$workers"
echo "Spark master at $SPARK_MASTER with $workers workers" >&2
"$@"
