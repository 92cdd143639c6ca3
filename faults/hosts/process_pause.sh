each() {
  count=0
  for process in $processes; do
    alive "${process%:*}" "${process#*:}" && "$1" "${process%:*}" && count=$((count + 1))
  done
  [ "$count" -gt 0 ]
}

stop() { as_root kill -STOP "$1" 2>/dev/null; }
is_stopped() { [ "$state" = T ]; }
goes_on() { [ "$state" != T ]; }
go_on() { as_root kill -CONT "$1" 2>/dev/null; }
say() { echo "process $1 $state $ticks"; }

inject() {
  each stop || { why='none of its processes could be stopped: they have gone, or are not ours to stop'; return 1; }
  tries=0
  while each goes_on && [ "$tries" -lt 60 ]; do
    tries=$((tries + 1))
    sleep 0.05
  done
}

here() { each is_stopped; }

# Also to one that does not stand still yet: it takes back a stop that is still on its way.
off() {
  each go_on
  ! each is_stopped || { why="$count of its processes are still stopped"; return 1; }
}

tell() { each say; }

may_signal() {
  [ -n "$sudo" ] || kill -0 "$1" 2>/dev/null || echo "refused kill -STOP $1"
  may_as_root kill -STOP "$1"
  may_as_root kill -CONT "$1"
}

find() {
  [ -z "$sudo" ] || needs sudo
  each say
  each may_signal
}
