active() { systemctl is-active --quiet "$unit" </dev/null; }

inject() {
  as_root systemctl stop --no-block "$unit" 2>stop.says || {
    why=$(head -n 1 stop.says)
    return 1
  }
}

here() { ! active; }

off() {
  active && return
  as_root systemctl start --no-block "$unit" >/dev/null 2>&1 || { why="$unit can't be started"; return 1; }
  tries=0
  until active; do
    tries=$((tries + 1))
    [ "$tries" -le 10 ] || { why="$unit was started, and is not active yet"; return 1; }
    sleep 0.2
  done
}

show() {
  systemctl show "$@" </dev/null 2>/dev/null | while IFS='=' read -r key value; do echo "$key $value"; done
}

tell() { show -p LoadState -p ActiveState -p SubState -p MainPID "$unit"; }

find() {
  needs systemctl head
  [ -z "$sudo" ] || needs sudo
  tell
  show -p TriggeredBy "$unit"
  for other in $(systemctl show --value -p RequiredBy -p RequisiteOf -p BoundBy -p ConsistsOf "$unit" 2>/dev/null </dev/null); do
    systemctl is-active --quiet "$other" </dev/null && echo "with $other"
  done
  may_as_root systemctl stop --no-block "$unit"
  may_as_root systemctl start --no-block "$unit"
}
