#!/bin/sh
# Installs the servers that some tests talk to, where that can be done: as root, on Debian.
# Tests of a server that is not there are skipped, each with the reason.
set -u
missing=""
for pair in etcd:etcd-server etcdctl:etcd-client prometheus:prometheus \
  prometheus-node-exporter:prometheus-node-exporter go:golang-go chromium:chromium curl:curl openssl:openssl \
  promtool:prometheus; do
  command -v "${pair%%:*}" > /dev/null || missing="$missing ${pair##*:}"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
  echo "Some tests are skipped without these Debian packages:$missing"
  exit 0
fi
echo "Installing servers that tests talk to:$missing ..."
# A package must not start its service: tests start their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } < /dev/null > /dev/null 2>&1 \
  || echo "They could not be installed; their tests are skipped."
