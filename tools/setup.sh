#!/usr/bin/env bash
# Installs what is missing: Debian packages of the sections of packages.txt that are asked for, and
# the JavaScript side.
#
#   setup.sh build page          what `make run` needs
#   setup.sh build page test     what `make test` needs
#   setup.sh --packages FILE SECTION...    another list of packages, of the same form
#
# Without apt, root or a network it says what it would have installed, and leaves it to the build to
# do with what is there. When nothing is missing it takes well under a second and asks nobody.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=packages.txt

warn() { printf 'setup: %s\n' "$*" >&2; }

# The packages of the sections named, one a line, without those whose command is there already.
wanted_packages() {
  local section="" line package provided
  while IFS= read -r line; do
    line=${line%%#*}
    read -r package provided _ <<<"$line" || true
    case $package in
      '') continue ;;
      '['*) section=${package//[][]/} && continue ;;
    esac
    [[ " $* " == *" $section "* ]] || continue
    provided=${provided//[()]/}
    if [[ -z $provided ]] || ! command -v "$provided" >/dev/null; then
      printf '%s\n' "$package"
    fi
  done <"$packages"
}

# Those of the packages given that dpkg doesn't know as installed. Without dpkg: none, since nobody
# can tell.
missing_packages() {
  command -v dpkg-query >/dev/null || return 0
  local installed package
  # dpkg-query fails when it knows nothing of one of them, which is no error here.
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
  for package in "$@"; do
    if ! grep -qxF "$package installed" <<<"$installed"; then
      printf '%s\n' "$package"
    fi
  done
}

# How to become root: nothing, or sudo. Fails when there is no way without a question that nobody
# would answer.
as_root() {
  if ((EUID == 0)); then
    "$@"
  elif [[ -t 0 ]]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

can_install() {
  command -v apt-get >/dev/null || return 1
  ((EUID == 0)) && return 0
  command -v sudo >/dev/null || return 1
  [[ -t 0 ]] || sudo -n true 2>/dev/null
}

# Debian starts a service that it installs: nginx, for one, would have the machine's port 80.
stop_services() {
  local package
  [[ -d /run/systemd/system ]] || return 0
  for package in "$@"; do
    if systemctl is-active --quiet "$package"; then
      as_root systemctl disable --quiet --now "$package" || warn "$package is running"
    fi
  done
}

install_packages() {
  local -a wanted missing
  mapfile -t wanted < <(wanted_packages "$@")
  ((${#wanted[@]} > 0)) || return 0
  if ! command -v dpkg-query >/dev/null; then
    warn "no dpkg here; building with what is there. On Debian 12 these would be wanted: ${wanted[*]}"
    return 0
  fi
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  ((${#missing[@]} > 0)) || return 0
  if ! can_install; then
    warn "missing, and neither root nor sudo to install them: ${missing[*]}"
    warn 'building with what is there'
    return 0
  fi
  printf 'setup: installing %s\n' "${missing[*]}"
  local -a apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
  as_root "${apt[@]}" update || warn 'apt-get update failed; trying with the lists that are there'
  if ! as_root "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; then
    warn "could not install: ${missing[*]}"
    warn 'building with what is there'
  fi
  stop_services "${missing[@]}"
}

# npm writes node_modules/.package-lock.json last, so it is the stamp of a whole installation.
install_node_modules() {
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    warn 'no node or no npm: the playground page and the end-to-end tests are left out'
    return 0
  fi
  [[ node_modules/.package-lock.json -nt package-lock.json ]] && return 0
  printf 'setup: npm ci\n'
  if ! npm ci --include=dev --no-progress --loglevel=error; then
    warn 'npm ci failed: the playground page and the end-to-end tests are left out'
  fi
}

if [[ ${1-} == --packages && $# -ge 2 ]]; then
  packages=$2
  shift 2
fi
if (($# == 0)); then
  warn 'usage: setup.sh SECTION... (sections of packages.txt)'
  exit 2
fi
install_packages "$@"
if [[ " $* " == *' page '* ]]; then
  install_node_modules
fi
