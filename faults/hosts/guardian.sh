# The guardian of one fault on this host. In front of it stand the values of the fault, behind it what its kind does:
#   inject  puts it on (0, or `why` says what kept it from it)     here   whether it is on
#   off     takes it off: idempotent, by the values alone          tell   what can be measured of it
#   find    what speaks for or against it (reads only)
# For any POSIX shell, with coreutils or busybox. Not a word of it depends on gameday being reachable.
set -uf
umask 077
LC_ALL=C PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
why=''

as_root() {
  if [ -n "$sudo" ]; then sudo -n "$@" </dev/null; else "$@" </dev/null; fi
}

may_as_root() {
  [ -z "$sudo" ] || sudo -n -l "$@" </dev/null >/dev/null 2>&1 || echo "refused $*"
}

needs() {
  for tool in "$@"; do command -v "$tool" >/dev/null 2>&1 || echo "lacks $tool"; done
}

uptime_s() {
  read -r now _ </proc/uptime
  now=${now%.*}
}

# What /proc says of the process $1: its `state`, and in `ticks` when it began, which tells it from a later one.
look() {
  state='' ticks='' line=''
  { IFS= read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  # shellcheck disable=SC2086
  set -- ${line##*) }
  state=${1:-} ticks=${20:-}
}

alive() {
  look "$1" && [ -n "$2" ] && [ "$ticks" = "$2" ] && [ "$state" != Z ]
}

# The process that the file $1 names: `pid` and `began`.
named() {
  pid='' began=''
  { read -r pid began <"$1"; } 2>/dev/null
  [ -n "$pid" ] && [ -n "$began" ]
}

name_process() {
  look "$1" && echo "$1 $ticks" >"$2.new" && mv -f "$2.new" "$2"
}

end_named() {
  named "$1" && alive "$pid" "$began" && kill -KILL "$pid" 2>/dev/null
}

children() {
  set +f
  set -- child.*
  set -f
  [ -e "$1" ] || set --
  files=$*
}

# Start the role $1 as a child in a session of its own, and wait until it has said who it is.
start_child() {
  setsid sh ./guardian =gameday= "$@" </dev/null >/dev/null 2>&1 3<&- &
  tries=0
  until [ -e "child.$!" ]; do
    tries=$((tries + 1))
    [ "$tries" -le 60 ] && [ -d "/proc/$!" ] || return 1
    sleep 0.05
  done
}

all_children() {
  children
  [ -n "$files" ] || return 1
  for file in $files; do named "$file" && alive "$pid" "$began" || return 1; done
}

# Whether a child is to go on: its guardian lives, and the time is not over.
guarded() {
  named guard && alive "$pid" "$began" || return 1
  uptime_s
  [ "$now" -lt "$over" ]
}

end_children() {
  tries=0
  while :; do
    left=''
    children
    for file in $files; do end_named "$file" && left=$pid; done
    [ -n "$left" ] || return 0
    tries=$((tries + 1))
    [ "$tries" -le 40 ] || { why="process $left does not end"; return 1; }
    sleep 0.05
  done
}

# What comes on the channel: a beat, or the end of it, or silence for too long.
hear() {
  said=$(timeout "$lease_s" dd bs=512 count=1 2>/dev/null <&3) || return 1
  [ -n "$said" ]
}

start_second() {
  setsid sh ./guardian =gameday= second </dev/null >/dev/null 2>&1 3<&- &
  tries=0
  until named second && [ "$pid" = "$!" ]; do
    tries=$((tries + 1))
    [ "$tries" -le 60 ] || return 1
    sleep 0.05
  done
}

remove_folder() {
  cd /
  case $dir in /tmp/gameday-*) ;; *) return 1 ;; esac
  [ -d "$dir" ] && [ ! -L "$dir" ] && [ -O "$dir" ] || return 0
  set +f
  rm -f "$dir"/*
  set -f
  rmdir "$dir"
}

# Off, as often as it takes, for $1 seconds at most.
undo() {
  uptime_s
  until=$((now + $1))
  until off; do
    uptime_s
    [ "$now" -lt "$until" ] || return 1
    sleep 0.2
  done
}

role_guard() {
  trap '' HUP INT QUIT PIPE
  trap ending=yes TERM
  exec 3<&0 </dev/null
  ending=''
  uptime_s
  echo "$((now + limit_s))" >over || exit 9
  over=$((now + limit_s))
  name_process $$ guard || exit 9
  echo ready
  if hear && [ "${said%%[!go]*}" = go ] && start_second; then
    if inject; then
      echo on
      watch
    else
      echo "failed $why"
    fi
  fi
  if undo 20; then
    end_named second
    remove_folder
    echo undone
  else
    echo "left $why"
  fi 2>/dev/null
}

watch() {
  while hear; do
    case $ending$said in *yes* | *end*) return ;; esac
    uptime_s
    [ "$now" -lt "$over" ] || return
    { named second && alive "$pid" "$began"; } || start_second
    if here; then echo beat; else echo gone; fi 2>/dev/null
  done
}

# The guardian's own guardian: takes the fault off when that was killed, or stands still.
role_second() {
  trap '' HUP INT QUIT PIPE TERM
  named guard || exit 9
  first=$pid first_began=$began
  read -r over <over && name_process $$ second || exit 9
  while alive "$first" "$first_began"; do
    case $state in T | t) break ;; esac
    uptime_s
    [ "$now" -lt $((over + lease_s + 20)) ] || break
    sleep 0.5
  done
  alive "$first" "$first_began" && kill -KILL "$first"
  undo 60 && remove_folder
}

role_measure() {
  cd "$dir" 2>/dev/null || cd /
  named guard && alive "$pid" "$began" && echo 'guardian there'
  tell
  echo end
}

role_find() {
  needs setsid timeout dd mkdir mv rm rmdir sleep sed
  [ -r /proc/uptime ] && [ -r "/proc/$$/stat" ] || echo 'lacks /proc'
  [ -d /tmp ] && [ -w /tmp ] || echo 'lacks a /tmp that we may write to'
  set +f
  case $(sed -n 's/^ *KillUserProcesses *= *//p' /etc/systemd/logind.conf /etc/systemd/logind.conf.d/*.conf 2>/dev/null) in
    *yes* | *true* | *on* | *1*) echo 'logind ends' ;;
  esac
  set -f
  [ "$(id -u)" != 0 ] || echo root yes
  [ -z "${SSH_CONNECTION:-}" ] || echo "client ${SSH_CONNECTION%% *}"
  up=$$
  while [ "${up:-0}" -gt 1 ] && look "$up"; do
    # shellcheck disable=SC2086
    set -- ${line##*) }
    up=$2
    echo "above $up"
  done
  find
  echo end
}

# From outside, with the values of the undo record alone: in $1 seconds at most.
role_heal() {
  had=''
  if [ -d "$dir" ] && [ ! -L "$dir" ] && [ -O "$dir" ] && cd "$dir" 2>/dev/null; then
    end_named guard && had=' guardian'
    end_named second
  else
    cd /
  fi
  if undo "$1"; then
    remove_folder
    echo "healed$had"
  else
    echo "left $why"
  fi
}

main() {
  [ "${1:-}" = =gameday= ] && shift
  role=${1:-nothing}
  shift
  "role_$role" "$@"
}
